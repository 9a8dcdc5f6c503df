//! What is found of a zone once all its names are there: what gives an address, and what does not.

use super::{TOP, compile, name};
use crate::base::{Severity, Sources};
use crate::zone::{Loader, parse};

/// What is said of a text below the usual top, whose name server has an address. The names are steered.
fn found(text: &str, steered: &[&str]) -> Vec<String> {
    let mut sources = Sources::default();
    let file = sources.add("z", format!("{TOP}ns A 192.0.2.1\n{text}").into());
    let load: &mut Loader<'_> = &mut |_, _, _| Err("none".into());
    let (mut builder, _) = parse(&mut sources, file, &name("example"), load);
    steered.iter().for_each(|owner| builder.steer(&name(owner), 0));
    let found = builder.finish().map_or_else(|found| found, |(_, warnings)| warnings);
    assert!(found.iter().all(|one| one.hint.is_some() && one.span.is_some()), "{found:?}");
    let line = |span| sources.position(span).line - TOP.lines().count() - 1;
    found.iter().filter_map(|one| Some(format!("{}: {}", line(one.span?), one.message))).collect()
}

fn check(table: &[(&str, &[&str])]) {
    for (text, expected) in table {
        assert_eq!(found(text, &[]), *expected, "{text}");
    }
}

#[test]
fn wildcards_give_addresses_unless_blocked() {
    check(&[
        ("@ MX 1 a.b\n*.b A 192.0.2.1", &[]),
        ("@ MX 1 c.a.b\n*.b AAAA 2001:db8::1", &[]),
        ("@ MX 1 A.B\n*.b TXT x", &["1: A.B.example., the target of this MX record, has no address"]),
        (
            "@ MX 1 c.a.b\n*.b A 192.0.2.1\na.b TXT blocks",
            &["1: c.a.b.example., the target of this MX record, has no address"],
        ),
        (
            "@ MX 1 a.b\n*.b A 192.0.2.1\nc.a.b TXT blocks",
            &["1: a.b.example., the target of this MX record, has no address"],
        ),
        ("@ MX 1 a.b\n*.b CNAME x.", &["1: a.b.example., the target of this MX record, is an alias"]),
    ]);
}

#[test]
fn steered_names_have_addresses() {
    let text = "@ MX 1 www\n@ MX 2 a.geo\n@ MX 3 geo";
    assert_eq!(
        found(text, &["www.example", "*.geo.example"]),
        ["3: geo.example., the target of this MX record, has no address"]
    );
    assert_eq!(found(text, &[]).len(), 3);
}

#[test]
fn glue() {
    check(&[
        ("d NS ns.d\nns.d A 192.0.2.1", &[]),
        ("d NS d\nd A 192.0.2.1", &[]),
        ("d NS NS.D\nns.d AAAA 2001:db8::1\nns.d A 192.0.2.1", &[]),
        (
            "d NS ns.x.d\nns.d A 192.0.2.1",
            &[
                "1: the name server ns.x.d.example. of d.example. has no address here",
                "2: ns.d.example. lies in the delegated zone d.example.: its A records are hidden",
            ],
        ),
        // a wildcard gives no glue
        (
            "d NS ns.d\n*.d A 192.0.2.1",
            &[
                "1: the name server ns.d.example. of d.example. has no address here",
                "2: *.d.example. lies in the delegated zone d.example.: its A records are hidden",
            ],
        ),
        // of a sibling: good to have, and not needed
        ("d NS ns.e\ne NS ns.e\nns.e A 192.0.2.1", &[]),
        ("d NS ns.e\ne NS ns.f.", &[]),
        ("d NS ns.e\ne NS ns.f.\nns.e A 192.0.2.1", &[]),
        // of the zone itself
        ("@ NS ns.d\nd NS x.", &["1: the name server ns.d.example. of example. has no address here"]),
        ("@ NS ns.d\nd NS x.\nns.d A 192.0.2.1", &[]),
        // an exchanger of a delegated zone is that zone's matter, and so are its addresses
        ("@ MX 1 mail.d\nd NS x.", &[]),
        (
            "@ MX 1 mail.d\nd NS x.\nmail.d A 192.0.2.1",
            &["3: mail.d.example. lies in the delegated zone d.example.: its A records are hidden"],
        ),
        // what is hidden leads nowhere
        (
            "d NS x.\na.d MX 1 nowhere",
            &["2: a.d.example. lies in the delegated zone d.example.: its MX records are hidden"],
        ),
        // the name `*` alone is delegated; the wildcard answers for others
        ("*.d NS x.\n*.d A 192.0.2.1\n@ MX 1 a.d", &["1: NS records at the wildcard *.d.example."]),
    ]);
}

#[test]
fn targets() {
    check(&[
        ("@ MX 0 .\n_a SRV 0 0 0 .\na HTTPS 1 .\na A 192.0.2.1", &[]),
        ("a HTTPS 0 nowhere\nb SVCB 1 other.", &[]),
        ("a SVCB 1 nowhere", &["1: nowhere.example., the target of this SVCB record, has no address"]),
        ("@ MX 1 a\na CNAME b\nb A 192.0.2.1", &["1: a.example., the target of this MX record, is an alias"]),
        ("@ MX 1 x.a\na DNAME b", &["1: x.a.example., the target of this MX record, is an alias"]),
        ("d NS x.a\na DNAME b", &["1: x.a.example., the target of this NS record, is an alias"]),
        ("a HTTPS 1 b\nb CNAME c.", &[]),
        // said once
        ("@ MX 1 mail.example", &["1: mail.example.example. has the origin example. twice"]),
        ("@ MX 1 a\na.b A 192.0.2.1", &["1: a.example., the target of this MX record, has no address"]),
    ]);
}

/// The address may be in the line that could not be read.
#[test]
fn nothing_is_concluded_from_what_could_not_be_read() {
    assert_eq!(found("@ MX 1 mail\nd NS ns.d\nmail A 192.0.2.300\nns.d A 192.0.2.300", &[]), [""; 0]);
}

#[test]
fn names_below_a_dname() {
    let nsec3 = "NSEC3 1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr A";
    let below = |line: usize, name: &str| format!("{line}: {name}.d.example. is below d.example., which has a DNAME");
    assert_eq!(found("d DNAME x.\nd TXT x\ne.d TXT y\nf.e.d TXT z\ndd TXT x", &[]), [below(3, "e"), below(4, "f.e")]);
    assert_eq!(found("d DNAME x.\nd NS ns.d\nns.d A 192.0.2.1", &[])[1], below(3, "ns"));
    assert_eq!(found("a.d DNAME x.\nd DNAME x.", &[]), [below(1, "a")]);
    assert_eq!(found(&format!("d DNAME x.\n2t7b4g4vsa5smi47k61mv5bv1a22bojs.d {nsec3}"), &[]), [""; 0]);
    assert_eq!(found("d DNAME x.", &["a.d.example"]), ["1: a.d.example., which is steered, is below this DNAME"]);
    assert_eq!(found("d DNAME x.\nc TXT x\ne TXT x", &["d.example", "e.example"]), [""; 0]);
}

#[test]
fn a_dname_beside_ns_records() {
    let said = "has a DNAME beside NS records, and is not the apex";
    assert_eq!(found("d DNAME x.\nd NS x.", &[]), [format!("2: d.example. {said}")]);
    assert!(found("*.d NS x.\n*.d DNAME x.", &[]).contains(&format!("2: *.d.example. {said}")));
    assert!(compile(&format!("{TOP}d DNAME x.\nd NS x.\n")).is_err());
    assert!(compile("$TTL 60\n@ SOA ns.x. . 1 2 3 4 5\n@ NS ns.x.\n@ DNAME y.\n").is_ok());
}

#[test]
fn a_signed_zone() {
    let sig = "@ RRSIG SOA 13 1 60 20300101000000 20260101000000 1 @ AQID";
    let said = "1: the zone is signed, but this version does not serve signatures: validating resolvers that find a DS \
                above will refuse its answers";
    assert_eq!(found(&format!("{sig}\n@ DNSKEY 257 3 13 AQID"), &[]), [said]);
    assert_eq!(found("@ DNSKEY 257 3 13 AQID", &[]), [""; 0]);
    assert_eq!(found(sig, &[]), ["1: RRSIG records, and no DNSKEY records at the apex example."]);
}

#[test]
fn many_findings_of_a_kind_are_counted() {
    let many = |count: usize| (0..count).map(|at| format!("x{at} MX 1 y{at}\n")).collect::<String>();
    assert_eq!(found(&many(20), &[]).len(), 20);
    let lines = found(&format!("{}elsewhere. A 192.0.2.1\n", many(1021)), &[]);
    assert_eq!(lines.len(), 22);
    let at = lines.iter().position(|line| line.ends_with(": and 1,001 more: targets without an address"));
    let last = lines.iter().rposition(|line| line.contains("has no address"));
    assert_eq!(at, last.map(|last| last + 1), "{lines:?}");
}

#[test]
fn an_soa_of_another_zone() {
    let mut sources = Sources::default();
    let file = sources.add("z", b"$TTL 1\nother. SOA . . 1 1 1 1 1\n".to_vec());
    let (builder, _) = parse(&mut sources, file, &name("example"), &mut |_, _, _| Err("none".into()));
    let found = builder.finish().expect_err("no zone");
    let error = found.iter().find(|one| one.severity == Severity::Error).expect("an error");
    assert_eq!(error.hint.as_deref(), Some("there is one of other.: is that the zone's name?"));
}
