//! Plans of policies of all kinds over a dozen pools, on boards that change one after another.

use std::num::NonZeroU8;

use proptest::prelude::*;

use super::tests::{V4, V6, locations, target, tier};
use super::*;
use crate::base::{Millis, Mono, PoolId, TargetId};
use crate::geo::Coords;
use crate::health::{Board, Forced, TargetView, Verdict};

fn views() -> impl Strategy<Value = TargetView> {
    let verdict = prop_oneof![4 => Just(Verdict::Up), 2 => Just(Verdict::Down), 1 => Just(Verdict::Unknown)];
    let forced = prop_oneof![9 => Just(None), 1 => Just(Some(Forced::Drained)), 1 => Just(Some(Forced::Up)), 1 => Just(Some(Forced::Down))];
    let latency = prop::option::of(prop_oneof![Just(1.0f32), Just(30.0), Just(100.0)]);
    let slowness = prop_oneof![3 => Just(0.0f32), 1 => Just(10.0), 1 => Just(50.0)];
    (verdict, forced, latency, slowness, prop::option::of(0u64..3)).prop_map(|(verdict, forced, ms, slow, failure)| {
        let (latency, slowness) = (ms.map(Millis), Millis(slow));
        TargetView { verdict, forced, latency, slowness, last_failure: failure.map(Mono) }
    })
}

/// The pools of a tier with their weights.
type Written = (Order, Vec<(u32, u32)>);

fn policies() -> impl Strategy<Value = Policy> {
    let order = prop_oneof![Just(Order::Nearest), Just(Order::Nearest), Just(Order::Written), Just(Order::Weighted)];
    let pools = prop::collection::vec((0u32..12, 1u32..4), 1..8);
    let tiers = prop::collection::vec((order, pools), 1..3);
    let when = prop_oneof![Just(WhenAllDown::All), Just(WhenAllDown::LastResort), Just(WhenAllDown::NoData)];
    (prop::collection::vec(tiers, 1..3), when, any::<bool>(), any::<bool>(), 1u8..3, 0u8..40).prop_map(
        |(rules, when_all_down, sticky, latency_weight, answers, within)| {
            let last = rules.len() - 1;
            let rule = |(at, tiers): (usize, Vec<Written>)| Rule {
                geos: (at < last).then(|| vec!["EU".parse().expect("a code")]),
                tiers: tiers
                    .into_iter()
                    .map(|(order, mut pools)| {
                        pools.sort_unstable();
                        pools.dedup_by_key(|pool| pool.0);
                        let pools: Vec<_> = pools.into_iter().map(|(pool, weight)| (PoolId(pool), weight)).collect();
                        tier(order, &pools)
                    })
                    .collect(),
                ..Rule::default()
            };
            let spread =
                Spread { within: Millis(f32::from(within)), answers: NonZeroU8::new(answers).expect("one at least") };
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
        steering.pools.push(Pool { name: format!("example.com/{at}"), region: Some(region), min_healthy, endpoints });
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
fn read(variant: Variant<'_>, family: AnswerFamily) -> Vec<Vec<u8>> {
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
