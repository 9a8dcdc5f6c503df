//! Over real sockets of the loopback, with a responder that echoes.

mod limits;

use super::{Counts, Listening, Meta, Options, Responder, Running, Transport, Udp};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream, UdpSocket};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Echoes the query and notes its `Meta`; `drop` is not answered, `rest` takes a while, `panic` panics, `early` does so when
/// it is read ahead, `big` is answered with 60,000 octets.
#[derive(Clone, Default)]
struct Echo {
    seen: Arc<Mutex<Vec<Meta>>>,
    batches: usize,
}

impl Responder for Echo {
    fn start_batch(&mut self) {
        self.batches += 1;
    }

    fn respond(&mut self, query: &[u8], meta: &Meta, out: &mut [u8]) -> Option<usize> {
        assert!(self.batches > 0, "a batch was started");
        self.seen.lock().unwrap().push(*meta);
        match query {
            b"drop" => return None,
            b"rest" => {
                std::thread::sleep(Duration::from_millis(200));
                return None;
            }
            b"panic" => panic!("as the test asked"),
            b"big" => {
                out[..60_000].fill(b'x');
                return Some(60_000);
            }
            _ => out[..query.len()].copy_from_slice(query),
        }
        Some(query.len())
    }

    fn read_ahead<'q>(&mut self, mut queries: impl Iterator<Item = (&'q [u8], &'q Meta)>) {
        assert!(queries.all(|(query, _)| query != b"early"), "as the test asked");
    }
}

/// A server on one address, and what its responders saw.
struct Fixture {
    running: Running,
    listening: Listening,
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Meta>>>,
}

impl Fixture {
    fn new(address: &str) -> Self {
        Self::with(address, Options { threads: 2, ..Options::default() })
    }

    fn by(udp: Udp, address: &str) -> Self {
        Self::with(address, Options { threads: 2, udp, ..Options::default() })
    }

    fn with(address: &str, options: Options) -> Self {
        let echo = Echo::default();
        let seen = Arc::clone(&echo.seen);
        let running = Running::start(options, move || echo.clone()).unwrap();
        let listening = running.serve(running.bind(&[address.parse().unwrap()]).unwrap()).unwrap();
        let address = listening.addresses()[0];
        Self { running, listening, address, seen }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        stream
    }

    fn counts(&self) -> Counts {
        self.running.gauge().counts()
    }
}

/// A test of datagrams, for both ways to take them.
macro_rules! both_loops {
    ($test:ident) => {
        mod $test {
            #[test]
            fn in_batches() {
                super::$test(super::Udp::Batch);
            }

            #[test]
            fn one_at_a_time() {
                super::$test(super::Udp::Plain);
            }
        }
    };
}

#[cfg(target_os = "linux")]
mod load;

fn udp_client(local: &str) -> UdpSocket {
    let socket = UdpSocket::bind(local).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    socket
}

/// Sends to `to` and gives the reply and where it came from.
fn ask(socket: &UdpSocket, query: &[u8], to: SocketAddr) -> (Vec<u8>, SocketAddr) {
    socket.send_to(query, to).unwrap();
    let mut buffer = [0; 8192];
    let (n, from) = socket.recv_from(&mut buffer).unwrap();
    (buffer[..n].to_vec(), from)
}

fn frame(message: &[u8]) -> Vec<u8> {
    [&u16::try_from(message.len()).unwrap().to_be_bytes()[..], message].concat()
}

fn read_frame(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut message = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut message)?;
    Ok(message)
}

/// True when the server closed the connection, with or without a reset.
fn is_closed(stream: &mut TcpStream) -> bool {
    match stream.read(&mut [0]) {
        Ok(n) => n == 0,
        Err(e) => e.kind() == ErrorKind::ConnectionReset,
    }
}

/// Waits until `condition` holds; fails after five seconds.
fn eventually(condition: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(5);
    while !condition() {
        assert!(Instant::now() < end, "did not happen");
        std::thread::sleep(Duration::from_millis(2));
    }
}

both_loops!(udp_answers_over_ipv4_and_ipv6);
fn udp_answers_over_ipv4_and_ipv6(udp: Udp) {
    for (listen, client) in [("127.0.0.1:0", "127.0.0.9:0"), ("[::1]:0", "[::1]:0")] {
        let server = Fixture::by(udp, listen);
        let socket = udp_client(client);
        assert_eq!(ask(&socket, b"hello", server.address), (b"hello".to_vec(), server.address));
        let meta = server.seen.lock().unwrap()[0];
        assert_eq!(meta.source, socket.local_addr().unwrap());
        assert_eq!((meta.local, meta.transport, meta.limit), (server.address.ip(), Transport::Udp, 1232));
    }
}

both_loops!(a_wildcard_socket_replies_from_the_address_asked);
fn a_wildcard_socket_replies_from_the_address_asked(udp: Udp) {
    let server = Fixture::by(udp, "0.0.0.0:0");
    let asked: SocketAddr = ([127, 0, 0, 5], server.address.port()).into();
    assert_eq!(ask(&udp_client("127.0.0.1:0"), b"hello", asked), (b"hello".to_vec(), asked));
    assert_eq!(server.seen.lock().unwrap()[0].local, asked.ip());
}

both_loops!(both_wildcards_share_a_port_and_see_no_mapped_addresses);
fn both_wildcards_share_a_port_and_see_no_mapped_addresses(udp: Udp) {
    let v4 = Fixture::by(udp, "0.0.0.0:0");
    let v6 = Fixture::by(udp, &format!("[::]:{}", v4.address.port()));
    let port = v4.address.port();
    ask(&udp_client("127.0.0.1:0"), b"four", SocketAddr::from(([127, 0, 0, 1], port)));
    let asked: SocketAddr = format!("[::1]:{port}").parse().unwrap();
    assert_eq!(ask(&udp_client("[::1]:0"), b"six", asked).1, asked);
    assert!(v4.seen.lock().unwrap().iter().all(|m| m.source.is_ipv4() && m.local.is_ipv4()));
    assert_eq!(v6.seen.lock().unwrap()[0].local, asked.ip());
}

both_loops!(udp_goes_on_after_drops_panics_long_queries_and_unreachable_clients);
fn udp_goes_on_after_drops_panics_long_queries_and_unreachable_clients(udp: Udp) {
    let server = Fixture::with("127.0.0.1:0", Options { threads: 1, udp, ..Options::default() });
    let socket = udp_client("127.0.0.1:0");
    for query in [&b"drop"[..], b"panic", &[b'x'; 5000]] {
        socket.send_to(query, server.address).unwrap();
    }
    for _ in 0..10 {
        // Gone before the reply comes: the kernel tells the server's socket of it by ICMP.
        udp_client("127.0.0.1:0").send_to(b"bye", server.address).unwrap();
    }
    assert_eq!(ask(&socket, b"still there?", server.address).0, b"still there?");
    assert_eq!((server.counts().udp_ignored, server.counts().panics), (1, 1));
}

#[cfg(target_os = "linux")]
#[test]
fn udp_answers_what_could_not_be_read_ahead() {
    let server = Fixture::with("127.0.0.1:0", Options { threads: 1, udp: Udp::Batch, ..Options::default() });
    assert_eq!(ask(&udp_client("127.0.0.1:0"), b"early", server.address).0, b"early");
    assert_eq!(server.counts().panics, 1);
}

both_loops!(udp_answers_a_burst_longer_than_a_batch);
fn udp_answers_a_burst_longer_than_a_batch(udp: Udp) {
    let server = Fixture::with("127.0.0.1:0", Options { threads: 1, udp, ..Options::default() });
    let socket = udp_client("127.0.0.1:0");
    for n in 0..150_u8 {
        socket.send_to(&[n], server.address).unwrap();
    }
    let mut buffer = [0; 16];
    let replies: Vec<u8> = (0..150).map(|_| socket.recv(&mut buffer).map(|_| buffer[0]).unwrap()).collect();
    assert_eq!(replies, (0..150).collect::<Vec<u8>>());
}

both_loops!(every_thread_takes_its_share_of_clients);
fn every_thread_takes_its_share_of_clients(udp: Udp) {
    let server = Fixture::with("127.0.0.1:0", Options { threads: 4, udp, ..Options::default() });
    for n in 0..64 {
        let query = [n; 20];
        assert_eq!(ask(&udp_client("127.0.0.1:0"), &query, server.address).0, query);
    }
}

#[test]
fn tcp_answers_a_hundred_pipelined_queries() {
    let server = Fixture::new("127.0.0.1:0");
    let mut stream = server.connect();
    let queries: Vec<Vec<u8>> = (0..100).map(|n| format!("query {n}").into_bytes()).collect();
    stream.write_all(&queries.iter().flat_map(|q| frame(q)).collect::<Vec<u8>>()).unwrap();
    for query in queries {
        assert_eq!(read_frame(&mut stream).unwrap(), query);
    }
    let meta = server.seen.lock().unwrap()[0];
    assert_eq!(meta.source, stream.local_addr().unwrap());
    assert_eq!((meta.local, meta.transport, meta.limit), (server.address.ip(), Transport::Tcp, 65535));
}

#[test]
fn tcp_answers_over_ipv6_and_through_a_wildcard() {
    let v6 = Fixture::new("[::1]:0");
    let mut stream = v6.connect();
    stream.write_all(&frame(b"six")).unwrap();
    assert_eq!(read_frame(&mut stream).unwrap(), b"six");

    let wildcard = Fixture::new("0.0.0.0:0");
    let mut stream = TcpStream::connect(("127.0.0.7", wildcard.address.port())).unwrap();
    stream.write_all(&frame(b"four")).unwrap();
    assert_eq!(read_frame(&mut stream).unwrap(), b"four");
    assert_eq!(wildcard.seen.lock().unwrap()[0].local, IpAddr::from([127, 0, 0, 7]));
}

#[test]
fn tcp_puts_bytes_together() {
    let server = Fixture::new("127.0.0.1:0");
    let mut stream = server.connect();
    stream.set_nodelay(true).unwrap();
    for byte in [frame(b"one"), frame(b"two")].concat() {
        stream.write_all(&[byte]).unwrap();
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(read_frame(&mut stream).unwrap(), b"one");
    assert_eq!(read_frame(&mut stream).unwrap(), b"two");
}

#[test]
fn tcp_carries_the_longest_message() {
    let server = Fixture::new("127.0.0.1:0");
    let mut stream = server.connect();
    let longest = vec![7; 65535];
    stream.write_all(&frame(&longest)).unwrap();
    assert_eq!(read_frame(&mut stream).unwrap(), longest);
}

#[test]
fn tcp_answers_after_a_half_close() {
    let server = Fixture::new("127.0.0.1:0");
    let mut stream = server.connect();
    stream.write_all(&[frame(b"one"), frame(b"two")].concat()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap();
    assert_eq!(all, [frame(b"one"), frame(b"two")].concat());
    eventually(|| server.counts().tcp_open == 0);
}

#[test]
fn tcp_goes_on_after_a_query_without_a_response() {
    let server = Fixture::new("127.0.0.1:0");
    let mut stream = server.connect();
    stream.write_all(&[frame(b"drop"), frame(b"panic"), frame(b"next")].concat()).unwrap();
    assert_eq!(read_frame(&mut stream).unwrap(), b"next");
}

#[test]
fn an_empty_frame_closes_after_what_came_before_it() {
    let server = Fixture::new("127.0.0.1:0");
    let mut stream = server.connect();
    stream.write_all(&[frame(b"one"), frame(b"")].concat()).unwrap();
    assert_eq!(read_frame(&mut stream).unwrap(), b"one");
    assert!(is_closed(&mut stream));
}

#[test]
fn stop_is_prompt_although_connections_are_open() {
    let server = Fixture::new("127.0.0.1:0");
    let mut stream = server.connect();
    stream.write_all(&frame(b"x")).unwrap();
    read_frame(&mut stream).unwrap();
    let start = Instant::now();
    server.running.stop(Duration::from_secs(10));
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    assert!(is_closed(&mut stream));
    assert!(TcpStream::connect(server.address).is_err());
    // The address is free at once.
    super::bind::bind(&[server.address], &Options::default()).unwrap();
}

#[test]
fn stop_waits_for_a_slow_reader_no_longer_than_the_grace() {
    let server = Fixture::with("127.0.0.1:0", Options { threads: 1, ..Options::default() });
    let mut greedy = server.connect();
    greedy.write_all(&frame(b"big").repeat(1000)).unwrap();
    eventually(|| !server.seen.lock().unwrap().is_empty());
    let start = Instant::now();
    server.running.stop(Duration::from_millis(200));
    let took = start.elapsed();
    assert!((Duration::from_millis(150)..Duration::from_secs(2)).contains(&took), "{took:?}");
}

both_loops!(stop_is_prompt_under_a_flood);
fn stop_is_prompt_under_a_flood(udp: Udp) {
    let server = Fixture::with("127.0.0.1:0", Options { threads: 1, udp, ..Options::default() });
    let done = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let (flag, to) = (Arc::clone(&done), server.address);
    let flood = std::thread::spawn(move || {
        let socket = udp_client("127.0.0.1:0");
        while !flag.load(std::sync::atomic::Ordering::Relaxed) {
            let _ = socket.send_to(b"drop", to);
        }
    });
    eventually(|| server.seen.lock().unwrap().len() > 200);
    let start = Instant::now();
    server.running.stop(Duration::from_secs(10));
    let took = start.elapsed();
    done.store(true, std::sync::atomic::Ordering::Relaxed);
    flood.join().unwrap();
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[test]
fn dropping_stops_too() {
    let server = Fixture::new("127.0.0.1:0");
    let mut stream = server.connect();
    stream.write_all(&frame(b"x")).unwrap();
    read_frame(&mut stream).unwrap();
    drop(server.running);
    assert!(is_closed(&mut stream));
}

both_loops!(closing_one_address_leaves_the_others);
fn closing_one_address_leaves_the_others(udp: Udp) {
    let server = Fixture::by(udp, "127.0.0.1:0");
    let more = server.running.serve(server.running.bind(&["127.0.0.1:0".parse().unwrap()]).unwrap()).unwrap();
    let address = more.addresses()[0];
    let socket = udp_client("127.0.0.1:0");
    assert_eq!(ask(&socket, b"x", address).0, b"x");
    assert_ne!(address, server.listening.addresses()[0]);
    let mut gone = TcpStream::connect(address).unwrap();
    gone.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut stays = server.connect();
    drop(more);
    assert!(is_closed(&mut gone));
    eventually(|| super::bind::bind(&[address], &Options::default()).is_ok());
    assert_eq!(ask(&socket, b"y", server.address).0, b"y");
    stays.write_all(&frame(b"z")).unwrap();
    assert_eq!(read_frame(&mut stays).unwrap(), b"z");
}
