//! Encrypted listeners, our own and those of hickory-server, over the engine: every protocol, HTTP, certificates, limits,
//! stopping; and how responses of hickory-server differ from those of our own sockets.
//!
//! What needs `kdig` is ignored without it and says so; with `WINDROSE_REQUIRE_TOOLS` set it fails.
#![allow(clippy::unwrap_used, reason = "a test that fails should fail where it stands")]

mod behaviour;
mod certificates;
mod https;
mod kdig;
mod lab;
mod limits;
mod listeners;
mod responses;
#[path = "../support/mod.rs"]
mod support;

use std::process::{Command, ExitCode, Stdio};

use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let mut trials = vec![Trial::test("behaviour::as_listed", behaviour::as_listed)];
    for (name, test) in [
        ("certificates::mistakes_in_the_files", certificates::mistakes as fn()),
        ("certificates::its_end_is_known", certificates::expiry_is_known),
        ("certificates::replaced_while_a_connection_stands", certificates::replaced),
        ("certificates::protocols_and_versions", certificates::negotiated),
        ("https::get_and_post_over_both_versions", https::both_ways),
        ("https::what_may_be_cached_and_how_long", https::cached),
        ("https::errors_have_their_status", https::errors),
        ("https::a_slow_body_is_given_up", https::slow_body),
        ("limits::a_handshake_has_its_time", limits::handshake),
        ("limits::idle_connections_are_closed", limits::idle),
        ("limits::a_source_has_its_share", limits::share),
        ("limits::tls_gives_way_to_https", limits::eviction),
        ("limits::a_client_that_reads_by_drops_is_cut_off", limits::slow_reader),
        ("listeners::one_stops_and_others_go_on", listeners::one_stops),
        ("listeners::dropping_stops_too", listeners::dropping_stops),
        ("listeners::an_address_that_is_taken", listeners::taken),
        ("responses::nothing_for_what_is_dropped", responses::dropped),
        ("responses::a_panic_costs_one_query", responses::panicked),
        ("responses::what_cannot_be_read_is_a_failure", responses::unreadable),
        ("responses::case_and_order_are_kept", responses::case_and_order),
        ("responses::rdata_is_kept_octet_for_octet", responses::rdata),
        ("responses::many_at_once", responses::many_at_once),
    ] {
        trials.push(Trial::test(name, move || {
            test();
            Ok(())
        }));
    }
    for (name, test) in [
        ("kdig::tls", kdig::tls as fn() -> Result<(), Failed>),
        ("kdig::quic", kdig::quic),
        ("kdig::https", kdig::https),
        ("kdig::udp_and_tcp", kdig::plain),
        ("kdig::https_by_get", kdig::https_get),
    ] {
        trials.push(with_kdig(name, test));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn with_kdig(name: &str, test: fn() -> Result<(), Failed>) -> Trial {
    let needs = "needs kdig: apt-get install knot-dnsutils";
    let there = Command::new("kdig").arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    let required = std::env::var_os("WINDROSE_REQUIRE_TOOLS").is_some();
    let trial = Trial::test(name, move || if there { test() } else { Err(needs.into()) });
    if there { trial } else { trial.with_kind(needs).with_ignored_flag(!required) }
}
