//! Composes a response and fits it into what the transport carries.
//!
//! Records are composed position-independently ([`Body`]); only [`Composer::finish`] knows the message that they go into.

use crate::wire::{
    Body, EdnsQuery, Full, HEADER_LEN, Header, Message, OPT_LEN, OPTION_CLIENT_SUBNET, OPTION_EDE, Owner, Query,
    Question, Rcode, Section, UDP_PAYLOAD,
};
use crate::zone::RrSet;

use super::meta::{Meta, Transport};
use super::status::{Ede, Status};

/// The largest response to a client that does not say what it takes (RFC 1035 §4.2.1).
const PLAIN_UDP_LIMIT: usize = 512;
/// Octets of the longest options we send: Client Subnet, or an Extended DNS Error with its text.
const MAX_OPTIONS: usize = 64;

/// A response being composed.
pub(super) struct Composer<'q> {
    question: &'q Question<'q>,
    edns: Option<&'q EdnsQuery>,
    udp: bool,
    /// The sections.
    pub(super) body: Box<Body>,
    pub(super) rcode: Rcode,
    pub(super) authoritative: bool,
    truncated: bool,
    /// SCOPE PREFIX-LENGTH of the response (RFC 7871 §7.2.1).
    pub(super) scope: u8,
    ede: Option<Ede>,
    /// Whether the response carries Client Subnet if the query did.
    echo_subnet: bool,
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
    let raw = question.map(|question| question.raw).filter(|raw| raw.len() + HEADER_LEN <= out.len());
    match Message::new(out, raw) {
        Ok(message) => (message.finish(header, status.rcode(), false, false), status.rcode()),
        Err(Full) => (0, status.rcode()),
    }
}

impl<'q> Composer<'q> {
    /// Starts the response to a query, which is to fit into a buffer of `room` octets.
    pub(super) fn new(mut body: Box<Body>, query: &'q Query<'_>, meta: &Meta, room: usize) -> Self {
        let edns = query.edns.as_ref();
        let opt = edns.map_or(0, |edns| OPT_LEN + client_subnet_len(edns));
        let limit = limit(meta, edns, room).max(PLAIN_UDP_LIMIT.min(room));
        body.start(limit.saturating_sub(HEADER_LEN + query.question.raw.len() + opt));
        Self {
            question: &query.question,
            edns,
            udp: meta.transport == Transport::Udp,
            body,
            rcode: Rcode::NOERROR,
            authoritative: true,
            truncated: false,
            scope: 0,
            ede: None,
            echo_subnet: true,
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
        self.body.clear();
        self.truncated = true;
        self.scope = 0;
        Ok(())
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
        self.ede = status.ede();
        self.echo_subnet = status != Status::BadClientSubnet && status != Status::BadVers;
    }

    /// Writes the response; returns its length, and the sections' buffers.
    pub(super) fn finish(self, header: &Header, out: &mut [u8]) -> (usize, Box<Body>) {
        let mut message = Message::new(out, Some(self.question.raw)).expect("512 octets hold any question");
        let put = message.put_sections(self.body.sections());
        debug_assert!(put.is_ok(), "the room was reckoned with header and question");
        if let Some(edns) = self.edns {
            let mut options = Options::default();
            if let (Some(Ok(subnet)), true) = (edns.client_subnet, self.echo_subnet) {
                let mut data = [0; 20];
                let len = subnet.write(self.scope, &mut data);
                options.push(OPTION_CLIENT_SUBNET, &[&data[..len]]);
            }
            if let Some(Ede { code, text }) = self.ede {
                options.push(OPTION_EDE, &[&code.to_be_bytes(), text.as_bytes()]);
            }
            let opt = message.put_opt(UDP_PAYLOAD, self.rcode, edns.dnssec_ok, options.as_slice());
            debug_assert!(opt.is_ok(), "room for OPT was reserved");
        }
        (message.finish(header, self.rcode, self.authoritative, self.truncated), self.body)
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
