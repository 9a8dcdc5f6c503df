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
    /// Held while what is gone is summed: once at a time, or it would be counted twice.
    releasing: Mutex<()>,
}

#[derive(Debug, Default)]
struct Inner {
    threads: Vec<Arc<Padded<Counters>>>,
    named: Vec<Arc<NamedCounters>>,
    /// What threads and loads that are gone have counted.
    gone: Sums,
    /// Those that are being added to it.
    going: (Vec<Arc<Padded<Counters>>>, Vec<Arc<NamedCounters>>),
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
    /// Responses over the rate, by what became of them.
    pub over_rate: BTreeMap<&'static str, u64>,
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
            let threads = [inner.threads.as_slice(), &inner.going.0].concat();
            let named = [inner.named.as_slice(), &inner.going.1].concat();
            (inner.gone.clone(), threads, named)
        };
        threads.iter().for_each(|thread| sums.add(thread));
        named.iter().for_each(|named| sums.add_named(named));
        sums
    }

    /// Keeps only the sums of threads and loads that are gone, so that they are not held in memory.
    pub(super) fn release(&self) {
        let _once = self.releasing.lock().unwrap_or_else(PoisonError::into_inner);
        let (threads, named, mut gone) = {
            let mut inner = self.lock();
            let Inner { threads, named, gone, going } = &mut *inner;
            going.0.extend(threads.extract_if(.., |thread| Arc::strong_count(thread) == 1));
            going.1.extend(named.extract_if(.., |named| Arc::strong_count(named) == 1));
            // as a rule: this runs with every snapshot, and loads change seldom
            if going.0.is_empty() && going.1.is_empty() {
                return;
            }
            (going.0.clone(), going.1.clone(), gone.clone())
        };
        // without the lock, which a serving thread may want
        threads.iter().for_each(|thread| gone.add(thread));
        named.iter().for_each(|named| gone.add_named(named));
        let mut inner = self.lock();
        inner.gone = gone;
        let done = std::mem::take(&mut inner.going);
        drop(inner);
        drop(done);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sums {
    fn add(&mut self, counters: &Counters) {
        for (transport, rtype, rcode, count) in counters.queries() {
            *self.queries.entry((transport.name(), rtype, rcode)).or_default() += count;
        }
        self.dropped += counters.dropped.get();
        self.truncated += counters.truncated.get();
        let over = [
            ("dropped", &counters.rate_dropped),
            ("slipped", &counters.rate_slipped),
            ("sent", &counters.rate_excused),
        ];
        over.into_iter().for_each(|(what, count)| *self.over_rate.entry(what).or_default() += count.get());
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
