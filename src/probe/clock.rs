//! The clock of the control side: what the time is, and when a point in time comes.

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::base::{Mono, Now};

/// The epoch lies this long before the first reading (a week), so that what a saved state tells of the time before the
/// process started still has its place on the monotonic clock.
const HEAD_START: Duration = Duration::from_hours(24 * 7);

/// When the clock was first read.
static FIRST_READ: LazyLock<Instant> = LazyLock::new(Instant::now);

/// What the time is.
#[must_use]
pub fn now() -> Now {
    let mono = Mono(0).after(HEAD_START).after(FIRST_READ.elapsed());
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Now { wall, mono }
}

/// When that point comes, for tokio's timers.
#[must_use]
pub fn instant(at: Mono) -> tokio::time::Instant {
    (*FIRST_READ + at.since(Mono(0).after(HEAD_START))).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_where_now_was() {
        let (before, now, after) = (Instant::now(), now(), Instant::now());
        let instant = instant(now.mono).into_std();
        assert!(instant + Duration::from_millis(1) >= before && instant <= after);
        assert!(now.wall > 1_700_000_000 && now.mono >= Mono(7 * 86_400_000));
    }
}
