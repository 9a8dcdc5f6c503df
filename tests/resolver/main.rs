//! Unbound in front of two Windroses, as resolvers in the field are: strict QNAME minimisation, 0x20, hardened against
//! all it can be hardened against, with Client Subnet. Without unbound and dig these tests are ignored and say so; with
//! `WINDROSE_REQUIRE_TOOLS` set they fail.
//!
//! `lab` has the zones and starts the servers; `dig` asks.
#![allow(clippy::unwrap_used, reason = "a test that fails should fail where it stands")]

mod dig;
mod lab;
#[path = "../support/process.rs"]
mod process;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};

use dig::{Reply, dig};
use lab::Lab;

const TOOLS: [&str; 2] = ["unbound", "dig"];

fn main() -> ExitCode {
    let missing: Vec<&str> = TOOLS.into_iter().filter(|name| process::tool(name).is_none()).collect();
    let needs = if missing.is_empty() { String::new() } else { format!("needs {}", missing.join(" ")) };
    let lab = Arc::new(Lab::default());
    let trials = vec![
        trial("static_names_resolve", &needs, &lab, static_names),
        trial("what_does_not_exist_is_denied", &needs, &lab, negative_answers),
        trial("empty_non_terminals_exist", &needs, &lab, empty_non_terminals),
        trial("wildcards_resolve", &needs, &lab, wildcards),
        trial("dnames_and_chains_resolve", &needs, &lab, chains),
        trial("large_answers_resolve_over_tcp", &needs, &lab, large_answers),
        trial("a_delegated_zone_resolves", &needs, &lab, delegated),
        trial("each_client_network_gets_its_endpoint", &needs, &lab, steered),
        trial("the_cache_keeps_client_networks_apart", &needs, &lab, cached_by_scope),
        trial("what_is_not_steered_is_cached_for_all", &needs, &lab, cached_for_all),
    ];
    // in order, as what is cached by one matters to the next
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial(name: &str, needs: &str, lab: &Arc<Lab>, test: fn(&Lab) -> Result<(), Failed>) -> Trial {
    let required = std::env::var_os("WINDROSE_REQUIRE_TOOLS").is_some();
    let (there, missing, lab) = (needs.is_empty(), needs.to_owned(), Arc::clone(lab));
    let trial = Trial::test(name, move || if there { test(&lab) } else { Err(missing.into()) });
    if there { trial } else { trial.with_kind(needs).with_ignored_flag(!required) }
}

/// Asks unbound, and compares status and answers (sorted) with what is expected.
fn expect(lab: &Lab, question: &str, status: &str, answers: &[&str]) -> Result<(), Failed> {
    let reply = dig(lab.resolver(), question);
    if reply.status == status && reply.data == answers { Ok(()) } else { Err(wrong(question, &reply, answers)) }
}

fn wrong(question: &str, reply: &Reply, wanted: &[&str]) -> Failed {
    format!("{question}: wanted {wanted:?}, found\n{}", reply.text).into()
}

fn static_names(lab: &Lab) -> Result<(), Failed> {
    expect(lab, "www.home.example.net A", "NOERROR", &["192.0.2.80", "192.0.2.81"])?;
    expect(lab, "www.home.example.net AAAA", "NOERROR", &["2001:db8::80"])?;
    expect(lab, "WWW.Home.Example.NET TXT", "NOERROR", &["\"one\" \"two\""])?;
    expect(lab, "home.example.net MX", "NOERROR", &["10 mail.home.example.net."])?;
    expect(lab, "home.example.net NS", "NOERROR", &["ns1.home.example.net.", "ns2.home.example.net."])?;
    expect(lab, "_sip._tcp.home.example.net SRV", "NOERROR", &["0 5 5060 www.home.example.net."])?;
    expect(lab, "odd\\.label.home.example.net TXT", "NOERROR", &["\"odd\""])?;
    expect(lab, "unknown.home.example.net TYPE65280", "NOERROR", &["\\# 4 01020304"])
}

fn negative_answers(lab: &Lab) -> Result<(), Failed> {
    expect(lab, "nothing.home.example.net A", "NXDOMAIN", &[])?;
    expect(lab, "below.nothing.home.example.net A", "NXDOMAIN", &[])?;
    expect(lab, "www.home.example.net LOC", "NOERROR", &[])?;
    expect(lab, "nothing.child.home.example.net A", "NXDOMAIN", &[])?;
    expect(lab, "below.www.home.example.net A", "NXDOMAIN", &[])
}

/// Names with nothing of their own, asked before what is below: a denial of one would hide that from the resolver.
fn empty_non_terminals(lab: &Lab) -> Result<(), Failed> {
    expect(lab, "ent.home.example.net A", "NOERROR", &[])?;
    expect(lab, "b.ent.home.example.net A", "NOERROR", &[])?;
    expect(lab, "a.b.ent.home.example.net A", "NOERROR", &["192.0.2.82"])?;
    expect(lab, "x.b.ent.home.example.net A", "NXDOMAIN", &[])?;
    expect(lab, "steered-ent.home.example.net A", "NOERROR", &[])
}

fn wildcards(lab: &Lab) -> Result<(), Failed> {
    expect(lab, "any.wild.home.example.net A", "NOERROR", &["192.0.2.83"])?;
    expect(lab, "deep.any.wild.home.example.net A", "NOERROR", &["192.0.2.83"])?;
    expect(lab, "any.wild.home.example.net TXT", "NOERROR", &[])?;
    expect(lab, "exact.wild.home.example.net A", "NOERROR", &[])?;
    expect(lab, "below.exact.wild.home.example.net A", "NXDOMAIN", &[])?;
    expect(lab, "x.alias-wild.home.example.net A", "NOERROR", &["192.0.2.80", "192.0.2.81", "www.home.example.net."])
}

fn chains(lab: &Lab) -> Result<(), Failed> {
    let through_dname = ["192.0.2.90", "other.example.org.", "www.other.example.org."];
    expect(lab, "www.moved.home.example.net A", "NOERROR", &through_dname)?;
    expect(lab, "nothing.moved.home.example.net A", "NXDOMAIN", &["nothing.other.example.org.", "other.example.org."])?;
    expect(lab, "moved.home.example.net A", "NOERROR", &[])?;
    expect(
        lab,
        "first.home.example.net A",
        "NOERROR",
        &["192.0.2.90", "second.home.example.net.", "www.other.example.org."],
    )?;
    expect(lab, "dangling.home.example.net A", "NXDOMAIN", &["nothing.home.example.net."])
}

fn large_answers(lab: &Lab) -> Result<(), Failed> {
    for question in ["large.home.example.net TXT", "large.home.example.net TXT +bufsize=512"] {
        let reply = dig(lab.resolver(), question);
        if reply.data.len() != lab::LARGE {
            return Err(wrong(question, &reply, &["all records"]));
        }
    }
    Ok(())
}

fn delegated(lab: &Lab) -> Result<(), Failed> {
    // what a resolver on its way down is told
    let referral = dig(lab.parent(), "www.child.home.example.net A +norecurse");
    if !referral.text.contains("ns.child.home.example.net. 3600 IN A 127.0.0.1") {
        return Err(wrong("referral", &referral, &["glue"]));
    }
    expect(lab, "www.child.home.example.net A", "NOERROR", &["192.0.2.100"])?;
    expect(lab, "to-child.home.example.net A", "NOERROR", &["192.0.2.100", "www.child.home.example.net."])?;
    let back = ["192.0.2.80", "192.0.2.81", "www.home.example.net."];
    expect(lab, "back.child.home.example.net A", "NOERROR", &back)
}

/// A client network and the first octets of what it gets.
const NETWORKS: [(&str, &str); 3] =
    [("5.1.7.0/24", "198.51.100.1"), ("6.2.7.0/24", "198.51.100.2"), ("7.3.7.0/24", "198.51.100.3")];

fn steered(lab: &Lab) -> Result<(), Failed> {
    for (network, answer) in NETWORKS {
        expect(lab, &format!("geo.home.example.net A +subnet={network}"), "NOERROR", &[answer])?;
        let alias = format!("to-geo.home.example.net A +subnet={network}");
        expect(lab, &alias, "NOERROR", &[answer, "geo.home.example.net."])?;
        let wildcard = format!("any.steered-wild.home.example.net A +subnet={network}");
        expect(lab, &wildcard, "NOERROR", &[answer])?;
        expect(lab, &format!("geo.home.example.net TXT +subnet={network}"), "NOERROR", &["\"beside\""])?;
        expect(lab, &format!("www.home.example.net A +subnet={network}"), "NOERROR", &["192.0.2.80", "192.0.2.81"])?;
    }
    // v6 clients have a rule of their own
    expect(lab, "geo.home.example.net A +subnet=2001:500::/48", "NOERROR", &["198.51.100.4"])
}

/// Of sixteen endpoints one is drawn each time that Windrose is asked: equal answers came from the cache.
fn cached_by_scope(lab: &Lab) -> Result<(), Failed> {
    let asked = |network: &str| dig(lab.resolver(), &format!("drawn.home.example.net A +subnet={network}"));
    let (mine, theirs) = (asked("5.1.7.0/24"), asked("6.2.7.0/24"));
    for host in 0..12 {
        // the rule is for 5.1.0.0/16, so another network inside of it is answered from the cache
        let mine_again = asked(&format!("5.1.{host}.0/24"));
        let theirs_again = asked(&format!("6.2.{host}.0/24"));
        if mine_again.data != mine.data || theirs_again.data != theirs.data {
            return Err(wrong("drawn", &mine_again, &[&mine.text]));
        }
    }
    let scoped = mine.text.contains("CLIENT-SUBNET: 5.1.7.0/24/16");
    let apart = mine.data[0].starts_with("203.0.113.") && theirs.data[0].starts_with("192.0.2.");
    if scoped && apart { Ok(()) } else { Err(wrong("drawn", &mine, &["scope 16"])) }
}

/// A static name below a steered zone is asked of Windrose once, whoever wants it.
fn cached_for_all(lab: &Lab) -> Result<(), Failed> {
    for (network, _) in NETWORKS {
        let reply = dig(lab.resolver(), &format!("mail.home.example.net A +subnet={network}"));
        if reply.data != ["192.0.2.25"] || !reply.text.contains("/24/0") {
            return Err(wrong("mail", &reply, &["scope 0"]));
        }
    }
    Ok(())
}
