//! The query pipeline: bytes in, bytes out. One entry for every transport.
//!
//! A query is parsed ([`wire`](crate::wire)), its zone found ([`snapshot`](crate::snapshot)), its name resolved within
//! the zone (`resolve`), a steered name answered from the plan (`steered`), and the response composed and fitted into
//! what the transport carries (`compose`). `status` maps what can go wrong to RCODE and Extended DNS Error.
//!
//! Nothing here waits, locks, logs, allocates or reads a clock.

mod compose;
mod counters;
mod meta;
mod resolve;
mod status;
mod steered;
mod worker;

pub use counters::{COUNTED_RCODES, COUNTED_TYPES, Counters, NamedCounters, Steered};
pub use meta::{Meta, Transport};
pub use steered::{Client, steered_family};
pub use worker::{MAX_CHAIN, Worker};

use crate::base::Now;
use crate::snapshot::Snapshot;
use crate::wire::{Class, HEADER_LEN, Header, Malformed, Opcode, Query, Question, Rtype, parse_query};

use compose::Composer;
use resolve::Resolver;
use status::Status;

/// What becomes of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The first octets of the buffer are the response.
    Send(usize),
    /// No response.
    Drop,
}

/// Answers one query.
///
/// `out` takes the response; it should hold 65,535 octets for TCP and at least 1,232 for UDP.
pub fn respond(snap: &Snapshot, query: &[u8], meta: &Meta, now: Now, worker: &mut Worker, out: &mut [u8]) -> Reply {
    let Some(header) = Header::parse(query).filter(|header| !header.response && out.len() >= HEADER_LEN) else {
        worker.counters.dropped.increment();
        return Reply::Drop;
    };
    let mut rtype = None;
    let (len, rcode) = answer(snap, query, &header, meta, now, worker, out, &mut rtype);
    worker.counters.responded(meta.transport, rtype, rcode);
    Reply::Send(len)
}

#[allow(clippy::too_many_arguments, reason = "one stage of the pipeline, called once")]
fn answer(
    snap: &Snapshot,
    query: &[u8],
    header: &Header,
    meta: &Meta,
    now: Now,
    worker: &mut Worker,
    out: &mut [u8],
    rtype: &mut Option<Rtype>,
) -> (usize, crate::wire::Rcode) {
    if header.opcode != Opcode::QUERY {
        return compose::bare(header, None, Status::NotImp, out);
    }
    let query = match parse_query(query, header) {
        Ok(query) => query,
        Err(Malformed { question }) => return compose::bare(header, question.as_ref(), Status::FormErr, out),
    };
    *rtype = Some(query.question.rtype);
    let mut composer = Composer::new(header, &query, meta, out);
    if let Err(status) = admit(&query) {
        return composer.fail(status);
    }
    let resolver = Resolver { snap, question: &query.question, edns: query.edns.as_ref(), meta, now };
    match resolver.resolve(&mut composer, worker) {
        Ok(()) => composer.finish(),
        Err(status) => composer.fail(status),
    }
}

/// Whether a well-formed query is one that zones can answer.
fn admit(query: &Query<'_>) -> Result<(), Status> {
    if let Some(edns) = &query.edns {
        if edns.version > 0 {
            return Err(Status::BadVers);
        }
        if matches!(edns.client_subnet, Some(Err(_))) {
            return Err(Status::BadClientSubnet);
        }
    }
    match query.question {
        Question { class, .. } if class != Class::IN => Err(Status::Prohibited),
        Question { rtype: Rtype::AXFR | Rtype::IXFR, .. } => Err(Status::Prohibited),
        _ => Ok(()),
    }
}
