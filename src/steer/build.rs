//! Makes plans: anew from a board, or from the plan before with what has changed since.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::base::{CatchmentId, Id, IdVec, PolicyId, PoolId};
use crate::health::Board;

use super::catchment::{Catchment, CatchmentMap};
use super::decide::{Considered, Outcome, Reach, Standings, Step, considered, outcome};
use super::draw::{Options, PoolAnswers};
use super::model::{AnswerFamily, Policy, Steering};
use super::plan::{CatchmentPlan, FamilyPlan, Plan, PolicyPlan, PoolDraw, Settled, SharingPool};
use super::standing::{Assume, Standing, standings};
use super::wiring::{GroupId, Wiring};

/// What a plan was made from, besides the board.
#[derive(Clone, Debug, Default)]
pub(super) struct Made {
    wiring: Arc<Wiring>,
    standings: Standings,
    answers: Answers,
    groups: Vec<GroupPlan>,
}

/// Answers depend on no catchment, so all that use a pool alike share them.
type Answers = HashMap<AnswersKey, Arc<PoolAnswers>, FixedState>;

/// What tells the answers of one pool apart.
type AnswersKey = (PoolId, AnswerFamily, bool, u8, bool);

/// What the policies of a group answer.
#[derive(Clone, Debug)]
struct GroupPlan {
    catchments: Arc<[Arc<CatchmentPlan>]>,
    /// What each depends on.
    reaches: Arc<[Reach]>,
}

impl Plan {
    /// Builds the plan that follows from a board.
    #[must_use]
    pub fn build(steering: &Steering, maps: &IdVec<PolicyId, Arc<CatchmentMap>>, board: &Board) -> Self {
        let standings = Standings {
            board: standings(steering, board, Assume::Board),
            all_up: standings(steering, board, Assume::AllUp),
        };
        let wiring = Arc::new(Wiring::of(steering, maps));
        let mut builder = Builder { steering, maps, board, standings, wiring, answers: Answers::default() };
        let groups = (0..builder.wiring.groups.len()).map(|group| builder.group(group)).collect();
        builder.finish(groups)
    }

    /// The plan that follows from a board, equal to a newly [built](Self::build) one. `self` was made from the same steering
    /// and maps, and from the board `before`: only what depends on targets that changed is made anew.
    #[must_use]
    pub fn rebuild(
        &self,
        steering: &Steering,
        maps: &IdVec<PolicyId, Arc<CatchmentMap>>,
        before: &Board,
        board: &Board,
    ) -> Self {
        let Made { wiring, standings, answers, groups } = &self.made;
        let changed = board.targets.iter_ids().zip(&before.targets).filter(|((_, new), old)| new != old);
        let mut pools: Vec<PoolId> = changed.flat_map(|((target, _), _)| &wiring.targets[target]).copied().collect();
        pools.sort_unstable();
        pools.dedup();
        let kept = answers.iter().filter(|((pool, ..), _)| pools.binary_search(pool).is_err());
        let answers = kept.map(|(key, answers)| (*key, Arc::clone(answers))).collect();
        let mut standings = standings.clone();
        for &id in &pools {
            let pool = &steering.pools[id];
            standings.board[id] = Arc::new(Standing::of(pool, board, Assume::Board));
            standings.all_up[id] = Arc::new(Standing::of(pool, board, Assume::AllUp));
        }
        let mut touched: Vec<GroupId> = pools.iter().flat_map(|&pool| &wiring.pools[pool].groups).copied().collect();
        touched.sort_unstable();
        touched.dedup();
        let mut groups = groups.clone();
        let mut builder = Builder { steering, maps, board, standings, wiring: Arc::clone(wiring), answers };
        for group in touched {
            groups[group] = builder.regroup(group, &groups[group], &pools);
        }
        builder.finish(groups)
    }
}

struct Builder<'a> {
    steering: &'a Steering,
    maps: &'a IdVec<PolicyId, Arc<CatchmentMap>>,
    board: &'a Board,
    standings: Standings,
    wiring: Arc<Wiring>,
    answers: Answers,
}

/// Plans of catchments by what they hold.
type Known = HashMap<Vec<u64>, Arc<CatchmentPlan>, FixedState>;

impl<'a> Builder<'a> {
    fn finish(self, groups: Vec<GroupPlan>) -> Plan {
        let Self { standings, wiring, answers, .. } = self;
        let plan = |&(group, sticky): &(GroupId, Option<u64>)| {
            let groups: &GroupPlan = &groups[group];
            PolicyPlan { catchments: Arc::clone(&groups.catchments), sticky }
        };
        Plan { policies: wiring.policies.iter().map(plan).collect(), made: Made { wiring, standings, answers, groups } }
    }

    fn parts(&self, group: GroupId) -> (&'a Policy, &'a IdVec<CatchmentId, Catchment>) {
        let policy = self.wiring.groups[group];
        (&self.steering.policies[policy], &self.maps[policy].catchments)
    }

    fn group(&mut self, group: GroupId) -> GroupPlan {
        let (policy, catchments) = self.parts(group);
        let mut known = Known::default();
        let (plans, reaches): (Vec<_>, Vec<_>) =
            catchments.iter().map(|catchment| self.catchment(policy, catchment, &mut known)).unzip();
        GroupPlan { catchments: plans.into(), reaches: reaches.into() }
    }

    /// A group's plan with the catchments made anew that depend on any of these pools.
    fn regroup(&mut self, group: GroupId, before: &GroupPlan, changed: &[PoolId]) -> GroupPlan {
        let (policy, catchments) = self.parts(group);
        let places = places(policy, changed);
        let mut known = Known::default();
        let (mut plans, mut reaches) = (before.catchments.to_vec(), before.reaches.to_vec());
        for (id, catchment) in catchments.iter_ids() {
            let (plan, reach) = (&mut plans[id.index()], &mut reaches[id.index()]);
            if places[catchment.rule].iter().any(|&(tier, at)| reach.has(catchment, tier, at)) {
                (*plan, *reach) = self.catchment(policy, catchment, &mut known);
            }
        }
        GroupPlan { catchments: plans.into(), reaches: reaches.into() }
    }

    fn catchment(&mut self, policy: &Policy, catchment: &Catchment, known: &mut Known) -> (Arc<CatchmentPlan>, Reach) {
        let list = considered(policy, catchment, &self.standings);
        let (mut matters, mut reach, mut key) = (0, Reach::NOTHING, Vec::new());
        let outcomes: Vec<(AnswerFamily, Outcome)> = policy
            .kind
            .families()
            .iter()
            .map(|&family| {
                let outcome = outcome(policy, catchment, &list, family, &self.standings);
                matters = matters.max(outcome.mattering(list.len()));
                reach = reach.or(Reach::of(policy, catchment, &list, &outcome));
                describe(&outcome, &list, &mut key);
                (family, outcome)
            })
            .collect();
        let settled = Settled::all(list[..matters].iter().map(|entry| self.standings.board[entry.pool].settled));
        key.extend(match settled {
            Settled::No => [0, 0],
            Settled::Since(None) => [1, 0],
            Settled::Since(Some(failure)) => [2, failure.0],
        });
        let plan = known.entry(key).or_insert_with(|| {
            let mut families = [const { FamilyPlan::NoData }; 3];
            for (family, outcome) in &outcomes {
                families[*family as usize] = self.family(policy, *family, &list, outcome);
            }
            Arc::new(CatchmentPlan { families, settled })
        });
        (Arc::clone(plan), reach)
    }

    fn family(&mut self, policy: &Policy, family: AnswerFamily, list: &[Considered], outcome: &Outcome) -> FamilyPlan {
        match outcome {
            Outcome::Pools { shares, step } => {
                let sharing = |&(at, share): &(usize, f64)| {
                    let pool = list[at].pool;
                    let answers = self.answers(policy, pool, family, *step);
                    SharingPool { pool, share, answers, key: self.wiring.pools[pool].key }
                };
                FamilyPlan::Pools(PoolDraw::new(shares.iter().map(sharing).collect()))
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

/// Where a policy's rules name any of these pools: tier and position, by rule.
fn places(policy: &Policy, pools: &[PoolId]) -> Vec<Vec<(usize, usize)>> {
    let places = policy.rules.iter().map(|rule| {
        let tiers = rule.tiers.iter().enumerate();
        let all = tiers.flat_map(|(tier, written)| (0..).zip(&written.pools).map(move |(at, named)| (tier, at, named)));
        all.filter(|(.., (pool, _))| pools.binary_search(pool).is_ok()).map(|(tier, at, _)| (tier, at)).collect()
    });
    places.collect()
}

/// Appends what an outcome makes of a family.
fn describe(outcome: &Outcome, list: &[Considered], key: &mut Vec<u64>) {
    match outcome {
        Outcome::Pools { shares, step } => {
            key.extend([u64::from(*step == Step::AllDown), shares.len() as u64]);
            key.extend(shares.iter().flat_map(|&(at, share)| [u64::from(list[at].pool.0), share.to_bits()]));
        }
        Outcome::NotOffered | Outcome::NoData => key.push(2),
        Outcome::LastResort => key.push(3),
        Outcome::LastResortOrFail => key.push(4),
        Outcome::ServFail => key.push(5),
    }
}
