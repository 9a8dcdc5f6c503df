//! Windrose: an authoritative DNS server that gives each client the healthiest nearby CDN edge or origin cluster.
//!
//! The house, ground floor first; a room imports only from lower floors:
//!
//! * [`base`]: ids, units, diagnostics, the prefix map
//! * [`wire`]: DNS messages as bytes
//! * [`zone`]: master files and compiled zones; [`geo`]: where an address is
//! * [`health`]: rise and fall, verdicts, the board
//! * [`steer`]: estimates, catchments, decisions, plans
//! * [`config`]: TOML into the types above, with every mistake reported at its place
//! * [`snapshot`]: the one immutable thing that queries are answered from
//! * [`answer`]: query bytes in, response bytes out
//! * [`net`]: sockets; [`probe`]: health probes
//! * [`control`]: loads, builds, publishes
//! * [`admin`]: the HTTP API and metrics
//! * [`demo`]: origins to be stopped and broken at will
//! * [`cli`]: one file a command; wires it all
//!
//! A packet's way: `net` reads it, [`answer::respond`] makes of it and of the newest [`snapshot::Snapshot`] a response,
//! `net` sends that. From `base` to `answer` nothing knows a socket, a clock, async, files or logs.

pub mod admin;
pub mod answer;
pub mod base;
pub mod cli;
pub mod config;
pub mod control;
#[cfg(feature = "demo")]
pub mod demo;
pub mod geo;
pub mod health;
pub mod net;
pub mod probe;
pub mod snapshot;
pub mod steer;
pub mod wire;
pub mod zone;
