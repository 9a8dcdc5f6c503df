//! Values of parameters: as octets and as text, by kind.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::super::super::text;
use super::super::digits::BASE64;
use super::super::plain::{number, parsed};
use super::super::strings;
use super::{Key, MANDATORY};

/// The form of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// Keys, of which `mandatory` itself is none, sorted, none twice (RFC 9460 §8).
    Keys,
    /// Protocol identifiers, each with a length octet (RFC 9460 §7.1.1).
    Protocols,
    /// None.
    Empty,
    /// Two octets.
    Port,
    /// One or more addresses (RFC 9460 §7.3).
    Ipv4s,
    /// The same.
    Ipv6s,
    /// Octets in base 64 (RFC 9848).
    Base64,
    /// A URI template in UTF-8 with the variable `dns` (RFC 9461 §5).
    Path,
    /// Any octets, none perhaps.
    Any,
}

impl Value {
    /// Whether octets are such a value.
    pub(super) fn is_valid(self, octets: &[u8]) -> bool {
        let of = |width: usize| !octets.is_empty() && octets.len().is_multiple_of(width);
        match self {
            Self::Keys => of(2) && keys(octets).is_sorted_by(|a, b| a < b) && keys(octets).all(|key| key != MANDATORY),
            Self::Protocols => strings::are(octets) && strings::strings(octets).flatten().all(|id| !id.is_empty()),
            Self::Empty => octets.is_empty(),
            Self::Port => octets.len() == 2,
            Self::Ipv4s => of(4),
            Self::Ipv6s => of(16),
            Self::Base64 => of(1),
            Self::Path => std::str::from_utf8(octets).is_ok_and(is_path),
            Self::Any => true,
        }
    }

    /// Appends the octets that a text stands for; its escapes are not undone yet.
    pub(super) fn read(self, text: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let mut items = text.split(|&octet| octet == b',');
        match self {
            Self::Keys => read_keys(text, out),
            Self::Protocols => read_protocols(text, out),
            Self::Empty => text.is_empty().then_some(()),
            Self::Port => {
                text::number(text, u16::MAX.into()).map(|port| out.extend_from_slice(&port.to_be_bytes()[2..]))
            }
            Self::Ipv4s => items.try_for_each(|item| parsed::<Ipv4Addr>(item).map(|ip| out.extend(ip.octets()))),
            Self::Ipv6s => items.try_for_each(|item| parsed::<Ipv6Addr>(item).map(|ip| out.extend(ip.octets()))),
            Self::Base64 => BASE64.decode(text, out),
            Self::Path | Self::Any => text::unescape(text, out).then_some(()),
        }
    }

    /// Writes a value that is not empty.
    pub(super) fn write(self, octets: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let comma = |at| if at == 0 { "" } else { "," };
        match self {
            Self::Keys => keys(octets).enumerate().try_for_each(|(at, key)| write!(f, "{}{key}", comma(at))),
            Self::Protocols => write_string(&listed(octets), f),
            Self::Port => write!(f, "{}", number(octets)),
            Self::Ipv4s => {
                let ips = octets.as_chunks::<4>().0.iter().map(|&ip| Ipv4Addr::from(ip));
                ips.enumerate().try_for_each(|(at, ip)| write!(f, "{}{ip}", comma(at)))
            }
            Self::Ipv6s => {
                let ips = octets.as_chunks::<16>().0.iter().map(|&ip| Ipv6Addr::from(ip));
                ips.enumerate().try_for_each(|(at, ip)| write!(f, "{}{ip}", comma(at)))
            }
            Self::Base64 => BASE64.write(octets, f),
            Self::Empty | Self::Path | Self::Any => write_string(octets, f),
        }
    }

    /// What to expect.
    pub(super) const fn expected(self) -> &'static str {
        match self {
            Self::Keys => "keys with commas between, none twice and not `mandatory` itself",
            Self::Protocols => "protocol identifiers of 1 to 255 octets with commas between",
            Self::Empty => "no value",
            Self::Port => "a number up to 65535",
            Self::Ipv4s => "IPv4 addresses with commas between",
            Self::Ipv6s => "IPv6 addresses with commas between",
            Self::Base64 => "base 64",
            Self::Path => "a path with the variable dns",
            Self::Any => "a string",
        }
    }

    /// What it looks like.
    pub(super) const fn example(self) -> &'static str {
        match self {
            Self::Keys => "it looks like mandatory=alpn,ipv4hint",
            Self::Protocols => "it looks like alpn=h2,h3; a comma within an identifier is written \\\\,",
            Self::Empty => "write the key alone",
            Self::Port => "it looks like port=8443",
            Self::Ipv4s => "it looks like ipv4hint=192.0.2.1,192.0.2.2",
            Self::Ipv6s => "it looks like ipv6hint=2001:db8::1,2001:db8::2",
            Self::Base64 => "groups of four characters are filled up with =",
            Self::Path => "it looks like dohpath=/dns-query{?dns}",
            Self::Any => "a backslash itself is written \\\\",
        }
    }
}

/// Whether this is a path with an expression in braces that has the variable `dns` (RFC 6570 §2.2).
fn is_path(text: &str) -> bool {
    let expressions = text.split('{').skip(1).filter_map(|rest| rest.split_once('}'));
    let names = expressions.flat_map(|(inner, _)| inner.trim_start_matches(|c: char| "+#./;?&".contains(c)).split(','));
    text.starts_with('/') && names.map(|name| name.trim_end_matches('*')).any(|name| name == "dns")
}

fn keys(octets: &[u8]) -> impl Iterator<Item = Key> {
    octets.as_chunks::<2>().0.iter().map(|&key| Key(u16::from_be_bytes(key)))
}

fn read_keys(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let keys: Option<Vec<Key>> = text.split(|&octet| octet == b',').map(Key::parse).collect();
    let mut keys = keys?;
    keys.sort();
    keys.iter().for_each(|key| out.extend(key.0.to_be_bytes()));
    Some(())
}

/// A list in a string: the string's escapes are undone first, then those of the list, `\,` and `\\` (RFC 9460 §A.1).
fn read_protocols(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut list = Vec::new();
    text::unescape(text, &mut list).then_some(())?;
    let (mut ids, mut octets) = (vec![Vec::new()], list.into_iter());
    while let Some(octet) = octets.next() {
        match octet {
            b',' => ids.push(Vec::new()),
            b'\\' => ids.last_mut()?.push(octets.next().filter(|next| matches!(next, b',' | b'\\'))?),
            _ => ids.last_mut()?.push(octet),
        }
    }
    for id in ids {
        out.push(u8::try_from(id.len()).ok()?);
        out.extend(id);
    }
    Some(())
}

/// The inverse of it, but for the string's escapes.
fn listed(octets: &[u8]) -> Vec<u8> {
    let mut list = Vec::new();
    for (at, id) in strings::strings(octets).flatten().enumerate() {
        list.extend((at > 0).then_some(b','));
        for &octet in id {
            list.extend(matches!(octet, b',' | b'\\').then_some(b'\\'));
            list.push(octet);
        }
    }
    list
}

/// A string without quotes where it needs none.
fn write_string(octets: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let plain = |octet: &u8| octet.is_ascii_alphanumeric() || b"-+./,:_{}?".contains(octet);
    match std::str::from_utf8(octets) {
        Ok(text) if octets.iter().all(plain) => f.write_str(text),
        _ => text::write_quoted(octets, f),
    }
}
