//! Look-ups: the example of RFC 4592, delegations, steered names, and a naive model on random zones.

use proptest::prelude::*;

use super::{TOP, name, zone};
use crate::base::{FileId, Span, Ttl};
use crate::wire::{Name, NameBuf, NameRef, Rtype};
use crate::zone::{Found, Node, Zone, ZoneBuilder, parse};

/// What a name is, as text: the kind, and the node where there is one.
fn found(zone: &Zone, wanted: &Name) -> String {
    match zone.find(NameBuf::lowercase(wanted.as_ref()).as_ref()) {
        Found::Exact(node) => format!("exact {}", node.name()),
        Found::Delegation(node) => format!("delegation {}", node.name()),
        Found::Dname(node) => format!("dname {}", node.name()),
        Found::Wildcard(node) => format!("wildcard {}", node.name()),
        Found::NxDomain => "nxdomain".to_owned(),
    }
}

fn check(zone: &Zone, table: &[(&str, &str)]) {
    for (wanted, expected) in table {
        assert_eq!(found(zone, &name(wanted)), *expected, "{wanted}");
    }
}

/// The zone and the queries of RFC 4592 §2.2.1.
#[test]
fn rfc_4592() {
    let zone = zone(
        "*                  3600   TXT   \"this is a wildcard\"\n*                  3600   MX    10 host1\n\
         sub.*              3600   TXT   \"this is not a wildcard\"\nhost1              3600   A     192.0.2.1\n\
         _ssh._tcp.host1    3600   SRV   0 0 22 host1\n_ssh._tcp.host2    3600   SRV   0 0 22 host2\n\
         subdel             3600   NS    ns.example.com.\nsubdel             3600   NS    ns.example.net.\n",
    );
    check(
        &zone,
        &[
            ("host3.example", "wildcard *.example."),
            ("foo.bar.example", "wildcard *.example."),
            ("host1.example", "exact host1.example."),
            ("sub.*.example", "exact sub.*.example."),
            ("_telnet._tcp.host1.example", "nxdomain"),
            ("host.subdel.example", "delegation subdel.example."),
            ("subdel.example", "delegation subdel.example."),
            ("ghost.*.example", "nxdomain"),
            ("*.example", "exact *.example."),
            ("_tcp.host2.example", "exact _tcp.host2.example."),
            ("HOST2.example", "exact host2.example."),
            ("example", "exact example."),
            ("other", "nxdomain"),
            (".", "nxdomain"),
        ],
    );
    let node = |wanted: &str| zone.get(name(wanted).as_ref()).expect("there");
    assert!(node("host2.example").is_empty() && node("_tcp.host1.example").is_empty());
    assert!(!node("*.example").is_empty() && node("subdel.example").is_delegation());
    assert!(!node("example").is_delegation(), "the apex has NS records and is no cut");
    assert_eq!(node("*.example").rrset(Rtype::MX).expect("there").len(), 1);
    assert!(node("*.example").rrset(Rtype::A).is_none());
}

#[test]
fn delegations() {
    let zone = zone("d NS ns.d\nns.d A 192.0.2.1\n*.d A 192.0.2.2\ne.d NS x.\n*.w NS x.\n");
    check(
        &zone,
        &[
            ("d.example", "delegation d.example."),
            ("ns.d.example", "delegation d.example."),
            ("x.d.example", "delegation d.example."),
            ("a.e.d.example", "delegation d.example."),
            ("x.w.example", "wildcard *.w.example."),
            ("*.w.example", "delegation *.w.example."),
            ("a.*.w.example", "delegation *.w.example."),
            ("w.example", "exact w.example."),
        ],
    );
    let glue = zone.get(name("ns.d.example").as_ref()).expect("glue is kept");
    assert!(glue.rrset(Rtype::A).is_some() && !glue.is_delegation());
}

#[test]
fn dnames() {
    let zone = zone("d DNAME x.\n*.w DNAME x.\nn NS x.\nm.n DNAME x.\n");
    check(
        &zone,
        &[
            ("d.example", "exact d.example."),
            ("a.d.example", "dname d.example."),
            ("b.a.d.example", "dname d.example."),
            ("*.d.example", "dname d.example."),
            ("a.w.example", "wildcard *.w.example."),
            ("a.*.w.example", "dname *.w.example."),
            ("a.m.n.example", "delegation n.example."),
        ],
    );
}

#[test]
fn steered_names_exist() {
    let text = format!("{TOP}* A 192.0.2.1\nwww A 192.0.2.2\n");
    let mut sources = crate::base::Sources::default();
    let file = sources.add("z", text.into());
    let (mut builder, _) = parse(&mut sources, file, &name("example"), &mut |_, _, _| Err("none".into()));
    builder.steer(&name("WWW.example"), 0);
    builder.steer(&name("*.geo.example"), 7);
    builder.steer(&name("elsewhere"), 9);
    let (zone, _) = builder.finish().expect("a sound zone");
    check(
        &zone,
        &[
            ("x.example", "wildcard *.example."),
            ("geo.example", "exact geo.example."),
            ("x.geo.example", "wildcard *.geo.example."),
            ("elsewhere", "nxdomain"),
        ],
    );
    let node = |wanted: &str| zone.get(name(wanted).as_ref()).expect("there");
    assert_eq!((node("www.example").steered(), node("www.example").rrsets().len()), (Some(0), 1));
    assert_eq!((node("*.geo.example").steered(), node("*.geo.example").is_empty()), (Some(7), false));
    assert_eq!((node("geo.example").steered(), node("geo.example").is_empty()), (None, true));
}

/// What [`Zone::find`] must say, found by looking at every owner for every question.
fn naive(owners: &[(Name, Rtype)], apex: &Name, wanted: &Name) -> String {
    let exists = |name: &Name| owners.iter().any(|(owner, _)| owner.as_ref().is_within(name.as_ref()));
    let is_cut = |name: &Name| name != apex && owners.iter().any(|owner| *owner == (name.clone(), Rtype::NS));
    if !wanted.as_ref().is_within(apex.as_ref()) {
        return "nxdomain".to_owned();
    }
    let mut path: Vec<Name> = wanted.as_ref().ancestors().map(NameRef::to_name).collect();
    path.truncate(path.len() - apex.as_ref().label_count());
    if let Some(cut) = path.iter().rev().find(|name| is_cut(name)) {
        return format!("delegation {cut}");
    }
    let encloser = path.iter().find(|name| exists(name)).expect("the apex exists");
    let wildcard = Name::parse(b"*", Some(encloser.as_ref())).expect("short");
    match encloser {
        exact if exact == wanted => format!("exact {exact}"),
        _ if exists(&wildcard) => format!("wildcard {wildcard}"),
        _ => "nxdomain".to_owned(),
    }
}

fn short_name() -> impl Strategy<Value = Name> {
    let label = prop::sample::select(vec!["a", "b", "*"]);
    prop::collection::vec(label, 0..5)
        .prop_map(|labels| Name::parse([labels, vec!["z."]].concat().join(".").as_bytes(), None).expect("short"))
}

proptest! {
    #[test]
    fn find_agrees_with_a_naive_search(
        records in prop::collection::vec((short_name(), prop::sample::select(vec![Rtype::TXT, Rtype::TXT, Rtype::NS])), 0..8),
        steered in prop::collection::vec(short_name(), 0..2),
        wanted in prop::collection::vec(short_name(), 1..30),
    ) {
        let (apex, span) = (name("z"), Span::start_of(FileId(0)));
        let mut builder = ZoneBuilder::new(&apex, None);
        let soa = [&[0; 2][..], &[0; 20]].concat();
        builder.add(apex.as_ref(), Rtype::SOA, Ttl::ZERO, &soa, span);
        for (owner, rtype) in &records {
            let rdata: &[u8] = if *rtype == Rtype::NS { &[0] } else { b"\x01x" };
            builder.add(owner.as_ref(), *rtype, Ttl::ZERO, rdata, span);
        }
        steered.iter().for_each(|owner| builder.steer(owner, 1));
        let owners: Vec<_> = records.iter().cloned().chain(steered.iter().map(|owner| (owner.clone(), Rtype::A)))
            .chain([(apex.clone(), Rtype::SOA)]).collect();
        prop_assert_eq!(builder.is_below_cut(wanted[0].as_ref()), naive(&owners, &apex, &wanted[0]).starts_with("delegation"));
        let (zone, _) = builder.finish().expect("a sound zone");
        for wanted in &wanted {
            prop_assert_eq!(found(&zone, wanted), naive(&owners, &apex, wanted), "{} in {:?}", wanted, owners);
        }
        let names: Vec<_> = zone.nodes().map(Node::name).collect();
        prop_assert!(names.is_sorted() && names.windows(2).all(|pair| pair[0] != pair[1]));
        for node in zone.nodes() {
            prop_assert_eq!(node.is_empty(), !owners.iter().any(|(owner, _)| owner.as_ref() == node.name()));
        }
    }
}
