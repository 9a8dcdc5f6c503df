//! Cuts a master file into tokens: blanks, comments, parentheses and quotes are dealt with here (RFC 1035 §5.1).

use std::ops::Range;

use crate::base::{Diagnostic, FileId, Span};

/// The longest excerpt of a token in a message, in octets.
const SHOWN: usize = 40;

/// A word or a quoted string. Its text is without the quotes; escapes are not undone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'s> {
    pub(super) text: &'s [u8],
    pub(super) span: Span,
    pub(super) quoted: bool,
}

/// The tokens of one file, line after line. A line may go on over line breaks inside parentheses.
pub(super) struct Lexer<'s> {
    text: &'s [u8],
    file: FileId,
    /// Where the text comes from, if it stands in no file: every token is said to be there.
    made_at: Option<Span>,
    at: usize,
    depth: u32,
    /// Where the outermost open parenthesis is.
    opened_at: usize,
    /// Where the line ended, once it has.
    ended_at: Option<usize>,
    indented: bool,
    /// Where a comment begins right behind a word of the line.
    glued_comment: Option<usize>,
    /// Whether a quote was not closed on the line.
    open_quote: bool,
    /// Warnings of whoever reads the tokens.
    pub(super) warnings: Vec<Diagnostic>,
}

impl<'s> Token<'s> {
    /// The text of a word; none for a quoted string.
    pub(super) fn word(self) -> Option<&'s [u8]> {
        (!self.quoted).then_some(self.text)
    }

    /// The text of a word in ASCII, for keywords and addresses.
    pub(super) fn keyword(self) -> Option<&'s str> {
        self.word().and_then(|word| std::str::from_utf8(word).ok())
    }

    /// Whether this is the word for the origin.
    pub(super) fn is_at_sign(self) -> bool {
        self.word() == Some(b"@")
    }

    /// An error: this stands where something else should.
    pub(super) fn instead_of(self, expected: &str) -> Diagnostic {
        Diagnostic::error(self.span, format!("expected {expected}, found `{}`", self.shown()))
    }

    /// The text for a message.
    pub(super) fn shown(self) -> String {
        let text: String = String::from_utf8_lossy(&self.text[..self.text.len().min(SHOWN)])
            .chars()
            .filter(|c| !c.is_control())
            .collect();
        if self.text.len() > SHOWN { text + "…" } else { text }
    }
}

impl<'s> Lexer<'s> {
    /// Goes on with a file at a line start.
    pub(super) fn new(file: FileId, text: &'s [u8], at: usize) -> Self {
        let at = if at == 0 && text.starts_with("\u{feff}".as_bytes()) { 3 } else { at };
        Self {
            text,
            file,
            made_at: None,
            at,
            depth: 0,
            opened_at: 0,
            ended_at: None,
            indented: false,
            glued_comment: None,
            open_quote: false,
            warnings: Vec::new(),
        }
    }

    /// Begins with a line that was made of what stands somewhere in a file.
    pub(super) fn of_made(text: &'s [u8], span: Span) -> Self {
        Self { made_at: Some(span), ..Self::new(span.file, text, 0) }
    }

    /// Where the lexer stands.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Begins a line; false at the end of the file.
    pub(super) fn start_line(&mut self) -> bool {
        self.ended_at = None;
        self.glued_comment = None;
        self.open_quote = false;
        self.indented = matches!(self.text.get(self.at), Some(b' ' | b'\t'));
        self.at < self.text.len()
    }

    /// Whether the line starts with a blank, so that its owner is the one before (RFC 1035 §5.1).
    pub(super) fn indented(&self) -> bool {
        self.indented
    }

    /// The next token of the line; none at its end, and then always none until the next line is started.
    // The result is large, and whoever calls takes it apart at once: so it never has to go through memory.
    #[inline(always)]
    pub(super) fn next(&mut self) -> Result<Option<Token<'s>>, Diagnostic> {
        self.skip_blanks()?;
        match self.text.get(self.at) {
            _ if self.ended_at.is_some() => Ok(None),
            None | Some(b'\n') => {
                self.ended_at = Some(self.at);
                self.at = (self.at + 1).min(self.text.len());
                Ok(None)
            }
            Some(b'"') => self.quoted().map(Some),
            Some(_) => Ok(Some(self.word())),
        }
    }

    /// The next token, which must be there.
    #[inline(always)]
    pub(super) fn expect(&mut self, expected: &str) -> Result<Token<'s>, Diagnostic> {
        match self.next()? {
            Some(token) => Ok(token),
            None => Err(Diagnostic::error(self.here(), format!("expected {expected}, found the end of the line"))),
        }
    }

    /// Whether a quote was not closed: parentheses behind it went unseen.
    pub(super) fn open_quote(&self) -> bool {
        self.open_quote
    }

    /// Where a comment began right behind a word of this line.
    pub(super) fn glued_comment(&self) -> Option<Span> {
        self.glued_comment.map(|at| self.span(at..at + 1))
    }

    /// Whether the next token is `\#`, which announces RDATA of any type (RFC 3597 §5).
    pub(super) fn at_generic(&mut self) -> Result<bool, Diagnostic> {
        self.skip_blanks()?;
        let rest = if self.ended_at.is_some() { &[] } else { &self.text[self.at..] };
        Ok(rest.strip_prefix(b"\\#").is_some_and(|rest| rest.first().is_none_or(|&octet| ends_word(octet))))
    }

    /// Whether something follows right behind the last token, without a blank.
    pub(super) fn is_glued(&self) -> bool {
        self.ended_at.is_none() && self.text.get(self.at).is_some_and(|&octet| octet == b'"' || !ends_word(octet))
    }

    /// Drops the rest of the line, parentheses included. An error if they are never closed.
    pub(super) fn skip_line(&mut self) -> Result<(), Diagnostic> {
        while self.ended_at.is_none() {
            match self.next() {
                Err(error) if self.at >= self.text.len() => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// An empty span at the end of the line, or where the lexer stands.
    fn here(&self) -> Span {
        let at = self.ended_at.unwrap_or(self.at);
        self.span(at..at)
    }

    #[inline]
    fn span(&self, range: Range<usize>) -> Span {
        self.made_at.unwrap_or_else(|| Span::new(self.file, range))
    }

    fn skip_blanks(&mut self) -> Result<(), Diagnostic> {
        while self.ended_at.is_none() {
            match self.text.get(self.at) {
                Some(b' ' | b'\t' | b'\r') => {}
                Some(b'\n') if self.depth > 0 => {}
                Some(b';') => {
                    let glued = self.at.checked_sub(1).is_some_and(|before| !ends_word(self.text[before]));
                    self.glued_comment = self.glued_comment.or(glued.then_some(self.at));
                    let rest = &self.text[self.at..];
                    self.at += rest.iter().position(|&octet| octet == b'\n').unwrap_or(rest.len());
                    continue;
                }
                Some(b'(') => self.open(),
                Some(b')') => self.close()?,
                None if self.depth > 0 => return Err(self.never_closed()),
                _ => break,
            }
            self.at += 1;
        }
        Ok(())
    }

    fn open(&mut self) {
        if self.depth == 0 {
            self.opened_at = self.at;
        }
        self.depth += 1;
    }

    fn close(&mut self) -> Result<(), Diagnostic> {
        if self.depth == 0 {
            self.at += 1;
            let span = self.span(self.at - 1..self.at);
            return Err(Diagnostic::error(span, "this parenthesis closes none")
                .hint("take it out, or write \\) for the character"));
        }
        self.depth -= 1;
        Ok(())
    }

    fn never_closed(&mut self) -> Diagnostic {
        self.depth = 0;
        self.ended_at = Some(self.at);
        let span = self.span(self.opened_at..self.opened_at + 1);
        Diagnostic::error(span, "this parenthesis is never closed").hint("write ) behind the last word of the record")
    }

    #[inline(always)]
    fn word(&mut self) -> Token<'s> {
        let start = self.at;
        while let Some(&octet) = self.text.get(self.at) {
            if ends_word(octet) {
                break;
            }
            self.at += if octet == b'\\' { self.escape_len() } else { 1 };
        }
        Token { text: &self.text[start..self.at], span: self.span(start..self.at), quoted: false }
    }

    fn quoted(&mut self) -> Result<Token<'s>, Diagnostic> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.text.get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => self.at += self.escape_len(),
                None | Some(b'\n') => return Err(self.unquoted(start)),
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        let text = &self.text[start + 1..self.at - 1];
        Ok(Token { text, span: self.span(start..self.at), quoted: true })
    }

    fn unquoted(&mut self, start: usize) -> Diagnostic {
        self.open_quote = true;
        Diagnostic::error(self.span(start..start + 1), "this quote is not closed on its line")
            .hint("close it; inside a string a quote is written \\\", a line break \\010")
    }

    /// How much a backslash covers: never the end of the line.
    fn escape_len(&self) -> usize {
        if matches!(self.text.get(self.at + 1), None | Some(b'\n' | b'\r')) { 1 } else { 2 }
    }
}

/// Whether an octet that is not escaped cannot be part of a word.
fn ends_word(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'\r' | b'\n' | b';' | b'(' | b')' | b'"')
}
