//! What one serving thread owns: its random generator, its counters, its scratch space.

use std::sync::Arc;

use crate::base::{Counter, Padded};
use crate::wire::{NameBuf, Rcode};

use super::meta::Transport;

/// A thread's own state. Nothing in it is shared but the counters, which only this thread writes.
#[derive(Debug)]
pub struct Worker {
    pub(super) random: fastrand::Rng,
    /// What this thread counted.
    pub counters: Arc<Padded<Counters>>,
    /// Owner names of a CNAME chain, so that a loop is seen.
    pub(super) chain: Vec<NameBuf>,
}

/// How many names of a CNAME chain are followed. Longer chains end in what was found so far, and the resolver asks on.
pub const MAX_CHAIN: usize = 16;

impl Worker {
    /// A worker whose draws follow from a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { random: fastrand::Rng::with_seed(seed), counters: Arc::default(), chain: Vec::with_capacity(MAX_CHAIN) }
    }
}

/// What one thread counted.
#[derive(Debug, Default)]
pub struct Counters {
    /// Queries over UDP.
    pub udp: Counter,
    /// Queries over TCP.
    pub tcp: Counter,
    /// Packets that got no response.
    pub dropped: Counter,
    /// Answers that a policy decided.
    pub steered: Counter,
    /// Responses cut short by TC.
    pub truncated: Counter,
    /// Responses by RCODE; the last one counts all others.
    pub rcodes: [Counter; 7],
}

impl Counters {
    pub(super) fn query(&self, transport: Transport) {
        match transport {
            Transport::Udp => self.udp.increment(),
            Transport::Tcp => self.tcp.increment(),
        }
    }

    pub(super) fn response(&self, rcode: Rcode) {
        let last = self.rcodes.len() - 1;
        self.rcodes[usize::from(rcode.0).min(last)].increment();
    }
}
