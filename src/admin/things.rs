//! Zones, pools, targets and policies, as the API gives them.

use serde::{Deserialize, Serialize};

use crate::base::TargetId;
use crate::control::Handle;
use crate::control::explain::ProbeFacts;
use crate::health::{ProbeKey, TargetView};
use crate::probe::clock;
use crate::snapshot::{LoadedDatabase, Snapshot};
use crate::steer::{AnswerFamily, Assume, Endpoint, Policy, Pool, Standing, Steering, standings};

/// A zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Zone {
    name: String,
    serial: u32,
    records: usize,
    steered_names: Vec<SteeredName>,
    /// Since the start.
    queries: u64,
}

/// A steered name of a zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct SteeredName {
    name: String,
    policy: String,
    ttl_max: u32,
    ttl_min: u32,
}

/// A pool, and how it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PoolStatus {
    /// `ZONE/POOL`.
    pub name: String,
    /// Where it is.
    pub region: Option<String>,
    /// Whether its usable part reaches `min_healthy` in each family it has.
    pub healthy: bool,
    /// Families it offers: how many of its endpoints are usable, of how many.
    pub families: Vec<FamilyStatus>,
    /// Milliseconds that its slowness adds to estimates.
    pub slowness_ms: f32,
    /// Its endpoints.
    pub endpoints: Vec<EndpointStatus>,
    /// Answers drawn from it since the start.
    pub answers: u64,
}

/// A family of a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FamilyStatus {
    /// `A`, `AAAA` or `CNAME`.
    pub rtype: String,
    /// Endpoints that are usable.
    pub usable: usize,
    /// Endpoints that have the family.
    pub endpoints: usize,
}

/// An endpoint of a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointStatus {
    /// Its name in the pool.
    pub name: String,
    /// As configured.
    pub weight: u16,
    /// What is answered, with the state of the target that judges it.
    pub answers: Vec<(String, String)>,
}

/// A target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetStatus {
    /// What is probed; none with `check = "none"`.
    pub probed: Option<String>,
    /// The endpoints it judges.
    pub endpoints: Vec<String>,
    /// `up`, `down` or `unknown`, as answers go by it.
    pub state: String,
    /// What probes say.
    pub probes: Option<ProbeFacts>,
}

/// A policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PolicyStatus {
    name: String,
    names: Vec<String>,
    rules: usize,
    /// Every pool that a rule leads to.
    pools: Vec<String>,
    sticky: bool,
    when_all_down: String,
    uses_client_subnet: bool,
    /// Groups of clients that are answered alike.
    catchments: usize,
    /// What it answered since the start.
    answers: Vec<(String, u64)>,
}

/// A geo database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Database {
    /// Its file.
    pub path: String,
    /// Its type, such as `GeoLite2-City`.
    pub kind: String,
    /// SHA-256 of the file.
    pub digest: String,
    /// When it was built, in seconds since 1970.
    pub built: u64,
    /// How many networks it lists.
    pub networks: u64,
}

pub(super) fn database(database: &LoadedDatabase) -> Database {
    let LoadedDatabase { path, digest, info } = database;
    Database {
        path: path.display().to_string(),
        kind: info.kind.clone(),
        digest: digest.clone(),
        built: info.built,
        networks: info.networks,
    }
}

pub(super) fn zones(handle: &Handle) -> Vec<Zone> {
    let snapshot = handle.control.published().load_full();
    let sums = handle.control.tallies().sums();
    let steering = &snapshot.loaded.steering;
    let zone = |zone: &std::sync::Arc<crate::zone::Zone>| {
        let name = zone.origin().to_string();
        let steered = zone.nodes().filter_map(crate::zone::Node::steered).map(|at| &steering.names[at as usize]);
        let steered = steered.map(|steered| SteeredName {
            name: steered.owner.to_string(),
            policy: steering.policies[steered.policy].name.clone(),
            ttl_max: steered.ttl.max.secs(),
            ttl_min: steered.ttl.min.secs(),
        });
        Zone {
            serial: zone.serial(),
            records: zone.record_count(),
            steered_names: steered.collect(),
            queries: sums.zones.get(&name).copied().unwrap_or(0),
            name,
        }
    };
    snapshot.loaded.zones.iter().map(zone).collect()
}

pub(super) fn pools(handle: &Handle) -> Vec<PoolStatus> {
    let snapshot = handle.control.published().load_full();
    let Snapshot { loaded, board, .. } = &*snapshot;
    let sums = handle.control.tallies().sums();
    let standings = standings(&loaded.steering, board, Assume::Board);
    let pools = loaded.steering.pools.iter().zip(&standings);
    let pools = pools.map(|(pool, standing)| PoolStatus {
        name: pool.name.clone(),
        region: pool.region.map(|region| loaded.steering.regions[region].name.clone()),
        healthy: standing.healthy,
        families: families(pool, standing),
        slowness_ms: standing.slowness.0,
        endpoints: pool.endpoints.iter().map(|endpoint| endpoint_status(endpoint, &snapshot)).collect(),
        answers: sums.pools.get(&pool.name).copied().unwrap_or(0),
    });
    pools.collect()
}

fn families(pool: &Pool, standing: &Standing) -> Vec<FamilyStatus> {
    let offered = AnswerFamily::ALL.into_iter().filter(|&family| pool.offers(family));
    let status = |family: AnswerFamily| FamilyStatus {
        rtype: family.rtype().to_string(),
        usable: standing.family(family).usable.len(),
        endpoints: pool.endpoints.iter().filter(|endpoint| endpoint.target(family).is_some()).count(),
    };
    offered.map(status).collect()
}

fn endpoint_status(endpoint: &Endpoint, snapshot: &Snapshot) -> EndpointStatus {
    let state = |target: TargetId| state(&snapshot.board.targets[target]);
    let v4 = endpoint.v4.map(|(address, target)| (address.to_string(), state(target)));
    let v6 = endpoint.v6.map(|(address, target)| (address.to_string(), state(target)));
    let cname = endpoint.cname.as_ref().map(|(name, target)| (name.to_string(), state(*target)));
    EndpointStatus {
        name: endpoint.name.clone(),
        weight: endpoint.weight,
        answers: [v4, v6, cname].into_iter().flatten().collect(),
    }
}

fn state(view: &TargetView) -> String {
    view.verdict.to_string()
}

pub(super) fn targets(handle: &Handle) -> Vec<TargetStatus> {
    let snapshot = handle.control.published().load_full();
    let targets = snapshot.loaded.steering.targets.iter().zip(&snapshot.board.targets);
    let status = |(target, view): (&crate::steer::Target, &TargetView)| TargetStatus {
        probed: target.key.as_ref().map(ToString::to_string),
        endpoints: target.endpoints.clone(),
        state: state(view),
        probes: target.key.as_ref().and_then(|key| probes(handle, key)),
    };
    targets.map(status).collect()
}

/// What probes say of a target.
pub(super) fn probes(handle: &Handle, key: &ProbeKey) -> Option<ProbeFacts> {
    let now = clock::now();
    handle.control.poller().inspect(key, |machine| ProbeFacts::of(machine, now))
}

pub(super) fn policies(handle: &Handle) -> Vec<PolicyStatus> {
    let snapshot = handle.control.published().load_full();
    let loaded = &snapshot.loaded;
    let steering = &loaded.steering;
    let sums = handle.control.tallies().sums();
    let mut names = vec![Vec::new(); steering.policies.len()];
    for name in &steering.names {
        names[crate::base::Id::index(name.policy)].push(name.owner.to_string());
    }
    let maps = steering.policies.iter().zip(&loaded.maps).enumerate();
    let status = |(at, (policy, map)): (usize, (&Policy, &std::sync::Arc<crate::steer::CatchmentMap>))| {
        let answers = sums.policies.range((policy.name.clone(), "")..);
        let answers = answers.take_while(|((name, _), _)| *name == policy.name);
        PolicyStatus {
            name: policy.name.clone(),
            names: names[at].clone(),
            rules: policy.rules.len(),
            pools: pools_of(policy, steering),
            sticky: policy.sticky,
            when_all_down: policy.when_all_down.to_string(),
            uses_client_subnet: policy.use_ecs,
            catchments: map.catchments.len(),
            answers: answers.map(|((_, what), count)| ((*what).to_owned(), *count)).collect(),
        }
    };
    maps.map(status).collect()
}

fn pools_of(policy: &Policy, steering: &Steering) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (pool, _) in policy.rules.iter().flat_map(|rule| &rule.tiers).flat_map(|tier| &tier.pools) {
        let name = &steering.pools[*pool].name;
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}
