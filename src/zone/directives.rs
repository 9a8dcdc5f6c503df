//! `$ORIGIN`, `$INCLUDE` (RFC 1035 §5.1), `$TTL` (RFC 2308 §4) and `$GENERATE`.

use super::generate::Generate;
use super::head::read_ttl;
use super::lexer::{Lexer, Token};
use super::master::{Include, Parser, Place, with_hint};
use super::{rdata, text};
use crate::base::Diagnostic;

impl Parser {
    /// Reads a line that begins with a dollar sign. An `$INCLUDE` is for the caller to follow.
    pub(super) fn directive(&mut self, token: Token<'_>, lexer: &mut Lexer<'_>) -> Result<Option<Include>, Diagnostic> {
        let word = token.text.to_ascii_uppercase();
        let read = match word.as_slice() {
            // what follows is under a name that nobody knows
            b"$ORIGIN" => self.set_origin(lexer).map(|()| None).inspect_err(|_| self.note_lost_somewhere()),
            b"$TTL" => self.set_ttl(lexer).map(|()| None),
            b"$INCLUDE" => self.include(lexer).map(Some),
            b"$GENERATE" => self.generate(lexer).map(|()| None),
            _ => Err(token
                .instead_of("$ORIGIN, $TTL, $INCLUDE or $GENERATE")
                .hint("a name that begins with a dollar sign is written \\$")),
        };
        read.map_err(|error| with_hint(error, directive_hint(&word)))
    }

    fn set_origin(&mut self, lexer: &mut Lexer<'_>) -> Result<(), Diagnostic> {
        self.origin = self.name(lexer.expect("a name")?)?.as_ref().to_name();
        end(lexer)
    }

    fn set_ttl(&mut self, lexer: &mut Lexer<'_>) -> Result<(), Diagnostic> {
        self.default_ttl = Some(read_ttl(lexer.expect("a TTL")?, "a TTL", lexer)?);
        end(lexer)
    }

    fn include(&self, lexer: &mut Lexer<'_>) -> Result<Include, Diagnostic> {
        let file = lexer.expect("a file name")?;
        let mut name = Vec::new();
        if !text::unescape(file.text, &mut name) {
            return Err(file.instead_of("a file name").hint("a backslash itself is written \\\\"));
        }
        let origin = match lexer.next()? {
            Some(token) => Some(self.name(token)?.as_ref().to_name()),
            None => None,
        };
        end(lexer)?;
        let back = Place { file: file.span.file, at: lexer.at() };
        Ok(Include { name: String::from_utf8_lossy(&name).into_owned(), span: file.span, origin, back })
    }

    /// Makes records until one of them cannot be. The owner for the lines that follow stays what it was.
    fn generate(&mut self, lexer: &mut Lexer<'_>) -> Result<(), Diagnostic> {
        let made = Generate::read(lexer).and_then(|generate| self.make_all(&generate));
        if made.is_err() {
            self.note_lost_somewhere();
        }
        made
    }

    fn make_all(&mut self, generate: &Generate<'_>) -> Result<(), Diagnostic> {
        let (mut owner, mut text) = (Vec::new(), Vec::new());
        for (at, number) in generate.numbers().enumerate() {
            let mut fill =
                || generate.owner.fill(number, &mut owner).and_then(|()| generate.rdata.fill(number, &mut text));
            let filled = fill();
            let mut line = Lexer::of_made(&text, generate.rdata.span);
            line.start_line();
            filled
                .and_then(|()| self.make(generate, &owner, &mut line))
                .map_err(|error| generate.blame(error, number))?;
            // what is remarkable about one is so about all
            line.warnings.drain(..).filter(|_| at == 0).for_each(|warning| self.builder.warn(warning));
        }
        Ok(())
    }

    fn make(&mut self, generate: &Generate<'_>, owner: &[u8], line: &mut Lexer<'_>) -> Result<(), Diagnostic> {
        let head = &generate.head;
        let owner = self.name(Token { text: owner, span: generate.owner.span, quoted: false })?;
        rdata::read(head.rtype, head.type_token, line, self.origin.as_ref(), &mut self.rdata)?;
        let ttl = self.ttl(head)?;
        self.builder.add(owner.as_ref(), head.rtype, ttl, &self.rdata, head.type_token.span);
        Ok(())
    }
}

fn end(lexer: &mut Lexer<'_>) -> Result<(), Diagnostic> {
    match lexer.next()? {
        None => Ok(()),
        Some(token) => Err(token.instead_of("the end of the line")),
    }
}

/// What a directive looks like.
const fn directive_hint(word: &[u8]) -> &'static str {
    match word {
        b"$ORIGIN" => "write it as `$ORIGIN example.com.`",
        b"$TTL" => "write it as `$TTL 1h`",
        b"$GENERATE" => "write it as `$GENERATE 1-254 host-$ A 192.0.2.$`",
        _ => "write it as `$INCLUDE file`",
    }
}
