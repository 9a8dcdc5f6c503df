//! Identifiers of interfaces: EUI-48 and EUI-64 (RFC 7043), node identifiers and locators of 64 bits (RFC 6742).

use std::fmt;

use super::super::rdata::{Read, Reader};

pub(super) fn read_eui(reader: &mut Reader<'_, '_>, len: u8) -> Read {
    let expected = if len == 6 { "six pairs of digits with - between" } else { "eight pairs of digits with - between" };
    let octets = reader.value(expected, |word| {
        let pair = |digits: &[u8]| if digits.len() == 2 { hexadecimal(digits) } else { None };
        let octets: Option<Vec<_>> = word.split(|&octet| octet == b'-').map(pair).collect();
        octets.filter(|octets| octets.len() == usize::from(len))
    })?;
    octets.iter().for_each(|&octet| reader.put(&[octet as u8])); // of two digits
    Ok(())
}

pub(super) fn write_eui(octets: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let separator = |at| if at == 0 { "" } else { "-" };
    octets.iter().enumerate().try_for_each(|(at, octet)| write!(f, "{}{octet:02x}", separator(at)))
}

pub(super) fn read_locator(reader: &mut Reader<'_, '_>) -> Read {
    let groups = reader.value("four groups of hexadecimal digits with : between", |word| {
        let groups: Option<Vec<_>> = word.split(|&octet| octet == b':').map(hexadecimal).collect();
        groups.filter(|groups| groups.len() == 4)
    })?;
    groups.iter().for_each(|group| reader.put(&group.to_be_bytes()));
    Ok(())
}

pub(super) fn write_locator(octets: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let separator = |at| if at == 0 { "" } else { ":" };
    let groups = octets.as_chunks::<2>().0.iter().map(|&group| u16::from_be_bytes(group));
    groups.enumerate().try_for_each(|(at, group)| write!(f, "{}{group:04x}", separator(at)))
}

/// One to four digits.
fn hexadecimal(digits: &[u8]) -> Option<u16> {
    let plain = matches!(digits.len(), 1..=4) && digits.iter().all(u8::is_ascii_hexdigit);
    let text = std::str::from_utf8(digits).ok().filter(|_| plain)?;
    u16::from_str_radix(text, 16).ok()
}
