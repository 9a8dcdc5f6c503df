//! An address prefix of either family.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// An IPv4 or IPv6 prefix whose bits beyond the length are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Prefix {
    addr: IpAddr,
    len: u8,
}

/// The bits of an address, first bit on top, and how many there are.
pub(super) fn bits_of(addr: IpAddr) -> (u128, u8) {
    match addr {
        IpAddr::V4(v4) => (u128::from(v4.to_bits()) << 96, 32),
        IpAddr::V6(v6) => (v6.to_bits(), 128),
    }
}

/// The first `len` bits set.
pub(super) const fn mask(len: u8) -> u128 {
    if len == 0 { 0 } else { u128::MAX << (128 - len as u32) }
}

impl Prefix {
    /// The prefix of that length around an address; the length is cut at the family's.
    #[must_use]
    pub fn around(addr: IpAddr, len: u8) -> Self {
        let (bits, width) = bits_of(addr);
        let len = len.min(width);
        let bits = bits & mask(len);
        let addr = match addr {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from_bits((bits >> 96) as u32)),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from_bits(bits)),
        };
        Self { addr, len }
    }

    /// Its first address.
    #[must_use]
    pub const fn addr(self) -> IpAddr {
        self.addr
    }

    /// Its length in bits.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "a length in bits, not a count of items")]
    pub const fn len(self) -> u8 {
        self.len
    }

    /// Whether an address lies inside.
    #[must_use]
    pub fn contains(self, addr: IpAddr) -> bool {
        let ((bits, width), (own, own_width)) = (bits_of(addr), bits_of(self.addr));
        width == own_width && bits & mask(self.len) == own
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.addr, self.len)
    }
}

/// Why a text is no prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParsePrefixError {
    /// Neither an address nor `address/length`.
    #[error("expected a network such as \"192.0.2.0/24\" or \"2001:db8::/32\"")]
    Syntax,
    /// The length is longer than the family's addresses.
    #[error("the prefix is longer than the address")]
    TooLong,
    /// Bits beyond the length are set.
    #[error("the address has bits set beyond the prefix length")]
    HostBits,
}

impl FromStr for Prefix {
    type Err = ParsePrefixError;

    /// `192.0.2.0/24`, `2001:db8::/32`, or one address.
    fn from_str(text: &str) -> Result<Self, ParsePrefixError> {
        let (addr, len) = text.split_once('/').map_or((text, None), |(addr, len)| (addr, Some(len)));
        let addr: IpAddr = addr.parse().map_err(|_| ParsePrefixError::Syntax)?;
        let width = bits_of(addr).1;
        let len = match len {
            None => width,
            Some(len) => len.parse().map_err(|_| ParsePrefixError::Syntax)?,
        };
        if len > width {
            return Err(ParsePrefixError::TooLong);
        }
        let prefix = Self::around(addr, len);
        if prefix.addr == addr { Ok(prefix) } else { Err(ParsePrefixError::HostBits) }
    }
}
