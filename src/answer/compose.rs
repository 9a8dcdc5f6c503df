//! Composes a response and fits it into what the transport carries.

use crate::wire::{EdnsQuery, Full, Header, Mark, NameRef, Question, Rcode, Rtype, Section, UDP_PAYLOAD, Writer};
use crate::zone::RrSet;

use super::meta::{Meta, Transport};
use super::options::Options;
use super::status::Status;

/// The largest response to a client that does not say what it takes (RFC 1035 §4.2.1).
const PLAIN_UDP_LIMIT: usize = 512;
/// Octets of an OPT record without options.
const OPT_LEN: usize = 11;

/// A response being composed.
pub(super) struct Composer<'q, 'o> {
    header: &'q Header,
    options: Option<Options<'q>>,
    udp: bool,
    writer: Writer<'o>,
    /// Where the sections begin.
    start: Mark,
    pub(super) rcode: Rcode,
    pub(super) authoritative: bool,
    truncated: bool,
    /// SCOPE PREFIX-LENGTH of the response (RFC 7871 §7.2.1).
    pub(super) scope: u8,
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

/// A response of header and, if it could be read, question.
pub(super) fn bare(header: &Header, question: Option<&Question<'_>>, status: Status, out: &mut [u8]) -> (usize, Rcode) {
    let raw = question.map(|question| question.raw).filter(|raw| raw.len() + crate::wire::HEADER_LEN <= out.len());
    match Writer::new(out, raw) {
        Ok(writer) => (writer.finish(header, status.rcode(), false, false), status.rcode()),
        Err(Full) => (0, status.rcode()),
    }
}

impl<'q, 'o> Composer<'q, 'o> {
    /// Starts the response to a query with its question, if it has one. The buffer holds at least a header and the longest
    /// question.
    pub(super) fn new(
        header: &'q Header,
        question: Option<&Question<'_>>,
        options: Option<Options<'q>>,
        meta: &Meta,
        out: &'o mut [u8],
    ) -> Self {
        // without a cookie that it should have, a client gets what one without EDNS may get
        let trusted = options.as_ref().filter(|options| !options.lacks_cookie());
        let edns = trusted.map(Options::edns);
        let room = out.len();
        let limit = limit(meta, edns, room).max(PLAIN_UDP_LIMIT.min(room));
        let mut writer = Writer::new(&mut out[..limit], question.map(|question| question.raw))
            .expect("512 octets hold any question");
        if let Some(options) = &options {
            writer.reserve(OPT_LEN + options.max_len());
        }
        Self {
            header,
            options,
            udp: meta.transport == Transport::Udp,
            start: writer.mark(),
            writer,
            rcode: Rcode::NOERROR,
            authoritative: true,
            truncated: false,
            scope: 0,
        }
    }

    /// Whether a valid server cookie shows that the client's address is not forged.
    #[allow(dead_code, reason = "what limits rates asks for it")]
    pub(super) fn cookie_is_valid(&self) -> bool {
        self.options.as_ref().is_some_and(Options::cookie_is_valid)
    }

    /// Writes an RRset, whole.
    pub(super) fn rrset(
        &mut self,
        section: Section,
        owner: NameRef<'_>,
        rrset: RrSet<'_>,
        ttl: u32,
    ) -> Result<(), Full> {
        rrset.rdatas().try_for_each(|rdata| self.record(section, owner, rrset.rtype(), ttl, rdata))
    }

    /// Writes a record.
    pub(super) fn record(
        &mut self,
        section: Section,
        owner: NameRef<'_>,
        rtype: Rtype,
        ttl: u32,
        rdata: &[u8],
    ) -> Result<(), Full> {
        self.writer.put_record(section, owner, rtype, ttl, rdata)
    }

    /// Writes an RRset if it fits, else nothing of it. Returns whether it fitted.
    pub(super) fn optional(&mut self, section: Section, owner: NameRef<'_>, rrset: RrSet<'_>) -> bool {
        let mark = self.writer.mark();
        let fits = self.rrset(section, owner, rrset, rrset.ttl().secs()).is_ok();
        if !fits {
            self.writer.roll_back(mark);
        }
        fits
    }

    /// The answer does not fit: sets TC and empties the sections, as what is left must not be used (RFC 2181 §9).
    pub(super) fn truncate(&mut self) -> Result<(), Status> {
        if !self.udp {
            return Err(Status::TooLarge);
        }
        if self.options.as_ref().is_some_and(|options| options.lacks_cookie() && options.has_cookie()) {
            return Err(Status::BadCookie);
        }
        self.writer.roll_back(self.start);
        self.truncated = true;
        self.scope = 0;
        Ok(())
    }

    /// Whether TC is set.
    pub(super) const fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// Ends a response that says why there is no answer.
    pub(super) fn fail(mut self, status: Status) -> (usize, Rcode) {
        self.writer.roll_back(self.start);
        self.rcode = status.rcode();
        self.authoritative = false;
        self.truncated = false;
        self.scope = 0;
        self.end(Some(status))
    }

    /// Ends a response that has nothing to say but its options.
    pub(super) fn finish_empty(mut self) -> (usize, Rcode) {
        self.authoritative = false;
        self.end(None)
    }

    /// Ends a response.
    pub(super) fn finish(self) -> (usize, Rcode) {
        self.end(None)
    }

    fn end(mut self, status: Option<Status>) -> (usize, Rcode) {
        self.writer.release();
        if let Some(options) = &self.options {
            let write = |before: usize, out: &mut [u8]| match status {
                // what options mean to that version is not known
                Some(Status::BadVers) => 0,
                _ => options.write(self.scope, status.and_then(Status::ede), before, out),
            };
            let opt = self.writer.put_opt(UDP_PAYLOAD, self.rcode, options.edns().dnssec_ok, write);
            debug_assert!(opt.is_ok(), "room for OPT was reserved");
        }
        (self.writer.finish(self.header, self.rcode, self.authoritative, self.truncated), self.rcode)
    }
}
