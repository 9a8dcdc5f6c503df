//! Reading queries ahead. What a query needs lies far apart in memory where there are many names or large maps of clients:
//! a slot, a block, the nodes of a prefix index, each found by way of the one before. Were queries answered one after the
//! other, each would wait for all of these. Here all queries of a batch take one such step before any takes the next, and
//! what the next needs is fetched meanwhile.
//!
//! Which places a query needs is a guess: a wrong one costs a little time and changes no answer.

use std::net::IpAddr;

use crate::base::{CatchmentId, Fetch, PolicyId};
use crate::snapshot::Snapshot;
use crate::steer::{CatchmentSearch, SteeredName};
use crate::wire::{Header, QueryBuf};

use super::meta::Meta;
use super::steered::Client;

/// How many queries are read ahead at most: a core does not fetch more places in memory at a time, and what is kept of
/// them has to stay in its nearest cache.
pub const AHEAD: usize = 16;

/// Fewer are merely read: there is nothing to share.
const FEW: usize = 3;

/// Nodes of a prefix index that are visited at most: behind its table, a /24 has two and a /48 eight.
const STEPS: usize = 8;

/// The queries that were read ahead.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    asked: [Asked; AHEAD],
    /// How many of them there are.
    len: usize,
    /// One that was not read ahead.
    pub(super) alone: Asked,
}

/// A query that was read, and what of its answer is known already.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// Its header; none if it is too short to have one.
    pub(super) header: Option<Header>,
    /// What follows, if there is a header.
    pub(super) buffer: QueryBuf,
    pub(super) located: Option<Located>,
}

impl Asked {
    #[inline]
    pub(super) fn read(&mut self, query: &[u8]) {
        self.located = None;
        self.header = Header::parse(query);
        if let Some(header) = &self.header {
            self.buffer.read(query, header);
        }
    }
}

/// Where a policy has the client of a query.
#[derive(Clone, Copy, Debug)]
pub(super) struct Located {
    pub(super) policy: PolicyId,
    pub(super) catchment: CatchmentId,
    pub(super) scope: u8,
}

impl Ahead {
    /// What is known of a query.
    pub(super) fn get(&self, at: usize) -> Option<&Asked> {
        self.asked[..self.len].get(at)
    }

    /// Reads queries, the first [`AHEAD`] of them.
    pub(super) fn read<'q>(
        &mut self,
        snap: &Snapshot,
        queries: impl Iterator<Item = (&'q [u8], &'q Meta)>,
        memory: &impl Fetch,
    ) {
        let answers = &snap.loaded.answers;
        self.len = 0;
        let (mut metas, mut slots) = ([None; AHEAD], [0; AHEAD]);
        for ((asked, meta_of), (query, meta)) in self.asked.iter_mut().zip(&mut metas).zip(queries) {
            asked.read(query);
            answers.fetch_slot(asked.buffer.hash(), memory);
            *meta_of = Some(meta);
            self.len += 1;
        }
        if self.len < FEW {
            return;
        }
        let asked = &mut self.asked[..self.len];
        for (asked, slot) in asked.iter().zip(&mut slots) {
            *slot = answers.first_slot(asked.buffer.hash());
            answers.fetch_block(*slot, memory);
        }
        if !snap.loaded.steering.names.is_empty() {
            seek(snap, asked, &slots, &metas, memory);
        }
    }
}

/// A steered name's client, to be located.
#[derive(Clone, Copy)]
struct Sought {
    /// The number of the query.
    at: usize,
    policy: PolicyId,
    client: IpAddr,
    resolver: IpAddr,
}

/// Looks for the clients where a name is steered. What is in the slot where the search for a name begins is taken for the
/// name's own.
fn seek(
    snap: &Snapshot,
    queries: &mut [Asked],
    slots: &[u64; AHEAD],
    metas: &[Option<&Meta>; AHEAD],
    memory: &impl Fetch,
) {
    let (answers, steering, maps) = (&snap.loaded.answers, &snap.loaded.steering, &snap.loaded.maps);
    let (mut sought, mut count) = ([None; AHEAD], 0);
    for (at, ((asked, meta), &slot)) in queries.iter().zip(metas).zip(slots).enumerate() {
        let name = answers.number(slot).and_then(|number| steering.names.get(number as usize));
        if let (Some(&SteeredName { policy, .. }), Some(meta)) = (name, meta) {
            let resolver = meta.source.ip();
            let subnet = asked.buffer.edns().and_then(|edns| edns.client_subnet.as_ref()?.as_ref().ok());
            let client = Client::of(&steering.policies[policy], subnet, resolver).addr;
            maps[policy].fetch(client, resolver, memory);
            sought[count] = Some(Sought { at, policy, client, resolver });
            count += 1;
        }
    }
    locate(snap, &sought[..count], queries, memory);
}

/// Looks for the catchments of clients.
fn locate(snap: &Snapshot, sought: &[Option<Sought>], queries: &mut [Asked], memory: &impl Fetch) {
    let (maps, plans) = (&snap.loaded.maps, &snap.plan.policies);
    let sought = sought.iter().flatten();
    let mut searches = [None; AHEAD];
    for (&Sought { policy, client, resolver, .. }, search) in sought.clone().zip(&mut searches) {
        search.insert(maps[policy].search(client, resolver)).fetch(memory);
    }
    for _ in 0..STEPS {
        if searches.iter().flatten().all(CatchmentSearch::has_ended) {
            break;
        }
        for search in searches.iter_mut().flatten() {
            search.step();
            search.fetch(memory);
        }
    }
    let mut found = [None; AHEAD];
    for ((&Sought { at, policy, .. }, search), plan) in sought.zip(searches.iter().flatten()).zip(&mut found) {
        let (catchment, scope) = search.found();
        queries[at].located = Some(Located { policy, catchment, scope });
        plans[policy].fetch(catchment, memory);
        *plan = Some((&plans[policy], catchment));
    }
    let found = found.iter().flatten().map(|&(plan, catchment)| plan.catchment(catchment));
    found.clone().for_each(|plan| memory.fetch(plan));
    found.for_each(|plan| plan.fetch(memory));
}
