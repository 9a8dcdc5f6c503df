//! The control plane: loads, watches the board, builds snapshots and publishes them, one pointer at a time.
//!
//! A task waits for what the poller reports. A changed verdict is published within milliseconds, several at once
//! together; changes of latency alone at most once a second. A reload builds everything anew in the background and
//! replaces what is served only when it is whole and its new targets have been tried.

#![allow(clippy::disallowed_methods, reason = "control reads the clock")]

mod among;
mod certificates;
mod changes;
mod cookies;
pub mod explain;
mod failover;
mod files;
mod handle;
mod load;
mod publish;
mod report;
mod shown;
mod state;
mod tallies;
mod watch;

pub use certificates::Certificates;
pub use files::Files;
pub use handle::{Handle, History, ReloadRequest, Reloaded, Serving};
pub use load::{Before, Setup, load, load_after, load_zone};
pub use publish::{Built, Control};
pub use report::Report;
pub use shown::{reason, shown};
pub use tallies::{Sums, Tallies};
pub use watch::Watch;
