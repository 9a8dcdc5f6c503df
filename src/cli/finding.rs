//! What was found, as `--json` prints it.

use serde::Serialize;

use crate::base::{Diagnostic, Sources};
use crate::control::Report;

/// One diagnostic. The places are null where no file is at fault, such as one that cannot be read.
#[derive(Debug, Serialize)]
pub(super) struct Finding<'r> {
    /// `error` or `warning`.
    severity: String,
    file: Option<&'r str>,
    /// Where the token at fault begins, both counted from 1; columns in characters.
    line: Option<usize>,
    column: Option<usize>,
    /// One past its last character.
    end_line: Option<usize>,
    end_column: Option<usize>,
    message: &'r str,
    /// What to do about it, if that can be said.
    hint: Option<&'r str>,
}

impl<'r> Finding<'r> {
    /// Everything that a report says.
    pub(super) fn all(report: &'r Report) -> Vec<Self> {
        report.diagnostics.iter().map(|found| Self::of(&report.sources, found)).collect()
    }

    fn of(sources: &'r Sources, found: &'r Diagnostic) -> Self {
        let start = found.span.map(|span| sources.position(span));
        let end = found.span.map(|span| sources.end_position(span));
        Self {
            severity: found.severity.to_string(),
            file: found.span.map(|span| sources.get(span.file).name.as_str()),
            line: start.map(|start| start.line),
            column: start.map(|start| start.column),
            end_line: end.map(|end| end.line),
            end_column: end.map(|end| end.column),
            message: &found.message,
            hint: found.hint.as_deref(),
        }
    }
}

/// How many errors and how many warnings a report has.
pub(super) fn tally(report: &Report) -> (usize, usize) {
    let errors = report.diagnostics.iter().filter(|found| found.is_error()).count();
    (errors, report.diagnostics.len() - errors)
}
