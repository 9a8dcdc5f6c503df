//! From a request of hickory's to a responder and back.

use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use async_trait::async_trait;
use hickory_proto::op::{Edns, Header, HeaderCounts, ResponseCode};
use hickory_server::net::runtime::Time;
use hickory_server::net::xfer::Protocol;
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::MessageResponseBuilder;

use super::reply::Reply;
use crate::net::server::Shared;
use crate::net::worker::Worker;
use crate::net::{Meta, Responder, Transport};
use crate::wire::UDP_PAYLOAD;

/// Answers what hickory-server receives on one address.
pub struct Handler<R> {
    local: IpAddr,
    desks: Arc<[Mutex<Desk<R>>]>,
    /// Where to look for a free desk first.
    next: AtomicUsize,
    shared: Arc<Shared>,
}

/// A responder and the room that it writes to.
struct Desk<R> {
    worker: Worker<R>,
    out: Box<[u8]>,
}

impl<R: Responder> Handler<R> {
    /// A handler for queries to the address `local`. `make_responder` is called `workers` times, at least once: as many
    /// queries are answered at the same time, so it should be as many as the runtime has threads.
    pub fn new(local: IpAddr, workers: usize, make_responder: impl Fn() -> R) -> Self {
        let shared: Arc<Shared> = Arc::default();
        let desk = |_| {
            let worker = Worker::new(make_responder(), Arc::clone(&shared));
            Mutex::new(Desk { worker, out: vec![0; usize::from(u16::MAX)].into() })
        };
        Self { local, desks: (0..workers.max(1)).map(desk).collect(), next: AtomicUsize::new(0), shared }
    }

    /// What lets go of what idle responders would keep from their last query: an old snapshot with all its zones.
    pub(super) fn refresher(&self) -> impl Fn() + Send + 'static {
        let desks = Arc::clone(&self.desks);
        // one that is busy is up to date
        move || desks.iter().filter_map(|desk| desk.try_lock().ok()).for_each(|mut desk| desk.worker.start_batch())
    }

    /// The responder's octets, as hickory's types; `None`: send nothing.
    fn answer(&self, request: &Request) -> Option<Result<Reply, Unreadable>> {
        let meta = Meta::new(request.src(), self.local, transport(request.protocol()), limit(request.protocol()));
        let mut desk = self.free_desk();
        let Desk { worker, out } = &mut *desk;
        worker.start_batch();
        let octets = worker.respond(request.as_slice(), &meta, out)?;
        Some(Reply::read(octets).map_err(|_| Unreadable))
    }

    /// A desk that nobody sits at; where all are taken, the first one looked at, as soon as it is free.
    fn free_desk(&self) -> MutexGuard<'_, Desk<R>> {
        let first = self.next.fetch_add(1, Ordering::Relaxed) % self.desks.len();
        let (before, after) = self.desks.split_at(first);
        // a desk where something panicked serves on: what it holds is written anew for each query
        let free = after.iter().chain(before).find_map(|desk| match desk.try_lock() {
            Ok(desk) => Some(desk),
            Err(TryLockError::Poisoned(desk)) => Some(desk.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        });
        free.unwrap_or_else(|| self.desks[first].lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The responder's octets are no message that hickory can read.
struct Unreadable;

#[async_trait]
impl<R: Responder> RequestHandler for Handler<R> {
    async fn handle_request<H: ResponseHandler, T: Time>(&self, request: &Request, mut handle: H) -> ResponseInfo {
        let sent = match self.answer(request) {
            Some(Ok(mut reply)) => {
                reply.fit(allowed(request));
                reply.pad(allowed(request));
                handle.send_response(reply.response()).await
            }
            Some(Err(Unreadable)) => fail(request, handle).await,
            None => return nothing(request),
        };
        // an error says that the client is gone
        sent.unwrap_or_else(|_| nothing(request))
    }
}

/// SERVFAIL, with EDNS where the query has it (RFC 6891 §7).
async fn fail<H: ResponseHandler>(
    request: &Request,
    mut handle: H,
) -> Result<ResponseInfo, hickory_server::net::NetError> {
    let mut edns = Edns::new();
    edns.set_max_payload(UDP_PAYLOAD);
    let builder = MessageResponseBuilder::new(&request.queries, request.edns.as_ref().map(|_| &edns));
    handle.send_response(builder.error_msg(&request.metadata, ResponseCode::ServFail)).await
}

/// What hickory-server is told of a response that was not sent.
fn nothing(request: &Request) -> ResponseInfo {
    Header { metadata: request.metadata, counts: HeaderCounts::default() }.into()
}

const fn transport(protocol: Protocol) -> Transport {
    match protocol {
        Protocol::Udp => Transport::Udp,
        Protocol::Tls => Transport::Tls,
        Protocol::Quic => Transport::Quic,
        Protocol::Https => Transport::Https,
        // what else there may be are streams too
        _ => Transport::Tcp,
    }
}

/// The most octets that the transport carries.
fn limit(protocol: Protocol) -> usize {
    if protocol.is_datagram() { UDP_PAYLOAD.into() } else { u16::MAX.into() }
}

/// The most octets that the client takes over this transport (RFC 6891 §6.2.5).
fn allowed(request: &Request) -> u16 {
    match request.protocol() {
        Protocol::Udp => request.max_payload().min(UDP_PAYLOAD),
        _ => u16::MAX,
    }
}

impl<R> fmt::Debug for Handler<R> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Handler").field("local", &self.local).field("shared", &self.shared).finish_non_exhaustive()
    }
}
