//! One connection (RFC 7766), encrypted or not: queries as they come, responses to all that are at hand in one write.
//!
//! Everything a client can hold up ends: silence after `Limits::idle`, a query that has begun after `Limits::query`, and
//! responses that are not taken after `Limits::write`, those to all queries that came at once together. While responses wait to be taken nothing is read, so a connection
//! holds one query and one batch of responses at most.

use super::frame::{EmptyFrame, Frames};
use super::tcp::{Desk, Visit};
use super::{Limits, Responder};
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::Poll;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::{Instant, timeout, timeout_at};

/// The longest response.
const LONGEST: usize = u16::MAX as usize;
/// Responses are written when this much has gathered, although more queries are at hand: it bounds the memory of a
/// client that sends thousands of queries at once and reads slowly. A hundred ordinary responses.
const FLUSH: usize = 1 << 14;
/// What an idle connection may keep for its next responses.
const KEEP: usize = 1 << 12;

/// Room for one response, shared by the connections of a thread.
pub(super) struct Scratch(Box<[u8]>);

impl Default for Scratch {
    fn default() -> Self {
        Self(vec![0; LONGEST].into())
    }
}

/// Serves a connection to its end; an error is the client's doing, `TimedOut` where it was too slow.
pub(super) async fn converse<R, S>(stream: S, desk: &Desk<R>, visit: &Visit) -> io::Result<()>
where
    R: Responder,
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (frames, write_by) = (Frames::new(), Instant::now());
    let mut connection = Connection { stream, frames, out: Vec::new(), write_by, desk, visit };
    connection.run().await?;
    timeout(visit.limits.write, connection.stream.shutdown()).await?
}

struct Connection<'d, R, S> {
    stream: S,
    frames: Frames,
    out: Vec<u8>,
    /// When the responses to the queries at hand must be taken: all of them, or a client that takes each write a little
    /// too slowly would hold its place for as many times the limit as there are writes.
    write_by: Instant,
    desk: &'d Desk<R>,
    visit: &'d Visit,
}

impl<R: Responder, S: AsyncRead + AsyncWrite + Unpin> Connection<'_, R, S> {
    /// Reads and answers until the client is done, idle or wrong, or the server stops.
    async fn run(&mut self) -> io::Result<()> {
        let mut stop = self.desk.stop.clone();
        let mut due = Due::new(self.visit.limits);
        loop {
            let (stream, space) = (&mut self.stream, self.frames.space());
            let read = tokio::select! {
                biased;
                () = stop.signalled() => None,
                read = timeout_at(due.next(), stream.read(space)) => Some(read),
            };
            let stopping = read.is_none();
            let read = match read {
                Some(Ok(read)) => Some(read?),
                Some(Err(_)) => return due.missed(),
                // At the signal, what the kernel has already acknowledged is answered too.
                None => at_hand(&mut self.stream, self.frames.space()).await?,
            };
            self.frames.filled(read.unwrap_or(0));
            let (answered, sane) = self.answer().await?;
            due.move_on(answered, self.frames.has_part());
            // Zero: the client sends no more, but still reads (RFC 7766 §6.2.4 lets it half-close).
            if stopping || !sane || read == Some(0) {
                return Ok(());
            }
        }
    }

    /// Answers every whole query; whether there was one, and whether the stream still makes sense.
    async fn answer(&mut self) -> io::Result<(bool, bool)> {
        self.desk.worker.borrow_mut().start_batch();
        self.write_by = Instant::now() + self.visit.limits.write;
        let mut answered = false;
        let sane = loop {
            match self.answer_next() {
                Ok(true) if answered => {}
                Ok(true) => {
                    answered = true;
                    // before the client can have the response
                    self.visit.place.pulse.touch(Instant::now());
                }
                Ok(false) => break true,
                Err(EmptyFrame) => break false,
            }
            if self.out.len() >= FLUSH {
                self.flush().await?;
                // others of this thread have their turn
                tokio::task::yield_now().await;
            }
        };
        self.flush().await?;
        Ok((answered, sane))
    }

    /// Answers one query into `out`; false: there is none.
    fn answer_next(&mut self) -> Result<bool, EmptyFrame> {
        let Some(query) = self.frames.next()? else { return Ok(false) };
        let mut scratch = self.desk.scratch.borrow_mut();
        if let Some(response) = self.desk.worker.borrow_mut().respond(query, &self.visit.meta, &mut scratch.0) {
            // Within `u16`: the scratch is no longer than that.
            self.out.extend_from_slice(&(response.len() as u16).to_be_bytes());
            self.out.extend_from_slice(response);
        }
        Ok(true)
    }

    /// Writes what has gathered, and gives unusual amounts of memory back.
    async fn flush(&mut self) -> io::Result<()> {
        if !self.out.is_empty() {
            let written = async {
                self.stream.write_all(&self.out).await?;
                self.stream.flush().await
            };
            timeout_at(self.write_by, written).await??;
            self.out.clear();
            self.out.shrink_to(KEEP);
        }
        Ok(())
    }
}

/// Reads what is there already; `None`: nothing.
async fn at_hand<S: AsyncRead + Unpin>(stream: &mut S, space: &mut [u8]) -> io::Result<Option<usize>> {
    let mut space = ReadBuf::new(space);
    let read = poll_fn(|context| {
        Poll::Ready(match Pin::new(&mut *stream).poll_read(context, &mut space) {
            Poll::Ready(read) => read.map(Some),
            Poll::Pending => Ok(None),
        })
    });
    Ok(read.await?.map(|()| space.filled().len()))
}

/// When a client must have sent what it owes. Neither is put off by octets, only by whole queries: one that drips is idle.
struct Due {
    limits: Limits,
    idle: Instant,
    /// When the query that has begun must be whole.
    query: Option<Instant>,
}

impl Due {
    fn new(limits: Limits) -> Self {
        Self { limits, idle: Instant::now() + limits.idle, query: None }
    }

    fn next(&self) -> Instant {
        self.query.map_or(self.idle, |query| query.min(self.idle))
    }

    /// Takes note of what was read: whether it made a query whole, and whether it ended within one.
    fn move_on(&mut self, answered: bool, has_part: bool) {
        let now = Instant::now();
        if answered {
            self.idle = now + self.limits.idle;
        }
        if answered || !has_part {
            self.query = None;
        }
        if has_part {
            self.query.get_or_insert(now + self.limits.query);
        }
    }

    /// The end of a connection that is late: nothing to speak of for one that is only idle.
    fn missed(&self) -> io::Result<()> {
        match self.query {
            None => Ok(()),
            Some(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}
