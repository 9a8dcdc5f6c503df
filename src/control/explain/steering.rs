//! One steered query, decided once more by the functions that plans are built with, and compared with the plan.

use std::net::IpAddr;

use super::facts::{OutcomeFact, SteeringFacts};
use super::names::Met;
use super::probes::ProbeFacts;
use super::{Databases, ExplainError, Question, client, holding, must, pools, rules, variants};
use crate::answer::Client;
use crate::base::{CatchmentId, Now, Prefix};
use crate::health::ProbeKey;
use crate::snapshot::Snapshot;
use crate::steer::{
    Assume, Catchment, CatchmentPlan, DecidingStep, Decision, FamilyPlan, Outcome, Policy, PolicyPlan, Rule, Standings,
    Steering, decide, standings,
};
use crate::wire::ClientSubnet;

/// A steered query with everything that decides it.
pub(super) struct Case<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) now: Now,
    pub(super) resolver: IpAddr,
    pub(super) resolver_named: bool,
    pub(super) subnet: Option<Prefix>,
    pub(super) met: Met<'a>,
    pub(super) client: Client,
    pub(super) catchment: CatchmentId,
    /// The scope that the map gives.
    pub(super) tree_scope: u8,
    pub(super) standings: Standings,
    /// In the family asked.
    pub(super) decision: Decision,
    /// How much of the list matters to the TTL.
    pub(super) mattering: usize,
    pub(super) probes: &'a dyn Fn(&ProbeKey) -> Option<ProbeFacts>,
}

impl<'a> Case<'a> {
    pub(super) fn new(
        snapshot: &'a Snapshot,
        question: &Question,
        resolver: IpAddr,
        now: Now,
        met: Met<'a>,
        probes: &'a dyn Fn(&ProbeKey) -> Option<ProbeFacts>,
    ) -> Self {
        let steering = &snapshot.loaded.steering;
        let policy = &steering.policies[met.steered.policy];
        let subnet = question.client.map(|client| ClientSubnet { addr: client.addr(), source: client.len() });
        let client = Client::of(policy, subnet.as_ref(), resolver);
        let map = &snapshot.loaded.maps[met.steered.policy];
        let (catchment, tree_scope) = map.locate(client.addr, resolver);
        let standings = Standings {
            board: standings(steering, &snapshot.board, Assume::Board),
            all_up: standings(steering, &snapshot.board, Assume::AllUp),
        };
        let decide = |&family: &_| decide(policy, &map.catchments[catchment], family, &standings);
        let mattering = policy.kind.families().iter().map(|family| decide(family).mattering()).max();
        Self {
            snapshot,
            now,
            resolver,
            resolver_named: question.resolver.is_some(),
            subnet: question.client,
            client,
            catchment,
            tree_scope,
            decision: decide(&met.family),
            mattering: mattering.unwrap_or_default(),
            met,
            standings,
            probes,
        }
    }

    pub(super) fn steering(&self) -> &'a Steering {
        &self.snapshot.loaded.steering
    }

    pub(super) fn policy(&self) -> &'a Policy {
        &self.steering().policies[self.met.steered.policy]
    }

    pub(super) fn catchment(&self) -> &'a Catchment {
        &self.snapshot.loaded.maps[self.met.steered.policy].catchments[self.catchment]
    }

    pub(super) fn rule(&self) -> &'a Rule {
        &self.policy().rules[self.catchment().rule]
    }

    pub(super) fn policy_plan(&self) -> &'a PolicyPlan {
        &self.snapshot.plan.policies[self.met.steered.policy]
    }

    pub(super) fn catchment_plan(&self) -> &'a CatchmentPlan {
        self.policy_plan().catchment(self.catchment)
    }

    pub(super) fn plan(&self) -> &'a FamilyPlan {
        self.catchment_plan().family(self.met.family)
    }

    /// Seconds since 1970 of a point on the monotonic clock.
    pub(super) fn wall(&self, at: crate::base::Mono) -> u64 {
        self.now.wall.saturating_sub(self.now.mono.since(at).as_secs())
    }

    /// The plan must be what is decided now.
    fn compare(&self) -> Result<(), ExplainError> {
        let same = match (&self.decision.outcome, self.plan()) {
            (Outcome::Pools { shares, .. }, FamilyPlan::Pools(draw)) => {
                let decided = shares.iter().map(|&(at, share)| (self.decision.list[at].pool, share));
                draw.pools().iter().map(|pool| (pool.pool, pool.share)).eq(decided)
            }
            (Outcome::NotOffered | Outcome::NoData, FamilyPlan::NoData)
            | (Outcome::LastResort, FamilyPlan::LastResort)
            | (Outcome::LastResortOrFail, FamilyPlan::LastResortOrFail)
            | (Outcome::ServFail, FamilyPlan::ServFail) => true,
            _ => false,
        };
        must(same, || format!("decided {:?}, planned {:?}", self.decision.outcome, self.plan()))
    }
}

pub(super) fn facts(case: &Case<'_>, databases: &Databases) -> Result<SteeringFacts, ExplainError> {
    case.compare()?;
    let (client, location) = client::facts(case, databases);
    let rules = rules::facts(case, location.as_ref())?;
    let (outcome, why) = outcome(case);
    Ok(SteeringFacts {
        owner: case.met.steered.owner.to_string(),
        policy: case.policy().name.clone(),
        family: case.met.family.rtype().to_string(),
        client,
        catchment: case.catchment.0,
        later_rules: case.policy().rules.len() - rules.len(),
        rules,
        outcome,
        why,
        pools: pools::facts(case, location.as_ref())?,
        sticky: variants::sticky(case),
        ttl: holding::ttl(case)?,
        scope: holding::scope(case),
    })
}

fn outcome(case: &Case<'_>) -> (OutcomeFact, String) {
    let family = case.met.family.rtype();
    let has_static = case.met.node.rrset(family).is_some();
    let nothing = format!("no pool of the rule has an endpoint that is usable in {family}");
    match &case.decision.outcome {
        Outcome::Pools { step: DecidingStep::Healthy, .. } => (
            OutcomeFact::Healthy,
            "step (a): the first pool with min_healthy usable in every family it has decides".into(),
        ),
        Outcome::Pools { step: DecidingStep::Degraded, .. } => (
            OutcomeFact::Degraded,
            format!(
                "step (b), degraded: no pool reaches min_healthy in every family; the first with anything usable in {family} decides"
            ),
        ),
        Outcome::Pools { step: DecidingStep::AllDown, .. } => (
            OutcomeFact::AllDown,
            format!("step (c), when_all_down = \"all\": {nothing}, so all count as up unless forced down or drained"),
        ),
        Outcome::NotOffered => (OutcomeFact::NotOffered, format!("no pool of the rule has {family}: no data")),
        Outcome::LastResort if has_static => (
            OutcomeFact::LastResort,
            format!(
                "step (c), when_all_down = \"last_resort\": {nothing}, so the zone's static {family} records answer"
            ),
        ),
        Outcome::LastResort => (
            OutcomeFact::LastResort,
            format!(
                "step (c), when_all_down = \"last_resort\": {nothing}, and the zone has no static {family} records here: no data"
            ),
        ),
        Outcome::NoData => (OutcomeFact::NoData, format!("step (c), when_all_down = \"nodata\": {nothing}")),
        Outcome::ServFail => (OutcomeFact::ServFail, format!("step (c), when_all_down = \"servfail\": {nothing}")),
        Outcome::LastResortOrFail => {
            let then = if has_static { "the zone's static records answer" } else { "the answer is SERVFAIL" };
            (
                OutcomeFact::LastResortOrFail,
                format!("step (c), when_all_down = \"all\": {nothing}, and all are forced down or drained: {then}"),
            )
        }
    }
}
