//! Composes a response and fits it into what the transport carries.

use crate::wire::{
    EdnsQuery, Full, Header, Mark, NameRef, OPTION_CLIENT_SUBNET, OPTION_EDE, Query, Question, Rcode, Rtype, Section,
    UDP_PAYLOAD, Writer,
};
use crate::zone::RrSet;

use super::meta::{Meta, Transport};
use super::status::{Ede, Status};

/// The largest response to a client that does not say what it takes (RFC 1035 §4.2.1).
const PLAIN_UDP_LIMIT: usize = 512;
/// Octets of an OPT record without options.
const OPT_LEN: usize = 11;
/// Octets of the longest options we send: Client Subnet, or an Extended DNS Error with its text.
const MAX_OPTIONS: usize = 64;

/// A response being composed.
pub(super) struct Composer<'q, 'o> {
    header: &'q Header,
    edns: Option<&'q EdnsQuery>,
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
    /// Starts the response to a query. The buffer holds at least a header and the longest question.
    pub(super) fn new(header: &'q Header, query: &'q Query<'_>, meta: &Meta, out: &'o mut [u8]) -> Self {
        let room = out.len();
        let limit = limit(meta, query.edns.as_ref(), room).max(PLAIN_UDP_LIMIT.min(room));
        let mut writer =
            Writer::new(&mut out[..limit], Some(query.question.raw)).expect("512 octets hold any question");
        if let Some(edns) = &query.edns {
            writer.reserve(OPT_LEN + client_subnet_len(edns));
        }
        Self {
            header,
            edns: query.edns.as_ref(),
            udp: meta.transport == Transport::Udp,
            start: writer.mark(),
            writer,
            rcode: Rcode::NOERROR,
            authoritative: true,
            truncated: false,
            scope: 0,
        }
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
        self.end(status.ede(), status != Status::BadClientSubnet && status != Status::BadVers)
    }

    /// Ends a response.
    pub(super) fn finish(self) -> (usize, Rcode) {
        self.end(None, true)
    }

    fn end(mut self, ede: Option<Ede>, echo_subnet: bool) -> (usize, Rcode) {
        self.writer.release();
        if let Some(edns) = self.edns {
            let mut options = Options::default();
            if let (Some(Ok(subnet)), true) = (edns.client_subnet, echo_subnet) {
                let mut data = [0; 20];
                let len = subnet.write(self.scope, &mut data);
                options.push(OPTION_CLIENT_SUBNET, &[&data[..len]]);
            }
            if let Some(Ede { code, text }) = ede {
                options.push(OPTION_EDE, &[&code.to_be_bytes(), text.as_bytes()]);
            }
            let opt = self.writer.put_opt(UDP_PAYLOAD, self.rcode, edns.dnssec_ok, options.as_slice());
            debug_assert!(opt.is_ok(), "room for OPT was reserved");
        }
        (self.writer.finish(self.header, self.rcode, self.authoritative, self.truncated), self.rcode)
    }
}

fn client_subnet_len(edns: &EdnsQuery) -> usize {
    match edns.client_subnet {
        Some(Ok(subnet)) => 8 + usize::from(subnet.source).div_ceil(8),
        _ => 0,
    }
}

/// EDNS options of a response.
struct Options {
    octets: [u8; MAX_OPTIONS],
    len: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { octets: [0; MAX_OPTIONS], len: 0 }
    }
}

impl Options {
    /// Appends an option, or nothing where the room does not do.
    fn push(&mut self, code: u16, parts: &[&[u8]]) {
        let data: usize = parts.iter().map(|part| part.len()).sum();
        if self.len + 4 + data > MAX_OPTIONS {
            return;
        }
        let [c0, c1] = code.to_be_bytes();
        let [l0, l1] = (data as u16).to_be_bytes(); // at most MAX_OPTIONS
        for part in [&[c0, c1, l0, l1][..]].iter().chain(parts) {
            self.octets[self.len..self.len + part.len()].copy_from_slice(part);
            self.len += part.len();
        }
    }

    fn as_slice(&self) -> &[u8] {
        &self.octets[..self.len]
    }
}
