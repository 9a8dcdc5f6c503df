//! RDATA from text: field by field as the type's layout says, or as `\# length hex` (RFC 3597 §5).

use std::net::{Ipv4Addr, Ipv6Addr};

use super::layout::{Field, Layout, is_tag, is_valid};
use super::lexer::{Lexer, Token};
use super::text;
use crate::base::Diagnostic;
use crate::wire::{NameBuf, NameError, NameRef, Rtype};

type Read = Result<(), Diagnostic>;

/// Reads the rest of a line as RDATA of a type into `out`. `type_token` is blamed where no other token is.
pub(super) fn read(
    rtype: Rtype,
    type_token: Token<'_>,
    lexer: &mut Lexer<'_>,
    origin: NameRef<'_>,
    out: &mut Vec<u8>,
) -> Read {
    out.clear();
    if lexer.at_generic()? {
        return read_generic(rtype, lexer, out);
    }
    let Some(layout) = Layout::of(rtype) else {
        return Err(Diagnostic::error(type_token.span, format!("{rtype} has no text form of its own here"))
            .hint("write its RDATA as `\\# length hex` (RFC 3597)"));
    };
    let mut reader = Reader { lexer, origin, out };
    let whole = layout.fields.iter().try_for_each(|&field| reader.field(field)).and_then(|()| reader.end());
    whole.map_err(|error| with_example(error, layout))?;
    if out.len() > usize::from(u16::MAX) {
        return Err(
            Diagnostic::error(type_token.span, "the RDATA is longer than 65535 octets").hint("no message holds more")
        );
    }
    Ok(())
}

fn with_example(error: Diagnostic, layout: &Layout) -> Diagnostic {
    if error.hint.is_some() || !error.message.starts_with("expected") {
        return error;
    }
    error.hint(format!("{} looks like `{}`", layout.rtype, layout.example))
}

struct Reader<'r, 's> {
    lexer: &'r mut Lexer<'s>,
    origin: NameRef<'r>,
    out: &'r mut Vec<u8>,
}

impl Reader<'_, '_> {
    fn field(&mut self, field: Field) -> Read {
        match field {
            Field::Name => self.name(),
            Field::U8 => {
                self.number("a number up to 255", u32::from(u8::MAX)).map(|value| self.put(&value.to_be_bytes()[3..]))
            }
            Field::U16 => self
                .number("a number up to 65535", u32::from(u16::MAX))
                .map(|value| self.put(&value.to_be_bytes()[2..])),
            Field::U32 => {
                self.number("a number up to 4294967295", u32::MAX).map(|value| self.put(&value.to_be_bytes()))
            }
            Field::Period => self.period(),
            Field::Ipv4 => self.parsed::<Ipv4Addr>("an IPv4 address").map(|address| self.put(&address.octets())),
            Field::Ipv6 => self.parsed::<Ipv6Addr>("an IPv6 address").map(|address| self.put(&address.octets())),
            Field::Str => self.string(),
            Field::Strs => self.strings(),
            Field::Tag => self.tag(),
            Field::Text => self.text(),
            Field::Hex => self.hex(),
        }
    }

    fn put(&mut self, octets: &[u8]) {
        self.out.extend_from_slice(octets);
    }

    fn name(&mut self) -> Read {
        let token = self.lexer.expect("a name")?;
        if token.is_at_sign() {
            self.put(self.origin.as_wire());
            return Ok(());
        }
        let name = read_name(token, self.origin)?;
        self.lexer.warnings.extend(doubled(token, name.as_ref(), self.origin));
        self.put(name.as_ref().as_wire());
        Ok(())
    }

    fn number(&mut self, expected: &str, max: u32) -> Result<u32, Diagnostic> {
        let token = self.lexer.expect(expected)?;
        token.word().and_then(|word| text::number(word, max)).ok_or_else(|| token.instead_of(expected))
    }

    fn period(&mut self) -> Read {
        let expected = "seconds, or a period such as 1h30m";
        let token = self.lexer.expect(expected)?;
        let seconds = token.word().and_then(text::period).ok_or_else(|| token.instead_of(expected))?;
        self.put(&seconds.to_be_bytes());
        Ok(())
    }

    fn parsed<T: std::str::FromStr>(&mut self, expected: &str) -> Result<T, Diagnostic> {
        let token = self.lexer.expect(expected)?;
        token.keyword().and_then(|word| word.parse().ok()).ok_or_else(|| token.instead_of(expected))
    }

    fn string(&mut self) -> Read {
        let token = self.lexer.expect("a string")?;
        self.put_string(token)
    }

    fn strings(&mut self) -> Read {
        self.string()?;
        while let Some(token) = self.lexer.next()? {
            self.put_string(token)?;
        }
        Ok(())
    }

    fn put_string(&mut self, token: Token<'_>) -> Read {
        let start = self.out.len();
        self.out.push(0);
        unescape(token, self.out)?;
        self.out[start] = u8::try_from(self.out.len() - start - 1).map_err(|_| {
            Diagnostic::error(token.span, "a string holds at most 255 octets")
                .hint("split it: \"first part\" \"second part\"")
        })?;
        Ok(())
    }

    fn tag(&mut self) -> Read {
        let expected = "a tag of letters and digits";
        let token = self.lexer.expect(expected)?;
        if !token.word().is_some_and(is_tag) {
            return Err(token.instead_of(expected));
        }
        self.put_string(token)
    }

    fn text(&mut self) -> Read {
        let token = self.lexer.expect("a value, in quotes if it has blanks")?;
        unescape(token, self.out)
    }

    fn hex(&mut self) -> Read {
        let first = self.lexer.expect("hexadecimal digits")?;
        read_hex(Some(first), self.lexer, self.out)
    }

    fn end(&mut self) -> Read {
        match self.lexer.next()? {
            None => Ok(()),
            Some(token) => Err(token.instead_of("the end of the line")),
        }
    }
}

/// Reads a name, relative to an origin. `@` is for the caller.
pub(super) fn read_name(token: Token<'_>, origin: NameRef<'_>) -> Result<NameBuf, Diagnostic> {
    NameBuf::parse(token.text, Some(origin)).map_err(|error| {
        let message = format!("`{}` is not a name: {error}", token.shown());
        Diagnostic::error(token.span, message).hint(name_remedy(error))
    })
}

/// What to write instead of something that is no name.
#[must_use]
pub const fn name_remedy(error: NameError) -> &'static str {
    match error {
        NameError::LabelTooLong | NameError::TooLong => "write a shorter one",
        NameError::EmptyLabel => "take out a dot: one stands in front, or two side by side",
        NameError::BadEscape | NameError::Relative => "a backslash itself is written \\\\",
    }
}

/// A warning of a name that ends in the origin twice: it was likely written without the dot at its end.
pub(super) fn doubled(token: Token<'_>, name: NameRef<'_>, origin: NameRef<'_>) -> Option<Diagnostic> {
    let labels = origin.label_count();
    let inner = name.as_wire().strip_suffix(origin.as_wire())?;
    let twice = origin.as_wire().split_last().map(|(_, labels)| labels)?;
    let tail = inner.len().checked_sub(twice.len()).filter(|_| labels > 0)?;
    let above = name.label_count().checked_sub(2 * labels)?;
    let boundary = name.ancestors().nth(above)?.as_wire().len() + tail == name.as_wire().len();
    (boundary && inner[tail..].eq_ignore_ascii_case(twice)).then(|| {
        let message = format!("{name} has the origin {origin} twice");
        Diagnostic::warning(token.span, message).hint(format!("write {}. with a dot at its end", token.shown()))
    })
}

fn unescape(token: Token<'_>, out: &mut Vec<u8>) -> Read {
    if text::unescape(token.text, out) {
        return Ok(());
    }
    Err(Diagnostic::error(token.span, "a backslash must be followed by a character or by three digits up to 255")
        .hint("a backslash itself is written \\\\"))
}

/// Reads hexadecimal digits, blanks between them allowed, up to the end of the line.
fn read_hex<'s>(first: Option<Token<'s>>, lexer: &mut Lexer<'s>, out: &mut Vec<u8>) -> Read {
    let (mut hex, mut token, mut last) = (text::Hex::default(), first, None);
    while let Some(digits) = token {
        if !digits.word().is_some_and(|word| hex.word(word, out)) {
            return Err(digits.instead_of("hexadecimal digits"));
        }
        last = Some(digits);
        token = lexer.next()?;
    }
    match last {
        Some(last) if !hex.is_whole() => {
            Err(Diagnostic::error(last.span, "the number of hexadecimal digits is odd").hint("every octet has two"))
        }
        _ => Ok(()),
    }
}

fn read_generic(rtype: Rtype, lexer: &mut Lexer<'_>, out: &mut Vec<u8>) -> Read {
    let mark = lexer.expect("\\#")?;
    let expected = "the number of octets, up to 65535";
    let length = lexer.expect(expected)?;
    let octets = length.word().and_then(|word| text::number(word, u32::from(u16::MAX)));
    let octets = octets.ok_or_else(|| length.instead_of(expected))? as usize; // at most 65535
    let first = lexer.next()?;
    read_hex(first, lexer, out)?;
    if out.len() != octets {
        let message = format!("the length says {octets} octets, the data has {}", out.len());
        return Err(Diagnostic::error(length.span, message).hint("write how many octets follow"));
    }
    if !is_valid(rtype, out) {
        let message = format!("these octets are no RDATA of type {rtype}");
        let hint = "compare them with the RFC of the type, or write its own text form";
        return Err(Diagnostic::error(first.unwrap_or(mark).span, message).hint(hint));
    }
    Ok(())
}
