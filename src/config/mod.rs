//! Configuration: TOML lowered into the types of the rooms below, with every mistake reported at its place.
//!
//! `table` reads tables key by key and knows which keys were asked for, so that unknown ones are found. `main_file` is
//! `windrose.toml`; `steering` collects shared files and the steering file of each zone, section by section (`check`,
//! `pool`, `policy`, `name`), and resolves references as it goes. [`report`] renders diagnostics for people.
//!
//! Pure: files come as [`Sources`](crate::base::Sources), certificates through a function that the caller gives.

mod check;
mod main_file;
mod name;
mod policy;
mod pool;
pub mod report;
mod steering;
mod table;
mod values;
mod zone_view;

#[cfg(test)]
mod tests;

pub use main_file::{Main, Server, ZoneEntry, main_file};
pub use steering::{ReadPem, SteeringBuilder};
pub use values::parse_duration;
pub use zone_view::ZoneView;
