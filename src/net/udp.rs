//! The datagram loop: receive, respond, send, up to a batch at a time.

use super::overflow::Watched;
use super::server::{Shared, Stop, Thread};
use super::worker::Worker;
use super::{Meta, Responder, Transport, sys};
use crate::wire::UDP_PAYLOAD;
use std::cell::RefCell;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::Interest;
use tokio::net::UdpSocket;

/// Datagrams for one reading of the clock and the snapshot. Larger makes both stale and other addresses of the thread
/// wait; smaller pays for them, and for asking the kernel what is ready, more often.
const BATCH: usize = 64;
/// The longest query looked at. Real ones have less than 512 octets, signed updates some more.
const LONGEST_QUERY: usize = 4096;
/// Room for a response; what may be sent of it is `UDP_PAYLOAD`, which no path fragments.
const RESPONSE: usize = 4096;
/// How long a full send buffer may hold up the thread: it drains within that on any link that is up.
pub(super) const SEND_PATIENCE: Duration = Duration::from_millis(5);
/// The pause after a whole batch of nothing but errors, so that a broken socket does not spin.
pub(super) const REST: Duration = Duration::from_millis(100);

/// Sets up a task for each socket.
pub(super) fn serve<R: Responder>(
    thread: &Thread<R>,
    sockets: Vec<std::net::UdpSocket>,
    stop: &Stop,
) -> io::Result<()> {
    for socket in sockets {
        let local = socket.local_addr()?;
        let endpoint = Endpoint {
            socket: Watched::new(Arc::new(UdpSocket::from_std(socket)?), Arc::clone(&thread.shared.udp_overflow)),
            local,
            worker: Rc::clone(&thread.worker),
            shared: Arc::clone(&thread.shared),
        };
        tokio::task::spawn_local(endpoint.run(stop.clone()));
    }
    Ok(())
}

/// One socket and what answers it.
struct Endpoint<R> {
    socket: Watched<UdpSocket>,
    local: SocketAddr,
    worker: Rc<RefCell<Worker<R>>>,
    shared: Arc<Shared>,
}

/// How a batch ended.
#[derive(PartialEq, Eq)]
enum Batch {
    /// Nothing more to receive.
    Drained,
    /// There may be more.
    Full,
    /// Only errors.
    Failed,
}

impl<R: Responder> Endpoint<R> {
    /// Serves the socket until the signal, then what is at hand.
    async fn run(self, stop: Stop) {
        let mut buffers = Buffers::new();
        let mut signal = stop.clone();
        let mut signalled = pin!(signal.signalled());
        while !stop.is_set() {
            tokio::select! {
                // The signal is looked at only when there is nothing to do, and above after each batch.
                biased;
                _ = self.socket.readable() => {}
                () = &mut signalled => break,
            }
            match self.batch(&mut buffers).await {
                Batch::Drained => {}
                Batch::Full => tokio::task::yield_now().await,
                Batch::Failed => tokio::time::sleep(REST).await,
            }
        }
        self.batch(&mut buffers).await;
        // before the signal's receivers, whose end says that the socket is closed
        drop(self);
    }

    /// Answers what is there, up to a batch.
    async fn batch(&self, buffers: &mut Buffers) -> Batch {
        self.worker.borrow_mut().start_batch();
        let mut end = Batch::Failed;
        for _ in 0..BATCH {
            let receive = || sys::receive(self.socket.as_fd(), &mut buffers.query);
            match self.socket.try_io(Interest::READABLE, receive) {
                Ok(datagram) => {
                    end = Batch::Full;
                    self.answer(&datagram, buffers).await;
                }
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Batch::Drained,
                // Some are an ICMP message about an earlier reply, the others may pass: neither ends the loop.
                Err(_) => {}
            }
        }
        end
    }

    /// Answers one query.
    async fn answer(&self, datagram: &sys::Datagram, buffers: &mut Buffers) {
        // Nobody can be reached at port 0; a forged one is the only reason for it.
        if datagram.truncated || datagram.source.port() == 0 {
            return count(&self.shared.udp_ignored);
        }
        let local = datagram.local.unwrap_or(self.local.ip());
        let meta = Meta::new(datagram.source, local, Transport::Udp, UDP_PAYLOAD.into());
        let query = &buffers.query[..datagram.len];
        let Some(response) = self.worker.borrow_mut().respond(query, &meta, &mut buffers.response) else { return };
        if self.send(response, datagram).await.is_err() {
            count(&self.shared.udp_unsent);
        }
    }

    /// Sends at once, or after one wait for room.
    async fn send(&self, response: &[u8], to: &sys::Datagram) -> io::Result<()> {
        match self.try_send(response, to) {
            Err(e) if e.kind() == ErrorKind::WouldBlock => {
                tokio::time::timeout(SEND_PATIENCE, self.socket.writable()).await??;
                self.try_send(response, to)
            }
            result => result,
        }
    }

    fn try_send(&self, response: &[u8], to: &sys::Datagram) -> io::Result<()> {
        self.socket.try_io(Interest::WRITABLE, || sys::send(self.socket.as_fd(), response, to.source, to.local))
    }
}

/// A socket's buffers, made once.
struct Buffers {
    query: Box<[u8]>,
    response: Box<[u8]>,
}

impl Buffers {
    fn new() -> Self {
        Self { query: vec![0; LONGEST_QUERY].into(), response: vec![0; RESPONSE].into() }
    }
}

pub(super) fn count(cell: &AtomicU64) {
    cell.fetch_add(1, Ordering::Relaxed);
}
