//! Code points: record types, classes, opcodes, response codes (IANA DNS parameters).

use std::fmt;
use std::str::FromStr;

/// A record type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rtype(pub u16);

/// A text that names no record type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown record type")]
pub struct UnknownType;

macro_rules! rtypes {
    ($($name:ident = $code:literal $($text:literal)?;)*) => {
        impl Rtype {
            $(#[doc = concat!("`", stringify!($name), "`")] pub const $name: Self = Self($code);)*
        }

        /// Mnemonics in order of code.
        const MNEMONICS: &[(u16, &str)] = &[$(($code, last(&[stringify!($name) $(, $text)?])),)*];
    };
}

/// The mnemonic of a type, which is the constant's name unless another text follows.
const fn last(names: &[&'static str]) -> &'static str {
    names[names.len() - 1]
}

rtypes! {
    A = 1; NS = 2; MD = 3; MF = 4; CNAME = 5; SOA = 6; MB = 7; MG = 8; MR = 9; NULL = 10; WKS = 11; PTR = 12; HINFO = 13;
    MINFO = 14; MX = 15; TXT = 16; RP = 17; AFSDB = 18; X25 = 19; ISDN = 20; RT = 21; NSAP = 22; NSAP_PTR = 23 "NSAP-PTR";
    SIG = 24; KEY = 25; PX = 26; GPOS = 27; AAAA = 28; LOC = 29; NXT = 30; EID = 31; NIMLOC = 32; SRV = 33; ATMA = 34;
    NAPTR = 35; KX = 36; CERT = 37; A6 = 38; DNAME = 39; OPT = 41; APL = 42; DS = 43; SSHFP = 44; IPSECKEY = 45; RRSIG = 46;
    NSEC = 47; DNSKEY = 48; DHCID = 49; NSEC3 = 50; NSEC3PARAM = 51; TLSA = 52; SMIMEA = 53; HIP = 55; NINFO = 56; RKEY = 57;
    TALINK = 58; CDS = 59; CDNSKEY = 60; OPENPGPKEY = 61; CSYNC = 62; ZONEMD = 63; SVCB = 64; HTTPS = 65; DSYNC = 66;
    SPF = 99; NID = 104; L32 = 105; L64 = 106; LP = 107; EUI48 = 108; EUI64 = 109; NXNAME = 128; TKEY = 249; TSIG = 250; IXFR = 251;
    AXFR = 252; MAILB = 253; MAILA = 254; ANY = 255; URI = 256; CAA = 257; AVC = 258; DOA = 259; AMTRELAY = 260; RESINFO = 261; WALLET = 262;
    TA = 32768; DLV = 32769;
}

impl Rtype {
    /// Whether no zone can hold it: OPT, and the types for queries and transfers (RFC 6895 §3.1).
    #[must_use]
    pub const fn is_meta(self) -> bool {
        matches!(self.0, 41 | 128..=255)
    }
}

impl fmt::Display for Rtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match MNEMONICS.binary_search_by_key(&self.0, |&(code, _)| code) {
            Ok(at) => f.write_str(MNEMONICS[at].1),
            Err(_) => write!(f, "TYPE{}", self.0),
        }
    }
}

impl FromStr for Rtype {
    type Err = UnknownType;

    /// A mnemonic in any case, or `TYPEnnn` (RFC 3597 §5).
    fn from_str(text: &str) -> Result<Self, UnknownType> {
        if let Some(&(code, _)) = MNEMONICS.iter().find(|(_, name)| name.eq_ignore_ascii_case(text)) {
            return Ok(Self(code));
        }
        number_after(text, "TYPE").map(Self).ok_or(UnknownType)
    }
}

/// The decimal number after a prefix in any case.
fn number_after(text: &str, prefix: &str) -> Option<u16> {
    let (head, digits) = text.split_at_checked(prefix.len())?;
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if head.eq_ignore_ascii_case(prefix) && plain { digits.parse().ok() } else { None }
}

/// A class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Class(pub u16);

impl Class {
    /// Internet.
    pub const IN: Self = Self(1);
    /// Chaos.
    pub const CH: Self = Self(3);
    /// Hesiod.
    pub const HS: Self = Self(4);
    /// Any class.
    pub const ANY: Self = Self(255);
}

impl FromStr for Class {
    type Err = UnknownType;

    /// `IN`, `CH`, `HS` in any case, or `CLASSnnn` (RFC 3597 §5).
    fn from_str(text: &str) -> Result<Self, UnknownType> {
        let known = [("IN", Self::IN), ("CH", Self::CH), ("HS", Self::HS)];
        if let Some((_, class)) = known.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
            return Ok(class);
        }
        number_after(text, "CLASS").map(Self).ok_or(UnknownType)
    }
}

/// An opcode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opcode(pub u8);

impl Opcode {
    /// A standard query.
    pub const QUERY: Self = Self(0);
}

/// A response code, the upper bits of which travel in EDNS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rcode(pub u16);

impl Rcode {
    /// No error.
    pub const NOERROR: Self = Self(0);
    /// The query was malformed.
    pub const FORMERR: Self = Self(1);
    /// The server failed.
    pub const SERVFAIL: Self = Self(2);
    /// The name does not exist.
    pub const NXDOMAIN: Self = Self(3);
    /// The kind of query is not implemented.
    pub const NOTIMP: Self = Self(4);
    /// The server will not answer this.
    pub const REFUSED: Self = Self(5);
    /// A name that must not exist does: by DNAME, a name would become too long (RFC 6672 §2.2).
    pub const YXDOMAIN: Self = Self(6);
    /// The server has no authority for the zone (RFC 2136 §2.2, RFC 5936 §2.2.1).
    pub const NOTAUTH: Self = Self(9);
    /// An EDNS version above 0 (RFC 6891 §6.1.3).
    pub const BADVERS: Self = Self(16);
    /// The server cookie is missing or not valid (RFC 7873 §8).
    pub const BADCOOKIE: Self = Self(23);
}

impl fmt::Display for Rcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("NOERROR"),
            1 => f.write_str("FORMERR"),
            2 => f.write_str("SERVFAIL"),
            3 => f.write_str("NXDOMAIN"),
            4 => f.write_str("NOTIMP"),
            5 => f.write_str("REFUSED"),
            6 => f.write_str("YXDOMAIN"),
            9 => f.write_str("NOTAUTH"),
            16 => f.write_str("BADVERS"),
            23 => f.write_str("BADCOOKIE"),
            code => write!(f, "RCODE{code}"),
        }
    }
}
