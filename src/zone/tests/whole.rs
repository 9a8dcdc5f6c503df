//! What is seen of a zone as a whole: findings, and what the builder tells of it before it is compiled.

use super::{TOP, compile, name, print, read, zone};
use crate::base::Ttl;
use crate::wire::Rtype;
use crate::zone::{Zone, ZoneBuilder};

/// Findings without what to do about them.
fn said(lines: &[String]) -> Vec<&str> {
    lines.iter().filter_map(|line| line.split(" (").next()).collect()
}

fn errors(lines: &[String]) -> Vec<&str> {
    said(lines).into_iter().filter(|line| line.contains(": error: ")).collect()
}

#[test]
fn zones_that_are_refused() {
    let table: &[(&str, &[&str])] = &[
        ("a 1 A 192.0.2.1", &["z:1:1: error: the zone example. has no SOA record at its apex"]),
        ("", &["z:1:1: error: the zone example. has no SOA record at its apex"]),
        ("@ 1 SOA . . 1 1 1 1 1\n@ SOA . . 2 1 1 1 1", &["z:2:3: error: a second SOA record of the same name"]),
        (
            "@ 1 SOA . . 1 1 1 1 1\na SOA . . 2 1 1 1 1",
            &["z:2:3: error: an SOA record that is not at the apex example."],
        ),
        (
            "@ 1 SOA . . 1 1 1 1 1\na CNAME b\na A 192.0.2.1\n  TXT x",
            &["z:3:3: error: a CNAME beside A records of the same name"],
        ),
        (
            "@ 1 SOA . . 1 1 1 1 1\n@ CNAME b\nb CNAME c\nB CNAME d",
            &[
                "z:2:3: error: a CNAME beside SOA records of the same name",
                "z:4:3: error: a second CNAME record of the same name",
            ],
        ),
    ];
    for (text, expected) in table {
        assert_eq!(errors(&compile(text).expect_err("a refusal")), *expected, "{text}");
    }
}

#[test]
fn an_rrset_that_fits_no_message() {
    let big: String = (0..300).map(|n| format!("a TXT {n:0250}\n")).collect();
    let findings = compile(&format!("{TOP}{big}")).expect_err("a refusal");
    assert_eq!(errors(&findings), ["z:4:3: error: the TXT records of this name fit no message: 78900 octets"]);
}

/// The question is in the message too, with the whole owner.
#[test]
fn an_rrset_that_fits_no_message_with_its_question() {
    for (owner, most) in [("a".to_owned(), 65_496), ("a".repeat(63), 65_434)] {
        let text = |len: usize| format!("{TOP}{owner} TYPE731 \\# {len} {}", "00".repeat(len));
        assert!(compile(&text(most)).is_ok(), "{owner}");
        let findings = compile(&text(most + 1)).expect_err("a refusal");
        let expected = format!(
            "z:4:{}: error: the TYPE731 records of this name fit no message: {} octets",
            owner.len() + 2,
            most + 13
        );
        assert_eq!(errors(&findings), [expected]);
    }
}

/// RFC 4034 §3: a signature has the TTL of the RRset that it covers.
#[test]
fn signatures_of_different_types_may_differ_in_ttl() {
    let sig = |ttl: u32, rtype: &str, tag: u32| {
        format!("a {ttl} RRSIG {rtype} 13 2 60 20300101000000 20260101000000 {tag} @ AQID\n")
    };
    let differ = |text: &str| {
        let (_, warnings) = compile(&format!("{TOP}{text}")).expect("a zone");
        warnings.iter().filter(|line| line.contains("differ in TTL")).count()
    };
    assert_eq!(differ(&[sig(60, "A", 1), sig(5, "NSEC", 1), sig(60, "A", 2), sig(5, "NSEC", 2)].concat()), 0);
    assert_eq!(differ(&[sig(60, "A", 1), sig(5, "NSEC", 1), sig(61, "A", 2)].concat()), 1);
}

#[test]
fn warnings() {
    let text = "@ 9 SOA . . 1 1 1 1 1\nother. A 192.0.2.1\na 5 A 192.0.2.1\na 4 A 192.0.2.2\na 4 A 192.0.2.1";
    let (zone, warnings) = compile(text).expect("a zone with flaws");
    assert_eq!(
        said(&warnings),
        [
            "z:1:1: warning: the zone example. has no NS records at its apex",
            "z:2:1: warning: other. is not in the zone example.: the record is left out",
            "z:4:5: warning: the A records of this name differ in TTL: 4 is used",
        ]
    );
    assert_eq!(print(&zone)[1..], ["a.example. 4 A 192.0.2.1", "a.example. 4 A 192.0.2.2"]);
    assert_eq!(zone.record_count(), 3);
}

/// RFC 2181 §8: numbers with the highest bit set, in the SOA's MINIMUM too.
#[test]
fn a_ttl_above_the_highest_is_zero() {
    let text = "$TTL 2147483648\n@ SOA . . 1 1 1 1 4294967295\n@ 9 NS x.\na 4294967295 A 192.0.2.1";
    let (zone, warnings) = compile(text).expect("a zone with odd TTLs");
    let taken = "warning: a TTL is at most 2147483647 seconds: this one is taken as 0";
    assert_eq!(said(&warnings), [format!("z:1:6: {taken}"), format!("z:4:3: {taken}")]);
    assert_eq!((zone.soa().ttl(), zone.negative_ttl()), (Ttl::ZERO, Ttl::ZERO));
    assert_eq!(print(&zone)[2], "a.example. 0 A 192.0.2.1");
    let (zone, _) = compile("@ SOA . . 1 1 1 1 2147483648\n@ NS x.").expect("a zone");
    assert_eq!((zone.soa().ttl(), zone.negative_ttl()), (Ttl::ZERO, Ttl::ZERO));
}

#[test]
fn duplicates_are_equal_but_for_the_case_of_names() {
    let zone = zone("@ NS NS\nm MX 65 x\nm MX 97 x\nm MX 65 X\nt TXT a\nt TXT A");
    assert_eq!(
        print(&zone)[1..],
        [
            "example. 60 SOA ns.example. hostmaster.example. 1 2 3 4 5",
            "m.example. 60 MX 65 x.example.",
            "m.example. 60 MX 97 x.example.",
            "t.example. 60 TXT \"a\"",
            "t.example. 60 TXT \"A\"",
        ]
    );
}

#[test]
fn the_soa_is_read() {
    let (zone, _) = compile("@ 100 SOA . . 4294967295 1 1 1 77").expect("a zone");
    assert_eq!((zone.serial(), zone.negative_ttl()), (u32::MAX, Ttl::from_secs(77)));
    assert_eq!((zone.soa().rtype(), zone.soa().len(), zone.soa().ttl().secs()), (Rtype::SOA, 1, 100));
    let (zone, _) = compile("@ 50 SOA . . 1 1 1 1 77").expect("a zone");
    assert_eq!(zone.negative_ttl(), Ttl::from_secs(50));
}

#[test]
fn what_a_builder_tells() {
    let (mut builder, errors) = read(&format!("{TOP}www A 192.0.2.1\nsub NS ns.sub\nns.sub A 192.0.2.2\n*.w NS x.\n"));
    assert!(errors.is_empty());
    let has = |builder: &ZoneBuilder, owner: &str, rtype| builder.has(name(owner).as_ref(), rtype);
    assert!(has(&builder, "WWW.example", Rtype::A) && !has(&builder, "www.example", Rtype::AAAA));
    assert_eq!(builder.types_at(name("example").as_ref()).collect::<Vec<_>>(), [Rtype::NS, Rtype::SOA]);
    let below = |owner: &str| builder.is_below_cut(name(owner).as_ref());
    assert!(below("sub.example") && below("x.y.SUB.example"));
    assert!(!below("example") && !below("www.example") && !below("a.w.example") && below("*.w.example"));
    let targets: Vec<_> = builder.ns_targets().map(|(target, span)| (target.to_string(), span.start)).collect();
    let sub = builder.span_of(name("sub.example").as_ref(), Rtype::NS).expect("there").start;
    assert_eq!(targets[1], ("ns.sub.example.".to_owned(), sub));
    builder.steer(&name("geo.example"), 3);
    assert!(!has(&builder, "geo.example", Rtype::A));
}

/// Nodes of a zone in canonical order, however the file has them (the names of RFC 4034 §6.1, less their case).
#[test]
fn canonical_order() {
    let zone = zone(
        "\\200.z TXT x\n*.z TXT x\n\\001.z TXT x\n\\000.z TXT x\nz TXT x\nzABC.a TXT x\nZ.a TXT x\nyljkjljk.a TXT x\n",
    );
    let names: Vec<_> = zone.nodes().map(|node| node.name().to_string()).collect();
    assert_eq!(
        names,
        [
            "example.",
            "a.example.",
            "yljkjljk.a.example.",
            "z.a.example.",
            "zabc.a.example.",
            "z.example.",
            "\\000.z.example.",
            "\\001.z.example.",
            "*.z.example.",
            "\\200.z.example.",
        ]
    );
}

#[test]
fn the_root_zone() {
    let mut builder = ZoneBuilder::new(&name("."), None);
    let (text, _) = read("@ 1 SOA . . 1 1 1 1 1\n");
    let soa = text.rdata_of(&text.records[0]).to_vec();
    let span = text.records[0].span();
    builder.add(name(".").as_ref(), Rtype::SOA, Ttl::ZERO, &soa, span);
    builder.add(name("a.b").as_ref(), Rtype::TXT, Ttl::ZERO, b"\x01x", span);
    let (zone, _) = builder.finish().expect("a sound zone");
    assert_eq!(zone.nodes().map(|node| node.name().to_string()).collect::<Vec<_>>(), [".", "b.", "a.b."]);
}

#[test]
fn zones_are_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Zone>();
}
