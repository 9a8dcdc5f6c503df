//! Limits of rates, changed while the server runs.

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use windrose::wire::Rtype;

use super::server::Server;
use super::{MAIN, plain_site, support};

const RATE: usize = 50;

/// What came back for a burst.
struct Got {
    whole: usize,
    cut: usize,
    /// The most that the rate allows.
    most: usize,
}

/// Sends so many queries from the ports of an address, so that several threads answer, and waits for what comes back.
fn burst(server: SocketAddr, from: &str, query: &[u8], count: usize) -> Got {
    let sockets = [(); 4].map(|()| UdpSocket::bind((from, 0)).unwrap());
    sockets.iter().for_each(|socket| socket.connect(server).unwrap());
    let start = Instant::now();
    let mut got = Got { whole: 0, cut: 0, most: 0 };
    for (sent, socket) in (1..=count).zip(sockets.iter().cycle()) {
        socket.send(query).unwrap();
        if sent % 20 == 0 {
            receive(socket, Duration::from_millis(1), &mut got); // socket buffers hold some hundred
        }
    }
    sockets.iter().for_each(|socket| receive(socket, Duration::from_millis(100), &mut got));
    got.most = RATE + (start.elapsed().as_secs_f64() * RATE as f64) as usize + 1;
    got
}

fn receive(socket: &UdpSocket, patience: Duration, got: &mut Got) {
    socket.set_read_timeout(Some(patience)).unwrap();
    let mut response = [0; 1500];
    while socket.recv(&mut response).is_ok() {
        if response[2] & 2 == 0 { got.whole += 1 } else { got.cut += 1 }
    }
}

/// A counter of `/metrics`.
fn counted(server: &Server, what: &str) -> usize {
    let metrics = server.admin("GET", "/metrics").1;
    let start = format!("windrose_over_rate_total{{what=\"{what}\"}} ");
    metrics.lines().find_map(|line| line.strip_prefix(&start)).unwrap().parse().unwrap()
}

#[test]
fn limits_change_while_the_server_runs() {
    let limits = format!("[rate_limit]\nresponses_per_second = {RATE}\nslip = 0\n");
    let site = plain_site(MAIN);
    let server = site.start();
    let at = server.addresses[0];
    let query = support::query("plain.example.com", Rtype::A, None);
    let reload = |limits: &str| {
        site.write("windrose.toml", format!("{MAIN}{limits}").as_bytes());
        let (code, body) = server.admin("POST", "/v1/reload");
        assert_eq!(code, 200, "{body}");
    };
    reload(&limits); // who is under attack cannot wait for a restart
    let flood = burst(at, "127.0.0.1", &query, 2 * RATE);
    assert!(flood.whole >= RATE && flood.whole <= flood.most, "{} whole, at most {}", flood.whole, flood.most);
    assert_eq!((flood.cut, flood.whole + counted(&server, "dropped")), (0, 2 * RATE));
    let status = server.admin("GET", "/v1/status").1;
    assert!(status.contains(&format!("\"dropped\":{}", counted(&server, "dropped"))), "{status}");

    reload(&limits.replace("slip = 0", "slip = 1"));
    let flood = burst(at, "127.0.0.1", &query, 4 * RATE);
    assert!(flood.cut > 0 && flood.whole + flood.cut == 4 * RATE, "{} whole, {} cut", flood.whole, flood.cut);
    reload(&format!("{limits}dry_run = true\n"));
    assert_eq!(burst(at, "127.0.0.1", &query, 4 * RATE).whole, 4 * RATE, "a dry run");
    assert!(counted(&server, "sent") > 0);
    reload(&format!("{limits}allow = [\"127.0.0.0/24\"]\n"));
    assert_eq!(burst(at, "127.0.0.1", &query, 4 * RATE).whole, 4 * RATE, "on the list");
    reload(&format!("{limits}table_size = 5_000\n"));
    server.wait_for("another [rate_limit] table_size is used after a restart", 1);
    reload("");
    assert_eq!(burst(at, "127.0.0.1", &query, 4 * RATE).whole, 4 * RATE, "no limit");
}
