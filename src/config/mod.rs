//! Configuration: TOML text becomes the main file's settings and the steering of all zones.
//!
//! Every file is read to its end and every mistake is reported, each at its place and with what to do about it. The
//! text is lowered by hand from tables with spans (`table`), which recover from syntax errors; `syntax` says these in
//! plain words, with `brackets` for what is never closed, and `remedies` what to write instead. Nothing here opens a
//! file: texts come through [`Sources`](crate::base::Sources), and what a file names is read by closures.
//!
//! [`main_file()`] is one file. [`SteeringBuilder`] takes shared files, then one file a zone with a [`ZoneView`] of its
//! static records, and ends in a [`Steering`](crate::steer::Steering) in which every reference is resolved: `checks`,
//! `pools`, `policies` and `names` each read one kind of thing (`neighbours`: whether a zone has room for a name),
//! `policy_warnings` is what may not be meant, `cookies` the secrets of cookies, `demands` what rules need of the geo databases, and
//! `scope` says who sees what. [`report`] shows findings. What the keys mean is not decided here.

mod brackets;
mod build;
mod checks;
mod cookies;
mod demands;
mod identity;
mod listen;
mod main_file;
mod names;
mod neighbours;
mod policies;
mod policy_warnings;
mod pools;
mod rate_limit;
mod remedies;
pub mod report;
mod scope;
mod steering;
mod suggest;
mod syntax;
mod table;
mod tcp;
mod ttl;
mod values;
mod zone_view;

#[cfg(test)]
mod tests;

pub use cookies::{Cookies, cookie_secrets};
pub use listen::{Listener, Protocol};
pub use main_file::{Admin, Host, Main, Server, TlsEntry, UdpMode, ZoneEntry, main_file};
pub use rate_limit::RateLimit;
pub use steering::SteeringBuilder;
pub use tcp::Tcp;
pub use values::{DurationError, parse_duration};
pub use zone_view::ZoneView;
