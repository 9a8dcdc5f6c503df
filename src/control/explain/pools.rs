//! Every pool of the rule with its estimate, its share and its endpoints, and why it answers or does not.

use super::facts::{
    DistanceFacts, EndpointFacts, EstimateFacts, FateFact, OrderFact, PartFacts, PoolFacts, TargetFacts,
};
use super::steering::Case;
use super::{ExplainError, millis, must, rounded};
use crate::base::{PoolId, TargetId};
use crate::geo::Location;
use crate::health::Forced;
use crate::steer::{
    AnswerFamily, Assume, Considered, DecidingStep, Endpoint, Estimates, FamilyPlan, Fate, Judged, Measured, Order,
    Outcome, Part, Pool, PoolAnswers, Usability, by_distance, fates, judged, latency_factors, measured,
};

/// The pools in the order they were looked at. Where the location is known, their distances are measured once more, and must
/// come to the catchment's estimates.
pub(super) fn facts(case: &Case<'_>, location: Option<&Location>) -> Result<Vec<PoolFacts>, ExplainError> {
    let distances = location.map(|location| measured(case.rule(), case.steering(), location));
    if let Some(distances) = &distances {
        let planned = &case.catchment().estimates;
        let steps = |(measured, planned): (&Option<Vec<Measured>>, &Option<Estimates>)| match (measured, planned) {
            (Some(measured), Some(planned)) => {
                measured.iter().enumerate().all(|(at, one)| one.step == planned.step(at))
            }
            (measured, planned) => measured.is_none() && planned.is_none(),
        };
        let same = distances.len() == planned.len() && distances.iter().zip(planned).all(steps);
        must(same, || format!("measured {distances:?}, planned {:?}", case.catchment().estimates))?;
    }
    let fates = fates(case.policy(), case.catchment(), case.met.family, &case.standings, &case.decision);
    let list = case.decision.list.iter().zip(fates);
    Ok(list.map(|(entry, fate)| Considering { case, entry, fate, distances: distances.as_deref() }.facts()).collect())
}

/// A pool of the list, and what became of it.
struct Considering<'a> {
    case: &'a Case<'a>,
    entry: &'a Considered,
    fate: Fate,
    distances: Option<&'a [Option<Vec<Measured>>]>,
}

impl Considering<'_> {
    fn facts(&self) -> PoolFacts {
        let Considered { pool: id, tier, weight, .. } = *self.entry;
        let pool = self.pool();
        let region = pool.region.map(|region| self.case.steering().regions[region].name.clone());
        PoolFacts {
            pool: pool.name.clone(),
            region,
            tier: tier + 1,
            order: match self.order() {
                Order::Written => OrderFact::Written,
                Order::Nearest => OrderFact::Nearest,
                Order::Weighted => OrderFact::Weighted,
            },
            weight,
            estimate: self.estimate(),
            fate: fate(self.fate),
            why: self.why(),
            share: self.planned().map_or(0.0, |(share, _)| rounded(share, 9)),
            parts: self.families().map(|family| self.part(family)).collect(),
            endpoints: self.endpoints(id),
        }
    }

    fn pool(&self) -> &Pool {
        &self.case.steering().pools[self.entry.pool]
    }

    fn order(&self) -> Order {
        self.case.rule().tiers[self.entry.tier].order
    }

    /// The families that the pool offers.
    fn families(&self) -> impl Iterator<Item = AnswerFamily> {
        let families = self.case.policy().kind.families().iter().copied();
        families.filter(|&family| self.pool().offers(family))
    }

    /// What counts as up in the step that decided.
    fn assume(&self) -> Assume {
        match self.case.decision.outcome {
            Outcome::Pools { step: DecidingStep::AllDown, .. } | Outcome::LastResortOrFail => Assume::AllUp,
            _ => Assume::Board,
        }
    }

    fn judged(&self, family: AnswerFamily) -> Judged {
        judged(self.pool(), &self.case.snapshot.board, family, self.assume())
    }

    /// The pool's share and answers in the plan.
    fn planned(&self) -> Option<(f64, &PoolAnswers)> {
        let FamilyPlan::Pools(draw) = self.case.plan() else { return None };
        let sharing = draw.pools().iter().find(|sharing| sharing.pool == self.entry.pool)?;
        Some((sharing.share, &sharing.answers))
    }

    fn part(&self, family: AnswerFamily) -> PartFacts {
        let part = self.judged(family).part;
        let (usable, of, weight, min_healthy) = match part {
            Part::Weight { usable, of, least } => (usable, of, true, least),
            Part::Count { usable, of, least } => (usable, of, false, least.into()),
        };
        let family = family.rtype().to_string();
        PartFacts { family, usable, of, weight, min_healthy, enough: part.is_enough() }
    }

    fn estimate(&self) -> Option<EstimateFacts> {
        let tier = self.case.catchment().estimates[self.entry.tier].as_ref()?;
        let written = &self.case.rule().tiers[self.entry.tier].pools;
        let at = written.iter().position(|&(pool, _)| pool == self.entry.pool)?;
        let step_ms = tier.step(at).millis();
        let distances = self.distances.and_then(|tiers| tiers[self.entry.tier].as_ref());
        Some(EstimateFacts {
            ms: millis(self.entry.estimate?),
            step_ms: millis(step_ms),
            slowness_ms: millis(self.case.standings.board[self.entry.pool].slowness),
            parts: distances.map(|all| self.distance(&all[at], written)),
        })
    }

    fn distance(&self, one: &Measured, written: &[(PoolId, u32)]) -> DistanceFacts {
        let steering = self.case.steering();
        let region = |pool: PoolId| steering.pools[pool].region.map(|region| &steering.regions[region]);
        DistanceFacts {
            km: rounded(one.km, 3),
            seen_from: one.seen_from.and_then(|place| Some(region(written[place].0)?.name.clone())),
            base_ms: by_distance(0.0),
            distance_ms: rounded(by_distance(one.km) - by_distance(0.0), 3),
            bias: region(self.entry.pool).map_or(0, |region| region.bias),
            ms: rounded(one.ms, 3),
        }
    }

    fn why(&self) -> String {
        let family = self.case.met.family.rtype();
        match self.fate {
            Fate::Shares(_) => self.why_it_shares(),
            Fate::LacksFamily => format!("it has no {family}"),
            Fate::NothingUsable => format!("none of its endpoints is usable in {family}"),
            Fate::NotEnough => self.why_not_enough(),
            Fate::BehindFirst => match self.order() {
                Order::Nearest => "without coordinates the first usable in the order written takes all".into(),
                _ => "the first usable of its tier takes all".into(),
            },
            Fate::TooFar => self.why_too_far(),
            Fate::LaterTier => "a tier before its own answers".into(),
        }
    }

    fn why_it_shares(&self) -> String {
        let alone = self.planned().is_some_and(|(share, _)| share == 1.0);
        match (self.order(), self.entry.estimate) {
            (Order::Weighted, _) if alone => "the only usable one of its tier".into(),
            (Order::Weighted, _) => format!("drawn by the weight written, {}", self.entry.weight),
            (Order::Nearest, Some(_)) if alone => {
                format!("the nearest usable; no other usable one of its tier is within {} ms", self.within())
            }
            (Order::Nearest, Some(_)) => {
                format!("within {} ms of the nearest usable: shares by usable weight and estimate", self.within())
            }
            (Order::Nearest, None) => "without coordinates of the client, the first usable in the order written".into(),
            (Order::Written, _) => "the first usable in the order written".into(),
        }
    }

    fn why_too_far(&self) -> String {
        let estimate = |entry: &Considered| entry.estimate.unwrap_or_default().0;
        let near = self.case.decision.list.iter().filter(|entry| entry.tier == self.entry.tier);
        let best = near.filter(|entry| self.shares(entry.pool)).map(estimate).fold(f32::INFINITY, f32::min);
        let beyond = estimate(self.entry) - best;
        format!("{beyond:.1} ms beyond the nearest usable, and spread.within is {} ms", self.within())
    }

    fn shares(&self, pool: PoolId) -> bool {
        matches!(self.case.plan(), FamilyPlan::Pools(draw) if draw.pools().iter().any(|sharing| sharing.pool == pool))
    }

    fn within(&self) -> f32 {
        self.case.policy().spread.within.0
    }

    fn why_not_enough(&self) -> String {
        let short = self.families().map(|family| self.part(family)).filter(|part| !part.enough);
        let short: Vec<String> = short.map(|part| part.family).collect();
        format!("less than min_healthy is usable in {}", short.join(" and "))
    }

    /// Those of the family asked, and those of families that are short of `min_healthy`.
    fn endpoints(&self, id: PoolId) -> Vec<EndpointFacts> {
        let asked = self.case.met.family;
        let shown = self.families().filter(|&family| family == asked || !self.judged(family).part.is_enough());
        shown.flat_map(|family| self.endpoints_of(id, family)).collect()
    }

    fn endpoints_of(&self, id: PoolId, family: AnswerFamily) -> Vec<EndpointFacts> {
        let (pool, judged) = (self.pool(), self.judged(family));
        let standings = match self.assume() {
            Assume::Board => &self.case.standings.board,
            Assume::AllUp => &self.case.standings.all_up,
        };
        let (usable, any) = (&standings[id].family(family).usable, standings[id].usable_in_any());
        let board = &self.case.snapshot.board;
        let factors: Vec<f64> = latency_factors(pool, usable, &any, self.case.policy().latency_weight, board).collect();
        let planned = self.planned().filter(|_| family == self.case.met.family);
        let facts = |(at, endpoint): (usize, &Endpoint)| EndpointFacts {
            endpoint: format!("{}/{}", pool.name, endpoint.name),
            family: family.rtype().to_string(),
            address: address(endpoint, family),
            weight: endpoint.weight,
            usable: judged.endpoints[at].is_usable(),
            why: usability(judged.endpoints[at]).into(),
            latency_factor: usable.iter().position(|&usable| usable == at).map(|at| factors[at]),
            share: planned
                .and_then(|(_, answers)| Some(rounded(answers.endpoints.iter().find(|&&(own, _)| own == at)?.1, 9))),
            target: endpoint.target(family).map(|target| target_facts(self.case, target)),
        };
        pool.endpoints.iter().enumerate().map(facts).collect()
    }
}

const fn fate(fate: Fate) -> FateFact {
    match fate {
        Fate::Shares(_) => FateFact::Answers,
        Fate::LacksFamily => FateFact::LacksFamily,
        Fate::NothingUsable => FateFact::NothingUsable,
        Fate::NotEnough => FateFact::NotEnough,
        Fate::BehindFirst => FateFact::BehindFirst,
        Fate::TooFar => FateFact::TooFar,
        Fate::LaterTier => FateFact::LaterTier,
    }
}

const fn usability(usability: Usability) -> &'static str {
    match usability {
        Usability::Up => "up",
        Usability::ForcedUp => "forced up",
        Usability::UnknownTrusted => "unknown, and counts as up as nothing of its pool and family is",
        Usability::TakenAsUp => "not up, but taken as up as nothing is",
        Usability::UnknownNotTrusted => "unknown, and not used while others of its pool and family are up",
        Usability::Down => "down",
        Usability::ForcedDown => "forced down",
        Usability::Drained => "drained",
        Usability::LacksFamily => "has no address of this family",
    }
}

fn address(endpoint: &Endpoint, family: AnswerFamily) -> Option<String> {
    match family {
        AnswerFamily::V4 => endpoint.v4.map(|(addr, _)| addr.to_string()),
        AnswerFamily::V6 => endpoint.v6.map(|(addr, _)| addr.to_string()),
        AnswerFamily::Cname => endpoint.cname.as_ref().map(|(name, _)| name.to_string()),
    }
}

/// What judges an endpoint: what the snapshot was built from, and what probes say by now.
pub(super) fn target_facts(case: &Case<'_>, target: TargetId) -> TargetFacts {
    let (view, key) = (&case.snapshot.board.targets[target], &case.steering().targets[target].key);
    TargetFacts {
        probed: key.as_ref().map(ToString::to_string),
        verdict: view.verdict.to_string(),
        forced: view.forced.map(|forced| match forced {
            Forced::Up => "up".into(),
            Forced::Down => "down".into(),
            Forced::Drained => "drained".into(),
        }),
        latency_ms: view.latency.map(millis),
        slowness_ms: millis(view.slowness),
        last_failure: view.last_failure.map(|at| case.wall(at)),
        probes: key.as_ref().and_then(case.probes),
    }
}
