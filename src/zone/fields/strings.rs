//! Strings, with a length octet each or to the end of the RDATA.

use std::fmt;

use super::super::lexer::Token;
use super::super::rdata::{Read, Reader};
use super::super::text;
use crate::base::Diagnostic;

/// The length of the string at the start, its length octet included.
pub(super) fn len(octets: &[u8]) -> Option<usize> {
    octets.first().map(|&len| usize::from(len) + 1)
}

/// Whether octets are one or more strings.
pub(super) fn are(octets: &[u8]) -> bool {
    !octets.is_empty() && strings(octets).all(|string| string.is_some())
}

/// Whether this is a property tag (RFC 8659 §4.1).
pub(super) fn is_tag(octets: &[u8]) -> bool {
    !octets.is_empty() && octets.iter().all(u8::is_ascii_alphanumeric)
}

/// The strings of a sequence; none in place of one that is cut off.
pub(super) fn strings(octets: &[u8]) -> impl Iterator<Item = Option<&[u8]>> {
    let mut rest = octets;
    std::iter::from_fn(move || {
        let (&len, tail) = rest.split_first()?;
        let string = tail.get(..usize::from(len));
        rest = tail.get(usize::from(len)..).unwrap_or(&[]);
        Some(string)
    })
}

pub(super) fn write(octets: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    strings(octets).flatten().enumerate().try_for_each(|(at, string)| {
        f.write_str(if at == 0 { "" } else { " " })?;
        text::write_quoted(string, f)
    })
}

pub(super) fn read(reader: &mut Reader<'_, '_>) -> Read {
    let token = reader.lexer.expect("a string")?;
    put(reader, token)
}

pub(super) fn read_optional(reader: &mut Reader<'_, '_>) -> Read {
    match reader.lexer.next()? {
        Some(token) => put(reader, token),
        None => Ok(()),
    }
}

pub(super) fn read_all(reader: &mut Reader<'_, '_>) -> Read {
    read(reader)?;
    while let Some(token) = reader.lexer.next()? {
        put(reader, token)?;
    }
    Ok(())
}

fn put(reader: &mut Reader<'_, '_>, token: Token<'_>) -> Read {
    let start = reader.out.len();
    reader.out.push(0);
    unescape(token, reader.out)?;
    reader.out[start] = u8::try_from(reader.out.len() - start - 1).map_err(|_| {
        Diagnostic::error(token.span, "a string holds at most 255 octets")
            .hint("split it: \"first part\" \"second part\"")
    })?;
    Ok(())
}

pub(super) fn read_tag(reader: &mut Reader<'_, '_>) -> Read {
    let expected = "a tag of letters and digits";
    let token = reader.lexer.expect(expected)?;
    if !token.word().is_some_and(is_tag) {
        return Err(token.instead_of(expected));
    }
    put(reader, token)
}

/// Whether this is a number in the network of X.25 (RFC 1183 §3.1).
pub(super) fn is_number(octets: &[u8]) -> bool {
    octets.len() >= 4 && octets.iter().all(u8::is_ascii_digit)
}

pub(super) fn read_number(reader: &mut Reader<'_, '_>) -> Read {
    let expected = "a number of at least four digits";
    let token = reader.lexer.expect(expected)?;
    if !is_number(token.text) {
        return Err(token.instead_of(expected));
    }
    put(reader, token)
}

pub(super) fn read_text(reader: &mut Reader<'_, '_>, least: u8) -> Read {
    let expected = if least == 0 { "a value, in quotes if it has blanks" } else { "a value in quotes, not empty" };
    let token = reader.lexer.expect(expected)?;
    if token.text.len() < usize::from(least) {
        return Err(token.instead_of(expected));
    }
    unescape(token, reader.out)
}

/// Appends a token's octets, escapes undone.
pub(super) fn unescape(token: Token<'_>, out: &mut Vec<u8>) -> Read {
    if text::unescape(token.text, out) {
        return Ok(());
    }
    Err(Diagnostic::error(token.span, "a backslash must be followed by a character or by three digits up to 255")
        .hint("a backslash itself is written \\\\"))
}
