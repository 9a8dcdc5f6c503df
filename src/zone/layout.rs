//! What RDATA of each type consists of: the one table that reading, checking, comparing and printing follow.

use std::fmt;

use super::text;
use crate::wire::{NameRef, Rtype};

/// A part of RDATA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// A domain name, uncompressed.
    Name,
    /// An octet as a number.
    U8,
    /// Two octets as a number.
    U16,
    /// Four octets as a number.
    U32,
    /// Four octets: seconds, or numbers with units.
    Period,
    /// An IPv4 address.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
    /// A string of at most 255 octets with a length octet.
    Str,
    /// One or more of those, to the end.
    Strs,
    /// Letters and digits with a length octet (RFC 8659 §4.1).
    Tag,
    /// One string to the end, without a length octet.
    Text,
    /// At least one octet in hexadecimal, to the end.
    Hex,
}

/// A type's fields, and how its RDATA is written, for hints.
pub(super) struct Layout {
    pub(super) rtype: Rtype,
    pub(super) fields: &'static [Field],
    pub(super) example: &'static str,
}

use Field::{Hex, Ipv4, Ipv6, Name, Period, Str, Strs, Tag, Text, U8, U16, U32};

/// The types that can be written in a form of their own, in order of code. Others are written as RFC 3597 has it.
pub(super) static LAYOUTS: &[Layout] = &[
    Layout { rtype: Rtype::A, fields: &[Ipv4], example: "192.0.2.1" },
    Layout { rtype: Rtype::NS, fields: &[Name], example: "ns1.example.com." },
    Layout { rtype: Rtype::CNAME, fields: &[Name], example: "www.example.com." },
    Layout {
        rtype: Rtype::SOA,
        fields: &[Name, Name, U32, Period, Period, Period, Period],
        example: "ns1.example.com. hostmaster.example.com. 1 2h 15m 2w 5m",
    },
    Layout { rtype: Rtype::PTR, fields: &[Name], example: "host.example.com." },
    Layout { rtype: Rtype::HINFO, fields: &[Str, Str], example: "\"cpu\" \"os\"" },
    Layout { rtype: Rtype::MX, fields: &[U16, Name], example: "10 mail.example.com." },
    Layout { rtype: Rtype::TXT, fields: &[Strs], example: "\"some text\"" },
    Layout { rtype: Rtype::AAAA, fields: &[Ipv6], example: "2001:db8::1" },
    Layout { rtype: Rtype::SRV, fields: &[U16, U16, U16, Name], example: "0 5 5060 sip.example.com." },
    Layout { rtype: Rtype::DNAME, fields: &[Name], example: "example.net." },
    Layout { rtype: Rtype::DS, fields: &[U16, U8, U8, Hex], example: "60485 13 2 d4b7d520…" },
    Layout { rtype: Rtype::CAA, fields: &[U8, Tag, Text], example: "0 issue \"ca.example.net\"" },
];

impl Layout {
    /// The layout of a type that has one.
    pub(super) fn of(rtype: Rtype) -> Option<&'static Self> {
        LAYOUTS.binary_search_by_key(&rtype, |layout| layout.rtype).ok().map(|at| &LAYOUTS[at])
    }

    /// Each field with its octets; false if they do not fit the layout.
    fn walk<'r>(&self, rdata: &'r [u8], mut visit: impl FnMut(Field, &'r [u8])) -> bool {
        let mut rest = rdata;
        for &field in self.fields {
            let Some(len) = field.len_in(rest) else { return false };
            let (octets, tail) = rest.split_at(len);
            visit(field, octets);
            rest = tail;
        }
        rest.is_empty()
    }
}

impl Field {
    /// How many octets the field takes of those that begin with it; none if they do not.
    fn len_in(self, octets: &[u8]) -> Option<usize> {
        let len = match self {
            Name => NameRef::from_wire(octets)?.as_wire().len(),
            U8 => 1,
            U16 => 2,
            U32 | Period | Ipv4 => 4,
            Ipv6 => 16,
            Str => usize::from(*octets.first()?) + 1,
            Tag => usize::from(*octets.first()?) + 1,
            Strs | Hex if octets.is_empty() => return None,
            Strs | Text | Hex => octets.len(),
        };
        let own = octets.get(..len)?;
        let sound = match self {
            Tag => is_tag(&own[1..]),
            Strs => strings(own).all(|string| string.is_some()),
            _ => true,
        };
        sound.then_some(len)
    }

    fn write(self, octets: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, octets) {
            (Name, _) => NameRef::from_wire(octets).map_or(Ok(()), |name| write!(f, "{name}")),
            (Ipv6, _) => {
                <[u8; 16]>::try_from(octets).map_or(Ok(()), |ip| write!(f, "{}", std::net::Ipv6Addr::from(ip)))
            }
            (Ipv4, &[a, b, c, d]) => write!(f, "{a}.{b}.{c}.{d}"),
            (Str, [_, string @ ..]) => text::write_quoted(string, f),
            (Strs, _) => strings(octets).flatten().enumerate().try_for_each(|(at, string)| {
                f.write_str(if at == 0 { "" } else { " " })?;
                text::write_quoted(string, f)
            }),
            (Tag, [_, tag @ ..]) => f.write_str(&String::from_utf8_lossy(tag)),
            (Text, _) => text::write_quoted(octets, f),
            (Hex, _) => text::write_hex(octets, f),
            _ => write!(f, "{}", octets.iter().fold(0u32, |value, &octet| value << 8 | u32::from(octet))),
        }
    }
}

/// Whether this is a property tag (RFC 8659 §4.1).
pub(super) fn is_tag(octets: &[u8]) -> bool {
    !octets.is_empty() && octets.iter().all(u8::is_ascii_alphanumeric)
}

/// The strings of a sequence; none in place of one that is cut off.
fn strings(octets: &[u8]) -> impl Iterator<Item = Option<&[u8]>> {
    let mut rest = octets;
    std::iter::from_fn(move || {
        let (&len, tail) = rest.split_first()?;
        let string = tail.get(..usize::from(len));
        rest = tail.get(usize::from(len)..).unwrap_or(&[]);
        Some(string)
    })
}

/// Whether octets are well-formed uncompressed RDATA of a type. Any octets are, of types without a layout (RFC 3597).
#[must_use]
pub fn is_valid(rtype: Rtype, rdata: &[u8]) -> bool {
    rdata.len() <= usize::from(u16::MAX) && Layout::of(rtype).is_none_or(|layout| layout.walk(rdata, |_, _| ()))
}

/// Appends RDATA with the names in it lowercased, so that equal data are equal octets (RFC 4034 §6.2).
pub(super) fn canonical_into(rtype: Rtype, rdata: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    let fits = Layout::of(rtype).is_some_and(|layout| {
        layout.walk(rdata, |field, octets| {
            let at = out.len();
            out.extend_from_slice(octets);
            if field == Name {
                out[at..].make_ascii_lowercase();
            }
        })
    });
    if !fits {
        out.truncate(start);
        out.extend_from_slice(rdata);
    }
}

/// RDATA in master-file form: that of its type where there is one and the octets fit it, else `\# length hex`.
#[derive(Clone, Copy, Debug)]
pub struct RdataText<'r> {
    /// The type.
    pub rtype: Rtype,
    /// Uncompressed RDATA.
    pub rdata: &'r [u8],
}

impl fmt::Display for RdataText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(layout) = Layout::of(self.rtype).filter(|_| is_valid(self.rtype, self.rdata)) else {
            write!(f, "\\# {}{}", self.rdata.len(), if self.rdata.is_empty() { "" } else { " " })?;
            return text::write_hex(self.rdata, f);
        };
        let (mut result, mut separator) = (Ok(()), "");
        layout.walk(self.rdata, |field, octets| {
            result = result.and_then(|()| f.write_str(separator)).and_then(|()| field.write(octets, f));
            separator = " ";
        });
        result
    }
}
