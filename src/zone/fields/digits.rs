//! Octets as digits of base 16, 32 and 64 (RFC 4648), which may be spread over several words.

use std::fmt;

use super::super::lexer::{Lexer, Token};
use super::super::rdata::{Read, Reader};
use super::super::text::write_hex;
use crate::base::{Diagnostic, Span};

/// A base that is a power of two.
pub(in super::super) struct Base {
    /// How many bits a digit has.
    bits: u32,
    digits: &'static [u8],
    /// What each octet stands for as a digit; [`NONE`] if for nothing.
    values: [u8; 256],
    /// Whether `=` fills the last group of four.
    padded: bool,
    expected: &'static str,
    incomplete: &'static str,
    remedy: &'static str,
}

/// Hexadecimal digits.
pub(in super::super) static HEX: Base = Base {
    bits: 4,
    digits: b"0123456789abcdef",
    values: values(b"0123456789abcdef", true),
    padded: false,
    expected: "hexadecimal digits",
    incomplete: "the number of hexadecimal digits is odd",
    remedy: "every octet has two",
};

/// The base 32 whose digits sort as their values do, without padding.
pub(super) static BASE32: Base = Base {
    bits: 5,
    digits: b"0123456789abcdefghijklmnopqrstuv",
    values: values(b"0123456789abcdefghijklmnopqrstuv", true),
    padded: false,
    expected: "digits of base 32: 0 to 9, a to v",
    incomplete: "the digits of base 32 do not end with an octet",
    remedy: "see whether digits are missing; a SHA-1 hash has 32 of them",
};

const SIXTY_FOUR: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base 64 with padding.
pub(super) static BASE64: Base = Base {
    bits: 6,
    digits: SIXTY_FOUR,
    values: values(SIXTY_FOUR, false),
    padded: true,
    expected: "base 64",
    incomplete: "the base 64 is incomplete, or bits behind its end are set",
    remedy: "see whether characters are missing; groups of four are filled up with =",
};

/// No digit.
const NONE: u8 = u8::MAX;

const fn values(digits: &[u8], any_case: bool) -> [u8; 256] {
    let (mut values, mut at) = ([NONE; 256], 0);
    while at < digits.len() {
        values[digits[at] as usize] = at as u8;
        if any_case {
            values[digits[at].to_ascii_uppercase() as usize] = at as u8;
        }
        at += 1;
    }
    values
}

impl Base {
    fn value(&self, octet: u8) -> Option<u32> {
        let value = self.values[usize::from(octet)];
        (value != NONE).then_some(value.into())
    }

    /// Writes octets as digits.
    pub(super) fn write(&self, octets: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = (octets.len() * 8).div_ceil(self.bits as usize);
        for at in 0..count {
            let bit = at * self.bits as usize;
            let pair = [octets[bit / 8], octets.get(bit / 8 + 1).copied().unwrap_or(0)];
            let shift = 16 - self.bits - (bit % 8) as u32;
            let digit = u16::from_be_bytes(pair) >> shift & ((1 << self.bits) - 1);
            write!(f, "{}", char::from(self.digits[usize::from(digit)]))?;
        }
        if self.padded { f.write_str(&"==="[..(4 - count % 4) % 4]) } else { Ok(()) }
    }

    /// Appends the octets of a text that is complete.
    pub(super) fn decode(&'static self, text: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let mut decoder = Decoder::new(self);
        (decoder.word(text, out) && decoder.is_whole()).then_some(())
    }
}

/// Collects digits.
struct Decoder {
    base: &'static Base,
    /// Bits that make no octet yet, and how many.
    pending: (u32, u32),
    digits: usize,
    padding: usize,
}

impl Decoder {
    const fn new(base: &'static Base) -> Self {
        Self { base, pending: (0, 0), digits: 0, padding: 0 }
    }

    /// Appends the octets of a word's digits; false if it holds anything else.
    fn word(&mut self, word: &[u8], out: &mut Vec<u8>) -> bool {
        word.iter().all(|&octet| self.digit(octet, out))
    }

    fn digit(&mut self, octet: u8, out: &mut Vec<u8>) -> bool {
        if octet == b'=' && self.base.padded {
            self.padding += 1;
            return true;
        }
        let Some(value) = self.base.value(octet).filter(|_| self.padding == 0) else { return false };
        self.digits += 1;
        let (bits, count) = (self.pending.0 << self.base.bits | value, self.pending.1 + self.base.bits);
        self.pending = if count < 8 {
            (bits, count)
        } else {
            out.push((bits >> (count - 8)) as u8); // the eight upper bits
            (bits & ((1 << (count - 8)) - 1), count - 8)
        };
        true
    }

    /// Whether the digits end with an octet.
    fn is_whole(&self) -> bool {
        let padding = if self.base.padded { (4 - self.digits % 4) % 4 } else { 0 };
        self.pending.0 == 0 && self.pending.1 < self.base.bits && self.padding == padding
    }
}

/// Reads digits, blanks between them allowed, up to the end of the line.
pub(in super::super) fn read_rest<'s>(
    base: &'static Base,
    first: Option<Token<'s>>,
    lexer: &mut Lexer<'s>,
    out: &mut Vec<u8>,
) -> Read {
    let (mut decoder, mut token, mut last) = (Decoder::new(base), first, None);
    while let Some(digits) = token {
        if !digits.word().is_some_and(|word| decoder.word(word, out)) {
            return Err(digits.instead_of(base.expected));
        }
        last = Some(digits);
        token = lexer.next()?;
    }
    match last {
        Some(last) if !decoder.is_whole() => Err(Diagnostic::error(last.span, base.incomplete).hint(base.remedy)),
        _ => Ok(()),
    }
}

/// Reads one word of digits or more; where the first is.
pub(super) fn read_all(reader: &mut Reader<'_, '_>, base: &'static Base) -> Result<Span, Diagnostic> {
    let first = reader.lexer.expect(base.expected)?;
    read_rest(base, Some(first), reader.lexer, reader.out).map(|()| first.span)
}

pub(super) fn read_to_end(reader: &mut Reader<'_, '_>, base: &'static Base, least: u8) -> Read {
    let start = reader.out.len();
    let first = read_all(reader, base)?;
    if reader.out.len() - start < usize::from(least) {
        let message = format!("expected at least {least} octets in {}", base.expected);
        return Err(Diagnostic::error(first, message));
    }
    Ok(())
}

/// Reads one word of digits; where it is.
pub(super) fn read_word(reader: &mut Reader<'_, '_>, base: &'static Base) -> Result<Span, Diagnostic> {
    let token = reader.lexer.expect(base.expected)?;
    put_word(reader, base, token).map(|()| token.span)
}

fn put_word(reader: &mut Reader<'_, '_>, base: &'static Base, token: Token<'_>) -> Read {
    let mut decoder = Decoder::new(base);
    if token.text.is_empty() || !token.word().is_some_and(|word| decoder.word(word, reader.out)) {
        return Err(token.instead_of(base.expected));
    }
    if decoder.is_whole() {
        return Ok(());
    }
    Err(Diagnostic::error(token.span, base.incomplete).hint(base.remedy))
}

/// Reads one word of digits and puts its length in front.
fn put_counted(reader: &mut Reader<'_, '_>, base: &'static Base, token: Token<'_>) -> Read {
    let start = reader.out.len();
    reader.out.push(0);
    put_word(reader, base, token)?;
    let too_long = |_| Diagnostic::error(token.span, "these are more than 255 octets").hint("shorten it");
    reader.out[start] = u8::try_from(reader.out.len() - start - 1).map_err(too_long)?;
    Ok(())
}

pub(super) fn read_hash(reader: &mut Reader<'_, '_>) -> Read {
    let token = reader.lexer.expect(BASE32.expected)?;
    put_counted(reader, &BASE32, token)
}

pub(super) fn read_salt(reader: &mut Reader<'_, '_>) -> Read {
    let expected = "a salt in hexadecimal digits, or - for none";
    let token = reader.lexer.expect(expected)?;
    if token.word() == Some(b"-") {
        reader.put(&[0]);
        return Ok(());
    }
    put_counted(reader, &HEX, token)
}

pub(super) fn write_salt(octets: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match octets {
        [_, salt @ ..] if !salt.is_empty() => write_hex(salt, f),
        _ => f.write_str("-"),
    }
}
