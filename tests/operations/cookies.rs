//! Cookies that clients hold, over reloads and while a secret is replaced.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use hickory_proto::op::Message;
use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};
use hickory_proto::serialize::binary::BinDecodable;
use windrose::wire::Rtype;

use super::server::Server;
use super::{MAIN, eventually, plain_site, support};

const CLIENT: [u8; 8] = [1, 2, 3, 4, 5, 6, 7, 8];
const ONE: &str = "e5e973e5a6b2a43f48e7dc849e37bfcf";
const TWO: &str = "445536bcd2513298075a5d379663c962";

/// The cookie that comes back for one; all from one address.
fn cookie(server: SocketAddr, sent: &[u8]) -> Vec<u8> {
    let mut query = support::query("plain.example.com", Rtype::A, None);
    let len = sent.len() as u8;
    query[11] = 1;
    query.extend([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, len + 4, 0, 10, 0, len]);
    query.extend(sent);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    socket.connect(server).unwrap();
    socket.send(&query).unwrap();
    let mut response = [0; 1500];
    let len = socket.recv(&mut response).unwrap();
    let message = Message::from_bytes(&response[..len]).unwrap();
    match message.edns.as_ref().and_then(|edns| edns.option(EdnsCode::Cookie)) {
        Some(EdnsOption::Unknown(10, octets)) => octets.clone(),
        other => panic!("{other:?} instead of a cookie"),
    }
}

/// Whether a cookie is in use as it is.
fn stays(server: &Server, sent: &[u8]) -> bool {
    cookie(server.addresses[0], sent) == sent
}

#[test]
fn a_secret_that_was_made_up_outlives_a_reload() {
    let site = plain_site(MAIN);
    let server = site.start();
    let learned = cookie(server.addresses[0], &CLIENT);
    assert!(learned.len() == 24 && stays(&server, &learned));
    assert_eq!(server.admin("POST", "/v1/reload").0, 200);
    assert!(stays(&server, &learned));
}

#[test]
fn a_secret_is_replaced_without_a_client_noticing() {
    let site = plain_site(&format!("{MAIN}[cookies]\nsecret_file = \"cookies.secret\"\n"));
    site.write("cookies.secret", format!("{ONE}\n").as_bytes());
    let server = site.start();
    let first = cookie(server.addresses[0], &CLIENT);
    assert!(stays(&server, &first));
    site.write("cookies.secret", format!("{ONE}\n{TWO}\n").as_bytes());
    server.wait_for("setting [cookies] changed", 1);
    assert!(stays(&server, &first));
    site.write("cookies.secret", format!("{TWO}\n{ONE}\n").as_bytes());
    eventually(&server, "the old cookie stays", || !stays(&server, &first));
    let second = cookie(server.addresses[0], &first);
    assert!(stays(&server, &second));
    site.write("cookies.secret", b"445536bcd2513298075a5d379663c96\n");
    server.wait_for("cookies.secret:1:1: a secret must be 32 hexadecimal digits", 1);
    assert!(stays(&server, &second) && !server.log().contains(&TWO[..31]));
}
