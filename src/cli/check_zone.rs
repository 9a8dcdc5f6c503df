//! `windrose check-zone`: every mistake of one zone file, without a configuration.

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::base::grouped;
use crate::config::report;
use crate::control::{self, Report, reason, shown};
use crate::wire::Name;
use crate::zone::Zone;

use super::finding::{Finding, tally};
use super::{FAILED, MISUSED, OK};

/// Which zone to check.
#[derive(Args, Debug)]
pub(super) struct CheckZoneArgs {
    /// The zone's name
    #[arg(value_name = "NAME")]
    name: Name,
    /// Its file, or - for standard input; what it includes is looked for beside it
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Exit with 1 on warnings too
    #[arg(long)]
    strict: bool,
    /// As one JSON object, for programs
    #[arg(long)]
    json: bool,
}

/// What `--json` prints: one object on one line, and nothing else.
#[derive(Debug, Serialize)]
struct Verdict<'r> {
    /// The zone's name, without a dot at its end.
    zone: String,
    /// The file, as it was named.
    file: String,
    /// Whether it can be served, with `--strict` without a warning; the exit code says the same.
    ok: bool,
    errors: usize,
    warnings: usize,
    /// The serial number; null where the zone cannot be served, as the next.
    serial: Option<u32>,
    /// How many records there are, duplicates counted once.
    records: Option<usize>,
    /// In order of file and place.
    diagnostics: Vec<Finding<'r>>,
}

/// Reads a zone file and prints what there is to say.
#[allow(clippy::print_stdout, clippy::print_stderr, reason = "the command's output")]
pub(super) fn run(args: &CheckZoneArgs) -> u8 {
    let (zone, report) = match control::load_zone(&args.name, &args.file) {
        Ok(loaded) => loaded,
        Err(error) => {
            eprintln!("error: cannot read {}: {}", shown(&args.file), reason(&error));
            return MISUSED;
        }
    };
    let zone = zone.as_deref();
    let ok = zone.is_some() && !(args.strict && tally(&report).1 > 0);
    if args.json {
        let verdict = verdict(args, zone, ok, &report);
        println!("{}", serde_json::to_string(&verdict).expect("strings and numbers are always JSON"));
    } else {
        let colour = std::io::stdout().is_terminal();
        let found = report::render_all(&report.sources, &report.diagnostics, colour);
        print!("{found}{}", zone.map(|zone| summary(args, zone, ok)).unwrap_or_default());
    }
    if ok { OK } else { FAILED }
}

/// `zone example.com/IN: serial 2026010101, 1,203 records: OK`
fn summary(args: &CheckZoneArgs, zone: &Zone, ok: bool) -> String {
    let count = zone.record_count();
    let records = format!("{} {}", grouped(count), if count == 1 { "record" } else { "records" });
    let verdict = if ok { "OK" } else { "refused for its warnings" };
    format!("zone {}/IN: serial {}, {records}: {verdict}\n", plain(&args.name), zone.serial())
}

/// A name as people write it: without a dot at its end.
fn plain(name: &Name) -> String {
    let text = name.to_string();
    text.strip_suffix('.').filter(|text| !text.is_empty()).map_or(text.clone(), str::to_owned)
}

fn verdict<'r>(args: &CheckZoneArgs, zone: Option<&Zone>, ok: bool, report: &'r Report) -> Verdict<'r> {
    let (errors, warnings) = tally(report);
    Verdict {
        zone: plain(&args.name),
        file: args.file.display().to_string(),
        ok,
        errors,
        warnings,
        serial: zone.map(Zone::serial),
        records: zone.map(Zone::record_count),
        diagnostics: Finding::all(report),
    }
}
