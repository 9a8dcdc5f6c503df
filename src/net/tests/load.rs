//! What only Linux tells and does: how much a socket dropped, where a thread runs, and how it is scheduled.

use super::*;
use crate::net::{Buffers, cpus};
use std::collections::BTreeSet;

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

/// The nice value of the calling thread, and its policy (proc_pid_stat(5)).
fn scheduling() -> String {
    let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
    // behind the name, which may have blanks: fields 3 and on
    let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    format!("{} {}", fields[19 - 3], fields[41 - 3])
}

/// How long a turn of the calling thread is, in nanoseconds; 0 where the system does not say.
fn turn() -> u64 {
    crate::net::sys::scheduling().map_or(0, |now| now.sched_runtime)
}

/// Says of its thread what the system says.
#[derive(Clone)]
struct Tell;

impl Responder for Tell {
    fn start_batch(&mut self) {}

    fn respond(&mut self, query: &[u8], _: &Meta, out: &mut [u8]) -> Option<usize> {
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        let of = |key: &str| status.lines().find_map(|line| line.strip_prefix(key)).unwrap().trim();
        let told = match query {
            b"when?" => scheduling(),
            b"how long?" => turn().to_string(),
            _ => format!("{} {}", of("Name:"), of("Cpus_allowed_list:")),
        };
        out[..told.len()].copy_from_slice(told.as_bytes());
        Some(told.len())
    }
}

/// A server of pinned threads at a port that is known before.
fn pinned(threads: usize) -> (Running, Listening) {
    let running = Running::start(Options { threads, pin: true, ..Options::default() }, || Tell).unwrap();
    let bound = || {
        let port = running.bind(&["127.0.0.1:0".parse().unwrap()])?.addresses()[0];
        running.bind(&[port])
    };
    // another test may take the port in between
    let bound = (0..10).find_map(|_| bound().ok()).unwrap();
    let listening = running.serve(bound).unwrap();
    (running, listening)
}

#[test]
fn pinned_threads_are_on_one_cpu_each_and_answer_what_comes_in_there() {
    let cpus = cpus::allowed().unwrap();
    let (running, listening) = pinned(cpus.len());
    assert_eq!(listening.shortfalls(), [""; 0]);
    let to = listening.addresses()[0];
    let answered = |_| String::from_utf8(ask(&udp_client("127.0.0.1:0"), b"where?", to).0).unwrap();
    let anywhere: BTreeSet<String> = (0..64).map(answered).collect();
    let places = cpus.iter().enumerate().map(|(n, cpu)| format!("windrose-udp-{n} {cpu}"));
    assert!(anywhere.is_subset(&places.clone().collect()), "{anywhere:?}");
    for (cpu, place) in cpus.iter().zip(places) {
        cpus::pin(*cpu).unwrap();
        let here: BTreeSet<String> = (0..16).map(answered).collect();
        assert_eq!(here, [place].into());
    }
    running.stop(Duration::from_secs(5));
}

#[test]
fn more_pinned_threads_than_cpus_share_them() {
    let cpus = cpus::allowed().unwrap();
    let (running, listening) = pinned(2 * cpus.len());
    let place = String::from_utf8(ask(&udp_client("127.0.0.1:0"), b"where?", listening.addresses()[0]).0).unwrap();
    let (name, cpu) = place.split_once(' ').unwrap();
    let n: usize = name.rsplit('-').next().unwrap().parse().unwrap();
    assert_eq!(cpu, cpus[n % cpus.len()].to_string());
    running.stop(Duration::from_secs(5));
}

#[test]
fn threads_that_are_not_to_be_pinned_run_anywhere() {
    let running = Running::start(Options { threads: 2, ..Options::default() }, || Tell).unwrap();
    let listening = running.serve(running.bind(&["127.0.0.1:0".parse().unwrap()]).unwrap()).unwrap();
    let place = String::from_utf8(ask(&udp_client("127.0.0.1:0"), b"where?", listening.addresses()[0]).0).unwrap();
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    let own = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap().trim();
    assert_eq!(place.split_once(' ').unwrap().1, own);
    running.stop(Duration::from_secs(5));
}

#[test]
fn threads_of_datagrams_take_short_turns() {
    let running = Running::start(Options { threads: 1, ..Options::default() }, || Tell).unwrap();
    let listening = running.serve(running.bind(&["127.0.0.1:0".parse().unwrap()]).unwrap()).unwrap();
    let (answer, _) = ask(&udp_client("127.0.0.1:0"), b"how long?", listening.addresses()[0]);
    // Linux says so from 6.12 on
    let expected = if turn() == 0 { "0" } else { "100000" };
    assert_eq!(String::from_utf8(answer).unwrap(), expected);
    running.stop(Duration::from_secs(5));
}

#[test]
fn threads_that_are_started_from_behind_are_not_behind() {
    let before = scheduling();
    let running = Running::start(Options { threads: 1, ..Options::default() }, || Tell).unwrap();
    let (behind, listening) = std::thread::scope(|scope| {
        let reload = || {
            crate::net::lower_priority();
            let bound = running.bind(&["127.0.0.1:0".parse().unwrap()]).unwrap();
            (scheduling(), running.serve(bound).unwrap())
        };
        scope.spawn(reload).join().unwrap()
    });
    let nice: i32 = before.split_once(' ').unwrap().0.parse().unwrap();
    assert_eq!(behind, format!("{} {}", nice.max(10), 3), "3 is SCHED_BATCH");
    let (answer, _) = ask(&udp_client("127.0.0.1:0"), b"when?", listening.addresses()[0]);
    assert_eq!(String::from_utf8(answer).unwrap(), before);
    running.stop(Duration::from_secs(5));
}
