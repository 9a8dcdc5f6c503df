//! The query pipeline: bytes in, bytes out. One entry for every transport.
//!
//! A query is parsed ([`wire`](crate::wire)), its zone found ([`snapshot`](crate::snapshot)), its name resolved within
//! the zone (`resolve`), a steered name answered from the plan (`steered`), and the response composed and fitted into
//! what the transport carries (`compose`). `options` writes what the OPT record of a response
//! carries, `status` maps what can go wrong to RCODE and Extended DNS Error.
//!
//! Nothing here waits, locks, logs, allocates or reads a clock.

mod compose;
mod counters;
mod meta;
mod options;
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
use crate::wire::{
    Class, EdnsQuery, HEADER_LEN, Header, Malformed, Opcode, Question, Rcode, Rtype, parse_cookie_request, parse_query,
};

use compose::Composer;
use options::Options;
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
) -> (usize, Rcode) {
    if header.opcode != Opcode::QUERY {
        return compose::bare(header, None, Status::NotImp, out);
    }
    let options = |edns| Options::new(edns, &snap.loaded.service, meta, now);
    let query = match parse_query(query, header) {
        Ok(query) => query,
        Err(malformed) => {
            let cookie_request = parse_cookie_request(query, header);
            return unanswered(header, &malformed, cookie_request, &options, meta, out);
        }
    };
    *rtype = Some(query.question.rtype);
    let options = query.edns.map(options);
    let admitted = admit(&query.question, options.as_ref());
    let mut composer = Composer::new(header, Some(&query.question), options, meta, out);
    if let Err(status) = admitted {
        return composer.fail(status);
    }
    let resolver = Resolver { snap, question: &query.question, edns: query.edns.as_ref(), meta, now };
    match resolver.resolve(&mut composer, worker) {
        Ok(()) => composer.finish(),
        Err(status) => composer.fail(status),
    }
}

/// Responds where there is no question that could be answered.
fn unanswered<'s>(
    header: &Header,
    malformed: &Malformed<'_>,
    cookie_request: Option<EdnsQuery>,
    options: &impl Fn(EdnsQuery) -> Options<'s>,
    meta: &Meta,
    out: &mut [u8],
) -> (usize, Rcode) {
    let question = malformed.question.as_ref();
    let Some(edns) = cookie_request.or(malformed.edns) else {
        return compose::bare(header, question, Status::FormErr, out);
    };
    let options = options(edns);
    let told = if cookie_request.is_some() { options.cookie_request() } else { Err(Status::FormErr) };
    let composer = Composer::new(header, question, Some(options), meta, out);
    match told {
        Ok(()) => composer.finish_empty(),
        Err(status) => composer.fail(status),
    }
}

/// Whether a query that could be read is one that zones can answer.
fn admit(question: &Question<'_>, options: Option<&Options<'_>>) -> Result<(), Status> {
    options.map_or(Ok(()), Options::check)?;
    match question {
        Question { class, .. } if *class != Class::IN => Err(Status::NotSupported),
        Question { rtype: Rtype::AXFR | Rtype::IXFR, .. } => Err(Status::Prohibited),
        _ => Ok(()),
    }
}
