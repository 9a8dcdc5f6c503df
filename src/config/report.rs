//! Diagnostics as people read them: the place, the source line with the spot marked, the hint.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use crate::base::{Diagnostic, Severity, Sources};

/// Renders diagnostics and a closing count; nothing if there are none.
#[must_use]
pub fn render(sources: &Sources, diagnostics: &[Diagnostic]) -> String {
    let mut text: String = diagnostics.iter().map(|diagnostic| one(sources, diagnostic) + "\n\n").collect();
    if !diagnostics.is_empty() {
        text += &count(diagnostics);
        text.push('\n');
    }
    text
}

fn one(sources: &Sources, diagnostic: &Diagnostic) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let group = level.primary_title(diagnostic.message.as_str());
    let source;
    let mut group = match diagnostic.span {
        None => group.elements(std::iter::empty::<annotate_snippets::Element<'_>>()),
        Some(span) => {
            let file = sources.get(span.file);
            source = Line::of(&file.bytes, span.start as usize, span.end as usize);
            let snippet = Snippet::source(source.text.as_str()).path(file.name.as_str()).line_start(source.number);
            group.element(snippet.annotation(AnnotationKind::Primary.span(source.mark.clone())))
        }
    };
    if let Some(hint) = &diagnostic.hint {
        group = group.element(Level::HELP.message(hint.as_str()));
    }
    Renderer::plain().render(&[group])
}

/// The line that a span begins in. Only that line is shown, so that no file is copied whole.
struct Line {
    text: String,
    number: usize,
    /// The part of the span that lies in it.
    mark: std::ops::Range<usize>,
}

impl Line {
    fn of(bytes: &[u8], start: usize, end: usize) -> Self {
        let start = start.min(bytes.len());
        let first = bytes[..start].iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let last = bytes[start..].iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |at| start + at);
        let end = end.clamp(start, last);
        // what is not UTF-8 is shown as the replacement character, so the mark is measured after that
        let part = |from: usize, to: usize| String::from_utf8_lossy(&bytes[from..to]).into_owned();
        let (before, marked, behind) = (part(first, start), part(start, end), part(end, last));
        let mark = before.len()..before.len() + marked.len();
        let number = bytes[..first].iter().filter(|&&byte| byte == b'\n').count() + 1;
        Self { text: before + &marked + &behind, number, mark }
    }
}

/// `2 errors, 1 warning`.
fn count(diagnostics: &[Diagnostic]) -> String {
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count();
    let plural = |count: usize, what: &str| match count {
        0 => None,
        1 => Some(format!("1 {what}")),
        _ => Some(format!("{count} {what}s")),
    };
    let parts = [plural(errors, "error"), plural(diagnostics.len() - errors, "warning")];
    parts.into_iter().flatten().collect::<Vec<String>>().join(", ")
}
