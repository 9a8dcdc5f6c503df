//! Reading TOML with positions: values that know where they stand and what they are called, and tables that know which
//! keys were asked for.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::remedies;
use super::suggest::did_you_mean;
use super::syntax::Syntax;
use crate::base::{Diagnostic, FileId, Sources, Span};

/// Where findings about one file go.
#[derive(Debug)]
pub(super) struct Log<'d> {
    /// The file.
    pub(super) file: FileId,
    /// Whether syntax errors may have swallowed parts of it; then what seems to be missing is not reported.
    pub(super) torn: bool,
    /// Whether definitions may stand under a section that is misspelt; then no reference is called unknown.
    pub(super) hides: bool,
    /// What was found.
    pub(super) diagnostics: &'d mut Vec<Diagnostic>,
}

impl Log<'_> {
    /// The span of a range of bytes in this file.
    pub(super) fn span(&self, range: std::ops::Range<usize>) -> Span {
        Span::new(self.file, range)
    }

    /// Reports an error, and what to do about it.
    pub(super) fn error_with(&mut self, span: Span, message: impl Into<String>, hint: impl Into<String>) {
        self.diagnostics.push(Diagnostic::error(span, message).hint(hint));
    }

    /// Reports that something is not there, unless a syntax error may have swallowed it.
    pub(super) fn missing(&mut self, span: Span, message: impl Into<String>, hint: impl Into<String>) {
        if !self.torn {
            self.error_with(span, message, hint);
        }
    }

    /// Reports a warning, and what to do about it.
    pub(super) fn warn(&mut self, span: Span, message: impl Into<String>, hint: impl Into<String>) {
        self.diagnostics.push(Diagnostic::warning(span, message).hint(hint));
    }

    /// How many errors there are so far.
    pub(super) fn errors(&self) -> usize {
        self.diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count()
    }
}

/// A text with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text {
    /// What it says.
    pub(super) text: String,
    /// Where.
    pub(super) span: Span,
}

/// A value with its place and what it is called.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value<'t> {
    /// The key it stands behind.
    key: &'t str,
    /// Whether it is an element of that key's array.
    element: bool,
    /// Where.
    pub(super) span: Span,
    value: &'t DeValue<'t>,
}

impl<'t> Value<'t> {
    /// Reports that it is of the wrong type.
    pub(super) fn wrong(self, log: &mut Log<'_>, wanted: &str) {
        let what = if self.element { "an element of " } else { "" };
        let message = format!("{what}\"{}\" must be {wanted}, not {}", self.key, self.kind());
        log.error_with(self.span, message, remedies::kind(self.value, wanted));
    }

    /// What kind of value it is.
    pub(super) const fn kind(self) -> &'static str {
        match self.value {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "an integer",
            DeValue::Float(_) => "a float",
            DeValue::Boolean(_) => "a boolean",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "an array",
            DeValue::Table(_) => "a table",
        }
    }

    /// The string, or an error that says what it should be.
    pub(super) fn string_as(self, log: &mut Log<'_>, wanted: &str) -> Option<&'t str> {
        match self.value {
            DeValue::String(text) => Some(text.as_ref()),
            _ => {
                self.wrong(log, wanted);
                None
            }
        }
    }

    /// The string.
    pub(super) fn string(self, log: &mut Log<'_>) -> Option<&'t str> {
        self.string_as(log, "a string")
    }

    /// The string with its place.
    pub(super) fn text(self, log: &mut Log<'_>) -> Option<Text> {
        self.string(log).map(|text| Text { text: text.to_owned(), span: self.span })
    }

    /// The boolean.
    pub(super) fn boolean(self, log: &mut Log<'_>) -> Option<bool> {
        if let DeValue::Boolean(value) = self.value {
            return Some(*value);
        }
        self.wrong(log, "true or false");
        None
    }

    /// An integer within bounds.
    pub(super) fn integer(self, log: &mut Log<'_>, bounds: std::ops::RangeInclusive<i64>) -> Option<i64> {
        let DeValue::Integer(digits) = self.value else {
            self.wrong(log, "an integer");
            return None;
        };
        let value = i64::from_str_radix(digits.as_str(), digits.radix()).ok().filter(|value| bounds.contains(value));
        if value.is_none() {
            let what = if self.element { "an element of " } else { "" };
            let message = format!("{what}\"{}\" must be from {} to {}", self.key, bounds.start(), bounds.end());
            log.error_with(self.span, message, "write a whole number within these bounds");
        }
        value
    }

    /// A float, or an integer read as one.
    pub(super) fn float(self, log: &mut Log<'_>) -> Option<f64> {
        let number = match self.value {
            DeValue::Integer(digits) => {
                i64::from_str_radix(digits.as_str(), digits.radix()).ok().map(|value| value as f64)
            }
            DeValue::Float(digits) => digits.as_str().parse().ok(),
            _ => {
                self.wrong(log, "a number");
                return None;
            }
        };
        if number.is_none() {
            let message = format!("\"{}\" is not a number that can be used", self.key);
            log.error_with(self.span, message, "write an ordinary number");
        }
        number
    }

    /// Whether it is written as an integer.
    pub(super) const fn is_integer(self) -> bool {
        matches!(self.value, DeValue::Integer(_))
    }

    /// Whether it is a float.
    pub(super) const fn is_float(self) -> bool {
        matches!(self.value, DeValue::Float(_))
    }

    /// Whether it is a table.
    pub(super) const fn is_table(self) -> bool {
        matches!(self.value, DeValue::Table(_))
    }

    /// Whether it is a list of tables, as `[[header]]` makes one.
    pub(super) fn is_array_of_tables(self) -> bool {
        let table = |element: &Spanned<DeValue<'_>>| matches!(element.get_ref(), DeValue::Table(_));
        matches!(self.value, DeValue::Array(elements) if !elements.is_empty() && elements.iter().all(table))
    }

    /// The elements of an array.
    pub(super) fn array(self, log: &mut Log<'_>, of: &str) -> Option<Vec<Self>> {
        let DeValue::Array(elements) = self.value else {
            self.wrong(log, &format!("an array of {of}"));
            return None;
        };
        let element = |value: &'t Spanned<DeValue<'t>>| Self {
            key: self.key,
            element: true,
            span: log.span(value.span()),
            value: value.get_ref(),
        };
        Some(elements.iter().map(element).collect())
    }

    /// The elements of an array that must not be empty.
    pub(super) fn array_of_some(self, log: &mut Log<'_>, of: &str) -> Option<Vec<Self>> {
        let elements = self.array(log, of)?;
        if elements.is_empty() {
            let required = ["endpoints", "rules"].contains(&self.key);
            let hint = if required { "name at least one" } else { "name at least one, or leave the key out" };
            log.error_with(self.span, format!("\"{}\" is empty", self.key), hint);
            return None;
        }
        Some(elements)
    }

    /// The table, called `what` in messages, blamed at `blame` for what it lacks.
    pub(super) fn table_at(self, log: &mut Log<'_>, what: impl Into<String>, blame: Span) -> Option<Table<'t>> {
        if let DeValue::Table(table) = self.value {
            return Some(Table::new(what.into(), blame, table, log.file));
        }
        self.wrong(log, "a table");
        None
    }

    /// The table, blamed at its own start for what it lacks.
    pub(super) fn table(self, log: &mut Log<'_>, what: impl Into<String>) -> Option<Table<'t>> {
        self.table_at(log, what, self.span)
    }
}

/// A table that remembers which keys were asked for, so that the others can be reported.
#[derive(Debug)]
pub(super) struct Table<'t> {
    /// What it is called in messages.
    what: String,
    /// The place to blame for what it lacks.
    pub(super) blame: Span,
    table: &'t DeTable<'t>,
    known: Vec<&'static str>,
    /// Keys that were refused: known, but not to be suggested.
    refused: Vec<&'static str>,
    file: FileId,
}

/// One key of a table and what stands behind it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'t> {
    /// The key.
    pub(super) key: &'t str,
    /// Where the key is.
    pub(super) span: Span,
    /// What stands behind it.
    pub(super) value: Value<'t>,
}

impl<'t> Table<'t> {
    const fn new(what: String, blame: Span, table: &'t DeTable<'t>, file: FileId) -> Self {
        Self { what, blame, table, known: Vec::new(), refused: Vec::new(), file }
    }

    /// A key's entry, if the key is there.
    pub(super) fn entry(&mut self, key: &'static str) -> Option<Entry<'t>> {
        self.known.push(key);
        let (key, value) = self.table.get_key_value(key)?;
        Some(self.make_entry(key, value))
    }

    /// A key's value, if the key is there.
    pub(super) fn take(&mut self, key: &'static str) -> Option<Value<'t>> {
        self.entry(key).map(|entry| entry.value)
    }

    /// A key's value; an error if the key is not there.
    pub(super) fn require(&mut self, log: &mut Log<'_>, key: &'static str, hint: &str) -> Option<Value<'t>> {
        let value = self.take(key);
        if value.is_none() && !self.misspells(&[key]) {
            log.missing(self.blame, format!("{} has no \"{key}\"", self.what), hint);
        }
        value
    }

    /// Whether an unknown key is nearly one of these: that it is missing need not be said too.
    pub(super) fn misspells(&self, keys: &[&str]) -> bool {
        let near = |written: &str, key: &str| {
            let part = written.len() > 3 && key.starts_with(written);
            written != key && (part || strsim::damerau_levenshtein(written, key) == 1)
        };
        let unknown = self.table.keys().map(|key| key.get_ref().as_ref()).filter(|key| !self.known.contains(key));
        unknown.into_iter().any(|written| keys.iter().any(|key| near(written, key)))
    }

    /// Refuses a key whose feature is reserved or not built.
    pub(super) fn refuse(&mut self, log: &mut Log<'_>, key: &'static str, shown: &str) {
        self.refused.push(key);
        if let Some((key, value)) = self.table.get_key_value(key) {
            let entry = self.make_entry(key, value);
            log.error_with(entry.span, format!("{shown} is not in this version"), "take it out");
        }
    }

    /// Every key, in the order written.
    pub(super) fn entries(&self) -> Vec<Entry<'t>> {
        let mut entries: Vec<_> = self.table.iter().map(|(key, value)| self.make_entry(key, value)).collect();
        entries.sort_by_key(|entry| entry.span.start);
        entries
    }

    /// Reports the keys that nobody asked for.
    pub(super) fn close(self, log: &mut Log<'_>) {
        for Entry { key, span, .. } in self.entries() {
            if self.known.iter().chain(&self.refused).all(|known| *known != key) {
                let mut error = Diagnostic::error(span, format!("unknown key \"{key}\" in {}", self.what));
                let known = did_you_mean(key, self.known.iter().copied());
                error.hint = known.or_else(|| Some("take it out".into()));
                log.diagnostics.push(error);
            }
        }
    }

    fn make_entry(&self, key: &'t Spanned<std::borrow::Cow<'t, str>>, value: &'t Spanned<DeValue<'t>>) -> Entry<'t> {
        let (name, span) = (key.get_ref().as_ref(), Span::new(self.file, key.span()));
        let value =
            Value { key: name, element: false, span: Span::new(self.file, value.span()), value: value.get_ref() };
        Entry { key: name, span, value }
    }
}

/// Parses a file and hands its root to `lower`; reports syntax errors; leaves the findings in order of place.
pub(super) fn with_root<T>(
    sources: &Sources,
    file: FileId,
    diagnostics: &mut Vec<Diagnostic>,
    lower: impl FnOnce(&mut Log<'_>, Table<'_>) -> Option<T>,
) -> Option<T> {
    let bytes = &sources.get(file).bytes;
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let at = error.valid_up_to();
            diagnostics.push(
                Diagnostic::error(Span::new(file, at..at + 1), "the file is not UTF-8")
                    .hint("TOML files are UTF-8; save it in that encoding"),
            );
            return None;
        }
    };
    let (root, errors) = DeTable::parse_recoverable(text);
    let syntax = Syntax::new(file, text, &errors);
    let mut findings = Vec::new();
    let mut log = Log { file, torn: !syntax.errors.is_empty(), hides: false, diagnostics: &mut findings };
    let blame = Span::start_of(file);
    let table = Table::new("the file".into(), blame, root.get_ref(), file);
    let lowered = check_version(&mut log, table).and_then(|table| lower(&mut log, table));
    syntax.drop_consequences(&mut findings);
    findings.extend(syntax.errors);
    findings.sort_by_key(|finding| finding.span.map(|span| (span.file, span.start)));
    diagnostics.extend(findings);
    lowered
}

/// Checks `version`; none if the file is of another version, whose keys cannot be judged.
fn check_version<'t>(log: &mut Log<'_>, mut table: Table<'t>) -> Option<Table<'t>> {
    let version = table.require(log, "version", "write version = 1 at the top of the file");
    match version {
        Some(value) if value.is_integer() => match value.value {
            DeValue::Integer(digits) if digits.as_str() == "1" => Some(table),
            _ if log.torn => Some(table),
            _ => {
                log.error_with(value.span, "this version of Windrose reads version 1 only", "write version = 1");
                None
            }
        },
        Some(value) => {
            value.wrong(log, "the integer 1");
            Some(table)
        }
        None => Some(table),
    }
}
