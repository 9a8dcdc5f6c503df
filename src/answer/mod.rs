//! The query pipeline: bytes in, bytes out. One entry for every transport.
//!
//! A query is parsed ([`wire`](crate::wire)), its zone found ([`snapshot`](crate::snapshot)), its name resolved within
//! the zone (`resolve`), a steered name answered from the plan (`steered`), and the response composed and fitted into
//! what the transport carries (`compose`), with the options of EDNS (`options`). Most answers need no resolving and
//! composing: they were made at load (`prepare`, `ready`), and the queries of a batch look for them together (`ahead`).
//! `status` maps what can go wrong to RCODE and Extended DNS Error.
//!
//! Nothing here waits, locks, logs, allocates or reads a clock.

mod additional;
mod ahead;
mod chaos;
mod compose;
mod counters;
mod hints;
mod limit;
mod meta;
mod options;
mod prepare;
mod ready;
mod resolve;
mod status;
mod steered;
mod worker;

#[cfg(test)]
mod tests;

pub use ahead::AHEAD;
pub use counters::{COUNTED_RCODES, COUNTED_TYPES, Counters, NamedCounters, Steered};
pub use limit::RateTable;
pub use meta::{Meta, Transport};
pub use prepare::prepare;
pub use steered::Client;
pub use worker::{MAX_CHAIN, Worker};

use crate::base::{Fetch, Now};
use crate::snapshot::Snapshot;
use crate::wire::{
    Class, HEADER_LEN, Header, Malformed, Opcode, Query, QueryBuf, Question, Rcode, Rtype, parse_cookie_request,
};

use ahead::Asked;
use compose::{Composer, Response, Room};
use limit::{Bucket, Kind, Verdict};
use options::Options;
use ready::Found;
use resolve::{Asker, Resolver};
use status::Status;

/// What becomes of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The first octets of the buffer are the response.
    Send(usize),
    /// No response.
    Drop,
}

impl Reply {
    /// Octets of the response, if there is one.
    #[must_use]
    pub const fn sent(self) -> Option<usize> {
        match self {
            Self::Send(len) => Some(len),
            Self::Drop => None,
        }
    }
}

/// Answers one query.
///
/// `out` takes the response; it should hold 65,535 octets for TCP and at least 1,232 for UDP.
pub fn respond(snap: &Snapshot, query: &[u8], meta: &Meta, now: Now, worker: &mut Worker, out: &mut [u8]) -> Reply {
    let mut ahead = worker.ahead.take().unwrap_or_default();
    ahead.alone.read(query);
    let reply = reply(snap, query, &ahead.alone, meta, now, worker, out);
    worker.ahead = Some(ahead);
    reply
}

/// Reads some queries, at most [`AHEAD`] of them, that will be [answered](respond_ahead) next, by the same snapshot and
/// before any others.
pub fn read_ahead<'q>(
    snap: &Snapshot,
    queries: impl Iterator<Item = (&'q [u8], &'q Meta)>,
    worker: &mut Worker,
    memory: &impl Fetch,
) {
    let mut ahead = worker.ahead.take().unwrap_or_default();
    ahead.read(snap, queries, memory);
    worker.ahead = Some(ahead);
}

/// Answers one query as [`respond`] does, which was the `at`th of those that were [read ahead](read_ahead).
pub fn respond_ahead(
    snap: &Snapshot,
    at: usize,
    query: &[u8],
    meta: &Meta,
    now: Now,
    worker: &mut Worker,
    out: &mut [u8],
) -> Reply {
    let ahead = worker.ahead.take().unwrap_or_default();
    let reply = ahead.get(at).map(|asked| reply(snap, query, asked, meta, now, worker, out));
    worker.ahead = Some(ahead);
    reply.unwrap_or_else(|| respond(snap, query, meta, now, worker, out))
}

/// Answers one query that was read.
#[inline]
fn reply(
    snap: &Snapshot,
    query: &[u8],
    asked: &Asked,
    meta: &Meta,
    now: Now,
    worker: &mut Worker,
    out: &mut [u8],
) -> Reply {
    // a response to a response, or to port 0, only serves who forges addresses
    let usable = |header: &Header| !header.response && out.len() >= HEADER_LEN && meta.source.port() != 0;
    let Some(header) = asked.header.as_ref().filter(|header| usable(header)) else {
        worker.counters.dropped.increment();
        return Reply::Drop;
    };
    match answer(snap, (query, header, asked), meta, now, worker, out) {
        Some((len, rtype, rcode)) => {
            worker.counters.responded(meta.transport, rtype, rcode);
            Reply::Send(len)
        }
        None => Reply::Drop,
    }
}

/// What was sent: octets, the type asked where it could be read, and the response code.
type Sent = (usize, Option<Rtype>, Rcode);

/// Writes the response.
#[inline]
fn answer(
    snap: &Snapshot,
    (query, header, asked): (&[u8], &Header, &Asked),
    meta: &Meta,
    now: Now,
    worker: &mut Worker,
    out: &mut [u8],
) -> Option<Sent> {
    match asked.buffer.query(query) {
        Ok(Query { question, edns }) => {
            let options = edns.map(|edns| Options::new(edns, &snap.loaded.service, meta, now));
            let asker = Asker { snap, edns, located: asked.located, meta, now };
            Answering { header, question: &question, options: options.as_ref(), asker, worker, out }.answer()
        }
        Err(malformed) => refuse(snap, (query, header, &malformed), meta, now, worker, out),
    }
}

/// Writes the response to a query that could not be read.
#[inline(never)]
fn refuse(
    snap: &Snapshot,
    (query, header, malformed): (&[u8], &Header, &Malformed<'_>),
    meta: &Meta,
    now: Now,
    worker: &mut Worker,
    out: &mut [u8],
) -> Option<Sent> {
    let question = malformed.question.map(|question| question.raw);
    let options = |edns| Options::new(edns, &snap.loaded.service, meta, now);
    let mut asking = QueryBuf::default();
    let asked = parse_cookie_request(query, header, &mut asking).map(options);
    let told = unread(header, asked.as_ref());
    let options = asked.or_else(|| malformed.edns.map(options));
    let proven = options.as_ref().is_some_and(Options::cookie_is_valid);
    if !proven && judged(snap, meta, now, worker, || (Kind::Unread, &[])) != Verdict::Send {
        return None;
    }
    let (len, rcode) = compose::bare(header, question, options.as_ref(), told, out);
    Some((len, None, rcode))
}

/// A query that could be read, and what answering it takes.
struct Answering<'a> {
    header: &'a Header,
    question: &'a Question<'a>,
    options: Option<&'a Options<'a>>,
    asker: Asker<'a>,
    worker: &'a mut Worker,
    out: &'a mut [u8],
}

impl<'a> Answering<'a> {
    #[inline]
    fn answer(&mut self) -> Option<Sent> {
        let Asker { snap, meta, edns, .. } = self.asker;
        if let Err(status) = admit(snap, self.header, self.question, self.options, meta) {
            return self.compose(Err(status));
        }
        let room = Room::new(self.question, self.options, meta, self.out.len());
        let dnssec_ok = edns.is_some_and(|edns| edns.dnssec_ok);
        match &ready::find(&self.asker, self.question, dnssec_ok, self.worker) {
            Some(found) if found.ready.sections.octets.len() <= room.sections => self.send(found, room.all),
            _ => self.compose(Ok(())),
        }
    }

    /// Sends what is ready.
    #[inline]
    fn send(&mut self, found: &Found<'_>, limit: usize) -> Option<Sent> {
        found.count(&self.asker, self.worker);
        let question = self.question;
        let empty = found.ready.without_sections();
        let (ready, truncated) = match self.judged(|| found.bucket(question)) {
            Verdict::Send => (&found.ready, false),
            Verdict::Slip => (&empty, true),
            Verdict::Drop => return None,
        };
        let response = Response {
            question: self.question,
            options: self.options,
            ready,
            truncated,
            scope: if truncated { 0 } else { found.scope },
            failed: None,
            ttl: found.drawn.map(|drawn| (drawn.ttl, drawn.stride)),
        };
        Some((response.write(self.header, &mut self.out[..limit]), Some(self.question.rtype), ready.rcode))
    }

    /// Whether a response is within its rate, or to somebody who has none.
    #[inline]
    fn judged<'b>(&mut self, bucket: impl FnOnce() -> Bucket<'b>) -> Verdict {
        let Asker { snap, meta, now, .. } = self.asker;
        let proven = self.options.is_some_and(Options::cookie_is_valid);
        if proven { Verdict::Send } else { judged(snap, meta, now, self.worker, bucket) }
    }

    /// Composes the response, or one that says why there is none.
    #[inline(never)]
    fn compose(&mut self, admitted: Result<(), Status>) -> Option<Sent> {
        let Asker { snap, meta, .. } = self.asker;
        let body = self.worker.body.take().unwrap_or_default();
        let mut composer = Composer::new(body, self.question, self.options, meta, self.out.len());
        let resolver = Resolver { loaded: &snap.loaded, question: self.question, known: None, asker: Some(self.asker) };
        let answered = admitted.and_then(|()| match self.question.class {
            Class::CH => chaos::chaos(&snap.loaded.service, self.question, &mut composer),
            _ => resolver.resolve(&mut composer, self.worker),
        });
        if let Err(status) = answered {
            composer.fail(status);
        }
        let sent = match self.judged(|| composer.bucket()) {
            Verdict::Drop => None,
            verdict => {
                if verdict == Verdict::Slip {
                    composer.slip();
                }
                Some((composer.write(self.header, self.out), Some(self.question.rtype), composer.rcode))
            }
        };
        self.worker.body = Some(composer.body);
        sent
    }
}

/// Whether a response is within its rate; counts it if it is not.
#[inline]
fn judged<'b>(
    snap: &Snapshot,
    meta: &Meta,
    now: Now,
    worker: &mut Worker,
    bucket: impl FnOnce() -> Bucket<'b>,
) -> Verdict {
    let (Some(limit), Some(table)) = (&snap.loaded.rate_limit, &worker.rates) else { return Verdict::Send };
    if meta.transport != Transport::Udp {
        return Verdict::Send;
    }
    let verdict = limit::judge(limit, table, meta.source.ip(), bucket(), now.mono, &mut worker.over_rate);
    match verdict {
        Verdict::Send => {}
        _ if limit.settings.dry_run => {
            worker.counters.rate_excused.increment();
            return Verdict::Send;
        }
        Verdict::Slip => worker.counters.rate_slipped.increment(),
        Verdict::Drop => worker.counters.rate_dropped.increment(),
    }
    verdict
}

/// What is told to a query that has no question to answer; `asked` if it only asks for a cookie (RFC 7873 §5.4).
fn unread(header: &Header, asked: Option<&Options<'_>>) -> Result<(), Status> {
    match asked {
        _ if header.opcode != Opcode::QUERY => Err(Status::NotImp),
        Some(options) => options.cookie_request(),
        None => Err(Status::FormErr),
    }
}

/// Whether a well-formed query is one that zones can answer.
#[inline]
fn admit(
    snap: &Snapshot,
    header: &Header,
    question: &Question<'_>,
    options: Option<&Options<'_>>,
    meta: &Meta,
) -> Result<(), Status> {
    if header.opcode != Opcode::QUERY {
        return Err(Status::NotImp);
    }
    options.map_or(Ok(()), Options::check)?;
    match *question {
        Question { rtype: Rtype::NXNAME, .. } => Err(Status::FormErr), // RFC 9824 §3.5
        Question { class, .. } if ![Class::IN, Class::CH, Class::ANY].contains(&class) => Err(Status::NotSupported),
        Question { rtype: Rtype::AXFR | Rtype::IXFR, .. } => Err(transfer(snap, question, meta)),
        _ => Ok(()),
    }
}

/// Why a zone is not transferred.
fn transfer(snap: &Snapshot, question: &Question<'_>, meta: &Meta) -> Status {
    let name = question.name;
    if question.rtype == Rtype::AXFR && meta.transport == Transport::Udp {
        Status::NotImp // RFC 5936 §4.2
    } else if snap.loaded.zones.find(name).is_none_or(|(_, zone)| zone.origin() != name) {
        Status::NotAuth // RFC 5936 §2.2.1
    } else {
        Status::Prohibited
    }
}
