//! Special-purpose addresses: those that no GeoIP database can place, and those that carry an IPv4 address inside.

use std::net::{IpAddr, Ipv4Addr};

use crate::base::Prefix;

/// Blocks of IANA's special-purpose registries that are not globally reachable (RFC 6890, RFC 8190), with Teredo, whose
/// client address lies beyond what Client Subnet carries, and multicast. A more specific entry may be
/// [globally reachable](SPECIAL_PURPOSE) again.
///
/// `(prefix, special)`, to be applied in order.
pub const SPECIAL_PURPOSE: &[(&str, bool)] = &[
    // IANA IPv4 Special-Purpose Address Registry
    ("0.0.0.0/8", true),
    ("10.0.0.0/8", true),
    ("100.64.0.0/10", true),
    ("127.0.0.0/8", true),
    ("169.254.0.0/16", true),
    ("172.16.0.0/12", true),
    ("192.0.0.0/24", true),
    ("192.0.0.9/32", false),
    ("192.0.0.10/32", false),
    ("192.0.2.0/24", true),
    ("192.88.99.0/24", true),
    ("192.168.0.0/16", true),
    ("198.18.0.0/15", true),
    ("198.51.100.0/24", true),
    ("203.0.113.0/24", true),
    ("224.0.0.0/4", true),
    ("240.0.0.0/4", true),
    // IANA IPv6 Special-Purpose Address Registry
    ("::/127", true),
    ("64:ff9b:1::/48", true),
    ("100::/64", true),
    ("100:0:0:1::/64", true),
    ("2001::/23", true),
    ("2001:1::1/128", false),
    ("2001:1::2/128", false),
    ("2001:1::3/128", false),
    ("2001:3::/32", false),
    ("2001:4:112::/48", false),
    ("2001:20::/28", false),
    ("2001:30::/28", false),
    ("2001:db8::/32", true),
    ("3fff::/20", true),
    ("5f00::/16", true),
    ("fc00::/7", true),
    ("fe80::/10", true),
    ("ff00::/8", true),
];

/// The special-purpose block that an address lies in, itself or by the IPv4 address inside it.
#[must_use]
pub fn special_purpose_block(addr: IpAddr) -> Option<Prefix> {
    let addr = embedding(addr).map_or(addr, |(v4, _)| v4.into());
    let blocks = SPECIAL_PURPOSE.iter().map(|&(block, special)| (block.parse::<Prefix>(), special));
    let mut found = None;
    for (block, special) in blocks {
        let block = block.expect("a prefix of the table");
        if block.contains(addr) {
            found = special.then_some(block);
        }
    }
    found
}

/// A block of IPv6 addresses that carry an IPv4 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Embedding {
    /// The block.
    pub(super) prefix: &'static str,
    /// Where in the address the IPv4 address begins, in bits.
    pub(super) offset: u8,
}

/// IPv4-mapped (RFC 4291 §2.5.5.2), NAT64's well-known prefix (RFC 6052 §2.1) and 6to4 (RFC 3056 §2).
pub(super) const EMBEDDINGS: [Embedding; 3] = [
    Embedding { prefix: "::ffff:0:0/96", offset: 96 },
    Embedding { prefix: "64:ff9b::/96", offset: 96 },
    Embedding { prefix: "2002::/16", offset: 16 },
];

/// The IPv4 address inside an IPv6 one, and at which bit it begins.
#[must_use]
pub fn embedding(addr: IpAddr) -> Option<(Ipv4Addr, u8)> {
    let IpAddr::V6(v6) = addr else { return None };
    let bits = v6.to_bits();
    let offset = match (bits >> 32, bits >> 112) {
        (0xffff | 0x0064_ff9b_0000_0000_0000_0000, _) => 96,
        (_, 0x2002) => 16,
        _ => return None,
    };
    Some((Ipv4Addr::from_bits((bits >> (96 - offset)) as u32), offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_block_is_a_prefix() {
        for (block, _) in SPECIAL_PURPOSE {
            assert!(block.parse::<Prefix>().is_ok(), "{block}");
        }
    }

    #[test]
    fn embedded_addresses() {
        let inside = |text: &str| embedding(text.parse().expect("an address")).map(|(v4, at)| (v4.to_string(), at));
        assert_eq!(inside("::ffff:192.0.2.1"), Some(("192.0.2.1".into(), 96)));
        assert_eq!(inside("64:ff9b::198.51.100.7"), Some(("198.51.100.7".into(), 96)));
        assert_eq!(inside("2002:c000:201::1"), Some(("192.0.2.1".into(), 16)));
        assert_eq!(inside("2001:db8::1"), None);
        for Embedding { prefix, offset } in EMBEDDINGS {
            let addr = prefix.parse::<Prefix>().expect("a prefix").addr();
            assert_eq!(embedding(addr).map(|(_, at)| at), Some(offset));
        }
    }
}
