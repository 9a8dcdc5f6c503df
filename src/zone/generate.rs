//! `$GENERATE start-stop[/step] owner [ttl] [class] type rdata`, as BIND has it: a record for each number, which stands
//! for `$` in owner and RDATA.
//!
//! `${offset,width,base}` adds to the number, fills it up with zeros, and says how it is written: `d`, `o`, `x`, `X`, or
//! `n` and `N` for hexadecimal digits from the last to the first with dots between, dots counted in the width. A `$`
//! alone keeps the offset of the one in front of it in the same text, as BIND does. `\$` and `$$` are dollar signs. RDATA that is one quoted string is what is in the quotes.

use super::head::{Head, TTL_CLASS_OR_TYPE};
use super::lexer::{Lexer, Token};
use super::text;
use crate::base::{Diagnostic, Span};

/// How many records one directive may make: the addresses of a /12. More is likely a typing error, and would fill memory.
const MAX_RECORDS: u32 = 1 << 20;

/// A wider number fits no name.
const MAX_WIDTH: u32 = 255;

/// What a directive says.
pub(super) struct Generate<'s> {
    pub(super) head: Head<'s>,
    pub(super) owner: Template,
    pub(super) rdata: Template,
    range: Range,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range {
    start: u32,
    stop: u32,
    step: u32,
}

/// A text with places for a number.
pub(super) struct Template {
    pieces: Vec<Piece>,
    /// Where it is written.
    pub(super) span: Span,
}

enum Piece {
    Text(Vec<u8>),
    Number(Format),
}

/// How a number is written.
#[derive(Clone, Copy)]
struct Format {
    offset: i64,
    width: usize,
    base: u8,
}

impl<'s> Generate<'s> {
    /// Reads what follows the directive's word.
    pub(super) fn read(lexer: &mut Lexer<'s>) -> Result<Self, Diagnostic> {
        let range = Range::read(lexer.expect(RANGE)?)?;
        let lhs = lexer.expect("an owner, such as host-$")?;
        let owner = Template::read(lhs.text, lhs.span)?;
        let first = lexer.expect(TTL_CLASS_OR_TYPE)?;
        let head = Head::read(first, lexer)?;
        let (text, span) = rest(lexer)?;
        let rdata = Template::read(&text, span)?;
        Ok(Self { head, owner, rdata, range })
    }

    /// The numbers.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u32> + use<> {
        let Range { start, stop, step } = self.range;
        (start..=stop).step_by(step as usize)
    }

    /// An error with the number at which it occurred, and a place if it has none.
    pub(super) fn blame(&self, error: Diagnostic, number: u32) -> Diagnostic {
        let iteration = (number - self.range.start) / self.range.step + 1;
        let message = format!("iteration {iteration}, where $ is {number}: {}", error.message);
        Diagnostic { message, span: error.span.or(Some(self.owner.span)), ..error }
    }
}

const RANGE: &str = "a range such as 1-254, or 0-254/2";

impl Range {
    fn read(token: Token<'_>) -> Result<Self, Diagnostic> {
        let range = token.word().and_then(Self::parse).ok_or_else(|| token.instead_of(RANGE))?;
        let fail = |message: String, hint: &str| Err(Diagnostic::error(token.span, message).hint(hint));
        let count = (range.stop.saturating_sub(range.start)) / range.step + 1;
        if range.start > range.stop {
            return fail(
                format!("the range ends at {} before it starts", range.stop),
                "write the smaller number first",
            );
        }
        if count > MAX_RECORDS {
            let message = format!("the range makes {count} records; at most {MAX_RECORDS} are made");
            return fail(message, "a step of 16 is written 0-1048575/16; a wildcard may do as well");
        }
        Ok(range)
    }

    /// Numbers up to 2^31 - 1, a step above zero.
    fn parse(word: &[u8]) -> Option<Self> {
        let (range, step) = split(word, b'/').unwrap_or((word, b"1"));
        let (start, stop) = split(range, b'-')?;
        let number = |digits| text::number(digits, i32::MAX as u32);
        Some(Self { start: number(start)?, stop: number(stop)?, step: number(step).filter(|&step| step > 0)? })
    }
}

fn split(word: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let at = word.iter().position(|&octet| octet == at)?;
    Some((&word[..at], &word[at + 1..]))
}

/// The rest of the line as one text; if it is one quoted string, what is in it.
fn rest(lexer: &mut Lexer<'_>) -> Result<(Vec<u8>, Span), Diagnostic> {
    let first = lexer.expect("RDATA with $ for the number")?;
    let (mut text, mut span, mut count) = (written(first), first.span, 1);
    while let Some(token) = lexer.next()? {
        text.push(b' ');
        text.extend(written(token));
        (span.end, count) = (token.span.end, count + 1);
    }
    if count == 1 && first.quoted {
        text = within_quotes(first.text);
    }
    Ok((text, span))
}

/// A token as it stands in the file.
fn written(token: Token<'_>) -> Vec<u8> {
    if token.quoted { [b"\"", token.text, b"\""].concat() } else { token.text.to_vec() }
}

/// The text in quotes, in which `\"` is a quote; other escapes stay for whoever reads it.
fn within_quotes(text: &[u8]) -> Vec<u8> {
    let mut octets = text.iter().copied();
    let mut out = Vec::with_capacity(text.len());
    while let Some(octet) = octets.next() {
        match octet {
            b'\\' => match octets.next() {
                Some(b'"') => out.push(b'"'),
                next => out.extend([b'\\'].into_iter().chain(next)),
            },
            _ => out.push(octet),
        }
    }
    out
}

impl Template {
    fn read(text: &[u8], span: Span) -> Result<Self, Diagnostic> {
        let (mut pieces, mut plain, mut rest) = (Vec::new(), Vec::new(), text);
        let mut offset = 0;
        while let Some((&octet, tail)) = rest.split_first() {
            rest = tail;
            match (octet, tail) {
                (b'\\', [next, tail @ ..]) => {
                    plain.extend([b'\\', *next]);
                    rest = tail;
                }
                (b'$', [b'$', tail @ ..]) => {
                    plain.extend(b"\\$");
                    rest = tail;
                }
                (b'$', _) => {
                    let (format, tail) = Format::read(tail, offset).ok_or_else(|| bad_format(tail, span))?;
                    offset = format.offset;
                    pieces.extend([Piece::Text(std::mem::take(&mut plain)), Piece::Number(format)]);
                    rest = tail;
                }
                _ => plain.push(octet),
            }
        }
        pieces.push(Piece::Text(plain));
        Ok(Self { pieces, span })
    }

    /// Puts the text for a number in place of what is in `out`.
    pub(super) fn fill(&self, number: u32, out: &mut Vec<u8>) -> Result<(), Diagnostic> {
        out.clear();
        self.pieces.iter().try_for_each(|piece| match piece {
            Piece::Text(text) => {
                out.extend_from_slice(text);
                Ok(())
            }
            Piece::Number(format) => format.write(i64::from(number) + format.offset, out),
        })
    }
}

fn bad_format(text: &[u8], span: Span) -> Diagnostic {
    let text = String::from_utf8_lossy(&text[..text.len().min(20)]).into_owned();
    Diagnostic::error(span, format!("expected ${{offset,width,base}}, found `${text}`")).hint(
        "it looks like ${0,3,d}; the width is at most 255, the base one of d o x X n N; a dollar sign itself is \\$",
    )
}

impl Format {
    /// What follows a dollar sign, and the text behind it; the offset is for one without braces.
    fn read(text: &[u8], offset: i64) -> Option<(Self, &[u8])> {
        let Some(inner) = text.strip_prefix(b"{") else {
            return Some((Self { offset, width: 0, base: b'd' }, text));
        };
        let (inner, rest) = split(inner, b'}')?;
        let mut parts = std::str::from_utf8(inner).ok()?.split(',');
        let offset: i32 = parts.next()?.parse().ok()?;
        let width = parts.next().map_or(Some(0), |width| text::number(width.as_bytes(), MAX_WIDTH))?;
        let base = parts.next().map_or(Some(b'd'), |base| match base.as_bytes() {
            &[base @ (b'd' | b'o' | b'x' | b'X' | b'n' | b'N')] => Some(base),
            _ => None,
        })?;
        let format = Self { offset: offset.into(), width: width as usize, base };
        parts.next().is_none().then_some((format, rest))
    }

    fn write(self, value: i64, out: &mut Vec<u8>) -> Result<(), Diagnostic> {
        let width = self.width;
        if value < 0 && self.base != b'd' {
            let message = format!("{value} is below zero, which only base d can write");
            let hint = "write a greater offset, or start the range at a greater number";
            return Err(Diagnostic::error_nowhere(message).hint(hint));
        }
        let text = match self.base {
            b'o' => format!("{value:0width$o}"),
            b'x' => format!("{value:0width$x}"),
            b'X' => format!("{value:0width$X}"),
            b'n' => nibbles(value, width),
            b'N' => nibbles(value, width).to_uppercase(),
            _ => format!("{value:0width$}"),
        };
        out.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// Digits from the last to the first, a dot behind each but the last; dots count in the width, so that one may end it.
fn nibbles(mut value: i64, mut width: usize) -> String {
    let mut text = String::new();
    loop {
        text += &format!("{:x}", value & 0xf);
        (value, width) = (value >> 4, width.saturating_sub(1));
        if value != 0 || width > 0 {
            text.push('.');
            width = width.saturating_sub(1);
        }
        if value == 0 && width == 0 {
            return text;
        }
    }
}
