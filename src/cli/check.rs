//! `windrose check`: every mistake of a configuration, without serving it.

use std::io::IsTerminal;
use std::path::Path;

use serde::Serialize;

use crate::base::{Diagnostic, Sources};
use crate::config::report;
use crate::control::{self, Report};

use super::{FAILED, OK};

/// What `--json` prints: one object on one line, and nothing else.
#[derive(Debug, Serialize)]
struct Verdict<'r> {
    /// The main file, as it was named.
    config: String,
    /// Whether it can be served; the exit code says the same.
    ok: bool,
    errors: usize,
    warnings: usize,
    /// How many zones were read; where there are errors, not all of them may have been found.
    zones: usize,
    /// Likewise of steered names.
    steered_names: usize,
    /// In order of file and place; those without a place last.
    diagnostics: Vec<Finding<'r>>,
}

/// One diagnostic. The places are null where no file is at fault, such as one that cannot be read.
#[derive(Debug, Serialize)]
struct Finding<'r> {
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

/// Loads a configuration and prints what there is to say.
#[allow(clippy::print_stdout, reason = "the command's output")]
pub(super) fn run(config: &Path, json: bool) -> u8 {
    let (report, ok) = match control::load(config) {
        Ok((_, report)) => (report, true),
        Err(report) => (report, false),
    };
    if json {
        let text = serde_json::to_string(&verdict(config, ok, &report)).expect("strings and numbers are always JSON");
        println!("{text}");
    } else {
        print!("{}", text(config, ok, &report));
    }
    if ok { OK } else { FAILED }
}

fn text(config: &Path, ok: bool, report: &Report) -> String {
    let colour = std::io::stdout().is_terminal();
    let found = report::render_all(&report.sources, &report.diagnostics, colour);
    if !ok {
        return found;
    }
    let count = |number: usize, word: &str| format!("{number} {word}{}", if number == 1 { "" } else { "s" });
    let (zones, names) = (count(report.zones, "zone"), count(report.steered_names, "steered name"));
    format!("{found}{} can be served: {zones}, {names}\n", config.display())
}

fn verdict<'r>(config: &Path, ok: bool, report: &'r Report) -> Verdict<'r> {
    let errors = report.diagnostics.iter().filter(|found| found.is_error()).count();
    Verdict {
        config: config.display().to_string(),
        ok,
        errors,
        warnings: report.diagnostics.len() - errors,
        zones: report.zones,
        steered_names: report.steered_names,
        diagnostics: report.diagnostics.iter().map(|found| finding(&report.sources, found)).collect(),
    }
}

fn finding<'r>(sources: &'r Sources, found: &'r Diagnostic) -> Finding<'r> {
    let start = found.span.map(|span| sources.position(span));
    let end = found.span.map(|span| sources.end_position(span));
    Finding {
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
