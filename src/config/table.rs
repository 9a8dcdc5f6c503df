//! Reads a TOML table key by key; what was not asked for is unknown.

use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::base::{Diagnostic, FileId, Sources, Span};

use super::values::{did_you_mean, parse_duration};

/// What diagnostics of one file need.
pub(super) struct Context<'a> {
    pub(super) file: FileId,
    pub(super) found: &'a mut Vec<Diagnostic>,
}

/// A value with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) span: Span,
}

/// A value of a table.
pub(super) type Value<'i> = Spanned<DeValue<'i>>;

impl Context<'_> {
    pub(super) fn span(&self, range: std::ops::Range<usize>) -> Span {
        Span::new(self.file, range)
    }

    pub(super) fn error(&mut self, span: Span, message: impl Into<String>, hint: impl Into<String>) {
        let (message, hint) = (message.into(), hint.into());
        let error = Diagnostic::error(span, message);
        self.found.push(if hint.is_empty() { error } else { error.hint(hint) });
    }

    pub(super) fn warn(&mut self, span: Span, message: impl Into<String>, hint: impl Into<String>) {
        self.found.push(Diagnostic::warning(span, message).hint(hint));
    }

    /// A text, or an error.
    pub(super) fn string(&mut self, value: &Value<'_>) -> Option<At<String>> {
        let span = self.span(value.span());
        match value.get_ref().as_str() {
            Some(text) => Some(At { value: text.to_owned(), span }),
            None => self.wrong_type("a text in quotes", value),
        }
    }

    pub(super) fn integer(&mut self, value: &Value<'_>, range: std::ops::RangeInclusive<i64>) -> Option<At<i64>> {
        let span = self.span(value.span());
        let Some(integer) = value.get_ref().as_integer() else { return self.wrong_type("an integer", value) };
        let parsed =
            i64::from_str_radix(integer.as_str(), integer.radix()).ok().filter(|number| range.contains(number));
        if parsed.is_none() {
            let message = format!("expected an integer from {} to {}", range.start(), range.end());
            self.error(span, message, "");
        }
        parsed.map(|value| At { value, span })
    }

    /// A float or an integer.
    pub(super) fn number(&mut self, value: &Value<'_>) -> Option<At<f64>> {
        let span = self.span(value.span());
        let text = match value.get_ref() {
            DeValue::Float(float) => float.as_str(),
            DeValue::Integer(integer) => integer.as_str(),
            _ => return self.wrong_type("a number", value),
        };
        text.parse().ok().map(|value| At { value, span })
    }

    pub(super) fn boolean(&mut self, value: &Value<'_>) -> Option<At<bool>> {
        let span = self.span(value.span());
        match value.get_ref().as_bool() {
            Some(value) => Some(At { value, span }),
            None => self.wrong_type("true or false", value),
        }
    }

    pub(super) fn duration(&mut self, value: &Value<'_>) -> Option<At<Duration>> {
        let At { value: text, span } = self.string(value)?;
        match parse_duration(&text) {
            Some(value) => Some(At { value, span }),
            None => {
                self.error(
                    span,
                    format!("\"{text}\" is not a duration"),
                    "write a number and its unit: 500ms, 5s, 2m, 1h",
                );
                None
            }
        }
    }

    /// The values of an array.
    pub(super) fn array<'v, 'i>(
        &mut self,
        value: &'v Value<'i>,
    ) -> Option<impl Iterator<Item = &'v Value<'i>> + use<'v, 'i>> {
        match value.get_ref().as_array() {
            Some(array) => Some(array.iter()),
            None => self.wrong_type("an array", value),
        }
    }

    /// The texts of an array, those that are none left out with an error.
    pub(super) fn strings(&mut self, value: &Value<'_>) -> Option<Vec<At<String>>> {
        let values = self.array(value)?;
        Some(values.filter_map(|value| self.string(value)).collect())
    }

    /// One of some words.
    pub(super) fn choice<T: Copy>(&mut self, value: &Value<'_>, choices: &[(&str, T)]) -> Option<T> {
        let At { value: text, span } = self.string(value)?;
        let chosen = choices.iter().find(|(word, _)| *word == text).map(|&(_, choice)| choice);
        if chosen.is_none() {
            let words: Vec<&str> = choices.iter().map(|&(word, _)| word).collect();
            self.error(
                span,
                format!("\"{text}\" is none of {}", words.join(", ")),
                did_you_mean(&text, words).unwrap_or_default(),
            );
        }
        chosen
    }

    pub(super) fn table<'v, 'i>(&mut self, value: &'v Value<'i>, what: impl Into<String>) -> Option<Table<'v, 'i>> {
        let span = self.span(value.span());
        match value.get_ref().as_table() {
            Some(table) => Some(Table { table, span, what: what.into(), asked: Vec::new() }),
            None => self.wrong_type("a table", value),
        }
    }

    fn wrong_type<T>(&mut self, expected: &str, value: &Value<'_>) -> Option<T> {
        let message = format!("expected {expected}, found {}", describe(value.get_ref()));
        self.error(self.span(value.span()), message, "");
        None
    }
}

fn describe(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}

/// A table, and which of its keys were asked for.
pub(super) struct Table<'v, 'i> {
    table: &'v DeTable<'i>,
    /// The whole of it.
    pub(super) span: Span,
    /// What it is, for messages: `[server]`, `the endpoint`.
    pub(super) what: String,
    asked: Vec<&'static str>,
}

impl<'v, 'i> Table<'v, 'i> {
    /// The value of a key.
    pub(super) fn get(&mut self, key: &'static str) -> Option<&'v Value<'i>> {
        self.asked.push(key);
        self.table.get(key)
    }

    /// The value of a key that must be there.
    pub(super) fn require(
        &mut self,
        context: &mut Context<'_>,
        key: &'static str,
        hint: &str,
    ) -> Option<&'v Value<'i>> {
        let value = self.get(key);
        if value.is_none() {
            context.error(self.span, format!("{} has no \"{key}\"", self.what), hint);
        }
        value
    }

    /// The place of a key.
    pub(super) fn key_span(&self, context: &Context<'_>, key: &str) -> Span {
        let found = self.table.iter().find(|(name, _)| name.get_ref() == key);
        found.map_or(self.span, |(name, _)| context.span(name.span()))
    }

    /// A table below a key.
    pub(super) fn section(&mut self, context: &mut Context<'_>, key: &'static str) -> Option<Self> {
        let value = self.get(key)?;
        context.table(value, format!("[{key}]"))
    }

    /// Every key with its place and its value, in the order written. All count as asked for.
    pub(super) fn entries(&self, context: &Context<'_>) -> Vec<(At<String>, &'v Value<'i>)> {
        let entry = |(key, value): (&'v Spanned<std::borrow::Cow<'i, str>>, &'v Value<'i>)| {
            (At { value: key.get_ref().to_string(), span: context.span(key.span()) }, value)
        };
        let mut entries: Vec<_> = self.table.iter().map(entry).collect();
        entries.sort_by_key(|(key, _)| key.span.start);
        entries
    }

    /// Refuses keys that belong to what this version does not have.
    pub(super) fn refuse(&mut self, context: &mut Context<'_>, keys: &[&'static str]) {
        for key in keys {
            if self.get(key).is_some() {
                let message = format!("\"{key}\" is not in this version");
                context.error(self.key_span(context, key), message, "remove it");
            }
        }
    }

    /// Reports the keys that nobody asked for.
    pub(super) fn finish(self, context: &mut Context<'_>) {
        for (key, _) in self.entries(context) {
            if !self.asked.contains(&key.value.as_str()) {
                let hint = did_you_mean(&key.value, self.asked.iter().copied());
                let hint = hint.unwrap_or_else(|| format!("known here: {}", self.asked.join(", ")));
                context.error(key.span, format!("unknown key \"{}\" in {}", key.value, self.what), hint);
            }
        }
    }
}

/// Parses a file and hands its table to `read`; mistakes of syntax are reported, and what could be read is read on.
pub(super) fn document<T>(
    sources: &Sources,
    file: FileId,
    found: &mut Vec<Diagnostic>,
    read: impl FnOnce(&mut Context<'_>, Table<'_, '_>) -> Option<T>,
) -> Option<T> {
    let source = sources.get(file);
    let Ok(text) = std::str::from_utf8(&source.bytes) else {
        found.push(Diagnostic::error(Span::start_of(file), "the file is not UTF-8").hint("TOML files are UTF-8 text"));
        return None;
    };
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut context = Context { file, found };
    for error in &errors {
        let span = context.span(error.span().unwrap_or(0..0));
        context.error(span, format!("not TOML: {}", error.message()), "");
    }
    let span = Span::start_of(file);
    let mut table = Table { table: document.get_ref(), span, what: "the file".into(), asked: Vec::new() };
    version(&mut context, &mut table);
    read(&mut context, table)
}

fn version(context: &mut Context<'_>, table: &mut Table<'_, '_>) {
    match table.get("version") {
        None => context.error(table.span, "the file has no \"version\"", "begin it with: version = 1"),
        Some(value) => {
            if let Some(version) = context.integer(value, 0..=i64::MAX).filter(|version| version.value != 1) {
                context.error(
                    version.span,
                    format!("version {} is not known", version.value),
                    "this version reads version = 1",
                );
            }
        }
    }
}
