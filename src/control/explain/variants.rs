//! What may be answered, and that the response is one of it.

use super::ask::Response;
use super::facts::{StickyFacts, VariantFacts};
use super::holding::scope_of;
use super::steering::Case;
use super::{ExplainError, must, rounded};
use crate::base::PoolId;
use crate::steer::{FamilyPlan, PoolAnswers, PoolDraw};
use crate::zone::RdataText;

/// What the plan allows for this client.
pub(super) enum Possible {
    /// One of these.
    Pools(Vec<Variant>),
    /// The zone's own records.
    Static(Vec<Vec<u8>>),
    /// No data.
    Negative,
    /// SERVFAIL.
    Failure,
}

/// One of the answers that may be drawn.
pub(super) struct Variant {
    pool: PoolId,
    /// By position in the pool.
    endpoints: Vec<usize>,
    /// In order of octets.
    rdata: Vec<Vec<u8>>,
    chance: f64,
}

/// What the plan allows for this client.
pub(super) fn possible(case: &Case<'_>) -> Possible {
    let of_zone =
        || case.met.node.rrset(case.met.family.rtype()).map(|rrset| rrset.rdatas().map(<[u8]>::to_vec).collect());
    match case.plan() {
        FamilyPlan::Pools(draw) => Possible::Pools(variants(case, draw)),
        FamilyPlan::LastResort => of_zone().map_or(Possible::Negative, Possible::Static),
        FamilyPlan::LastResortOrFail => of_zone().map_or(Possible::Failure, Possible::Static),
        FamilyPlan::NoData => Possible::Negative,
        FamilyPlan::ServFail => Possible::Failure,
    }
}

fn variants(case: &Case<'_>, draw: &PoolDraw) -> Vec<Variant> {
    if let Some(key) = case.client.sticky_key(case.policy_plan()) {
        return draw
            .rendezvous_pool(key)
            .map(|sharing| {
                let mut set = Vec::new();
                sharing.answers.rendezvous(key, |at| set.push(at));
                Variant::new(sharing.pool, &sharing.answers, &set, 1.0)
            })
            .into_iter()
            .collect();
    }
    let of_pool = |(sharing, share): (&crate::steer::SharingPool, f64)| {
        let sets = sharing.answers.sets.iter().zip(sharing.answers.chances());
        sets.map(|(set, chance)| Variant::new(sharing.pool, &sharing.answers, set, share * chance)).collect::<Vec<_>>()
    };
    draw.pools().iter().zip(draw.chances()).flat_map(of_pool).collect()
}

impl Variant {
    fn new(pool: PoolId, answers: &PoolAnswers, set: &[usize], chance: f64) -> Self {
        let mut rdata: Vec<Vec<u8>> = set.iter().map(|&at| answers.rdata[at].clone()).collect();
        rdata.sort();
        Self { pool, endpoints: set.iter().map(|&at| answers.endpoints[at].0).collect(), rdata, chance }
    }
}

/// What may be drawn, as plain data; nothing where no pool answers.
pub(super) fn facts(case: &Case<'_>) -> Vec<VariantFacts> {
    let Possible::Pools(variants) = possible(case) else { return Vec::new() };
    let rtype = case.met.family.rtype();
    let facts = |variant: Variant| {
        let pool = &case.steering().pools[variant.pool];
        VariantFacts {
            pool: pool.name.clone(),
            endpoints: variant.endpoints.iter().map(|&at| pool.endpoints[at].name.clone()).collect(),
            data: variant.rdata.iter().map(|rdata| RdataText { rtype, rdata }.to_string()).collect(),
            chance: rounded(variant.chance, 9),
        }
    };
    variants.into_iter().map(facts).collect()
}

/// What a sticky policy gives this client's network.
pub(super) fn sticky(case: &Case<'_>) -> Option<StickyFacts> {
    case.client.sticky_key(case.policy_plan())?;
    let variant = facts(case).into_iter().next()?;
    let network = case.client.sticky_network().to_string();
    Some(StickyFacts { network, pool: variant.pool, endpoints: variant.endpoints })
}

/// The response must be one of what is possible, with the TTL and the scope that follow.
pub(super) fn verify(case: &Case<'_>, response: &Response) -> Result<(), ExplainError> {
    let possible = possible(case);
    let expected = if matches!(possible, Possible::Failure) { "SERVFAIL" } else { "NOERROR" };
    let rcode = response.rcode();
    must(rcode == expected, || format!("{expected} is planned and {rcode} answered"))?;
    let positive = matches!(possible, Possible::Pools(_) | Possible::Static(_));
    let scope = case.subnet.map(|_| if positive && case.client.by_subnet { scope_of(case) } else { 0 });
    must(response.scope() == scope, || format!("scope {scope:?} is planned and {:?} answered", response.scope()))?;
    let range = case.met.steered.ttl;
    let (allowed, ttl) = match possible {
        Possible::Pools(variants) => {
            let ttl = case.catchment_plan().settled.ttl(range, case.now);
            (variants.into_iter().filter(|variant| variant.chance > 0.0).map(|variant| variant.rdata).collect(), ttl)
        }
        Possible::Static(mut rdata) => {
            rdata.sort();
            (vec![rdata], range.min)
        }
        Possible::Negative => {
            let ttl = range.min.min(case.met.zone.negative_ttl()).secs();
            let answered = response.negative_ttl();
            return must(answered == Some(ttl), || format!("no data for {ttl} s is planned, {answered:?} answered"));
        }
        Possible::Failure => return Ok(()),
    };
    let records = response.answers(case.met.aliases)?;
    let (owner, rtype) = (case.met.name.as_ref().as_wire(), case.met.family.rtype());
    let agree = records.iter().all(|own| own.ttl == ttl.secs() && own.rtype == rtype && own.owner == owner);
    must(agree, || format!("{rtype} with a TTL of {} is planned and {records:?} answered", ttl.secs()))?;
    let rdata: Vec<Vec<u8>> = records.into_iter().map(|record| record.rdata).collect();
    must(allowed.contains(&rdata), || format!("{rdata:?} was answered, which is none of {allowed:?}"))
}
