//! The load generator of `benches/peers/run`, and the echo that is its floor.
//!
//! ```text
//! blast load --to ADDR --queries FILE --seconds S [--warm S] [--lanes N] [--window N | --rate QPS] [--regions] [--pid PID]…
//! blast echo --at ADDR --size OCTETS
//! ```
//!
//! `load` asks the prebuilt queries of a file, checks every answer, and prints one line of JSON. With a window it keeps that
//! many queries on their way and never sleeps; with a rate it sends them by the clock and sleeps between. It reads the CPU
//! time of the processes named at both ends of the measured time itself, so that neither starting nor stopping counts.
//!
//! [`run`] drives, [`lane`] is one socket with what it waits for, [`queries`] and [`answers`] are the files and the checks,
//! [`tally`] the counts, [`batch`] the system calls, [`cpu`] the server's time, [`histogram`] the waiting times, [`echo`] the floor.
#![allow(clippy::disallowed_methods, reason = "a measurement reads the clock")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "its output")]

mod answers;
mod batch;
mod cpu;
mod echo;
mod histogram;
mod lane;
mod queries;
mod run;
mod tally;

use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let done = match words.next().as_deref() {
        Some("load") => options(words).and_then(|options| load(&options)),
        Some("echo") => options(words).and_then(|options| Ok(echo::serve(options.at("at")?, options.number("size")?)?)),
        _ => Err("the first word is \"load\" or \"echo\"; see the head of main.rs".into()),
    };
    done.map_or_else(
        |error| {
            eprintln!("blast: {error}");
            ExitCode::FAILURE
        },
        |()| ExitCode::SUCCESS,
    )
}

fn load(options: &Options) -> Result<(), Box<dyn Error>> {
    let queries = queries::Queries::read(options.value("queries")?.as_ref())?;
    let plan = run::Plan {
        to: options.at("to")?,
        warm: Duration::from_secs_f64(options.or("warm", 0.7)?),
        measured: Duration::from_secs_f64(options.number("seconds")?),
        lanes: options.or("lanes", 2)?,
        window: options.or("window", 64)?,
        rate: options.or("rate", 0.0)?,
        regions: options.value("regions").is_ok(),
        pids: options.all("pid")?,
    };
    println!("{}", run::run(&plan, &queries)?);
    Ok(())
}

/// `--name value` pairs, in order; `--regions` has no value.
struct Options(Vec<(String, String)>);

fn options(mut words: impl Iterator<Item = String>) -> Result<Options, Box<dyn Error>> {
    let mut pairs = Vec::new();
    while let Some(word) = words.next() {
        let name = word.strip_prefix("--").ok_or_else(|| format!("\"{word}\" is not an option"))?;
        let value = if name == "regions" { Some(String::new()) } else { words.next() };
        pairs.push((name.to_owned(), value.ok_or_else(|| format!("{word} takes a value"))?));
    }
    Ok(Options(pairs))
}

impl Options {
    fn value(&self, name: &str) -> Result<&str, Box<dyn Error>> {
        let found = self.0.iter().rev().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str()).ok_or_else(|| format!("--{name} is missing").into())
    }

    fn number<T: FromStr>(&self, name: &str) -> Result<T, Box<dyn Error>> {
        self.value(name)?.parse().map_err(|_| format!("--{name} takes a number").into())
    }

    fn or<T: FromStr>(&self, name: &str, default: T) -> Result<T, Box<dyn Error>> {
        if self.value(name).is_ok() { self.number(name) } else { Ok(default) }
    }

    fn at(&self, name: &str) -> Result<SocketAddr, Box<dyn Error>> {
        self.value(name)?.parse().map_err(|_| format!("--{name} takes an address with a port").into())
    }

    fn all(&self, name: &str) -> Result<Vec<u32>, Box<dyn Error>> {
        let values = self.0.iter().filter(|(other, _)| other == name);
        values.map(|(_, value)| value.parse().map_err(|_| format!("--{name} takes a number").into())).collect()
    }
}
