//! How many instructions `respond` takes for each shape of answer, counted by Callgrind and held to recorded budgets.
//!
//! `cargo run --release --example instructions` compares with `benches/instructions.txt`; with `-- --record` it writes
//! that file. The program runs itself once under Valgrind, which counts only within [`counted_queries`] and writes a
//! file of counts each time that is left, so that neither loading nor this program's own work is in them.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "its output")]

#[path = "../tests/support/mod.rs"]
mod support;

#[path = "instructions/budgets.rs"]
mod budgets;

use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use budgets::{Budgets, Counts};
use support::shapes::{self, Shape};
use support::{Engine, repository};
use windrose::answer::Meta;

/// Queries of each shape, so that the mean of what is drawn at random hardly depends on the draws.
const QUERIES: u64 = 500;

/// The counts are those of one architecture.
const COUNTABLE: bool = cfg!(all(target_arch = "x86_64", target_os = "linux"));

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let told = |option: &str| std::env::args().any(|argument| argument == option);
    if told("--counted") {
        ask_all();
        return Ok(ExitCode::SUCCESS);
    }
    if !COUNTABLE {
        println!("instructions are counted on x86-64 Linux only");
        return Ok(ExitCode::SUCCESS);
    }
    let (file, counts) = (repository("benches/instructions.txt"), count()?);
    if told("--record") {
        fs::write(&file, counts.to_string())?;
        println!("{counts}recorded in {}", file.display());
        return Ok(ExitCode::SUCCESS);
    }
    let budgets: Budgets = fs::read_to_string(&file)?.parse()?;
    let kept = budgets.compare(&counts);
    Ok(if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Asks every shape's queries, in order.
fn ask_all() {
    let mut engine = shapes::engine();
    for Shape { query, transport, .. } in shapes::shapes(&mut engine) {
        let meta = engine.meta(transport);
        counted_queries(&mut engine, &query, &meta);
    }
}

/// What Callgrind counts within: the name of [`counted_queries`].
const COUNTED: &str = "instructions::counted_queries";

/// Asks one shape's queries.
#[inline(never)]
fn counted_queries(engine: &mut Engine, query: &[u8], meta: &Meta) {
    for _ in 0..QUERIES {
        black_box(engine.respond(black_box(query), meta));
    }
}

/// Instructions a query, by shape.
fn count() -> Result<Counts, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let output = folder.path().join("counts");
    let run = Command::new("valgrind")
        .arg("--tool=callgrind")
        .args([format!("--toggle-collect={COUNTED}"), format!("--dump-after={COUNTED}")])
        .arg(format!("--callgrind-out-file={}", output.display()))
        .arg(std::env::current_exe()?)
        .arg("--counted")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("valgrind: {error} (apt-get install valgrind)"))?;
    if !run.status.success() {
        return Err(format!("valgrind: {}\n{}", run.status, String::from_utf8_lossy(&run.stderr)).into());
    }
    let shapes = shapes::shapes(&mut shapes::engine());
    let counts = shapes.iter().zip(1..).map(|(shape, at)| {
        let total = total(&output.with_extension(at.to_string()))?;
        Ok((shape.name.to_owned(), total.div_ceil(QUERIES)))
    });
    counts.collect::<Result<_, Box<dyn Error>>>().map(Counts)
}

/// The instructions of one file of counts.
fn total(file: &Path) -> Result<u64, Box<dyn Error>> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let total = text.lines().find_map(|line| line.strip_prefix("summary: ").or(line.strip_prefix("totals: ")));
    match total.map(str::parse) {
        Some(Ok(total)) if total > 0 => Ok(total),
        _ => Err(format!("{} has no counts", file.display()).into()),
    }
}
