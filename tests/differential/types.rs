//! Records of all kinds.

use fastrand::Rng;

use crate::zone::{Zone, hex};

/// Types that nothing follows from, for owners of ordinary data.
const PLAIN: [&str; 9] = ["A", "AAAA", "TXT", "MX", "PTR", "CAA", "HINFO", "TYPE65280", "TYPE65281"];

/// A record of some ordinary type.
pub(crate) fn any_record(rng: &mut Rng) -> String {
    let rtype = PLAIN[rng.usize(..PLAIN.len())];
    record(rtype, rng)
}

/// A record of this type with some RDATA.
pub(crate) fn record(rtype: &str, rng: &mut Rng) -> String {
    let rdata = match rtype {
        "A" => format!("192.0.2.{}", rng.u8(..)),
        "AAAA" => format!("2001:db8::{:x}", rng.u16(..)),
        "TXT" => format!("\"text {}\" \"\" \"with \\\"quotes\\\" and \\200\"", rng.u16(..)),
        "MX" => format!("{} mail.elsewhere.invalid.", rng.u8(..)),
        "PTR" => "host.elsewhere.invalid.".to_owned(),
        "CAA" => "0 issue \"ca.example.net\"".to_owned(),
        "HINFO" => "\"cpu\" \"operating system\"".to_owned(),
        _ => hex(&(0..rng.u8(1..20)).map(|_| rng.u8(..)).collect::<Vec<_>>()),
    };
    format!("{rtype} {rdata}")
}

/// One owner for each of many types, and one owner with all.
pub(crate) fn every_type(zone: &mut Zone, rng: &mut Rng) {
    zone.subject("types");
    let target = zone.absolute("target").wire();
    let outside = zone.absolute("Outside.Invalid.").wire();
    zone.add("target", "A 192.0.2.77");
    zone.add("target", "AAAA 2001:db8::77");
    let with_names: [(&str, Vec<u8>); 16] = [
        ("TYPE3", target.clone()),                                             // MD
        ("TYPE4", target.clone()),                                             // MF
        ("TYPE7", target.clone()),                                             // MB
        ("TYPE8", target.clone()),                                             // MG
        ("TYPE9", outside.clone()),                                            // MR
        ("TYPE14", [target.clone(), outside.clone()].concat()),                // MINFO
        ("TYPE17", [target.clone(), outside.clone()].concat()),                // RP
        ("TYPE18", [&[0, 1], &target[..]].concat()),                           // AFSDB
        ("TYPE21", [&[0, 1], &target[..]].concat()),                           // RT
        ("TYPE26", [&[0, 1], &target[..], &outside[..]].concat()),             // PX
        ("TYPE33", [&[0, 1, 0, 2, 0, 80], &target[..]].concat()),              // SRV
        ("TYPE35", [b"\0\x01\0\x02\x01u\x07SIP+D2U\0", &target[..]].concat()), // NAPTR
        ("TYPE36", [&[0, 1], &target[..]].concat()),                           // KX
        ("TYPE12", outside.clone()),                                           // PTR
        ("TYPE107", [&[0, 1], &target[..]].concat()),                          // LP
        ("TYPE15", [&[0, 1], &target[..]].concat()),                           // MX
    ];
    let plain: [(&str, Vec<u8>); 22] = [
        ("TYPE1", vec![192, 0, 2, 9]),
        ("TYPE10", b"nothing".to_vec()),
        ("TYPE11", vec![192, 0, 2, 9, 6, 0x40]),
        ("TYPE13", b"\x03cpu\x02os".to_vec()),
        ("TYPE16", [&[255], &[b'x'; 255][..], b"\x01y"].concat()),
        ("TYPE19", b"\x0a3110619593".to_vec()),
        ("TYPE20", b"\x0a1508620283".to_vec()),
        ("TYPE28", vec![0x20; 16]),
        ("TYPE29", vec![0, 0x12, 0x16, 0x13, 0x80, 0, 0, 0, 0x80, 0, 0, 0, 0, 0x98, 0x96, 0x80]),
        ("TYPE37", vec![0, 1, 0, 1, 8, 1, 2, 3]),
        ("TYPE42", vec![0, 1, 24, 3, 192, 0, 2]),
        ("TYPE44", [&[1, 1], &[7; 20][..]].concat()),
        ("TYPE49", vec![0, 0, 1, 9, 9, 9]),
        ("TYPE52", [&[3, 1, 1], &[8; 32][..]].concat()),
        ("TYPE53", [&[3, 1, 1], &[8; 32][..]].concat()),
        ("TYPE61", vec![1, 2, 3, 4]),
        ("TYPE99", b"\x06v=spf1".to_vec()),
        ("TYPE104", vec![0, 1, 0, 0, 0, 0, 0, 0, 0, 1]),
        ("TYPE108", vec![1, 2, 3, 4, 5, 6]),
        ("TYPE256", b"\0\x0a\0\x01ftp://ftp.example/".to_vec()),
        ("TYPE257", b"\0\x05issueca.example".to_vec()),
        ("TYPE65534", vec![]),
    ];
    for (rtype, rdata) in with_names.into_iter().chain(plain) {
        let owner = format!("of-{}", rtype.to_ascii_lowercase());
        let data = format!("{rtype} {}", hex(&rdata));
        zone.add(&owner, &data);
        if rng.bool() {
            zone.add("all", &data);
        }
    }
}

/// Types in the text of their own, each read by all three servers.
const TEXTS: [&str; 35] = [
    "RP admin about.Outside.Invalid.",
    "AFSDB 1 afs",
    "RT 10 relay",
    "LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m",
    "LOC 42 N 71 W 0m",
    "NAPTR 100 50 \"s\" \"SIP+D2U\" \"\" _sip._udp",
    "NAPTR 100 50 \"u\" \"E2U+sip\" \"!^.*$!sip:a@b.example!\" .",
    "KX 10 kx",
    "CERT PKIX 12345 RSASHA256 AQIDBAUG",
    "APL 1:192.0.2.0/24 !2:2001:db8::/32",
    "SSHFP 4 2 123456789abcdef67890123456789abcdef67890123456789abcdef123456789",
    "IPSECKEY 10 1 2 192.0.2.38 AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==",
    "IPSECKEY 10 0 2 . AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==",
    "DNSKEY 257 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ==",
    "DHCID AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=",
    "TLSA 3 1 1 d2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971",
    "SMIMEA 3 1 1 d2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971",
    "CDS 60485 13 2 d4b7d520e7bb5f0f67674a0cceb1e3e0614b93c4f9e99b8383f6a1e4469da50a",
    "CDNSKEY 257 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ==",
    "OPENPGPKEY AQIDBAUGBwg=",
    "CSYNC 2026010101 3 A NS AAAA TYPE1234",
    "ZONEMD 2026010101 1 240 c220b8a6ed5728a971902f7e3d4fd93adeea88b0453c2e8e8c863d465ab06cf34eb95b266398c98b59124fa239cb7eeb",
    "SVCB 1 target alpn=h2,h3 port=8443 ipv4hint=192.0.2.1,192.0.2.2 ipv6hint=2001:db8::1",
    "SVCB 0 target",
    "HTTPS 1 . alpn=h3,h2 no-default-alpn ech=AQIDBA== mandatory=alpn",
    "HTTPS 2 Outside.Invalid. key65000=\"a\\001b\"",
    "SPF \"v=spf1 -all\"",
    "NID 10 0014:4fff:ff20:ee64",
    "L32 10 192.0.2.1",
    "L64 10 2001:0db8:1140:1000",
    "LP 10 l64",
    "EUI48 00-00-5e-00-53-2a",
    "EUI64 00-00-5e-ef-10-00-00-2a",
    "URI 10 1 \"https://www.example.com/\"",
    "CAA 128 issuewild \"\"",
];

/// One owner for each of these.
pub(crate) fn every_text(zone: &mut Zone) {
    zone.subject("texts");
    zone.add("target", "A 192.0.2.77");
    for (at, text) in TEXTS.into_iter().enumerate() {
        zone.add(&format!("text{at}"), text);
    }
}

/// MX, SRV, SVCB and HTTPS to targets of all kinds.
pub(crate) fn services(zone: &mut Zone, rng: &mut Rng, tag: &str) {
    zone.subject("services");
    zone.add(&format!("both.{tag}"), "A 192.0.2.81");
    zone.add(&format!("both.{tag}"), "AAAA 2001:db8::81");
    zone.add(&format!("v4.{tag}"), "A 192.0.2.82");
    zone.add(&format!("v6.{tag}"), "AAAA 2001:db8::83");
    zone.add(&format!("*.w.{tag}"), "A 192.0.2.84");
    zone.add(&format!("c.{tag}"), &format!("CNAME both.{tag}"));
    zone.add(&format!("cut.{tag}"), &format!("NS ns.cut.{tag}"));
    zone.add(&format!("ns.cut.{tag}"), "A 192.0.2.85");
    zone.add(&format!("below.cut.{tag}"), "A 192.0.2.86");
    zone.add(&format!("text.{tag}"), "TXT text");
    let targets = ["both", "v4", "v6", "x.w", "c", "ns.cut", "below.cut", "text", "nothing", "BOTH", "w"];
    for (at, target) in targets.into_iter().enumerate() {
        let target = format!("{target}.{tag}");
        zone.add(&format!("mx{at}.{tag}"), &format!("MX 10 {target}"));
        zone.add(&format!("_s._tcp.srv{at}.{tag}"), &format!("SRV 0 {at} 443 {target}"));
        let wire = zone.absolute(&target).wire();
        let rtype = if rng.bool() { 64 } else { 65 };
        let priority = u8::from(rng.u8(..4) > 0);
        zone.add(&format!("svcb{at}.{tag}"), &format!("TYPE{rtype} {}", hex(&[&[0, priority], &wire[..]].concat())));
        zone.add(&format!("mxall.{tag}"), &format!("MX {at} {target}"));
    }
    zone.add(&format!("nullmx.{tag}"), "MX 0 .");
    zone.add(&format!("self.{tag}"), "TYPE65 \\# 3 000100");
    zone.add(&format!("self.{tag}"), "A 192.0.2.87");
    zone.add(&format!("apexmx.{tag}"), "MX 0 @");
    zone.add(&format!("outmx.{tag}"), "MX 0 mail.elsewhere.invalid.");
}
