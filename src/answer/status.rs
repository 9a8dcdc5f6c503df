//! What can go wrong with a query, as RCODE and Extended DNS Error (RFC 8914). The only place that maps them.

use crate::wire::Rcode;

/// Why a query gets no ordinary answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// The message cannot be read (RFC 1035 §4.1.1).
    FormErr,
    /// Its Client Subnet option breaks a rule (RFC 7871 §7.1.2).
    BadClientSubnet,
    /// Its COOKIE option has a length that there is none of (RFC 7873 §5.2.2).
    BadCookieLength,
    /// Its TCP keepalive option has data (RFC 7828 §3.2.1).
    BadKeepalive,
    /// Its server cookie is missing or not valid, and that is not enough here (RFC 7873 §5.2.3, §5.2.4).
    BadCookie,
    /// Its opcode is not QUERY, or the transport is none for its type.
    NotImp,
    /// An EDNS version above 0 (RFC 6891 §6.1.3).
    BadVers,
    /// No zone here holds the name.
    Refused,
    /// A transfer of what is no zone here (RFC 5936 §2.2.1).
    NotAuth,
    /// A zone transfer, or what the operator does not tell.
    Prohibited,
    /// The class is not answered, whatever the name.
    NotSupported,
    /// A steered name has nothing to answer with, and its policy says to fail.
    NothingUsable,
    /// The answer does not fit into the largest message there is.
    TooLarge,
}

/// An Extended DNS Error: its code and a text for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ede {
    pub(super) code: u16,
    pub(super) text: &'static str,
}

/// EDE 0: no registered code fits, so the text says it.
const OTHER: u16 = 0;
/// EDE 18 "Prohibited": the client may not (RFC 8914 §4.19).
const PROHIBITED: u16 = 18;
/// EDE 20 "Not Authoritative": the server was asked for what it does not serve (RFC 8914 §4.21).
const NOT_AUTHORITATIVE: u16 = 20;
/// EDE 21 "Not Supported": nobody is answered that (RFC 8914 §4.22).
const NOT_SUPPORTED: u16 = 21;

impl Status {
    pub(super) const fn rcode(self) -> Rcode {
        match self {
            Self::FormErr | Self::BadClientSubnet | Self::BadCookieLength | Self::BadKeepalive => Rcode::FORMERR,
            Self::BadCookie => Rcode::BADCOOKIE,
            Self::NotImp => Rcode::NOTIMP,
            Self::BadVers => Rcode::BADVERS,
            Self::NotAuth => Rcode::NOTAUTH,
            Self::Refused | Self::Prohibited | Self::NotSupported => Rcode::REFUSED,
            Self::NothingUsable | Self::TooLarge => Rcode::SERVFAIL,
        }
    }

    pub(super) const fn ede(self) -> Option<Ede> {
        let (code, text) = match self {
            Self::Refused | Self::NotAuth => (NOT_AUTHORITATIVE, "no zone here holds this name"),
            Self::Prohibited => (PROHIBITED, ""),
            Self::NotSupported => (NOT_SUPPORTED, "no such class here"),
            Self::NothingUsable => (OTHER, "no endpoint is usable"),
            Self::TooLarge => (OTHER, "the answer exceeds 65535 octets"),
            Self::BadCookieLength => (OTHER, "malformed COOKIE option"),
            Self::BadKeepalive => (OTHER, "keepalive option with data"),
            // the response code says it all
            Self::FormErr | Self::BadClientSubnet | Self::BadCookie | Self::NotImp | Self::BadVers => return None,
        };
        Some(Ede { code, text })
    }
}
