//! Joins a socket's thread to the engine: the newest snapshot and the time once a batch, then one call a query.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::answer::{Counters, Meta, Reply, Worker, respond};
use crate::base::{Now, Padded};
use crate::net::Responder;
use crate::probe::clock;
use crate::snapshot::Snapshot;

/// Answers the queries of one thread.
pub(super) struct Answerer {
    published: Arc<ArcSwap<Snapshot>>,
    snapshot: Arc<Snapshot>,
    now: Now,
    worker: Worker,
}

impl Answerer {
    pub(super) fn new(published: &Arc<ArcSwap<Snapshot>>) -> Self {
        Self {
            published: Arc::clone(published),
            snapshot: published.load_full(),
            now: clock::now(),
            worker: Worker::new(fastrand::u64(..)), // seeded by the system
        }
    }

    pub(super) fn counters(&self) -> Arc<Padded<Counters>> {
        Arc::clone(&self.worker.counters)
    }
}

impl Responder for Answerer {
    fn start_batch(&mut self) {
        let newest = self.published.load();
        if !Arc::ptr_eq(&newest, &self.snapshot) {
            self.snapshot = Arc::clone(&newest);
        }
        self.now = clock::now();
    }

    fn respond(&mut self, query: &[u8], meta: &Meta, out: &mut [u8]) -> Option<usize> {
        match respond(&self.snapshot, query, meta, self.now, &mut self.worker, out) {
            Reply::Send(len) => Some(len),
            Reply::Drop => None,
        }
    }
}
