//! EDNS (RFC 6891).

use super::cookie::{CookieError, QueryCookie};
use super::ecs::{ClientSubnet, EcsError};

/// Option code of the name server identifier (RFC 5001 §4.1).
pub const OPTION_NSID: u16 = 3;
/// Option code of Client Subnet (RFC 7871 §6).
pub const OPTION_CLIENT_SUBNET: u16 = 8;
/// Option code of DNS cookies (RFC 7873 §4).
pub const OPTION_COOKIE: u16 = 10;
/// Option code of TCP keepalive (RFC 7828 §3.1).
pub const OPTION_KEEPALIVE: u16 = 11;
/// Option code of padding (RFC 7830 §3).
pub const OPTION_PADDING: u16 = 12;
/// Option code of Extended DNS Errors (RFC 8914 §2).
pub const OPTION_EDE: u16 = 15;

/// The longest name server identifier: with it, every other option has room in the smallest response.
pub const MAX_NSID: usize = 128;

/// Responses over encrypted transports are padded to a multiple of this (RFC 8467 §4.1).
pub const PADDING_BLOCK: usize = 468;

/// The largest UDP payload sent or announced: what crosses every common path unfragmented (DNS flag day 2020).
pub const UDP_PAYLOAD: u16 = 1232;

/// What the OPT record of a query says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EdnsQuery {
    /// The requester's UDP payload size, as sent.
    pub payload: u16,
    /// The version asked for.
    pub version: u8,
    /// Whether DNSSEC records are wanted.
    pub dnssec_ok: bool,
    /// Client Subnet, if there is one.
    pub client_subnet: Option<Result<ClientSubnet, EcsError>>,
    /// The first COOKIE option, if there is one; the others count for nothing (RFC 7873 §5.2).
    pub cookie: Option<Result<QueryCookie, CookieError>>,
    /// Whether the server is asked for its identifier, with whatever data (RFC 5001 §2.1).
    pub nsid: bool,
    /// Whether there is a padding option (RFC 7830 §3).
    pub padding: bool,
    /// TCP keepalive.
    pub keepalive: Keepalive,
}

/// The TCP keepalive option of a query (RFC 7828).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Keepalive {
    /// There is none.
    #[default]
    Absent,
    /// The client wants to know how long it may keep an idle connection.
    Asked,
    /// It has data, which only a server's may (RFC 7828 §3.2.1).
    Malformed,
}

impl EdnsQuery {
    /// Reads an OPT record's class, TTL and data; none if the options run over the end (FORMERR). Options that mean
    /// nothing in a query to a server like this, or to us, are passed over (RFC 6891 §6.1.2).
    #[must_use]
    pub fn parse(class: u16, ttl: u32, data: &[u8]) -> Option<Self> {
        let mut edns = None;
        Self::parse_into(&mut edns, class, ttl, data).map(|()| edns)?
    }

    /// The same, where it will stay: it is large.
    #[inline]
    pub(super) fn parse_into(place: &mut Option<Self>, class: u16, ttl: u32, data: &[u8]) -> Option<()> {
        let [_, version, flags, _] = ttl.to_be_bytes();
        let edns = place.insert(Self::plain(class, version, flags & 0x80 != 0));
        let read = edns.read_options(data);
        if read.is_none() {
            *place = None;
        }
        read
    }

    fn read_options(&mut self, data: &[u8]) -> Option<()> {
        let mut rest = data;
        while !rest.is_empty() {
            let &[c0, c1, l0, l1, ref tail @ ..] = rest else { return None };
            let (value, tail) = tail.split_at_checked(usize::from(u16::from_be_bytes([l0, l1])))?;
            self.option(u16::from_be_bytes([c0, c1]), value);
            rest = tail;
        }
        Some(())
    }

    const fn plain(payload: u16, version: u8, dnssec_ok: bool) -> Self {
        Self {
            payload,
            version,
            dnssec_ok,
            client_subnet: None,
            cookie: None,
            nsid: false,
            padding: false,
            keepalive: Keepalive::Absent,
        }
    }

    fn option(&mut self, code: u16, value: &[u8]) {
        match code {
            OPTION_NSID => self.nsid = true,
            OPTION_CLIENT_SUBNET => {
                // a second one is malformed rather than a choice
                let parsed = ClientSubnet::parse(value);
                self.client_subnet = Some(if self.client_subnet.is_some() { Err(EcsError) } else { parsed });
            }
            OPTION_COOKIE => self.cookie = self.cookie.or_else(|| Some(QueryCookie::parse(value))),
            OPTION_KEEPALIVE if value.is_empty() => self.keepalive = self.keepalive.max(Keepalive::Asked),
            OPTION_KEEPALIVE => self.keepalive = Keepalive::Malformed,
            OPTION_PADDING => self.padding = true,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(data: &[u8]) -> Option<EdnsQuery> {
        EdnsQuery::parse(1232, 0x8000, data)
    }

    #[test]
    fn options_are_told_apart_and_unknown_ones_passed_over() {
        let none = EdnsQuery::plain(1232, 0, true);
        assert_eq!(parse(&[]), Some(none));
        assert_eq!(parse(&[0, 9, 0, 0, 0xfd, 0xe9, 0, 2, 1, 2]), Some(none)); // EXPIRE, a local one
        assert_eq!(parse(&[0, 3, 0, 0]), Some(EdnsQuery { nsid: true, ..none }));
        assert_eq!(parse(&[0, 3, 0, 1, 7]), Some(EdnsQuery { nsid: true, ..none }));
        assert_eq!(parse(&[0, 12, 0, 2, 0, 0]), Some(EdnsQuery { padding: true, ..none }));
        let asked = EdnsQuery { keepalive: Keepalive::Asked, ..none };
        assert_eq!(parse(&[0, 11, 0, 0]), Some(asked));
        let malformed = EdnsQuery { keepalive: Keepalive::Malformed, ..none };
        assert_eq!(parse(&[0, 11, 0, 2, 0, 100]), Some(malformed));
        assert_eq!(parse(&[0, 11, 0, 2, 0, 100, 0, 11, 0, 0]), Some(malformed));
    }

    #[test]
    fn of_several_cookies_the_first_counts() {
        let cookie = |data: &[u8]| parse(data).and_then(|edns| edns.cookie);
        let first = Ok(QueryCookie { client: [1; 8], server: None });
        assert_eq!(cookie(&[0, 10, 0, 8, 1, 1, 1, 1, 1, 1, 1, 1, 0, 10, 0, 1, 2]), Some(first));
        assert_eq!(cookie(&[0, 10, 0, 1, 2, 0, 10, 0, 8, 1, 1, 1, 1, 1, 1, 1, 1]), Some(Err(CookieError)));
    }

    #[test]
    fn options_that_run_over_the_end() {
        for data in [&[0][..], &[0, 3, 0], &[0, 3, 0, 1], &[0, 10, 0, 9, 1, 1, 1, 1, 1, 1, 1, 1]] {
            assert_eq!(parse(data), None, "{data:?}");
        }
    }
}
