//! Units: seconds of TTL, milliseconds of latency, points in time.

use std::time::Duration;

/// A TTL in seconds, at most 2^31 − 1 (RFC 2181 §8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ttl(u32);

impl Ttl {
    /// The longest TTL there is.
    pub const MAX: Self = Self(i32::MAX as u32);
    /// Zero seconds.
    pub const ZERO: Self = Self(0);

    /// A TTL of that many seconds; a value with the top bit set counts as zero (RFC 2181 §8).
    #[must_use]
    pub const fn from_secs(secs: u32) -> Self {
        if secs > Self::MAX.0 { Self::ZERO } else { Self(secs) }
    }

    /// Seconds.
    #[must_use]
    pub const fn secs(self) -> u32 {
        self.0
    }

    /// Milliseconds.
    #[must_use]
    pub const fn millis(self) -> u64 {
        self.0 as u64 * 1000
    }
}

/// A latency in milliseconds, measured or estimated.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Millis(pub f32);

impl From<Duration> for Millis {
    fn from(duration: Duration) -> Self {
        Self(duration.as_secs_f32() * 1e3)
    }
}

/// A point on the monotonic clock: milliseconds since the process's own epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mono(pub u64);

impl Mono {
    /// How long after `earlier` this is; zero if it is not.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// The point that long after this one.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)))
    }
}

/// What the time is, read once a batch by whoever owns the socket or the timer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Seconds since 1970-01-01 UTC.
    pub wall: u64,
    /// Milliseconds since the process's epoch.
    pub mono: Mono,
}
