//! What probes know of a target, as plain data.

use serde::{Deserialize, Serialize};

use super::millis;
use crate::base::Now;
use crate::health::{Machine, Outcome, Probe};

/// What probes know of a target by now. Times are seconds since 1970-01-01 UTC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProbeFacts {
    /// `up`, `down` or `unknown`.
    pub verdict: String,
    /// Since when.
    pub since: u64,
    /// Why the last probe that failed did.
    pub reason: Option<String>,
    /// How many probes in a row have failed.
    pub failures: u32,
    /// How many probes in a row have succeeded.
    pub successes: u32,
    /// The node's own trouble, if the last probe met one.
    pub trouble: Option<String>,
    /// Smoothed latency.
    pub latency_ms: Option<f64>,
    /// When the certificate of the last success expires.
    pub certificate_expiry: Option<u64>,
    /// The last probes, newest first.
    pub recent: Vec<ProbeRun>,
}

/// One probe that was run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProbeRun {
    /// When it started.
    pub started: u64,
    /// How long an answer took; none for a failure.
    pub latency_ms: Option<f64>,
    /// Why it failed; none for a success.
    pub failure: Option<String>,
}

impl ProbeFacts {
    /// What a machine knows.
    #[must_use]
    pub fn of(machine: &Machine, now: Now) -> Self {
        let mut recent: Vec<ProbeRun> = machine.recent().map(ProbeRun::of).collect();
        recent.reverse();
        Self {
            verdict: machine.verdict().to_string(),
            since: machine.since().wall.min(now.wall),
            reason: machine.reason().map(ToString::to_string),
            failures: machine.failures(),
            successes: machine.successes(),
            trouble: machine.trouble().map(str::to_owned),
            latency_ms: machine.latency().published().map(millis),
            certificate_expiry: machine.certificate_expiry(),
            recent,
        }
    }
}

impl ProbeRun {
    fn of(probe: &Probe) -> Self {
        let (latency_ms, failure) = match &probe.outcome {
            Outcome::Success { latency, .. } => (Some(millis(*latency)), None),
            Outcome::Failure(reason) => (None, Some(reason.to_string())),
            Outcome::OwnTrouble(text) => (None, Some(format!("no verdict, the node's own trouble: {text}"))),
        };
        Self { started: probe.started.wall, latency_ms, failure }
    }
}
