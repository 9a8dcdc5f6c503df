//! What is explained is what is answered: random clients on random boards (`random`), and transcripts that were calculated
//! by hand (`transcripts`).

#[path = "../support/mod.rs"]
mod support;

mod random;
mod transcripts;

use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, LazyLock};

use support::{load, repository, shipped};
use windrose::base::{Mono, Now};
use windrose::control::explain::{
    Databases, Explanation, FateFact, Question, SteeringFacts, explain, explain_with, render,
};
use windrose::snapshot::Loaded;
use windrose::wire::{Name, Rtype};

/// Policies of every kind. Paths are relative, as transcripts show them: tests run in the repository.
fn policies() -> Arc<Loaded> {
    static LOADED: LazyLock<Arc<Loaded>> = LazyLock::new(|| load(Path::new("tests/explain/windrose.toml")));
    Arc::clone(&LOADED)
}

fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

fn question(owner: &str, rtype: Rtype, client: Option<&str>) -> Question {
    let client = client.map(|client| Question::parse_client(client).expect("a client"));
    Question { name: name(owner), rtype, client, resolver: None }
}

const NOW: Now = Now { wall: 1_790_000_000, mono: Mono(600_000_000) };

#[test]
fn names_that_no_policy_decides_are_explained() {
    let snapshot = support::healthy(policies());
    let databases = Databases::read(&snapshot);
    for (owner, rtype, rcode, names, why) in [
        ("text.example.net", Rtype::TXT, "NOERROR", 1, "it is not steered; it has static records of type TXT"),
        ("text.example.net", Rtype::A, "NOERROR", 1, "it is not steered; it has no records of type A"),
        (
            "near.example.net",
            Rtype::MX,
            "NOERROR",
            1,
            "steered, but its policy decides A and AAAA only; it has no records of type MX",
        ),
        (
            "v4.example.net",
            Rtype::AAAA,
            "NOERROR",
            1,
            "steered, but its policy decides A only; it has no records of type AAAA",
        ),
        ("missing.example.net", Rtype::A, "NXDOMAIN", 2, "it does not exist, and no wildcard stands for it"),
        ("away.example.net", Rtype::A, "NOERROR", 2, "no zone served here holds it"),
        ("resolver.example.net", Rtype::A, "NOERROR", 1, "it exists only because names below it do, so it has no data"),
        ("example.org", Rtype::A, "REFUSED", 1, "no zone served here holds it"),
        ("near.example.net", Rtype::ANY, "NOERROR", 1, "ANY is answered with one synthesized HINFO (RFC 8482)"),
    ] {
        let question = question(owner, rtype, Some("141.20.0.0"));
        let explanation = explain_with(&snapshot, &databases, &question, NOW, &|_| None).expect("explained");
        assert_eq!((explanation.answer.rcode.as_str(), explanation.names.len()), (rcode, names), "{owner} {rtype}");
        let last = explanation.names.last().expect("a name");
        assert!(last.why.ends_with(why), "{owner} {rtype}: {}", last.why);
        assert!(explanation.steering.is_none());
    }
}

#[test]
fn a_database_that_has_changed_says_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    for file in ["config/windrose.toml", "zones/example.com.zone", "zones/example.com.toml", "geo/country.mmdb"] {
        let to = folder.path().join(file);
        std::fs::create_dir_all(to.parent().expect("a folder")).expect("made");
        std::fs::copy(repository(file), to).expect("copied");
    }
    let database = folder.path().join("geo/country.mmdb");
    let snapshot = support::healthy(load(&folder.path().join("config/windrose.toml")));
    let question = question("www.example.com", Rtype::A, Some("8.8.8.0/24"));
    let before = explain(&snapshot, &question, NOW, &|_| None).expect("explained").steering.expect("steered");
    assert_eq!(before.client.location.as_ref().and_then(|location| location.country.as_deref()), Some("US"));
    assert_eq!(before.client.databases[0].sha256.len(), 64);
    for change in [Some(b"something else".as_slice()), None] {
        match change {
            Some(bytes) => std::fs::write(&database, bytes).expect("written"),
            None => std::fs::remove_file(&database).expect("removed"),
        }
        let explanation = explain(&snapshot, &question, NOW, &|_| None).expect("explained");
        let after = explanation.steering.as_ref().expect("steered");
        let facts = &after.client.databases[0];
        assert!(after.client.location.is_none() && facts.says.is_none() && facts.network.is_none());
        assert!(facts.problem.is_some(), "{facts:?}");
        assert!(after.pools.iter().all(|pool| pool.estimate.as_ref().is_some_and(|own| own.parts.is_none())));
        let rules = |facts: &SteeringFacts| facts.rules.iter().map(|rule| rule.matched).collect::<Vec<_>>();
        assert_eq!((rules(after), after.rules.len()), (rules(&before), 2));
        assert!(render(&explanation).contains("a database file is not the one that was loaded"));
    }
}

#[test]
fn json_carries_everything() {
    let snapshot = support::healthy(shipped());
    let explanation = explain(&snapshot, &question("www.example.com", Rtype::A, Some("141.20.1.2")), NOW, &|_| None);
    let explanation = explanation.expect("explained");
    let json = serde_json::to_string(&explanation).expect("plain data");
    assert_eq!(serde_json::from_str::<Explanation>(&json).expect("what was written"), explanation);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["query"]["client_subnet"], "141.20.1.0/24");
    assert_eq!(json["steering"]["client"]["location"]["country"], "DE");
    assert_eq!(json["steering"]["pools"][0]["fate"], "answers");
    assert_eq!(json["steering"]["ttl"]["seconds"], 300);
    assert_eq!(json["answer"]["rcode"], "NOERROR");
}

fn windrose(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_windrose")).arg("explain").args(args).output().expect("windrose runs")
}

#[test]
fn the_command_explains_files() {
    let run = windrose(&["www.example.com", "--client", "141.20.1.2", "--offline", "--down", "*/web-eu/*", "--json"]);
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let explanation: Explanation = serde_json::from_slice(&run.stdout).expect("JSON");
    let steering = explanation.steering.expect("steered");
    let fates: Vec<(String, FateFact)> = steering.pools.into_iter().map(|pool| (pool.pool, pool.fate)).collect();
    assert_eq!(fates[0], ("example.com/web-eu".into(), FateFact::NothingUsable));
    assert_eq!(fates[1], ("example.com/web-us".into(), FateFact::Answers));
    assert!(explanation.assumed.is_some_and(|assumed| assumed.ends_with("but */web-eu/*")));
    assert_eq!(steering.ttl.seconds, 30);
}

#[test]
fn the_command_refuses_what_it_cannot_explain() {
    for (args, said) in [
        (&["www.example.com", "--offline", "--down", "example.com/web-eu/fra"][..], "near it: example.com/web-eu/fra1"),
        (&["www.example.com", "AXFR", "--offline"], "AXFR is answered with a refusal"),
        (&["www.example.com", "--offline", "--config", "nowhere.toml"], "cannot read nowhere.toml"),
        (&["www.example.com", "--client", "141.20.1.2/33", "--offline"], "the prefix is longer than the address"),
        (&["www.example.com", "NONE", "--offline"], "there is no record type"),
        (&["www.example.com", "--down", "*"], "--offline"),
    ] {
        let run = windrose(args);
        let text = String::from_utf8_lossy(&run.stderr).into_owned();
        assert!(!run.status.success() && text.contains(said), "{args:?}: {text}");
    }
}
