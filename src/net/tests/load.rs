//! What only Linux tells and does: how much a socket dropped.

use super::*;
use crate::net::Buffers;

both_loops!(what_a_full_buffer_drops_is_counted_and_stays_counted);
fn what_a_full_buffer_drops_is_counted_and_stays_counted(udp: Udp) {
    let buffers = Buffers { receive: Some(65_536), send: None };
    let server = Fixture::with("127.0.0.1:0", Options { threads: 1, udp, buffers, ..Options::default() });
    let socket = udp_client("127.0.0.1:0");
    socket.send_to(b"rest", server.address).unwrap();
    eventually(|| !server.seen.lock().unwrap().is_empty());
    assert_eq!(server.counts().udp_overflowed, 0);
    for _ in 0..500 {
        socket.send_to(&[b'x'; 1000], server.address).unwrap();
    }
    let dropped = server.counts().udp_overflowed;
    assert!((1..500).contains(&dropped), "{dropped}");
    assert_eq!(server.counts().udp_overflowed, dropped);
    let Fixture { running, listening, address, .. } = server;
    drop(listening);
    eventually(|| super::super::bind::bind(&[address], &Options::default()).is_ok());
    assert_eq!(running.gauge().counts().udp_overflowed, dropped);
    let gauge = running.gauge();
    running.stop(Duration::from_secs(5));
    assert_eq!(gauge.counts().udp_overflowed, dropped);
}
