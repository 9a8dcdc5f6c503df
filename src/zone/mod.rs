//! Zones: master files read with positions, and the compiled form that queries are looked up in.
//!
//! `lexer` cuts a file into entries of tokens, `rdata` knows the fields of every type (text to wire, wire to text, and
//! what wire is valid), `master` makes records of entries and feeds [`ZoneBuilder`], which checks them and compiles
//! [`Zone`]. Files come through a loader that the caller gives, so nothing here knows a file system.

mod builder;
mod compiled;
mod lexer;
mod master;
mod rdata;

#[cfg(test)]
mod tests;

pub use builder::ZoneBuilder;
pub use compiled::{Found, Node, RrSet, Zone};
pub use master::{Loader, parse};
pub use rdata::{print_rdata, validate};
