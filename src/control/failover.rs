//! What a new snapshot moved: which clients of which policy are answered with other pools than before.

use std::collections::HashMap;
use std::sync::Arc;

use crate::base::{CatchmentId, Id, PolicyId, PoolId};
use crate::snapshot::Snapshot;
use crate::steer::{FamilyPlan, Steering};

/// One line for each policy and change of pools. Nothing where what is loaded changed too: ids differ then, and the reload
/// says what it changed.
#[must_use]
pub(super) fn failovers(old: &Snapshot, new: &Snapshot) -> Vec<String> {
    if !Arc::ptr_eq(&old.loaded, &new.loaded) {
        return Vec::new();
    }
    let steering = &new.loaded.steering;
    let policies = (0..steering.policies.len()).map(PolicyId::from_index);
    policies.flat_map(|policy| moves(old, new, policy)).collect()
}

/// The lines of one policy.
fn moves(old: &Snapshot, new: &Snapshot, policy: PolicyId) -> Vec<String> {
    let total = new.loaded.maps[policy].catchments.len();
    let mut moved: HashMap<_, usize> = HashMap::new();
    for catchment in (0..total).map(CatchmentId::from_index) {
        let change = (answered(old, policy, catchment), answered(new, policy, catchment));
        if change.0 != change.1 {
            *moved.entry(change).or_default() += 1;
        }
    }
    let steering = &new.loaded.steering;
    let name = &steering.policies[policy].name;
    let line = |((from, to), count): (&(Vec<Answered>, Vec<Answered>), &usize)| {
        let (from, to) = (describe(from, steering), describe(to, steering));
        format!("{name}: clients of {count} of {total} catchments go to {to} instead of {from}")
    };
    let mut lines: Vec<String> = moved.iter().map(line).collect();
    lines.sort();
    lines
}

/// What a family is answered with.
#[derive(PartialEq, Eq, Hash)]
enum Answered {
    Pools(Vec<PoolId>),
    LastResort,
    NoData,
    ServFail,
}

/// What a catchment is answered with, by family.
fn answered(snapshot: &Snapshot, policy: PolicyId, catchment: CatchmentId) -> Vec<Answered> {
    let plan = snapshot.plan.policies[policy].catchment(catchment);
    let families = snapshot.loaded.steering.policies[policy].kind.families().iter();
    let answered = families.map(|&family| match plan.family(family) {
        FamilyPlan::Pools(draw) => Answered::Pools(draw.pools().iter().map(|sharing| sharing.pool).collect()),
        FamilyPlan::LastResort | FamilyPlan::LastResortOrFail => Answered::LastResort,
        FamilyPlan::NoData => Answered::NoData,
        FamilyPlan::ServFail => Answered::ServFail,
    });
    answered.collect()
}

/// `eu`, `eu and us`; where the families differ, both: `eu, the last resort`.
fn describe(families: &[Answered], steering: &Steering) -> String {
    let text = |answered: &Answered| match answered {
        Answered::Pools(pools) => {
            pools.iter().map(|&pool| steering.pools[pool].name.as_str()).collect::<Vec<_>>().join(" and ")
        }
        Answered::LastResort => "the last resort".to_owned(),
        Answered::NoData => "no data".to_owned(),
        Answered::ServFail => "SERVFAIL".to_owned(),
    };
    // a family that no pool has is always without data
    let some = families.iter().any(|answered| *answered != Answered::NoData);
    let mut texts: Vec<String> =
        families.iter().filter(|answered| !some || **answered != Answered::NoData).map(text).collect();
    texts.dedup();
    texts.join(", ")
}
