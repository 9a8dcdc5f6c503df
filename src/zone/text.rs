//! Numbers, periods, strings and digits as a master file writes them.

use std::fmt;

/// A decimal number up to `max`.
pub(super) fn number(text: &[u8], max: u32) -> Option<u32> {
    if text.is_empty() {
        return None;
    }
    let value = text.iter().try_fold(0u32, |value, octet| {
        let digit = octet.is_ascii_digit().then(|| u32::from(octet - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })?;
    (value <= max).then_some(value)
}

/// Seconds, or a sum of numbers with units: `1h30m`, `1w2d`.
pub(super) fn period(text: &[u8]) -> Option<u32> {
    if let Some(seconds) = number(text, u32::MAX) {
        return Some(seconds);
    }
    if !text.last()?.is_ascii_alphabetic() {
        return None;
    }
    let mut total = 0u32;
    for part in text.split_inclusive(u8::is_ascii_alphabetic) {
        let (unit, digits) = part.split_last()?;
        let seconds = number(digits, u32::MAX)?.checked_mul(unit_seconds(*unit)?)?;
        total = total.checked_add(seconds)?;
    }
    Some(total)
}

fn unit_seconds(unit: u8) -> Option<u32> {
    Some(match unit.to_ascii_lowercase() {
        b's' => 1,
        b'm' => 60,
        b'h' => 3600,
        b'd' => 86_400,
        b'w' => 604_800,
        _ => return None,
    })
}

/// Appends a text with its escapes undone (`\DDD`, `\X`); false if one of them is none.
pub(super) fn unescape(text: &[u8], out: &mut Vec<u8>) -> bool {
    let mut rest = text;
    loop {
        let plain = rest.iter().position(|&octet| octet == b'\\').unwrap_or(rest.len());
        out.extend_from_slice(&rest[..plain]);
        rest = &rest[plain..];
        rest = match rest {
            [] => return true,
            [_, digits @ ..] if digits.first().is_some_and(u8::is_ascii_digit) => {
                let Some(value) = digits.get(..3).and_then(|digits| number(digits, 255)) else { return false };
                out.push(value as u8); // at most 255
                &digits[3..]
            }
            [_, octet, tail @ ..] => {
                out.push(*octet);
                tail
            }
            [_] => return false,
        };
    }
}

/// Writes a string in quotes.
pub(super) fn write_quoted(octets: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("\"")?;
    for &octet in octets {
        match octet {
            b'"' | b'\\' => write!(f, "\\{}", char::from(octet))?,
            b' '..=b'~' => write!(f, "{}", char::from(octet))?,
            _ => write!(f, "\\{octet:03}")?,
        }
    }
    f.write_str("\"")
}

/// Writes octets as hexadecimal digits.
pub(super) fn write_hex(octets: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    octets.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
}
