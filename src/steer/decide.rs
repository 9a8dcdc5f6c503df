//! The one decision: which pools answer a catchment in a family, with which shares, and why (§5.3–§5.5).
//!
//! Plans are built from it and explanations shown from it; there is no second engine.

use std::sync::Arc;

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

/// What became of a pool of the list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fate {
    /// It answers, with a share in proportion to this.
    Shares(f64),
    /// It has no address of the family asked, so it is passed over in every step.
    LacksFamily,
    /// None of its endpoints is usable in the family asked.
    NothingUsable,
    /// In some family it offers, less is usable than `min_healthy` asks for.
    NotEnough,
    /// Another pool of its tier comes first and takes all.
    BehindFirst,
    /// Its estimate lies beyond `spread.within` of the best.
    TooFar,
    /// A tier before its own decided.
    LaterTier,
}

/// How every pool stands: by the board, and with everything taken as up.
#[derive(Clone, Debug, Default)]
pub struct Standings {
    /// By the board.
    pub board: IdVec<PoolId, Arc<Standing>>,
    /// For `when_all_down = "all"`.
    pub all_up: IdVec<PoolId, Arc<Standing>>,
}

/// Decides for one catchment and family.
#[must_use]
pub fn decide(policy: &Policy, catchment: &Catchment, family: AnswerFamily, standings: &Standings) -> Decision {
    let list = considered(policy, catchment, standings);
    let outcome = outcome(policy, catchment, &list, family, standings);
    Decision { list, outcome }
}

/// The list of a decision: the same for every family.
pub(super) fn considered(policy: &Policy, catchment: &Catchment, standings: &Standings) -> Vec<Considered> {
    list(&policy.rules[catchment.rule].tiers, catchment, &standings.board)
}

impl Outcome {
    /// How much of a list of this length matters to the TTL: up to the last pool that has a share; all of it if none has.
    /// Of several families, the most.
    pub(super) fn mattering(&self, list: usize) -> usize {
        match self {
            Self::Pools { shares, .. } => shares.iter().map(|&(at, _)| at + 1).max().unwrap_or_default(),
            Self::NotOffered => 0,
            _ => list,
        }
    }
}

/// Which pools of a rule a decision depends on: those of the tiers before, and those of the tier whose estimates without
/// slowness are not above the limit. However others stand, nothing of the decision changes.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(super) struct Reach {
    tier: u32,
    limit: f32,
}

impl Reach {
    /// No pool.
    pub(super) const NOTHING: Self = Self { tier: 0, limit: f32::NEG_INFINITY };
    const EVERYTHING: Self = Self { tier: u32::MAX, limit: f32::INFINITY };

    /// What an outcome depends on. Pools that stand behind all that share stay there: slowness only adds to estimates.
    pub(super) fn of(policy: &Policy, catchment: &Catchment, list: &[Considered], outcome: &Outcome) -> Self {
        let shares = match outcome {
            Outcome::Pools { shares, step: Step::Healthy } => shares,
            Outcome::NotOffered => return Self::NOTHING, // which families a pool has is no matter of health
            _ => return Self::EVERYTHING,
        };
        let Some(first) = shares.first().map(|&(at, _)| &list[at]) else { return Self::EVERYTHING };
        let nearest = policy.rules[catchment.rule].tiers[first.tier].order == Order::Nearest;
        let limit = first.estimate.filter(|_| nearest).map_or(f32::INFINITY, |best| best.0 + policy.spread.within.0);
        Self { tier: first.tier as u32, limit } // a rule has few tiers
    }

    /// Of two decisions.
    pub(super) fn or(self, other: Self) -> Self {
        if self < other { other } else { self }
    }

    /// Whether a pool is one of them, by its tier and its position there.
    pub(super) fn has(self, catchment: &Catchment, tier: usize, at: usize) -> bool {
        let near = || catchment.estimates[tier].as_ref().is_none_or(|steps| steps.step(at).millis().0 <= self.limit);
        let tier = tier as u32;
        tier < self.tier || tier == self.tier && near()
    }
}

/// What became of each pool of a decision's list.
#[must_use]
pub fn fates(
    policy: &Policy,
    catchment: &Catchment,
    family: AnswerFamily,
    all: &Standings,
    decision: &Decision,
) -> Vec<Fate> {
    let tiers = &policy.rules[catchment.rule].tiers;
    let within = policy.spread.within;
    let chooser = |standings, need| Chooser { tiers, list: &decision.list, family, standings, within, need };
    let chooser = match decision.outcome {
        Outcome::Pools { step: Step::Healthy, .. } => chooser(&all.board, Need::Enough),
        Outcome::Pools { step: Step::AllDown, .. } => {
            let enough = chooser(&all.all_up, Need::Enough);
            if enough.first().is_some() { enough } else { chooser(&all.all_up, Need::Anything) }
        }
        Outcome::LastResortOrFail => chooser(&all.all_up, Need::Anything),
        _ => chooser(&all.board, Need::Anything),
    };
    chooser.fates()
}

/// What comes of a list in a family.
pub(super) fn outcome(
    policy: &Policy,
    catchment: &Catchment,
    list: &[Considered],
    family: AnswerFamily,
    all: &Standings,
) -> Outcome {
    let tiers = &policy.rules[catchment.rule].tiers;
    if !list.iter().any(|entry| all.board[entry.pool].family(family).offered) {
        return Outcome::NotOffered;
    }
    let within = policy.spread.within;
    let choose = |standings, need| Chooser { tiers, list, family, standings, within, need }.choose();
    if let Some(shares) = choose(&all.board, Need::Enough) {
        return Outcome::Pools { shares, step: Step::Healthy };
    }
    if let Some(shares) = choose(&all.board, Need::Anything) {
        return Outcome::Pools { shares, step: Step::Degraded };
    }
    match policy.when_all_down {
        WhenAllDown::LastResort => Outcome::LastResort,
        WhenAllDown::NoData => Outcome::NoData,
        WhenAllDown::ServFail => Outcome::ServFail,
        WhenAllDown::All => {
            let enough = choose(&all.all_up, Need::Enough);
            match enough.or_else(|| choose(&all.all_up, Need::Anything)) {
                Some(shares) => Outcome::Pools { shares, step: Step::AllDown },
                None => Outcome::LastResortOrFail,
            }
        }
    }
}

/// The pools of a rule's tiers, one tier after another; `nearest` by estimate, the rest as written.
fn list(tiers: &[Tier], catchment: &Catchment, standings: &IdVec<PoolId, Arc<Standing>>) -> Vec<Considered> {
    let mut list = Vec::new();
    for (tier, (written, estimates)) in tiers.iter().zip(&catchment.estimates).enumerate() {
        let start = list.len();
        for (at, &(pool, weight)) in written.pools.iter().enumerate() {
            let estimate =
                estimates.as_ref().map(|steps| Millis(steps.step(at).millis().0 + standings[pool].slowness.0));
            list.push(Considered { pool, tier, weight, estimate });
        }
        let ms = |entry: &Considered| entry.estimate.unwrap_or_default().0;
        list[start..].sort_by(|a, b| ms(a).total_cmp(&ms(b))); // stable: equals stay as written
    }
    list
}

/// What a pool must have to be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    /// Step (a): enough usable endpoints.
    Enough,
    /// Step (b): any usable endpoint.
    Anything,
}

struct Chooser<'a> {
    tiers: &'a [Tier],
    list: &'a [Considered],
    family: AnswerFamily,
    standings: &'a IdVec<PoolId, Arc<Standing>>,
    within: Millis,
    need: Need,
}

impl Chooser<'_> {
    /// The first pool that passes decides the tier; those of it that pass share.
    fn choose(&self) -> Option<Vec<(usize, f64)>> {
        let first = self.first()?;
        let tier = self.list[first].tier;
        let members = (first..self.list.len()).take_while(|&at| self.list[at].tier == tier);
        let sharing = |at| match self.fate(at, first) {
            Fate::Shares(weight) => Some((at, weight)),
            _ => None,
        };
        Some(normalised(members.filter_map(sharing).collect()))
    }

    /// The first pool that passes.
    fn first(&self) -> Option<usize> {
        self.list.iter().position(|entry| self.obstacle(entry).is_none())
    }

    fn fates(&self) -> Vec<Fate> {
        let first = self.first();
        let fate = |at: usize| match first {
            Some(first) => self.fate(at, first),
            None => self.obstacle(&self.list[at]).unwrap_or(Fate::NothingUsable), // without a first, each has one
        };
        (0..self.list.len()).map(fate).collect()
    }

    /// What keeps a pool from being chosen by itself, whatever the others are.
    fn obstacle(&self, entry: &Considered) -> Option<Fate> {
        let standing = &self.standings[entry.pool];
        let own = standing.family(self.family);
        match own.offered {
            false => Some(Fate::LacksFamily),
            true if own.usable.is_empty() => Some(Fate::NothingUsable),
            true if self.need == Need::Enough && !standing.healthy => Some(Fate::NotEnough),
            true => None,
        }
    }

    /// What becomes of a pool where `first` is the first that passes (§5.5).
    fn fate(&self, at: usize, first: usize) -> Fate {
        let (entry, best) = (&self.list[at], &self.list[first]);
        if entry.tier > best.tier && self.standings[entry.pool].family(self.family).offered {
            return Fate::LaterTier;
        }
        if let Some(obstacle) = self.obstacle(entry) {
            return obstacle;
        }
        match (self.tiers[best.tier].order, best.estimate, entry.estimate) {
            (Order::Weighted, ..) => Fate::Shares(f64::from(entry.weight)),
            (Order::Nearest, Some(best), Some(own)) => self.near(entry, best, own),
            _ if at == first => Fate::Shares(1.0),
            _ => Fate::BehindFirst,
        }
    }

    fn near(&self, entry: &Considered, Millis(best): Millis, Millis(own): Millis) -> Fate {
        if own > best + self.within.0 {
            return Fate::TooFar;
        }
        let weight = f64::from(self.standings[entry.pool].usable_weight);
        Fate::Shares(weight * f64::from((best + 5.0) / (own + 5.0)).powi(2))
    }
}

fn normalised(mut weights: Vec<(usize, f64)>) -> Vec<(usize, f64)> {
    let total: f64 = weights.iter().map(|&(_, weight)| weight).sum();
    for (_, weight) in &mut weights {
        *weight /= total;
    }
    weights
}
