//! What loading found.

use std::collections::HashSet;

use crate::base::{Diagnostic, Sources, Span};

use super::files::Files;

/// What a run of loading found: the files it read, and everything to say about them.
#[derive(Debug, Default)]
pub struct Report {
    /// What diagnostics point into.
    pub sources: Sources,
    /// Errors and warnings, in order of file and place; those without a place last.
    pub diagnostics: Vec<Diagnostic>,
    /// How many zones were read, sound or not.
    pub zones: usize,
    /// How many steered names could be read.
    pub steered_names: usize,
    /// Every file that was read or looked for.
    pub files: Files,
}

impl Report {
    /// Whether anything forbids serving.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// Every diagnostic on a line of its own.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.diagnostics.iter().map(|diagnostic| self.sources.one_line(diagnostic)).collect()
    }

    /// Sorts what was found, and drops what only follows.
    pub(super) fn put_in_order(&mut self) {
        drop_overshadowed(&mut self.diagnostics);
        let place = |found: &Diagnostic| found.span.map_or((true, None), |span| (false, Some((span.file, span.start))));
        self.diagnostics.sort_by_key(place);
    }

    /// Adds an error, at a place if there is one.
    pub(super) fn error(&mut self, span: Option<Span>, message: String, hint: &str) {
        let place = |span| Diagnostic::error(span, message.clone());
        let diagnostic = span.map_or_else(|| Diagnostic::error_nowhere(message.clone()), place);
        self.diagnostics.push(diagnostic.hint(hint));
    }
}

/// Drops warnings of what an error is reported of: mending that may well mend both.
fn drop_overshadowed(diagnostics: &mut Vec<Diagnostic>) {
    let wrong: HashSet<Option<Span>> =
        diagnostics.iter().filter(|found| found.is_error()).map(|found| found.span).collect();
    diagnostics.retain(|found| found.is_error() || !wrong.contains(&found.span));
}
