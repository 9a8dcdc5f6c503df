//! Steered names among ordinary ones, through the engine: the shipped zone, boards good and bad, clients here and there.

mod support;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};
use support::{Engine, all_up, healthy, load, query, repository, shipped};
use windrose::base::{Mono, Now};
use windrose::health::{TargetView, Verdict};
use windrose::snapshot::{Loaded, Snapshot};
use windrose::wire::Rtype;

const GERMANY: (&str, u8) = ("141.20.0.0", 24);
const JAPAN: (&str, u8) = ("133.11.0.0", 24);

fn subnet((addr, source): (&str, u8)) -> Option<(IpAddr, u8)> {
    Some((addr.parse().expect("an address"), source))
}

/// The answer section, a line a record: `name ttl type data`.
fn answer(message: &Message) -> Vec<String> {
    let line = |record: &hickory_proto::rr::Record| {
        format!("{} {} {} {}", record.name, record.ttl, record.record_type(), record.data)
    };
    message.answers.iter().map(line).collect()
}

fn scope(message: &Message) -> Option<u8> {
    match message.edns.as_ref()?.option(EdnsCode::Subnet)? {
        EdnsOption::Subnet(subnet) => Some(subnet.scope_prefix()),
        _ => None,
    }
}

fn all_down(loaded: Arc<Loaded>) -> Snapshot {
    let mut board = all_up(&loaded);
    for (id, target) in loaded.steering.targets.iter_ids() {
        if target.key.is_some() {
            board.targets[id] = TargetView { verdict: Verdict::Down, ..TargetView::default() };
        }
    }
    Snapshot::build(loaded, board, 1)
}

/// The shipped configuration with some text of its steering file replaced.
fn changed(old: &str, new: &str) -> Arc<Loaded> {
    with_records("", old, new)
}

/// The same, with more records at the end of its zone file.
fn with_records(records: &str, old: &str, new: &str) -> Arc<Loaded> {
    let folder = tempfile::tempdir().expect("a folder");
    for file in ["config/windrose.toml", "zones/example.com.zone", "zones/example.com.toml", "geo/country.mmdb"] {
        let to = folder.path().join(file);
        std::fs::create_dir_all(to.parent().expect("a folder")).expect("made");
        std::fs::copy(repository(file), to).expect("copied");
    }
    let zone = folder.path().join("zones/example.com.zone");
    let text = std::fs::read_to_string(&zone).expect("text");
    std::fs::write(&zone, text + records).expect("written");
    let steering = folder.path().join("zones/example.com.toml");
    let text = std::fs::read_to_string(&steering).expect("text");
    assert!(text.contains(old), "the shipped steering file has no {old:?}");
    std::fs::write(&steering, text.replace(old, new)).expect("written");
    load(&folder.path().join("config/windrose.toml"))
}

#[test]
fn a_cname_in_the_zone_leads_to_a_steered_name_and_carries_its_scope() {
    let mut engine = Engine::new(healthy(shipped()), 1);
    let message = engine.message(&query("docs.example.com", Rtype::A, subnet(JAPAN)));
    let lines = answer(&message);
    assert_eq!(lines[0], "docs.example.com. 3600 CNAME www.example.com.");
    assert!(lines[1].starts_with("www.example.com. 300 A 203.0.113."), "{lines:?}");
    assert_eq!((lines.len(), scope(&message)), (2, Some(8)));
}

#[test]
fn a_steered_wildcard_answers_what_does_not_exist() {
    let mut engine = Engine::new(healthy(shipped()), 1);
    let lines = answer(&engine.message(&query("any.thing.edge.example.com", Rtype::AAAA, subnet(GERMANY))));
    assert!(lines[0].starts_with("any.thing.edge.example.com. 60 AAAA 2001:db8::1"), "{lines:?}");
}

#[test]
fn a_steered_name_keeps_its_other_records_and_denies_the_rest() {
    let mut engine = Engine::new(healthy(shipped()), 1);
    let message = engine.message(&query("example.com", Rtype::MX, subnet(GERMANY)));
    assert_eq!((answer(&message)[0].as_str(), scope(&message)), ("example.com. 3600 MX 10 mail.example.com.", Some(0)));
    let message = engine.message(&query("www.example.com", Rtype::MX, subnet(GERMANY)));
    assert_eq!((message.metadata.response_code, message.answers.len()), (ResponseCode::NoError, 0));
    assert_eq!(
        (message.authorities[0].ttl, scope(&message)),
        (30, Some(0)),
        "min of the name, scope 0 (RFC 7871 §7.4)"
    );
}

/// Records of several kinds: hints of its own, none, another target, AliasMode.
const SERVICE: &str = "$ORIGIN example.com.\n\
    www  HTTPS 1 . mandatory=alpn,ipv4hint alpn=h2 no-default-alpn port=8443 ipv4hint=192.0.2.99 ipv6hint=2001:db8::99 key700=x\n\
    www  HTTPS 2 . alpn=h3\n\
    www  HTTPS 3 cdn.example.net. ipv4hint=192.0.2.98\n\
    www  SVCB  0 other.example.net.\n";

/// The records of an answer in master-file form, without what differs from draw to draw.
fn service(engine: &mut Engine, rtype: Rtype, client: Option<(IpAddr, u8)>) -> (Vec<String>, u32, Option<u8>) {
    let message = engine.message(&query("www.example.com", rtype, client));
    let mut texts: Vec<String> = message.answers.iter().map(|record| record.data.to_string()).collect();
    texts.sort();
    (texts, message.answers[0].ttl, scope(&message))
}

#[test]
fn hints_of_https_records_agree_with_the_addresses() {
    let loaded = with_records(SERVICE, "", "");
    let mut engine = Engine::new(healthy(Arc::clone(&loaded)), 1);
    for (client, v4, v6) in [(GERMANY, "192.0.2.1", "2001:db8::1"), (JAPAN, "203.0.113.1", "2001:db8:2::1")] {
        for _ in 0..50 {
            let (texts, ttl, scope) = service(&mut engine, Rtype::HTTPS, subnet(client));
            assert_eq!((ttl, scope.expect("a scope") > 0, texts.len()), (300, true, 3), "{texts:?}");
            let hints = format!("ipv4hint={v4}");
            assert!(
                texts[..2].iter().all(|text| text.contains(&hints) && text.contains(&format!("ipv6hint={v6}"))),
                "{texts:?}"
            );
            assert!(texts[0].contains("mandatory=alpn,ipv4hint") && !texts[0].contains("192.0.2.99"), "{texts:?}");
            assert!(texts[0].contains("8443") && texts[0].contains("unknown700"), "{texts:?}");
            assert!(texts[2].contains("192.0.2.98"), "the record of another target stays: {texts:?}");
        }
    }
    assert_eq!(service(&mut engine, Rtype::SVCB, None).0, ["0 other.example.net."]);

    let mut engine = Engine::new(all_down(loaded), 1);
    let (texts, ttl, _) = service(&mut engine, Rtype::HTTPS, subnet(JAPAN));
    assert!(texts[0].contains("ipv4hint=192.0.2.80") && ttl == 30, "the last resort, as A: {texts:?}");
}

#[test]
fn hints_go_where_no_address_is_answered() {
    let loaded = with_records(SERVICE, "when_all_down = \"last_resort\"", "when_all_down = \"servfail\"");
    let mut engine = Engine::new(all_down(loaded), 1);
    let (texts, ttl, _) = service(&mut engine, Rtype::HTTPS, subnet(JAPAN));
    assert!(texts[..2].iter().all(|text| !text.contains("hint")) && ttl == 30, "{texts:?}");
    assert!(texts[0].contains("mandatory=alpn ") || texts[0].contains("mandatory=alpn,"), "{texts:?}");
}

#[test]
fn a_cname_policy_answers_every_type_with_one_cname() {
    let mut engine = Engine::new(healthy(shipped()), 1);
    for rtype in [Rtype::A, Rtype::AAAA, Rtype::MX, Rtype::CNAME, Rtype::ANY] {
        let lines = answer(&engine.message(&query("static.example.com", rtype, None)));
        assert_eq!(lines, ["static.example.com. 60 CNAME d1.cdn.example.net."], "{rtype}");
    }
}

#[test]
fn the_last_resort_has_the_short_ttl_and_the_scope_of_the_tree() {
    let mut engine = Engine::new(all_down(shipped()), 1);
    let message = engine.message(&query("www.example.com", Rtype::A, subnet(JAPAN)));
    assert_eq!(answer(&message), ["www.example.com. 30 A 192.0.2.80"]);
    assert_eq!(scope(&message), Some(8));
}

#[test]
fn without_a_subnet_or_with_source_0_the_resolver_decides() {
    let mut engine = Engine::new(healthy(shipped()), 1);
    for (resolver, network) in [("133.11.0.1:53", "203.0.113."), ("141.20.0.1:53", "192.0.2.")] {
        engine.source = resolver.parse().expect("an address");
        for subnet in [None, Some(([0, 0, 0, 0].into(), 0))] {
            let message = engine.message(&query("www.example.com", Rtype::A, subnet));
            assert!(answer(&message)[0].contains(network), "{resolver} {:?}", answer(&message));
            assert_eq!(scope(&message), subnet.map(|_| 0));
        }
    }
}

#[test]
fn ecs_ignore_answers_the_resolver_with_scope_0() {
    let loaded = changed("when_all_down = \"last_resort\"", "when_all_down = \"last_resort\"\necs = \"ignore\"");
    let mut engine = Engine::new(healthy(loaded), 1);
    engine.source = "133.11.0.1:53".parse().expect("an address");
    let message = engine.message(&query("www.example.com", Rtype::A, subnet(GERMANY)));
    assert!(answer(&message)[0].contains("203.0.113."));
    assert_eq!(scope(&message), Some(0));
}

#[test]
fn sticky_keeps_a_network_on_one_endpoint_and_spreads_networks() {
    let loaded = changed("when_all_down = \"last_resort\"", "when_all_down = \"last_resort\"\nsticky = true");
    let mut engine = Engine::new(healthy(loaded), 1);
    let mut met = BTreeSet::new();
    for network in 0..64u8 {
        let client = |host: u8| Some((IpAddr::from([141, 20, network, host]), 32));
        let first = engine.message(&query("www.example.com", Rtype::A, client(1)));
        let again = engine.message(&query("www.example.com", Rtype::A, client(200)));
        let v6 = answer(&engine.message(&query("www.example.com", Rtype::AAAA, client(1))));
        assert_eq!(answer(&first), answer(&again));
        assert_eq!(scope(&first), Some(24));
        let endpoint = |line: &str| line.chars().last();
        assert_eq!(endpoint(&answer(&first)[0]), endpoint(&v6[0]), "A and AAAA are of one endpoint");
        met.insert(answer(&first));
    }
    assert_eq!(met.len(), 2, "both endpoints are used: {met:?}");
}

#[test]
fn weights_are_kept_over_many_answers() {
    let mut engine = Engine::new(healthy(shipped()), 7);
    let query = query("www.example.com", Rtype::A, subnet(GERMANY));
    let heavy = (0..6_000).filter(|_| answer(&engine.message(&query))[0].ends_with("192.0.2.10")).count();
    assert!((3_800..4_200).contains(&heavy), "fra1 has weight 2 of 3, and got {heavy} of 6000");
}

#[test]
fn the_ttl_recovers_by_itself_once_the_last_failure_is_old() {
    let loaded = shipped();
    let mut board = all_up(&loaded);
    for id in board.targets.ids().collect::<Vec<_>>() {
        board.targets[id].last_failure = Some(Mono(1_000));
    }
    let mut engine = Engine::new(Snapshot::build(loaded, board, 1), 1);
    for (mono, ttl) in [(2_000, 30), (300_999, 30), (301_000, 300)] {
        engine.now = Now { wall: 0, mono: Mono(mono) };
        let lines = answer(&engine.message(&query("www.example.com", Rtype::A, subnet(GERMANY))));
        assert!(lines[0].starts_with(&format!("www.example.com. {ttl} A")), "{lines:?}");
    }
}
