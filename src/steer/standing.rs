//! How each pool stands on one board: which endpoints are usable in which family, and whether that is enough (§5.4).
//!
//! Computed once a board and pool, not once a catchment.

use std::sync::Arc;

use crate::base::{IdVec, Millis, PoolId, TargetId};
use crate::health::{Board, Forced, TargetView, Verdict};

use super::model::{AnswerFamily, Endpoint, MinHealthy, Pool, Steering};
use super::plan::Settled;

/// Which endpoints count as up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assume {
    /// As the board says.
    Board,
    /// All, but for those forced down or drained (`when_all_down = "all"`).
    AllUp,
}

/// Whether an endpoint is usable in a family, and by what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usability {
    /// Its verdict is up, or nothing probes it.
    Up,
    /// An operator forces it up.
    ForcedUp,
    /// No verdict, which counts as up while no target of its pool and family is (§5.8).
    UnknownTrusted,
    /// Not up, but nothing else is either, and all are taken as up.
    TakenAsUp,
    /// No verdict, while another target of its pool and family is up.
    UnknownNotTrusted,
    /// Its verdict is down.
    Down,
    /// An operator forces it down.
    ForcedDown,
    /// An operator drains it.
    Drained,
    /// It has no address of the family.
    LacksFamily,
}

impl Usability {
    /// Whether it may be answered.
    #[must_use]
    pub const fn is_usable(self) -> bool {
        matches!(self, Self::Up | Self::ForcedUp | Self::UnknownTrusted | Self::TakenAsUp)
    }
}

/// How much of a pool is usable in a family, and how much must be (`min_healthy`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Part {
    /// Of its weight.
    Weight {
        /// Usable.
        usable: u32,
        /// Configured.
        of: u32,
        /// The fraction that must be usable.
        least: f64,
    },
    /// Of its endpoints.
    Count {
        /// Usable.
        usable: u32,
        /// Configured.
        of: u32,
        /// How many must be usable, at most all.
        least: u32,
    },
}

impl Part {
    /// Whether as much is usable as must be.
    #[must_use]
    pub fn is_enough(self) -> bool {
        match self {
            Self::Count { usable, least, .. } => usable >= least,
            // a fraction such as 0.1 has no exact binary form: 1 of 10 must reach it
            Self::Weight { usable, of, least } => f64::from(usable) + 1e-9 * f64::from(of) >= least * f64::from(of),
        }
    }
}

/// A pool in one family, endpoint by endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// Its endpoints, by position in the pool.
    pub endpoints: Vec<Usability>,
    /// How much of it is usable.
    pub part: Part,
}

/// Judges a pool in a family it offers, with reasons; a [`Standing`] is what plans keep of this.
#[must_use]
pub fn judged(pool: &Pool, board: &Board, family: AnswerFamily, assume: Assume) -> Judged {
    let judge = Judge::new(pool, board, family, assume);
    let usable = judge.standing(pool).usable;
    Judged { endpoints: pool.endpoints.iter().map(|e| judge.usability(e)).collect(), part: judge.part(pool, &usable) }
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
    /// Whether every target is settled.
    pub settled: Settled,
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

    pub(super) fn of(pool: &Pool, board: &Board, assume: Assume) -> Self {
        let judge = |family| Judge::new(pool, board, family, assume);
        let judges = AnswerFamily::ALL.map(judge);
        let families = judges.each_ref().map(|judge| judge.standing(pool));
        let enough = |family: &FamilyStanding, judge: &Judge<'_>| {
            !family.offered || judge.part(pool, &family.usable).is_enough()
        };
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
            settled: Settled::of_pool(pool, board),
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
        let up = |target: TargetId| is_up(&board.targets[target]);
        let trust_unknown = !pool.endpoints.iter().filter_map(|endpoint| endpoint.target(family)).any(up);
        Self { board, family, assume, trust_unknown }
    }

    fn standing(&self, pool: &Pool) -> FamilyStanding {
        let usable = pool.endpoints.iter().enumerate().filter(|(_, endpoint)| self.usable(endpoint));
        FamilyStanding { offered: pool.offers(self.family), usable: usable.map(|(at, _)| at).collect() }
    }

    fn usable(&self, endpoint: &Endpoint) -> bool {
        self.usability(endpoint).is_usable()
    }

    /// Override, then verdict (§5.4).
    fn usability(&self, endpoint: &Endpoint) -> Usability {
        let Some(target) = endpoint.target(self.family) else { return Usability::LacksFamily };
        let view = &self.board.targets[target];
        match (view.forced, view.verdict) {
            (Some(Forced::Up), _) => Usability::ForcedUp,
            (Some(Forced::Down), _) => Usability::ForcedDown,
            (Some(Forced::Drained), _) => Usability::Drained,
            (None, Verdict::Up) => Usability::Up,
            _ if self.assume == Assume::AllUp => Usability::TakenAsUp,
            (None, Verdict::Down) => Usability::Down,
            (None, Verdict::Unknown) if self.trust_unknown => Usability::UnknownTrusted,
            (None, Verdict::Unknown) => Usability::UnknownNotTrusted,
        }
    }

    fn part(&self, pool: &Pool, usable: &[usize]) -> Part {
        let having = || pool.endpoints.iter().filter(|endpoint| endpoint.target(self.family).is_some());
        match pool.min_healthy {
            MinHealthy::Count(count) => {
                let of = having().count() as u32; // fewer than 2^32 endpoints
                Part::Count { usable: usable.len() as u32, of, least: count.min(of) }
            }
            MinHealthy::Fraction(least) => Part::Weight {
                usable: usable.iter().map(|&at| u32::from(pool.endpoints[at].weight)).sum(),
                of: having().map(|endpoint| u32::from(endpoint.weight)).sum(),
                least,
            },
        }
    }
}

/// Whether a target is up without any doubt.
fn is_up(view: &TargetView) -> bool {
    matches!((view.forced, view.verdict), (Some(Forced::Up), _) | (None, Verdict::Up))
}

/// How every pool stands.
#[must_use]
pub fn standings(steering: &Steering, board: &Board, assume: Assume) -> IdVec<PoolId, Arc<Standing>> {
    steering.pools.iter().map(|pool| Arc::new(Standing::of(pool, board, assume))).collect()
}
