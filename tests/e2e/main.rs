//! The main job, end to end: the real server, real TLS origins, faults, and clients of three countries.

#![allow(clippy::disallowed_methods, reason = "failover is measured by the clock")]

mod lab;
#[path = "../support/mod.rs"]
mod support;

use std::thread;
use std::time::{Duration, Instant};

use hickory_proto::op::ResponseCode;
use lab::{BOUND_HANG, BOUND_REFUSED, BOUND_RISE, CLIENTS, Lab, SLACK, Sample, Stream, addresses, regions};
use windrose::demo::Mode;
use windrose::wire::Rtype;

#[test]
fn three_clients_get_three_regions() {
    let lab = Lab::new("");
    for rtype in [Rtype::A, Rtype::AAAA] {
        for (client, source, region) in CLIENTS {
            let message = lab.ask(client, source, rtype);
            assert_eq!(regions(&message), [region], "{client} {rtype}");
            assert_eq!(message.answers[0].ttl, 300, "all is settled");
        }
    }
}

/// What a stream saw while a region failed and came back.
fn check_failover(samples: &[Sample], failed: Instant, mended: Instant, bound: Duration) -> (Duration, Duration) {
    for sample in samples {
        let (client, _, home) = CLIENTS[sample.client];
        let region = sample.answer.as_ref().unwrap_or_else(|error| panic!("{client}: {error}"));
        assert!(sample.client == 0 || *region == home, "{client} moved to {region}");
    }
    let german = || samples.iter().filter(|sample| sample.client == 0);
    let region = |sample: &Sample| sample.answer.clone().unwrap_or_default();
    let last_old = german().filter(|s| s.at < mended && region(s) == "eu").map(|s| s.at).max().unwrap_or(failed);
    let moved = last_old.saturating_duration_since(failed);
    assert!(moved <= bound + SLACK, "moved after {moved:?}, bound {bound:?}");
    let away = german().filter(|s| s.at < mended && s.at > last_old).count();
    assert!(away > 10, "only {away} answers from elsewhere");
    assert!(german().all(|s| s.at > mended || ["eu", "us"].contains(&region(s))), "not the next nearest");
    let last_away = german().filter(|s| region(s) != "eu").map(|s| s.at).max().unwrap_or(mended);
    let back = last_away.saturating_duration_since(mended);
    assert!(back <= BOUND_RISE + SLACK, "back after {back:?}");
    (moved, back)
}

#[allow(clippy::print_stdout, reason = "figures for who runs it with --nocapture")]
fn failover(mode: Mode, bound: Duration) {
    let mut lab = Lab::new("");
    let stream = Stream::start(lab.address);
    thread::sleep(Duration::from_millis(1_200));
    let failed = Instant::now();
    lab.set("eu", mode);
    thread::sleep(bound + SLACK + Duration::from_secs(1));
    let mended = Instant::now();
    lab.set("eu", Mode::Serving);
    thread::sleep(BOUND_RISE + SLACK + Duration::from_millis(500));
    let samples = stream.stop();
    let (moved, back) = check_failover(&samples, failed, mended, bound);
    println!("{mode}: {} queries, clients moved after {moved:?} (bound {bound:?}), back after {back:?}", samples.len());
}

#[test]
fn a_refusing_region_is_left_in_time_and_nobody_notices() {
    failover(Mode::Stopped, BOUND_REFUSED);
}

#[test]
fn a_hanging_region_is_left_in_time_and_nobody_notices() {
    failover(Mode::Hang, BOUND_HANG);
}

#[test]
fn a_failing_region_is_left_in_time_and_nobody_notices() {
    failover(Mode::Status(500), BOUND_REFUSED);
}

#[test]
fn of_two_endpoints_only_the_stopped_one_leaves() {
    let mut lab = Lab::new("spread = { answers = 2 }\n");
    let count = |lab: &Lab| addresses(&lab.ask("53.0.1.0", 24, Rtype::A)).len();
    assert_eq!(count(&lab), 2);
    lab.set("eu1", Mode::Stopped);
    thread::sleep(BOUND_REFUSED + SLACK);
    for rtype in [Rtype::A, Rtype::AAAA] {
        let left = addresses(&lab.ask("53.0.1.0", 24, rtype));
        let other = if rtype == Rtype::A { "192.0.2.2" } else { "2001:db8:1::2" };
        assert_eq!(left, [other.parse::<std::net::IpAddr>().unwrap()]);
    }
    assert_eq!(lab.ask("53.0.1.0", 24, Rtype::A).answers[0].ttl, 30, "not all is settled");
    assert_eq!(lab.ask("133.11.0.0", 24, Rtype::A).answers[0].ttl, 300, "elsewhere all is");
}

#[test]
fn bad_certificates_take_a_region_down_and_the_log_says_why() {
    let mut lab = Lab::new("");
    for (mode, reason) in [
        (Mode::Expired, "certificate expired"),
        (Mode::WrongName, "certificate for another name"),
        (Mode::UnknownCa, "certificate from an unknown authority"),
        (Mode::Reset, "connection reset"),
    ] {
        lab.set("eu", mode);
        lab.wait_for("us");
        lab.wait_for_log(&format!("up -> down ({reason})")); // a verdict's line follows what clients see of it
        lab.set("eu", Mode::Serving);
        lab.wait_for("eu");
    }
}

/// Stops every origin, and waits until every endpoint is down.
fn all_down(policy: &str) -> Lab {
    let mut lab = Lab::new(policy);
    lab.set("all", Mode::Stopped);
    let start = Instant::now();
    while lab.log().matches("up -> down").count() < 6 {
        assert!(start.elapsed() < Duration::from_secs(10), "not all down:\n{}", lab.log());
        thread::sleep(Duration::from_millis(20));
    }
    thread::sleep(Duration::from_millis(100)); // a verdict is published within 50 ms
    lab
}

#[test]
fn all_down_all() {
    let lab = all_down("when_all_down = \"all\"");
    for (client, source, region) in CLIENTS {
        assert_eq!(regions(&lab.ask(client, source, Rtype::A)), [region]);
    }
}

#[test]
fn all_down_last_resort() {
    let lab = all_down("when_all_down = \"last_resort\"");
    let message = lab.ask("53.0.1.0", 24, Rtype::AAAA);
    assert_eq!(regions(&message), ["last resort"]);
    assert_eq!(message.answers[0].ttl, 30);
}

#[test]
fn all_down_nodata() {
    let lab = all_down("when_all_down = \"nodata\"");
    let message = lab.ask("53.0.1.0", 24, Rtype::A);
    assert_eq!((message.metadata.response_code, message.answers.len()), (ResponseCode::NoError, 0));
    assert_eq!(message.authorities[0].ttl, 30, "the shorter of min and what the SOA says");
}

#[test]
fn all_down_servfail() {
    let lab = all_down("when_all_down = \"servfail\"");
    assert_eq!(lab.ask("53.0.1.0", 24, Rtype::A).metadata.response_code, ResponseCode::ServFail);
}

#[test]
fn a_reload_takes_sound_files_and_refuses_broken_ones_without_losing_a_query() {
    let mut lab = Lab::new("when_all_down = \"last_resort\"");
    lab.set("eu", Mode::Stopped);
    lab.wait_for("us");
    let stream = Stream::start(lab.address);
    lab.rezone(|zone| format!("{zone}broken A 192.0.2\n"));
    lab.wait_for_log("what was served before is served on");
    lab.wait_for_log("expected an IPv4 address");
    lab.rezone(|zone| zone.replace("broken A 192.0.2\n", "www A 192.0.2.201\n"));
    lab.wait_for_log("the files were loaded anew");
    lab.wait_for("us"); // verdicts outlive a reload
    let samples = stream.stop();
    for sample in &samples {
        let answer = sample.answer.as_ref().unwrap_or_else(|error| panic!("{error}"));
        let expected = if sample.client == 0 { "us" } else { CLIENTS[sample.client].2 };
        assert_eq!(*answer, expected);
    }
    assert!(samples.len() > 20, "only {} queries", samples.len());
    lab.set("all", Mode::Stopped);
    lab.wait_for("last resort");
    let last = addresses(&lab.ask("53.0.1.0", 24, Rtype::A));
    assert_eq!(last.len(), 2, "the new record is served: {last:?}");
}
