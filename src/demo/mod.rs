//! What `windrose demo` is made of: real HTTPS origins on loopback addresses, to be stopped, broken and started again
//! at will, and a configuration that has them probed.
//!
//! * [`ca`]: a throw-away certificate authority, and certificates with flaws
//! * [`origin`]: one endpoint's HTTPS server and its modes; [`fleet`]: the origins of all endpoints
//! * [`sites`]: which endpoints the shipped steering file has probed by https, and the address of each one's origin
//! * [`prepare`]: the shipped files in a folder, with few printed substitutions; [`edit`]: those, made in the text
//! * [`script`]: what may be done to the origins, as text
//! * [`table`]: regions and endpoints for a terminal; [`dig`]: queries to try, for clients of several countries
//!
//! In order: [`Shipped::embedded`], [`find_sites`], [`DemoCa::new`], [`Fleet::start`], [`Prepared::write`], then the
//! same code as `serve` on [`Prepared::config`]. That, the terminal and the clock are the command's, in `cli`.

pub mod ca;
pub mod dig;
pub mod edit;
pub mod fleet;
pub mod origin;
pub mod prepare;
pub mod script;
pub mod sites;
pub mod table;

#[cfg(test)]
mod tests;

pub use ca::{CaError, DemoCa};
pub use dig::dig_lines;
pub use fleet::{Fleet, FleetError, free_dns_address};
pub use origin::{HostTls, Mode, Origin};
pub use prepare::{PrepareError, Prepared, Settings, Shipped, Substitution};
pub use script::{Command, Names, ScriptError, What, parse_script};
pub use sites::{Site, SitesError, find_sites};
pub use table::{Row, render};
