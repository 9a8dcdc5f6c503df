//! Diagnostics of config and zone files: what is wrong, where, and what to do about it.
//!
//! A parser pushes [`Diagnostic`]s and goes on, so that one run reports every mistake. Positions are byte ranges in a
//! file of [`Sources`]; [`Sources::position`] turns them into line and column.

use std::fmt;

/// A file of [`Sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(pub u32);

/// A range of bytes in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// A range of bytes; files beyond 4 GiB are cut at that.
    #[must_use]
    pub fn new(file: FileId, range: std::ops::Range<usize>) -> Self {
        let clamp = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self { file, start: clamp(range.start), end: clamp(range.end) }
    }

    /// The start of a file, for what concerns the whole of it.
    #[must_use]
    pub const fn start_of(file: FileId) -> Self {
        Self { file, start: 0, end: 0 }
    }
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// It may be meant, but look at it.
    Warning,
    /// It will not be served.
    Error,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Where; none where no file is at fault.
    pub span: Option<Span>,
    /// What is wrong, as one sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// An error at a place.
    #[must_use]
    pub fn error(span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, span: Some(span), message: message.into(), hint: None }
    }

    /// A warning at a place.
    #[must_use]
    pub fn warning(span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, span: Some(span), message: message.into(), hint: None }
    }

    /// An error without a place, such as a file that cannot be read.
    #[must_use]
    pub fn error_nowhere(message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, span: None, message: message.into(), hint: None }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Whether it forbids serving.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// The files that diagnostics point into.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<Source>,
}

/// May stand at the start of a file; editors do not show it.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// One file: its name as the operator knows it, and its bytes.
#[derive(Clone, Debug)]
pub struct Source {
    /// Path as shown to the operator.
    pub name: String,
    /// Its content. Not always UTF-8: zone files may hold any octet.
    pub bytes: Vec<u8>,
}

/// A place in a file as people count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// From 1, in characters; octets that are no UTF-8 count as they are shown, a byte order mark does not.
    pub column: usize,
}

impl Sources {
    /// Adds a file.
    pub fn add(&mut self, name: impl Into<String>, bytes: Vec<u8>) -> FileId {
        self.files.push(Source { name: name.into(), bytes });
        FileId(u32::try_from(self.files.len() - 1).expect("fewer than 2^32 files"))
    }

    /// A file added before.
    #[must_use]
    pub fn get(&self, file: FileId) -> &Source {
        &self.files[file.0 as usize]
    }

    /// Line and column of the start of a span.
    #[must_use]
    pub fn position(&self, span: Span) -> Position {
        self.position_of(span.file, span.start)
    }

    /// Line and column one past the end of a span.
    #[must_use]
    pub fn end_position(&self, span: Span) -> Position {
        self.position_of(span.file, span.end.max(span.start))
    }

    fn position_of(&self, file: FileId, at: u32) -> Position {
        let bytes = &self.get(file).bytes;
        let before = &bytes[..(at as usize).min(bytes.len())];
        let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let line = String::from_utf8_lossy(&before[line_start..]);
        let mark = line_start == 0 && line.starts_with(BYTE_ORDER_MARK);
        let column = line.chars().count() - usize::from(mark);
        Position { line: before.iter().filter(|&&byte| byte == b'\n').count() + 1, column: column + 1 }
    }

    /// `file:line:column: error: message (hint)`, on one line.
    #[must_use]
    pub fn one_line(&self, diagnostic: &Diagnostic) -> String {
        format!("{}{}: {}", self.place(diagnostic), diagnostic.severity, said(diagnostic))
    }

    /// `file:line:column: message (hint)`, for where the severity is said otherwise.
    #[must_use]
    pub fn without_severity(&self, diagnostic: &Diagnostic) -> String {
        self.place(diagnostic) + &said(diagnostic)
    }

    fn place(&self, diagnostic: &Diagnostic) -> String {
        let place = |span: Span| {
            let Position { line, column } = self.position(span);
            format!("{}:{line}:{column}: ", self.get(span.file).name)
        };
        diagnostic.span.map(place).unwrap_or_default()
    }
}

fn said(diagnostic: &Diagnostic) -> String {
    let hint = diagnostic.hint.as_ref().map(|hint| format!(" ({hint})"));
    format!("{}{}", diagnostic.message, hint.unwrap_or_default())
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}
