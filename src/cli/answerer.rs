//! Joins a socket's thread to the engine: the newest snapshot and the time once a batch, then one call a query.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::answer::{Meta, RateTable, Worker, read_ahead, respond, respond_ahead};
use crate::base::Now;
use crate::control::Tallies;
use crate::net::{Prefetch, Responder};
use crate::probe::clock;
use crate::snapshot::Snapshot;

/// Makes answerers.
#[derive(Clone)]
pub(super) struct Answerers {
    pub(super) published: Arc<ArcSwap<Snapshot>>,
    pub(super) tallies: Arc<Tallies>,
    /// The buckets of response rate limiting.
    pub(super) rates: Arc<RateTable>,
}

impl Answerers {
    /// An answerer for one more thread.
    pub(super) fn make(&self) -> Answerer {
        let mut worker = Worker::new(fastrand::u64(..)).with_rates(Arc::clone(&self.rates)); // seeded by the system
        let snapshot = self.published.load_full();
        self.tallies.join(&worker);
        self.tallies.follow(&mut worker, &snapshot.loaded);
        Answerer { of: self.clone(), snapshot, now: clock::now(), worker }
    }
}

/// Answers the queries of one thread.
pub(super) struct Answerer {
    of: Answerers,
    snapshot: Arc<Snapshot>,
    now: Now,
    worker: Worker,
}

impl Responder for Answerer {
    fn start_batch(&mut self) {
        let newest = self.of.published.load();
        if !Arc::ptr_eq(&newest, &self.snapshot) {
            if !Arc::ptr_eq(&newest.loaded, &self.snapshot.loaded) {
                self.of.tallies.follow(&mut self.worker, &newest.loaded);
            }
            self.snapshot = Arc::clone(&newest);
        }
        self.now = clock::now();
    }

    fn respond(&mut self, query: &[u8], meta: &Meta, out: &mut [u8]) -> Option<usize> {
        respond(&self.snapshot, query, meta, self.now, &mut self.worker, out).sent()
    }

    fn read_ahead<'q>(&mut self, queries: impl Iterator<Item = (&'q [u8], &'q Meta)>) {
        read_ahead(&self.snapshot, queries, &mut self.worker, &Prefetch);
    }

    fn respond_ahead(&mut self, at: usize, query: &[u8], meta: &Meta, out: &mut [u8]) -> Option<usize> {
        respond_ahead(&self.snapshot, at, query, meta, self.now, &mut self.worker, out).sent()
    }
}
