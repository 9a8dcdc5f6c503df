//! The datagram loop where the system takes many at once: a thread a socket, which waits for queries and nothing else.
//!
//! One call waits for the first query and takes what is there, one sends all responses: under load their cost is shared
//! by up to [`WIDTH`] queries, and where there is none the thread sleeps in the kernel.

use super::messages::{Messages, WIDTH};
use super::overflow::Watched;
use super::server::{Shared, Stop};
use super::udp::{REST, SEND_PATIENCE, count};
use super::worker::Worker;
use super::{AHEAD, Meta, Responder, Transport, sys};
use crate::wire::UDP_PAYLOAD;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, UdpSocket};
use std::ops::Range;
use std::os::fd::AsFd;
use std::sync::Arc;

/// The fewest datagrams asked for at a time.
const NARROW: usize = 8;
/// Batches that are still answered when the server stops: what a socket's buffer may hold.
const LAST: usize = 16;

/// A socket, what answers it, and when that ends.
pub(super) struct Endpoint<R> {
    pub(super) socket: Watched<UdpSocket>,
    pub(super) worker: Worker<R>,
    pub(super) shared: Arc<Shared>,
    pub(super) stop: Stop,
}

impl<R: Responder> Endpoint<R> {
    /// Serves the socket until the signal, then what is at hand. Whoever signals wakes the thread by shutting the socket
    /// down for reading.
    pub(super) fn run(mut self) {
        let Ok(local) = self.socket.local_addr().map(|local| local.ip()) else { return };
        let mut messages = Messages::new(local.is_unspecified());
        let mut stopwatch = self.shared.udp_times.stopwatch();
        let mut width = NARROW;
        while !self.stop.is_set() {
            match messages.receive(self.socket.as_fd(), width, true) {
                Ok(received) => {
                    let started = stopwatch.start();
                    self.answer(received, local, &mut messages);
                    started.into_iter().for_each(|started| stopwatch.stop(started));
                    width = adapted(width, received);
                }
                // nothing came: lets go of what the last query left, an old snapshot with all its zones
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.worker.start_batch(),
                // an ICMP message about an earlier response, or a signal
                Err(error) if is_passing(&error) => {}
                Err(_) => std::thread::sleep(REST),
            }
        }
        for _ in 0..LAST {
            match messages.receive(self.socket.as_fd(), WIDTH, false) {
                Ok(received) => self.answer(received, local, &mut messages),
                Err(_) => break,
            }
        }
    }

    /// Answers a batch.
    fn answer(&mut self, received: usize, bound: IpAddr, messages: &mut Messages) {
        self.worker.start_batch();
        for from in (0..received).step_by(AHEAD) {
            self.answer_some(from..received.min(from + AHEAD), bound, messages);
        }
        self.send(messages);
    }

    /// Answers as many queries of a batch as are read ahead.
    fn answer_some(&mut self, range: Range<usize>, bound: IpAddr, messages: &mut Messages) {
        let (mut queries, mut len) = ([None; AHEAD], 0);
        for at in range {
            let Some(from) = messages.origin(at) else { continue };
            // Nobody can be reached at port 0; a forged one is the only reason for it.
            if from.source.port() == 0 || from.truncated {
                count(&self.shared.udp_ignored);
                continue;
            }
            let local = from.local.unwrap_or(bound);
            queries[len] = Some((at, Meta::new(from.source, local, Transport::Udp, UDP_PAYLOAD.into())));
            len += 1;
        }
        let queries = queries[..len].iter().flatten();
        self.worker.read_ahead(queries.clone().map(|(at, meta)| (messages.query(*at), meta)));
        for (nth, (at, meta)) in queries.enumerate() {
            let (query, response) = messages.exchange(*at);
            if let Some(response) = self.worker.respond_ahead(nth, query, meta, response) {
                let len = response.len();
                messages.answer(*at, len);
            }
        }
    }

    /// Sends the responses; one that cannot be sent costs no other.
    fn send(&self, messages: &mut Messages) {
        let (mut from, mut waited) = (0, false);
        while from < messages.answered() {
            match messages.send(self.socket.as_fd(), from) {
                Ok(sent) => from += sent,
                Err(error) if error.kind() == ErrorKind::WouldBlock && !waited => {
                    waited = true;
                    sys::wait_writable(self.socket.as_fd(), SEND_PATIENCE);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => {
                    count(&self.shared.udp_unsent);
                    from += 1;
                }
            }
        }
    }
}

/// As many as came at once will come again, or more: a full batch is followed by one of twice the width, a batch that is
/// mostly empty by one of half.
fn adapted(width: usize, received: usize) -> usize {
    if received == width {
        (width * 2).min(WIDTH)
    } else if received < width / 4 {
        (width / 2).max(NARROW)
    } else {
        width
    }
}

fn is_passing(error: &io::Error) -> bool {
    let icmp = [libc::EHOSTUNREACH, libc::ENETUNREACH, libc::EHOSTDOWN, libc::EPROTO, libc::EMSGSIZE];
    matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::Interrupted)
        || error.raw_os_error().is_some_and(|code| icmp.contains(&code))
}
