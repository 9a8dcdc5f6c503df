//! Which policies depend on which pools, and pools on which targets. Found once a load, so that a change of a target's
//! state touches no more than it must.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::base::{IdVec, PolicyId, PoolId, TargetId};

use super::catchment::CatchmentMap;
use super::draw::hash;
use super::model::{Order, Policy, PolicyKind, Steering, WhenAllDown};

/// A group of policies by number.
pub(super) type GroupId = usize;

/// What depends on what.
#[derive(Debug, Default)]
pub(super) struct Wiring {
    /// Policies that answer alike, whatever the board; each has its first policy.
    pub(super) groups: Vec<PolicyId>,
    /// The group of each policy, and its key for stickiness.
    pub(super) policies: IdVec<PolicyId, (GroupId, Option<u64>)>,
    pub(super) pools: IdVec<PoolId, PoolWiring>,
    /// The pools that each target judges.
    pub(super) targets: IdVec<TargetId, Vec<PoolId>>,
}

/// What a plan asks of a pool each time.
#[derive(Debug, Default)]
pub(super) struct PoolWiring {
    /// The groups whose rules name it.
    pub(super) groups: Vec<GroupId>,
    /// Hash of its name, for rendezvous.
    pub(super) key: u64,
}

/// What tells groups apart: the tiers of each rule, what shares depend on, and the map, which stands for the matchers.
#[derive(PartialEq, Eq, Hash)]
struct Shape<'a> {
    rules: Vec<Vec<(Order, &'a [(PoolId, u32)])>>,
    kind: PolicyKind,
    spread: (u32, u8),
    latency_weight: bool,
    when_all_down: WhenAllDown,
    map: *const CatchmentMap,
}

impl<'a> Shape<'a> {
    fn of(policy: &'a Policy, map: &Arc<CatchmentMap>) -> Self {
        let tiers = |tiers: &'a [super::model::Tier]| tiers.iter().map(|tier| (tier.order, &*tier.pools)).collect();
        Self {
            rules: policy.rules.iter().map(|rule| tiers(&rule.tiers)).collect(),
            kind: policy.kind,
            spread: (policy.spread.within.0.to_bits(), policy.spread.answers.get()),
            latency_weight: policy.latency_weight,
            when_all_down: policy.when_all_down,
            map: Arc::as_ptr(map),
        }
    }
}

impl Wiring {
    pub(super) fn of(steering: &Steering, maps: &IdVec<PolicyId, Arc<CatchmentMap>>) -> Self {
        let mut groups: HashMap<Shape<'_>, GroupId, FixedState> = HashMap::default();
        let mut wiring = Self {
            pools: steering.pools.iter().map(|pool| PoolWiring::of(&pool.name)).collect(),
            targets: steering.targets.iter().map(|_| Vec::new()).collect(),
            ..Self::default()
        };
        for ((id, policy), map) in steering.policies.iter_ids().zip(maps) {
            let group = *groups.entry(Shape::of(policy, map)).or_insert_with(|| wiring.group(id, policy));
            wiring.policies.push((group, policy.sticky.then(|| hash(&[policy.name.as_bytes()]))));
        }
        for (id, pool) in steering.pools.iter_ids() {
            for target in pool.targets() {
                insert(&mut wiring.targets[target], id);
            }
        }
        wiring
    }

    fn group(&mut self, id: PolicyId, policy: &Policy) -> GroupId {
        let group = self.groups.len();
        self.groups.push(id);
        let tiers = policy.rules.iter().flat_map(|rule| &rule.tiers);
        for &(pool, _) in tiers.flat_map(|tier| &tier.pools) {
            insert(&mut self.pools[pool].groups, group);
        }
        group
    }
}

impl PoolWiring {
    fn of(name: &str) -> Self {
        Self { groups: Vec::new(), key: hash(&[name.as_bytes()]) }
    }
}

/// Appends what comes in order, once.
fn insert<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if list.last() != Some(&item) {
        list.push(item);
    }
}
