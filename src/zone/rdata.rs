//! RDATA from text: field by field as the type's layout says, or as `\# length hex` (RFC 3597 §5).

use super::fields::{HEX, read_rest};
use super::layout::{Layout, is_valid};
use super::lexer::{Lexer, Token};
use super::text;
use crate::base::Diagnostic;
use crate::wire::{NameBuf, NameError, NameRef, Rtype};

/// Nothing, as what was read is appended somewhere, or why it cannot be read.
pub(super) type Read = Result<(), Diagnostic>;

const GENERIC: &str = "`\\# length hex`";

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
        let error = lexer.expect(GENERIC)?.instead_of(GENERIC);
        return Err(error.hint(format!("{rtype} has no text form of its own here: write it as {GENERIC} (RFC 3597)")));
    };
    let mut reader = Reader { lexer, origin, out };
    let whole = layout.fields.iter().try_for_each(|field| field.read(&mut reader)).and_then(|()| reader.end());
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

/// What the fields of RDATA are read from and appended to. `out` holds the RDATA in front of the field.
pub(super) struct Reader<'r, 's> {
    pub(super) lexer: &'r mut Lexer<'s>,
    pub(super) origin: NameRef<'r>,
    pub(super) out: &'r mut Vec<u8>,
}

impl Reader<'_, '_> {
    pub(super) fn put(&mut self, octets: &[u8]) {
        self.out.extend_from_slice(octets);
    }

    /// Reads a name.
    pub(super) fn name(&mut self) -> Read {
        let token = self.lexer.expect("a name")?;
        self.put_name(token)
    }

    /// Appends a name, or the origin for `@`.
    pub(super) fn put_name(&mut self, token: Token<'_>) -> Read {
        if token.is_at_sign() {
            self.put(self.origin.as_wire());
            return Ok(());
        }
        let name = read_name(token, self.origin)?;
        self.lexer.warnings.extend(doubled(token, name.as_ref(), self.origin));
        self.put(name.as_ref().as_wire());
        Ok(())
    }

    /// Reads a decimal number up to `max`.
    pub(super) fn number(&mut self, expected: &str, max: u32) -> Result<u32, Diagnostic> {
        self.value(expected, |word| text::number(word, max))
    }

    /// Reads a word that stands for something.
    #[inline]
    pub(super) fn value<T>(&mut self, expected: &str, of: impl FnOnce(&[u8]) -> Option<T>) -> Result<T, Diagnostic> {
        let token = self.lexer.expect(expected)?;
        token.word().and_then(of).ok_or_else(|| token.instead_of(expected))
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

fn read_generic(rtype: Rtype, lexer: &mut Lexer<'_>, out: &mut Vec<u8>) -> Read {
    let mark = lexer.expect("\\#")?;
    let expected = "the number of octets, up to 65535";
    let length = lexer.expect(expected)?;
    let octets = length.word().and_then(|word| text::number(word, u32::from(u16::MAX)));
    let octets = octets.ok_or_else(|| length.instead_of(expected))? as usize; // at most 65535
    let first = lexer.next()?;
    read_rest(&HEX, first, lexer, out)?;
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
