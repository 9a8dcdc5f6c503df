//! Cuts a master file into entries: tokens with their places, parentheses and comments dealt with (RFC 1035 §5.1).

use std::ops::Range;

/// A word or a quoted string. Escapes are still in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// Its text, without the quotes.
    pub(super) text: Range<usize>,
    /// Whether it was quoted.
    pub(super) quoted: bool,
}

/// What is wrong with the form of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LexError {
    pub(super) at: usize,
    pub(super) message: &'static str,
    pub(super) hint: &'static str,
}

/// One entry: a line, or several in parentheses.
#[derive(Debug, Default)]
pub(super) struct Entry {
    /// Whether it begins with a blank, so that it has the owner of the entry before.
    pub(super) blank: bool,
    pub(super) tokens: Vec<Token>,
}

/// Reads entries from a file's bytes.
pub(super) struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Reads the next entry that has tokens into `entry`. Returns whether there was one; after an error the next line
    /// is next.
    pub(super) fn next(&mut self, entry: &mut Entry) -> Result<bool, LexError> {
        while self.at < self.bytes.len() {
            entry.tokens.clear();
            entry.blank = matches!(self.bytes[self.at], b' ' | b'\t');
            let read = self.entry(&mut entry.tokens);
            if let Err(error) = read {
                self.skip_line();
                return Err(error);
            }
            if !entry.tokens.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn entry(&mut self, tokens: &mut Vec<Token>) -> Result<(), LexError> {
        let mut open = None; // where the parenthesis is
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'\n' => {
                    self.at += 1;
                    if open.is_none() {
                        return Ok(());
                    }
                }
                b' ' | b'\t' | b'\r' => self.at += 1,
                b';' => self.skip_comment(),
                b'(' if open.is_some() => return Err(self.error("a parenthesis inside a parenthesis", "close the first one")),
                b'(' => {
                    open = Some(self.at);
                    self.at += 1;
                }
                b')' if open.take().is_none() => {
                    return Err(self.error("a closing parenthesis without an opening one", "remove it, or open one before"));
                }
                b')' => self.at += 1,
                b'"' => tokens.push(self.quoted()?),
                _ => tokens.push(self.word()),
            }
        }
        match open {
            None => Ok(()),
            Some(at) => Err(LexError { at, message: "this parenthesis is never closed", hint: "close it with )" }),
        }
    }

    fn word(&mut self) -> Token {
        let start = self.at;
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' | b';' | b'(' | b')' | b'"' => break,
                b'\\' if self.bytes.get(self.at + 1).is_some_and(|&next| next != b'\n') => self.at += 2,
                _ => self.at += 1,
            }
        }
        Token { text: start..self.at, quoted: false }
    }

    fn quoted(&mut self) -> Result<Token, LexError> {
        let open = self.at;
        self.at += 1;
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'"' => {
                    self.at += 1;
                    return Ok(Token { text: open + 1..self.at - 1, quoted: true });
                }
                b'\n' => break,
                b'\\' if self.bytes.get(self.at + 1).is_some_and(|&next| next != b'\n') => self.at += 2,
                _ => self.at += 1,
            }
        }
        Err(LexError { at: open, message: "this quote is never closed", hint: "close it with \" on the same line" })
    }

    fn skip_comment(&mut self) {
        let rest = &self.bytes[self.at..];
        self.at += rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
    }

    fn skip_line(&mut self) {
        self.skip_comment();
        self.at = (self.at + 1).min(self.bytes.len());
    }

    const fn error(&self, message: &'static str, hint: &'static str) -> LexError {
        LexError { at: self.at, message, hint }
    }
}
