//! `[rate_limit]` on a real server: what a flood gets, and who is spared.
#![allow(clippy::unwrap_used, reason = "a test that fails should fail where it stands")]

#[path = "support/process.rs"]
mod process;

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::thread;
use std::time::Duration;

use hickory_proto::op::Message;
use hickory_proto::rr::rdata::opt::EdnsCode;
use hickory_proto::serialize::binary::{BinDecodable, BinEncodable, BinEncoder};
use process::Process;

const ZONE: &str =
    "$TTL 60\n@ SOA ns1 hostmaster 1 7200 3600 1209600 300\n@ NS ns1\nns1 A 192.0.2.53\nwww A 192.0.2.1\n";

struct Lab {
    address: SocketAddr,
    _server: Process,
    _folder: tempfile::TempDir,
}

/// A server with 20 responses a second and these settings besides.
fn lab(settings: &str) -> Lab {
    let (folder, address) = (tempfile::tempdir().unwrap(), process::free());
    let main = format!(
        "version = 1\n[server]\nlisten = [\"{address}\"]\nzones = \"zones\"\n[rate_limit]\nresponses_per_second = 20\n{settings}\n"
    );
    fs::create_dir(folder.path().join("zones")).unwrap();
    fs::write(folder.path().join("windrose.toml"), main).unwrap();
    fs::write(folder.path().join("zones/example.com.zone"), ZONE).unwrap();
    let server = Process::windrose(&folder.path().join("windrose.toml"));
    server.wait_until_it_answers(address, b"\x07example\x03com\x00");
    Lab { address, _server: server, _folder: folder }
}

fn query(name: &str, cookie: &[u8]) -> Vec<u8> {
    let mut query = vec![7, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, u8::from(!cookie.is_empty())];
    for label in name.split('.') {
        query.push(label.len() as u8);
        query.extend(label.as_bytes());
    }
    query.extend([0, 0, 1, 0, 1]);
    if !cookie.is_empty() {
        let len = cookie.len() as u8;
        query.extend([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, len + 4, 0, 10, 0, len]);
        query.extend(cookie);
    }
    query
}

/// Sends queries at once from an address; the responses that came within a moment.
fn flood(lab: &Lab, source: &str, queries: impl Iterator<Item = Vec<u8>>) -> Vec<Message> {
    let socket = UdpSocket::bind((source, 0)).unwrap();
    socket.connect(lab.address).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    for query in queries {
        socket.send(&query).unwrap();
        thread::sleep(Duration::from_micros(100)); // so that no socket's buffer runs over
    }
    let mut response = [0; 1500];
    let received = std::iter::from_fn(|| socket.recv(&mut response).ok().map(|len| response[..len].to_vec()));
    received.map(|response| Message::from_bytes(&response).unwrap()).collect()
}

/// How many have an answer or a denial, and how many only TC.
fn split(responses: &[Message]) -> (usize, usize) {
    let cut = responses.iter().filter(|response| response.truncation);
    assert!(cut.clone().all(|response| response.answers.is_empty() && response.authorities.is_empty()));
    (responses.len() - cut.clone().count(), cut.count())
}

/// 200 queries in 20 to 200 ms: 20 at once, and at most a few more while they are sent.
fn limited(responses: &[Message]) -> usize {
    let (full, cut) = split(responses);
    assert!((20..=40).contains(&full), "{full} full responses");
    cut
}

#[test]
fn a_flood_is_limited_and_every_second_response_slips() {
    let lab = lab("");
    let cut = limited(&flood(&lab, "127.0.0.1", (0..200).map(|_| query("www.example.com", b""))));
    assert!((75..=90).contains(&cut), "{cut} of about 170 over the rate slip");

    let (full, cut) = split(&flood(&lab, "127.1.2.3", (0..20).map(|_| query("www.example.com", b""))));
    assert_eq!((full, cut), (20, 0), "another network");

    let mut stream = TcpStream::connect(lab.address).unwrap();
    for _ in 0..50 {
        let query = query("www.example.com", b"");
        stream.write_all(&(query.len() as u16).to_be_bytes()).unwrap();
        stream.write_all(&query).unwrap();
        let mut len = [0; 2];
        stream.read_exact(&mut len).unwrap();
        let mut response = vec![0; usize::from(u16::from_be_bytes(len))];
        stream.read_exact(&mut response).unwrap();
        assert_eq!(Message::from_bytes(&response).unwrap().answers.len(), 1, "over TCP nothing is limited");
    }
}

#[test]
fn names_made_up_at_random_share_a_rate() {
    let lab = lab("slip = 0");
    let cut = limited(&flood(&lab, "127.0.0.1", (0..200).map(|n| query(&format!("x{n}.example.com"), b""))));
    assert_eq!(cut, 0, "slip = 0 drops");
    let (full, _) = split(&flood(&lab, "127.0.0.1", std::iter::once(query("www.example.com", b""))));
    assert_eq!(full, 1, "what exists has a rate of its own");
}

#[test]
fn a_valid_cookie_is_never_limited() {
    let lab = lab("");
    let first = flood(&lab, "127.0.0.1", std::iter::once(query("www.example.com", b"client!!")));
    let option = first[0].edns.as_ref().unwrap().option(EdnsCode::Cookie).expect("a cookie");
    let mut cookie = Vec::new();
    option.emit(&mut BinEncoder::new(&mut cookie)).unwrap();
    assert_eq!(cookie.len(), 24);
    let (full, cut) = split(&flood(&lab, "127.0.0.1", (0..200).map(|_| query("www.example.com", &cookie))));
    assert_eq!((full, cut), (200, 0));
    limited(&flood(&lab, "127.0.0.1", (0..200).map(|_| query("www.example.com", b"client!!"))));
}

#[test]
fn allowed_networks_and_a_dry_run_are_not_limited() {
    for settings in ["allow = [\"127.0.0.0/8\"]", "dry_run = true"] {
        let lab = lab(settings);
        let (full, cut) = split(&flood(&lab, "127.0.0.1", (0..200).map(|_| query("www.example.com", b""))));
        assert_eq!((full, cut), (200, 0), "{settings}");
    }
}
