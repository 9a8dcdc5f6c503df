//! Starting and stopping listeners.

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use windrose::net::hosted::Protocol;
use windrose::net::{Encrypted, Limits};
use windrose::wire::Rtype;

use crate::lab::{Lab, Served};

/// Where a port that was free stays free: clients of other tests take theirs on 127.0.0.1.
const QUIET: &str = "127.0.0.77:0";

const GRACE: Duration = Duration::from_secs(5);

#[allow(clippy::disallowed_methods, reason = "stopping must be quick")]
pub(crate) fn one_stops() {
    let lab = Lab::new();
    let (stopped, other) = (tls(&lab).unwrap(), lab.tls());
    let (mut gone, mut stays) = (lab.connect(&stopped), lab.connect(&other));
    gone.message("ns1.example.com", Rtype::A);
    stays.message("ns1.example.com", Rtype::A);
    let (address, start) = (stopped.address(), Instant::now());
    lab.runtime.block_on(stopped.listening.close(GRACE));
    assert!(start.elapsed() < GRACE / 2, "{:?}", start.elapsed());
    assert!(gone.is_closed());
    assert_eq!(stays.message("ns1.example.com", Rtype::A).answers.len(), 1);
    // the address is free at once
    let by = Encrypted::Tls(Arc::clone(&lab.certificate));
    let again = lab.try_encrypted(address, by, Limits::default()).unwrap();
    assert_eq!(lab.connect(&again).message("ns1.example.com", Rtype::A).answers.len(), 1);
    for protocol in [Protocol::Dns, Protocol::Quic(Arc::clone(&lab.certificate))] {
        let hosted = lab.try_start(QUIET.parse().unwrap(), protocol.clone()).unwrap();
        let address = hosted.address();
        lab.runtime.block_on(hosted.stop(GRACE));
        lab.try_start(address, protocol).unwrap();
    }
}

#[allow(clippy::disallowed_methods, reason = "nothing says when a dropped listener is closed")]
pub(crate) fn dropping_stops() {
    let lab = Lab::new();
    let hosted = tls(&lab).unwrap();
    let (mut client, address) = (lab.connect(&hosted), hosted.address());
    drop(hosted);
    assert!(client.is_closed());
    let start = Instant::now();
    while TcpListener::bind(address).is_err() {
        assert!(start.elapsed() < GRACE, "still open");
        std::thread::sleep(Duration::from_millis(10));
    }
}

pub(crate) fn taken() {
    let lab = Lab::new();
    let (tcp, udp) = (TcpListener::bind(QUIET).unwrap(), UdpSocket::bind(QUIET).unwrap());
    let certificate = || Arc::clone(&lab.certificate);
    for (address, protocol, what) in [
        (tcp.local_addr().unwrap(), Protocol::Dns, "(TCP)"),
        (udp.local_addr().unwrap(), Protocol::Quic(certificate()), "(QUIC)"),
        (udp.local_addr().unwrap(), Protocol::Dns, "(UDP)"),
    ] {
        is_refused(lab.try_start(address, protocol), address, what);
    }
    for (by, what) in [(Encrypted::Tls(certificate()), "(TLS)"), (Encrypted::Https(certificate()), "(HTTPS)")] {
        let address = tcp.local_addr().unwrap();
        is_refused(lab.try_encrypted(address, by, Limits::default()), address, what);
    }
    // TLS and QUIC share a port, as they do where both have 853
    let tls = tls(&lab).unwrap();
    lab.try_start(tls.address(), Protocol::Quic(certificate())).unwrap();
}

/// DNS over TLS on the quiet address.
fn tls(lab: &Lab) -> io::Result<Served> {
    let by = Encrypted::Tls(Arc::clone(&lab.certificate));
    lab.try_encrypted(QUIET.parse().unwrap(), by, Limits::default())
}

fn is_refused<T>(started: io::Result<T>, address: SocketAddr, what: &str) {
    let error = started.map(drop).unwrap_err().to_string();
    assert!(error.contains(&address.to_string()) && error.contains(what), "{error}");
    assert!(error.contains("something else listens there"), "{error}");
}
