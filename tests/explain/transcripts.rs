//! What the command prints, kept as files beside this one; each was read and calculated by hand.

use std::path::Path;
use std::sync::Arc;

use windrose::base::{Millis, Mono, Now};
use windrose::control::explain::{ProbeFacts, Question, explain, render};
use windrose::health::{Board, Machine, Outcome, ProbeKey, Reason, Verdict};
use windrose::snapshot::{Loaded, Snapshot};
use windrose::wire::Rtype;

use super::support::{self, all_up, load, repository};
use super::{NOW, policies, question};

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
        (
            "unlocated.txt",
            "www.example.com --client 192.168.1.7 --offline",
            question(WWW, Rtype::A, Some("192.168.1.7")),
        ),
        ("not-steered.txt", "mail.example.com --offline", question("mail.example.com", Rtype::A, None)),
    ];
    for (file, command, question) in &cases {
        transcript(file, command, &healthy, question, false);
    }
    let down = Snapshot::build(Arc::clone(&shipped), frankfurt_board(&shipped), 17);
    transcript("down.txt", "www.example.com --client 141.20.1.2", &down, &cases[0].2, true);
    let sticky = support::healthy(policies());
    let command = "once.example.net --client 141.20.1.2 --offline --config tests/explain/windrose.toml";
    transcript("sticky.txt", command, &sticky, &question("once.example.net", Rtype::A, Some("141.20.1.2")), false);
}

const WWW: &str = "www.example.com";
