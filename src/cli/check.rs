//! `windrose check`: every mistake of a configuration, without serving it.

use std::io::IsTerminal;
use std::path::Path;

use serde::Serialize;

use crate::config::report;
use crate::control::{self, Report};

use super::finding::{Finding, tally};
use super::{CheckArgs, FAILED, OK};

/// What `--json` prints: one object on one line, and nothing else.
#[derive(Debug, Serialize)]
struct Verdict<'r> {
    /// The main file, as it was named.
    config: String,
    /// Whether it can be served, with `--strict` without a warning; the exit code says the same.
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

/// Loads a configuration and prints what there is to say.
#[allow(clippy::print_stdout, reason = "the command's output")]
pub(super) fn run(args: &CheckArgs) -> u8 {
    let config = &args.config.config;
    let (report, sound) = match control::load(config) {
        Ok((_, report)) => (report, true),
        Err(report) => (report, false),
    };
    let ok = sound && !(args.strict && tally(&report).1 > 0);
    if args.json {
        let text = serde_json::to_string(&verdict(config, ok, &report)).expect("strings and numbers are always JSON");
        println!("{text}");
    } else {
        print!("{}", text(config, sound, ok, &report));
    }
    if ok { OK } else { FAILED }
}

fn text(config: &Path, sound: bool, ok: bool, report: &Report) -> String {
    let colour = std::io::stdout().is_terminal();
    let found = report::render_all(&report.sources, &report.diagnostics, colour);
    if !sound {
        return found;
    }
    let count = |number: usize, word: &str| format!("{number} {word}{}", if number == 1 { "" } else { "s" });
    let (zones, names) = (count(report.zones, "zone"), count(report.steered_names, "steered name"));
    let strict = if ok { "" } else { "; refused for its warnings" };
    format!("{found}{} can be served: {zones}, {names}{strict}\n", config.display())
}

fn verdict<'r>(config: &Path, ok: bool, report: &'r Report) -> Verdict<'r> {
    let (errors, warnings) = tally(report);
    Verdict {
        config: config.display().to_string(),
        ok,
        errors,
        warnings,
        zones: report.zones,
        steered_names: report.steered_names,
        diagnostics: Finding::all(report),
    }
}
