//! Tests of the machine: tables of sequences, and §5.8's promises by simulation.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::base::Millis;
use crate::health::{CheckKind, Phase};

const fn at(mono: u64) -> Now {
    Now { wall: 1_700_000_000 + mono / 1000, mono: Mono(mono) }
}

fn check(fall: u32, rise: u32) -> Check {
    Check {
        kind: CheckKind::Tcp,
        interval: Duration::from_secs(5),
        timeout: Duration::from_secs(2),
        fall,
        rise,
        recheck: Duration::from_millis(500),
    }
}

/// The outcome a letter stands for: `s`uccess, `f`ailure, own `t`rouble.
fn outcome(letter: char) -> Outcome {
    match letter {
        's' => Outcome::Success { latency: Millis(10.0), certificate_expiry: None },
        'f' => Outcome::Failure(Reason::Refused),
        _ => Outcome::OwnTrouble("too many open files".into()),
    }
}

/// Verdicts after each outcome, a letter each.
fn verdicts(fall: u32, rise: u32, outcomes: &str) -> String {
    let mut machine = Machine::new(at(0));
    let verdict_after = |(n, letter)| {
        machine.apply(&check(fall, rise), outcome(letter), at(n as u64 * 5000), at(n as u64 * 5000 + 10));
        match machine.verdict() {
            Verdict::Unknown => '?',
            Verdict::Up => 'u',
            Verdict::Down => 'd',
        }
    };
    outcomes.chars().enumerate().map(verdict_after).collect()
}

#[test]
fn sequences() {
    let table = [
        (2, 2, "s", "u"),
        (2, 2, "f", "d"),
        (2, 2, "sfsfsff", "uuuuuud"),
        (2, 2, "fsfss", "ddddu"),
        (1, 1, "sfsf", "udud"),
        (3, 2, "sffsfff", "uuuuuud"),
        (3, 2, "fsss", "dduu"),
        (2, 3, "ffsssff", "dddduud"),
        (2, 2, "tts", "??u"),
        (2, 2, "tf", "?d"),
        (2, 2, "sftf", "uuud"),
        (2, 2, "fstts", "ddddu"),
        (2, 2, "sttt", "uuuu"),
    ];
    for (fall, rise, outcomes, expected) in table {
        assert_eq!(verdicts(fall, rise, outcomes), expected, "fall {fall} rise {rise} {outcomes}");
    }
}

#[test]
fn next_start_follows_the_rules() {
    let check = check(3, 2);
    let mut machine = Machine::new(at(0));
    let mut after = |letter, started, ended| {
        machine.apply(&check, outcome(letter), at(started), at(ended));
        machine.next_start(&check, Mono(started), Mono(ended)).0
    };
    assert_eq!(after('s', 1000, 1010), 6000, "interval from start to start");
    assert_eq!(after('s', 6000, 12_500), 12_500, "at once where the probe ran longer");
    assert_eq!(after('f', 12_500, 14_500), 15_000, "recheck from the end, first failure");
    assert_eq!(after('t', 15_000, 15_001), 20_000, "own trouble: the interval");
    assert_eq!(after('f', 20_000, 22_000), 22_500, "recheck from the end, second failure");
    assert_eq!(after('f', 22_500, 24_500), 27_500, "down: the interval");
    assert_eq!(after('f', 27_500, 29_500), 32_500, "down: the interval");
    assert_eq!(after('s', 32_500, 32_510), 37_500, "rising: the interval");
}

#[test]
fn a_new_target_that_fails_waits_the_interval() {
    let mut machine = Machine::new(at(0));
    let applied = machine.apply(&check(3, 2), outcome('f'), at(0), at(10));
    assert_eq!(applied.verdict_changed, Some((Verdict::Unknown, Verdict::Down)));
    assert_eq!(machine.next_start(&check(3, 2), Mono(0), Mono(10)), Mono(5000));
}

#[test]
fn applied_tells_what_changed() {
    let mut machine = Machine::new(at(0));
    let first = machine.apply(&check(2, 2), outcome('s'), at(0), at(10));
    assert_eq!(first.verdict_changed, Some((Verdict::Unknown, Verdict::Up)));
    assert!(first.latency_changed);
    assert_eq!(machine.apply(&check(2, 2), outcome('s'), at(5000), at(5010)), Applied::default());
    let failed = machine.apply(&check(2, 2), outcome('f'), at(10_000), at(10_010));
    assert_eq!(failed, Applied { unsettled: true, ..Applied::default() });
    assert_eq!(machine.view().last_failure, Some(Mono(10_010)));
    assert_eq!(machine.reason(), Some(&Reason::Refused));
    let fallen = machine.apply(&check(2, 2), outcome('f'), at(10_510), at(10_520));
    assert_eq!(fallen.verdict_changed, Some((Verdict::Up, Verdict::Down)));
    assert_eq!(machine.since(), at(10_520));
    for n in 0..10 {
        assert!(!machine.apply(&check(2, 2), outcome('f'), at(20_000 + n), at(20_000 + n)).unsettled);
    }
    assert_eq!(machine.recent().len(), RECENT);
}

#[test]
fn own_trouble_counts_as_tried_and_holds_the_view() {
    let mut machine = Machine::new(at(0));
    assert!(!machine.is_tried());
    machine.apply(&check(2, 2), outcome('t'), at(0), at(0));
    assert!(machine.is_tried());
    assert_eq!(machine.trouble(), Some("too many open files"));
    assert_eq!(machine.view(), TargetView::default());
}

/// Checks of any reasonable shape, all durations in milliseconds.
fn any_check() -> impl Strategy<Value = Check> {
    (1u32..6, 1u32..6, 100u64..20_000, 50u64..5000, 0u64..3000).prop_map(|(fall, rise, interval, timeout, recheck)| {
        Check {
            kind: CheckKind::Tcp,
            interval: Duration::from_millis(interval),
            timeout: Duration::from_millis(timeout),
            fall,
            rise,
            recheck: Duration::from_millis(recheck),
        }
    })
}

/// Runs a target that answers in no time until `breaks` and takes `fails_in` to fail from then on; returns when it is down.
fn time_of_fall(check: &Check, first: u64, breaks: u64, fails_in: u64) -> u64 {
    let mut machine = Machine::new(at(first));
    let mut start = Mono(first);
    loop {
        let (outcome, end) = if start.0 < breaks {
            (Outcome::Success { latency: Millis(0.0), certificate_expiry: None }, start)
        } else {
            (Outcome::Failure(Reason::Timeout(Phase::Connect)), Mono(start.0 + fails_in))
        };
        machine.apply(check, outcome, at(start.0), at(end.0));
        if machine.verdict() == Verdict::Down {
            return end.0;
        }
        start = machine.next_start(check, start, end);
    }
}

proptest! {
    #[test]
    fn a_verdict_comes_in_the_promised_time(
        check in any_check(), first in 0u64..10_000, up_for in 1u64..200_000, hang in 0.0..=1.0f64,
    ) {
        let millis = |duration: Duration| duration.as_millis() as u64;
        let fails_in = (millis(check.timeout) as f64 * hang) as u64;
        let fall = u64::from(check.fall);
        let bound = millis(check.interval) + fall * fails_in + (fall - 1) * millis(check.recheck);
        let taken = time_of_fall(&check, first, first + up_for, fails_in) - (first + up_for);
        prop_assert!(taken <= bound, "{taken} > {bound}");
    }

    #[test]
    fn verdicts_never_flip_faster_than_fall_and_rise(check in any_check(), outcomes in "[sft]{1,200}") {
        let mut machine = Machine::new(at(0));
        let mut run = 0;
        for (n, letter) in outcomes.chars().enumerate() {
            run += u32::from(letter != 't');
            let applied = machine.apply(&check, outcome(letter), at(n as u64), at(n as u64));
            let Some((old, new)) = applied.verdict_changed else { continue };
            let needed = match new { Verdict::Down => check.fall, _ => check.rise };
            prop_assert!(old == Verdict::Unknown || run >= needed);
            run = 0;
        }
    }

    #[test]
    fn probes_never_overlap(check in any_check(), outcomes in "[sft]{1,50}", takes in 0u64..30_000) {
        let mut machine = Machine::new(at(0));
        let mut start = Mono(0);
        for letter in outcomes.chars() {
            let end = Mono(start.0 + takes);
            machine.apply(&check, outcome(letter), at(start.0), at(end.0));
            start = machine.next_start(&check, start, end);
            prop_assert!(start >= end);
        }
    }
}
