//! Crowds of TCP clients, idle and slow, before a server in a process of its own: what they may cost, and that others are
//! served meanwhile.
#![allow(clippy::unwrap_used, reason = "a test that fails should fail where it stands")]
#![allow(clippy::disallowed_methods, reason = "the test reads the clock")]

#[allow(dead_code, reason = "shared with the tests of operations, which use all of it")]
#[path = "../operations/server.rs"]
mod server;
#[path = "../support/mod.rs"]
mod support;

use std::fmt::Write as _;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use server::{Server, Site};
use socket2::{Domain, Socket, Type};
use support::query;
use windrose::wire::Rtype;

/// How long an answer may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(2);
/// Connections from one address, below the limit of each source.
const PER_ADDRESS: u32 = 100;

/// A server with a zone that has a large answer, and limits.
fn start(limits: &str) -> (Site, Server) {
    let main = format!(
        "version = 1\n[server]\nlisten = [\"127.0.0.1:0\"]\nzones = \"zones\"\nstate = \"state\"\nwatch = false\n\
         [tcp]\n{limits}\n"
    );
    let mut zone = "$TTL 60\n@ SOA ns1 h 1 2 3 4 5\n@ NS ns1\nns1 A 192.0.2.53\n".to_owned();
    for n in 0..150 {
        writeln!(zone, "big TXT \"{n:0>200}\"").unwrap();
    }
    let site = Site::new(&[("windrose.toml", &main), ("zones/example.com.zone", &zone)]);
    let server = site.start();
    (site, server)
}

/// The client address of the n-th connection of a crowd: many of 127.0.0.0/8.
fn address(crowd: u8, n: u32) -> Ipv4Addr {
    let [.., high, low] = (n / PER_ADDRESS + 1).to_be_bytes();
    Ipv4Addr::new(127, crowd, high, low)
}

fn connect(from: Ipv4Addr, to: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    // clients that do not read keep little
    socket.set_recv_buffer_size(4096).unwrap();
    socket.bind(&SocketAddr::from((from, 0)).into()).unwrap();
    socket.connect(&to.into()).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn frame(message: &[u8]) -> Vec<u8> {
    [&u16::try_from(message.len()).unwrap().to_be_bytes()[..], message].concat()
}

fn small() -> Vec<u8> {
    frame(&query("ns1.example.com", Rtype::A, None))
}

/// Whether a connection gets an answer.
fn is_answered(stream: &mut TcpStream) -> bool {
    let mut length = [0; 2];
    stream.write_all(&small()).is_ok()
        && stream.read_exact(&mut length).is_ok()
        && stream.read_exact(&mut vec![0; u16::from_be_bytes(length).into()]).is_ok()
}

fn is_closed(stream: &mut TcpStream) -> bool {
    match stream.read(&mut [0; 100]) {
        Ok(octets) => octets == 0,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

fn metric(server: &Server, name: &str) -> u64 {
    let (status, text) = server.admin("GET", "/metrics");
    assert_eq!(status, 200);
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("no {name} in:\n{text}")).parse::<f64>().unwrap() as u64
}

/// Asks over UDP and over new connections for a while; gives the slowest answers.
fn ask_meanwhile(to: SocketAddr, times: usize) -> (Duration, Duration) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let (mut over_udp, mut over_tcp) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..times {
        let start = Instant::now();
        socket.send_to(&query("ns1.example.com", Rtype::A, None), to).unwrap();
        socket.recv(&mut [0; 1500]).expect("an answer over UDP");
        over_udp = over_udp.max(start.elapsed());
        let start = Instant::now();
        assert!(is_answered(&mut connect(Ipv4Addr::LOCALHOST, to)), "an answer over a new connection");
        over_tcp = over_tcp.max(start.elapsed());
    }
    (over_udp, over_tcp)
}

/// As many as asked for, or what the limit of open files allows.
fn allowed(wanted: u32) -> u32 {
    let descriptors = windrose::net::raise_descriptor_limit().unwrap();
    // the server keeps half of its own for other things
    u32::try_from(descriptors / 2).unwrap_or(u32::MAX).saturating_sub(600).min(wanted)
}

#[test]
fn five_thousand_idle_and_five_hundred_slow_clients() {
    let (_site, server) =
        start("idle_timeout = \"60s\"\nquery_timeout = \"3s\"\nwrite_timeout = \"1s\"\nmax_connections = 6000");
    let to = server.addresses[0];
    ask_meanwhile(to, 10);
    let before = server.resident();
    let idle_ones = allowed(5000);
    if idle_ones < 5000 {
        println!("{idle_ones} idle connections instead of 5000: the system allows no more open files");
    }
    let mut idle: Vec<TcpStream> = (0..idle_ones).map(|n| connect(address(1, n), to)).collect();
    // half have asked before
    idle.iter_mut().step_by(2).for_each(|stream| assert!(is_answered(stream)));
    let with_idle = server.resident();

    let large = frame(&query("big.example.com", Rtype::TXT, None)).repeat(1000);
    let greedy: Vec<TcpStream> = (0..250).map(|n| connect(address(2, n), to)).collect();
    for mut stream in &greedy {
        stream.set_nonblocking(true).unwrap();
        let _ = stream.write(&large);
    }
    let mut dripping: Vec<TcpStream> = (0..250).map(|n| connect(address(3, n), to)).collect();
    let end = Instant::now() + Duration::from_secs(2);
    let (mut slowest, mut most) = ((Duration::ZERO, Duration::ZERO), 0);
    // a message of 65,280 octets, one at a time
    for octet in [255, 0].into_iter().chain(std::iter::repeat(7)) {
        dripping.iter_mut().for_each(|stream| stream.write_all(&[octet]).unwrap());
        let took = ask_meanwhile(to, 5);
        slowest = (slowest.0.max(took.0), slowest.1.max(took.1));
        most = most.max(server.resident());
        if Instant::now() > end {
            break;
        }
    }
    println!(
        "resident: {before} KiB alone, {with_idle} KiB with {idle_ones} idle connections, {most} KiB with 500 slow ones too; \
         slowest answers: {:?} over UDP, {:?} over a new connection",
        slowest.0, slowest.1
    );
    // 12 KiB an idle connection, 128 KiB a slow one
    assert!(with_idle - before < u64::from(idle_ones) * 12, "{before} KiB, then {with_idle} KiB");
    assert!(most - with_idle < 500 * 128, "{with_idle} KiB, then {most} KiB");

    // the slow ones are cut off, the idle ones stay
    let start = Instant::now();
    while metric(&server, "windrose_tcp_cut_total") < 500 {
        assert!(start.elapsed() < Duration::from_secs(10), "{} cut", metric(&server, "windrose_tcp_cut_total"));
        thread::sleep(Duration::from_millis(50));
    }
    assert!(dripping.iter_mut().all(is_closed));
    assert!(idle.iter_mut().rev().step_by(50).all(is_answered));
    assert!(metric(&server, "windrose_tcp_connections") >= u64::from(idle_ones));
    assert_eq!((metric(&server, "windrose_tcp_evicted_total"), metric(&server, "windrose_tcp_refused_total")), (0, 0));
}

#[test]
fn one_source_cannot_take_all_places() {
    let (_site, server) = start("max_connections = 300\nmax_connections_per_source = 128");
    let to = server.addresses[0];
    let hog = Ipv4Addr::new(127, 4, 0, 1);
    let mut held: Vec<TcpStream> = (0..400).map(|_| connect(hog, to)).collect();
    let served = held.iter_mut().filter_map(|stream| is_answered(stream).then_some(())).count();
    assert_eq!((served, metric(&server, "windrose_tcp_refused_total")), (128, 272));
    ask_meanwhile(to, 20);
    assert_eq!(metric(&server, "windrose_tcp_evicted_total"), 0);
}

#[test]
fn at_the_cap_new_clients_are_served_and_the_longest_idle_give_way() {
    let (_site, server) = start("max_connections = 300");
    let to = server.addresses[0];
    let mut crowd: Vec<TcpStream> = (0..300).map(|n| connect(address(5, n), to)).collect();
    assert!(crowd.iter_mut().all(is_answered));
    // these are no longer idle for the longest
    assert!(crowd[..50].iter_mut().all(is_answered));
    let mut new: Vec<TcpStream> = (0..100).map(|n| connect(address(6, n), to)).collect();
    assert!(new.iter_mut().all(is_answered));
    assert!(crowd[..50].iter_mut().all(is_answered));
    assert!(crowd[50..150].iter_mut().all(is_closed));
    assert!(crowd[150..].iter_mut().all(is_answered));
    assert_eq!(
        (metric(&server, "windrose_tcp_connections"), metric(&server, "windrose_tcp_evicted_total")),
        (300, 100)
    );
}

#[test]
fn limits_change_with_a_reload() {
    let (site, server) = start("max_connections_per_source = 1");
    let to = server.addresses[0];
    let mut first = connect(Ipv4Addr::LOCALHOST, to);
    assert!(is_answered(&mut first) && !is_answered(&mut connect(Ipv4Addr::LOCALHOST, to)));
    let main = std::fs::read_to_string(site.path("windrose.toml")).unwrap();
    site.write("windrose.toml", main.replace("per_source = 1", "per_source = 2").as_bytes());
    let (status, body) = server.admin("POST", "/v1/reload");
    assert!(status == 200 && body.contains("[tcp] changed"), "{status} {body}");
    assert!(is_answered(&mut connect(Ipv4Addr::LOCALHOST, to)) && is_answered(&mut first));
}
