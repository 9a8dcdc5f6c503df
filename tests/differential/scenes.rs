//! What zones are made of: each function adds one situation below a label of its own.

use fastrand::Rng;

use crate::types::{any_record, record};
use crate::zone::Zone;

/// Ordinary hosts, some of them deep, so that there are empty non-terminals.
pub(crate) fn hosts(zone: &mut Zone, rng: &mut Rng, tag: &str) {
    zone.subject("hosts");
    for at in 0..rng.u8(3..9) {
        let owner = match rng.u8(..4) {
            0 => format!("h{at}.a.b.{tag}"),
            1 => format!("h{at}.c.{tag}"),
            _ => format!("h{at}.{tag}"),
        };
        for _ in 0..rng.u8(1..4) {
            zone.add(&owner, &any_record(rng));
        }
    }
}

/// Wildcards with what stands beside and below them (RFC 4592).
pub(crate) fn wildcards(zone: &mut Zone, rng: &mut Rng, tag: &str) {
    zone.subject("wildcard");
    zone.add(&format!("*.{tag}"), &any_record(rng));
    zone.add(&format!("*.{tag}"), &record("A", rng));
    zone.add(&format!("exact.{tag}"), &record("TXT", rng));
    zone.name(&format!("covered.{tag}"));
    zone.name(&format!("deep.covered.{tag}"));
    if rng.bool() {
        zone.add(&format!("below.ent.{tag}"), &record("A", rng));
        zone.name(&format!("x.ent.{tag}"));
    }
    if rng.bool() {
        zone.add(&format!("sub.*.{tag}"), &record("A", rng));
        zone.name(&format!("sub.x.{tag}"));
        zone.name(&format!("other.*.{tag}"));
    }
    if rng.bool() {
        zone.add(&format!("*.*.{tag}"), &record("MX", rng));
        zone.name(&format!("x.y.{tag}"));
    }
    if rng.bool() {
        zone.add(&format!("*.exact.{tag}"), &record("AAAA", rng));
    }
    if rng.bool() {
        zone.add(&format!("host.cut.{tag}"), "A 192.0.2.1");
        zone.add(&format!("cut.{tag}"), "NS ns1");
        zone.name(&format!("x.cut.{tag}"));
    }
}

/// Wildcards whose data lead elsewhere.
pub(crate) fn leading_wildcards(zone: &mut Zone, rng: &mut Rng, tag: &str) {
    zone.subject("wildcard-cname");
    zone.add(&format!("t.{tag}"), &record("A", rng));
    let targets = ["t", "nothing", "x.self", "a.b", "t.w2", "@@", "ent", "*.w2"];
    zone.add(&format!("x.ent.{tag}"), &record("TXT", rng));
    zone.add(&format!("*.w2.{tag}"), &record("A", rng));
    for (at, target) in targets.into_iter().enumerate() {
        let target = if target == "@@" { "@".to_owned() } else { format!("{target}.{tag}") };
        zone.add(&format!("*.c{at}.{tag}"), &format!("CNAME {target}"));
        zone.name(&format!("some.c{at}.{tag}"));
    }
    zone.add(&format!("*.self.{tag}"), &format!("CNAME y.self.{tag}"));
    zone.name(&format!("z.self.{tag}"));
}

/// NS at a wildcard, which RFC 4592 §4.2 leaves open.
pub(crate) fn wildcard_ns(zone: &mut Zone, tag: &str) {
    zone.subject("wildcard-ns");
    zone.add(&format!("*.{tag}"), "NS ns.elsewhere.invalid.");
}

/// DNAME at a wildcard, which RFC 4592 §4.4 leaves open.
pub(crate) fn wildcard_dname(zone: &mut Zone, tag: &str) {
    zone.subject("wildcard-dname");
    zone.add(&format!("*.{tag}"), "DNAME elsewhere.invalid.");
}

/// Delegations with glue of all kinds.
pub(crate) fn cuts(zone: &mut Zone, rng: &mut Rng, tag: &str) {
    zone.subject("cut");
    zone.add(&format!("in.{tag}"), &format!("NS ns.in.{tag}"));
    zone.add(&format!("ns.in.{tag}"), "A 192.0.2.11");
    zone.add(&format!("ns.in.{tag}"), "AAAA 2001:db8::11");
    zone.add(&format!("hidden.in.{tag}"), "TXT hidden");
    zone.add(&format!("self.{tag}"), &format!("NS self.{tag}"));
    zone.add(&format!("self.{tag}"), "A 192.0.2.12");
    zone.add(&format!("sibling.{tag}"), &format!("NS ns.in.{tag}"));
    zone.add(&format!("sibling.{tag}"), &format!("NS host.{tag}"));
    zone.add(&format!("host.{tag}"), "A 192.0.2.13");
    zone.add(&format!("host.{tag}"), "AAAA 2001:db8::13");
    zone.add(&format!("missing.{tag}"), &format!("NS ns.missing.{tag}"));
    zone.add(&format!("missing.{tag}"), "NS ns.elsewhere.invalid.");
    zone.add(&format!("outside.{tag}"), "NS ns.elsewhere.invalid.");
    zone.add(&format!("wild.{tag}"), &format!("NS ns.covered.{tag}"));
    zone.add(&format!("*.covered.{tag}"), "A 192.0.2.14");
    zone.add(&format!("cname.{tag}"), &format!("NS alias.{tag}"));
    zone.add(&format!("alias.{tag}"), &format!("CNAME host.{tag}"));
    zone.add(&format!("signed.{tag}"), "NS ns1");
    zone.add(
        &format!("signed.{tag}"),
        "DS 60485 13 2 d4b7d520e7bb5f0f67674a0cceb1e3e0614b93c4f9e99b8383f6a1e4469da50a",
    );
    zone.add(
        &format!("signed.{tag}"),
        "DS 60486 13 2 e4b7d520e7bb5f0f67674a0cceb1e3e0614b93c4f9e99b8383f6a1e4469da50a",
    );
    zone.add(&format!("deep.below.signed.{tag}"), "A 192.0.2.15");
    zone.add(&format!("busy.{tag}"), &format!("NS ns.deep.busy.{tag}"));
    zone.add(&format!("busy.{tag}"), "A 192.0.2.16");
    zone.add(&format!("busy.{tag}"), "TXT hidden");
    zone.add(&format!("ns.deep.busy.{tag}"), "A 192.0.2.17");
    if rng.bool() {
        zone.add(&format!("nested.in.{tag}"), "NS ns1");
        zone.add(&format!("*.in.{tag}"), "A 192.0.2.18");
    }
    if rng.bool() {
        zone.add(&format!("to-cut.{tag}"), &format!("CNAME x.in.{tag}"));
        zone.add(&format!("at-cut.{tag}"), &format!("CNAME in.{tag}"));
    }
    for cut in ["in", "self", "signed"] {
        zone.name(&format!("x.{cut}.{tag}"));
        zone.name(&format!("y.x.{cut}.{tag}"));
    }
}

/// A delegation to many servers, whose glue does not fit a small message.
pub(crate) fn many_servers(zone: &mut Zone, rng: &mut Rng, tag: &str) {
    zone.subject("many-servers");
    for at in 0..rng.u8(9..14) {
        let server = if at % 2 == 0 { format!("ns{at}.big.{tag}") } else { format!("ns{at}.{tag}") };
        zone.add(&format!("big.{tag}"), &format!("NS {server}"));
        zone.add(&server, &format!("A 198.51.100.{at}"));
        zone.add(&server, &format!("AAAA 2001:db8:5::{at}"));
    }
    zone.name(&format!("x.big.{tag}"));
}

/// DNAMEs to all kinds of targets (RFC 6672).
pub(crate) fn dnames(zone: &mut Zone, rng: &mut Rng, tag: &str) {
    zone.subject("dname");
    zone.add(&format!("a.t.{tag}"), &record("A", rng));
    zone.add(&format!("a.t.{tag}"), &record("TXT", rng));
    zone.add(&format!("*.tw.{tag}"), &record("A", rng));
    zone.add(&format!("t.{tag}"), &record("MX", rng));
    zone.add(&format!("cut.t.{tag}"), "NS ns1");
    zone.add(&format!("alias.t.{tag}"), &format!("CNAME a.t.{tag}"));
    let targets = ["t", "tw", "nothing", "d0", "d3", "a.d5", "d7", "d6", "a.t", "cut.t", "alias.t"];
    for (at, target) in targets.into_iter().enumerate() {
        let owner = format!("d{at}.{tag}");
        zone.add(&owner, &format!("DNAME {target}.{tag}"));
        if rng.bool() {
            zone.add(&owner, &record("TXT", rng));
        }
        for below in ["a", "b.a", "cut", "x.cut", "alias", "nothing"] {
            zone.name(&format!("{below}.{owner}"));
        }
    }
    zone.add(&format!("up.{tag}"), "DNAME @");
    zone.name(&format!("a.t.{tag}.up.{tag}"));
    zone.name(&format!("up.{tag}.up.{tag}"));
    zone.add(&format!("root.{tag}"), "DNAME .");
    zone.name(&format!("x.root.{tag}"));
    zone.add(&format!("out.{tag}"), "DNAME elsewhere.invalid.");
    zone.name(&format!("x.out.{tag}"));
    zone.add(&format!("into.{tag}"), &format!("CNAME a.d0.{tag}"));
    zone.add(&format!("*.into-wild.{tag}"), &format!("CNAME a.d1.{tag}"));
    zone.name(&format!("y.into-wild.{tag}"));
    let label = "l".repeat(60);
    let long = format!("{label}.{label}.{label}");
    if zone.absolute(&format!("{long}.{tag}")).fits() {
        zone.add(&format!("long.{tag}"), &format!("DNAME {long}.{tag}"));
        for len in [1, 20, 40, 63] {
            zone.name(&format!("{}.long.{tag}", "x".repeat(len)));
        }
    }
}

/// CNAME chains of several lengths, loops, and what they end in.
pub(crate) fn chains(zone: &mut Zone, rng: &mut Rng, tag: &str) {
    zone.subject("cname");
    zone.add(&format!("end.{tag}"), &record("A", rng));
    zone.add(&format!("end.{tag}"), &record("MX", rng));
    zone.add(&format!("x.ent.{tag}"), &record("A", rng));
    zone.add(&format!("*.w.{tag}"), &record("A", rng));
    zone.add(&format!("cut.{tag}"), &format!("NS ns.cut.{tag}"));
    zone.add(&format!("ns.cut.{tag}"), "A 192.0.2.21");
    let ends = ["END", "ent", "nothing", "x.w", "x.cut", "cut", "elsewhere.invalid.", "@", "*.w", "deep.nothing"];
    for (at, end) in ends.into_iter().enumerate() {
        let end = if end == "@" || end.ends_with('.') { end.to_owned() } else { format!("{end}.{tag}") };
        zone.add(&format!("c{at}.{tag}"), &format!("CNAME {end}"));
        zone.add(&format!("cc{at}.{tag}"), &format!("CNAME c{at}.{tag}"));
        zone.add(&format!("ccc{at}.{tag}"), &format!("CNAME CC{at}.{tag}"));
    }
    for len in [1, 2, 3] {
        for at in 0..len {
            zone.add(&format!("loop{len}-{at}.{tag}"), &format!("CNAME loop{len}-{}.{tag}", (at + 1) % len));
        }
    }
    zone.add(&format!("into-loop.{tag}"), &format!("CNAME loop3-0.{tag}"));
}

/// A chain of CNAMEs that is as long as this.
pub(crate) fn long_chain(zone: &mut Zone, tag: &str, len: u8) {
    zone.subject("long-chain");
    for at in 0..len {
        zone.add(&format!("n{at}.{tag}"), &format!("CNAME n{}.{tag}", at + 1));
    }
    zone.add(&format!("n{len}.{tag}"), "A 192.0.2.31");
}

/// Labels that need care.
pub(crate) fn odd_labels(zone: &mut Zone, rng: &mut Rng, tag: &str) {
    zone.subject("labels");
    let odd = [
        "a\\.b",
        "\\000",
        "\\255\\254",
        "a\\ b",
        "\\\\",
        "\\\"q\\\"",
        "semi\\;colon",
        "at\\@",
        "\\(\\)",
        "UPPER",
        "MiXed",
        "\\065bc",
        "a*",
        "**",
        "*a",
        "x.*.y",
        "-",
        "_under",
        "0",
        "xn--nxasmq6b",
        "\\046\\046",
        "\\$x",
        "\\009tab",
        "\\127",
    ];
    for label in odd {
        zone.add(&format!("{label}.{tag}"), &any_record(rng));
    }
    zone.add(&format!("{}.{tag}", "m".repeat(63)), &any_record(rng));
    let mut longest = String::new();
    while zone.absolute(&format!("{longest}{tag}")).len() < 190 {
        longest += &"n".repeat(62);
        longest.push('.');
    }
    let rest = 254 - zone.absolute(&format!("{longest}{tag}")).len();
    let longest = format!("{}.{longest}{tag}", "o".repeat(rest));
    zone.add(&longest, "TXT longest");
    zone.add(&format!("*.many.{tag}"), "TXT covered");
    let room = 255 - zone.absolute(&format!("many.{tag}")).len();
    zone.name(&format!("{}many.{tag}", "i.".repeat(room / 2)));
    zone.name(&format!("x.\\*.y.{tag}"));
}

/// RRsets that do not fit small messages, alone and as additional data.
pub(crate) fn big(zone: &mut Zone, rng: &mut Rng, tag: &str) {
    zone.subject("big");
    for at in 0..rng.u8(20..90) {
        zone.add(&format!("a.{tag}"), &format!("A 203.0.113.{at}"));
    }
    for at in 0..rng.u8(14..60) {
        zone.add(&format!("aaaa.{tag}"), &format!("AAAA 2001:db8:7::{at:x}"));
    }
    for at in 0..rng.u8(2..9) {
        zone.add(&format!("txt.{tag}"), &format!("TXT \"{at}{}\"", "t".repeat(rng.usize(20..250))));
    }
    for at in 0..rng.u8(5..20) {
        zone.add(&format!("mx.{tag}"), &format!("MX {at} m{at}.{tag}"));
        zone.add(&format!("m{at}.{tag}"), &format!("A 203.0.113.{at}"));
        zone.add(&format!("m{at}.{tag}"), &format!("AAAA 2001:db8:8::{at:x}"));
    }
    zone.add(&format!("to-big.{tag}"), &format!("CNAME a.{tag}"));
    zone.add(&format!("*.wild.{tag}"), &format!("CNAME aaaa.{tag}"));
    zone.name(&format!("x.wild.{tag}"));
}

/// RRsets that reach beyond what compression can point into.
pub(crate) fn huge(zone: &mut Zone, tag: &str) {
    zone.subject("huge");
    for at in 0..900 {
        zone.add(&format!("mx.{tag}"), &format!("MX {at} host{}.{tag}", at % 40));
    }
    for at in 0..40 {
        zone.add(&format!("host{at}.{tag}"), &format!("A 192.0.2.{at}"));
    }
    for at in 0..100 {
        zone.add(&format!("txt.{tag}"), &format!("TXT \"{at} {}\"", "h".repeat(240)));
    }
    zone.add(&format!("c.{tag}"), &format!("CNAME mx.{tag}"));
}
