//! Limits in front of TLS and HTTPS.
#![allow(clippy::disallowed_methods, reason = "limits of time are measured")]

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use data_encoding::BASE64URL_NOPAD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use windrose::net::{Encrypted, Limits};
use windrose::wire::Rtype;

use crate::lab::{HOST, Lab, Served, connect, connect_over};
use crate::support::query;

const SHORT: Duration = Duration::from_millis(200);
const LONG: Duration = Duration::from_secs(5);

fn tls(lab: &Lab, limits: Limits) -> Served {
    let by = Encrypted::Tls(Arc::clone(&lab.certificate));
    lab.try_encrypted("127.0.0.1:0".parse().unwrap(), by, limits).unwrap()
}

/// A connection without a handshake.
fn raw(to: &Served) -> TcpStream {
    let stream = TcpStream::connect(to.address()).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream
}

fn is_closed(stream: &mut TcpStream) -> bool {
    match stream.read(&mut [0; 100]) {
        Ok(octets) => octets == 0,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

pub(crate) fn handshake() {
    let lab = Lab::new();
    let limits = Limits { query: SHORT, ..Limits::default() };
    for served in [tls(&lab, limits), lab.limited_https(limits)] {
        let (mut silent, mut slow) = (raw(&served), raw(&served));
        let start = Instant::now();
        // the head of a long handshake message, then an octet at a time
        let _ = slow.write_all(&[22, 3, 1, 2, 0, 1, 0, 1, 252]);
        while start.elapsed() < SHORT * 2 && slow.write_all(&[0]).is_ok() {
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(is_closed(&mut silent) && is_closed(&mut slow));
        assert!((SHORT..LONG).contains(&start.elapsed()), "{:?}", start.elapsed());
        assert_eq!(served.running.gauge().counts().tcp_cut, 2);
    }
}

pub(crate) fn idle() {
    let lab = Lab::new();
    let limits = Limits { idle: SHORT, ..Limits::default() };
    let dot = tls(&lab, limits);
    let mut client = lab.connect(&dot);
    client.message("ns1.example.com", Rtype::A);
    assert!(client.is_closed());
    let https = lab.limited_https(limits);
    for alpn in ["h2", "http/1.1"] {
        let start = Instant::now();
        lab.runtime.block_on(async {
            let trusted = vec![lab.pair.der()];
            let mut stream = connect(https.address(), trusted, &[alpn], rustls::DEFAULT_VERSIONS).await.unwrap();
            let mut rest = Vec::new();
            let _ = tokio::time::timeout(LONG, stream.read_to_end(&mut rest)).await.expect("closed");
        });
        assert!(start.elapsed() >= SHORT, "{alpn}: {:?}", start.elapsed());
    }
}

pub(crate) fn share() {
    let lab = Lab::new();
    let served = tls(&lab, Limits { per_source: 2, ..Limits::default() });
    let (mut first, _second) = (lab.connect(&served), raw(&served));
    assert!(is_closed(&mut raw(&served)));
    assert_eq!(first.message("ns1.example.com", Rtype::A).answers.len(), 1);
    assert_eq!(served.running.gauge().counts().tcp_refused, 1);
}

/// A client that asks on and on and takes the responses by drops, each write in time.
pub(crate) fn slow_reader() {
    let lab = Lab::new();
    let served = lab.limited_https(Limits { write: SHORT, ..Limits::default() });
    let query = query("ns1.example.com", Rtype::A, None);
    let path = format!("/dns-query?dns={}", BASE64URL_NOPAD.encode(&query));
    let requests = format!("GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n").repeat(20);
    let start = Instant::now();
    lab.runtime.block_on(async {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let stream = socket.connect(served.address()).await.unwrap();
        let trusted = vec![lab.pair.der()];
        let stream = connect_over(stream, trusted, &["http/1.1"], rustls::DEFAULT_VERSIONS).await.unwrap();
        let (mut reader, mut writer) = tokio::io::split(stream);
        let asking = async { while writer.write_all(requests.as_bytes()).await.is_ok() {} };
        let reading = async {
            while reader.read(&mut [0; 1000]).await.is_ok_and(|octets| octets > 0) && start.elapsed() < LONG {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            () = asking => {}
            () = reading => {}
        }
    });
    assert!((SHORT..LONG).contains(&start.elapsed()), "{:?}", start.elapsed());
    // the client may see the end before it is counted
    while served.running.gauge().counts().tcp_cut == 0 {
        assert!(start.elapsed() < LONG, "not cut off");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// One limit for all protocols: whoever was idle for longest gives way, on whatever listener.
pub(crate) fn eviction() {
    let lab = Lab::new();
    let dot = tls(&lab, Limits { connections: 2, ..Limits::default() });
    let by = Encrypted::Https(Arc::clone(&lab.certificate));
    let address = "127.0.0.1:0".parse().unwrap();
    let https = dot.running.serve(dot.running.bind_encrypted(address, by).unwrap()).unwrap();
    let (mut first, mut second) = (lab.connect(&dot), lab.connect(&dot));
    second.message("ns1.example.com", Rtype::A);
    let trusted = vec![lab.pair.der()];
    let connecting = connect(https.addresses()[0], trusted, &["h2"], rustls::DEFAULT_VERSIONS);
    let _third = lab.runtime.block_on(connecting).unwrap();
    assert!(first.is_closed());
    assert_eq!(second.message("ns1.example.com", Rtype::A).answers.len(), 1);
    let counts = dot.running.gauge().counts();
    assert_eq!((counts.tcp_open, counts.tcp_evicted), (2, 1));
}
