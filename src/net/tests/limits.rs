//! Limits of TCP connections.

use super::*;
use crate::net::Limits;

/// One thread, and limits.
fn limited(limits: Limits) -> Options {
    Options { threads: 1, limits, ..Options::default() }
}

#[test]
fn an_idle_connection_is_closed_even_if_bytes_drip() {
    let idle = Duration::from_millis(150);
    let server = Fixture::with("127.0.0.1:0", limited(Limits { idle, ..Limits::default() }));
    let mut silent = server.connect();
    let mut dripping = server.connect();
    let start = Instant::now();
    // A long message, an octet at a time: whole only long after the time is up.
    let _ = dripping.write_all(&[0xff, 0xff]);
    while start.elapsed() < idle * 2 && dripping.write_all(&[1]).is_ok() {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(is_closed(&mut silent) && is_closed(&mut dripping));
    assert!(start.elapsed() >= idle);
    assert_eq!(server.counts().tcp_open, 0);
}

#[test]
fn at_the_cap_the_connection_idle_for_the_longest_gives_way() {
    let options = limited(Limits { connections: 2, ..Limits::default() });
    let server = Fixture::with("127.0.0.1:0", options);
    let talk = |stream: &mut TcpStream| {
        stream.write_all(&frame(b"x")).unwrap();
        read_frame(stream).unwrap();
    };
    let (mut first, mut second) = (server.connect(), server.connect());
    talk(&mut first);
    talk(&mut second);
    talk(&mut first);
    let mut third = server.connect();
    talk(&mut third);
    assert!(is_closed(&mut second));
    talk(&mut first);
    assert_eq!((server.counts().tcp_open, server.counts().tcp_evicted), (2, 1));
}

#[test]
fn a_client_that_does_not_read_is_cut_off() {
    let options = limited(Limits { write: Duration::from_millis(100), ..Limits::default() });
    let server = Fixture::with("127.0.0.1:0", options);
    let mut greedy = server.connect();
    greedy.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
    // A thousand responses are 60 MB, more than the socket buffers of both ends hold.
    let _ = greedy.write_all(&frame(b"big").repeat(1000));
    eventually(|| server.counts().tcp_cut == 1);
    eventually(|| server.counts().tcp_open == 0);
}

#[test]
fn a_query_that_has_begun_must_be_whole_in_time() {
    let query = Duration::from_millis(150);
    let server = Fixture::with("127.0.0.1:0", limited(Limits { query, ..Limits::default() }));
    let (mut slow, mut idle) = (server.connect(), server.connect());
    // whole queries do not give one that never ends more time
    let start = Instant::now();
    slow.write_all(&[frame(b"whole"), vec![0, 200]].concat()).unwrap();
    read_frame(&mut slow).unwrap();
    while start.elapsed() < query * 3 && slow.write_all(&[1]).is_ok() {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(is_closed(&mut slow));
    assert!((query..query * 3).contains(&start.elapsed()), "{:?}", start.elapsed());
    idle.write_all(&frame(b"x")).unwrap();
    read_frame(&mut idle).unwrap();
    assert_eq!((server.counts().tcp_open, server.counts().tcp_cut), (1, 1));
}

#[test]
fn a_source_has_its_share_of_connections() {
    let server = Fixture::with("127.0.0.1:0", limited(Limits { per_source: 2, ..Limits::default() }));
    let (mut first, mut second, mut third) = (server.connect(), server.connect(), server.connect());
    assert!(is_closed(&mut third));
    for stream in [&mut first, &mut second] {
        stream.write_all(&frame(b"x")).unwrap();
        read_frame(stream).unwrap();
    }
    assert_eq!((server.counts().tcp_open, server.counts().tcp_refused), (2, 1));
    server.running.set_limits(Limits { per_source: 3, ..Limits::default() });
    let mut third = server.connect();
    third.write_all(&frame(b"x")).unwrap();
    read_frame(&mut third).unwrap();
}

#[test]
fn others_are_served_while_a_client_does_not_read() {
    let server = Fixture::with("127.0.0.1:0", Options { threads: 1, ..Options::default() });
    let mut greedy = server.connect();
    greedy.write_all(&frame(b"big").repeat(1000)).unwrap();
    let mut other = server.connect();
    other.write_all(&frame(b"hello")).unwrap();
    assert_eq!(read_frame(&mut other).unwrap(), b"hello");
    for _ in 0..1000 {
        assert_eq!(read_frame(&mut greedy).unwrap().len(), 60_000);
    }
}

#[test]
fn a_client_that_reads_by_drops_is_cut_off_too() {
    let limits = Limits { write: Duration::from_millis(300), ..Limits::default() };
    let server = Fixture::with("127.0.0.1:0", limited(limits));
    let mut greedy = server.connect();
    greedy.write_all(&frame(b"big").repeat(400)).unwrap();
    eventually(|| !server.seen.lock().unwrap().is_empty());
    let start = Instant::now();
    // 60,000 octets every 50 ms: each write is taken in time, all of them would take 20 seconds
    let mut drop = [0; 60_000];
    while server.counts().tcp_open > 0 {
        assert!(start.elapsed() < Duration::from_secs(5), "still served");
        greedy.read_exact(&mut drop).unwrap();
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(server.counts().tcp_cut, 1);
}
