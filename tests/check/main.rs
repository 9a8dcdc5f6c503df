//! What `windrose check` and `windrose check-zone` say of broken configurations, as data: each `cases/*.case` is a test of its own.
//!
//! A case edits the sound configuration in `base`, and holds the whole output and the exit code of the program.
//! `README.md` describes the format. With `WINDROSE_BLESS=1` the outputs are written instead of compared.
#![allow(clippy::unwrap_used, reason = "a test that cannot write its files should fail where it stands")]

mod alone;
mod case;
mod databases;
mod json;
mod others;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use libtest_mimic::{Arguments, Failed, Trial};

use case::{CHECK, Case};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials: Vec<Trial> = cases()
        .into_iter()
        .map(|path| {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            Trial::test(name, move || run(&path))
        })
        .collect();
    trials.push(Trial::test("shipped_configuration", || {
        passes(Path::new(env!("CARGO_MANIFEST_DIR")), "5 steered names")
    }));
    trials.push(Trial::test("examples_of_the_design", examples_of_the_design));
    trials.push(Trial::test("form_of_json", form_of_json));
    trials.extend(alone::trials());
    trials.extend(others::trials());
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/check")
}

fn cases() -> Vec<PathBuf> {
    let entries = fs::read_dir(here().join("cases")).unwrap();
    let mut cases: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    cases.retain(|path| path.extension().is_some_and(|extension| extension == "case"));
    cases.sort();
    cases
}

fn run(path: &Path) -> Result<(), Failed> {
    let text = fs::read_to_string(path)?;
    let case = Case::parse(&text)?;
    let folder = tempfile::tempdir()?;
    case.write(&here().join("base"), folder.path())?;
    let (code, shown) = windrose(folder.path(), case.command);
    if std::env::var_os("WINDROSE_BLESS").is_some() {
        fs::write(path, case.with_output(code, &shown))?;
    } else if (code, shown.as_str()) != (case.code, case.output) {
        let expected = format!("exit {}\n{}", case.code, case.output);
        return Err(format!("expected {expected}\nfound exit {code}\n{shown}").into());
    }
    let (json_code, json) = windrose(folder.path(), &format!("{} --json", case.command));
    if json_code != code {
        return Err(format!("--json exits with {json_code}").into());
    }
    json::agrees(&json, case.command, code == 0, &shown).map_err(|problem| format!("--json: {problem}\n{json}").into())
}

/// Exit code and standard output of a command, run in a folder.
fn windrose(folder: &Path, command: &str) -> (i32, String) {
    let mut windrose = Command::new(env!("CARGO_BIN_EXE_windrose"));
    windrose.current_dir(folder).args(command.split_whitespace()).stdin(Stdio::null());
    let output = windrose.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.is_empty(), "on standard error: {errors}");
    (output.status.code().unwrap_or(-1), String::from_utf8(output.stdout).unwrap())
}

/// Nothing may be said of a configuration but that it can be served.
fn passes(folder: &Path, names: &str) -> Result<(), Failed> {
    let (code, shown) = windrose(folder, CHECK);
    if (code, &shown) == (0, &format!("config/windrose.toml can be served: 1 zone, {names}\n")) {
        return Ok(());
    }
    Err(format!("exit {code}\n{shown}").into())
}

/// Every key of the main file but certificates, and the steering file that shows every key, over the shipped zone.
fn examples_of_the_design() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (from, to) in [
        ("tests/check/blueprint.toml", "config/windrose.toml"),
        ("src/config/tests/blueprint.toml", "zones/example.com.toml"),
        ("zones/example.com.zone", "zones/example.com.zone"),
    ] {
        case::put(folder.path(), to, &fs::read(repository.join(from))?);
    }
    databases::all().iter().for_each(|(name, bytes)| case::put(folder.path(), name, bytes));
    passes(folder.path(), "4 steered names")
}

fn form_of_json() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    case::put(folder.path(), "config/windrose.toml", "versoin = 1\nversion = 1\n".as_bytes());
    let (code, shown) = windrose(folder.path(), &format!("{CHECK} --json"));
    let expected = concat!(
        r#"{"config":"config/windrose.toml","ok":false,"errors":1,"warnings":0,"zones":0,"steered_names":0,"#,
        r#""diagnostics":[{"severity":"error","file":"config/windrose.toml","line":1,"column":1,"end_line":1,"#,
        r#""end_column":8,"message":"unknown key \"versoin\" in the file","hint":"did you mean \"version\"?"}]}"#,
        "\n"
    );
    if (code, shown.as_str()) == (1, expected) { Ok(()) } else { Err(format!("exit {code}\n{shown}").into()) }
}
