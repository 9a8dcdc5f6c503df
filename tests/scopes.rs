//! Client Subnet scopes on the shipped database: those of one name never overlap, and every client inside a scope is
//! decided alike (RFC 7871 §7.2.1, §7.3).

mod support;

use std::collections::BTreeMap;
use std::net::IpAddr;

use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};
use support::{Engine, healthy, query, repository, shipped};
use windrose::base::{PolicyId, Prefix};
use windrose::geo::Database;
use windrose::wire::Rtype;

/// How many random prefixes of each family are asked for.
const ROUNDS: usize = 20_000;

/// Networks of one family that the shipped database lists.
fn networks(v6: bool) -> Vec<Prefix> {
    let bytes = std::fs::read(repository("geo/country.mmdb")).expect("the shipped database");
    let mut networks = Vec::new();
    Database::read(&bytes).expect("a database").locations.for_each(|prefix, location| {
        if prefix.addr().is_ipv6() == v6 && location.country.is_some() {
            networks.push(prefix);
        }
    });
    networks
}

/// Mostly around a network of the database; anywhere else too, as anything may arrive.
fn random_client(random: &mut fastrand::Rng, networks: &[Prefix], v6: bool) -> (IpAddr, u8) {
    let source = random.u8(1..=if v6 { 128 } else { 32 });
    let bits = random.u128(..);
    let anywhere = if v6 { IpAddr::from(bits.to_be_bytes()) } else { IpAddr::from((bits as u32).to_be_bytes()) };
    let addr = if random.u8(..) < 230 {
        {
            let network = networks[random.usize(..networks.len())];
            random_inside(random, network)
        }
    } else {
        anywhere
    };
    (Prefix::around(addr, source).addr(), source)
}

fn scope(engine: &mut Engine, addr: IpAddr, source: u8) -> u8 {
    let message = engine.message(&query("www.example.com", Rtype::A, Some((addr, source))));
    assert!(!message.answers.is_empty(), "{addr}/{source} got no answer");
    let edns = message.edns.as_ref().expect("EDNS in the response");
    match edns.option(EdnsCode::Subnet) {
        Some(EdnsOption::Subnet(subnet)) => subnet.scope_prefix(),
        other => panic!("no Client Subnet for {addr}/{source}: {other:?}"),
    }
}

#[test]
fn scopes_never_overlap_and_hold_one_decision() {
    let loaded = shipped();
    let policy = loaded.steering.names.iter().find(|name| name.owner.to_string() == "www.example.com.");
    let policy: PolicyId = policy.expect("www is steered").policy;
    let mut engine = Engine::new(healthy(loaded), 1);
    let mut random = fastrand::Rng::with_seed(2);
    for v6 in [false, true] {
        let networks = networks(v6);
        let mut scopes: BTreeMap<IpAddr, Prefix> = BTreeMap::new();
        for _ in 0..ROUNDS {
            let (addr, source) = random_client(&mut random, &networks, v6);
            let scope = Prefix::around(addr, scope(&mut engine, addr, source));
            assert!(scope.contains(addr));
            // a scope that begins before this one may not reach into it, one behind it not begin inside
            let before = scopes.range(..=scope.addr()).next_back();
            let behind = scopes.range(scope.addr()..).next();
            for (_, other) in before.into_iter().chain(behind) {
                let overlap = other.contains(scope.addr()) || scope.contains(other.addr());
                assert!(!overlap || *other == scope, "{scope} and {other} overlap");
            }
            scopes.insert(scope.addr(), scope);
            let map = &engine.snapshot.loaded.maps[policy];
            let resolver = engine.source.ip();
            let inside = random_inside(&mut random, scope);
            assert_eq!(map.locate(inside, resolver), map.locate(addr, resolver), "{inside} and {addr} in {scope}");
        }
        assert!(scopes.len() > ROUNDS / 20, "only {} scopes met", scopes.len());
    }
}

fn random_inside(random: &mut fastrand::Rng, scope: Prefix) -> IpAddr {
    match scope.addr() {
        IpAddr::V4(v4) => {
            let host = random.u32(..) & u32::MAX.checked_shr(scope.len().into()).unwrap_or(0);
            IpAddr::from((v4.to_bits() | host).to_be_bytes())
        }
        IpAddr::V6(v6) => {
            let host = random.u128(..) & u128::MAX.checked_shr(scope.len().into()).unwrap_or(0);
            IpAddr::from((v6.to_bits() | host).to_be_bytes())
        }
    }
}
