//! The one decision: which pools answer a catchment in a family, with which shares, and why (§5.3–§5.5).
//!
//! Plans are built from it and explanations shown from it; there is no second engine.

use crate::base::{IdVec, Millis, PoolId};

use super::catchment::Catchment;
use super::model::{AnswerFamily, Order, Policy, Tier, WhenAllDown};
use super::standing::Standing;

/// What a catchment is answered with in one family.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// Every pool of the rule in the order it was looked at.
    pub list: Vec<Considered>,
    /// What came of it.
    pub outcome: Outcome,
}

/// A pool of the list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Considered {
    /// The pool.
    pub pool: PoolId,
    /// The tier of the rule it stands in.
    pub tier: usize,
    /// The weight written, for `weighted`.
    pub weight: u32,
    /// The estimate with slowness, for `nearest` with coordinates.
    pub estimate: Option<Millis>,
}

/// What came of a decision.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// These pools answer, with shares that add up to 1.
    Pools {
        /// Positions in the list, with shares.
        shares: Vec<(usize, f64)>,
        /// Which step decided.
        step: Step,
    },
    /// No pool of the list has the family: no data.
    NotOffered,
    /// Nothing is usable: the zone's static records answer.
    LastResort,
    /// Nothing is usable, and the policy says no data.
    NoData,
    /// Nothing is usable, and the policy says failure.
    ServFail,
    /// Nothing is usable even counting all as up: static records if the owner has any, else failure.
    LastResortOrFail,
}

/// The step of §5.4 that decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// (a): a pool with enough usable endpoints.
    Healthy,
    /// (b): a pool with any usable endpoint.
    Degraded,
    /// (c): every endpoint taken as up.
    AllDown,
}

/// How every pool stands: by the board, and with everything taken as up.
#[derive(Clone, Debug)]
pub struct Standings {
    /// By the board.
    pub board: IdVec<PoolId, Standing>,
    /// For `when_all_down = "all"`.
    pub all_up: IdVec<PoolId, Standing>,
}

/// Decides for one catchment and family.
#[must_use]
pub fn decide(policy: &Policy, catchment: &Catchment, family: AnswerFamily, standings: &Standings) -> Decision {
    let tiers = &policy.rules[catchment.rule].tiers;
    let list = list(tiers, catchment, &standings.board);
    let outcome = outcome(policy, tiers, &list, family, standings);
    Decision { list, outcome }
}

fn outcome(policy: &Policy, tiers: &[Tier], list: &[Considered], family: AnswerFamily, all: &Standings) -> Outcome {
    if !list.iter().any(|entry| all.board[entry.pool].family(family).offered) {
        return Outcome::NotOffered;
    }
    let within = policy.spread.within;
    let by_board = Chooser { tiers, list, family, standings: &all.board, within };
    if let Some(shares) = by_board.healthy() {
        return Outcome::Pools { shares, step: Step::Healthy };
    }
    if let Some(shares) = by_board.degraded() {
        return Outcome::Pools { shares, step: Step::Degraded };
    }
    match policy.when_all_down {
        WhenAllDown::LastResort => Outcome::LastResort,
        WhenAllDown::NoData => Outcome::NoData,
        WhenAllDown::ServFail => Outcome::ServFail,
        WhenAllDown::All => {
            let all_up = Chooser { standings: &all.all_up, ..by_board };
            match all_up.healthy().or_else(|| all_up.degraded()) {
                Some(shares) => Outcome::Pools { shares, step: Step::AllDown },
                None => Outcome::LastResortOrFail,
            }
        }
    }
}

/// The pools of a rule's tiers, one tier after another; `nearest` by estimate, the rest as written.
fn list(tiers: &[Tier], catchment: &Catchment, standings: &IdVec<PoolId, Standing>) -> Vec<Considered> {
    let mut list = Vec::new();
    for (tier, (written, estimates)) in tiers.iter().zip(&catchment.estimates).enumerate() {
        let start = list.len();
        for (at, &(pool, weight)) in written.pools.iter().enumerate() {
            let estimate = estimates.as_ref().map(|steps| Millis(steps[at].millis().0 + standings[pool].slowness.0));
            list.push(Considered { pool, tier, weight, estimate });
        }
        let ms = |entry: &Considered| entry.estimate.unwrap_or_default().0;
        list[start..].sort_by(|a, b| ms(a).total_cmp(&ms(b))); // stable: equals stay as written
    }
    list
}

struct Chooser<'a> {
    tiers: &'a [Tier],
    list: &'a [Considered],
    family: AnswerFamily,
    standings: &'a IdVec<PoolId, Standing>,
    within: Millis,
}

impl Chooser<'_> {
    /// Step (a).
    fn healthy(&self) -> Option<Vec<(usize, f64)>> {
        self.choose(|standing| standing.healthy)
    }

    /// Step (b).
    fn degraded(&self) -> Option<Vec<(usize, f64)>> {
        self.choose(|_| true)
    }

    /// The first pool that has something usable and passes decides the tier; those of it that pass share.
    fn choose(&self, passes: impl Fn(&Standing) -> bool) -> Option<Vec<(usize, f64)>> {
        let passing = |entry: &Considered| {
            let standing = &self.standings[entry.pool];
            !standing.family(self.family).usable.is_empty() && passes(standing)
        };
        let first = self.list.iter().position(passing)?;
        let tier = self.list[first].tier;
        let members = (first..self.list.len()).filter(|&at| self.list[at].tier == tier && passing(&self.list[at]));
        Some(normalised(self.weights(self.tiers[tier].order, members.collect())))
    }

    /// What the passing pools of the deciding tier share by (§5.5).
    fn weights(&self, order: Order, members: Vec<usize>) -> Vec<(usize, f64)> {
        let first = members[0];
        match (order, self.list[first].estimate) {
            (Order::Weighted, _) => members.into_iter().map(|at| (at, f64::from(self.list[at].weight))).collect(),
            (Order::Nearest, Some(best)) => members.into_iter().filter_map(|at| self.near(at, best)).collect(),
            (Order::Nearest, None) | (Order::Written, _) => vec![(first, 1.0)],
        }
    }

    fn near(&self, at: usize, Millis(best): Millis) -> Option<(usize, f64)> {
        let entry = &self.list[at];
        let Millis(own) = entry.estimate?;
        let weight = f64::from(self.standings[entry.pool].usable_weight);
        (own <= best + self.within.0).then(|| (at, weight * f64::from((best + 5.0) / (own + 5.0)).powi(2)))
    }
}

fn normalised(mut weights: Vec<(usize, f64)>) -> Vec<(usize, f64)> {
    let total: f64 = weights.iter().map(|&(_, weight)| weight).sum();
    for (_, weight) in &mut weights {
        *weight /= total;
    }
    weights
}
