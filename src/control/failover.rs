//! What a new snapshot moved: which clients of which policy are answered with other pools than before.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::{CatchmentId, Id, PolicyId, PoolId};
use crate::snapshot::Snapshot;
use crate::steer::{FamilyPlan, Steering};

/// One line for each policy some of whose clients moved. Nothing where what is loaded changed too: ids differ then, and the
/// reload says what it changed.
#[must_use]
pub(super) fn failovers(old: &Snapshot, new: &Snapshot) -> Vec<String> {
    if !Arc::ptr_eq(&old.loaded, &new.loaded) {
        return Vec::new();
    }
    let policies = (0..new.loaded.steering.policies.len()).map(PolicyId::from_index);
    policies.filter_map(|policy| moves(old, new, policy)).collect()
}

/// The line of one policy: from where to where, with the number of catchments where it is not all of them.
fn moves(old: &Snapshot, new: &Snapshot, policy: PolicyId) -> Option<String> {
    let (before, after) = (&old.plan.policies[policy], &new.plan.policies[policy]);
    if before.shares_with(after) {
        return None;
    }
    let total = new.loaded.maps[policy].catchments.len();
    let (mut moved, mut from, mut to) = (0, Counts::new(), Counts::new());
    let touched = |catchment: &CatchmentId| !std::ptr::eq(before.catchment(*catchment), after.catchment(*catchment));
    for catchment in (0..total).map(CatchmentId::from_index).filter(touched) {
        let (before, after) = (answered(old, policy, catchment), answered(new, policy, catchment));
        if before != after {
            moved += 1;
            count(&before, &after, &mut from);
            count(&after, &before, &mut to);
        }
    }
    let steering = &new.loaded.steering;
    let (name, from, to) = (&steering.policies[policy].name, list(&from, moved, steering), list(&to, moved, steering));
    (moved > 0).then(|| format!("{name}: clients of {moved} of {total} catchments move from {from} to {to}"))
}

/// In how many catchments something is answered.
type Counts = BTreeMap<Answered, usize>;

/// Counts what only these are answered with, or all of it where that is nothing: of several that shared, some are left.
fn count(these: &[Answered], others: &[Answered], counts: &mut Counts) {
    let only: Vec<&Answered> = these.iter().filter(|answered| !others.contains(answered)).collect();
    let counted = if only.is_empty() { these.iter().collect() } else { only };
    counted.into_iter().for_each(|answered| *counts.entry(*answered).or_default() += 1);
}

fn list(counts: &Counts, moved: usize, steering: &Steering) -> String {
    let text = |(answered, &count): (&Answered, &usize)| match count {
        count if count == moved => answered.describe(steering),
        count => format!("{} ({count})", answered.describe(steering)),
    };
    counts.iter().map(text).collect::<Vec<_>>().join(", ")
}

/// One of the things that a catchment is answered with.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Answered {
    Pool(PoolId),
    LastResort,
    NoData,
    ServFail,
}

/// What a catchment is answered with, over its families: sorted, each once.
fn answered(snapshot: &Snapshot, policy: PolicyId, catchment: CatchmentId) -> Vec<Answered> {
    let plan = snapshot.plan.policies[policy].catchment(catchment);
    let mut all = Vec::new();
    for &family in snapshot.loaded.steering.policies[policy].kind.families() {
        match plan.family(family) {
            FamilyPlan::Pools(draw) => all.extend(draw.pools().iter().map(|sharing| Answered::Pool(sharing.pool))),
            FamilyPlan::LastResort | FamilyPlan::LastResortOrFail => all.push(Answered::LastResort),
            FamilyPlan::NoData => all.push(Answered::NoData),
            FamilyPlan::ServFail => all.push(Answered::ServFail),
        }
    }
    all.sort();
    all.dedup();
    // a family that no pool has is always without data
    if all.len() > 1 {
        all.retain(|answered| *answered != Answered::NoData);
    }
    all
}

impl Answered {
    fn describe(self, steering: &Steering) -> String {
        match self {
            Self::Pool(pool) => steering.pools[pool].name.clone(),
            Self::LastResort => "the last resort".to_owned(),
            Self::NoData => "no data".to_owned(),
            Self::ServFail => "SERVFAIL".to_owned(),
        }
    }
}
