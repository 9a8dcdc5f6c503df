//! The kinds of fields that RDATA is made of: how many octets each takes, how it is read from text and written as text.

mod codes;
mod digests;
mod digits;
mod gateway;
mod identifiers;
mod location;
mod params;
mod plain;
mod prefixes;
mod strings;
mod time;
mod types;

pub(super) use digests::{Digests, OF_KEYS, OF_ZONES};
pub(super) use digits::{HEX, read_rest};

use std::fmt;

use super::layout::Part;
use super::rdata::{Read, Reader};

/// A part of RDATA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// A domain name, uncompressed.
    Name,
    /// The same, of a host whose addresses are needed.
    Host,
    /// The same in SVCB and HTTPS, where it is a host's unless the priority in front is zero.
    Service,
    /// Names to the end, none perhaps.
    Names,
    /// An octet as a number.
    U8,
    /// Two octets as a number.
    U16,
    /// Four octets as a number.
    U32,
    /// Four octets: seconds, or numbers with units.
    Period,
    /// Four octets: a moment (RFC 4034 §3.2).
    Time,
    /// Two octets: a record type.
    Covered,
    /// An octet: an algorithm of DNSSEC.
    Algorithm,
    /// Two octets: a certificate type (RFC 4398 §2.1).
    CertType,
    /// An IPv4 address.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
    /// So many octets as pairs of digits (RFC 7043).
    Eui(u8),
    /// Eight octets as four groups of digits (RFC 6742).
    Locator,
    /// A string of at most 255 octets with a length octet.
    Str,
    /// The same, or nothing.
    MayStr,
    /// One or more of those, to the end.
    Strs,
    /// Letters and digits with a length octet (RFC 8659 §4.1).
    Tag,
    /// One string of at least so many octets to the end, without a length octet.
    Text(u8),
    /// A string of at least four decimal digits, as [`Field::Str`] (RFC 1183 §3.1).
    Dialled,
    /// At least so many octets in hexadecimal, to the end.
    Hex(u8),
    /// A digest in hexadecimal, to the end.
    Digest(&'static Digests),
    /// At least so many octets in base 64, to the end.
    Base64(u8),
    /// Octets in hexadecimal with a length octet; `-` for none (RFC 5155 §3.3).
    Salt,
    /// Octets in base 32 with a length octet (RFC 5155 §3.3).
    HashedName,
    /// A bitmap of record types, to the end (RFC 4034 §4.1.2).
    Types,
    /// Address prefixes, to the end (RFC 3123).
    Prefixes,
    /// A place on earth, all of the RDATA (RFC 1876).
    Location,
    /// An octet: the type of a gateway (RFC 4025 §2.3).
    GatewayType,
    /// What that says it is, which is the second octet of IPSECKEY (RFC 4025 §2.5).
    Gateway,
    /// The key behind it, unless the third octet says there is none (RFC 4025 §2.4).
    GatewayKey,
    /// Algorithm, identity tag and key of HIP (RFC 8005 §5).
    HostIdentity,
    /// Parameters of SVCB and HTTPS, to the end (RFC 9460 §2.2).
    Params,
}

use Field::*;

impl Field {
    /// How many octets the field takes of `rest`, which stands behind `before`; none if they are not such a field.
    #[inline]
    pub(super) fn len_in(self, before: &[u8], rest: &[u8]) -> Option<usize> {
        let to_end = |fits: bool| fits.then_some(rest.len());
        match self {
            Name | Host | Service => plain::name_len(rest),
            U8 | Algorithm | GatewayType => Some(1),
            U16 | Covered | CertType => Some(2),
            U32 | Period | Time | Ipv4 => Some(4),
            Locator => Some(8),
            Ipv6 => Some(16),
            Eui(len) => Some(len.into()),
            Str | Salt => strings::len(rest),
            MayStr if rest.is_empty() => Some(0),
            MayStr => strings::len(rest),
            Dialled => strings::len(rest).filter(|&len| rest.get(1..len).is_some_and(strings::is_number)),
            Tag => strings::len(rest).filter(|&len| rest.get(1..len).is_some_and(strings::is_tag)),
            HashedName => strings::len(rest).filter(|&len| len > 1),
            Strs => to_end(strings::are(rest)),
            Text(least) | Hex(least) | Base64(least) => to_end(rest.len() >= usize::from(least)),
            Digest(digests) => to_end(digests.fits(before, rest)),
            Names => to_end(plain::are_names(rest)),
            Types => to_end(types::is_bitmap(rest)),
            Prefixes => to_end(prefixes::are(rest)),
            Location => to_end(location::is(rest)),
            Gateway => gateway::len(before, rest),
            GatewayKey => to_end(gateway::has_key(before) != rest.is_empty()),
            HostIdentity => gateway::identity_len(rest),
            Params => to_end(params::are(rest)),
        }
    }

    /// Reads the field's text and appends its octets.
    pub(super) fn read(self, reader: &mut Reader<'_, '_>) -> Read {
        match self {
            Name | Host | Service => reader.name(),
            Names => plain::read_names(reader),
            U8 => plain::read_u8(reader),
            U16 => plain::read_u16(reader),
            U32 => plain::read_u32(reader),
            Period => plain::read_period(reader),
            Time => time::read(reader),
            Covered => codes::read_type(reader),
            Algorithm => codes::read_algorithm(reader),
            CertType => codes::read_cert_type(reader),
            Ipv4 => plain::read_ipv4(reader),
            Ipv6 => plain::read_ipv6(reader),
            Eui(len) => identifiers::read_eui(reader, len),
            Locator => identifiers::read_locator(reader),
            Str => strings::read(reader),
            MayStr => strings::read_optional(reader),
            Strs => strings::read_all(reader),
            Tag => strings::read_tag(reader),
            Text(least) => strings::read_text(reader, least),
            Dialled => strings::read_number(reader),
            Digest(digests) => digests.read(reader),
            GatewayType => gateway::read_type(reader),
            Hex(least) => digits::read_to_end(reader, &digits::HEX, least),
            Base64(least) => digits::read_to_end(reader, &digits::BASE64, least),
            Salt => digits::read_salt(reader),
            HashedName => digits::read_hash(reader),
            Types => types::read(reader),
            Prefixes => prefixes::read(reader),
            Location => location::read(reader),
            Gateway => gateway::read(reader),
            GatewayKey => gateway::read_key(reader),
            HostIdentity => gateway::read_identity(reader),
            Params => params::read(reader),
        }
    }

    /// Writes a field of this kind.
    pub(super) fn write(self, part: Part<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let octets = part.octets;
        match self {
            Name | Host | Service | Names => plain::write_names(octets, f),
            U8 | U16 | U32 | Period | Algorithm | CertType | GatewayType => plain::write_number(octets, f),
            Time => time::write(octets, f),
            Ipv4 => plain::write_ipv4(octets, f),
            Ipv6 => plain::write_ipv6(octets, f),
            Eui(_) => identifiers::write_eui(octets, f),
            Locator => identifiers::write_locator(octets, f),
            Str | MayStr | Strs | Dialled => strings::write(octets, f),
            Tag => f.write_str(&String::from_utf8_lossy(&octets[1..])),
            Text(_) => super::text::write_quoted(octets, f),
            Hex(_) | Digest(_) => super::text::write_hex(octets, f),
            Base64(_) | GatewayKey => digits::BASE64.write(octets, f),
            Salt => digits::write_salt(octets, f),
            HashedName => digits::BASE32.write(&octets[1..], f),
            Covered => codes::write_type(octets, f),
            Types => types::write(octets, f),
            Prefixes => prefixes::write(octets, f),
            Location => location::write(octets, f),
            Gateway => gateway::write(part, f),
            HostIdentity => gateway::write_identity(octets, f),
            Params => params::write(octets, f),
        }
    }

    /// Whether this is one name.
    pub(super) const fn is_name(self) -> bool {
        matches!(self, Name | Host | Service)
    }

    /// Whether octets that are valid have a text that stands for them alone.
    pub(super) fn has_text(self, part: Part<'_>) -> bool {
        match self {
            Prefixes => prefixes::have_text(part.octets),
            Location => location::has_text(part.octets),
            _ => true,
        }
    }

    /// Whether the field leaves a mark in text: lists may be empty.
    pub(super) fn is_written(self, part: Part<'_>) -> bool {
        !part.octets.is_empty() || matches!(self, Text(_) | Gateway)
    }
}
