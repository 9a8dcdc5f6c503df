//! The board: what is known of every target at one moment, as a plan reads it.

use std::fmt;

use crate::base::{IdVec, Millis, Mono, TargetId};

/// What rise and fall make of probes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Not probed yet.
    #[default]
    Unknown,
    /// Answers as expected.
    Up,
    /// Does not.
    Down,
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Unknown => "unknown",
            Self::Up => "up",
            Self::Down => "down",
        })
    }
}

/// What an operator forces on a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Forced {
    /// Counts as up whatever probes say.
    Up,
    /// Counts as down whatever probes say.
    Down,
    /// Takes no new clients.
    Drained,
}

/// One target as a plan sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TargetView {
    /// What probes say.
    pub verdict: Verdict,
    /// What an operator says; it outranks the verdict.
    pub forced: Option<Forced>,
    /// Smoothed latency, held still by hysteresis; none where nothing is measured.
    pub latency: Option<Millis>,
    /// How far latency stands above its own floor, in coarse steps: 0, 10, 25 or 50 ms.
    pub slowness: Millis,
    /// When a probe failed last.
    pub last_failure: Option<Mono>,
}

impl TargetView {
    /// A target that nothing probes.
    #[must_use]
    pub const fn unprobed() -> Self {
        Self { verdict: Verdict::Up, forced: None, latency: None, slowness: Millis(0.0), last_failure: None }
    }
}

/// Every target of a snapshot.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Board {
    /// The targets.
    pub targets: IdVec<TargetId, TargetView>,
}
