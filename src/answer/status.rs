//! What can go wrong with a query, as RCODE and Extended DNS Error (RFC 8914). The only place that maps them.

use crate::wire::Rcode;

/// Why a query gets no ordinary answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// The message cannot be read (RFC 1035 §4.1.1).
    FormErr,
    /// Its Client Subnet option breaks a rule (RFC 7871 §7.1.2).
    BadClientSubnet,
    /// Its opcode is not QUERY, or the transport is none for its type.
    NotImp,
    /// An EDNS version above 0 (RFC 6891 §6.1.3).
    BadVers,
    /// No zone here holds the name.
    Refused,
    /// The class or the type is not answered, whatever the name.
    Prohibited,
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
/// EDE 20 "Not Authoritative": the server was asked for what it does not serve.
const NOT_AUTHORITATIVE: u16 = 20;

/// EDE 18 "Prohibited".
const PROHIBITED: u16 = 18;

impl Status {
    pub(super) const fn rcode(self) -> Rcode {
        match self {
            Self::FormErr | Self::BadClientSubnet => Rcode::FORMERR,
            Self::NotImp => Rcode::NOTIMP,
            Self::BadVers => Rcode::BADVERS,
            Self::Refused | Self::Prohibited => Rcode::REFUSED,
            Self::NothingUsable | Self::TooLarge => Rcode::SERVFAIL,
        }
    }

    pub(super) const fn ede(self) -> Option<Ede> {
        match self {
            Self::Refused => Some(Ede { code: NOT_AUTHORITATIVE, text: "" }),
            Self::Prohibited => Some(Ede { code: PROHIBITED, text: "" }),
            Self::NothingUsable => Some(Ede { code: OTHER, text: "no endpoint is usable" }),
            Self::TooLarge => Some(Ede { code: OTHER, text: "the answer exceeds 65535 octets" }),
            Self::FormErr | Self::BadClientSubnet | Self::NotImp | Self::BadVers => None,
        }
    }
}
