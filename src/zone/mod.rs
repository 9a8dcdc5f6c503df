//! Zones: from the text of a master file (RFC 1035 §5) to the compiled form that queries are looked up in.
//!
//! [`parse`] reads a file (`lexer` → `master`, `directives`, `head` → `rdata`), reports every mistake it finds with its place, and puts what
//! it could read into a [`ZoneBuilder`] (`builder`). Whoever knows which names are steered tells the builder, and
//! [`ZoneBuilder::finish`] (`compile`, `checks`) checks the zone as a whole and lays it out as a [`Zone`] (`compiled`):
//! flat arenas, nodes in canonical order, a hash from name to node. [`Zone::find`] is the part of RFC 1034 §4.3.2 that
//! walks the tree.
//!
//! What a record type looks like is said once, in the table of `layout`, whose kinds of fields are in `fields`; reading
//! text, checking octets, comparing, printing ([`RdataText`], `print`) and finding hosts ([`targets`]) all follow it.
//!
//! Deliberately absent: files (the caller's [`Loader`] fetches what `$INCLUDE` names), answers (which section a record
//! goes to, CNAME and DNAME chains, glue), signing.

mod builder;
mod checks;
mod compile;
mod compiled;
mod directives;
mod fields;
mod generate;
mod head;
mod layout;
mod lexer;
mod master;
mod names;
mod print;
mod rdata;
mod text;

#[cfg(test)]
mod tests;

pub use builder::ZoneBuilder;
pub use compiled::{Found, Node, Rdatas, RrSet, Zone};
pub use layout::{is_valid, targets};
pub use master::{Loader, parse};
pub use print::RdataText;
pub use rdata::name_remedy;
