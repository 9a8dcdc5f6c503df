//! The EDNS options of a response: identifier, Client Subnet, cookie, keepalive, Extended DNS Error, padding.
//!
//! The cookie of the query is judged once, when [`Options`] is made. [`Options::max_len`] is what has to stay free for
//! the options that must not be missing; an Extended DNS Error and padding take what is left.

use crate::base::Now;
use crate::snapshot::{Cookies, Service};
use crate::wire::{
    CLIENT_COOKIE, ClientSubnet, EdnsQuery, Keepalive, OPTION_CLIENT_SUBNET, OPTION_COOKIE, OPTION_EDE,
    OPTION_KEEPALIVE, OPTION_NSID, OPTION_PADDING, PADDING_BLOCK, QueryCookie, SERVER_COOKIE, Verdict,
};

use super::meta::{Meta, Transport};
use super::status::{Ede, Status};

/// Octets of an option without its data.
const HEAD: usize = 4;

/// What the options of one response follow from.
pub(super) struct Options<'a> {
    edns: &'a EdnsQuery,
    service: &'a Service,
    cookie: Option<Cookie<'a>>,
    meta: &'a Meta,
    now: u32,
}

/// A well-formed cookie, where cookies are answered.
struct Cookie<'a> {
    settings: &'a Cookies,
    sent: &'a QueryCookie,
    verdict: Verdict,
}

impl<'a> Options<'a> {
    pub(super) fn new(edns: &'a EdnsQuery, service: &'a Service, meta: &'a Meta, now: Now) -> Self {
        let now = now.wall as u32; // its lower 32 bits (RFC 9018 §4.3)
        let cookie = service.cookies.as_ref().zip(edns.cookie.as_ref()).and_then(|(settings, sent)| {
            let sent = sent.as_ref().ok()?;
            Some(Cookie { settings, sent, verdict: settings.secrets.verify(sent, meta.source.ip(), now) })
        });
        Self { edns, service, cookie, meta, now }
    }

    /// Whether the query's options are well-formed and of a version that is known.
    pub(super) fn check(&self) -> Result<(), Status> {
        if self.edns.version > 0 {
            Err(Status::BadVers)
        } else if matches!(self.edns.client_subnet, Some(Err(_))) {
            Err(Status::BadClientSubnet)
        } else if self.service.cookies.is_some() && matches!(self.edns.cookie, Some(Err(_))) {
            Err(Status::BadCookieLength)
        } else if self.keeps_alive() && self.edns.keepalive == Keepalive::Malformed {
            Err(Status::BadKeepalive)
        } else {
            Ok(())
        }
    }

    /// What the query says of EDNS.
    pub(super) const fn edns(&self) -> &'a EdnsQuery {
        self.edns
    }

    /// Whether the server cookie proves that the client receives what is sent to its address.
    pub(super) fn cookie_is_valid(&self) -> bool {
        self.cookie.as_ref().is_some_and(|cookie| matches!(cookie.verdict, Verdict::Valid { .. }))
    }

    /// Whether a large answer over UDP takes a valid cookie, and there is none.
    pub(super) fn lacks_cookie(&self) -> bool {
        let required = self.service.cookies.as_ref().is_some_and(|cookies| cookies.require);
        required && self.meta.transport == Transport::Udp && !self.cookie_is_valid()
    }

    /// Whether the query has a cookie, so that BADCOOKIE makes the client ask again with a valid one.
    pub(super) const fn has_cookie(&self) -> bool {
        self.cookie.is_some()
    }

    /// What a query without a question is told, which only asks for a cookie (RFC 7873 §5.4).
    pub(super) fn cookie_request(&self) -> Result<(), Status> {
        self.check()?;
        match &self.cookie {
            None => Err(Status::FormErr),
            Some(cookie) if cookie.verdict == Verdict::Invalid => Err(Status::BadCookie),
            Some(_) => Ok(()),
        }
    }

    /// The most octets of the options that are never left out.
    pub(super) fn max_len(&self) -> usize {
        let subnet = match self.edns.client_subnet {
            Some(Ok(subnet)) => HEAD + 4 + usize::from(subnet.source).div_ceil(8),
            _ => 0,
        };
        let nsid = self.nsid().map_or(0, |nsid| HEAD + nsid.len());
        let cookie = if self.has_cookie() { HEAD + CLIENT_COOKIE + SERVER_COOKIE } else { 0 };
        let keepalive = if self.keepalive().is_some() { HEAD + 2 } else { 0 };
        let padding = if self.pads() { HEAD } else { 0 };
        nsid + subnet + cookie + keepalive + padding
    }

    /// Writes the options into what is left of the message, `before` octets of which stand, and returns their length.
    pub(super) fn write(&self, scope: u8, ede: Option<Ede>, before: usize, out: &mut [u8]) -> usize {
        let mut list = List { out, len: 0 };
        if let Some(nsid) = self.nsid() {
            list.push(OPTION_NSID, &[nsid]);
        }
        if let Some(Ok(subnet)) = self.edns.client_subnet {
            list.push_subnet(&subnet, scope);
        }
        if let Some(Cookie { settings, sent, verdict }) = &self.cookie {
            let server = settings.secrets.answer(sent, *verdict, self.meta.source.ip(), self.now);
            list.push(OPTION_COOKIE, &[&sent.client, &server]);
        }
        if let Some(timeout) = self.keepalive() {
            list.push(OPTION_KEEPALIVE, &[&timeout.to_be_bytes()]);
        }
        if let Some(Ede { code, text }) = ede {
            let code = code.to_be_bytes();
            let _ = list.push(OPTION_EDE, &[&code, text.as_bytes()]) || list.push(OPTION_EDE, &[&code]);
        }
        if self.pads() {
            list.pad(before);
        }
        list.len
    }

    fn nsid(&self) -> Option<&'a [u8]> {
        (self.edns.nsid && !self.service.nsid.is_empty()).then_some(&*self.service.nsid)
    }

    /// The timeout to announce.
    fn keepalive(&self) -> Option<u16> {
        let asked = self.keeps_alive() && self.edns.keepalive == Keepalive::Asked;
        Some(self.service.keepalive).filter(|&timeout| asked && timeout > 0)
    }

    /// Whether keepalive means anything: over UDP it must be ignored (RFC 7828 §3.2.1), and QUIC and HTTPS have their own
    /// ways (RFC 9250 §5.5.2).
    const fn keeps_alive(&self) -> bool {
        matches!(self.meta.transport, Transport::Tcp | Transport::Tls)
    }

    /// Where everybody can read along, padding only costs (RFC 7830 §6).
    fn pads(&self) -> bool {
        self.edns.padding && matches!(self.meta.transport, Transport::Tls | Transport::Quic | Transport::Https)
    }
}

/// Options being written.
struct List<'o> {
    out: &'o mut [u8],
    len: usize,
}

impl List<'_> {
    /// Appends an option, or nothing where there is no room for it.
    fn push(&mut self, code: u16, parts: &[&[u8]]) -> bool {
        let data: usize = parts.iter().map(|part| part.len()).sum();
        let fits = self.len + HEAD + data <= self.out.len();
        if fits {
            self.head(code, data);
            parts.iter().for_each(|part| self.put(part));
        }
        fits
    }

    /// Appends Client Subnet, or nothing where there is no room for it.
    fn push_subnet(&mut self, subnet: &ClientSubnet, scope: u8) {
        // written where it stays; what is behind the option is written over, or not sent
        if let Some([c0, c1, l0, l1, data @ ..]) = self.out[self.len..].first_chunk_mut::<{ HEAD + 20 }>() {
            let len = subnet.write(scope, data);
            (*c0, *c1, *l0, *l1) = (0, OPTION_CLIENT_SUBNET as u8, 0, len as u8); // at most 20
            self.len += HEAD + len;
        } else {
            let mut data = [0; 20];
            let len = subnet.write(scope, &mut data);
            self.push(OPTION_CLIENT_SUBNET, &[&data[..len]]);
        }
    }

    /// Pads a message, of which `before` octets stand in front of the options, to a full block, or as far as there is
    /// room.
    fn pad(&mut self, before: usize) {
        let Some(room) = self.out.len().checked_sub(self.len + HEAD) else { return };
        let unpadded = before + self.len + HEAD;
        let data = (unpadded.next_multiple_of(PADDING_BLOCK) - unpadded).min(room);
        self.head(OPTION_PADDING, data);
        self.out[self.len..self.len + data].fill(0);
        self.len += data;
    }

    fn head(&mut self, code: u16, data: usize) {
        let [c0, c1] = code.to_be_bytes();
        let [l0, l1] = (data as u16).to_be_bytes(); // a message has at most 65,535 octets
        self.put(&[c0, c1, l0, l1]);
    }

    fn put(&mut self, octets: &[u8]) {
        self.out[self.len..self.len + octets.len()].copy_from_slice(octets);
        self.len += octets.len();
    }
}

#[cfg(test)]
#[path = "options_tests.rs"]
mod tests;
