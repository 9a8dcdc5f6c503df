//! Tables of §5: a steering set-up, a board, a client, and what is decided.

use std::net::IpAddr;
use std::num::NonZeroU8;
use std::sync::Arc;

use crate::base::{Millis, Mono, Now, PolicyId, PoolId, Prefix, PrefixMap, PrefixMapBuilder, TargetId, Ttl};
use crate::geo::{Coords, Country, Location, merge};
use crate::health::{Board, Forced, TargetView, Verdict};

use super::*;

/// Frankfurt, Ashburn, Singapore.
const PLACES: [(&str, f64, f64); 3] = [("eu", 50.11, 8.68), ("us", 39.04, -77.49), ("ap", 1.35, 103.82)];

/// Three pools of two endpoints with both families, one policy.
struct World {
    steering: Steering,
    board: Board,
    locations: PrefixMap<Location>,
}

fn target(steering: &mut Steering) -> TargetId {
    steering.targets.push(Target { key: None, endpoints: Vec::new() })
}

fn world(rules: Vec<Rule>) -> World {
    let mut steering = Steering::default();
    for (index, (name, lat, lon)) in PLACES.into_iter().enumerate() {
        let region = steering.regions.push(Region { name: name.into(), coords: Coords::new(lat, lon), bias: 0 });
        let endpoint = |steering: &mut Steering, host: u8| Endpoint {
            name: format!("{name}{host}"),
            weight: 1,
            v4: Some(([127, 1, index as u8, host].into(), target(steering))),
            v6: Some(([0x2001, 0xdb8, 0, 0, 0, 0, index as u16, host.into()].into(), target(steering))),
            cname: None,
        };
        let endpoints = vec![endpoint(&mut steering, 1), endpoint(&mut steering, 2)];
        let name = format!("example.com/{name}");
        steering.pools.push(Pool { name, region: Some(region), min_healthy: MinHealthy::Fraction(0.5), endpoints });
    }
    steering.policies.push(Policy {
        name: "example.com/web".into(),
        rules,
        kind: PolicyKind::Address,
        spread: Spread { within: Millis(10.0), answers: NonZeroU8::MIN },
        sticky: false,
        latency_weight: true,
        when_all_down: WhenAllDown::All,
        use_ecs: true,
    });
    let up = TargetView { verdict: Verdict::Up, ..TargetView::unprobed() };
    let board = Board { targets: steering.targets.iter().map(|_| up).collect() };
    World { steering, board, locations: locations() }
}

/// Networks of four countries and one without coordinates.
fn locations() -> PrefixMap<Location> {
    let mut builder = PrefixMapBuilder::new(Location::default());
    for (network, country) in [
        ("193.0.0.0/16", "DE"),
        ("8.0.0.0/8", "US"),
        ("133.0.0.0/8", "JP"),
        ("196.0.0.0/8", "ZA"),
        ("2a00::/12", "DE"),
        ("10.0.0.0/8", "US"), // a database may say so; it is special-purpose all the same
    ] {
        let location = Location { country: Country::new(country), ..Location::default() };
        builder.insert(network.parse().expect("a prefix"), location);
    }
    merge(vec![builder.build()])
}

const EU: PoolId = PoolId(0);
const US: PoolId = PoolId(1);
const AP: PoolId = PoolId(2);
const POLICY: PolicyId = PolicyId(0);

fn tier(order: Order, pools: &[(PoolId, u32)]) -> Tier {
    Tier { order, pools: pools.to_vec() }
}

fn nearest() -> Rule {
    Rule { tiers: vec![tier(Order::Nearest, &[(EU, 1), (US, 1), (AP, 1)])], ..Rule::default() }
}

impl World {
    fn map(&self) -> Arc<CatchmentMap> {
        Arc::clone(&catchment_maps(&self.steering, &self.locations)[POLICY])
    }

    /// The policy's decision for a client, as `pool:percent …` or the outcome's name.
    fn decide(&self, client: &str, family: AnswerFamily) -> String {
        self.decide_from(client, "192.88.99.1", family) // a resolver without location
    }

    fn decide_from(&self, client: &str, resolver: &str, family: AnswerFamily) -> String {
        let map = self.map();
        let (catchment, _) = map.locate(ip(client), ip(resolver));
        let standings = Standings {
            board: standings(&self.steering, &self.board, Assume::Board),
            all_up: standings(&self.steering, &self.board, Assume::AllUp),
        };
        let policy = &self.steering.policies[POLICY];
        let decision = decide(policy, &map.catchments[catchment], family, &standings);
        match &decision.outcome {
            Outcome::Pools { shares, .. } => {
                let pool = |at: usize| self.steering.pools[decision.list[at].pool].name.replace("example.com/", "");
                let shares = shares.iter().map(|&(at, share)| format!("{}:{:.0}", pool(at), share * 100.0));
                shares.collect::<Vec<String>>().join(" ")
            }
            other => format!("{other:?}"),
        }
    }

    fn set(&mut self, pool: PoolId, endpoint: usize, family: AnswerFamily, verdict: Verdict) {
        let target = self.steering.pools[pool].endpoints[endpoint].target(family).expect("has the family");
        self.board.targets[target].verdict = verdict;
    }

    fn set_pool(&mut self, pool: PoolId, verdict: Verdict) {
        for endpoint in 0..self.steering.pools[pool].endpoints.len() {
            for family in [V4, V6] {
                self.set(pool, endpoint, family, verdict);
            }
        }
    }

    fn policy(&mut self) -> &mut Policy {
        &mut self.steering.policies[POLICY]
    }
}

const V4: AnswerFamily = AnswerFamily::V4;
const V6: AnswerFamily = AnswerFamily::V6;

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn prefixes(texts: &[&str]) -> Option<Vec<Prefix>> {
    Some(texts.iter().map(|text| text.parse().expect("a prefix")).collect())
}

#[test]
fn each_client_gets_the_nearest_region() {
    let world = world(vec![nearest()]);
    for (client, pool) in [
        ("193.0.0.1", "eu:100"),
        ("8.8.8.8", "us:100"),
        ("133.1.1.1", "ap:100"),
        ("2a00::1", "eu:100"),
        ("64:ff9b::133.1.1.1", "ap:100"), // NAT64 is located by the IPv4 address inside
        ("2002:8501:101::", "ap:100"),
        ("1.2.3.4", "eu:100"), // unlocated: the order written, and the first takes all
    ] {
        assert_eq!(world.decide(client, V4), pool, "{client}");
        assert_eq!(world.decide(client, V6), pool, "{client}");
    }
}

#[test]
fn a_special_purpose_client_is_located_as_its_resolver() {
    let world = world(vec![nearest()]);
    assert_eq!(world.decide_from("10.1.2.3", "133.1.1.1", V4), "ap:100");
    assert_eq!(world.decide_from("64:ff9b::", "8.8.8.8", V4), "us:100"); // nothing known behind the NAT64 prefix
    assert_eq!(world.decide_from("10.1.2.3", "10.1.2.3", V4), "us:100", "a resolver is where a database says");
    let (_, scope) = world.map().locate(ip("10.1.2.3"), ip("8.8.8.8"));
    assert_eq!(scope, 8, "the scope stays inside the block");
}

#[test]
fn first_matching_rule_wins_and_only_it_is_consulted() {
    let to = |pool| vec![tier(Order::Written, &[(pool, 1)])];
    let world = world(vec![
        Rule { resolvers: prefixes(&["8.8.0.0/16"]), tiers: to(AP), ..Rule::default() },
        Rule { networks: prefixes(&["193.0.0.0/24", "10.0.0.0/8"]), tiers: to(US), ..Rule::default() },
        Rule { geos: Some(vec!["EU-DE".parse().expect("a code")]), tiers: to(EU), ..Rule::default() },
        Rule { tiers: to(US), ..Rule::default() },
    ]);
    assert_eq!(world.decide_from("193.0.0.1", "8.8.8.8", V4), "ap:100", "by resolver");
    assert_eq!(world.decide("193.0.0.1", V4), "us:100", "by network");
    assert_eq!(world.decide("193.0.1.1", V4), "eu:100", "by country");
    assert_eq!(world.decide("133.0.1.1", V4), "us:100", "the rest");
    // `networks` sees a special-purpose address as it is; `geos` sees where its resolver is
    assert_eq!(world.decide_from("10.0.0.1", "193.0.1.1", V4), "us:100");
    assert_eq!(world.decide_from("172.16.0.1", "193.0.1.1", V4), "eu:100");
    assert_eq!(world.decide_from("172.16.0.1", "193.0.0.1", V4), "eu:100", "the resolver's own network does not count");
}

#[test]
fn a_failed_region_hands_over_to_the_next_nearest() {
    let mut world = world(vec![nearest()]);
    world.set_pool(EU, Verdict::Down);
    assert_eq!(world.decide("193.0.0.1", V4), "us:100");
    assert_eq!(world.decide("133.1.1.1", V4), "ap:100", "others do not move");
    world.set_pool(US, Verdict::Down);
    assert_eq!(world.decide("193.0.0.1", V4), "ap:100");
    world.set_pool(AP, Verdict::Down);
    assert_eq!(world.decide("193.0.0.1", V4), "eu:100", "all down: as if all were up");
}

#[test]
fn when_all_down() {
    let mut world = world(vec![nearest()]);
    for pool in [EU, US, AP] {
        world.set_pool(pool, Verdict::Down);
    }
    for (choice, outcome) in
        [(WhenAllDown::LastResort, "LastResort"), (WhenAllDown::NoData, "NoData"), (WhenAllDown::ServFail, "ServFail")]
    {
        world.policy().when_all_down = choice;
        assert_eq!(world.decide("193.0.0.1", V4), outcome);
    }
    // `all` leaves out what an operator forced down or drained
    world.policy().when_all_down = WhenAllDown::All;
    for view in world.board.targets.ids().take(4).collect::<Vec<_>>() {
        world.board.targets[view].forced = Some(Forced::Drained);
    }
    assert_eq!(world.decide("193.0.0.1", V4), "us:100");
    for view in world.board.targets.ids().collect::<Vec<_>>() {
        world.board.targets[view].forced = Some(Forced::Down);
    }
    assert_eq!(world.decide("193.0.0.1", V4), "LastResortOrFail");
}

#[test]
fn min_healthy_counts_every_family_the_pool_offers() {
    let mut world = world(vec![nearest()]);
    world.set(EU, 0, V4, Verdict::Down);
    assert_eq!(world.decide("193.0.0.1", V4), "eu:100", "half of the weight is enough by default");
    world.set(EU, 1, V4, Verdict::Down);
    assert_eq!(world.decide("193.0.0.1", V4), "us:100");
    assert_eq!(world.decide("193.0.0.1", V6), "us:100", "both families go together");
    world.set_pool(US, Verdict::Down);
    world.set_pool(AP, Verdict::Down);
    assert_eq!(world.decide("193.0.0.1", V6), "eu:100", "step (b): degraded, in the family that is left");
    assert_eq!(world.decide("193.0.0.1", V4), "eu:100", "step (c): all");
    world.policy().when_all_down = WhenAllDown::ServFail;
    assert_eq!(world.decide("193.0.0.1", V4), "ServFail");
}

#[test]
fn min_healthy_as_a_number_is_capped_at_what_the_family_has() {
    let mut world = world(vec![nearest()]);
    world.steering.pools[EU].min_healthy = MinHealthy::Count(2);
    assert_eq!(world.decide("193.0.0.1", V4), "eu:100");
    world.set(EU, 0, V4, Verdict::Down);
    assert_eq!(world.decide("193.0.0.1", V4), "us:100");
    world.steering.pools[EU].endpoints[0].v4 = None;
    assert_eq!(world.decide("193.0.0.1", V4), "eu:100");
}

#[test]
fn unknown_counts_as_up_only_while_nothing_of_its_pool_and_family_is_up() {
    let mut world = world(vec![nearest()]);
    world.steering.pools[EU].min_healthy = MinHealthy::Count(1);
    world.set_pool(EU, Verdict::Unknown);
    assert_eq!(world.decide("193.0.0.1", V4), "eu:100");
    let usable = |world: &World| standings(&world.steering, &world.board, Assume::Board)[EU].family(V4).usable.clone();
    assert_eq!(usable(&world), [0, 1]);
    world.set(EU, 1, V4, Verdict::Up);
    assert_eq!(usable(&world), [1]);
    world.set(EU, 1, V4, Verdict::Down);
    assert_eq!(usable(&world), [0]);
}

#[test]
fn overrides_outrank_verdicts() {
    let mut world = world(vec![nearest()]);
    for (endpoint, family) in [(0, V4), (1, V4)] {
        let target = world.steering.pools[EU].endpoints[endpoint].target(family).expect("has it");
        world.board.targets[target].forced = Some(Forced::Drained);
    }
    assert_eq!(world.decide("193.0.0.1", V4), "us:100");
    world.set_pool(EU, Verdict::Down);
    for target in world.board.targets.ids().take(4).collect::<Vec<_>>() {
        world.board.targets[target].forced = Some(Forced::Up);
    }
    assert_eq!(world.decide("193.0.0.1", V4), "eu:100");
}

#[test]
fn weighted_pools_share_by_the_weight_written_and_tiers_do_not_mix() {
    let rule = Rule {
        tiers: vec![tier(Order::Weighted, &[(EU, 90), (US, 10)]), tier(Order::Written, &[(AP, 1)])],
        ..Rule::default()
    };
    let mut world = world(vec![rule]);
    assert_eq!(world.decide("133.1.1.1", V4), "eu:90 us:10");
    world.set(EU, 0, V4, Verdict::Down);
    assert_eq!(world.decide("133.1.1.1", V4), "eu:90 us:10", "health does not change a written weight");
    world.set_pool(EU, Verdict::Down);
    assert_eq!(world.decide("133.1.1.1", V4), "us:100");
    world.set_pool(US, Verdict::Down);
    assert_eq!(world.decide("133.1.1.1", V4), "ap:100");
}

#[test]
fn near_pools_share_by_usable_weight_and_latency() {
    let mut world = world(vec![nearest()]);
    // another place near Frankfurt
    world.steering.regions[crate::base::RegionId(1)].coords = Coords::new(50.2, 8.8);
    assert_eq!(world.decide("193.0.0.1", V4), "eu:50 us:50");
    world.set(EU, 0, V4, Verdict::Down);
    world.set(EU, 0, V6, Verdict::Down);
    assert_eq!(world.decide("193.0.0.1", V4), "eu:33 us:67");
    world.policy().spread.within = Millis(0.0);
    for target in world.board.targets.ids().take(4).collect::<Vec<_>>() {
        world.board.targets[target].slowness = Millis(25.0);
    }
    assert_eq!(world.decide("193.0.0.1", V4), "us:100", "slowness of every usable target moves the pool back");
}

#[test]
fn bias_moves_the_border() {
    let mut world = world(vec![nearest()]);
    world.steering.regions[crate::base::RegionId(1)].bias = 90;
    world.policy().spread.within = Millis(1.0);
    assert_eq!(world.decide("193.0.0.1", V4), "us:100");
}

#[test]
fn a_family_that_no_pool_of_the_list_offers_is_no_data() {
    let mut world = world(vec![nearest()]);
    for pool in [EU, US, AP] {
        for endpoint in 0..2 {
            world.steering.pools[pool].endpoints[endpoint].v6 = None;
        }
    }
    assert_eq!(world.decide("193.0.0.1", V6), "NotOffered");
    assert_eq!(world.decide("193.0.0.1", V4), "eu:100");
}

#[test]
fn pools_without_the_family_are_passed_over() {
    let mut world = world(vec![nearest()]);
    for endpoint in 0..2 {
        world.steering.pools[EU].endpoints[endpoint].v6 = None;
    }
    assert_eq!(world.decide("193.0.0.1", V4), "eu:100");
    assert_eq!(world.decide("193.0.0.1", V6), "us:100");
}

#[test]
fn ttl_is_short_while_anything_that_matters_is_unsettled() {
    let mut world = world(vec![nearest()]);
    let range = TtlRange { max: Ttl::from_secs(300), min: Ttl::from_secs(30) };
    let ttl = |world: &World, client: &str, mono: u64| {
        let maps = catchment_maps(&world.steering, &world.locations);
        let plan = Plan::build(&world.steering, &maps, &world.board);
        let (catchment, _) = maps[POLICY].locate(ip(client), ip("192.88.99.1"));
        plan.policies[POLICY].catchment(catchment).settled.ttl(range, Now { wall: 0, mono: Mono(mono) }).secs()
    };
    assert_eq!(ttl(&world, "193.0.0.1", 0), 300);
    let target = world.steering.pools[EU].endpoints[0].target(V4).expect("has it");
    world.board.targets[target].last_failure = Some(Mono(1_000));
    assert_eq!(ttl(&world, "193.0.0.1", 300_999), 30);
    assert_eq!(ttl(&world, "193.0.0.1", 301_000), 300);
    assert_eq!(ttl(&world, "133.1.1.1", 2_000), 300, "another pool's trouble is none of its business");
    world.set_pool(EU, Verdict::Down);
    assert_eq!(ttl(&world, "193.0.0.1", 400_000), 30, "a pool before the one that answers is down");
    assert_eq!(ttl(&world, "133.1.1.1", 400_000), 300);
}

#[test]
fn a_policy_that_treats_all_alike_has_one_scope_for_all() {
    let world = world(vec![Rule { tiers: vec![tier(Order::Written, &[(EU, 1)])], ..Rule::default() }]);
    for client in ["193.0.0.1", "10.0.0.1", "2001:db8::1"] {
        assert_eq!(world.map().locate(ip(client), ip("8.8.8.8")).1, 0, "{client}");
    }
}

#[test]
fn equal_policies_share_a_map() {
    let mut world = world(vec![nearest()]);
    let copy = world.policy().clone();
    world.steering.policies.push(copy);
    let maps = catchment_maps(&world.steering, &world.locations);
    assert!(Arc::ptr_eq(&maps[PolicyId(0)], &maps[PolicyId(1)]));
}

#[test]
fn the_rest_beyond_four_pools_does_not_split_catchments() {
    let mut world = world(vec![nearest()]);
    let mut pools = vec![(EU, 1), (US, 1), (AP, 1)];
    for lat in 0..20 {
        let coords = Coords::new(f64::from(lat) * 4.0 - 40.0, 150.0);
        let region = world.steering.regions.push(Region { name: format!("r{lat}"), coords, bias: 0 });
        let pool = Pool { region: Some(region), ..world.steering.pools[EU].clone() };
        pools.push((world.steering.pools.push(pool), 1));
    }
    world.policy().rules = vec![Rule { tiers: vec![tier(Order::Nearest, &pools)], ..Rule::default() }];
    let mut clients = PrefixMapBuilder::new(Location::default());
    for at in 0..250u8 {
        let coords = Coords::new(48.0 + f64::from(at % 16) * 0.01, 10.0 + f64::from(at / 16) * 0.01);
        clients.insert(Prefix::around(ip(&format!("193.0.{at}.0")), 24), Location { coords, ..Location::default() });
    }
    let map = &catchment_maps(&world.steering, &clients.build())[POLICY];
    assert!(map.catchments.len() <= 8, "{} catchments for one city", map.catchments.len());
}

/// An endpoint of one family only must not tilt the weights of the others in that family alone.
#[test]
fn sticky_gives_both_families_of_one_endpoint() {
    let mut world = world(vec![Rule { tiers: vec![tier(Order::Written, &[(EU, 1)])], ..Rule::default() }]);
    world.policy().sticky = true;
    let third = Endpoint { name: "eu3".into(), ..world.steering.pools[EU].endpoints[1].clone() };
    let v4 = (std::net::Ipv4Addr::new(127, 1, 0, 3), target(&mut world.steering));
    let v6 = ("2001:db8::3".parse().expect("an address"), target(&mut world.steering));
    world.steering.pools[EU].endpoints.push(Endpoint { v4: Some(v4), v6: Some(v6), ..third });
    world.steering.pools[EU].endpoints[0].v6 = None; // and it is the fastest
    let up = TargetView { verdict: Verdict::Up, ..TargetView::unprobed() };
    world.board = Board { targets: world.steering.targets.iter().map(|_| up).collect() };
    for (endpoint, ms) in [(0, 1.0), (1, 10.0), (2, 100.0)] {
        for family in [V4, V6] {
            if let Some(target) = world.steering.pools[EU].endpoints[endpoint].target(family) {
                world.board.targets[target].latency = Some(Millis(ms));
            }
        }
    }
    let maps = catchment_maps(&world.steering, &world.locations);
    let plan = &Plan::build(&world.steering, &maps, &world.board).policies[POLICY];
    let (catchment, _) = maps[POLICY].locate(ip("193.0.0.1"), ip("193.0.0.1"));
    let host = |family, client: u64| {
        let FamilyPlan::Pools(draw) = plan.catchment(catchment).family(family) else { panic!("nothing usable") };
        let mut last = 0;
        draw.rendezvous(client, |rdata| last = rdata.last().copied().unwrap_or_default());
        last
    };
    let mut dual = 0;
    for client in 0..2_000u64 {
        let client = plan.sticky_key(&client.to_be_bytes()).expect("sticky");
        let v4 = host(V4, client);
        if v4 != 1 {
            dual += 1;
            assert_eq!(v4, host(V6, client));
        }
    }
    assert!(dual > 100);
}

/// Policies of all kinds over a dozen pools, and boards that change one after another.
mod incremental {
    use proptest::prelude::*;

    use super::*;

    fn views() -> impl Strategy<Value = TargetView> {
        let verdict = prop_oneof![4 => Just(Verdict::Up), 2 => Just(Verdict::Down), 1 => Just(Verdict::Unknown)];
        let forced = prop_oneof![9 => Just(None), 1 => Just(Some(Forced::Drained)), 1 => Just(Some(Forced::Up)), 1 => Just(Some(Forced::Down))];
        let latency = prop::option::of(prop_oneof![Just(1.0f32), Just(30.0), Just(100.0)]);
        let slowness = prop_oneof![3 => Just(0.0f32), 1 => Just(10.0), 1 => Just(50.0)];
        (verdict, forced, latency, slowness, prop::option::of(0u64..3)).prop_map(
            |(verdict, forced, ms, slow, failure)| {
                let (latency, slowness) = (ms.map(Millis), Millis(slow));
                TargetView { verdict, forced, latency, slowness, last_failure: failure.map(Mono) }
            },
        )
    }

    fn policies() -> impl Strategy<Value = Policy> {
        let order =
            prop_oneof![Just(Order::Nearest), Just(Order::Nearest), Just(Order::Written), Just(Order::Weighted)];
        let pools = prop::collection::vec((0u32..12, 1u32..4), 1..8);
        let tiers = prop::collection::vec((order, pools), 1..3);
        let when = prop_oneof![Just(WhenAllDown::All), Just(WhenAllDown::LastResort), Just(WhenAllDown::NoData)];
        (prop::collection::vec(tiers, 1..3), when, any::<bool>(), any::<bool>(), 1u8..3, 0u8..40).prop_map(
            |(rules, when_all_down, sticky, latency_weight, answers, within)| {
                let last = rules.len() - 1;
                let rule = |(at, tiers): (usize, Vec<(Order, Vec<(u32, u32)>)>)| Rule {
                    geos: (at < last).then(|| vec!["EU".parse().expect("a code")]),
                    tiers: tiers
                        .into_iter()
                        .map(|(order, mut pools)| {
                            pools.sort_unstable();
                            pools.dedup_by_key(|pool| pool.0);
                            let pools: Vec<_> =
                                pools.into_iter().map(|(pool, weight)| (PoolId(pool), weight)).collect();
                            tier(order, &pools)
                        })
                        .collect(),
                    ..Rule::default()
                };
                let spread = Spread {
                    within: Millis(f32::from(within)),
                    answers: NonZeroU8::new(answers).expect("one at least"),
                };
                Policy {
                    name: format!("example.com/{answers}{within}"),
                    rules: rules.into_iter().enumerate().map(rule).collect(),
                    spread,
                    sticky,
                    latency_weight,
                    when_all_down,
                    kind: PolicyKind::Address,
                    use_ecs: true,
                }
            },
        )
    }

    /// A dozen pools, some of which lack a family, of one to three endpoints each.
    fn steering(policies: Vec<Policy>) -> Steering {
        let mut steering = Steering::default();
        for at in 0..12u8 {
            let coords = Coords::new(f64::from(at % 4) * 20.0, f64::from(at) * 25.0 - 120.0);
            let region = steering.regions.push(Region { name: format!("r{at}"), coords, bias: 0 });
            let endpoints = (0..=at % 3).map(|host| Endpoint {
                name: format!("e{host}"),
                weight: 1 + u16::from(host),
                v4: (at != 5).then(|| ([192, 0, at, host].into(), target(&mut steering))),
                v6: (at % 4 != 3)
                    .then(|| ([0x2001, 0xdb8, 0, 0, 0, 0, at.into(), host.into()].into(), target(&mut steering))),
                cname: None,
            });
            let endpoints = endpoints.collect();
            let min_healthy = if at % 2 == 0 { MinHealthy::Fraction(0.5) } else { MinHealthy::Count(2) };
            steering.pools.push(Pool {
                name: format!("example.com/{at}"),
                region: Some(region),
                min_healthy,
                endpoints,
            });
        }
        steering.policies = policies.into_iter().collect();
        steering
    }

    proptest! {
        #[test]
        fn a_plan_made_of_the_one_before_is_the_plan_built_anew(
            policies in prop::collection::vec(policies(), 1..5),
            changes in prop::collection::vec(prop::collection::vec((0usize..64, views()), 1..3), 1..12),
        ) {
            let steering = steering(policies);
            let maps = catchment_maps(&steering, &locations());
            let mut board = Board { targets: steering.targets.iter().map(|_| TargetView::unprobed()).collect() };
            let mut plan = Plan::build(&steering, &maps, &board);
            for change in changes {
                let before = board.clone();
                for (target, view) in change {
                    let target = TargetId((target % board.targets.len()) as u32);
                    board.targets[target] = view;
                }
                plan = plan.rebuild(&steering, &maps, &before, &board);
                prop_assert!(plan == Plan::build(&steering, &maps, &board));
            }
        }

        #[test]
        fn a_ready_answer_is_the_one_that_is_drawn(policies in prop::collection::vec(policies(), 1..3), random in any::<u64>()) {
            let steering = steering(policies);
            let maps = catchment_maps(&steering, &locations());
            let board = Board { targets: steering.targets.iter().map(|_| TargetView::unprobed()).collect() };
            let plan = Plan::build(&steering, &maps, &board);
            for (policy, map) in plan.policies.iter().zip(&maps) {
                for catchment in map.catchments.ids() {
                    for family in [V4, V6] {
                        let FamilyPlan::Pools(draw) = policy.catchment(catchment).family(family) else { continue };
                        let (mut rdatas, mut sticky) = (Vec::new(), Vec::new());
                        let pool = draw.draw(random, |rdata| rdatas.push(rdata.to_vec()));
                        prop_assert_eq!(read(draw.variant(random).1, family), rdatas);
                        prop_assert_eq!(draw.variant(random).0, pool);
                        let pool = draw.rendezvous(random, |rdata| sticky.push(rdata.to_vec()));
                        if let Some((ready, variant)) = draw.rendezvous_variant(random) {
                            prop_assert_eq!((Some(ready), read(variant, family)), (pool, sticky));
                        }
                    }
                }
            }
        }
    }

    /// The RDATA of a ready answer's records.
    fn read(variant: &Variant, family: AnswerFamily) -> Vec<Vec<u8>> {
        let records = variant.octets().chunks(variant.stride());
        assert_eq!(records.len(), usize::from(variant.count()));
        let rdata = |record: &[u8]| {
            assert_eq!(record[..2], [0xc0, 12]);
            assert_eq!(record[2..10], [0, family.rtype().0 as u8, 0, 1, 0, 0, 0, 0]);
            assert_eq!(record.len(), 12 + usize::from(u16::from_be_bytes([record[10], record[11]])));
            record[12..].to_vec()
        };
        records.map(rdata).collect()
    }
}
