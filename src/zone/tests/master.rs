//! The parser as tables: text and the records, or the findings, that come of it.

use proptest::prelude::*;

use super::{TOP, compile, print, read, read_files, zone};

/// The records of a text below the usual top, without those of the top.
fn records(text: &str) -> Vec<String> {
    print(&zone(text)).into_iter().filter(|line| !line.contains("SOA") && !line.contains(" NS ")).collect()
}

#[test]
fn records_of_texts() {
    let table: &[(&str, &[&str])] = &[
        ("www A 192.0.2.1", &["www.example. 60 A 192.0.2.1"]),
        ("WWW.Example. a 192.0.2.1 ; comment", &["www.example. 60 A 192.0.2.1"]),
        ("@ A 192.0.2.1\r\n  A 192.0.2.2\r\n", &["example. 60 A 192.0.2.1", "example. 60 A 192.0.2.2"]),
        (
            "a 5 IN A 192.0.2.1\nb IN 5 A 192.0.2.1\nc CLASS1 A 192.0.2.1",
            &["a.example. 5 A 192.0.2.1", "b.example. 5 A 192.0.2.1", "c.example. 60 A 192.0.2.1"],
        ),
        ("a 1h30m A 192.0.2.1\nb 1W2d A 192.0.2.1", &["a.example. 5400 A 192.0.2.1", "b.example. 777600 A 192.0.2.1"]),
        ("a ( A\n 192.0.2.1 ; no end )\n)\nb A 192.0.2.2", &["a.example. 60 A 192.0.2.1", "b.example. 60 A 192.0.2.2"]),
        ("a TXT \"x;(\" ( \"y\" ; z\n \") \" )", &["a.example. 60 TXT \"x;(\" \"y\" \") \""]),
        (r#"a TXT "" b\"\032\\ c\;"d""#, &[r#"a.example. 60 TXT "" "b\" \\" "c;" "d""#]),
        (r"a\.b\032\255 A 192.0.2.1", &[r"a\.b\032\255.example. 60 A 192.0.2.1"]),
        ("\"a b\" A 192.0.2.1", &[r"a\032b.example. 60 A 192.0.2.1"]),
        ("a CNAME @", &["a.example. 60 CNAME example."]),
        (r"a CNAME \@", &[r"a.example. 60 CNAME \@.example."]),
        ("a CNAME .", &["a.example. 60 CNAME ."]),
        (
            "$ORIGIN sub\na CNAME b\n$ORIGIN x.example.\n@ A 192.0.2.1",
            &["a.sub.example. 60 CNAME b.sub.example.", "x.example. 60 A 192.0.2.1"],
        ),
        ("a 7 A 192.0.2.1\n$TTL 9\nb A 192.0.2.1", &["a.example. 7 A 192.0.2.1", "b.example. 9 A 192.0.2.1"]),
        ("a AAAA 2001:DB8:0::1", &["a.example. 60 AAAA 2001:db8::1"]),
        (
            "a MX 10 mail\n  SRV 0 5 5060 sip\n  PTR p",
            &[
                "a.example. 60 PTR p.example.",
                "a.example. 60 MX 10 mail.example.",
                "a.example. 60 SRV 0 5 5060 sip.example.",
            ],
        ),
        (
            "a CAA 128 issue \"ca; x=y\"\n  CAA 0 iodef mailto:a@b",
            &["a.example. 60 CAA 128 issue \"ca; x=y\"", "a.example. 60 CAA 0 iodef \"mailto:a@b\""],
        ),
        (
            "a HINFO x \"y z\"\n  DS 60485 5 9 2BB1 83AF\n",
            &["a.example. 60 HINFO \"x\" \"y z\"", "a.example. 60 DS 60485 5 9 2bb183af"],
        ),
        ("a TYPE731 \\# 6 abcd ( ef\n 01 2345 )", &["a.example. 60 TYPE731 \\# 6 abcdef012345"]),
        ("a TYPE731 \\# 0\n  TYPE1 192.0.2.1", &["a.example. 60 A 192.0.2.1", "a.example. 60 TYPE731 \\# 0"]),
        ("a A \\# 4 C0000201\n  HTTPS \\# 3 000100", &["a.example. 60 A 192.0.2.1", "a.example. 60 HTTPS 1 ."]),
    ];
    for (text, expected) in table {
        assert_eq!(records(text), *expected, "{text}");
    }
}

#[test]
fn findings_of_texts() {
    let table: &[(&str, &[&str])] = &[
        ("a A 192.0.2", &["1:5: expected an IPv4 address, found `192.0.2` (A looks like `192.0.2.1`)"]),
        ("a A", &["1:4: expected an IPv4 address, found the end of the line (A looks like `192.0.2.1`)"]),
        ("a A 192.0.2.1 x", &["1:15: expected the end of the line, found `x` (A looks like `192.0.2.1`)"]),
        (
            "a AAAA 192.0.2.1\nb MX x.\n",
            &[
                "1:8: expected an IPv6 address, found `192.0.2.1` (AAAA looks like `2001:db8::1`)",
                "2:6: expected a number up to 65535, found `x.` (MX looks like `10 mail.example.com.`)",
            ],
        ),
        ("a CNMAE b", &["1:3: expected a TTL, a class or a record type, found `CNMAE` (did you mean CNAME?)"]),
        (
            "a WEIRDO b",
            &[
                "1:3: expected a TTL, a class or a record type, found `WEIRDO` (a type without a name here is written TYPE123, its RDATA `\\# length hex` (RFC 3597))",
            ],
        ),
        (
            "a",
            &[
                "1:2: expected a TTL, a class or a record type, found the end of the line (a record looks like `www 300 IN A 192.0.2.1`; TTL and class may be left out)",
            ],
        ),
        (
            "a CH A 192.0.2.1",
            &["1:3: expected class IN, the only one served, found `CH` (write IN, or take the record out)"],
        ),
        ("a ANY x", &["1:3: ANY is for queries and messages, no zone holds it (take the record out)"]),
        (
            "a TYPE777 1 .",
            &[
                "1:11: expected `\\# length hex`, found `1` (TYPE777 has no text form of its own here: write it as `\\# length hex` (RFC 3597))",
            ],
        ),
        (
            "a..b A 192.0.2.1\n  A 192.0.2.2",
            &["1:1: `a..b` is not a name: a label is empty (take out a dot: one stands in front, or two side by side)"],
        ),
        (
            " A 192.0.2.1",
            &[
                "1:2: this line begins with a blank, and no owner comes before it (begin the line with the owner, or with @ for the origin)",
            ],
        ),
        (
            "a 5x A 192.0.2.1",
            &[
                "1:3: expected a TTL, a class or a record type, found `5x` (a record looks like `www 300 IN A 192.0.2.1`; TTL and class may be left out)",
            ],
        ),
        (
            "a 4294967296 A 192.0.2.1",
            &[
                "1:3: expected a TTL, a class or a record type, found `4294967296` (a record looks like `www 300 IN A 192.0.2.1`; TTL and class may be left out)",
            ],
        ),
        (
            "a TXT \"x\nb A 1",
            &[
                "1:7: this quote is not closed on its line (close it; inside a string a quote is written \\\", a line break \\010)",
                "2:5: expected an IPv4 address, found `1` (A looks like `192.0.2.1`)",
            ],
        ),
        (
            "a TXT \\300",
            &[
                "1:7: a backslash must be followed by a character or by three digits up to 255 (a backslash itself is written \\\\)",
            ],
        ),
        (
            "a A ( 192.0.2.1\nb A 192.0.2.2",
            &["1:5: this parenthesis is never closed (write ) behind the last word of the record)"],
        ),
        (
            "a A 192.0.2.1 )\nb A x",
            &[
                "1:15: this parenthesis closes none (take it out, or write \\) for the character)",
                "2:5: expected an IPv4 address, found `x` (A looks like `192.0.2.1`)",
            ],
        ),
        (
            "a A ( x\n y )\nb A z",
            &[
                "1:7: expected an IPv4 address, found `x` (A looks like `192.0.2.1`)",
                "3:5: expected an IPv4 address, found `z` (A looks like `192.0.2.1`)",
            ],
        ),
        ("a TYPE9 \\# 3 abcd", &["1:12: the length says 3 octets, the data has 2 (write how many octets follow)"]),
        ("a TYPE9 \\# 2 abc", &["1:14: the number of hexadecimal digits is odd (every octet has two)"]),
        (
            "a A \\# 3 c00002",
            &[
                "1:10: these octets are no RDATA of type A (compare them with the RFC of the type, or write its own text form)",
            ],
        ),
        (
            "a WKS x",
            &[
                "1:7: expected `\\# length hex`, found `x` (WKS has no text form of its own here: write it as `\\# length hex` (RFC 3597))",
            ],
        ),
        (
            "$GENERATED 1-2 a$ A 192.0.2.$",
            &[
                "1:1: expected $ORIGIN, $TTL, $INCLUDE or $GENERATE, found `$GENERATED` (a name that begins with a dollar sign is written \\$)",
            ],
        ),
        ("$TTL", &["1:5: expected a TTL, found the end of the line (write it as `$TTL 1h`)"]),
        (
            "$INCLUDE nowhere\na A 1",
            &[
                "1:10: cannot include `nowhere`: no such file (relative paths start at the file that holds them)",
                "2:5: expected an IPv4 address, found `1` (A looks like `192.0.2.1`)",
            ],
        ),
        (
            "é A 192.0.2.1\né é",
            &[
                "2:3: expected a TTL, a class or a record type, found `é` (a type without a name here is written TYPE123, its RDATA `\\# length hex` (RFC 3597))",
            ],
        ),
    ];
    for (text, expected) in table {
        let lines = read(&format!("$TTL 60 ; \n{text}")).1;
        // the line put in front is not counted
        let shift = |line: &String| {
            let mut parts = line.splitn(4, ':');
            let (_, row, rest) = (parts.next(), parts.next().expect("a line"), parts.collect::<Vec<_>>().join(":"));
            format!("{}:{}", row.parse::<usize>().expect("a number") - 1, rest.replacen(" error:", "", 1))
        };
        assert_eq!(lines.iter().map(shift).collect::<Vec<_>>(), *expected, "{text}");
    }
}

#[test]
fn no_ttl_anywhere() {
    let (builder, errors) = read("a A 192.0.2.1\nb 5 A 192.0.2.1\nc A 192.0.2.1");
    assert_eq!(
        errors,
        ["z:1:3: error: no TTL here, none before, and no $TTL (put a line such as `$TTL 1h` at the top)"]
    );
    assert_eq!(builder.record_count(), 2);
    assert_eq!(read("a A 192.0.2.1\nb A 192.0.2.1\n").1.len(), 1, "said once");
    assert_eq!(read("a 5 A oops\nb A 192.0.2.1\n").1.len(), 1, "the TTL of a record with another mistake counts");
    let (zone, _) = compile("@ SOA ns host 1 2 3 4 77\n@ NS ns\n").expect("a sound zone");
    assert_eq!(print(&zone)[0], "example. 77 NS ns.example.", "the SOA's MINIMUM serves the records after it");
}

#[test]
fn included_files() {
    let files = [
        ("one", "$ORIGIN deep\n@ A 192.0.2.1\n$INCLUDE \"two words\" x.example.\n A 192.0.2.2\n"),
        ("two words", "y A 192.0.2.3\nz A oops\n"),
        ("self", "$INCLUDE self\n"),
    ];
    let text = format!("{TOP}$ORIGIN sub\na A 192.0.2.9\n$INCLUDE one ; \n A 192.0.2.8\nb A 192.0.2.7");
    let (builder, errors) = read_files(text.as_bytes(), &files);
    assert_eq!(errors, ["two words:2:5: error: expected an IPv4 address, found `oops` (A looks like `192.0.2.1`)"]);
    let zone = builder.finish().expect("a sound zone").0;
    assert_eq!(
        print(&zone)[2..],
        [
            "a.sub.example. 60 A 192.0.2.9",
            "a.sub.example. 60 A 192.0.2.8",
            "b.sub.example. 60 A 192.0.2.7",
            "deep.sub.example. 60 A 192.0.2.1",
            "deep.sub.example. 60 A 192.0.2.2",
            "y.x.example. 60 A 192.0.2.3",
        ]
    );
    let (_, errors) = read_files(b"$INCLUDE self", &files);
    assert_eq!(
        errors,
        [
            "self:1:10: error: cannot include `self`: files include one another more than 16 deep (see which of them includes itself)"
        ]
    );
}

#[test]
fn too_many_errors() {
    let (_, errors) = read(&"a A x\n".repeat(1000));
    assert_eq!(errors.len(), 101);
    assert_eq!(
        errors[100],
        "z:100:5: error: 100 errors in this zone: what follows was not read (mend these first, and check again)"
    );
}

#[test]
fn a_byte_order_mark_and_octets_that_are_no_text() {
    let (builder, errors) = read_files(b"\xef\xbb\xbf$TTL 1\n\xff\xfe TXT \"\xc3\x28\x00\"\n", &[]);
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(builder.record_count(), 1);
}

/// Pieces of zone text, sound and not, that are put together at random.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let sound = prop::sample::select(vec![
        "@",
        "www",
        "*",
        "a.b.",
        "$ORIGIN",
        "$TTL",
        "$INCLUDE",
        "self",
        "IN",
        "CH",
        "300",
        "1h",
        "A",
        "AAAA",
        "NS",
        "SOA",
        "MX",
        "TXT",
        "CAA",
        "DS",
        "HINFO",
        "TYPE731",
        "\\#",
        "4",
        "c0000201",
        "192.0.2.1",
        "2001:db8::1",
        "\"x y\"",
        "(",
        ")",
        ";",
        "\n",
        "\n",
        "\n",
        " ",
        "\t",
        "\\",
        "\"",
        "\\300",
        "\\.",
        "\r\n",
        "1 2 3 4 5",
        "$GENERATE",
        "1-3",
        "${1,2,n}",
        "$$",
        "HTTPS",
        "alpn=",
        "alpn=h2\\,",
        "mandatory=alpn",
        "key9=\"",
        "LOC 1 N 1 E 1",
        "-1.5m",
        "NSEC3 1 0 1 -",
        "AQID",
        "APL !1:1.2.0.0/16",
        "IPSECKEY 1 3 2",
        "RRSIG A 1 2 3",
        "20300101000000",
        "HIP 2 00",
    ]);
    let piece =
        prop_oneof![8 => sound.prop_map(|s| s.as_bytes().to_vec()), 1 => prop::collection::vec(any::<u8>(), 1..4)];
    let separator = prop_oneof![6 => Just(&b" "[..]), 1 => Just(&b""[..])];
    prop::collection::vec((piece, separator), 0..60)
        .prop_map(|list| list.into_iter().flat_map(|(piece, separator)| [piece, separator.to_vec()].concat()).collect())
}

/// A sound zone with a few octets changed, removed or put in.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let sound = format!(
        "{TOP}a 5 IN A 192.0.2.1\n MX 10 (\n mail ) ; c\n TXT \"a;b\" \\# c\nb CAA 0 issue \"ca\"\n DS 1 2 9 ab cd\n\
         c.d.e SRV 1 2 3 @\n$ORIGIN sub\n* TYPE731 \\# 2 ab cd\nd NS n\nx.d AAAA ::1\n"
    );
    let edit = (any::<prop::sample::Index>(), any::<u8>(), 0..3u8);
    prop::collection::vec(edit, 1..6).prop_map(move |edits| {
        let mut text = sound.clone().into_bytes();
        for (at, octet, kind) in edits {
            let at = at.index(text.len());
            match kind {
                0 => text[at] = octet,
                1 => drop(text.remove(at)),
                _ => text.insert(at, octet),
            }
        }
        text
    })
}

proptest! {
    #[test]
    fn never_panics(text in prop_oneof![prop::collection::vec(any::<u8>(), 0..200), pieces(), mutated()]) {
        let (builder, errors) = read_files(&text, &[("self", "b A 192.0.2.1\n")]);
        prop_assert!(errors.len() <= 101);
        if let Ok((zone, _)) = builder.finish() {
            prop_assert_eq!(print(&zone).len(), zone.record_count());
        }
    }
}
