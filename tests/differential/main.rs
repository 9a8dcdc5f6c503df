//! Asks Windrose, NSD and Knot the same about the same zones. Where the two others agree, Windrose agrees with them; where
//! they do not, with one of them; what is meant otherwise stands in `excuses.txt`. Zones and queries follow from fixed
//! seeds: about 100,000 queries, with `WINDROSE_LONG` ten times as many. `WINDROSE_SEED` takes another seed.
//!
//! | file       | subject                                                                  |
//! |------------|--------------------------------------------------------------------------|
//! | `generate` | which zones there are; `scenes`, `soup` and `types`: what stands in them |
//! | `queries`  | what is asked; `mangled`: what is no query                               |
//! | `peers`    | the three servers                                                        |
//! | `ask`      | sockets                                                                  |
//! | `message`  | responses in a form that can be compared                                 |
//! | `engine`   | what was made ready at load against what is composed for a query          |
//! | `compare`  | what counts as a difference; `excuses`: what is meant                    |
//! | `report`   | differences by class, each with an example                               |
#![allow(clippy::unwrap_used, reason = "a test that fails should fail where it stands")]
#![allow(clippy::print_stderr, reason = "a test may say what it did")]
#![allow(clippy::disallowed_methods, reason = "the test reads the clock")]

mod ask;
mod compare;
mod engine;
mod excuses;
mod generate;
mod mangled;
mod message;
mod names;
mod peers;
#[path = "../support/process.rs"]
mod process;
mod queries;
mod report;
mod scenes;
mod soup;
mod types;
mod zone;

use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use fastrand::Rng;
use libtest_mimic::{Arguments, Failed, Trial};

use ask::Client;
use compare::Outcome;
use excuses::Excuse;
use generate::Universe;
use peers::Peers;
use queries::Query;
use report::Report;

/// The seeds; the first alone unless there is time.
const SEEDS: [u64; 10] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
/// How many zones there are at least in a universe.
const ZONES: [usize; 2] = [60, 3];
/// How many queries there are for a seed and universe.
const QUERIES: [usize; 2] = [100_000, 3_500];
/// How many of each kind that servers treat in ways of their own.
const SPECIAL: [usize; 2] = [40, 4];
/// How many of each kind that are no queries.
const MANGLED: [usize; 2] = [12, 0];
/// How many threads ask: while one waits, others compare.
const ASKERS: usize = 3;
/// How many queries a thread takes at a time.
const BATCH: usize = 960;

fn main() -> ExitCode {
    let missing: Vec<&str> = ["nsd", "knotd"].into_iter().filter(|name| process::tool(name).is_none()).collect();
    let required = std::env::var_os("WINDROSE_REQUIRE_TOOLS").is_some();
    let there = missing.is_empty();
    let trial = Trial::test("nsd_and_knot_answer_alike", move || {
        if there { differential() } else { Err("needs nsd and knotd: apt-get install nsd knot".into()) }
    });
    let trial = if there { trial } else { trial.with_kind("needs nsd knot").with_ignored_flag(!required) };
    let ready = Trial::test("ready_answers_are_what_is_composed", ready_is_composed);
    libtest_mimic::run(&Arguments::from_args(), vec![trial, ready]).exit_code()
}

fn ready_is_composed() -> Result<(), Failed> {
    let (mut count, mut all) = (0, 0);
    for (at, universe) in generate::universes(SEEDS[0]).iter().enumerate() {
        let mut asked = queries(universe, SEEDS[0], at);
        asked.extend(mangled::mangled(&universe.zones, &mut Rng::with_seed(SEEDS[0]), MANGLED[at]));
        count += engine::ready_is_composed(universe, &asked)?;
        all += asked.len();
    }
    eprintln!("{count} of {all} queries have a place in what is ready");
    Ok(())
}

fn differential() -> Result<(), Failed> {
    let seeds = match std::env::var("WINDROSE_SEED") {
        Ok(seed) => vec![seed.parse().unwrap()],
        Err(_) if std::env::var_os("WINDROSE_LONG").is_some() => SEEDS.to_vec(),
        Err(_) => SEEDS[..1].to_vec(),
    };
    let excuses = excuses::read();
    let (start, mut report) = (Instant::now(), Report::default());
    for &seed in &seeds {
        for (at, universe) in generate::universes(seed).iter().enumerate() {
            assert!(universe.zones.len() >= ZONES[at], "{} zones", universe.zones.len());
            let asked = queries(universe, seed, at);
            let spoilt = mangled::mangled(&universe.zones, &mut Rng::with_seed(seed), MANGLED[at]);
            report.merge(compare_all(universe, &asked, &spoilt, &excuses));
        }
    }
    if seeds.contains(&SEEDS[0]) {
        report.complaints.extend(excuses.iter().filter_map(|excuse| excuse.complaint(seeds.len())));
    }
    eprintln!("{} queries in {:.1?}", report.asked, start.elapsed());
    excuses.iter().for_each(|excuse| eprintln!("excused: {}", excuse.summary()));
    report.verdict().map_err(Failed::from)
}

/// All that is asked about a universe's zones.
fn queries(universe: &Universe, seed: u64, at: usize) -> Vec<Query> {
    let mut rng = Rng::with_seed(seed ^ 0x5eed);
    let mut asked: Vec<Query> = queries::thorough(&universe.zones, &mut rng).collect();
    asked.extend(queries::special(&universe.zones, &mut rng, SPECIAL[at]));
    while asked.len() < QUERIES[at] {
        asked.push(queries::random(&universe.zones, &mut rng));
    }
    asked
}

/// Asks the three servers everything, with several threads.
fn compare_all(universe: &Universe, asked: &[Query], spoilt: &[Query], excuses: &[Excuse]) -> Report {
    let peers = Peers::start(universe);
    let next = AtomicUsize::new(0);
    let ask = || {
        let mut clients = peers.addresses.map(Client::new);
        let mut report = Report::default();
        loop {
            let start = next.fetch_add(BATCH, Ordering::Relaxed);
            let Some(batch) = asked.get(start..asked.len().min(start + BATCH)).filter(|batch| !batch.is_empty()) else {
                return report;
            };
            compare_batch(universe, batch, &mut clients, excuses, &mut report);
        }
    };
    let ask_spoilt = || {
        let mut report = Report::default();
        compare_batch(universe, spoilt, &mut peers.addresses.map(Client::impatient), excuses, &mut report);
        report
    };
    let mut report = Report::default();
    thread::scope(|scope| {
        let spoilt = scope.spawn(ask_spoilt);
        let askers: Vec<_> = (0..ASKERS).map(|_| scope.spawn(ask)).collect();
        askers.into_iter().for_each(|asker| report.merge(asker.join().unwrap()));
        report.merge(spoilt.join().unwrap());
    });
    report
}

fn compare_batch(
    universe: &Universe,
    batch: &[Query],
    clients: &mut [Client; 3],
    excuses: &[Excuse],
    report: &mut Report,
) {
    for tcp in [false, true] {
        let asked: Vec<&Query> = batch.iter().filter(|query| query.tcp == tcp).collect();
        let octets: Vec<Vec<u8>> = asked.iter().enumerate().map(|(at, query)| query.octets(at as u16)).collect();
        let octets: Vec<&[u8]> = octets.iter().map(Vec::as_slice).collect();
        let [ours, nsd, knot] =
            clients.each_mut().map(|client| if tcp { client.over_tcp(&octets) } else { client.over_udp(&octets) });
        for (((query, ours), nsd), knot) in asked.iter().zip(ours).zip(nsd).zip(knot) {
            report.take(universe, query, &[ours, nsd, knot].map(Outcome::new), excuses);
        }
    }
}
