//! Diagnostics for people: the source line with the fault underlined, as compilers show it.

use std::fmt::Write as _;

use annotate_snippets::{AnnotationKind, Level, Message, Renderer, Snippet};

use crate::base::{Diagnostic, Severity, Sources, Span};

/// Renders one finding: `error: what`, `file:line:column`, the line, and the hint. Ends with a newline.
#[must_use]
pub fn render(sources: &Sources, diagnostic: &Diagnostic, colour: bool) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let excerpt = diagnostic.span.map(|span| Excerpt::of(sources, span));
    let mut group = level.primary_title(diagnostic.message.as_str()).elements(None::<Message<'_>>);
    if let Some(excerpt) = &excerpt {
        let marked = AnnotationKind::Primary.span(excerpt.mark.clone());
        let snippet = Snippet::source(excerpt.text.as_str()).line_start(excerpt.line).path(excerpt.name);
        group = group.element(snippet.annotation(marked));
    }
    if let Some(hint) = &diagnostic.hint {
        group = group.element(Level::HELP.message(hint.as_str()));
    }
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    renderer.render(&[group]) + "\n"
}

/// Renders all findings with a blank line between, and a last line that counts them. Nothing for none.
#[must_use]
pub fn render_all(sources: &Sources, diagnostics: &[Diagnostic], colour: bool) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics {
        text += &render(sources, diagnostic, colour);
        text.push('\n');
    }
    if !diagnostics.is_empty() {
        let _ = writeln!(text, "{}", counts(diagnostics));
    }
    text
}

/// `2 errors, 1 warning`.
#[must_use]
pub fn counts(diagnostics: &[Diagnostic]) -> String {
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count();
    let count = |number: usize, word: &str| match number {
        1 => format!("1 {word}"),
        _ => format!("{number} {word}s"),
    };
    match (errors, diagnostics.len() - errors) {
        (0, 0) => "no errors".into(),
        (errors, 0) => count(errors, "error"),
        (0, warnings) => count(warnings, "warning"),
        (errors, warnings) => format!("{}, {}", count(errors, "error"), count(warnings, "warning")),
    }
}

/// The line that a span starts on, as text.
struct Excerpt<'s> {
    name: &'s str,
    line: usize,
    text: String,
    /// The fault within that text.
    mark: std::ops::Range<usize>,
}

/// Longer lines are cut around the fault, so that one of megabytes does not fill the terminal.
const LINE_LIMIT: usize = 4096;

/// As UTF-8; it would be shown as a blank.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

impl<'s> Excerpt<'s> {
    fn of(sources: &'s Sources, span: Span) -> Self {
        let source = sources.get(span.file);
        let bytes = source.bytes.as_slice();
        let start = (span.start as usize).min(bytes.len());
        let line_start = bytes[..start].iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let mark = if line_start == 0 && bytes.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        let line_start = (line_start + mark).min(start);
        let line_end = bytes[start..].iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |at| start + at);
        let line_end = line_end.min(line_start + LINE_LIMIT).max(start);
        let end = (span.end as usize).clamp(start, line_end);
        // invalid octets become wider, so each part is made text on its own
        let mut text = String::from_utf8_lossy(&bytes[line_start..start]).into_owned();
        let mark_start = text.len();
        text += &String::from_utf8_lossy(&bytes[start..end]);
        let mark = mark_start..text.len();
        text += String::from_utf8_lossy(&bytes[end..line_end]).trim_end_matches('\r');
        Self { name: &source.name, line: sources.position(span).line, text, mark }
    }
}
