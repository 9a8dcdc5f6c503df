//! Hosts with keys: the gateway of IPSECKEY (RFC 4025), the identity of HIP (RFC 8005).

use std::fmt;

use super::super::layout::Part;
use super::super::rdata::{Read, Reader};
use super::super::text;
use super::digits::{self, BASE64, HEX};
use super::plain;
use crate::base::Diagnostic;

/// The gateway's length, by the type that stands in front.
pub(super) fn len(before: &[u8], rest: &[u8]) -> Option<usize> {
    match before.get(1)? {
        0 => Some(0),
        1 => Some(4),
        2 => Some(16),
        3 => plain::name_len(rest),
        _ => None,
    }
}

/// Whether the algorithm that stands in front says that there is a key.
pub(super) fn has_key(before: &[u8]) -> bool {
    before.get(2).is_some_and(|&algorithm| algorithm != 0)
}

pub(super) fn read_type(reader: &mut Reader<'_, '_>) -> Read {
    let expected = "the type of a gateway: 0 for none, 1 for an IPv4 address, 2 for an IPv6 address, 3 for a name";
    let kind = reader.number(expected, 3)?;
    reader.put(&kind.to_be_bytes()[3..]);
    Ok(())
}

pub(super) fn read(reader: &mut Reader<'_, '_>) -> Read {
    match reader.out.get(1) {
        Some(1) => plain::read_ipv4(reader),
        Some(2) => plain::read_ipv6(reader),
        Some(3) => reader.name(),
        _ => reader.value("a dot for no gateway, as its type is 0", |word| (word == b".").then_some(())),
    }
}

pub(super) fn read_key(reader: &mut Reader<'_, '_>) -> Read {
    if has_key(reader.out) { digits::read_to_end(reader, &BASE64, 1) } else { Ok(()) }
}

pub(super) fn write(part: Part<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match part.before.get(1) {
        Some(1) => plain::write_ipv4(part.octets, f),
        Some(2) => plain::write_ipv6(part.octets, f),
        Some(3) => plain::write_names(part.octets, f),
        _ => f.write_str("."),
    }
}

/// The length of HIP's tag and key with what stands in front: length of the tag, algorithm, length of the key.
pub(super) fn identity_len(octets: &[u8]) -> Option<usize> {
    let (&[tag, _, high, low], _) = octets.split_first_chunk()?;
    let key = u16::from_be_bytes([high, low]);
    (tag > 0 && key > 0).then_some(4 + usize::from(tag) + usize::from(key))
}

pub(super) fn read_identity(reader: &mut Reader<'_, '_>) -> Read {
    let start = reader.out.len();
    reader.put(&[0]);
    plain::read_u8(reader)?;
    reader.put(&[0, 0]);
    let tag = read_counted(reader, &HEX, u8::MAX.into())?;
    let key = read_counted(reader, &BASE64, u16::MAX.into())?;
    reader.out[start] = tag as u8; // at most 255
    reader.out[start + 2..start + 4].copy_from_slice(&(key as u16).to_be_bytes()); // at most 65535
    Ok(())
}

/// Reads one word of digits that stand for at most so many octets; how many.
fn read_counted(reader: &mut Reader<'_, '_>, base: &'static digits::Base, max: usize) -> Result<usize, Diagnostic> {
    let start = reader.out.len();
    let span = digits::read_word(reader, base)?;
    let len = reader.out.len() - start;
    if len <= max {
        return Ok(len);
    }
    Err(Diagnostic::error(span, format!("these are {len} octets, at most {max} fit"))
        .hint("see whether it is pasted twice"))
}

pub(super) fn write_identity(octets: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let &[tag, algorithm, _, _, ref rest @ ..] = octets else { return Ok(()) };
    let (tag, key) = rest.split_at(usize::from(tag));
    write!(f, "{algorithm} ")?;
    text::write_hex(tag, f)?;
    f.write_str(" ")?;
    BASE64.write(key, f)
}
