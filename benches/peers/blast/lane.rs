//! One socket and the queries that it waits for.

use std::io;
use std::net::{SocketAddr, UdpSocket};

use crate::answers;
use crate::batch::{BATCH, Batch, stamp_arrivals};
use crate::queries::Queries;
use crate::tally::Tally;

/// A query on its way: when it was sent, in nanoseconds of the run; 0 where there is none.
#[derive(Clone, Copy, Default)]
struct Waiting {
    since: u64,
    query: u32,
}

/// A connected socket. IDs are given in turn; each is a place in `waiting`.
pub(crate) struct Lane {
    pub(crate) socket: UdpSocket,
    waiting: Vec<Waiting>,
    next_id: u16,
    /// No query before this ID is on its way.
    oldest: u16,
    /// Queries on their way.
    pub(crate) open: usize,
}

impl Lane {
    /// `exact`: the time of an answer is that of its arrival, not of its being looked at.
    pub(crate) fn new(to: SocketAddr, exact: bool) -> io::Result<Self> {
        let socket = socket2::Socket::from(UdpSocket::bind("127.0.0.1:0")?);
        socket.set_recv_buffer_size(4 << 20)?;
        socket.set_send_buffer_size(4 << 20)?;
        let socket = UdpSocket::from(socket);
        socket.connect(to)?;
        if exact {
            stamp_arrivals(&socket)?;
        }
        Ok(Self { socket, waiting: vec![Waiting::default(); 1 << 16], next_id: 0, oldest: 0, open: 0 })
    }

    /// Sends so many queries, a batch at most, from number `next` on; returns how many went.
    pub(crate) fn send(
        &mut self,
        batch: &mut Batch,
        queries: &Queries,
        next: usize,
        many: usize,
        tally: &mut Tally,
    ) -> io::Result<usize> {
        let many = many.min(BATCH);
        for at in 0..many {
            let message = queries.message((next + at) % queries.count());
            let space = batch.resize(at, message.len());
            space.copy_from_slice(message);
            space[..2].copy_from_slice(&self.next_id.wrapping_add(at as u16).to_be_bytes());
        }
        let now = tally.now();
        let sent = batch.send(&self.socket, 0, many)?;
        for at in 0..sent {
            let place = &mut self.waiting[usize::from(self.next_id)];
            if place.since != 0 {
                tally.lose(place.since); // 65,536 queries ago
                self.open -= 1;
            }
            *place = Waiting { since: now, query: ((next + at) % queries.count()) as u32 };
            self.next_id = self.next_id.wrapping_add(1);
        }
        self.open += sent;
        tally.sent(now, sent);
        Ok(sent)
    }

    /// Takes the answers that are there; returns how many datagrams came.
    pub(crate) fn receive(&mut self, batch: &mut Batch, queries: &Queries, tally: &mut Tally) -> io::Result<usize> {
        let got = batch.receive(&self.socket, false)?;
        if got == 0 {
            return Ok(0);
        }
        let now = tally.now();
        for at in 0..got {
            let answer = batch.received(at);
            let Some(&[high, low]) = answer.get(..2) else { continue };
            let place = &mut self.waiting[usize::from(u16::from_be_bytes([high, low]))];
            let Waiting { since, query } = std::mem::take(place);
            if since == 0 {
                tally.unasked += 1;
                continue;
            }
            self.open -= 1;
            let query = query as usize;
            let right = answers::right(queries.message(query), queries.rcode(query), answer);
            let came = batch.arrived(at).map_or(now, |time| tally.time_of(time).clamp(since, now));
            tally.answered(since, came, answer, right);
        }
        Ok(got)
    }

    /// Gives up on what was sent before this moment. IDs are in the order of time, so the oldest is where it stopped before.
    pub(crate) fn give_up(&mut self, before: u64, tally: &mut Tally) {
        while self.oldest != self.next_id {
            let place = &mut self.waiting[usize::from(self.oldest)];
            if place.since >= before {
                return;
            }
            if place.since != 0 {
                tally.lose(place.since);
                self.open -= 1;
                *place = Waiting::default();
            }
            self.oldest = self.oldest.wrapping_add(1);
        }
    }
}
