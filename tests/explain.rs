//! What is explained is what is answered: random clients on random boards, and transcripts that were calculated by hand.

mod support;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, LazyLock};

use hickory_proto::op::Message;
use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};
use support::{Engine, all_up, load, query, repository, shipped};
use windrose::base::{Millis, Mono, Now, Prefix};
use windrose::control::explain::{
    Databases, Explanation, FateFact, OutcomeFact, ProbeFacts, Question, VariantFacts, explain, explain_with, render,
};
use windrose::health::{Board, Forced, Machine, Outcome, ProbeKey, Reason, TargetView, Verdict};
use windrose::snapshot::{Loaded, Snapshot};
use windrose::wire::{Name, Rtype};

/// Boards and clients on each: 10,000 pairs.
const BOARDS: usize = 50;
const CLIENTS: usize = 200;

/// Every so many pairs, the answers are drawn often enough to meet each variant and to see its chance.
const SAMPLED: usize = 50;
const DRAWS: usize = 1500;

fn policies() -> Arc<Loaded> {
    static LOADED: LazyLock<Arc<Loaded>> = LazyLock::new(|| load(&repository("tests/explain/windrose.toml")));
    Arc::clone(&LOADED)
}

fn long() -> bool {
    std::env::var_os("WINDROSE_LONG").is_some_and(|value| !value.is_empty())
}

fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

fn question(owner: &str, rtype: Rtype, client: Option<&str>) -> Question {
    let client = client.map(|client| Question::parse_client(client).expect("a client"));
    Question { name: name(owner), rtype, client, resolver: None }
}

const NOW: Now = Now { wall: 1_780_000_000, mono: Mono(600_000_000) };

/// Probed targets that are up, down or unknown, some slow, some forced; more of one kind on each board.
fn random_board(loaded: &Loaded, random: &mut fastrand::Rng) -> Board {
    let trouble = if random.u8(..) < 90 { random.u32(90..=100) } else { random.u32(0..100) };
    let (unknown, forced) = (random.bool(), random.u32(0..100) < 30);
    let mut board = all_up(loaded);
    for (id, target) in loaded.steering.targets.iter_ids() {
        let view = &mut board.targets[id];
        if target.key.is_some() {
            let bad = random.u32(0..100) < trouble;
            *view = TargetView {
                verdict: match bad {
                    true if unknown && random.bool() => Verdict::Unknown,
                    true => Verdict::Down,
                    false => Verdict::Up,
                },
                forced: None,
                latency: random.bool().then(|| Millis(random.f32() * 80.0)),
                slowness: Millis([0.0, 0.0, 0.0, 10.0, 25.0, 50.0][random.usize(..6)]),
                last_failure: (random.u8(..) < 20).then(|| Mono(NOW.mono.0 - random.u64(..400_000))),
            };
        }
        if forced && random.u8(..) < 60 {
            view.forced = Some([Forced::Up, Forced::Down, Forced::Drained][random.usize(..3)]);
        }
    }
    board
}

/// Addresses of all kinds: anywhere, in networks that rules name, special-purpose, with IPv4 inside.
fn random_addr(random: &mut fastrand::Rng) -> IpAddr {
    const HEADS: [&str; 18] = [
        "10.0.0.0/8", "192.0.2.0/24", "127.0.0.0/8", "9.9.9.9/32", "133.0.0.0/8", "141.20.0.0/16", "196.0.0.0/8", "8.0.0.0/8",
        "200.0.0.0/8", "2001:db8::/32", "2a02::/16", "2400::/12", "2600::/12", "::ffff:0:0/96", "64:ff9b::/96",
        "2002::/16", "fe80::/10", "2001::/32",
    ];
    let bits = random.u128(..);
    match random.usize(..HEADS.len() + 6) {
        at if at < HEADS.len() => {
            let head: Prefix = HEADS[at].parse().expect("a prefix");
            match head.addr() {
                IpAddr::V4(v4) => {
                    let host = u32::MAX.checked_shr(head.len().into()).unwrap_or(0);
                    IpAddr::from((v4.to_bits() | bits as u32 & host).to_be_bytes())
                }
                IpAddr::V6(v6) => IpAddr::from((v6.to_bits() | bits & (u128::MAX >> head.len())).to_be_bytes()),
            }
        }
        at if at % 3 == 0 => IpAddr::from((bits >> 3 | 1 << 125).to_be_bytes()), // 2000::/3
        _ => IpAddr::from((bits as u32).to_be_bytes()),
    }
}

/// Client Subnet of any length; of the resolver alone now and then.
fn random_question(owner: &str, rtype: Rtype, random: &mut fastrand::Rng) -> Question {
    let addr = random_addr(random);
    let widths = if addr.is_ipv4() { [0, 8, 16, 24, 24, 32, 19] } else { [0, 20, 32, 48, 56, 128, 61] };
    let client = (random.u8(..) > 40).then(|| Prefix::around(addr, widths[random.usize(..7)]));
    let resolver = (random.u8(..) > 60).then(|| random_addr(random));
    Question { name: name(owner), rtype, client, resolver }
}

/// The data of the answer section's records behind its CNAME chain, in order, with TTL and scope.
fn answered(message: &Message, aliases: usize) -> (Vec<String>, Vec<u32>, Option<u8>) {
    let records = message.answers.iter().skip(aliases);
    let mut data: Vec<String> = records.clone().map(|record| record.data.to_string()).collect();
    data.sort();
    let scope = message.edns.as_ref().and_then(|edns| match edns.option(EdnsCode::Subnet)? {
        EdnsOption::Subnet(subnet) => Some(subnet.scope_prefix()),
        _ => None,
    });
    (data, records.map(|record| record.ttl).collect(), scope)
}

fn sorted(variant: &VariantFacts) -> Vec<String> {
    let mut data = variant.data.clone();
    data.sort();
    data
}

/// Chances by answer; two pools may hold the same addresses.
fn chances(explanation: &Explanation) -> BTreeMap<Vec<String>, f64> {
    let mut chances = BTreeMap::new();
    for variant in &explanation.answer.variants {
        *chances.entry(sorted(variant)).or_default() += variant.chance;
    }
    chances
}

/// Asks the engine itself, decoded by another implementation, and compares.
fn compare(engine: &mut Engine, question: &Question, explanation: &Explanation, draws: usize) {
    engine.source.set_ip(explanation.query.resolver);
    let subnet = question.client.map(|client| (client.addr(), client.len()));
    let query = query(&question.name.to_string(), question.rtype, subnet);
    let what = || format!("{question:?}\n{}", render(explanation));
    let steering = explanation.steering.as_ref().expect("a policy decides");
    let chances = chances(explanation);
    let mut met: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    for _ in 0..draws {
        let message = engine.message(&query);
        let (data, ttls, scope) = answered(&message, explanation.names.len() - 1);
        assert_eq!(scope, steering.scope.length.filter(|_| question.client.is_some()), "scope of {}", what());
        assert!(ttls.iter().all(|&ttl| ttl == steering.ttl.seconds), "TTL {ttls:?} of {}", what());
        assert_eq!(u16::from(message.metadata.response_code), u16::from(explanation.answer.rcode == "SERVFAIL") * 2);
        *met.entry(data).or_default() += 1;
    }
    match steering.outcome {
        OutcomeFact::Healthy | OutcomeFact::Degraded | OutcomeFact::AllDown => {
            let total: f64 = chances.values().sum();
            assert!((total - 1.0).abs() < 1e-6, "chances of {total} in {}", what());
            for data in met.keys() {
                assert!(chances.get(data).is_some_and(|&chance| chance > 0.0), "{data:?} is not in {}", what());
            }
            if draws == DRAWS {
                all_variants_occur(&chances, &met, &what);
            }
        }
        _ => {
            let records = explanation.answer.records.iter().filter(|record| record.section == "answer");
            let mut data: Vec<String> = records.skip(explanation.names.len() - 1).map(|record| record.data.clone()).collect();
            data.sort();
            assert_eq!(met.into_keys().collect::<Vec<_>>(), [data], "{}", what());
            assert!(chances.is_empty());
        }
    }
}

/// Every variant is met, about as often as its chance says: within five standard deviations.
fn all_variants_occur(chances: &BTreeMap<Vec<String>, f64>, met: &BTreeMap<Vec<String>, usize>, what: &dyn Fn() -> String) {
    let draws = DRAWS as f64;
    for (data, &chance) in chances {
        let count = met.get(data).copied().unwrap_or(0) as f64;
        let deviation = (draws * chance * (1.0 - chance)).sqrt();
        let near = (count - draws * chance).abs() <= 5.0 * deviation + 2.0;
        assert!(near, "{data:?} has a chance of {chance} and came {count} times of {DRAWS} in {}", what());
        assert!(count > 0.0 || draws * chance < 12.0, "{data:?} never came in {}", what());
    }
}

fn explains_what_is_answered(loaded: &Arc<Loaded>, owners: &[&str], boards: usize, seed: u64) -> BTreeMap<String, usize> {
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut pair, mut outcomes) = (0, BTreeMap::new());
    let databases = Databases::read(&Snapshot::build(Arc::clone(loaded), all_up(loaded), 0));
    for generation in 0..boards {
        let board = random_board(loaded, &mut random);
        let snapshot = Snapshot::build(Arc::clone(loaded), board, generation as u64);
        let mut engine = Engine::new(snapshot, random.u64(..));
        engine.now = NOW;
        for _ in 0..CLIENTS {
            let owner = owners[random.usize(..owners.len())];
            let rtype = if owner.starts_with("v4") || random.bool() { Rtype::A } else { Rtype::AAAA };
            let question = random_question(owner, rtype, &mut random);
            let explanation = explain_with(&engine.snapshot, &databases, &question, NOW, &|_| None);
            let explanation = explanation.unwrap_or_else(|error| panic!("{question:?}: {error}"));
            let draws = if pair % SAMPLED == 0 { DRAWS } else { 4 };
            compare(&mut engine, &question, &explanation, draws);
            let steering = explanation.steering.as_ref().expect("checked");
            *outcomes.entry(format!("{:?}", steering.outcome)).or_default() += 1;
            for pool in &steering.pools {
                *outcomes.entry(format!("{:?}", pool.fate)).or_default() += 1;
                assert_eq!(pool.fate == FateFact::Answers, pool.share > 0.0, "{}", render(&explanation));
            }
            pair += 1;
        }
    }
    outcomes
}

#[test]
fn random_clients_on_random_boards_with_policies_of_every_kind() {
    let owners = [
        "near.example.net.", "all.example.net.", "draw.example.net.", "tiers.example.net.", "sticky.example.net.",
        "once.example.net.", "rules.example.net.", "x.y.resolver.example.net.", "name.example.net.", "v4.example.net.",
        "alias.example.net.",
    ];
    let boards = BOARDS * 7 / 10 * if long() { 10 } else { 1 };
    let outcomes = explains_what_is_answered(&policies(), &owners, boards, 1);
    // the boards are bad enough to see each
    for word in [
        "Healthy", "Degraded", "AllDown", "LastResort", "NoData", "ServFail", "LastResortOrFail", "Answers", "LacksFamily",
        "NothingUsable", "NotEnough", "BehindFirst", "TooFar", "LaterTier",
    ] {
        assert!(outcomes.get(word).is_some_and(|&count| count >= 5), "{word} is rare: {outcomes:?}");
    }
}

#[test]
fn random_clients_on_random_boards_with_the_shipped_configuration() {
    let owners = ["www.example.com.", "example.com.", "eu.www.example.com.", "a.b.edge.example.com.", "docs.example.com."];
    let boards = BOARDS * 3 / 10 * if long() { 10 } else { 1 };
    explains_what_is_answered(&shipped(), &owners, boards, 2);
}

#[test]
fn names_that_no_policy_decides_are_explained() {
    let snapshot = support::healthy(policies());
    let databases = Databases::read(&snapshot);
    for (owner, rtype, rcode, names, why) in [
        ("text.example.net", Rtype::TXT, "NOERROR", 1, "it is not steered; it has static records of type TXT"),
        ("text.example.net", Rtype::A, "NOERROR", 1, "it is not steered; it has no records of type A"),
        ("near.example.net", Rtype::MX, "NOERROR", 1, "steered, but its policy decides A and AAAA only; it has no records of type MX"),
        ("v4.example.net", Rtype::AAAA, "NOERROR", 1, "steered, but its policy decides A only; it has no records of type AAAA"),
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
    for file in ["windrose.toml", "zones/example.net.zone", "zones/example.net.toml"] {
        let to = folder.path().join(file);
        std::fs::create_dir_all(to.parent().expect("a folder")).expect("made");
        std::fs::copy(repository("tests/explain").join(file), to).expect("copied");
    }
    let database = folder.path().join("country.mmdb");
    std::fs::copy(repository("geo/country.mmdb"), &database).expect("copied");
    let config = folder.path().join("windrose.toml");
    let text = std::fs::read_to_string(&config).expect("text").replace("../../geo/", "");
    std::fs::write(&config, text).expect("written");
    let snapshot = support::healthy(load(&config));
    let question = question("rules.example.net", Rtype::A, Some("8.8.8.0/24"));
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
        let rules = |facts: &windrose::control::explain::SteeringFacts| facts.rules.iter().map(|rule| rule.matched).collect::<Vec<_>>();
        assert_eq!((rules(after), after.rules.len()), (rules(&before), 4));
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

/// What probes found of the endpoints in Frankfurt: down since 42 seconds, refused ever since; everything else is up.
fn frankfurt_is_down(key: &ProbeKey) -> Option<ProbeFacts> {
    let before = |seconds: u64| Now { wall: NOW.wall - seconds, mono: Mono(NOW.mono.0 - seconds * 1000) };
    let mut machine = Machine::new(before(3700));
    let expiry = NOW.wall + 40 * 86_400;
    let success = Outcome::Success { latency: Millis(12.0), certificate_expiry: Some(expiry) };
    machine.apply(&key.check, success.clone(), before(3700), before(3700));
    for seconds in [52, 47] {
        machine.apply(&key.check, success.clone(), before(seconds), before(seconds));
    }
    let dead = key.addr.to_string().starts_with("192.0.2.") || key.addr.to_string().starts_with("2001:db8::");
    for seconds in [43, 42, 37, 2] {
        let outcome = if dead { Outcome::Failure(Reason::Refused) } else { success.clone() };
        machine.apply(&key.check, outcome, before(seconds), before(seconds));
    }
    Some(ProbeFacts::of(&machine, NOW))
}

/// The board that these probes lead to.
fn frankfurt_board(loaded: &Loaded) -> Board {
    let mut board = all_up(loaded);
    for (id, target) in loaded.steering.targets.iter_ids() {
        let Some(facts) = target.key.as_ref().and_then(frankfurt_is_down) else { continue };
        board.targets[id].latency = Some(Millis(12.0));
        if facts.verdict == "down" {
            board.targets[id].verdict = Verdict::Down;
            board.targets[id].last_failure = Some(Mono(NOW.mono.0 - 2000));
        }
    }
    board
}

/// Compares with a file of `tests/explain`; WINDROSE_BLESS=1 writes it instead.
fn transcript(file: &str, command: &str, snapshot: &Snapshot, question: &Question, probed: bool) {
    let probes = |key: &ProbeKey| probed.then(|| frankfurt_is_down(key)).flatten();
    let mut explanation = explain(snapshot, question, NOW, &probes).expect("explained");
    explanation.assumed = (!probed).then(|| "from the files, with every endpoint taken as up".into());
    let text = format!("$ windrose explain {command}\n\n{}", render(&explanation));
    let path = repository("tests/explain").join(file);
    if std::env::var_os("WINDROSE_BLESS").is_some() {
        std::fs::write(&path, &text).expect("written");
    }
    assert_eq!(std::fs::read_to_string(&path).expect("the transcript"), text, "{file}");
}

#[test]
fn transcripts() {
    // paths in the text are as they were given: relative to the repository, where tests run
    let shipped = load(Path::new("config/windrose.toml"));
    let healthy = support::healthy(Arc::clone(&shipped));
    let resolver = Some("133.11.0.1".parse().expect("an address"));
    let cases = [
        ("eu.txt", "www.example.com --client 141.20.1.2 --offline", question(WWW, Rtype::A, Some("141.20.1.2"))),
        (
            "source-0.txt",
            "www.example.com AAAA --client 141.20.1.2/0 --resolver 133.11.0.1 --offline",
            Question { resolver, ..question(WWW, Rtype::AAAA, Some("141.20.1.2/0")) },
        ),
        ("unlocated.txt", "www.example.com --client 192.168.1.7 --offline", question(WWW, Rtype::A, Some("192.168.1.7"))),
        ("not-steered.txt", "mail.example.com --offline", question("mail.example.com", Rtype::A, None)),
    ];
    for (file, command, question) in &cases {
        transcript(file, command, &healthy, question, false);
    }
    let down = Snapshot::build(Arc::clone(&shipped), frankfurt_board(&shipped), 17);
    transcript("down.txt", "www.example.com --client 141.20.1.2", &down, &cases[0].2, true);
    let sticky = support::healthy(load(Path::new("tests/explain/windrose.toml")));
    let command = "once.example.net --client 141.20.1.2 --offline --config tests/explain/windrose.toml";
    transcript("sticky.txt", command, &sticky, &question("once.example.net", Rtype::A, Some("141.20.1.2")), false);
}

const WWW: &str = "www.example.com";

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
