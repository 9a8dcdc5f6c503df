//! Sound steering files: what they become.

use std::time::Duration;

use super::*;
use crate::base::{PoolId, TargetId};
use crate::health::{Check, CheckKind, HttpCheck, StatusRange};
use crate::steer::{MinHealthy, Order, PolicyKind, WhenAllDown};

const BLUEPRINT: &str = include_str!("blueprint.toml");

const SHIPPED: &str = include_str!("../../../zones/example.com.toml");

#[test]
fn the_shipped_file_passes() {
    let (steering, found) = steer(SHIPPED);
    assert_eq!(found, [""; 0]);
    let owners: Vec<_> = steering.names.iter().map(|name| name.owner.to_string()).collect();
    assert_eq!(
        owners,
        ["www.example.com.", "example.com.", "eu.www.example.com.", "*.edge.example.com.", "static.example.com."]
    );
    assert_eq!((steering.pools.len(), steering.regions.len()), (4, 3));
}

#[test]
fn the_example_of_the_contract_passes() {
    let (steering, found) = steer(BLUEPRINT);
    assert_eq!(found, [""; 0]);
    let web = steering.policies.iter().find(|policy| policy.name == "example.com/web").expect("there");
    let orders: Vec<Vec<_>> = web.rules.iter().map(|rule| rule.tiers.iter().map(|tier| tier.order).collect()).collect();
    assert_eq!(
        orders,
        [vec![Order::Written], vec![Order::Written], vec![Order::Nearest, Order::Weighted], vec![Order::Nearest]]
    );
    let weights = &web.rules[2].tiers[1].pools;
    assert_eq!(weights.iter().map(|(_, weight)| *weight).collect::<Vec<_>>(), [90, 10]);
    assert_eq!(web.rules[0].resolvers.as_ref().map(Vec::len), Some(1));
    assert_eq!(web.when_all_down, WhenAllDown::LastResort);
    let ttl = steering.names[0].ttl;
    assert_eq!((ttl.max.secs(), ttl.min.secs()), (300, 30));
}

#[test]
fn defaults() {
    let text = r#"version = 1
        [region.r]
        lat = 0
        lon = 0
        [check.s]
        kind = "https"
        host = "s.example"
        [check.h]
        kind = "http"
        host = "h.example"
        [pool.s]
        region = "r"
        check = "s"
        endpoints = [{ name = "e", addresses = ["192.0.2.1"] }]
        [pool.h]
        check = "h"
        endpoints = [{ name = "e", addresses = ["192.0.2.1"] }]
        [policy.p]
        rules = [{ pools = ["s", "h"] }]
        [name]
        "new" = { policy = "p" }
    "#;
    let (steering, found) = steer(text);
    assert_eq!(found, [""; 0]);
    assert_eq!(steering.regions.iter().next().map(|region| region.bias), Some(0));
    let key = |at: u32| steering.targets[TargetId(at)].key.clone().expect("probed");
    let http = HttpCheck {
        host: "s.example".into(),
        path: "/".into(),
        expect_status: vec![StatusRange { first: 200, last: 299 }],
        expect_body: None,
        ca_pem: None,
    };
    let check = Check {
        kind: CheckKind::Https(http),
        interval: Duration::from_secs(5),
        timeout: Duration::from_secs(2),
        fall: 2,
        rise: 2,
        recheck: Duration::from_millis(500),
    };
    assert_eq!((key(0).check.as_ref(), key(0).port, key(1).port), (&check, 443, 80));
    let pool = &steering.pools[PoolId(0)];
    assert_eq!((pool.min_healthy, pool.endpoints[0].weight), (MinHealthy::Fraction(0.5), 1));
    let policy = steering.policies.iter().next().expect("one");
    assert_eq!((policy.spread.within.0, policy.spread.answers.get()), (10.0, 1));
    assert_eq!((policy.sticky, policy.latency_weight, policy.use_ecs), (false, true, true));
    assert_eq!((policy.when_all_down, policy.kind), (WhenAllDown::All, PolicyKind::Address));
    let name = &steering.names[0];
    assert_eq!((name.ttl.max.secs(), name.ttl.min.secs()), (60, 60));
    assert_eq!(name.families, [true, false, false]);
}

#[test]
fn equal_checks_of_one_address_are_one_target_over_everything() {
    let shared = "version = 1\n[check.one]\nkind = \"tcp\"\nport = 443\n[pool.s]\ncheck = \"one\"\n\
        endpoints = [{ name = \"x\", addresses = [\"192.0.2.1\", \"2001:db8::1\"] }]\n";
    let text = r#"version = 1
        [check.two]
        kind = "tcp"
        port = 444
        [pool.z]
        check = "two"
        endpoints = [
          { name = "same", addresses = ["198.51.100.1"], probe = { address = "192.0.2.1", port = 443 } },
          { name = "own", addresses = ["192.0.2.1", "2001:db8::1"] },
          { name = "both", addresses = ["192.0.2.3", "2001:db8::3"], probe = { address = "10.0.0.3" } },
        ]
        [pool.u]
        check = "none"
        endpoints = [{ name = "u", addresses = ["192.0.2.1", "2001:db8::1"] }]
        [name]
        "a" = { pool = "s" }
        "b" = { pool = "z" }
        "c" = { pool = "u" }
        "d" = { pool = "u" }
    "#;
    let (steering, found) = steer_with(&[shared], text, None);
    assert_eq!(found, [""; 0]);
    let shown = steering.targets.iter().map(|target| {
        let place = target.key.as_ref().map_or("none".into(), |key| format!("{} {}", key.addr, key.port));
        format!("{place}: {}", target.endpoints.join(" "))
    });
    assert_eq!(
        shown.collect::<Vec<_>>(),
        [
            "192.0.2.1 443: shared/s/x example.com/z/same",
            "2001:db8::1 443: shared/s/x",
            "10.0.0.3 444: example.com/z/both",
            "192.0.2.1 444: example.com/z/own",
            "2001:db8::1 444: example.com/z/own",
            "none: example.com/u/u",
            "none: example.com/u/u",
        ]
    );
    // names pinned to one pool share its policy
    assert_eq!(steering.names[2].policy, steering.names[3].policy);
    assert_eq!(steering.policies[steering.names[2].policy].name, "example.com/u");
    let names: Vec<_> = steering.pools[PoolId(1)].endpoints.iter().map(|endpoint| endpoint.name.as_str()).collect();
    assert_eq!(names, ["both", "own", "same"]);
}

#[test]
fn shared_files_may_refer_to_each_other_in_any_order() {
    let pools = "version = 1\n[pool.p]\nregion = \"r\"\ncheck = \"c\"\n\
        endpoints = [{ name = \"x\", cname = \"x.example.net.\", probe = { address = \"192.0.2.1\" } }]\n";
    let rest = "version = 1\n[region]\nr = {}\n[check.c]\nkind = \"tcp\"\nport = 1\n[policy.q]\nrules = [{ pools = [\"p\"] }]\n";
    let (steering, found) =
        steer_with(&[pools, rest], "version = 1\n[name]\nx = { policy = \"q\", ttl = \"0s\" }\n", None);
    assert_eq!(found, [""; 0]);
    assert_eq!(steering.names[0].families, [false, false, true]);
    assert_eq!(steering.policies[steering.names[0].policy].name, "shared/q");
}

#[test]
fn names_are_numbered_over_all_zones() {
    let (mut sources, mut found, mut builder) = (Sources::default(), Vec::new(), SteeringBuilder::new());
    let text = "version = 1\n[pool.p]\ncheck = \"none\"\nendpoints = [{ name = \"e\", addresses = [\"192.0.2.1\"] }]\n\
        [name]\n\"*.x\" = { pool = \"p\" }\n\"www\" = { pool = \"p\" }\n";
    for origin in ["example.com", "Example.NET"] {
        let file = sources.add(format!("{origin}.toml"), text.as_bytes().to_vec());
        builder.zone(&sources, file, &FakeZone::new(origin, "@ SOA;*.x A;www A"), &mut read_pem, &mut found);
    }
    let steering = builder.finish(Fields::default(), false, &mut found);
    assert_eq!(lines(&sources, &found), [""; 0]);
    let owners: Vec<_> = steering.names.iter().map(|name| name.owner.to_string()).collect();
    assert_eq!(owners, ["*.x.example.com.", "www.example.com.", "*.x.Example.NET.", "www.Example.NET."]);
    assert_eq!(steering.pools[PoolId(1)].name, "example.net/p");
    assert_eq!(steering.targets.len(), 2);
}

#[test]
fn checks_in_all_forms() {
    let text = r#"version = 1
        [check.c]
        kind = "https"
        host = "www.example.com"
        port = 8443
        path = "/a?b=c"
        ca_file = "ca.pem"
        expect_status = ["204", "3xx", "400-404"]
        expect_body = "ok"
        interval = "1m"
        timeout = "1500ms"
        fall = 3
        rise = 1
        recheck = "0s"
        [pool.p]
        check = "c"
        min_healthy = 1
        endpoints = [{ name = "e", addresses = ["192.0.2.1"], weight = 65535 }]
        [name]
        "new" = { pool = "p", ttl = "1h" }
    "#;
    let (steering, found) = steer(text);
    assert_eq!(found, [""; 0]);
    let key = steering.targets[TargetId(0)].key.clone().expect("probed");
    let CheckKind::Https(http) = &key.check.kind else { panic!("{:?}", key.check.kind) };
    let ranges: Vec<_> = http.expect_status.iter().map(|range| (range.first, range.last)).collect();
    assert_eq!(ranges, [(204, 204), (300, 399), (400, 404)]);
    assert_eq!((http.path.as_str(), http.expect_body.as_deref()), ("/a?b=c", Some("ok")));
    assert_eq!(http.ca_pem.as_deref(), Some(PEM));
    assert_eq!((key.port, key.check.fall, key.check.rise), (8443, 3, 1));
    assert_eq!(key.check.interval, Duration::from_secs(60));
    assert_eq!(steering.pools[PoolId(0)].min_healthy, MinHealthy::Count(1));
    assert_eq!(steering.names[0].ttl.max.secs(), 3600);
}
