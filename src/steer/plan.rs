//! Dynamic steering: what each catchment of each policy answers now. Built from the board, never walks prefixes.

use std::collections::HashMap;
use std::sync::Arc;

use crate::base::{CatchmentId, IdVec, Mono, Now, PolicyId, PoolId, Ttl};
use crate::health::{Board, TargetView, Verdict};

use super::catchment::{Catchment, CatchmentMap};
use super::decide::{Considered, Decision, Outcome, Standings, Step, decide};
use super::draw::{Options, PoolAnswers, Shares, hash, rendezvous_score};
use super::model::{AnswerFamily, Policy, Steering, TtlRange};
use super::standing::{Assume, standings};

/// What every policy answers.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// By policy.
    pub policies: IdVec<PolicyId, PolicyPlan>,
}

/// What one policy answers, by catchment.
#[derive(Clone, Debug)]
pub struct PolicyPlan {
    catchments: IdVec<CatchmentId, CatchmentPlan>,
    /// Hash of the policy's name, which every stickiness key holds.
    sticky: Option<u64>,
}

/// What one catchment is answered with.
#[derive(Clone, Debug, PartialEq)]
pub struct CatchmentPlan {
    /// By family.
    families: [FamilyPlan; 3],
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

/// A pool with its share and its answers.
#[derive(Clone, Debug, PartialEq)]
pub struct SharingPool {
    /// The pool.
    pub pool: PoolId,
    /// Its share of the catchment.
    pub share: f64,
    /// What it answers.
    pub answers: Arc<PoolAnswers>,
    key: u64,
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
        let mut last_failure = None;
        for target in list.iter().flat_map(|entry| steering.pools[entry.pool].targets()) {
            match Self::of_target(&board.targets[target]) {
                Self::No => return Self::No,
                Self::Since(failure) => last_failure = last_failure.max(failure),
            }
        }
        Self::Since(last_failure)
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
        &self.catchments[catchment]
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

    /// The chance of each pool.
    pub fn chances(&self) -> impl Iterator<Item = f64> {
        self.shares.chances()
    }

    /// The pool that rendezvous gives a client key.
    #[must_use]
    pub fn rendezvous_pool(&self, client: u64) -> Option<&SharingPool> {
        let score = |pool: &&SharingPool| rendezvous_score(client, pool.key, pool.share);
        self.pools.iter().min_by(|a, b| score(a).total_cmp(&score(b)))
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

impl Plan {
    /// Builds the plan that follows from a board.
    #[must_use]
    pub fn build(steering: &Steering, maps: &IdVec<PolicyId, Arc<CatchmentMap>>, board: &Board) -> Self {
        let standings = Standings {
            board: standings(steering, board, Assume::Board),
            all_up: standings(steering, board, Assume::AllUp),
        };
        let mut builder = Builder { steering, board, standings, answers: HashMap::new() };
        let policies = steering.policies.iter().zip(maps).map(|(policy, map)| builder.policy(policy, map));
        Self { policies: policies.collect() }
    }
}

/// What tells the answers of one pool apart.
type AnswersKey = (PoolId, AnswerFamily, bool, u8, bool);

struct Builder<'a> {
    steering: &'a Steering,
    board: &'a Board,
    standings: Standings,
    /// Answers depend on no catchment, so all that use a pool alike share them.
    answers: HashMap<AnswersKey, Arc<PoolAnswers>>,
}

impl Builder<'_> {
    fn policy(&mut self, policy: &Policy, map: &CatchmentMap) -> PolicyPlan {
        PolicyPlan {
            catchments: map.catchments.iter().map(|catchment| self.catchment(policy, catchment)).collect(),
            sticky: policy.sticky.then(|| hash(&[policy.name.as_bytes()])),
        }
    }

    fn catchment(&mut self, policy: &Policy, catchment: &Catchment) -> CatchmentPlan {
        let mut families = [const { FamilyPlan::NoData }; 3];
        let (mut list, mut matters) = (Vec::new(), 0);
        for &family in policy.kind.families() {
            let decision = decide(policy, catchment, family, &self.standings);
            matters = matters.max(decision.mattering());
            families[family as usize] = self.family(policy, family, &decision);
            list = decision.list; // the same for every family
        }
        CatchmentPlan { families, settled: Settled::of(self.steering, self.board, &list[..matters]) }
    }

    fn family(&mut self, policy: &Policy, family: AnswerFamily, decision: &Decision) -> FamilyPlan {
        match &decision.outcome {
            Outcome::Pools { shares, step } => {
                let sharing = |&(at, share): &(usize, f64)| {
                    let pool = decision.list[at].pool;
                    let answers = self.answers(policy, pool, family, *step);
                    SharingPool { pool, share, answers, key: hash(&[self.steering.pools[pool].name.as_bytes()]) }
                };
                let pools: Vec<SharingPool> = shares.iter().map(sharing).collect();
                let shares = Shares::new(&pools.iter().map(|pool| pool.share).collect::<Vec<f64>>());
                FamilyPlan::Pools(PoolDraw { pools, shares })
            }
            Outcome::NotOffered | Outcome::NoData => FamilyPlan::NoData,
            Outcome::LastResort => FamilyPlan::LastResort,
            Outcome::LastResortOrFail => FamilyPlan::LastResortOrFail,
            Outcome::ServFail => FamilyPlan::ServFail,
        }
    }

    fn answers(&mut self, policy: &Policy, pool: PoolId, family: AnswerFamily, step: Step) -> Arc<PoolAnswers> {
        let all_up = step == Step::AllDown;
        let key = (pool, family, all_up, policy.spread.answers.get(), policy.latency_weight);
        let standings = if all_up { &self.standings.all_up } else { &self.standings.board };
        let build = || {
            let options = Options { spread: policy.spread, latency_weight: policy.latency_weight };
            let (usable, any) = (&standings[pool].family(family).usable, standings[pool].usable_in_any());
            Arc::new(PoolAnswers::new(&self.steering.pools[pool], usable, &any, family, &options, self.board))
        };
        Arc::clone(self.answers.entry(key).or_insert_with(build))
    }
}

impl Decision {
    /// How much of the list matters to the TTL: up to the last pool that has a share; all of it if none has. Of several
    /// families, the most.
    #[must_use]
    pub fn mattering(&self) -> usize {
        match &self.outcome {
            Outcome::Pools { shares, .. } => shares.iter().map(|&(at, _)| at + 1).max().unwrap_or_default(),
            Outcome::NotOffered => 0,
            _ => self.list.len(),
        }
    }
}
