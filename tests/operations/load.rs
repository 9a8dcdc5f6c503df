//! A steady stream of queries, each waited for: how many were never answered, and how long the others took.
#![allow(clippy::unwrap_used, reason = "a test that fails should fail where it stands")]
#![allow(clippy::disallowed_methods, reason = "the test reads the clock")]

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use windrose::wire::Rtype;

use crate::support::query;

/// Several sockets, so that the kernel spreads them over the server's threads.
const SOCKETS: usize = 8;
/// Longer than this is unanswered.
const PATIENCE: Duration = Duration::from_secs(2);

/// What came of a stream.
pub(crate) struct Outcome {
    pub(crate) sent: u64,
    pub(crate) unanswered: u64,
    /// Responses whose RCODE is not NOERROR.
    pub(crate) failed: u64,
    /// Times to the response, shortest first.
    times: Vec<Duration>,
}

impl Outcome {
    /// The time that this share of the responses took at most.
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        let at = (self.times.len() as f64 * share) as usize;
        self.times.get(at.min(self.times.len().saturating_sub(1))).copied().unwrap_or_default()
    }
}

/// A stream that runs until it is stopped.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<(Vec<Duration>, u64, u64)>>,
}

impl Load {
    /// Asks for a name `rate` times a second over all sockets.
    pub(crate) fn start(server: SocketAddr, name: &str, rate: u64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let query = query(name, Rtype::A, Some(("53.0.1.0".parse().unwrap(), 24)));
        let each = Duration::from_nanos(1_000_000_000 * SOCKETS as u64 / rate);
        let stream = |_| {
            let (stop, query) = (Arc::clone(&stop), query.clone());
            thread::spawn(move || stream(server, query, each, &stop))
        };
        let threads = (0..SOCKETS).map(stream).collect();
        Self { stop, threads }
    }

    /// Stops and waits for what is under way.
    pub(crate) fn stop(self) -> Outcome {
        self.stop.store(true, Ordering::Relaxed);
        let mut outcome = Outcome { sent: 0, unanswered: 0, failed: 0, times: Vec::new() };
        for thread in self.threads {
            let (times, sent, failed) = thread.join().unwrap();
            outcome.sent += sent;
            outcome.failed += failed;
            outcome.unanswered += sent - times.len() as u64;
            outcome.times.extend(times);
        }
        outcome.times.sort();
        outcome
    }
}

/// One socket: a thread sends at its pace, this one receives.
fn stream(server: SocketAddr, query: Vec<u8>, each: Duration, stop: &AtomicBool) -> (Vec<Duration>, u64, u64) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(server).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let start = Instant::now();
    // when the query of an id was sent last, in nanoseconds since the start
    let sent_at: Vec<AtomicU64> = (0..=u16::MAX).map(|_| AtomicU64::new(u64::MAX)).collect();
    let (sent, done) = (AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            send(&socket, query, each, stop, start, &sent_at, &sent);
            done.store(true, Ordering::Relaxed);
        });
        receive(&socket, start, &sent_at, &done, &sent)
    })
}

fn send(
    socket: &UdpSocket,
    mut query: Vec<u8>,
    each: Duration,
    stop: &AtomicBool,
    start: Instant,
    sent_at: &[AtomicU64],
    sent: &AtomicU64,
) {
    for number in 0u64.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let due = each * u32::try_from(number).unwrap();
        if let Some(early) = due.checked_sub(start.elapsed()) {
            thread::sleep(early);
        }
        let id = number as u16;
        query[..2].copy_from_slice(&id.to_be_bytes());
        sent_at[usize::from(id)].store(start.elapsed().as_nanos() as u64, Ordering::Release);
        sent.fetch_add(1, Ordering::Relaxed);
        socket.send(&query).unwrap();
    }
}

fn receive(
    socket: &UdpSocket,
    start: Instant,
    sent_at: &[AtomicU64],
    done: &AtomicBool,
    sent: &AtomicU64,
) -> (Vec<Duration>, u64, u64) {
    let (mut times, mut failed, mut buffer) = (Vec::new(), 0, [0; 1500]);
    let mut last = Instant::now();
    loop {
        match socket.recv(&mut buffer) {
            Ok(len) if len >= 12 => {
                last = Instant::now();
                let id = u16::from_be_bytes([buffer[0], buffer[1]]);
                let at = sent_at[usize::from(id)].swap(u64::MAX, Ordering::AcqRel);
                if at != u64::MAX {
                    times.push(start.elapsed().saturating_sub(Duration::from_nanos(at)));
                    failed += u64::from(buffer[3] & 0x0f != 0);
                }
            }
            _ if done.load(Ordering::Relaxed) => {
                let count = sent.load(Ordering::Relaxed);
                if times.len() as u64 == count || last.elapsed() > PATIENCE {
                    return (times, count, failed);
                }
            }
            _ => {}
        }
        if done.load(Ordering::Relaxed) && times.len() as u64 == sent.load(Ordering::Relaxed) {
            let count = sent.load(Ordering::Relaxed);
            return (times, count, failed);
        }
    }
}
