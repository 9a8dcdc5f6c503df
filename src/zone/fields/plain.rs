//! Names, numbers, periods and addresses.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::super::rdata::{Read, Reader};
use super::super::text;
use crate::wire::NameRef;

/// The length of the name at the start.
#[inline]
pub(super) fn name_len(octets: &[u8]) -> Option<usize> {
    NameRef::from_wire(octets).map(|name| name.as_wire().len())
}

/// Whether octets are names and nothing else.
pub(super) fn are_names(octets: &[u8]) -> bool {
    names(octets).map(|name| name.as_wire().len()).sum::<usize>() == octets.len()
}

/// The names that follow one another.
fn names(octets: &[u8]) -> impl Iterator<Item = NameRef<'_>> {
    let mut rest = octets;
    std::iter::from_fn(move || {
        let name = NameRef::from_wire(rest)?;
        rest = &rest[name.as_wire().len()..];
        Some(name)
    })
}

pub(super) fn write_names(octets: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    names(octets).enumerate().try_for_each(|(at, name)| write!(f, "{}{name}", if at == 0 { "" } else { " " }))
}

pub(super) fn read_names(reader: &mut Reader<'_, '_>) -> Read {
    while let Some(token) = reader.lexer.next()? {
        reader.put_name(token)?;
    }
    Ok(())
}

pub(super) fn read_u8(reader: &mut Reader<'_, '_>) -> Read {
    let value = reader.number("a number up to 255", u8::MAX.into())?;
    reader.put(&value.to_be_bytes()[3..]);
    Ok(())
}

pub(super) fn read_u16(reader: &mut Reader<'_, '_>) -> Read {
    let value = reader.number("a number up to 65535", u16::MAX.into())?;
    reader.put(&value.to_be_bytes()[2..]);
    Ok(())
}

pub(super) fn read_u32(reader: &mut Reader<'_, '_>) -> Read {
    let value = reader.number("a number up to 4294967295", u32::MAX)?;
    reader.put(&value.to_be_bytes());
    Ok(())
}

pub(super) fn read_period(reader: &mut Reader<'_, '_>) -> Read {
    let seconds = reader.value("seconds, or a period such as 1h30m", text::period)?;
    reader.put(&seconds.to_be_bytes());
    Ok(())
}

pub(super) fn read_ipv4(reader: &mut Reader<'_, '_>) -> Read {
    let address = reader.value("an IPv4 address", parsed::<Ipv4Addr>)?;
    reader.put(&address.octets());
    Ok(())
}

pub(super) fn read_ipv6(reader: &mut Reader<'_, '_>) -> Read {
    let address = reader.value("an IPv6 address", parsed::<Ipv6Addr>)?;
    reader.put(&address.octets());
    Ok(())
}

/// What a word in ASCII stands for.
pub(super) fn parsed<T: std::str::FromStr>(word: &[u8]) -> Option<T> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

pub(super) fn write_number(octets: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{}", number(octets))
}

/// At most four octets as a number.
pub(super) fn number(octets: &[u8]) -> u32 {
    octets.iter().fold(0, |value, &octet| value << 8 | u32::from(octet))
}

pub(super) fn write_ipv4(octets: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    <[u8; 4]>::try_from(octets).map_or(Ok(()), |ip| write!(f, "{}", Ipv4Addr::from(ip)))
}

pub(super) fn write_ipv6(octets: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    <[u8; 16]>::try_from(octets).map_or(Ok(()), |ip| write!(f, "{}", Ipv6Addr::from(ip)))
}
