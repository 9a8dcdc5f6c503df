//! How each pool stands on one board: which endpoints are usable in which family, and whether that is enough (§5.4).
//!
//! Computed once a board and pool, not once a catchment.

use crate::base::{IdVec, Millis, PoolId, TargetId};
use crate::health::{Board, Forced, TargetView, Verdict};

use super::model::{AnswerFamily, Endpoint, MinHealthy, Pool, Steering};

/// Which endpoints count as up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assume {
    /// As the board says.
    Board,
    /// All, but for those forced down or drained (`when_all_down = "all"`).
    AllUp,
}

/// How a pool stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    families: [FamilyStanding; 3],
    /// Whether the usable part reaches `min_healthy` in every family the pool offers.
    pub healthy: bool,
    /// Weight of the endpoints with any usable address.
    pub usable_weight: u32,
    /// What its slowness adds to every estimate: that of its least slow usable target, as shares inside the pool take
    /// care of a single slow endpoint.
    pub slowness: Millis,
}

/// How a pool stands in one family.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FamilyStanding {
    /// Whether any endpoint has the family.
    pub offered: bool,
    /// The usable endpoints, by position in the pool.
    pub usable: Vec<usize>,
}

impl Standing {
    /// How the pool stands in a family.
    #[must_use]
    pub fn family(&self, family: AnswerFamily) -> &FamilyStanding {
        &self.families[family as usize]
    }

    /// The endpoints that are usable in any family, by position in the pool.
    #[must_use]
    pub fn usable_in_any(&self) -> Vec<usize> {
        let mut any: Vec<usize> = self.families.iter().flat_map(|family| family.usable.iter().copied()).collect();
        any.sort_unstable();
        any.dedup();
        any
    }

    fn of(pool: &Pool, board: &Board, assume: Assume) -> Self {
        let judge = |family| Judge::new(pool, board, family, assume);
        let judges = [AnswerFamily::V4, AnswerFamily::V6, AnswerFamily::Cname].map(judge);
        let families = judges.each_ref().map(|judge| judge.standing(pool));
        let enough =
            |family: &FamilyStanding, judge: &Judge<'_>| !family.offered || judge.reaches(pool, &family.usable);
        let usable = |endpoint: &Endpoint| judges.iter().any(|judge| judge.usable(endpoint));
        let usable_targets = || {
            judges.iter().flat_map(|judge| {
                let usable = pool.endpoints.iter().filter(|endpoint| judge.usable(endpoint));
                usable.filter_map(|endpoint| endpoint.target(judge.family)).map(|target| &board.targets[target])
            })
        };
        Self {
            healthy: families.iter().zip(&judges).all(|(family, judge)| enough(family, judge)),
            usable_weight: pool.endpoints.iter().filter(|e| usable(e)).map(|e| u32::from(e.weight)).sum(),
            slowness: usable_targets().map(|view| view.slowness).min_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or_default(),
            families,
        }
    }
}

/// Judges the endpoints of a pool in one family.
struct Judge<'a> {
    board: &'a Board,
    family: AnswerFamily,
    assume: Assume,
    /// Whether an unknown target counts as up: only while no target of the pool and family is (§5.8).
    trust_unknown: bool,
}

impl<'a> Judge<'a> {
    fn new(pool: &Pool, board: &'a Board, family: AnswerFamily, assume: Assume) -> Self {
        let up = |target: TargetId| known_up(&board.targets[target]) == Some(true);
        let trust_unknown = !pool.endpoints.iter().filter_map(|endpoint| endpoint.target(family)).any(up);
        Self { board, family, assume, trust_unknown }
    }

    fn standing(&self, pool: &Pool) -> FamilyStanding {
        let usable = pool.endpoints.iter().enumerate().filter(|(_, endpoint)| self.usable(endpoint));
        FamilyStanding { offered: pool.offers(self.family), usable: usable.map(|(at, _)| at).collect() }
    }

    fn usable(&self, endpoint: &Endpoint) -> bool {
        let Some(target) = endpoint.target(self.family) else { return false };
        let view = &self.board.targets[target];
        match self.assume {
            Assume::AllUp => !matches!(view.forced, Some(Forced::Down | Forced::Drained)),
            Assume::Board => known_up(view).unwrap_or(self.trust_unknown),
        }
    }

    fn reaches(&self, pool: &Pool, usable: &[usize]) -> bool {
        let having = || pool.endpoints.iter().filter(|endpoint| endpoint.target(self.family).is_some());
        match pool.min_healthy {
            MinHealthy::Count(count) => usable.len() >= (count as usize).min(having().count()),
            MinHealthy::Fraction(fraction) => {
                let total: u32 = having().map(|endpoint| u32::from(endpoint.weight)).sum();
                let usable: u32 = usable.iter().map(|&at| u32::from(pool.endpoints[at].weight)).sum();
                // a fraction such as 0.1 has no exact binary form: 1 of 10 must reach it
                f64::from(usable) + 1e-9 * f64::from(total) >= fraction * f64::from(total)
            }
        }
    }
}

/// Override, then verdict; none where neither says.
fn known_up(view: &TargetView) -> Option<bool> {
    match (view.forced, view.verdict) {
        (Some(Forced::Up), _) | (None, Verdict::Up) => Some(true),
        (Some(Forced::Down | Forced::Drained), _) | (None, Verdict::Down) => Some(false),
        (None, Verdict::Unknown) => None,
    }
}

/// How every pool stands.
#[must_use]
pub fn standings(steering: &Steering, board: &Board, assume: Assume) -> IdVec<PoolId, Standing> {
    steering.pools.iter().map(|pool| Standing::of(pool, board, assume)).collect()
}
