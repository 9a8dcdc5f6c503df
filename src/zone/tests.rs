//! Master files as text, and what becomes of them.

use proptest::prelude::*;

use super::*;
use crate::base::{FileId, Sources, Ttl};
use crate::wire::{Name, NameBuf, NameRef, Rtype};

fn read(text: &[u8]) -> (ZoneBuilder, Vec<String>, Sources) {
    let mut sources = Sources::default();
    let file = sources.add("zone", text.to_vec());
    let mut include = |sources: &mut Sources, name: &str| -> Result<FileId, String> {
        let text = match name {
            "sub.zone" => "$TTL 60\n@ A 192.0.2.99\nrel A 192.0.2.98\n",
            "loop.zone" => "$INCLUDE loop.zone\n",
            _ => return Err(format!("there is no file {name}")),
        };
        Ok(sources.add(name, text.into()))
    };
    let (builder, found) = parse(&mut sources, file, &"example.com".parse().expect("a name"), &mut include);
    let lines = found.iter().map(|diagnostic| sources.one_line(diagnostic)).collect();
    (builder, lines, sources)
}

const SOA: &str = "@ 3600 IN SOA ns1 hostmaster 1 7200 3600 1209600 300\n@ 3600 NS ns1\n";

/// Every record of a zone, a line each: owner, TTL, type, RDATA.
fn print(zone: &Zone) -> Vec<String> {
    let rrsets = zone.nodes().flat_map(|node| node.rrsets().map(move |rrset| (node, rrset)));
    let line = |node: Node<'_>, rrset: RrSet<'_>, rdata: &[u8]| {
        format!("{} {} {} {}", node.name(), rrset.ttl().secs(), rrset.rtype(), print_rdata(rrset.rtype(), rdata))
    };
    rrsets.flat_map(|(node, rrset)| rrset.rdatas().map(move |rdata| line(node, rrset, rdata))).collect()
}

/// The records that a text adds to a zone of SOA and NS.
fn records(text: &str) -> Vec<String> {
    let (builder, found, _) = read(format!("{SOA}{text}").as_bytes());
    assert_eq!(found, Vec::<String>::new(), "{text}");
    let (zone, _) = builder.finish().expect("a sound zone");
    print(&zone).into_iter().filter(|line| !line.contains(" SOA ") && !line.ends_with(" NS ns1.example.com.")).collect()
}

#[test]
fn entries() {
    for (text, expected) in [
        ("www 60 IN A 192.0.2.1", &["www.example.com. 60 A 192.0.2.1"][..]),
        ("www IN 60 A 192.0.2.1", &["www.example.com. 60 A 192.0.2.1"]),
        ("www in a 192.0.2.1", &["www.example.com. 3600 A 192.0.2.1"]),
        ("www.example.com. A 192.0.2.1", &["www.example.com. 3600 A 192.0.2.1"]),
        ("WWW 1h30m A 192.0.2.1", &["WWW.example.com. 5400 A 192.0.2.1"]),
        ("$TTL 1d\nwww A 192.0.2.1\n A 192.0.2.2", &["www.example.com. 86400 A 192.0.2.1", "www.example.com. 86400 A 192.0.2.2"]),
        ("$ORIGIN sub\nwww A 192.0.2.1\n@ A 192.0.2.2", &["sub.example.com. 3600 A 192.0.2.2", "www.sub.example.com. 3600 A 192.0.2.1"]),
        ("@ MX 10 @", &["example.com. 3600 MX 10 example.com."]),
        ("t TXT \"a ; ( b\" c\\;d \"e\\\"\\010\"", &["t.example.com. 3600 TXT \"a ; ( b\" \"c;d\" \"e\\\"\\010\""]),
        ("t TXT ( \"one\" ; comment\n  \"two;\" )", &["t.example.com. 3600 TXT \"one\" \"two;\""]),
        ("s SRV 0 5 443 www", &["s.example.com. 3600 SRV 0 5 443 www.example.com."]),
        ("c CAA 0 issue \"ca.example.net; x=y\"", &["c.example.com. 3600 CAA 0 issue \"ca.example.net; x=y\""]),
        ("p PTR host.example.net.", &["p.example.com. 3600 PTR host.example.net."]),
        ("u TYPE65280 \\# 4 0a00 0001", &["u.example.com. 3600 TYPE65280 \\# 4 0a000001"]),
        ("u TYPE65280 \\# 0", &["u.example.com. 3600 TYPE65280 \\# 0"]),
        ("u A \\# 4 C0000201", &["u.example.com. 3600 A 192.0.2.1"]),
        ("u CLASS1 TYPE1 \\# 4 C0 00 02 0 1", &["u.example.com. 3600 A 192.0.2.1"]),
        ("a\\.b A 192.0.2.1", &["a\\.b.example.com. 3600 A 192.0.2.1"]),
        ("d A 192.0.2.1\nd A 192.0.2.1", &["d.example.com. 3600 A 192.0.2.1"]),
        ("$INCLUDE sub.zone sub\nx A 192.0.2.1", &["rel.sub.example.com. 60 A 192.0.2.98", "sub.example.com. 60 A 192.0.2.99", "x.example.com. 3600 A 192.0.2.1"]),
        ("v6 AAAA 2001:db8::1", &["v6.example.com. 3600 AAAA 2001:db8::1"]),
        ("a A 192.0.2.1\r\nb A 192.0.2.2\r\n", &["a.example.com. 3600 A 192.0.2.1", "b.example.com. 3600 A 192.0.2.2"]),
    ] {
        let mut expected = expected.to_vec();
        let mut got = records(text);
        got.sort();
        expected.sort_unstable();
        assert_eq!(got, expected, "{text}");
    }
}

#[test]
fn errors_have_their_place() {
    for (text, expected) in [
        ("www A 192.0.2", "1:7: error: expected an IPv4 address, found \"192.0.2\""),
        ("www A", "1:6: error: expected an IPv4 address, but the entry ends"),
        ("www A 192.0.2.1 2", "1:17: error: nothing more was expected"),
        ("www", "1:4: error: expected a record type, but the entry ends"),
        ("www AA 192.0.2.1", "1:5: error: unknown record type \"AA\" (types without a name here are written TYPE65280 \\# LENGTH HEX (RFC 3597))"),
        ("www ANY x", "1:5: error: ANY is not a type of records (remove the entry)"),
        ("www CH A 192.0.2.1", "1:5: error: only class IN is served (leave the class out, or write IN)"),
        ("www 5x A 192.0.2.1", "1:5: error: expected a TTL, found \"5x\" (seconds up to 2147483647, or a period such as 1h30m)"),
        ("a..b A 192.0.2.1", "1:1: error: \"a..b\" is not a domain name: a label is empty"),
        ("a MX ten b", "1:6: error: expected a number from 0 to 65535, found \"ten\""),
        ("a TXT \"open", "1:7: error: this quote is never closed (close it with \" on the same line)"),
        ("a TXT ( b", "1:7: error: this parenthesis is never closed (close it with ))"),
        ("a TXT b )", "1:9: error: a closing parenthesis without an opening one (remove it, or open one before)"),
        ("$BOGUS x", "1:1: error: unknown directive \"$BOGUS\" (known are $ORIGIN, $TTL and $INCLUDE; a name that begins with $ is written \\$)"),
        ("$TTL", "1:5: error: expected a TTL, but the entry ends"),
        ("$INCLUDE none", "1:10: error: there is no file none"),
        (" A 192.0.2.1", "1:2: error: the first record has no owner name (begin the line with a name, or with @ for the zone itself)"),
        ("a A 192.0.2.1", "1:3: error: the record has no TTL (put $TTL 3600 at the top of the file)"),
        ("a TYPE65280 \\# 3 0a", "1:16: error: the length says 3 octets, and 1 follow"),
        ("a A \\# 3 0a0b0c", "1:5: error: these octets are no A RDATA"),
        ("a CAA 0 is-sue x", "1:9: error: expected a tag of letters and digits, found \"is-sue\""),
    ] {
        let (_, found, _) = read(text.as_bytes());
        assert_eq!(found, [format!("zone:{expected}")], "{text}");
    }
}

#[test]
fn several_errors_are_reported_in_one_run() {
    let (_, found, _) = read(b"$TTL 60\na A x\nb B y\n\nc MX 70000 d\ne A 192.0.2.1\n");
    let places: Vec<&str> = found.iter().map(|line| line.split(": error").next().unwrap_or_default()).collect();
    assert_eq!(places, ["zone:2:5", "zone:3:3", "zone:5:6"]);
}

#[test]
fn an_include_loop_ends() {
    let (_, found, _) = read(b"$INCLUDE loop.zone\n");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("files are included 16 deep"), "{found:?}");
}

#[test]
fn what_forbids_serving() {
    for (text, expected) in [
        ("@ 60 A 192.0.2.1", "zone:1:1: error: the zone example.com. has no SOA record (begin the file with: @ SOA ns1 hostmaster 1 7200 3600 1209600 300)"),
        ("@ 1 SOA a b 1 2 3 4 5\n@ 1 SOA a b 2 2 3 4 5", "zone:2:1: error: the zone has several SOA records (keep one of them)"),
        ("@ 1 SOA a b 1 2 3 4 5\nx SOA a b 2 2 3 4 5", "zone:2:1: error: the SOA record of x.example.com. is not at the zone's name example.com. (a zone has one SOA record, at its own name)"),
        ("@ 1 SOA a b 1 2 3 4 5\nx CNAME y\nx A 192.0.2.1", "zone:2:1: error: x.example.com. has a CNAME record and a A record (a CNAME must be the only record of its name (RFC 2181 §10.1))"),
        ("@ 1 SOA a b 1 2 3 4 5\nx CNAME y\nx CNAME z", "zone:3:1: error: x.example.com. has several CNAME records (keep one of them (RFC 2181 §10.1))"),
    ] {
        let (builder, found, sources) = read(text.as_bytes());
        assert!(found.is_empty(), "{found:?}");
        let errors = builder.finish().expect_err(text);
        let lines: Vec<String> = errors.iter().map(|error| sources.one_line(error)).collect();
        assert_eq!(lines, [expected], "{text}");
    }
}

#[test]
fn what_only_warns() {
    let (builder, _, sources) = read(b"@ 1 SOA a b 1 2 3 4 5\nx 60 A 192.0.2.1\nx 30 A 192.0.2.2\ny.example.net. A 192.0.2.3\n");
    let (zone, warnings) = builder.finish().expect("a zone");
    let lines: Vec<String> = warnings.iter().map(|warning| sources.one_line(warning)).collect();
    assert_eq!(lines.len(), 3, "{lines:#?}");
    assert!(lines.iter().all(|line| line.contains(": warning: ")));
    assert!(print(&zone).contains(&"x.example.com. 30 A 192.0.2.1".to_owned()));
}

/// The example of RFC 4592 §2.2.1.
fn rfc4592() -> Zone {
    let text = "$ORIGIN example.\n$TTL 3600\n@ SOA ns.example.com. h 1 2 3 4 5\n@ NS ns.example.com.\n@ NS ns.example.net.\n\
                *.example. TXT \"this is a wildcard\"\n*.example. MX 10 host1.example.\nsub.*.example. TXT \"not a wildcard\"\n\
                host1.example. A 192.0.2.1\n_ssh._tcp.host1.example. SRV 0 0 22 host1.example.\n\
                _ssh._tcp.host2.example. SRV 0 0 22 host2.example.\nsubdel.example. NS ns.example.com.\nsubdel.example. NS ns.example.net.\n";
    let mut sources = Sources::default();
    let file = sources.add("zone", text.into());
    let mut none = |_: &mut Sources, _: &str| Err(String::new());
    let (builder, found) = parse(&mut sources, file, &"example".parse().expect("a name"), &mut none);
    assert!(found.is_empty());
    builder.finish().expect("a sound zone").0
}

fn found(zone: &Zone, name: &str) -> String {
    let name: Name = name.parse().expect("a name");
    match zone.find(name.as_ref()) {
        Found::Exact(node) if node.is_empty() => "empty".into(),
        Found::Exact(node) => format!("exact {node:?}"),
        Found::Delegation(node) => format!("cut {node:?}"),
        Found::Wildcard(node) => format!("wildcard {node:?}"),
        Found::NxDomain => "none".into(),
    }
}

#[test]
fn wildcards_as_rfc_4592_has_them() {
    let zone = rfc4592();
    for (name, expected) in [
        ("host3.example", "wildcard *.example."),
        ("foo.bar.example", "wildcard *.example."),
        ("host1.example", "exact host1.example."),
        ("sub.*.example", "exact sub.*.example."),
        ("_telnet._tcp.host1.example", "none"),
        ("host.subdel.example", "cut subdel.example."),
        ("ghost.*.example", "none"),
        ("*.example", "exact *.example."),
        ("host2.example", "empty"),
        ("_tcp.host1.example", "empty"),
        ("a.host2.example", "none"),
        ("subdel.example", "cut subdel.example."),
    ] {
        assert_eq!(found(&zone, name), expected, "{name}");
    }
}

#[test]
fn a_steered_name_exists() {
    let (mut builder, _, _) = read(format!("{SOA}* A 192.0.2.1\n").as_bytes());
    assert_eq!(builder.types_at("example.com".parse::<Name>().expect("a name").as_ref()), [Rtype::NS, Rtype::SOA]);
    builder.steer(&"a.b.example.com".parse().expect("a name"), 7);
    let (zone, _) = builder.finish().expect("a zone");
    assert_eq!(found(&zone, "a.b.example.com"), "exact a.b.example.com.");
    assert_eq!(found(&zone, "b.example.com"), "empty");
    assert_eq!(found(&zone, "x.b.example.com"), "none");
    assert_eq!(found(&zone, "x.example.com"), "wildcard *.example.com.");
    let name: Name = "a.b.example.com".parse().expect("a name");
    assert_eq!(zone.node(name.as_ref()).and_then(Node::steered), Some(7));
}

/// By RFC 1034 §4.3.2 and RFC 4592, over plain lists of names.
fn naive(names: &[Name], cuts: &[Name], origin: &Name, query: &Name) -> String {
    let query = query.as_ref();
    let exists = |name: NameRef<'_>| name == origin.as_ref() || names.iter().any(|own| own.as_ref().is_within(name));
    let path: Vec<NameRef<'_>> = query.ancestors().take_while(|name| name.is_within(origin.as_ref())).collect();
    if let Some(cut) = path.iter().rev().find(|name| cuts.iter().any(|cut| cut.as_ref() == **name)) {
        return format!("cut {cut}");
    }
    if exists(query) {
        let own = names.iter().any(|name| name.as_ref() == query) || query == origin.as_ref();
        return if own { format!("exact {query}") } else { "empty".into() };
    }
    let encloser = path.iter().find(|name| exists(**name)).expect("the origin exists");
    let wildcard = Name::parse(b"*", Some(*encloser)).expect("a name");
    if exists(wildcard.as_ref()) { format!("wildcard {wildcard}") } else { "none".into() }
}

proptest! {
    #[test]
    fn find_equals_the_naive_model(
        names in prop::collection::vec("([ab*]\\.){1,4}", 0..10),
        cuts in prop::collection::vec("([ab]\\.){1,3}", 0..2),
        queries in prop::collection::vec("([ab*]\\.){0,5}", 1..20),
    ) {
        let origin: Name = "example.com".parse().expect("a name");
        let under = |text: &String| format!("{text}example.com").parse::<Name>().expect("a name");
        let names: Vec<Name> = names.iter().map(under).collect();
        let cuts: Vec<Name> = cuts.iter().map(under).filter(|cut| !names.contains(cut)).collect();
        let (mut builder, _, _) = read(SOA.as_bytes());
        let span = crate::base::Span::start_of(FileId(0));
        names.iter().for_each(|name| builder.add(name.as_ref(), Rtype::A, Ttl::from_secs(1), &[192, 0, 2, 1], span));
        let server = b"\x02ns\x07example\x03net\x00";
        cuts.iter().for_each(|cut| builder.add(cut.as_ref(), Rtype::NS, Ttl::from_secs(1), server, span));
        let (zone, _) = builder.finish().expect("a zone");
        let all: Vec<Name> = names.iter().chain(&cuts).cloned().collect();
        for query in &queries {
            let query = under(query);
            prop_assert_eq!(found(&zone, &query.to_string()), naive(&all, &cuts, &origin, &query), "{}", query);
        }
        prop_assert!(zone.nodes().map(Node::name).is_sorted());
    }

    #[test]
    fn no_text_panics(text in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(&text).0.finish();
    }

    #[test]
    fn no_mutation_of_a_zone_panics(at in 0usize..400, byte in any::<u8>(), cut in 0usize..400) {
        let text = "$TTL 1h\n$ORIGIN a.example.com.\n@ IN SOA ns1 h ( 1 2h 3 4 ; serial\n 5 )\n@ NS ns1\nns1 A 192.0.2.1\n\
                    x 60 IN TXT \"a \\\"b\" c\\010\n MX 10 @\ny TYPE65280 \\# 4 0a000001\n$INCLUDE sub.zone z\nw CAA 0 issue \"ca\"\n";
        let mut text = text.as_bytes().to_vec();
        let at = at % text.len();
        text[at] = byte;
        text.drain(at..(at + cut % 5).min(text.len()));
        let _ = read(&text).0.finish();
    }

    #[test]
    fn what_is_printed_reads_back(rtype in prop::sample::select(vec![1u16, 2, 5, 6, 12, 13, 15, 16, 28, 33, 39, 43, 257, 65280]), rdata in prop::collection::vec(any::<u8>(), 0..60)) {
        let rtype = Rtype(rtype);
        let text = print_rdata(rtype, &rdata);
        let line = format!("x 60 {rtype} {text}\n");
        let (builder, found, _) = read(format!("{SOA}{line}").as_bytes());
        if validate(rtype, &rdata) {
            prop_assert_eq!(&found, &Vec::<String>::new(), "{}", line);
            if rtype == Rtype::SOA { return Ok(()); }
            let (zone, _) = builder.finish().expect("a zone");
            let name = NameBuf::parse(b"x.example.com.", None).expect("a name");
            let node = zone.node(name.as_ref()).expect("it was added");
            let back: Vec<&[u8]> = node.rrset(rtype).expect("it was added").rdatas().collect();
            prop_assert_eq!(back, vec![&rdata[..]], "{}", line);
        } else {
            prop_assert!(!found.is_empty(), "{} should be refused", line);
        }
    }
}
