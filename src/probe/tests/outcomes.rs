//! One probe against one origin, and the outcome it must have.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::origin::{Authority, Manner, Origin, reply};
use super::{HOST, check, http};
use crate::health::{Check, CheckKind, HttpCheck, Outcome, Phase, ProbeKey, Reason};
use crate::probe::client::Clients;
use crate::probe::poller::probe_of;

/// Years in which nothing expires.
const VALID: (i32, i32) = (2020, 4000);

/// Runs one probe.
async fn probe(kind: CheckKind, to: SocketAddr) -> Outcome {
    // Making certificates and clients unoptimised can take longer than the checks of other tests allow.
    let check = Check { timeout: Duration::from_secs(5), ..check(kind) };
    run(check, to).await
}

/// Runs one probe that must time out.
async fn hasty_probe(kind: CheckKind, to: SocketAddr) -> Outcome {
    run(check(kind), to).await
}

async fn run(check: Check, to: SocketAddr) -> Outcome {
    let key = ProbeKey::new(Arc::new(check), to.ip(), to.port());
    let probe = probe_of(&key, &Clients::default()).expect("a check that can be run");
    probe.run().await
}

fn is_success(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Success { .. })
}

const fn failure(reason: Reason) -> Outcome {
    Outcome::Failure(reason)
}

/// An https probe of an origin whose certificate has that name and those years.
async fn https_probe(name: &str, years: (i32, i32)) -> Outcome {
    let authority = Authority::new("one");
    let origin = Origin::tls(reply("200 OK", "ok"), authority.certify(name, years)).await;
    probe(CheckKind::Https(http(Some(authority.pem()))), origin.addr).await
}

/// A port where nothing listens.
async fn closed_port() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    listener.local_addr().expect("bound")
}

#[tokio::test]
async fn https_succeeds_and_reads_the_expiry() {
    let outcome = https_probe(HOST, (2020, 2100)).await;
    let Outcome::Success { latency, certificate_expiry } = outcome else { panic!("{outcome:?}") };
    assert!(latency.0 > 0.0);
    assert_eq!(certificate_expiry, Some(4_102_444_800));
}

#[tokio::test]
async fn the_address_is_the_targets_and_the_name_is_the_checks() {
    let authority = Authority::new("one");
    let origin = Origin::tls(reply("200 OK", "ok"), authority.certify(HOST, VALID)).await;
    assert!(is_success(&probe(CheckKind::Https(http(Some(authority.pem()))), origin.addr).await));
    let asked = origin.asked.lock().expect("whole");
    let (name, head) = &asked[0];
    assert_eq!(name.as_deref(), Some(HOST));
    assert!(head.starts_with("GET /healthz?x=1 HTTP/1.1\r\n"), "{head}");
    let head = head.to_ascii_lowercase();
    assert!(head.contains(&format!("\r\nhost: {HOST}:{}\r\n", origin.addr.port())), "{head}");
    assert!(head.contains("\r\nconnection: close\r\n"), "{head}");
    assert!(head.contains(concat!("\r\nuser-agent: windrose-probe/", env!("CARGO_PKG_VERSION"), "\r\n")), "{head}");
}

#[tokio::test]
async fn certificates_are_judged_by_their_typed_errors() {
    assert_eq!(https_probe(HOST, (2019, 2020)).await, failure(Reason::TlsExpired));
    assert_eq!(https_probe(HOST, (3000, 4000)).await, failure(Reason::TlsNotYetValid));
    assert_eq!(https_probe("other.example.com", VALID).await, failure(Reason::TlsWrongName));
}

#[tokio::test]
async fn another_authority_is_not_trusted() {
    let origin = Origin::tls(reply("200 OK", "ok"), Authority::new("one").certify(HOST, VALID)).await;
    let other = Authority::new("two").pem();
    assert_eq!(probe(CheckKind::Https(http(Some(other))), origin.addr).await, failure(Reason::TlsUntrusted));
}

#[tokio::test]
async fn a_port_without_tls_is_a_failure_of_tls() {
    let origin = Origin::plain(reply("400 Bad Request", "")).await;
    // A request never ends for an origin that waits for an empty line in a handshake: it answers nothing.
    let outcome = hasty_probe(CheckKind::Https(http(Some(Authority::new("one").pem()))), origin.addr).await;
    assert_eq!(outcome, failure(Reason::Timeout(Phase::Connect)));
    let talker = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = talker.local_addr().expect("bound");
    tokio::spawn(async move {
        let (mut stream, _) = talker.accept().await.expect("a connection");
        let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, b"220 mail.example.com ESMTP\r\n").await;
        tokio::time::sleep(Duration::from_secs(5)).await;
    });
    let outcome = probe(CheckKind::Https(http(Some(Authority::new("one").pem()))), addr).await;
    assert!(matches!(outcome, Outcome::Failure(Reason::TlsOther(_))), "{outcome:?}");
}

#[tokio::test]
async fn a_check_without_certificates_cannot_be_run() {
    let check = check(CheckKind::Https(http(Some(Arc::from(&b"no certificate"[..])))));
    let key = ProbeKey::new(Arc::new(check), [127, 0, 0, 1].into(), 443);
    assert!(probe_of(&key, &Clients::default()).is_err());
}

#[tokio::test]
async fn statuses_are_judged_and_redirects_are_not_followed() {
    for (status, expected) in [(200, None), (204, None), (301, Some(301)), (404, Some(404)), (503, Some(503))] {
        let origin = Origin::plain(reply(&format!("{status} Status"), "")).await;
        let outcome = probe(CheckKind::Http(http(None)), origin.addr).await;
        match expected {
            None => assert!(is_success(&outcome), "{status}: {outcome:?}"),
            Some(status) => assert_eq!(outcome, failure(Reason::Status(status))),
        }
    }
}

#[tokio::test]
async fn connections_fail_in_their_own_ways() {
    let https = || CheckKind::Https(http(Some(Authority::new("one").pem())));
    for kind in [CheckKind::Tcp, CheckKind::Http(http(None)), https()] {
        assert_eq!(probe(kind, closed_port().await).await, failure(Reason::Refused));
    }
    for kind in [CheckKind::Http(http(None)), https()] {
        for _ in 0..20 {
            let origin = Origin::plain(Manner::Reset).await;
            assert_eq!(probe(kind.clone(), origin.addr).await, failure(Reason::Reset));
        }
        let origin = Origin::plain(Manner::Close).await;
        let outcome = probe(kind, origin.addr).await;
        assert!([failure(Reason::Closed), failure(Reason::Reset)].contains(&outcome), "{outcome:?}");
    }
}

#[tokio::test]
async fn what_is_not_http_is_closed() {
    for bytes in [&b"220 mail.example.com ESMTP\r\n\r\n"[..], b"HTTP/1.1 200 OK\r\ncontent-le"] {
        let origin = Origin::plain(Manner::Reply(bytes.to_vec())).await;
        assert_eq!(probe(CheckKind::Http(http(None)), origin.addr).await, failure(Reason::Closed));
    }
}

#[tokio::test]
async fn a_timeout_names_its_phase_and_leaves_no_connection() {
    let authority = Authority::new("one");
    let stalled = |text: &[u8]| Manner::Stall(text.to_vec());
    let body = HttpCheck { expect_body: Some("ok".to_owned()), ..http(None) };
    let table = [
        (CheckKind::Https(http(Some(authority.pem()))), Manner::Hang, Phase::Connect),
        (CheckKind::Http(http(None)), Manner::Hang, Phase::Response),
        (CheckKind::Http(http(None)), stalled(b"HTTP/1.1 200 OK\r\n"), Phase::Response),
        (CheckKind::Http(body), stalled(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\no"), Phase::Body),
    ];
    for (kind, manner, phase) in table {
        let origin = Origin::plain(manner).await;
        assert_eq!(hasty_probe(kind, origin.addr).await, failure(Reason::Timeout(phase)));
        all_closed(&origin).await;
    }
}

/// Waits until the origin has no connection.
async fn all_closed(origin: &Origin) {
    let closed = async {
        while origin.open() > 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(2), closed).await.expect("connections end with their probe");
}

#[tokio::test]
async fn bodies_are_searched_and_bounded() {
    let at = |place: usize| format!("{}ready{}", "x".repeat(place), "y".repeat(100_000));
    let limit = 64 * 1024;
    let table = [
        ("ready".to_owned(), true),
        ("not".to_owned(), false),
        (String::new(), false),
        (at(40_000), true),
        (at(limit - 5), true),
        (at(limit - 4), false),
        (at(limit), false),
    ];
    for (body, found) in table {
        let origin = Origin::plain(reply("200 OK", &body)).await;
        let check = HttpCheck { expect_body: Some("ready".to_owned()), ..http(None) };
        let outcome = probe(CheckKind::Http(check), origin.addr).await;
        let expected = if found { is_success(&outcome) } else { outcome == failure(Reason::Body) };
        assert!(expected, "{} bytes: {outcome:?}", body.len());
        all_closed(&origin).await;
    }
}

#[tokio::test]
async fn a_body_that_nobody_asked_for_is_not_read() {
    let origin = Origin::plain(Manner::Stall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\nx".to_vec())).await;
    assert!(is_success(&hasty_probe(CheckKind::Http(http(None)), origin.addr).await));
    all_closed(&origin).await;
}

#[tokio::test]
async fn tcp_connects() {
    let origin = Origin::plain(Manner::Hang).await;
    let outcome = probe(CheckKind::Tcp, origin.addr).await;
    assert!(matches!(outcome, Outcome::Success { certificate_expiry: None, .. }), "{outcome:?}");
}

#[tokio::test]
async fn an_address_is_no_host() {
    for host in ["192.0.2.1", "[2001:db8::1]", "1.2", ""] {
        let check = check(CheckKind::Http(HttpCheck { host: host.to_owned(), ..http(None) }));
        let key = ProbeKey::new(Arc::new(check), [127, 0, 0, 1].into(), 80);
        assert!(probe_of(&key, &Clients::default()).is_err(), "{host}");
    }
}
