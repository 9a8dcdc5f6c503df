//! Address prefixes of APL: `[!]family:address/length` (RFC 3123).

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use super::super::rdata::{Read, Reader};
use super::super::text;
use super::plain::parsed;

/// The bit of exceptions, beside the length of the address.
const NEGATED: u8 = 0x80;

/// An item; its address is without zeros at its end.
struct Item<'r> {
    family: u16,
    prefix: u8,
    negated: bool,
    address: &'r [u8],
}

impl Item<'_> {
    /// How long an address of this family is in octets; none for families without a text form.
    const fn width(&self) -> Option<u8> {
        match self.family {
            1 => Some(4),
            2 => Some(16),
            _ => None,
        }
    }

    fn is_sound(&self) -> bool {
        let fits = |width: u8| self.prefix <= width * 8 && self.address.len() <= usize::from(width);
        self.address.last() != Some(&0) && self.width().is_none_or(fits)
    }

    fn ip(&self) -> Option<IpAddr> {
        let mut octets = [0; 16];
        octets[..self.address.len().min(16)].copy_from_slice(&self.address[..self.address.len().min(16)]);
        let [a, b, c, d, ..] = octets;
        Some(if self.width()? == 4 { [a, b, c, d].into() } else { Ipv6Addr::from(octets).into() })
    }
}

/// The items; none in place of one that is cut off.
fn items(octets: &[u8]) -> impl Iterator<Item = Option<Item<'_>>> {
    let mut rest = octets;
    std::iter::from_fn(move || {
        let head = rest.split_first_chunk();
        let item = head.and_then(|(&[high, low, prefix, len], tail)| {
            let address = tail.get(..usize::from(len & !NEGATED))?;
            rest = &tail[address.len()..];
            Some(Item { family: u16::from_be_bytes([high, low]), prefix, negated: len & NEGATED != 0, address })
        });
        if item.is_none() {
            let cut_off = !rest.is_empty();
            rest = &[];
            return cut_off.then_some(None);
        }
        Some(item)
    })
}

pub(super) fn are(octets: &[u8]) -> bool {
    items(octets).all(|item| item.is_some_and(|item| item.is_sound()))
}

pub(super) fn have_text(octets: &[u8]) -> bool {
    items(octets).flatten().all(|item| item.width().is_some())
}

pub(super) fn write(octets: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (at, item) in items(octets).flatten().enumerate() {
        let Some(ip) = item.ip() else { continue };
        let (separator, sign) = (if at == 0 { "" } else { " " }, if item.negated { "!" } else { "" });
        write!(f, "{separator}{sign}{}:{ip}/{}", item.family, item.prefix)?;
    }
    Ok(())
}

pub(super) fn read(reader: &mut Reader<'_, '_>) -> Read {
    while let Some(token) = reader.lexer.next()? {
        let expected = "a prefix: 1: and an IPv4 or 2: and an IPv6 address, a slash, a length";
        let item = token.word().and_then(item).ok_or_else(|| token.instead_of(expected))?;
        reader.put(&item);
    }
    Ok(())
}

fn item(word: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(word).ok()?;
    let (negated, text) = text.strip_prefix('!').map_or((0, text), |text| (NEGATED, text));
    let (family, rest) = text.split_once(':')?;
    let (address, prefix) = rest.split_once('/')?;
    let (family, octets) = match parsed::<IpAddr>(address.as_bytes())? {
        IpAddr::V4(ip) if family == "1" => (1, ip.octets().to_vec()),
        IpAddr::V6(ip) if family == "2" => (2, ip.octets().to_vec()),
        _ => return None,
    };
    let prefix = text::number(prefix.as_bytes(), octets.len() as u32 * 8)?;
    let len = octets.iter().rposition(|&octet| octet != 0).map_or(0, |last| last + 1);
    Some([&[0, family, prefix as u8, len as u8 | negated], &octets[..len]].concat()) // at most 128 and 16
}
