//! One connection (RFC 7766): queries as they come, responses to all that are at hand in one write.

use super::frame::{EmptyFrame, Frames};
use super::tcp::{Desk, Place};
use super::{Meta, Responder, Transport};
use std::io::{self, ErrorKind};
use std::net::IpAddr;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

/// The longest response.
const LONGEST: usize = u16::MAX as usize;
/// Responses are written when this much has gathered, although more queries are at hand: it bounds the memory of a
/// client that sends thousands of queries at once.
const FLUSH: usize = 1 << 16;
/// What an idle connection may keep for its next responses.
const KEEP: usize = 1 << 12;

/// Room for one response, shared by the connections of a thread.
pub(super) struct Scratch(Box<[u8]>);

impl Default for Scratch {
    fn default() -> Self {
        Self(vec![0; LONGEST].into())
    }
}

/// Serves a connection to its end.
pub(super) async fn converse<R: Responder>(stream: TcpStream, desk: &Desk<R>, place: &Place) {
    // Responses are whole writes: nothing is gained by waiting for more.
    let _ = stream.set_nodelay(true);
    let Ok(meta) = meta_of(&stream) else { return };
    let mut connection = Connection { stream, meta, frames: Frames::new(), out: Vec::new(), desk, place };
    // An error here is the client's doing, and there is nobody to tell.
    if connection.run().await.is_ok() {
        let _ = timeout(desk.options.tcp_write, connection.stream.shutdown()).await;
    }
}

fn meta_of(stream: &TcpStream) -> io::Result<Meta> {
    let local: IpAddr = stream.local_addr()?.ip();
    Ok(Meta::new(stream.peer_addr()?, local, Transport::Tcp, LONGEST))
}

struct Connection<'d, R> {
    stream: TcpStream,
    meta: Meta,
    frames: Frames,
    out: Vec<u8>,
    desk: &'d Desk<R>,
    place: &'d Place,
}

/// What reading met.
#[derive(PartialEq, Eq)]
enum Read {
    Some,
    Nothing,
    End,
}

impl<R: Responder> Connection<'_, R> {
    /// Reads and answers until the client is done, idle or wrong, or the server stops.
    async fn run(&mut self) -> io::Result<()> {
        let mut stop = self.desk.stop.clone();
        let mut idle_at = Instant::now() + self.desk.options.tcp_idle;
        loop {
            let stopping = tokio::select! {
                biased;
                () = stop.signalled() => true,
                // Not put off by bytes, only by whole queries: a client that drips is idle.
                ready = timeout_at(idle_at, self.stream.readable()) => {
                    ready??;
                    false
                }
            };
            // At the signal, what the kernel has already acknowledged is answered too.
            let read = self.read()?;
            let (answered, sane) = self.answer().await?;
            if answered {
                let now = Instant::now();
                idle_at = now + self.desk.options.tcp_idle;
                self.place.touch(now);
            }
            if stopping || !sane || read == Read::End {
                return Ok(());
            }
        }
    }

    /// Reads once.
    fn read(&mut self) -> io::Result<Read> {
        match self.stream.try_read(self.frames.space()) {
            // The client sends no more, but still reads (RFC 7766 §6.2.4 lets it half-close).
            Ok(0) => Ok(Read::End),
            Ok(octets) => {
                self.frames.filled(octets);
                Ok(Read::Some)
            }
            Err(e) if e.kind() == ErrorKind::WouldBlock => Ok(Read::Nothing),
            Err(e) => Err(e),
        }
    }

    /// Answers every whole query; whether there was one, and whether the stream still makes sense.
    async fn answer(&mut self) -> io::Result<(bool, bool)> {
        self.desk.worker.borrow_mut().start_batch();
        let mut answered = false;
        let sane = loop {
            match self.answer_next() {
                Ok(true) => answered = true,
                Ok(false) => break true,
                Err(EmptyFrame) => break false,
            }
            if self.out.len() >= FLUSH {
                self.flush().await?;
            }
        };
        self.flush().await?;
        Ok((answered, sane))
    }

    /// Answers one query into `out`; false: there is none.
    fn answer_next(&mut self) -> Result<bool, EmptyFrame> {
        let Some(query) = self.frames.next()? else { return Ok(false) };
        let mut scratch = self.desk.scratch.borrow_mut();
        if let Some(response) = self.desk.worker.borrow_mut().respond(query, &self.meta, &mut scratch.0) {
            // Within `u16`: the scratch is no longer than that.
            self.out.extend_from_slice(&(response.len() as u16).to_be_bytes());
            self.out.extend_from_slice(response);
        }
        Ok(true)
    }

    /// Writes what has gathered, and gives unusual amounts of memory back.
    async fn flush(&mut self) -> io::Result<()> {
        if !self.out.is_empty() {
            timeout(self.desk.options.tcp_write, self.stream.write_all(&self.out)).await??;
            self.out.clear();
            self.out.shrink_to(KEEP);
        }
        Ok(())
    }
}
