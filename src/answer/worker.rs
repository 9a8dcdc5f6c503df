//! What one serving thread owns: its random generator, its counters, its scratch space.

use std::sync::Arc;

use crate::base::{Padded, PolicyId, PoolId, ZoneId};
use crate::snapshot::Loaded;
use crate::wire::{Body, NameBuf, NameRef};

use super::ahead::Ahead;
use super::counters::{Counters, NamedCounters, Steered};
use super::limit::{Over, RateTable};

/// A thread's own state. Nothing in it is shared but the counters, which only this thread writes.
#[derive(Debug)]
pub struct Worker {
    pub(super) random: fastrand::Rng,
    /// What this thread counted.
    pub counters: Arc<Padded<Counters>>,
    /// What it counted of what is loaded, if it was told what that is.
    named: Option<Arc<NamedCounters>>,
    /// Owner names of a chain, so that a loop is seen.
    pub(super) chain: Vec<NameBuf>,
    /// Owner names of the DNAMEs that stand in the answer.
    pub(super) dnames: Vec<NameBuf>,
    /// The queries that were read ahead; taken out while one of them is answered.
    pub(super) ahead: Option<Box<Ahead>>,
    /// Where sections are composed; taken out while a query is answered.
    pub(super) body: Option<Box<Body>>,
    /// The buckets of response rate limiting, which all threads share.
    pub(super) rates: Option<Arc<RateTable>>,
    /// Responses over the rate so far.
    pub(super) over_rate: Over,
}

/// How many names of a CNAME chain are followed. Longer chains end in what was found so far, and the resolver asks on.
pub const MAX_CHAIN: usize = 16;

impl Worker {
    /// A worker whose draws follow from a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            random: fastrand::Rng::with_seed(seed),
            counters: Arc::default(),
            named: None,
            chain: Vec::with_capacity(MAX_CHAIN),
            dnames: Vec::with_capacity(MAX_CHAIN),
            ahead: Some(Box::default()),
            body: Some(Box::default()),
            rates: None,
            over_rate: Over::new(),
        }
    }

    /// Limits rates by a table; without one, nothing is limited.
    #[must_use]
    pub fn with_rates(self, rates: Arc<RateTable>) -> Self {
        Self { rates: Some(rates), ..self }
    }

    /// Counts zones, policies and pools of another load from now on. Not for the query path: it allocates.
    pub fn follow(&mut self, loaded: &Arc<Loaded>) -> Arc<NamedCounters> {
        let named = Arc::new(NamedCounters::new(Arc::clone(loaded)));
        self.named = Some(Arc::clone(&named));
        named
    }

    /// Whether the DNAME of this owner stands in the answer.
    pub(super) fn has_dname(&self, owner: NameRef<'_>) -> bool {
        self.dnames.iter().any(|met| met.as_ref() == owner)
    }

    pub(super) fn count_zone(&self, loaded: &Loaded, zone: ZoneId) {
        if let Some(named) = self.named(loaded) {
            named.zones[zone].increment();
        }
    }

    pub(super) fn count_steered(&self, loaded: &Loaded, policy: PolicyId, steered: Steered) {
        if let Some(named) = self.named(loaded) {
            named.policies[policy][steered as usize].increment();
        }
    }

    pub(super) fn count_pool(&self, loaded: &Loaded, pool: PoolId) {
        if let Some(named) = self.named(loaded) {
            named.pools[pool].increment();
        }
    }

    /// The counters whose ids are those of this load.
    fn named(&self, loaded: &Loaded) -> Option<&NamedCounters> {
        self.named.as_deref().filter(|named| std::ptr::eq(&*named.loaded, loaded))
    }
}
