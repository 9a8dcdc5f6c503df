//! The rise and fall machine: what outcomes of probes make of one target, and when the next probe starts.
//!
//! Time is an argument everywhere: the same outcomes at the same times make the same target.

use std::collections::VecDeque;

use super::latency::Latency;
use super::{Check, Outcome, Reason, TargetView, Verdict};
use crate::base::{Mono, Now};

/// How many probes are remembered for display.
const RECENT: usize = 8;

/// Everything known of one target.
#[derive(Clone, Debug, PartialEq)]
pub struct Machine {
    pub(super) verdict: Verdict,
    pub(super) since: Now,
    pub(super) failures: u32,
    pub(super) successes: u32,
    pub(super) last_failure: Option<Mono>,
    pub(super) reason: Option<Reason>,
    pub(super) latency: Latency,
    pub(super) tried: bool,
    certificate_expiry: Option<u64>,
    trouble: Option<String>,
    recent: VecDeque<Probe>,
}

/// One probe that was run.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// When it started.
    pub started: Now,
    /// What it ended in.
    pub outcome: Outcome,
}

/// What an outcome changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// The verdicts before and after, where they differ.
    pub verdict_changed: Option<(Verdict, Verdict)>,
    /// Whether the published latency or the slowness changed.
    pub latency_changed: bool,
    /// Whether an up target has failed a probe: it is not settled any more, even where the verdict stands.
    pub unsettled: bool,
}

impl Machine {
    /// A target that was never probed.
    #[must_use]
    pub fn new(now: Now) -> Self {
        Self {
            verdict: Verdict::Unknown,
            since: now,
            failures: 0,
            successes: 0,
            last_failure: None,
            reason: None,
            latency: Latency::default(),
            tried: false,
            certificate_expiry: None,
            trouble: None,
            recent: VecDeque::new(),
        }
    }

    /// Takes the outcome of a probe.
    pub fn apply(&mut self, check: &Check, outcome: Outcome, started: Now, ended: Now) -> Applied {
        self.tried = true;
        self.trouble = None;
        self.remember(Probe { started, outcome: outcome.clone() });
        match outcome {
            Outcome::Success { latency, certificate_expiry } => {
                self.certificate_expiry = certificate_expiry;
                let latency_changed = self.latency.record(latency, ended.mono);
                Applied { verdict_changed: self.succeeded(check, ended), latency_changed, unsettled: false }
            }
            Outcome::Failure(reason) => {
                let unsettled = self.verdict == Verdict::Up;
                self.reason = Some(reason);
                Applied { verdict_changed: self.failed(check, ended), latency_changed: false, unsettled }
            }
            Outcome::OwnTrouble(text) => {
                self.trouble = Some(text);
                Applied::default()
            }
        }
    }

    /// When the next probe starts, after one that ran from `started` to `ended`.
    #[must_use]
    pub fn next_start(&self, check: &Check, started: Mono, ended: Mono) -> Mono {
        if self.is_doubted(check) { ended.after(check.recheck) } else { started.after(check.interval).max(ended) }
    }

    /// What a plan sees.
    #[must_use]
    pub fn view(&self) -> TargetView {
        TargetView {
            verdict: self.verdict,
            forced: None,
            latency: self.latency.published(),
            slowness: self.latency.slowness(),
            last_failure: self.last_failure,
        }
    }

    /// Whether there is a verdict, a recent saved state, or a probe that met the node's own trouble.
    #[must_use]
    pub const fn is_tried(&self) -> bool {
        self.tried
    }

    /// What probes say.
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// Since when they say so.
    #[must_use]
    pub const fn since(&self) -> Now {
        self.since
    }

    /// How many probes in a row have failed.
    #[must_use]
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// How many probes in a row have succeeded.
    #[must_use]
    pub const fn successes(&self) -> u32 {
        self.successes
    }

    /// Why the last probe that failed did.
    #[must_use]
    pub const fn reason(&self) -> Option<&Reason> {
        self.reason.as_ref()
    }

    /// The node's own trouble, if the last probe met one.
    #[must_use]
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// When the certificate of the last success expires, in seconds since 1970-01-01 UTC.
    #[must_use]
    pub const fn certificate_expiry(&self) -> Option<u64> {
        self.certificate_expiry
    }

    /// The latency behind the view.
    #[must_use]
    pub const fn latency(&self) -> &Latency {
        &self.latency
    }

    /// The last probes, oldest first.
    pub fn recent(&self) -> impl ExactSizeIterator<Item = &Probe> {
        self.recent.iter()
    }

    /// Whether an up target has just failed, and not often enough yet.
    fn is_doubted(&self, check: &Check) -> bool {
        self.verdict == Verdict::Up && (1..check.fall).contains(&self.failures) && self.trouble.is_none()
    }

    fn succeeded(&mut self, check: &Check, at: Now) -> Option<(Verdict, Verdict)> {
        self.failures = 0;
        self.successes = self.successes.saturating_add(1);
        let risen = match self.verdict {
            Verdict::Unknown => true,
            Verdict::Up => false,
            Verdict::Down => self.successes >= check.rise,
        };
        risen.then(|| self.turn(Verdict::Up, at))
    }

    fn failed(&mut self, check: &Check, at: Now) -> Option<(Verdict, Verdict)> {
        self.successes = 0;
        self.failures = self.failures.saturating_add(1);
        self.last_failure = Some(at.mono);
        let fallen = match self.verdict {
            Verdict::Unknown => true,
            Verdict::Up => self.failures >= check.fall,
            Verdict::Down => false,
        };
        fallen.then(|| self.turn(Verdict::Down, at))
    }

    fn turn(&mut self, verdict: Verdict, at: Now) -> (Verdict, Verdict) {
        self.since = at;
        (std::mem::replace(&mut self.verdict, verdict), verdict)
    }

    fn remember(&mut self, probe: Probe) {
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(probe);
    }
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
