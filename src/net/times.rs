//! How long batches of datagrams take, from when the kernel has handed them over until it has taken the responses. One batch
//! of many is timed, so that the clock costs next to nothing.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::base::{Counter, Padded};

/// One batch of so many is timed.
const SAMPLED: u32 = 64;

/// Upper ends of the ranges that are told apart, in microseconds.
const BOUNDS: [u64; 12] = [5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 20_000, 100_000];

/// What the threads noted, ended ones included.
#[derive(Debug, Default)]
pub(super) struct Times(Mutex<Vec<Arc<Padded<Noted>>>>);

/// What one thread noted.
#[derive(Debug, Default)]
struct Noted {
    /// Batches by how long they took; the last ones longer than any bound.
    ranges: [Counter; BOUNDS.len() + 1],
    nanos: Counter,
}

/// Times the batches of one thread.
pub(super) struct Stopwatch {
    noted: Arc<Padded<Noted>>,
    batches: u32,
}

/// How long batches took that were timed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BatchTimes {
    /// The upper end of each range in seconds, rising, and how many batches took no longer and longer than the one before.
    /// The last end is infinite.
    pub ranges: Vec<(f64, u64)>,
    /// The seconds of all of them.
    pub seconds: f64,
}

impl Times {
    /// For one more thread.
    pub(super) fn stopwatch(&self) -> Stopwatch {
        let noted = Arc::<Padded<Noted>>::default();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&noted));
        Stopwatch { noted, batches: 0 }
    }

    /// The sums over all threads.
    pub(super) fn sums(&self) -> BatchTimes {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ends = BOUNDS.map(|micros| micros as f64 / 1e6).into_iter().chain([f64::INFINITY]);
        let sum = |at: usize| all.iter().map(|noted| noted.ranges[at].get()).sum();
        let nanos: u64 = all.iter().map(|noted| noted.nanos.get()).sum();
        BatchTimes { ranges: ends.enumerate().map(|(at, end)| (end, sum(at))).collect(), seconds: nanos as f64 / 1e9 }
    }
}

impl Stopwatch {
    /// Begins a batch; the time is told if it is one of those that are timed, the first among them.
    pub(super) fn start(&mut self) -> Option<Instant> {
        let timed = self.batches == 0;
        self.batches = (self.batches + 1) % SAMPLED;
        timed.then(Instant::now)
    }

    /// Ends a batch that was timed.
    pub(super) fn stop(&self, started: Instant) {
        self.note(started.elapsed());
    }

    fn note(&self, took: Duration) {
        let range = BOUNDS.partition_point(|&micros| took > Duration::from_micros(micros));
        self.noted.ranges[range].increment();
        self.noted.nanos.add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_summed_over_threads() {
        let times = Times::default();
        let (one, other) = (times.stopwatch(), times.stopwatch());
        one.note(Duration::from_micros(5));
        one.note(Duration::from_micros(6));
        other.note(Duration::from_micros(10));
        other.note(Duration::from_secs(1));
        drop(one);
        let BatchTimes { ranges, seconds } = times.sums();
        let met: Vec<_> = ranges.iter().copied().filter(|&(_, count)| count > 0).collect();
        assert_eq!(met, [(5e-6, 1), (10e-6, 2), (f64::INFINITY, 1)]);
        assert!((seconds - 1.000_021).abs() < 1e-9);
    }

    #[test]
    fn one_batch_of_many_is_timed() {
        let mut stopwatch = Times::default().stopwatch();
        let timed = (0..3 * SAMPLED).filter(|_| stopwatch.start().is_some()).count();
        assert_eq!(timed, 3);
    }
}
