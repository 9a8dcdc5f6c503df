//! The fields of each type's RDATA: text to wire, wire to text, and what wire is valid. One table for all three.

use std::fmt::Write;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::wire::{NameBuf, NameError, NameRef, Rtype};

/// A field of RDATA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    /// An uncompressed domain name.
    Name,
    U8,
    U16,
    U32,
    /// Seconds, also written with units (`1h30m`).
    Period,
    Ipv4,
    Ipv6,
    /// A character string: a length octet, then so many octets.
    Text,
    /// One or more character strings, to the end.
    Texts,
    /// A tag of letters and digits behind its length octet (RFC 8659 §4.1).
    Tag,
    /// Octets to the end, written as one string.
    RestText,
    /// Octets to the end, written in hexadecimal.
    RestHex,
}

use Field::{Ipv4, Ipv6, Name, Period, RestHex, RestText, Tag, Text, Texts, U8, U16, U32};

/// The types whose RDATA is understood. All others are opaque (RFC 3597).
const LAYOUTS: &[(Rtype, &[Field])] = &[
    (Rtype::A, &[Ipv4]),
    (Rtype::NS, &[Name]),
    (Rtype::CNAME, &[Name]),
    (Rtype::SOA, &[Name, Name, U32, Period, Period, Period, Period]),
    (Rtype::PTR, &[Name]),
    (Rtype::HINFO, &[Text, Text]),
    (Rtype::MX, &[U16, Name]),
    (Rtype::TXT, &[Texts]),
    (Rtype::AAAA, &[Ipv6]),
    (Rtype::SRV, &[U16, U16, U16, Name]),
    (Rtype::DNAME, &[Name]),
    (Rtype::DS, &[U16, U8, U8, RestHex]),
    (Rtype::CAA, &[U8, Tag, RestText]),
];

fn layout(rtype: Rtype) -> Option<&'static [Field]> {
    LAYOUTS.iter().find(|(known, _)| *known == rtype).map(|&(_, layout)| layout)
}

/// A token of RDATA, escapes still in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece<'a> {
    pub(super) text: &'a [u8],
    pub(super) quoted: bool,
}

/// What is wrong with RDATA: at which token (one past the last: at the end), what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RdataError {
    pub(super) token: usize,
    pub(super) message: String,
}

/// The longest RDATA.
const MAX: usize = 65_535;

/// Appends the wire form of RDATA written as text.
pub(super) fn from_text(
    rtype: Rtype,
    pieces: &[Piece<'_>],
    origin: NameRef<'_>,
    out: &mut Vec<u8>,
) -> Result<(), RdataError> {
    let start = out.len();
    if pieces.first().is_some_and(|piece| !piece.quoted && piece.text == b"\\#") {
        generic(pieces, out)?;
        if !validate(rtype, &out[start..]) {
            return Err(RdataError { token: 0, message: format!("these octets are no {rtype} RDATA") });
        }
    } else {
        let Some(layout) = layout(rtype) else {
            let message = format!("the text form of {rtype} is not known; write it as \\# LENGTH HEX (RFC 3597 §5)");
            return Err(RdataError { token: 0, message });
        };
        fields(layout, pieces, origin, out)?;
    }
    if out.len() - start > MAX {
        return Err(RdataError { token: 0, message: "the RDATA is longer than 65535 octets".into() });
    }
    Ok(())
}

fn fields(layout: &[Field], pieces: &[Piece<'_>], origin: NameRef<'_>, out: &mut Vec<u8>) -> Result<(), RdataError> {
    let mut token = 0;
    for &field in layout {
        let to_end = matches!(field, Texts | RestHex);
        let own = if to_end { &pieces[token.min(pieces.len())..] } else { pieces.get(token..=token).unwrap_or_default() };
        if own.is_empty() {
            return Err(RdataError { token, message: format!("expected {}, but the entry ends", expected(field)) });
        }
        for (at, piece) in own.iter().enumerate() {
            one(field, *piece, origin, out).map_err(|message| RdataError { token: token + at, message })?;
        }
        token += own.len();
    }
    if token < pieces.len() {
        return Err(RdataError { token, message: "nothing more was expected".into() });
    }
    Ok(())
}

const fn expected(field: Field) -> &'static str {
    match field {
        Name => "a domain name",
        U8 => "a number from 0 to 255",
        U16 => "a number from 0 to 65535",
        U32 => "a number from 0 to 4294967295",
        Period => "a number of seconds or a period such as 1h30m",
        Ipv4 => "an IPv4 address",
        Ipv6 => "an IPv6 address",
        Text | Texts => "a text of at most 255 octets",
        Tag => "a tag of letters and digits",
        RestText => "a text",
        RestHex => "hexadecimal digits",
    }
}

/// Appends one field, or says what was expected instead.
fn one(field: Field, piece: Piece<'_>, origin: NameRef<'_>, out: &mut Vec<u8>) -> Result<(), String> {
    let wrong = || format!("expected {}, found \"{}\"", expected(field), String::from_utf8_lossy(piece.text));
    match field {
        Name => {
            let name = name(piece.text, origin).map_err(|error| format!("{}: {error}", wrong()))?;
            out.extend_from_slice(name.as_ref().as_wire());
        }
        U8 => out.push(number(piece.text).and_then(|n| u8::try_from(n).ok()).ok_or_else(wrong)?),
        U16 => {
            let number = number(piece.text).and_then(|n| u16::try_from(n).ok()).ok_or_else(wrong)?;
            out.extend(number.to_be_bytes());
        }
        U32 => out.extend(number(piece.text).ok_or_else(wrong)?.to_be_bytes()),
        Period => out.extend(period(piece.text).ok_or_else(wrong)?.to_be_bytes()),
        Ipv4 => out.extend(address::<Ipv4Addr>(piece.text).ok_or_else(wrong)?.octets()),
        Ipv6 => out.extend(address::<Ipv6Addr>(piece.text).ok_or_else(wrong)?.octets()),
        Text | Texts => text(piece.text, out).ok_or_else(wrong)?,
        Tag => {
            let plain = !piece.text.is_empty() && piece.text.iter().all(u8::is_ascii_alphanumeric);
            plain.then(|| text(piece.text, out)).flatten().ok_or_else(wrong)?;
        }
        RestText => unescape(piece.text, out).ok_or_else(wrong)?,
        RestHex => hex(piece.text, out).ok_or_else(wrong)?,
    }
    Ok(())
}

/// A name in a field: `@` is the origin.
pub(super) fn name(text: &[u8], origin: NameRef<'_>) -> Result<NameBuf, NameError> {
    if text == b"@" { Ok(NameBuf::copy(origin)) } else { NameBuf::parse(text, Some(origin)) }
}

fn number(text: &[u8]) -> Option<u32> {
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    if digits { std::str::from_utf8(text).ok()?.parse().ok() } else { None }
}

fn address<T: std::str::FromStr>(text: &[u8]) -> Option<T> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Seconds: a number, or numbers with units `w d h m s` in any case, added up.
pub(super) fn period(text: &[u8]) -> Option<u32> {
    if let Some(seconds) = number(text) {
        return Some(seconds);
    }
    let (mut total, mut count) = (0u32, None::<u32>);
    for &byte in text {
        if byte.is_ascii_digit() {
            count = Some(count.unwrap_or(0).checked_mul(10)?.checked_add(u32::from(byte - b'0'))?);
            continue;
        }
        let unit = match byte.to_ascii_lowercase() {
            b'w' => 604_800,
            b'd' => 86_400,
            b'h' => 3_600,
            b'm' => 60,
            b's' => 1,
            _ => return None,
        };
        total = total.checked_add(count.take()?.checked_mul(unit)?)?;
    }
    if count.is_none() && !text.is_empty() { Some(total) } else { None }
}

/// Appends a character string with its length octet.
fn text(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let start = out.len();
    out.push(0);
    unescape(text, out)?;
    out[start] = u8::try_from(out.len() - start - 1).ok()?;
    Some(())
}

/// Appends a text with `\DDD` and `\X` replaced by what they stand for.
fn unescape(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        if let Some((digits, tail)) = tail.split_first_chunk::<3>().filter(|(digits, _)| digits[0].is_ascii_digit()) {
            out.push(number(digits).and_then(|value| u8::try_from(value).ok())?);
            rest = tail;
        } else {
            let (&next, tail) = tail.split_first().filter(|(next, _)| !next.is_ascii_digit())?;
            out.push(next);
            rest = tail;
        }
    }
    Some(())
}

fn hex(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    for pair in text.chunks(2) {
        let &[high, low] = pair else { return None };
        out.push((digit(high)? << 4 | digit(low)?) as u8); // two hexadecimal digits
    }
    Some(())
}

/// `\# LENGTH HEX…` (RFC 3597 §5).
fn generic(pieces: &[Piece<'_>], out: &mut Vec<u8>) -> Result<(), RdataError> {
    let start = out.len();
    let length = pieces.get(1).and_then(|piece| number(piece.text)).filter(|&length| length as usize <= MAX);
    let Some(length) = length else {
        return Err(RdataError { token: 1, message: "expected the length of the RDATA in octets".into() });
    };
    // digits may be cut anywhere, so that a pair stands in two tokens
    let digits: Vec<u8> = pieces[2..].iter().flat_map(|piece| piece.text).copied().collect();
    if hex(&digits, out).is_none() {
        return Err(RdataError { token: 2, message: "expected pairs of hexadecimal digits".into() });
    }
    let octets = out.len() - start;
    if octets != length as usize {
        let message = format!("the length says {length} octets, and {octets} follow");
        return Err(RdataError { token: 1, message });
    }
    Ok(())
}

/// Whether octets are valid RDATA of a type; of types that are not known, anything is.
#[must_use]
pub fn validate(rtype: Rtype, rdata: &[u8]) -> bool {
    let Some(layout) = layout(rtype) else { return true };
    let mut rest = rdata;
    layout.iter().all(|&field| take(field, &mut rest).is_some()) && rest.is_empty()
}

/// Takes one field's octets off the front.
fn take<'a>(field: Field, rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = match field {
        Name => NameRef::from_wire(rest)?.as_wire().len(),
        U8 => 1,
        U16 => 2,
        U32 | Period | Ipv4 => 4,
        Ipv6 => 16,
        Text => 1 + usize::from(*rest.first()?),
        Tag => {
            let len = 1 + usize::from(*rest.first()?);
            let tag = rest.get(1..len)?;
            (!tag.is_empty() && tag.iter().all(u8::is_ascii_alphanumeric)).then_some(len)?
        }
        Texts => {
            let mut tail = *rest;
            take(Text, &mut tail)?;
            while !tail.is_empty() {
                take(Text, &mut tail)?;
            }
            rest.len()
        }
        RestText => rest.len(),
        RestHex => (!rest.is_empty()).then_some(rest.len())?,
    };
    let (own, tail) = rest.split_at_checked(len)?;
    *rest = tail;
    Some(own)
}

/// RDATA as master-file text; what is not known or not valid as `\#`.
#[must_use]
pub fn print_rdata(rtype: Rtype, rdata: &[u8]) -> String {
    let known = layout(rtype).filter(|_| validate(rtype, rdata));
    let mut out = String::new();
    let mut rest = rdata;
    for &field in known.unwrap_or_default() {
        let Some(octets) = take(field, &mut rest) else { break };
        if !out.is_empty() {
            out.push(' ');
        }
        print_field(field, octets, &mut out);
    }
    if known.is_none() {
        let _ = write!(out, "\\# {} ", rdata.len()); // writing to a string cannot fail
        print_hex(rdata, &mut out);
    }
    out.trim_end().to_owned()
}

fn print_field(field: Field, octets: &[u8], out: &mut String) {
    let number = || octets.iter().fold(0u32, |number, &octet| number << 8 | u32::from(octet));
    let printed = match field {
        Name => NameRef::from_wire(octets).map(|name| write!(out, "{name}")),
        U8 | U16 | U32 | Period => Some(write!(out, "{}", number())),
        Ipv4 => <[u8; 4]>::try_from(octets).ok().map(|octets| write!(out, "{}", Ipv4Addr::from(octets))),
        Ipv6 => <[u8; 16]>::try_from(octets).ok().map(|octets| write!(out, "{}", Ipv6Addr::from(octets))),
        Tag => Some(write!(out, "{}", String::from_utf8_lossy(&octets[1..]))),
        Text => {
            print_text(&octets[1..], out);
            None
        }
        RestText => {
            print_text(octets, out);
            None
        }
        Texts => {
            let mut rest = octets;
            while let Some(text) = take(Text, &mut rest) {
                print_text(&text[1..], out);
                out.push_str(if rest.is_empty() { "" } else { " " });
            }
            None
        }
        RestHex => {
            print_hex(octets, out);
            None
        }
    };
    debug_assert!(printed.is_none_or(|printed| printed.is_ok()), "writing to a string cannot fail");
}

fn print_text(octets: &[u8], out: &mut String) {
    out.push('"');
    for &octet in octets {
        match octet {
            b'"' | b'\\' => out.extend(['\\', char::from(octet)]),
            0x20..=0x7e => out.push(char::from(octet)),
            _ => out.push_str(&format!("\\{octet:03}")),
        }
    }
    out.push('"');
}

fn print_hex(octets: &[u8], out: &mut String) {
    octets.iter().for_each(|octet| out.push_str(&format!("{octet:02x}")));
}
