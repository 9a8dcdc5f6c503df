//! Syntax errors of TOML in plain words, without those that only follow from others.

use std::collections::HashSet;
use std::net::IpAddr;
use std::ops::Range;

use super::brackets::{Unclosed, unclosed};
use crate::base::{Diagnostic, FileId, Span};

/// The syntax errors of a file.
#[derive(Debug)]
pub(super) struct Syntax<'t> {
    file: FileId,
    text: &'t str,
    /// In order of place.
    pub(super) errors: Vec<Diagnostic>,
    /// Where a bracket is never closed, so that nothing after it can be judged.
    lost_from: Option<usize>,
}

impl<'t> Syntax<'t> {
    /// Makes sense of what the parser says.
    pub(super) fn new(file: FileId, text: &'t str, raw: &[toml::de::Error]) -> Self {
        let mut syntax = Self { file, text, errors: Vec::new(), lost_from: None };
        if raw.is_empty() {
            return syntax;
        }
        let mut errors: Vec<(Range<usize>, &str)> =
            raw.iter().map(|error| (syntax.range(error), error.message())).collect();
        errors.sort_by_key(|(range, _)| range.start);
        if let Some(found) = unclosed(text) {
            let line = syntax.line_end(found.at());
            let lost = matches!(found, Unclosed::Bracket { .. } | Unclosed::Mismatch { .. });
            syntax.lost_from = lost.then_some(found.at());
            errors.retain(|(range, _)| range.start < found.at() || (!lost && range.start > line));
            syntax.errors.push(syntax.explain_unclosed(found));
        }
        syntax.repeated_tables(&mut errors);
        let explained: Vec<_> = errors.into_iter().map(|(range, message)| syntax.explain(range, message)).collect();
        syntax.errors.extend(explained);
        syntax.first_of_each_line();
        syntax.errors.sort_by_key(|error| error.span.map(|span| span.start));
        syntax
    }

    /// Drops findings where the text does not even parse: they likely follow from that.
    pub(super) fn drop_consequences(&self, findings: &mut Vec<Diagnostic>) {
        let torn: HashSet<_> = self.errors.iter().filter_map(|error| self.line(error)).collect();
        let lost =
            |found: &Diagnostic| self.lost_from.zip(found.span).is_some_and(|(lost, span)| span.start as usize >= lost);
        findings.retain(|found| !lost(found) && self.line(found).is_none_or(|line| !torn.contains(&line)));
    }

    fn range(&self, error: &toml::de::Error) -> Range<usize> {
        let range = error.span().unwrap_or(0..0);
        self.text.floor_char_boundary(range.start)..self.text.ceil_char_boundary(range.end)
    }

    fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |line_break| line_break + 1)
    }

    fn line_end(&self, at: usize) -> usize {
        self.text[at..].find('\n').map_or(self.text.len(), |length| at + length)
    }

    /// Where the line of a finding starts.
    fn line(&self, finding: &Diagnostic) -> Option<usize> {
        finding.span.map(|span| self.line_start((span.start as usize).min(self.text.len())))
    }

    fn first_of_each_line(&mut self) {
        let mut seen = HashSet::new();
        let errors = std::mem::take(&mut self.errors);
        self.errors = errors.into_iter().filter(|error| seen.insert(self.line(error))).collect();
    }

    /// Of a table that is there twice, every key that it has twice is reported too: those are dropped.
    fn repeated_tables(&self, errors: &mut Vec<(Range<usize>, &str)>) {
        let mut repeated = None;
        errors.retain(|(range, message)| {
            let line = &self.text[self.line_start(range.start)..];
            if *message != "duplicate key" {
                return true;
            }
            if line.trim_start().starts_with('[') {
                repeated = Some(range.end);
                return true;
            }
            let of_repeated = |header: usize| !self.text[header..range.start].contains("\n[");
            !repeated.is_some_and(of_repeated)
        });
    }

    fn explain_unclosed(&self, found: Unclosed) -> Diagnostic {
        let span = Span::new(self.file, found.at()..found.at() + 1);
        match found {
            Unclosed::Bracket { closer, .. } => Diagnostic::error(span, "this bracket is never closed")
                .hint(format!("close it with {closer}; what follows it in this file was not checked")),
            Unclosed::Mismatch { closer, .. } => {
                Diagnostic::error(span, format!("this bracket stands where {closer} is expected"))
                    .hint(format!("write {closer}; what follows it in this file was not checked"))
            }
            Unclosed::Quote { quote, .. } => Diagnostic::error(span, "this quote is not closed on its line")
                .hint(format!("end the string with the kind of quote that it begins with, {quote}")),
        }
    }

    fn explain(&self, range: Range<usize>, message: &str) -> Diagnostic {
        let at = |range: Range<usize>| Span::new(self.file, range);
        let starts = |start: &str| message.starts_with(start);
        if message == "duplicate key" {
            return self.duplicate(range);
        }
        if let Some(blank) = self.odd_blank(range.start) {
            return Diagnostic::error(at(blank), "this blank is not a space").hint("write an ordinary space instead");
        }
        if starts("string values must be quoted")
            || starts("missing opening quote")
            || starts("invalid ") && !starts("invalid unquoted key") && !starts("invalid basic string")
        {
            return self.value(range);
        }
        if starts("unexpected leading zero") {
            return Diagnostic::error(at(self.word(range.start)), "a number does not begin with a zero")
                .hint("take the zero out");
        }
        if starts("missing escaped value") {
            let backslash = self.text[..range.start].rfind('\\').unwrap_or(range.start);
            return Diagnostic::error(at(backslash..range.end), "this backslash begins no escape")
                .hint("a backslash itself is written \\\\");
        }
        if starts("unclosed table") {
            let start = self.line_start(range.start);
            let header = self.text[start..range.start].trim();
            return Diagnostic::error(at(start..range.start), "this header is not closed")
                .hint(format!("write {header}]"));
        }
        if starts("missing comma") || starts("extra assignment") {
            return Diagnostic::error(at(range), "a comma is missing before this")
                .hint("write , behind what comes before it");
        }
        if starts("extra comma") {
            return Diagnostic::error(at(range), "this comma is one too many").hint("take it out");
        }
        if starts("cannot extend") {
            let word = self.word(range.start);
            let text = &self.text[word.clone()];
            return Diagnostic::error(at(word), "the dots of a key without quotes lead into tables")
                .hint(format!("write \"{text}\" = ..."));
        }
        if starts("invalid unquoted key") || starts("unquoted keys cannot be empty") || starts("key with no value") {
            return self.key(range);
        }
        Diagnostic::error(at(range), message).hint("see https://toml.io for what TOML looks like")
    }

    /// A blank of a line, outside of strings, that only looks like a space: documents have such.
    fn odd_blank(&self, at: usize) -> Option<Range<usize>> {
        let (start, end) = (self.line_start(at), self.line_end(at));
        let odd = |c: char| (c.is_whitespace() && !c.is_ascii()) || c == '\u{200b}';
        let blanks = self.text[start..end].match_indices(odd);
        let mut outside = blanks.filter(|(at, _)| self.text[start..start + at].matches('"').count().is_multiple_of(2));
        outside.next().map(|(at, blank)| start + at..start + at + blank.len())
    }

    fn duplicate(&self, range: Range<usize>) -> Diagnostic {
        let header = self.text[self.line_start(range.start)..].trim_start().starts_with('[');
        let span = Span::new(self.file, range);
        if header {
            return Diagnostic::error(span, "this table is already there")
                .hint("give one of the two another name, or make them one");
        }
        Diagnostic::error(span, "this key is already there").hint("keep one of the two")
    }

    /// The characters around a place up to blanks and what structures a line.
    fn word(&self, at: usize) -> Range<usize> {
        let ends = |c: char| c.is_whitespace() || "=,[]{}()#".contains(c);
        let at = self.text.floor_char_boundary(at);
        let start = at - self.text[..at].split(ends).next_back().map_or(0, str::len);
        let len = self.text[start..].find(ends).unwrap_or(self.text.len() - start);
        start..start + len
    }

    /// Something that is no value: most often a string without its quotes.
    fn value(&self, range: Range<usize>) -> Diagnostic {
        let word = self.word(range.start);
        let text = &self.text[word.clone()];
        let span = Span::new(self.file, word.clone());
        let rest = self.text[word.end..self.line_end(word.end)].trim_start();
        if text.is_empty() {
            let next = self.text[range.start..].chars().next().filter(|c| "()".contains(*c));
            return match next {
                Some(bracket) => Diagnostic::error(
                    Span::new(self.file, range.start..range.start + 1),
                    format!("{bracket} has no meaning here"),
                )
                .hint("lists stand in square brackets, tables in curly ones"),
                None => Diagnostic::error(Span::new(self.file, range), "a value is missing")
                    .hint("write it behind the equals sign"),
            };
        }
        let quotes = ['“', '”', '„', '‘', '’', '«', '»'];
        let plain = text.trim_matches(|c| quotes.contains(&c));
        let small = text.to_ascii_lowercase();
        if small == "true" || small == "false" {
            return Diagnostic::error(span, "true and false are written in small letters")
                .hint(format!("write {small}"));
        }
        if plain.len() != text.len() {
            return Diagnostic::error(span, "these are not the quotes of TOML").hint(format!("write \"{plain}\""));
        }
        if let Some(next) = self.pair_behind(rest) {
            return Diagnostic::error(span, format!("a comma is missing between this and \"{next}\""))
                .hint(format!("write {text}, {next} = ..."));
        }
        let what = if text.parse::<IpAddr>().is_ok() { "an address" } else { "a string" };
        Diagnostic::error(span, format!("{what} must be quoted")).hint(format!("write \"{text}\""))
    }

    /// The key, where a text goes on with `key =`.
    fn pair_behind<'r>(&self, rest: &'r str) -> Option<&'r str> {
        let (key, _) = rest.split_once('=')?;
        let key = key.trim_end();
        let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        (!key.is_empty() && key.chars().all(bare)).then_some(key)
    }

    /// Something that is no key, or a key without a value.
    fn key(&self, range: Range<usize>) -> Diagnostic {
        let word = self.word(range.start.saturating_sub(usize::from(range.is_empty())));
        let text = &self.text[word.clone()];
        let error = |span: Range<usize>, message: &str| Diagnostic::error(Span::new(self.file, span), message);
        if text.starts_with(';') || text.starts_with("//") {
            return error(word.start..word.start + 1, "this begins no comment").hint("comments begin with #");
        }
        if let Some((key, _)) = text.split_once(':') {
            let colon = word.start + key.len();
            return error(colon..colon + 1, "a key is followed by =").hint(format!("write {key} = ..."));
        }
        let bare = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if text.is_empty() || text.chars().all(bare) {
            let start = self.line_start(range.start);
            let key = self.text[start..range.start].trim();
            let start = start + self.text[start..].len() - self.text[start..].trim_start().len();
            return error(start..start + key.len(), "this key has no value").hint(format!("write {key} = ..."));
        }
        error(word, "this key needs quotes").hint(format!("write \"{text}\" = ..."))
    }
}
