//! Since when a client has not taken what is written to it, seen below HTTP, which knows only of single writes.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// Since when octets wait that the client does not take; none: it has taken all.
#[derive(Clone, Default)]
pub(super) struct Waiting(Rc<Cell<Option<Instant>>>);

impl Waiting {
    pub(super) fn since(&self) -> Option<Instant> {
        self.0.get()
    }

    fn note<T>(&self, poll: Poll<T>) -> Poll<T> {
        if poll.is_pending() && self.0.get().is_none() {
            self.0.set(Some(Instant::now()));
        }
        poll
    }
}

/// A stream that notes it.
pub(super) struct Watched<S> {
    stream: S,
    waiting: Waiting,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S, waiting: &Waiting) -> Self {
        Self { stream, waiting: waiting.clone() }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write(context, from);
        self.waiting.note(poll)
    }

    /// Only where all is flushed nothing waits: a write that goes on may be one of many.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_flush(context);
        let flushed = ready!(self.waiting.note(poll));
        self.waiting.0.set(None);
        Poll::Ready(flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_shutdown(context);
        self.waiting.note(poll)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn what_is_taken_by_drops_waits_until_all_is() {
        let (near, mut far) = tokio::io::duplex(16);
        let waiting = Waiting::default();
        let mut near = Watched::new(tokio::io::BufWriter::with_capacity(64, near), &waiting);
        near.write_all(&[7; 10]).await.unwrap();
        near.flush().await.unwrap();
        assert_eq!(waiting.since(), None);
        let writing = async {
            near.write_all(&[7; 50]).await.unwrap();
            near.flush().await.unwrap();
        };
        let reading = async {
            let mut octets = [0; 60];
            far.read_exact(&mut octets[..20]).await.unwrap();
            tokio::task::yield_now().await;
            assert!(waiting.since().is_some());
            far.read_exact(&mut octets[20..]).await.unwrap();
        };
        tokio::join!(writing, reading);
        assert_eq!(waiting.since(), None);
    }
}
