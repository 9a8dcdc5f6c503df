//! Composes a response and fits it into what the transport carries.
//!
//! Records are composed position-independently ([`Body`]); only [`Composer::finish`] knows the message that they go into.

use crate::base::Ttl;
use crate::snapshot::Ready;
use crate::wire::{
    Body, EdnsQuery, Full, HEADER_LEN, Header, Message, NameRef, OPT_LEN, Owner, Question, Rcode, Section, UDP_PAYLOAD,
};
use crate::zone::RrSet;

use super::limit::{Bucket, Kind};
use super::meta::{Meta, Transport};
use super::options::Options;
use super::status::Status;

/// The largest response to a client that does not say what it takes (RFC 1035 §4.2.1).
const PLAIN_UDP_LIMIT: usize = 512;

/// A response being composed.
pub(super) struct Composer<'q> {
    question: &'q Question<'q>,
    options: Option<&'q Options<'q>>,
    udp: bool,
    /// The most octets of the response.
    limit: usize,
    /// The sections.
    pub(super) body: Box<Body>,
    pub(super) rcode: Rcode,
    pub(super) authoritative: bool,
    truncated: bool,
    /// SCOPE PREFIX-LENGTH of the response (RFC 7871 §7.2.1).
    pub(super) scope: u8,
    /// Why there is no answer.
    failed: Option<Status>,
    /// What its rate is counted as: the kind of answer, and the octets at the end of the question's name that all
    /// questions with this answer share.
    kind: Kind,
    shared: usize,
}

/// The size that a response over this transport to this client may have (RFC 6891 §6.2.3, with our own cap).
fn limit(meta: &Meta, edns: Option<&EdnsQuery>, room: usize) -> usize {
    let asked = match (meta.transport, edns) {
        (Transport::Udp, None) => PLAIN_UDP_LIMIT,
        (Transport::Udp, Some(edns)) => usize::from(edns.payload.min(UDP_PAYLOAD)).max(PLAIN_UDP_LIMIT),
        (_, _) => usize::from(u16::MAX),
    };
    asked.min(meta.limit).min(room)
}

/// The most octets that a response may have.
pub(super) struct Room {
    /// In all.
    pub(super) all: usize,
    /// Its sections, so that OPT still has room.
    pub(super) sections: usize,
}

impl Room {
    /// That of the response to a question, in a buffer of `room` octets.
    #[inline]
    pub(super) fn new(question: &Question<'_>, options: Option<&Options<'_>>, meta: &Meta, room: usize) -> Self {
        let opt = options.map_or(0, |options| OPT_LEN + options.max_len());
        // without a cookie that it should have, a client gets what one without EDNS may get
        let trusted = options.filter(|options| !options.lacks_cookie());
        let all = limit(meta, trusted.map(Options::edns), room).max(PLAIN_UDP_LIMIT.min(room));
        Self { all, sections: all.saturating_sub(HEADER_LEN + question.raw.len() + opt) }
    }
}

/// A response without records: header, the question if it could be read, and options if the query has any.
pub(super) fn bare(
    header: &Header,
    question: Option<&[u8]>,
    options: Option<&Options<'_>>,
    told: Result<(), Status>,
    out: &mut [u8],
) -> (usize, Rcode) {
    let rcode = told.err().map_or(Rcode::NOERROR, Status::rcode);
    let room = out.len().min(PLAIN_UDP_LIMIT);
    let raw = question.filter(|raw| raw.len() + HEADER_LEN <= room);
    let Ok(mut message) = Message::new(&mut out[..room], raw) else { return (0, rcode) };
    if let Some(options) = options {
        // a buffer too small for it is none that a transport brings
        let _ = put_opt(&mut message, options, rcode, 0, told.err());
    }
    (message.finish(header, rcode, false, false), rcode)
}

/// The last octets of a name.
pub(super) fn end(name: NameRef<'_>, len: usize) -> &[u8] {
    let wire = name.as_wire();
    &wire[wire.len().saturating_sub(len)..]
}

/// Appends OPT with its options.
fn put_opt(
    message: &mut Message<'_>,
    options: &Options<'_>,
    rcode: Rcode,
    scope: u8,
    failed: Option<Status>,
) -> Result<(), Full> {
    message.put_opt(UDP_PAYLOAD, rcode, options.edns().dnssec_ok, |before, out| match failed {
        // what options mean to that version is not known
        Some(Status::BadVers) => 0,
        _ => options.write(scope, failed.and_then(Status::ede), before, out),
    })
}

impl<'q> Composer<'q> {
    /// Starts the response to a query, which is to fit into a buffer of `room` octets.
    pub(super) fn new(
        mut body: Box<Body>,
        question: &'q Question<'q>,
        options: Option<&'q Options<'q>>,
        meta: &Meta,
        room: usize,
    ) -> Self {
        let room = Room::new(question, options, meta, room);
        body.start(room.sections);
        Self {
            question,
            options,
            udp: meta.transport == Transport::Udp,
            limit: room.all,
            body,
            rcode: Rcode::NOERROR,
            authoritative: true,
            truncated: false,
            scope: 0,
            failed: None,
            kind: Kind::Other,
            shared: 0,
        }
    }

    /// Notes what the answer is to: names are compressed against the end of the question's name that all questions share
    /// which have this answer, and no more, so that the sections fit every one of them. What a wildcard makes also fits
    /// the wildcard's own name.
    pub(super) fn cover(&mut self, kind: Kind, shared: NameRef<'_>) {
        (self.kind, self.shared) = (kind, shared.as_wire().len());
        self.body.share(if shared.is_wildcard() { shared.parent().unwrap_or(shared) } else { shared });
    }

    /// The answer fits every name below this one: nothing more is compressed against, if nothing is written yet.
    pub(super) fn share_less(&mut self, end: NameRef<'_>) {
        if self.body.len() == 0 {
            self.body.share(end);
        }
    }

    /// Writes an RRset, whole.
    pub(super) fn rrset(&mut self, section: Section, owner: Owner<'_>, rrset: RrSet<'_>, ttl: u32) -> Result<(), Full> {
        rrset.rdatas().try_for_each(|rdata| self.body.record(section, owner, rrset.rtype(), ttl, rdata))
    }

    /// Writes an RRset if it fits, else nothing of it. Returns whether it fitted.
    pub(super) fn optional(&mut self, section: Section, owner: Owner<'_>, rrset: RrSet<'_>) -> bool {
        let mark = self.body.mark();
        let fits = self.rrset(section, owner, rrset, rrset.ttl().secs()).is_ok();
        if !fits {
            self.body.roll_back(mark);
        }
        fits
    }

    /// The answer does not fit: sets TC and empties the sections, as what is left must not be used (RFC 2181 §9).
    pub(super) fn truncate(&mut self) -> Result<(), Status> {
        if !self.udp {
            return Err(Status::TooLarge);
        }
        if self.options.is_some_and(|options| options.lacks_cookie() && options.has_cookie()) {
            return Err(Status::BadCookie);
        }
        self.slip();
        Ok(())
    }

    /// What its rate is counted as.
    pub(super) fn bucket(&self) -> Bucket<'_> {
        match self.failed {
            Some(_) => (Kind::Other, &[]),
            None => (self.kind, end(self.question.name, self.shared)),
        }
    }

    /// Empties the response and sets TC, so that the client asks again over TCP.
    pub(super) fn slip(&mut self) {
        self.body.clear();
        self.truncated = true;
        self.scope = 0;
    }

    /// What was composed, to be kept.
    pub(super) fn ready(&self) -> Ready<'_> {
        Ready { rcode: self.rcode, authoritative: self.authoritative, sections: self.body.sections() }
    }

    /// Whether TC is set.
    pub(super) const fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// Turns the response into one that says why there is no answer.
    pub(super) fn fail(&mut self, status: Status) {
        self.body.clear();
        self.rcode = status.rcode();
        self.authoritative = false;
        self.truncated = false;
        self.scope = 0;
        self.failed = Some(status);
    }

    /// Writes the response; returns its length.
    pub(super) fn write(&self, header: &Header, out: &mut [u8]) -> usize {
        Response {
            question: self.question,
            options: self.options,
            ready: &self.ready(),
            truncated: self.truncated,
            scope: self.scope,
            failed: self.failed,
            ttl: None,
        }
        .write(header, &mut out[..self.limit])
    }
}

/// A response that only has to be written.
pub(super) struct Response<'a> {
    pub(super) question: &'a Question<'a>,
    pub(super) options: Option<&'a Options<'a>>,
    pub(super) ready: &'a Ready<'a>,
    pub(super) truncated: bool,
    pub(super) scope: u8,
    pub(super) failed: Option<Status>,
    /// A TTL for every record of the answer, and how many octets each record has.
    pub(super) ttl: Option<(Ttl, usize)>,
}

impl Response<'_> {
    /// Writes it into a buffer that has room for it; returns its length.
    #[inline]
    pub(super) fn write(&self, header: &Header, out: &mut [u8]) -> usize {
        let &Ready { rcode, authoritative, ref sections } = self.ready;
        let mut message = Message::new(out, Some(self.question.raw)).expect("512 octets hold any question");
        let put = message.put_sections(sections);
        debug_assert!(put.is_ok(), "the room was reckoned with header and question");
        if let Some((ttl, stride)) = self.ttl {
            message.set_ttls(ttl.secs(), stride);
        }
        if let Some(options) = self.options {
            let opt = put_opt(&mut message, options, rcode, self.scope, self.failed);
            debug_assert!(opt.is_ok(), "room for OPT was reserved");
        }
        message.finish(header, rcode, authoritative, self.truncated)
    }
}
