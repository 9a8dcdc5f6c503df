//! What plans cost: 10,000 endpoints in 200 regions, 1,000 policies of 8 rule sets. Time of a new plan, of the plan after
//! one endpoint's change, and the memory of the maps; then the same with pools of each policy's own. With
//! `WINDROSE_CITY` a database (MaxMind's format) places clients, else networks that are made up.
#![allow(clippy::disallowed_methods, reason = "a measurement reads the clock")]
#![allow(clippy::print_stdout, reason = "its output")]

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU8;
use std::sync::Arc;
use std::time::{Duration, Instant};

use windrose::base::{IdVec, Millis, PolicyId, PoolId, Prefix, PrefixMap, PrefixMapBuilder, RegionId, TargetId};
use windrose::geo::{Coords, Database, Location, merge};
use windrose::health::{Board, Check, CheckKind, ProbeKey, TargetView, Verdict};
use windrose::steer::{
    CatchmentMap, Endpoint, MinHealthy, Order, Plan, Policy, PolicyKind, Pool, Region, Rule, Spread, Steering, Target,
    Tier, WhenAllDown, catchment_maps,
};

const POLICIES: usize = 1_000;
const RULE_SETS: usize = 8;
const CHANGES: usize = 100;

fn main() {
    // cargo's `--test` mode only asks whether it runs
    let small = std::env::args().any(|arg| arg == "--test");
    let (locations, peak) = locations();
    println!("clients placed; peak {peak:.0} MiB");
    let (regions, each) = if small { (20, 5) } else { (200, 50) };
    measure("pools shared", &shared_pools(regions, each), &locations);
    let policies = if small { 8 } else { POLICIES };
    measure("pools of each policy's own, 8 regions", &own_pools(policies), &locations);
    keys(if small { 100 } else { 10_000 });
}

/// Where clients are, and the most memory that took.
fn locations() -> (PrefixMap<Location>, f64) {
    if let Ok(path) = std::env::var("WINDROSE_CITY") {
        let start = Instant::now();
        let bytes = std::fs::read(path).expect("a file");
        let database = Database::read(&bytes).expect("a database");
        let took = start.elapsed();
        println!(
            "{} networks walked in {:.2} s: {} nodes, {} locations, {:.0} MiB of file",
            database.info.networks,
            took.as_secs_f64(),
            database.locations.node_count(),
            database.locations.values().len(),
            bytes.len() as f64 / 1048576.0,
        );
        drop(bytes);
        return (merge(vec![database.locations]), memory("VmHWM:"));
    }
    let mut random = fastrand::Rng::with_seed(1);
    let cities: Vec<Option<Coords>> = (0..2_000).map(|_| point(&mut random)).collect();
    let mut builder = PrefixMapBuilder::new(Location::default());
    for network in 0..=u16::MAX {
        let [high, low] = network.to_be_bytes();
        let coords = cities[random.usize(..cities.len())];
        let prefix = Prefix::around(IpAddr::from([high, low, 0, 0]), 16);
        builder.insert(prefix, Location { coords, ..Location::default() });
    }
    (builder.build(), memory("VmHWM:"))
}

fn point(random: &mut fastrand::Rng) -> Option<Coords> {
    Coords::new(random.f64() * 120.0 - 50.0, random.f64() * 360.0 - 180.0)
}

/// A field of the process's status in MiB.
fn memory(name: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1024.0
}

fn measure(what: &str, steering: &Steering, locations: &PrefixMap<Location>) {
    let start = Instant::now();
    let maps = catchment_maps(steering, locations);
    let mapped = start.elapsed();
    let mut board = Board { targets: steering.targets.iter().map(|_| TargetView::unprobed()).collect() };
    let start = Instant::now();
    let mut plan = Plan::build(steering, &maps, &board);
    let built = start.elapsed();
    let mut random = fastrand::Rng::with_seed(2);
    let mut times = Vec::new();
    for _ in 0..CHANGES {
        let before = board.clone();
        let view = &mut board.targets[TargetId(random.u32(..before.targets.len() as u32))];
        view.verdict = if view.verdict == Verdict::Up { Verdict::Down } else { Verdict::Up };
        let start = Instant::now();
        let next = plan.rebuild(steering, &maps, &before, &board);
        times.push(start.elapsed());
        plan = next;
    }
    times.sort();
    let rebuilt = [times[times.len() / 2], times[times.len() - 1]].map(millis);
    println!(
        "{what}: {} endpoints, {} regions, {} policies: maps in {:.2} s, plan in {:.0} ms; after one endpoint's change in \
         {:.2} ms (median), {:.2} ms (most); {:.0} MiB resident",
        steering.targets.len(),
        steering.regions.len(),
        steering.policies.len(),
        mapped.as_secs_f64(),
        millis(built),
        rebuilt[0],
        rebuilt[1],
        memory("VmRSS:"),
    );
    show(&maps);
    look_up(&maps);
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn show(maps: &IdVec<PolicyId, Arc<CatchmentMap>>) {
    let mut seen = HashSet::new();
    let distinct = maps.iter().filter(|map| seen.insert(Arc::as_ptr(map)));
    let sizes = distinct.map(|map| format!("{:.0} KiB ({})", map.octets() as f64 / 1024.0, map.catchments.len()));
    println!("  maps (catchments): {}", sizes.collect::<Vec<String>>().join(", "));
}

/// What finding a catchment takes, for random clients of both families.
fn look_up(maps: &IdVec<PolicyId, Arc<CatchmentMap>>) {
    let mut random = fastrand::Rng::with_seed(3);
    let v4: Vec<IpAddr> = (0..100_000).map(|_| Ipv4Addr::from_bits(random.u32(1 << 24..224 << 24)).into()).collect();
    let v6: Vec<IpAddr> =
        (0..100_000).map(|_| IpAddr::from((0x2001_u128 << 112 | random.u128(..) >> 6).to_be_bytes())).collect();
    let map = &maps[PolicyId(0)];
    for (family, clients) in [("IPv4", v4), ("IPv6", v6)] {
        let mut sum = 0;
        let start = Instant::now();
        for &client in &clients {
            let (catchment, scope) = map.locate(client, client);
            sum += u64::from(catchment.0) + u64::from(scope);
        }
        let took = start.elapsed();
        std::hint::black_box(sum);
        println!("  a catchment is found in {:.0} ns ({family})", took.as_nanos() as f64 / clients.len() as f64);
    }
}

/// What the look-ups of all targets for a board take.
fn keys(count: u32) {
    let check = Arc::new(Check {
        kind: CheckKind::Tcp,
        interval: Duration::from_secs(1),
        timeout: Duration::from_secs(1),
        fall: 3,
        rise: 2,
        recheck: Duration::from_secs(1),
    });
    let key = |at: u32| ProbeKey::new(Arc::clone(&check), Ipv4Addr::from_bits(127 << 24 | at).into(), 80);
    let views: HashMap<ProbeKey, TargetView> = (0..count).map(|at| (key(at), TargetView::unprobed())).collect();
    let keys: Vec<ProbeKey> = (0..count).map(key).collect();
    let start = Instant::now();
    let found = keys.iter().filter(|key| views.contains_key(key)).count();
    println!("{found} targets found by key in {:.2} ms", millis(start.elapsed()));
}

/// A pool of so many endpoints in each region; policies over all of them.
fn shared_pools(regions: usize, each: u8) -> Steering {
    let mut steering = Steering::default();
    place(&mut steering, regions);
    for region in steering.regions.ids().collect::<Vec<RegionId>>() {
        pool(&mut steering, region, format!("shared/{}", region.0), each);
    }
    let pools: Vec<PoolId> = steering.pools.ids().collect();
    for at in 0..POLICIES {
        policy(&mut steering, at, &pools);
    }
    steering
}

/// Eight pools for each policy.
fn own_pools(policies: usize) -> Steering {
    let mut steering = Steering::default();
    place(&mut steering, 8);
    for at in 0..policies {
        let regions: Vec<RegionId> = steering.regions.ids().collect();
        let pools = regions.into_iter().map(|region| {
            let each = if at % 4 == 0 { 2 } else { 1 };
            pool(&mut steering, region, format!("zone{at}/{}", region.0), each)
        });
        let pools: Vec<PoolId> = pools.collect();
        policy(&mut steering, at, &pools);
    }
    steering
}

fn place(steering: &mut Steering, regions: usize) {
    let mut random = fastrand::Rng::with_seed(4);
    for at in 0..regions {
        let region = Region { name: format!("r{at}"), coords: point(&mut random), bias: 0 };
        steering.regions.push(region);
    }
}

fn pool(steering: &mut Steering, region: RegionId, name: String, each: u8) -> PoolId {
    let endpoint = |host: u8| {
        let number = steering.targets.len() as u32;
        let target = steering.targets.push(Target { key: None, endpoints: Vec::new() });
        let v4 = Some((Ipv4Addr::from_bits(127 << 24 | number), target));
        Endpoint { name: format!("e{host}"), weight: 1, v4, v6: None, cname: None }
    };
    let endpoints = (0..each).map(endpoint).collect();
    steering.pools.push(Pool { name, region: Some(region), min_healthy: MinHealthy::Fraction(0.5), endpoints })
}

/// One of eight rule sets; every second policy is sticky.
fn policy(steering: &mut Steering, at: usize, pools: &[PoolId]) {
    let set = at % RULE_SETS;
    let tier = |order, pools: &[PoolId]| Tier { order, pools: pools.iter().map(|&pool| (pool, 1)).collect() };
    let near = Rule { tiers: vec![tier(Order::Nearest, pools)], ..Rule::default() };
    let mut rules = vec![near];
    if set > 0 {
        let geos = ["EU", "NA", "AS", "SA", "AF", "OC", "EU-DE"].map(|code| code.parse().expect("a code"));
        let tiers = vec![tier(Order::Nearest, &pools[..pools.len() / 2]), tier(Order::Written, &pools[..1])];
        rules.insert(0, Rule { geos: Some(vec![geos[set - 1]]), tiers, ..Rule::default() });
    }
    steering.policies.push(Policy {
        name: format!("zone{at}/policy"),
        rules,
        kind: PolicyKind::Address,
        spread: Spread { within: Millis(10.0), answers: NonZeroU8::MIN },
        sticky: at.is_multiple_of(2),
        latency_weight: true,
        when_all_down: WhenAllDown::All,
        use_ecs: true,
    });
}
