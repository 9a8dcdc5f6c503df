//! The types' own forms: texts with the octets they stand for, texts that are refused, octets without a text.

use super::{name, read};
use crate::wire::Rtype;
use crate::zone::{RdataText, is_valid, targets};

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn octets(hex: &str) -> Vec<u8> {
    let digits: String = hex.split_whitespace().collect();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("digits")).collect()
}

/// Type, RDATA as hexadecimal digits, and the text that it is printed as.
fn round_trip(text: &str) -> (Rtype, String, String) {
    let (builder, errors) = read(&format!("$TTL 1\n@ {text}\n"));
    assert!(errors.is_empty(), "{text}: {errors:?}");
    let record = &builder.records[0];
    let rdata = builder.rdata_of(record);
    assert!(is_valid(record.rtype, rdata), "{text}");
    let printed = RdataText { rtype: record.rtype, rdata }.to_string();
    let (again, errors) = read(&format!("$TTL 1\n@ {} {printed}\n", record.rtype));
    assert!(errors.is_empty(), "{printed}: {errors:?}");
    assert_eq!(again.rdata_of(&again.records[0]), rdata, "{printed}");
    (record.rtype, hex(rdata), printed)
}

/// Texts, their octets, and what is printed where it differs.
#[test]
fn texts_and_octets() {
    let table: &[(&str, &str, &str)] = &[
        // RFC 1876 §3 and its defaults
        (
            "LOC 42 21 54 N 71 06 18 W -24m 30m",
            "00 33 16 13 89 17 2d d0 70 be 15 f0 00 98 8d 20",
            "LOC 42 21 54.000 N 71 6 18.000 W -24.00m 30.00m 10000.00m 10.00m",
        ),
        (
            "LOC 0 n 0 e 0",
            "00 12 16 13 80 00 00 00 80 00 00 00 00 98 96 80",
            "LOC 0 0 0.000 N 0 0 0.000 E 0.00m 1.00m 10000.00m 10.00m",
        ),
        ("LOC 90 S 180 0 0.0 W 42849672.95m 0m 90000000.00m 0.5", "", ""),
        ("APL 1:192.168.32.0/21 !1:192.168.38.0/28", "00011503c0a820 00011c83c0a826", ""),
        ("APL 1:224.0.0.0/4 2:FF00:0:0:0:0:0:0:0/8", "00010401e0 00020801ff", "APL 1:224.0.0.0/4 2:ff00::/8"),
        ("APL 1:0.0.0.0/0", "00010000", ""),
        ("APL", "", ""),
        // RFC 4025 §3.2
        ("IPSECKEY 10 1 2 192.0.2.38 AQNR U3mG", "0a0102c0000226 010351537986", "IPSECKEY 10 1 2 192.0.2.38 AQNRU3mG"),
        ("IPSECKEY 10 0 0 .", "0a0000", ""),
        ("IPSECKEY 10 3 2 gw AQNR", "0a0302 026777076578616d706c6500 010351", "IPSECKEY 10 3 2 gw.example. AQNR"),
        ("IPSECKEY 1 2 1 2001:db8::1 AA==", "010201 20010db8000000000000000000000001 00", ""),
        (
            "HIP 2 20010010 AwEA rvs .",
            "04 02 0003 20010010 030100 03727673076578616d706c6500 00",
            "HIP 2 20010010 AwEA rvs.example. .",
        ),
        ("HIP 2 20010010 AwEA", "04 02 0003 20010010 030100", ""),
        ("CERT pgp 0 0 AAAA", "0003 0000 00 000000", "CERT 3 0 0 AAAA"),
        ("DNSKEY 257 3 ECDSAP256SHA256 AQ==", "0101 03 0d 01", "DNSKEY 257 3 13 AQ=="),
        (
            "RRSIG a 13 2 3600 20300101000000 1890000000 1 @ AQID",
            "0001 0d 02 00000e10 70dbd880 70a71c80 0001 076578616d706c6500 010203",
            "",
        ),
        (
            "RRSIG TYPE65280 1 0 0 21060207062815 19700101000000 0 . AA==",
            "ff00 01 00 00000000 ffffffff 00000000 0000 00 00",
            "",
        ),
        // RFC 4034 §4.3
        (
            "NSEC host.example.com. A MX RRSIG NSEC TYPE1234",
            "04686f7374076578616d706c6503636f6d00 0006400100000003 041b000000000000000000000000000000000000000000000000000020",
            "",
        ),
        (
            "NSEC3 1 1 12 AABBCCDD 2T7B4G4VSA5SMI47K61MV5BV1A22BOJR MX",
            "01 01 000c 04aabbccdd 14174eb2409fe28bcb4887a1836f957f0a8425e27b 00020001",
            "NSEC3 1 1 12 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr MX",
        ),
        ("NSEC3PARAM 1 0 0 -", "0100000000", ""),
        ("CSYNC 66 3 A NS AAAA", "00000042 0003 000460000008", ""),
        ("NID 10 14:4fff:FF20:ee64", "000a 00144fffff20ee64", "NID 10 0014:4fff:ff20:ee64"),
        ("L64 10 2001:0DB8:1140:1000", "000a 20010db811401000", "L64 10 2001:0db8:1140:1000"),
        ("EUI48 00-00-5E-00-53-2A", "00005e00532a", "EUI48 00-00-5e-00-53-2a"),
        ("EUI64 00-00-5e-ef-10-00-00-2a", "00005eef1000002a", ""),
        (
            "URI 10 1 \"ftp://ftp1.example.com/public\"",
            "000a 0001 6674703a2f2f667470312e6578616d706c652e636f6d2f7075626c6963",
            "",
        ),
        (
            "NAPTR 1 2 u E2U+sip \"!^.*$!sip:\\\\1@x!\" .",
            "0001 0002 0175 074532552b736970 0f 215e2e2a24217369703a5c31407821 00",
            "NAPTR 1 2 \"u\" \"E2U+sip\" \"!^.*$!sip:\\\\1@x!\" .",
        ),
        ("KEY 256 3 13 AQ==", "0100 03 0d 01", ""),
        ("RKEY 0 3 13 AQ==", "0000 03 0d 01", ""),
        ("MB m", "016d076578616d706c6500", "MB m.example."),
        ("MINFO a. b.", "016100 016200", ""),
        ("nsap-ptr a.", "016100", "NSAP-PTR a."),
        ("PX 10 a. b.", "000a 016100 016200", ""),
        ("GPOS -32.6882 116.8652 10.0", "", "GPOS \"-32.6882\" \"116.8652\" \"10.0\""),
        ("TALINK . b.", "00 016200", ""),
        ("NINFO a b", "0161 0162", "NINFO \"a\" \"b\""),
        ("TYPE8 m.", "016d00", "MG m."),
        ("ISDN 150 004", "03313530 03303034", "ISDN \"150\" \"004\""),
        ("ISDN 150", "03313530", "ISDN \"150\""),
        // RFC 9460 §D
        ("SVCB 0 foo.example.com.", "0000 03666f6f076578616d706c6503636f6d00", ""),
        ("SVCB 1 .", "0001 00", ""),
        ("SVCB 16 . port=53", "0010 00 0003 0002 0035", ""),
        ("SVCB 1 . key667=hello", "0001 00 029b 0005 68656c6c6f", ""),
        ("SVCB 1 . key667=\"hello\\210qoo\"", "0001 00 029b 0009 68656c6c6fd2716f6f", ""),
        (
            "SVCB 1 . ipv6hint=\"2001:db8::1,2001:db8::53:1\"",
            "0001 00 0006 0020 20010db8000000000000000000000001 20010db8000000000000000000530001",
            "SVCB 1 . ipv6hint=2001:db8::1,2001:db8::53:1",
        ),
        (
            "SVCB 16 . alpn=h2,h3-19 mandatory=ipv4hint,alpn ipv4hint=192.0.2.1",
            "0010 00 0000 0004 0001 0004 0001 0009 026832 0568332d3139 0004 0004 c0000201",
            "SVCB 16 . mandatory=alpn,ipv4hint alpn=h2,h3-19 ipv4hint=192.0.2.1",
        ),
        (r#"SVCB 16 . alpn="f\\\\oo\\,bar,h2""#, "0010 00 0001 000c 08665c6f6f2c626172 026832", ""),
        (
            r"SVCB 16 . alpn=f\\\092oo\092,bar,h2",
            "0010 00 0001 000c 08665c6f6f2c626172 026832",
            r#"SVCB 16 . alpn="f\\\\oo\\,bar,h2""#,
        ),
        (
            "HTTPS 1 . alpn=h2 no-default-alpn= ech=AAA= ohttp",
            "0001 00 0001 0003 026832 0002 0000 0005 0002 0000 0008 0000",
            "HTTPS 1 . alpn=h2 no-default-alpn ech=AAA= ohttp",
        ),
        ("HTTPS 1 . key1=\"\\002h2\"", "0001 00 0001 0003 026832", "HTTPS 1 . alpn=h2"),
        ("SVCB 1 . alpn=h2 dohpath=/q{?dns}", "0001 00 0001 0003 026832 0007 0008 2f717b3f646e737d", ""),
        ("SVCB 0 a.example. alpn=h2", "0000 0161076578616d706c6500 0001 0003 026832", ""),
    ];
    for (text, expected, printed) in table {
        let (rtype, found, again) = round_trip(text);
        if !expected.is_empty() {
            assert_eq!(found, hex(&octets(expected)), "{text}");
        }
        if !printed.is_empty() {
            assert_eq!(format!("{rtype} {again}"), *printed);
        }
    }
}

#[test]
fn refused() {
    let table = [
        ("LOC 91 N 0 E 0", "2:7: error: expected degrees up to 90 as a whole number, found `91`"),
        ("LOC 90 0 0.001 N 0 E 0", "2:18: error: this angle is above 90 degrees"),
        ("LOC 1 60 N 0 E 0", "2:9: error: expected minutes below 60, or N or S, found `60`"),
        ("LOC 1 0 1.0001 N 0 E 0", "2:11: error: expected seconds below 60, with up to three digits"),
        ("LOC 1 N 0 E -100000.01", "2:15: error: expected an altitude in metres"),
        ("APL 1:192.0.2.0/33", "2:7: error: expected a prefix: 1: and an IPv4"),
        ("APL 3:abcd/1", "2:7: error: expected a prefix"),
        ("IPSECKEY 1 4 1 . AA==", "2:14: error: expected the type of a gateway"),
        ("IPSECKEY 1 0 1 x. AA==", "2:18: error: expected a dot for no gateway"),
        ("IPSECKEY 1 0 0 . AA==", "2:20: error: expected the end of the line"),
        ("DNSKEY 257 3 13 AQ=", "2:19: error: the base 64 is incomplete"),
        ("DNSKEY 257 3 13 AR==", "2:19: error: the base 64 is incomplete, or bits behind its end are set"),
        ("DNSKEY 257 3 13 A!==", "2:19: error: expected base 64, found `A!==`"),
        ("DNSKEY 257 3 13", "2:18: error: expected base 64, found the end of the line"),
        ("RRSIG A 1 1 1 20300230000000 1 1 . AA==", "2:17: error: expected a moment as YYYYMMDDHHmmSS"),
        ("RRSIG A 1 1 1 21060207062816 1 1 . AA==", "2:17: error: expected a moment as YYYYMMDDHHmmSS"),
        ("NSEC a. A NOPE", "2:13: error: expected a record type, found `NOPE`"),
        ("NSEC3 1 1 12 - 2T7B4G4VSA5SMI47K61MV5BV1A22BOJW MX", "2:18: error: expected digits of base 32"),
        ("NSEC3 1 1 12 - abc MX", "2:18: error: the digits of base 32 do not end with an octet"),
        ("ZONEMD 1 1 1 aabb", "2:16: error: a digest of type 1 has 48 octets, this one has 2"),
        ("ZONEMD 1 1 3 aabb", "2:16: error: a digest has at least 12 octets, this one has 2"),
        ("DS 1 13 2 aabb", "2:13: error: a digest of type 2 has 32 octets, this one has 2"),
        ("X25 31a1", "2:7: error: expected a number of at least four digits"),
        ("EUI48 00-00-5e-00-53", "2:9: error: expected six pairs of digits"),
        ("EUI48 00-00-5e-00-53-2", "2:9: error: expected six pairs of digits"),
        ("L64 1 2001:db8::1", "2:9: error: expected four groups"),
        ("URI 1 1 \"\"", "2:11: error: expected a value in quotes, not empty"),
        ("CAA 0 is-sue x", "2:9: error: expected a tag of letters and digits"),
        ("HIP 2 2001 Aw EA", "2:14: error: the base 64 is incomplete"),
        // RFC 9460 §D.3 and beside it
        ("SVCB 1 foo. key123=abc key123=def", "2:26: error: the parameter key123 stands here a second time"),
        ("SVCB 1 foo. mandatory", "2:15: error: expected keys with commas between"),
        ("SVCB 1 foo. alpn", "2:15: error: expected protocol identifiers"),
        ("SVCB 1 foo. port", "2:15: error: expected a number up to 65535 for port"),
        ("SVCB 1 foo. ipv4hint=", "2:15: error: expected IPv4 addresses"),
        ("SVCB 1 foo. no-default-alpn=abc", "2:15: error: expected no value for no-default-alpn"),
        ("SVCB 1 foo. mandatory=key123", "2:15: error: mandatory needs the parameter key123, which is not there"),
        ("SVCB 1 foo. mandatory=mandatory", "2:15: error: expected keys with commas between"),
        ("SVCB 1 foo. mandatory=key123,key123 key123=abc", "2:15: error: expected keys with commas between"),
        ("SVCB 1 foo. no-default-alpn", "2:15: error: no-default-alpn needs the parameter alpn"),
        ("SVCB 1 foo. ALPN=h2", "2:15: error: expected a parameter such as alpn=h2,h3, found `ALPN=h2`"),
        (
            "SVCB 1 foo. apln=h2",
            "2:15: error: expected a parameter such as alpn=h2,h3, found `apln=h2` (did you mean alpn?)",
        ),
        ("SVCB 1 foo. key01=h2", "2:15: error: expected a parameter"),
        ("SVCB 1 foo. alpn=\"h2\"port=1", "2:15: error: this parameter and what follows are not apart"),
        ("SVCB 1 foo. alpn=h2,,h3", "2:15: error: expected protocol identifiers"),
        ("SVCB 1 foo. \"alpn=h2\"", "2:15: error: expected a parameter"),
        ("SVCB 1 foo. port=\\053", "2:15: error: expected a number up to 65535"),
        ("SVCB 1 foo. key3=a", "2:15: error: expected a number up to 65535"),
    ];
    for (text, expected) in table {
        let (_, errors) = read(&format!("$TTL 1\n@ {text}\n"));
        let [error] = &errors[..] else { panic!("{text}: {errors:?}") };
        assert!(error.strip_prefix("z:").is_some_and(|error| error.starts_with(expected)), "{text}: {error}");
    }
}

/// Octets that are valid but have no text of their own, and octets that are not.
#[test]
fn octets_without_a_text() {
    let table = [
        (Rtype::APL, "00030101aa", true),
        (Rtype::LOC, "0155", true),
        (Rtype::LOC, "00 03 16 13 80000000 80000000 00989680", true),
        (Rtype::LOC, "00 a3 16 13 80000000 80000000 00989680", false),
        (Rtype::LOC, "00 13 16 13 ffffffff 80000000 00989680", false),
        (Rtype::LOC, "", false),
        (Rtype::APL, "0001 08 02 0a00", false),
        (Rtype::APL, "0001 21 01 0a", false),
        (Rtype::NSEC, "00 0000", false),
        (Rtype::NSEC, "00 000100", false),
        (Rtype::NSEC, "00 010180 000180", false),
        (Rtype::IPSECKEY, "01 04 00", false),
        (Rtype::HIP, "00 02 0001 aa", false),
        (Rtype::SVCB, "0001 00 0003 0002 0035 0001 0003 026832", false),
        (Rtype::SVCB, "0001 00 0003 0002 0035 0003 0002 0035", false),
        (Rtype::SVCB, "0001 00 0003 0003 003500", false),
        (Rtype::SVCB, "0001 00 0001 0003 036832", false),
        (Rtype::SVCB, "0001 00 ffff 0000", false),
        (Rtype::MX, "0001 c000", false),
    ];
    for (rtype, hex, valid) in table {
        let rdata = octets(hex);
        assert_eq!(is_valid(rtype, &rdata), valid, "{rtype} {hex}");
        let text = RdataText { rtype, rdata: &rdata }.to_string();
        assert!(text.starts_with(&format!("\\# {}", rdata.len())), "{text}");
        let (_, errors) = read(&format!("$TTL 1\n@ {rtype} {text}\n"));
        assert_eq!(errors.is_empty(), valid, "{rtype} {hex}: {errors:?}");
    }
}

/// RFC 3597 §5: types whose text form is not read have a mnemonic all the same.
#[test]
fn types_that_are_written_as_octets() {
    for mnemonic in ["NULL", "WKS", "NSAP", "SIG", "NXT", "EID", "NIMLOC", "ATMA", "A6", "DSYNC", "DOA", "AMTRELAY"] {
        let (rtype, found, printed) = round_trip(&format!("{mnemonic} \\# 3 0a0b0c"));
        assert_eq!((&*rtype.to_string(), &*found, &*printed), (mnemonic, "0a0b0c", "\\# 3 0a0b0c"));
    }
}

#[test]
fn hosts_in_rdata() {
    let table = [
        ("NS h", 1),
        ("MX 0 h", 1),
        ("MX 0 .", 0),
        ("SRV 1 2 3 h", 1),
        ("SRV 1 2 3 .", 0),
        ("KX 1 h", 1),
        ("AFSDB 1 h", 1),
        ("RT 1 h", 1),
        ("SVCB 1 h", 1),
        ("HTTPS 1 h alpn=h2", 1),
        ("HTTPS 1 .", 0),
        ("HTTPS 0 h", 0),
        ("CNAME h", 0),
        ("NAPTR 1 2 s x \"\" h", 0),
        ("SOA h h 1 2 3 4 5", 0),
        ("TXT h", 0),
    ];
    for (text, count) in table {
        let (builder, errors) = read(&format!("$TTL 1\n@ {text}\n"));
        assert!(errors.is_empty(), "{text}: {errors:?}");
        let record = &builder.records[0];
        let found: Vec<_> = targets(record.rtype, builder.rdata_of(record)).collect();
        assert_eq!(found, vec![name("h.example").as_ref(); count], "{text}");
    }
    assert_eq!(targets(Rtype::MX, &[0, 1, 9]).count(), 0, "octets that are none of the type's");
}
