//! Random clients on random boards: whatever is answered was explained, and whatever was explained is answered.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use hickory_proto::op::Message;
use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};
use windrose::base::{Millis, Mono, Prefix};
use windrose::control::explain::{
    Databases, Explanation, FateFact, OutcomeFact, Question, VariantFacts, explain_with, render,
};
use windrose::health::{Board, Forced, TargetView, Verdict};
use windrose::snapshot::{Loaded, Snapshot};
use windrose::wire::Rtype;

use super::support::{Engine, all_up, query, shipped};
use super::{NOW, name, policies};

/// Boards and clients on each: 10,000 pairs.
const BOARDS: usize = 50;
const CLIENTS: usize = 200;

/// Every so many pairs, the answers are drawn often enough to meet each variant and to see its chance.
const SAMPLED: usize = 100;
const DRAWS: usize = 1500;

fn long() -> bool {
    std::env::var_os("WINDROSE_LONG").is_some_and(|value| !value.is_empty())
}

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
        "10.0.0.0/8",
        "192.0.2.0/24",
        "127.0.0.0/8",
        "9.9.9.9/32",
        "133.0.0.0/8",
        "141.20.0.0/16",
        "196.0.0.0/8",
        "8.0.0.0/8",
        "200.0.0.0/8",
        "2001:db8::/32",
        "2a02::/16",
        "2400::/12",
        "2600::/12",
        "::ffff:0:0/96",
        "64:ff9b::/96",
        "2002::/16",
        "fe80::/10",
        "2001::/32",
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
            let mut data: Vec<String> =
                records.skip(explanation.names.len() - 1).map(|record| record.data.clone()).collect();
            data.sort();
            assert_eq!(met.into_keys().collect::<Vec<_>>(), [data], "{}", what());
            assert!(chances.is_empty());
        }
    }
}

/// Every variant is met, about as often as its chance says: within five standard deviations.
fn all_variants_occur(
    chances: &BTreeMap<Vec<String>, f64>,
    met: &BTreeMap<Vec<String>, usize>,
    what: &dyn Fn() -> String,
) {
    let draws = DRAWS as f64;
    for (data, &chance) in chances {
        let count = met.get(data).copied().unwrap_or(0) as f64;
        let deviation = (draws * chance * (1.0 - chance)).sqrt();
        let near = (count - draws * chance).abs() <= 5.0 * deviation + 2.0;
        assert!(near, "{data:?} has a chance of {chance} and came {count} times of {DRAWS} in {}", what());
        assert!(count > 0.0 || draws * chance < 12.0, "{data:?} never came in {}", what());
    }
}

fn explains_what_is_answered(
    loaded: &Arc<Loaded>,
    owners: &[&str],
    boards: usize,
    seed: u64,
) -> BTreeMap<String, usize> {
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
        "near.example.net.",
        "all.example.net.",
        "draw.example.net.",
        "tiers.example.net.",
        "sticky.example.net.",
        "once.example.net.",
        "rules.example.net.",
        "x.y.resolver.example.net.",
        "name.example.net.",
        "v4.example.net.",
        "alias.example.net.",
    ];
    let boards = BOARDS * 7 / 10 * if long() { 10 } else { 1 };
    let outcomes = explains_what_is_answered(&policies(), &owners, boards, 1);
    // the boards are bad enough to see each
    for word in [
        "Healthy",
        "Degraded",
        "AllDown",
        "LastResort",
        "NoData",
        "ServFail",
        "LastResortOrFail",
        "Answers",
        "LacksFamily",
        "NothingUsable",
        "NotEnough",
        "BehindFirst",
        "TooFar",
        "LaterTier",
    ] {
        assert!(outcomes.get(word).is_some_and(|&count| count >= 5), "{word} is rare: {outcomes:?}");
    }
}

#[test]
fn random_clients_on_random_boards_with_the_shipped_configuration() {
    let owners =
        ["www.example.com.", "example.com.", "eu.www.example.com.", "a.b.edge.example.com.", "docs.example.com."];
    let boards = BOARDS * 3 / 10 * if long() { 10 } else { 1 };
    explains_what_is_answered(&shipped(), &owners, boards, 2);
}
