//! Dynamic steering: what each catchment of each policy answers now. Built from the board, never walks prefixes.

use std::sync::Arc;

use crate::base::{CatchmentId, Fetch, Id, IdVec, Mono, Now, PolicyId, PoolId, Ttl};
use crate::health::{Board, TargetView, Verdict};

use super::build::Made;
use super::decide::{Considered, Decision};
use super::draw::{PoolAnswers, Shares, Variant, hash, rendezvous_score};
use super::model::{AnswerFamily, Pool, Steering, TtlRange};

/// What every policy answers.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// By policy.
    pub policies: IdVec<PolicyId, PolicyPlan>,
    /// What the next plan is made from.
    pub(super) made: Made,
}

impl PartialEq for Plan {
    fn eq(&self, other: &Self) -> bool {
        self.policies == other.policies
    }
}

/// What one policy answers, by catchment. Policies that answer alike share it.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyPlan {
    /// Catchments with one answer share it.
    pub(super) catchments: Arc<[Arc<CatchmentPlan>]>,
    /// Hash of the policy's name, which every stickiness key holds.
    pub(super) sticky: Option<u64>,
}

/// What one catchment is answered with.
#[derive(Clone, Debug, PartialEq)]
pub struct CatchmentPlan {
    /// By family.
    pub(super) families: [FamilyPlan; 3],
    /// Whether all that matters to it is settled (§5.7).
    pub settled: Settled,
}

/// What a catchment is answered with in one family.
#[derive(Clone, Debug, PartialEq)]
pub enum FamilyPlan {
    /// An answer of one of these pools.
    Pools(PoolDraw),
    /// Static records if the owner has any of the type, else no data.
    LastResort,
    /// Static records if the owner has any of the type, else failure.
    LastResortOrFail,
    /// No data.
    NoData,
    /// Failure.
    ServFail,
}

/// Pools that share a catchment.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolDraw {
    pools: Vec<SharingPool>,
    shares: Shares,
}

impl PoolDraw {
    pub(super) fn new(pools: Vec<SharingPool>) -> Self {
        let shares = Shares::new(&pools.iter().map(|pool| pool.share).collect::<Vec<f64>>());
        Self { pools, shares }
    }
}

/// A pool with its share and its answers.
#[derive(Clone, Debug, PartialEq)]
pub struct SharingPool {
    /// The pool.
    pub pool: PoolId,
    /// Its share of the catchment.
    pub share: f64,
    /// What it answers.
    pub answers: Arc<PoolAnswers>,
    pub(super) key: u64,
}

/// Whether every target that matters to a catchment is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// All are up, and the last failed probe of any was then, if ever.
    Since(Option<Mono>),
    /// One is down, unknown or forced.
    No,
}

impl Settled {
    /// Whether every target of these pools is settled.
    #[must_use]
    pub fn of(steering: &Steering, board: &Board, list: &[Considered]) -> Self {
        Self::all(list.iter().map(|entry| Self::of_pool(&steering.pools[entry.pool], board)))
    }

    /// Whether every target of a pool is settled.
    pub(super) fn of_pool(pool: &Pool, board: &Board) -> Self {
        Self::all(pool.targets().map(|target| Self::of_target(&board.targets[target])))
    }

    /// Whether all are that of which this is told.
    pub(super) fn all(mut of: impl Iterator<Item = Self>) -> Self {
        let last = of.try_fold(None, |last, settled| match settled {
            Self::No => None,
            Self::Since(failure) => Some(failure.max(last)),
        });
        last.map_or(Self::No, Self::Since)
    }

    /// Whether one target is settled.
    #[must_use]
    pub fn of_target(view: &TargetView) -> Self {
        let up = view.verdict == Verdict::Up && view.forced.is_none();
        if up { Self::Since(view.last_failure) } else { Self::No }
    }

    /// The TTL that follows (§5.7).
    #[must_use]
    pub fn ttl(self, range: TtlRange, now: Now) -> Ttl {
        let settled = match self {
            Self::No => false,
            Self::Since(None) => true,
            Self::Since(Some(failure)) => now.mono.since(failure).as_millis() >= u128::from(range.max.millis()),
        };
        if settled { range.max } else { range.min }
    }
}

impl CatchmentPlan {
    /// Fetches what it answers with where that begins.
    #[inline]
    pub fn fetch(&self, memory: &impl Fetch) {
        for family in &self.families {
            if let FamilyPlan::Pools(draw) = family {
                draw.fetch(memory);
            }
        }
    }

    /// What is answered in a family.
    #[must_use]
    pub fn family(&self, family: AnswerFamily) -> &FamilyPlan {
        &self.families[family as usize]
    }
}

impl PolicyPlan {
    /// What a catchment is answered with.
    #[must_use]
    pub fn catchment(&self, catchment: CatchmentId) -> &CatchmentPlan {
        &self.catchments[catchment.index()]
    }

    /// Fetches the place that says where what a catchment is answered with stands.
    #[inline]
    pub fn fetch(&self, catchment: CatchmentId, memory: &impl Fetch) {
        memory.fetch(&self.catchments[catchment.index()]);
    }

    /// Whether both are the same in memory, as where nothing changed; if not, they may be equal all the same.
    #[must_use]
    pub fn shares_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.catchments, &other.catchments)
    }

    /// The key that a sticky policy gives a client network; none if the policy draws anew each time.
    #[must_use]
    pub fn sticky_key(&self, network: &[u8]) -> Option<u64> {
        self.sticky.map(|policy| hash(&[&policy.to_be_bytes(), network]))
    }
}

impl PoolDraw {
    /// The pools that share.
    #[must_use]
    pub fn pools(&self) -> &[SharingPool] {
        &self.pools
    }

    fn fetch(&self, memory: &impl Fetch) {
        if let Some(first) = self.pools.first() {
            memory.fetch(first);
        }
        self.shares.fetch(memory);
    }

    /// The chance of each pool.
    pub fn chances(&self) -> impl Iterator<Item = f64> {
        self.shares.chances()
    }

    /// The pool that rendezvous gives a client key.
    #[must_use]
    pub fn rendezvous_pool(&self, client: u64) -> Option<&SharingPool> {
        if let [only] = &self.pools[..] {
            return Some(only);
        }
        let score = |pool: &&SharingPool| rendezvous_score(client, pool.key, pool.share);
        self.pools.iter().min_by(|a, b| score(a).total_cmp(&score(b)))
    }

    /// One answer drawn by share, ready, and the pool it is of: the one that [`draw`](Self::draw) draws.
    #[must_use]
    pub fn variant(&self, random: u64) -> (PoolId, Variant<'_>) {
        let SharingPool { pool, answers, .. } = &self.pools[self.shares.pick((random >> 32) as u32)];
        (*pool, answers.variant(random as u32))
    }

    /// The answer that rendezvous gives a client key, ready, and the pool it is of. None where several endpoints are chosen
    /// out of more: [`rendezvous`](Self::rendezvous) visits those.
    #[must_use]
    pub fn rendezvous_variant(&self, client: u64) -> Option<(PoolId, Variant<'_>)> {
        let pool = self.rendezvous_pool(client)?;
        Some((pool.pool, pool.answers.rendezvous_variant(client)?))
    }

    /// Visits the RDATA of one answer drawn by share; returns the pool it is of.
    pub fn draw(&self, random: u64, mut visit: impl FnMut(&[u8])) -> PoolId {
        let SharingPool { pool, answers, .. } = &self.pools[self.shares.pick((random >> 32) as u32)];
        for &at in answers.draw(random as u32) {
            visit(&answers.rdata[at]);
        }
        *pool
    }

    /// Visits the RDATA of the answer that rendezvous gives a client key; returns the pool it is of.
    pub fn rendezvous(&self, client: u64, mut visit: impl FnMut(&[u8])) -> Option<PoolId> {
        let pool = self.rendezvous_pool(client)?;
        pool.answers.rendezvous(client, |at| visit(&pool.answers.rdata[at]));
        Some(pool.pool)
    }
}

impl Decision {
    /// How much of the list matters to the TTL.
    #[must_use]
    pub fn mattering(&self) -> usize {
        self.outcome.mattering(self.list.len())
    }
}
