//! What all serving threads counted, summed when it is asked for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::answer::{Counters, NamedCounters, Steered, Worker};
use crate::base::Padded;
use crate::snapshot::Loaded;

/// The counters of every serving thread there is and was. Sums never fall.
#[derive(Debug, Default)]
pub struct Tallies {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    threads: Vec<Arc<Padded<Counters>>>,
    named: Vec<Arc<NamedCounters>>,
    /// What threads and loads that are gone have counted.
    gone: Sums,
}

/// Sums over all threads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Queries by transport, type and response code.
    pub queries: BTreeMap<(&'static str, &'static str, &'static str), u64>,
    /// Packets that got no response.
    pub dropped: u64,
    /// Responses cut short by TC.
    pub truncated: u64,
    /// Queries by zone.
    pub zones: BTreeMap<String, u64>,
    /// Answers of steered names by policy and what it answered.
    pub policies: BTreeMap<(String, &'static str), u64>,
    /// Answers of steered names by pool.
    pub pools: BTreeMap<String, u64>,
}

impl Tallies {
    /// Sums a worker's counts with the others', from now on.
    pub fn join(&self, worker: &Worker) {
        self.lock().threads.push(Arc::clone(&worker.counters));
    }

    /// Makes a worker count what is loaded. Called by a serving thread when it meets another load, not for each query.
    pub fn follow(&self, worker: &mut Worker, loaded: &Arc<Loaded>) {
        let named = worker.follow(loaded);
        self.lock().named.push(named);
    }

    /// Sums.
    #[must_use]
    pub fn sums(&self) -> Sums {
        // summed without the lock, which a serving thread may want
        let (mut sums, threads, named) = {
            let inner = self.lock();
            (inner.gone.clone(), inner.threads.clone(), inner.named.clone())
        };
        threads.iter().for_each(|thread| sums.add(thread));
        named.iter().for_each(|named| sums.add_named(named));
        sums
    }

    /// Keeps only the sums of threads and loads that are gone, so that they are not held in memory.
    pub(super) fn release(&self) {
        let mut inner = self.lock();
        let Inner { threads, named, gone } = &mut *inner;
        keep_held(threads, |thread| gone.add(thread));
        keep_held(named, |named| gone.add_named(named));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps what a serving thread still writes; the others are counted for good.
fn keep_held<T>(counters: &mut Vec<Arc<T>>, mut count: impl FnMut(&T)) {
    counters.retain(|counters| {
        let held = Arc::strong_count(counters) > 1;
        if !held {
            count(counters);
        }
        held
    });
}

impl Sums {
    fn add(&mut self, counters: &Counters) {
        for (transport, rtype, rcode, count) in counters.queries() {
            *self.queries.entry((transport.name(), rtype, rcode)).or_default() += count;
        }
        self.dropped += counters.dropped.get();
        self.truncated += counters.truncated.get();
    }

    fn add_named(&mut self, named: &NamedCounters) {
        let Loaded { zones, steering, .. } = &*named.loaded;
        for (zone, count) in zones.iter().zip(&named.zones) {
            *self.zones.entry(zone.origin().to_string()).or_default() += count.get();
        }
        for (policy, counts) in steering.policies.iter().zip(&named.policies) {
            for ((_, what), count) in Steered::ALL.into_iter().zip(counts) {
                *self.policies.entry((policy.name.clone(), what)).or_default() += count.get();
            }
        }
        for (pool, count) in steering.pools.iter().zip(&named.pools) {
            *self.pools.entry(pool.name.clone()).or_default() += count.get();
        }
    }
}
