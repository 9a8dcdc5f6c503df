//! Each mode of an origin, and the changes between them.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::client::{HOST, PATIENCE, Seen, look, look_for, page};
use crate::demo::{CaError, DemoCa, HostTls, Mode, Origin};

fn any_port() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

async fn origin(ca: &DemoCa) -> Origin {
    let tls = Arc::new(HostTls::new(ca, HOST).unwrap());
    Origin::start(any_port(), "fra1 of pool web-eu", tls).await.unwrap()
}

#[tokio::test]
async fn each_mode_is_seen_as_it_should() {
    let ca = DemoCa::new().unwrap();
    let mut origin = origin(&ca).await;
    let address = origin.address();
    assert_eq!(look(address, &ca).await, page(200, "ok\n"));
    assert_eq!(look_for(address, &ca, "/").await, page(200, "fra1 of pool web-eu\n"));
    let expected = [
        (Mode::Stopped, Seen::Refused),
        (Mode::Hang, Seen::Silence),
        (Mode::Reset, Seen::Reset),
        (Mode::Status(500), page(500, "500 Internal Server Error\n")),
        (Mode::Expired, Seen::Expired),
        (Mode::WrongName, Seen::WrongName),
        (Mode::UnknownCa, Seen::UnknownCa),
        (Mode::Status(503), page(503, "503 Service Unavailable\n")),
        (Mode::Serving, page(200, "ok\n")),
    ];
    for (mode, seen) in expected {
        origin.turn(mode).await.unwrap();
        assert_eq!((origin.mode(), origin.address()), (mode, address));
        assert_eq!(look(address, &ca).await, seen, "{mode}");
    }
}

#[tokio::test]
async fn an_http_client_sees_the_same() {
    let ca = DemoCa::new().unwrap();
    let mut origin = origin(&ca).await;
    let address = origin.address();
    let client = reqwest::Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(ca.pem().as_bytes()).unwrap()])
        .resolve(HOST, address)
        .no_proxy()
        .timeout(PATIENCE)
        .build()
        .unwrap();
    let url = format!("https://{HOST}:{}/healthz", address.port());
    let answer = client.get(&url).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.text().await.unwrap().as_str()), (200, "ok\n"));
    assert_eq!(client.head(&url).send().await.unwrap().status(), 200);
    origin.turn(Mode::Status(500)).await.unwrap();
    assert_eq!(client.get(&url).send().await.unwrap().status(), 500);
    for mode in [Mode::Stopped, Mode::Reset, Mode::Expired, Mode::WrongName, Mode::UnknownCa] {
        origin.turn(mode).await.unwrap();
        let error = client.get(&url).send().await.unwrap_err();
        assert!(!error.is_timeout(), "{mode}: {error:?}");
    }
    origin.turn(Mode::Hang).await.unwrap();
    assert!(client.get(&url).send().await.unwrap_err().is_timeout());
    origin.turn(Mode::Serving).await.unwrap();
    assert_eq!(client.get(&url).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn an_origin_stops_and_starts_at_once_on_the_same_port() {
    let ca = DemoCa::new().unwrap();
    let mut origin = origin(&ca).await;
    let address = origin.address();
    for _ in 0..50 {
        assert_eq!(look(address, &ca).await, page(200, "ok\n"));
        origin.turn(Mode::Stopped).await.unwrap();
        assert_eq!(look(address, &ca).await, Seen::Refused);
        origin.turn(Mode::Serving).await.unwrap();
    }
}

#[tokio::test]
async fn a_hung_connection_ends_when_the_origin_serves_again_or_stops() {
    let ca = DemoCa::new().unwrap();
    let mut origin = origin(&ca).await;
    for next in [Mode::Serving, Mode::Stopped] {
        origin.turn(Mode::Hang).await.unwrap();
        let mut hung = TcpStream::connect(origin.address()).await.unwrap();
        hung.write_all(b"hello").await.unwrap();
        let silence = tokio::time::timeout(Duration::from_millis(50), hung.read_u8()).await;
        assert!(silence.is_err(), "{silence:?}");
        origin.turn(next).await.unwrap();
        let ended = tokio::time::timeout(PATIENCE, hung.read_u8()).await.expect("no longer hung");
        assert!(ended.is_err());
    }
}

#[tokio::test]
async fn more_connections_than_the_bound_wait_their_turn() {
    let ca = DemoCa::new().unwrap();
    let origin = origin(&ca).await;
    let mut idle = Vec::new();
    for _ in 0..128 {
        idle.push(TcpStream::connect(origin.address()).await.unwrap());
    }
    assert_eq!(look(origin.address(), &ca).await, Seen::Silence);
    idle.truncate(64);
    assert_eq!(look(origin.address(), &ca).await, page(200, "ok\n"));
}

#[tokio::test]
async fn a_dropped_origin_no_longer_listens() {
    let ca = DemoCa::new().unwrap();
    let origin = origin(&ca).await;
    let address = origin.address();
    drop(origin);
    let refused = async {
        while look(address, &ca).await != Seen::Refused {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(2), refused).await.expect("closed");
}

#[tokio::test]
async fn an_address_that_is_not_there_or_taken_is_named() {
    let ca = DemoCa::new().unwrap();
    let tls = Arc::new(HostTls::new(&ca, HOST).unwrap());
    let start = async |address: &str| {
        let address: SocketAddr = address.parse().unwrap();
        Origin::start(address, "", Arc::clone(&tls)).await.err().expect("an error").to_string()
    };
    let foreign = start("192.0.2.1:20000").await;
    assert!(foreign.starts_with("cannot listen on 192.0.2.1:20000: "), "{foreign}");
    let other = origin(&ca).await;
    let taken = start(&other.address().to_string()).await;
    assert!(taken.contains("in use"), "{taken}");
}

#[test]
fn each_authority_is_new_and_takes_host_names_only() {
    let (one, two) = (DemoCa::new().unwrap(), DemoCa::new().unwrap());
    assert_ne!(one.pem(), two.pem());
    assert!(one.pem().starts_with("-----BEGIN CERTIFICATE-----"));
    assert!(matches!(one.issue("not a host name: ü", None), Err(CaError::Make(_))));
}

#[tokio::test]
async fn an_origin_that_cannot_have_its_port_again_stays_stopped() {
    let ca = DemoCa::new().unwrap();
    let mut origin = origin(&ca).await;
    origin.turn(Mode::Stopped).await.unwrap();
    let other = tokio::net::TcpListener::bind(origin.address()).await.unwrap();
    assert!(origin.turn(Mode::Hang).await.is_err());
    assert_eq!(origin.mode(), Mode::Stopped);
    drop(other);
    origin.turn(Mode::Serving).await.unwrap();
    assert_eq!(look(origin.address(), &ca).await, page(200, "ok\n"));
}
