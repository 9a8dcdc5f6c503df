//! The table of buckets: one word each, all threads, no lock.
//!
//! A word is a fingerprint of the bucket's key and the time at which the bucket will be full again. That is the generic
//! cell rate algorithm: a response puts off that time by one interval, and is over the rate if it lies more than the
//! burst ahead. A bucket that is full says nothing that a new one would not, so it may be taken for another key at any
//! moment. Where no bucket of a set is full, the fullest gives way: a flood from ever new networks holds each bucket for
//! one interval (5 ms at 200 a second) and replaces its own, while one that is deep in debt, because it is the one that
//! must be limited, is the last to be forgotten. So buckets in use are about as many as responses a second, divided by
//! the rate, and a client whose bucket is taken away gets more, never less.

use std::fmt;
use std::hash::Hasher;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};

use siphasher::sip::SipHasher13;

use crate::base::Mono;

/// Buckets that one key may be in: one cache line.
const WAYS: usize = 8;
/// Parts of a millisecond that time is counted in: fine enough that a million a second is not two.
const TICKS: u64 = 64_000;
/// The burst of every rate: what may come at once is what may come within it.
const SECOND: u64 = 1000 * TICKS;
/// Bits of the time, in ticks: 3 days, after which it begins anew.
const TIME_BITS: u32 = 44;
const TIME: u64 = (1 << TIME_BITS) - 1;
/// How often a change is tried while other threads change the same bucket.
const TRIES: usize = 16;

/// Buckets for [`RateTable::take`].
pub struct RateTable {
    sets: Box<[Set]>,
    key: [u8; 16],
}

#[repr(align(64))]
#[derive(Default)]
struct Set([AtomicU64; WAYS]);

/// A rate of responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rate {
    /// Ticks between two responses.
    interval: u64,
    /// How far ahead a bucket may be for one more.
    burst: u64,
}

impl Rate {
    /// So many a second, and as many at once.
    pub(super) fn per_second(responses: NonZeroU32) -> Self {
        let interval = (SECOND / u64::from(responses.get())).max(1);
        Self { interval, burst: SECOND - interval }
    }
}

impl RateTable {
    /// A table of at least so many buckets, of 8 octets each; the key makes it unpredictable which collide.
    #[must_use]
    pub fn new(buckets: usize, key: [u8; 16]) -> Self {
        let sets = buckets.div_ceil(WAYS).max(1).next_power_of_two();
        Self { sets: (0..sets).map(|_| Set::default()).collect(), key }
    }

    /// How many buckets there are.
    #[must_use]
    pub fn buckets(&self) -> usize {
        self.sets.len() * WAYS
    }

    /// The keyed hash of what a bucket is for.
    pub(super) fn hash(&self, parts: &[&[u8]]) -> u64 {
        let mut hasher = SipHasher13::new_with_key(&self.key);
        parts.iter().for_each(|part| hasher.write(part));
        hasher.finish()
    }

    /// Takes one response out of the bucket of a hash; false: the rate is used up.
    pub(super) fn take(&self, hash: u64, rate: Rate, now: Mono) -> bool {
        let now = now.0.wrapping_mul(TICKS) & TIME;
        let set = &self.sets[hash as usize & (self.sets.len() - 1)];
        let fingerprint = hash & !TIME; // other bits than those that chose the set, up to 2^44 sets
        for _ in 0..TRIES {
            let (cell, word) = set.choose(fingerprint, rate, now);
            let debt = if word & !TIME == fingerprint { debt(word, rate, now) } else { 0 };
            if debt > rate.burst {
                return false;
            }
            let full_at = now + debt + rate.interval;
            let new = fingerprint | full_at & TIME;
            if cell.compare_exchange_weak(word, new, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
                return true;
            }
        }
        false // a bucket that so many threads fight for is one of a flood
    }
}

impl Set {
    /// The bucket of a key, or the one that it may best take.
    fn choose(&self, fingerprint: u64, rate: Rate, now: u64) -> (&AtomicU64, u64) {
        let mut least = (&self.0[0], 0, u64::MAX);
        for cell in &self.0 {
            let word = cell.load(Ordering::Relaxed);
            if word & !TIME == fingerprint {
                return (cell, word);
            }
            let debt = debt(word, rate, now);
            if debt < least.2 {
                least = (cell, word, debt);
            }
        }
        (least.0, least.1)
    }
}

/// Ticks until a bucket is full. What cannot have been written lately was written long ago.
fn debt(word: u64, rate: Rate, now: u64) -> u64 {
    let ahead = (word & TIME).wrapping_sub(now) & TIME;
    // threads read the clock a batch apart; a second is more than any batch takes
    if ahead > rate.burst + rate.interval + SECOND { 0 } else { ahead }
}

impl fmt::Debug for RateTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateTable").field("buckets", &self.buckets()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(responses: u32) -> Rate {
        Rate::per_second(NonZeroU32::new(responses).expect("not zero"))
    }

    fn table(buckets: usize) -> RateTable {
        RateTable::new(buckets, [7; 16])
    }

    fn taken(table: &RateTable, hash: u64, tries: usize, now: u64) -> usize {
        (0..tries).filter(|_| table.take(hash, rate(100), Mono(now))).count()
    }

    #[test]
    fn a_burst_and_then_the_rate() {
        let table = table(64);
        let hash = table.hash(&[b"a"]);
        assert_eq!(taken(&table, hash, 1000, 5_000), 100);
        assert_eq!(taken(&table, hash, 1000, 5_010), 1);
        assert_eq!(taken(&table, hash, 1000, 5_500), 49);
        let over_a_minute: usize = (0..60_000).map(|ms| taken(&table, hash, 3, 6_000 + ms)).sum();
        assert!((6_000..=6_100).contains(&over_a_minute), "{over_a_minute}");
        assert_eq!(taken(&table, table.hash(&[b"b"]), 1000, 66_000), 100, "another bucket");
    }

    /// Each rate that can be written, within two in a hundred.
    #[test]
    fn rates_are_kept() {
        for per_second in [1, 3, 200, 9_999, 70_000, 333_333, 700_000, 1_000_000] {
            let table = table(64);
            let flood = |ms| (0..2_000_000).take_while(|_| table.take(1, rate(per_second), Mono(ms))).count();
            let at_once = flood(5_000);
            let after: usize = (1..=1_000).map(|ms| flood(5_000 + ms)).sum();
            for got in [at_once, after] {
                let error = (got as f64 - f64::from(per_second)).abs() / f64::from(per_second);
                assert!(error < 0.02, "{per_second}: {at_once} at once, then {after}");
            }
        }
    }

    #[test]
    fn the_clock_may_jump_wrap_and_be_read_late() {
        let table = table(64);
        let hash = table.hash(&[b"a"]);
        let wrap = (1 << TIME_BITS) / TICKS;
        assert_eq!(taken(&table, hash, 1000, wrap - 1), 100);
        assert_eq!(taken(&table, hash, 1000, wrap + 99), 10);
        assert_eq!(taken(&table, hash, 1000, wrap + 90), 0, "a thread that is behind");
        assert_eq!(taken(&table, hash, 1000, wrap + 1_000_000), 100);
        assert_eq!(taken(&table, hash, 1000, wrap + 7 * wrap / 8), 100);
    }

    #[test]
    fn threads_share_the_rate() {
        let table = table(64);
        let hash = table.hash(&[b"a"]);
        let allowed: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| taken(&table, hash, 100_000, 77))).collect();
            threads.into_iter().map(|thread| thread.join().expect("it ends")).sum()
        });
        assert_eq!(allowed, 100);
    }

    /// A million networks ask once each within ten seconds, while one asks below its rate and one far above it.
    #[test]
    fn a_flood_from_everywhere_neither_starves_nor_frees_others() {
        let table = table(4096);
        let (modest, greedy) = (table.hash(&[b"modest"]), table.hash(&[b"greedy"]));
        let (mut refused, mut freed) = (0, 0);
        assert_eq!(taken(&table, greedy, 1000, 0), 100);
        for ms in 0..10_000_u64 {
            for of_ms in 0..100_u64 {
                table.take(table.hash(&[&(ms * 100 + of_ms).to_be_bytes()]), rate(100), Mono(ms));
            }
            freed += taken(&table, greedy, 10, ms);
            if ms % 20 == 0 {
                refused += 1 - taken(&table, modest, 1, ms);
            }
        }
        assert_eq!(refused, 0);
        assert!((990..=1_010).contains(&freed), "{freed} in ten seconds at 100 a second");
    }
}
