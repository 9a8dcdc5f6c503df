//! What of a target outlives the process: a twin of [`Machine`] that can be written down.

use std::hash::{Hash, Hasher};
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::latency::Latency;
use super::{Machine, ProbeKey, Reason, Verdict};
use crate::base::{Millis, Mono, Now};

/// A saved state older than this many seconds says nothing of now: its verdict is dropped (ten minutes).
const FRESH_SECS: u64 = 600;

/// One target and its state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedTarget {
    /// Where.
    pub address: IpAddr,
    /// At which port.
    pub port: u16,
    /// The check, as a [`fingerprint`](ProbeKey::fingerprint).
    pub check: String,
    /// What was known.
    #[serde(flatten)]
    pub state: Saved,
}

/// The state of one target. Times are seconds since 1970-01-01 UTC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Saved {
    /// What probes said.
    pub verdict: SavedVerdict,
    /// Since when.
    pub since: u64,
    /// When a probe failed last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<u64>,
    /// And why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<SavedReason>,
    /// Smoothed latency and its floor, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<(f32, f32)>,
    /// When this was saved.
    pub saved_at: u64,
}

/// Twin of [`Verdict`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "see Verdict")]
pub enum SavedVerdict {
    Unknown,
    Up,
    Down,
}

/// Twin of [`Reason`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedReason {
    /// [`Reason::as_str`].
    pub code: String,
    /// [`Reason::detail`].
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

impl Machine {
    /// What to write down.
    #[must_use]
    pub fn save(&self, now: Now) -> Saved {
        let latency = self.latency.smoothed().zip(self.latency.floor());
        Saved {
            verdict: self.verdict.into(),
            since: self.since.wall,
            last_failure: self.last_failure.map(|at| now.wall.saturating_sub(now.mono.since(at).as_secs())),
            reason: self.reason.as_ref().map(SavedReason::from),
            latency: latency.map(|(smoothed, floor)| (smoothed.0, floor.0)),
            saved_at: now.wall,
        }
    }

    /// The target as it was written down; of an old state only the last failure is kept.
    #[must_use]
    pub fn restore(saved: &Saved, now: Now) -> Self {
        let mut machine = Self::new(now);
        machine.last_failure = saved.last_failure.map(|at| mono_of(at, now));
        machine.reason = saved.reason.as_ref().map(Reason::from);
        // a clock that was set back must not make an old state young
        if now.wall.abs_diff(saved.saved_at) < FRESH_SECS {
            machine.tried = saved.verdict != SavedVerdict::Unknown;
            machine.verdict = saved.verdict.into();
            machine.since = Now { wall: saved.since, mono: mono_of(saved.since, now) };
            if let Some((smoothed, floor)) =
                saved.latency.filter(|latency| latency.0.is_finite() && latency.1.is_finite())
            {
                machine.latency = Latency::resume(Millis(smoothed), Millis(floor), now.mono);
            }
        }
        machine
    }
}

impl ProbeKey {
    /// The check as a number that outlives the process (FNV-1a); a new version may number checks anew.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
        self.check.hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }

    /// This target with its state.
    #[must_use]
    pub fn saved(&self, state: Saved) -> SavedTarget {
        SavedTarget { address: self.addr, port: self.port, check: self.fingerprint(), state }
    }
}

/// When a wall time was, on the monotonic clock; the start of that clock if it was before.
fn mono_of(wall: u64, now: Now) -> Mono {
    let ago = now.wall.saturating_sub(wall).saturating_mul(1000);
    Mono(now.mono.0.saturating_sub(ago))
}

impl From<Verdict> for SavedVerdict {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Unknown => Self::Unknown,
            Verdict::Up => Self::Up,
            Verdict::Down => Self::Down,
        }
    }
}

impl From<SavedVerdict> for Verdict {
    fn from(verdict: SavedVerdict) -> Self {
        match verdict {
            SavedVerdict::Unknown => Self::Unknown,
            SavedVerdict::Up => Self::Up,
            SavedVerdict::Down => Self::Down,
        }
    }
}

impl From<&Reason> for SavedReason {
    fn from(reason: &Reason) -> Self {
        Self { code: reason.as_str().to_owned(), detail: reason.detail() }
    }
}

impl From<&SavedReason> for Reason {
    fn from(saved: &SavedReason) -> Self {
        Self::from_parts(&saved.code, &saved.detail)
    }
}

/// A hash that, unlike std's, is the same in every process.
struct Fnv(u64);

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::health::{Check, CheckKind, Outcome};

    const fn now(wall: u64, mono: u64) -> Now {
        Now { wall, mono: Mono(mono) }
    }

    fn check(fall: u32) -> Check {
        let (interval, timeout, recheck) = (Duration::from_secs(5), Duration::from_secs(2), Duration::from_millis(500));
        Check { kind: CheckKind::Tcp, interval, timeout, fall, rise: 2, recheck }
    }

    /// A target that was up and then failed for good, saved at wall second 1030.
    fn saved() -> Saved {
        let mut machine = Machine::new(now(1000, 0));
        let success = Outcome::Success { latency: Millis(12.0), certificate_expiry: None };
        machine.apply(&check(1), success, now(1000, 0), now(1000, 12));
        machine.apply(&check(1), Outcome::Failure(Reason::Status(503)), now(1010, 10_000), now(1010, 10_100));
        machine.save(now(1030, 30_100))
    }

    #[test]
    fn a_fresh_state_comes_back_whole() {
        let json = serde_json::to_string(&saved()).expect("plain data");
        let saved: Saved = serde_json::from_str(&json).expect("what was written");
        let machine = Machine::restore(&saved, now(1200, 1_000_000));
        assert_eq!((machine.verdict(), machine.is_tried()), (Verdict::Down, true));
        assert_eq!(machine.since(), now(1010, 810_000));
        assert_eq!(machine.reason(), Some(&Reason::Status(503)));
        assert_eq!(machine.view().last_failure, Some(Mono(810_000)));
        assert_eq!(machine.view().latency, Some(Millis(12.0)));
        assert_eq!(Machine::restore(&saved, now(1200, 0)).view().last_failure, Some(Mono(0)));
    }

    #[test]
    fn an_old_state_is_no_verdict() {
        let machine = Machine::restore(&saved(), now(1630, 10_000_000));
        assert_eq!((machine.verdict(), machine.is_tried()), (Verdict::Unknown, false));
        assert_eq!(machine.view().last_failure, Some(Mono(9_380_000)));
    }

    #[test]
    fn equal_checks_have_equal_fingerprints() {
        let key = |fall, port| ProbeKey::new(Arc::new(check(fall)), [127, 0, 0, 1].into(), port);
        assert_eq!(key(2, 443).fingerprint(), key(2, 80).fingerprint());
        assert_ne!(key(2, 443).fingerprint(), key(3, 443).fingerprint());
        let written = serde_json::to_value(key(2, 443).saved(saved())).expect("plain data");
        assert_eq!(written["verdict"], "down");
        assert_eq!(serde_json::from_value::<SavedTarget>(written).expect("what was written").port, 443);
    }
}
