//! One connection (RFC 7766, RFC 7858): queries as they come, responses to all that are at hand in one write.

use super::Responder;
use super::frame::{EmptyFrame, Frames};
use super::tcp::Guest;
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::task::Poll;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

/// The longest response.
pub(super) const LONGEST: usize = u16::MAX as usize;
/// Responses are written when this much has gathered, although more queries are at hand: it bounds the memory of a
/// client that sends thousands of queries at once.
const FLUSH: usize = 1 << 16;
/// What an idle connection may keep for its next responses.
const KEEP: usize = 1 << 12;

/// Room for one response, shared by the connections of a thread.
pub(super) struct Scratch(pub(super) Box<[u8]>);

impl Default for Scratch {
    fn default() -> Self {
        Self(vec![0; LONGEST].into())
    }
}

/// A connection, encrypted or not.
pub(super) trait Pipe: AsyncRead + AsyncWrite + Unpin {
    /// What carries it.
    fn socket(&self) -> &TcpStream;
}

/// Serves a connection to its end.
pub(super) async fn converse<R: Responder>(stream: impl Pipe, guest: &Guest<R>) {
    let idle_since = Instant::now();
    let frames = Frames::new();
    let mut connection = Connection { stream, frames, out: Vec::new(), guest, idle_since, partial_since: None };
    // An error here is the client's doing, and there is nobody to tell.
    if connection.run().await.is_ok() {
        let _ = timeout(guest.limits.write_timeout, connection.stream.shutdown()).await;
    }
}

struct Connection<'g, S, R> {
    stream: S,
    frames: Frames,
    out: Vec<u8>,
    guest: &'g Guest<R>,
    /// When the last query was answered, or the connection began.
    idle_since: Instant,
    /// When a query began that is not whole yet.
    partial_since: Option<Instant>,
}

/// What reading met.
#[derive(PartialEq, Eq)]
enum Read {
    Some,
    Nothing,
    End,
}

impl<S: Pipe, R: Responder> Connection<'_, S, R> {
    /// Reads and answers until the client is done, idle or wrong, or the server stops.
    async fn run(&mut self) -> io::Result<()> {
        let mut stop = self.guest.desk.stop.clone();
        loop {
            let deadline = self.deadline();
            let (read, stopping) = tokio::select! {
                biased;
                // What the kernel has already acknowledged is answered too.
                () = stop.signalled() => (self.read_at_hand().await?, true),
                read = timeout_at(deadline, self.stream.read(self.frames.space())) => match read {
                    Ok(octets) => (self.note(octets?), false),
                    Err(_) => return Ok(()),
                },
            };
            let sane = self.answer().await?;
            if stopping || !sane || read == Read::End {
                return Ok(());
            }
        }
    }

    /// When what is awaited must be there. It is not put off by octets, only by whole queries.
    fn deadline(&self) -> Instant {
        let limits = &self.guest.limits;
        let idle = self.idle_since + limits.idle_timeout;
        self.partial_since.map_or(idle, |since| idle.min(since + limits.read_timeout))
    }

    fn note(&mut self, octets: usize) -> Read {
        self.frames.filled(octets);
        // None: the client sends no more, but still reads (RFC 7766 §6.2.4 lets it half-close).
        if octets == 0 { Read::End } else { Read::Some }
    }

    /// Reads once, without waiting.
    async fn read_at_hand(&mut self) -> io::Result<Read> {
        let read = {
            let mut read = pin!(self.stream.read(self.frames.space()));
            poll_fn(|context| Poll::Ready(read.as_mut().poll(context))).await
        };
        match read {
            Poll::Ready(octets) => Ok(self.note(octets?)),
            Poll::Pending => Ok(Read::Nothing),
        }
    }

    /// Answers every whole query; whether the stream still makes sense.
    async fn answer(&mut self) -> io::Result<bool> {
        self.guest.desk.worker.borrow_mut().start_batch();
        // One time for all of them: a client that takes each response a little too slowly would never be done.
        let write_by = Instant::now() + self.guest.limits.write_timeout;
        let mut answered = false;
        let sane = loop {
            match self.answer_next() {
                Ok(true) => answered = true,
                Ok(false) => break true,
                Err(EmptyFrame) => break false,
            }
            if self.out.len() >= FLUSH {
                self.flush(write_by).await?;
            }
        };
        self.flush(write_by).await?;
        self.note_time(answered);
        Ok(sane)
    }

    fn note_time(&mut self, answered: bool) {
        let now = Instant::now();
        if answered {
            self.idle_since = now;
            self.partial_since = None;
            self.guest.place.touch(now);
        }
        if self.frames.is_empty() {
            self.partial_since = None;
        } else {
            self.partial_since.get_or_insert(now);
        }
    }

    /// Answers one query into `out`; false: there is none.
    fn answer_next(&mut self) -> Result<bool, EmptyFrame> {
        let Some(query) = self.frames.next()? else { return Ok(false) };
        let desk = &self.guest.desk;
        let mut scratch = desk.scratch.borrow_mut();
        if let Some(response) = desk.worker.borrow_mut().respond(query, &self.guest.meta, &mut scratch.0) {
            // Within `u16`: the scratch is no longer than that.
            self.out.extend_from_slice(&(response.len() as u16).to_be_bytes());
            self.out.extend_from_slice(response);
        }
        Ok(true)
    }

    /// Writes what has gathered, and gives unusual amounts of memory back.
    async fn flush(&mut self, by: Instant) -> io::Result<()> {
        if self.out.is_empty() {
            return Ok(());
        }
        let writing = async {
            self.stream.write_all(&self.out).await?;
            self.stream.flush().await
        };
        let written = timeout_at(by, writing).await;
        if written.is_err() {
            // Or the kernel would keep what the client does not take, for minutes.
            let _ = self.stream.socket().set_zero_linger();
        }
        written??;
        self.out.clear();
        self.out.shrink_to(KEEP);
        Ok(())
    }
}
