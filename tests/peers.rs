//! The side-by-side harness without the servers it measures: its command line, its statistics, and that Windrose takes the
//! configurations it writes. Without Python these tests are ignored and say so; with `WINDROSE_REQUIRE_TOOLS` set they fail.

use std::process::{Command, ExitCode, Output};

use libtest_mimic::{Arguments, Failed, Trial};

const RUN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/run");

fn main() -> ExitCode {
    let trials = vec![trial("it_says_what_it_takes", help), trial("its_own_tests_pass", own_tests)];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn trial(name: &str, test: fn() -> Result<(), Failed>) -> Trial {
    let there = Command::new("python3").arg("--version").output().is_ok();
    let required = std::env::var_os("WINDROSE_REQUIRE_TOOLS").is_some();
    let needs = "needs python3: apt-get install python3";
    let trial = Trial::test(name, move || if there { test() } else { Err(needs.into()) });
    if there { trial } else { trial.with_kind(needs).with_ignored_flag(!required) }
}

fn help() -> Result<(), Failed> {
    let output = run("--help")?;
    let said = String::from_utf8(output.stdout)?;
    if output.status.success() && said.contains("--rounds") { Ok(()) } else { Err(said.into()) }
}

fn own_tests() -> Result<(), Failed> {
    let output = run("--selftest")?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8(output.stderr)?.into()) }
}

fn run(option: &str) -> std::io::Result<Output> {
    Command::new("python3").args([RUN, option]).env("WINDROSE", env!("CARGO_BIN_EXE_windrose")).output()
}
