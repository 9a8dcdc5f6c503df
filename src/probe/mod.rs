//! Probes: asks every target how it is, over real sockets.
//!
//! A [`Poller`] keeps one light task a target, which waits, probes, feeds [`Machine`](crate::health::Machine) and tells
//! the control side what changed, as an [`Event`]. Each kind of check has a file: `tcp`, and `http` for both http and
//! https, over the shared clients of `client`. `reason` makes outcomes of errors. [`clock`] is the clock of the whole
//! control side; verdicts themselves are made without it, in `health`.
//!
//! Deliberately absent: DNS (a target is an address), proxies, redirects, connection reuse and resumed handshakes, all of
//! which would let a probe succeed where a new client fails.

#![allow(clippy::disallowed_methods, reason = "probes read the clock")]

mod client;
pub mod clock;
mod http;
mod poller;
mod reason;
mod target;
mod tcp;
#[cfg(all(test, feature = "demo"))]
mod tests;

pub use poller::Poller;

use crate::health::{ProbeKey, Verdict};

/// How the poller runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How many probes may run at once. Each holds a socket, so this also bounds descriptors; fewer than the targets that
    /// can hang at once (targets × timeout / interval) makes verdicts late.
    pub concurrency: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { concurrency: 512 }
    }
}

/// Something that a plan may depend on has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The target. It may have vanished by the time this is read.
    pub key: ProbeKey,
    /// What changed.
    pub change: Change,
}

/// What changed about a target; the view already shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The verdict, and perhaps more.
    Verdict {
        /// Before.
        from: Verdict,
        /// Now.
        to: Verdict,
    },
    /// An up target failed a probe: its verdict stands, and it is not settled any more.
    Unsettled,
    /// The published latency or the slowness.
    Latency,
}
