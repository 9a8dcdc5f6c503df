//! `windrose demo`: the shipped configuration, served by the same code as `serve`, against origins of this process.
#![allow(clippy::print_stdout, reason = "the command speaks on the terminal")]
#![allow(clippy::disallowed_methods, reason = "a script waits by the clock")]

use std::fmt::Display;
use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::config::parse_duration;
use crate::demo::script::HELP;
use crate::demo::{
    Command, DemoCa, Fleet, Names, Prepared, Row, Settings, Shipped, Site, dig_lines, find_sites, parse_script, render,
};
use crate::health::{Machine, ProbeKey, Verdict};
use crate::probe::clock;
use crate::steer::Steering;

use super::serve::{LogFormat, start_log};
use super::server::{Server, control_runtime};
use super::{FAILED, OK};

/// Options of the demo.
#[derive(Args, Debug)]
pub(super) struct DemoArgs {
    /// Commands with `;` between them, such as 'stop eu; wait 10s; start eu'
    #[arg(long, value_name = "COMMANDS")]
    script: Option<String>,
    /// End after this long
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    end_after: Option<Duration>,
    /// Where to answer DNS queries; may be given several times
    #[arg(long, value_name = "ADDRESS:PORT", default_values_t = [SocketAddr::from(([127, 0, 0, 1], 5300))])]
    listen: Vec<SocketAddr>,
    /// How log lines look
    #[arg(long, value_enum, default_value_t)]
    log_format: LogFormat,
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|error| error.to_string())
}

/// The name that is asked for in the lines to try.
const NAME: &str = "www.example.com";
/// How often the board is compared with what was printed last.
const REFRESH: Duration = Duration::from_millis(250);

/// Why the demo ended early, for the person who started it.
struct Failed(String);

/// Adds what was tried to an error.
fn failed<E: Display>(what: &str) -> impl FnOnce(E) -> Failed + '_ {
    move |error| Failed(format!("{what}: {error}"))
}

/// Runs the demo until `quit`, the time given, or SIGINT.
pub(super) fn run(args: &DemoArgs) -> u8 {
    start_log(args.log_format);
    let done = control_runtime().map_err(failed("cannot start")).and_then(|runtime| runtime.block_on(demo(args)));
    match done {
        Ok(()) => OK,
        Err(Failed(why)) => {
            println!("{why}");
            FAILED
        }
    }
}

async fn demo(args: &DemoArgs) -> Result<(), Failed> {
    let shipped = Shipped::embedded();
    let sites = find_sites(shipped.steering).map_err(failed("the shipped steering file"))?;
    let ca = DemoCa::new().map_err(failed("cannot make a certificate authority"))?;
    let fleet = Fleet::start(sites.clone(), &ca).await.map_err(failed("cannot start the origins"))?;
    let names = fleet.names();
    let script = parse_script(args.script.as_deref().unwrap_or_default(), &names).map_err(failed("the script"))?;
    let folder = tempfile::tempdir().map_err(failed("cannot make a temporary folder"))?;
    let settings = Settings { listen: &args.listen, origin_port: fleet.port(), ca_pem: &ca.pem() };
    let prepared = Prepared::write(folder.path(), &shipped, &sites, &settings);
    let prepared = prepared.map_err(failed("cannot prepare the configuration"))?;
    println!("The shipped configuration was copied to {} with these changes:", folder.path().display());
    prepared.substitutions.iter().for_each(|substitution| println!("  {substitution}"));
    let server =
        Server::start(&prepared.config).await.map_err(|_| Failed("the server did not start; see above".into()))?;
    let address = server.handle.serving.listeners().first().map(|&(_, address)| address);
    let address = address.ok_or_else(|| Failed("the server does not listen; see above".into()))?;
    println!("\nAsk it, as clients of several countries:");
    dig_lines(address, NAME).iter().for_each(|line| println!("  {line}"));
    let config = prepared.config.display();
    println!("\nAsk about it:");
    println!("  windrose explain {NAME} --client 141.20.0.0/24 --config {config}");
    println!("  windrose status --config {config}");
    println!("\nType to stop and break origins:\n{HELP}\n");
    let mut demo = Demo { fleet, names, server, shown: Vec::new() };
    let ended = demo.talk(script, args.end_after).await;
    demo.server.stop().await;
    ended
}

struct Demo {
    fleet: Fleet,
    names: Names,
    server: Server,
    /// What the table printed last said.
    shown: Vec<[String; 3]>,
}

impl Demo {
    /// Takes commands from the script and from standard input, and shows the table whenever it changes.
    async fn talk(&mut self, script: Vec<Command>, end_after: Option<Duration>) -> Result<(), Failed> {
        let mut terminate = signal(SignalKind::terminate()).map_err(failed("cannot listen for signals"))?;
        let start = Instant::now();
        let end = end_after.map(|after| start + after);
        let mut script = script.into_iter();
        let mut next_step = Some(start);
        let mut lines = BufReader::new(tokio::io::stdin()).lines();
        let mut typing = true;
        let mut refresh = interval(REFRESH);
        refresh.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let commands = tokio::select! {
                _ = tokio::signal::ctrl_c() => vec![Command::Quit],
                _ = terminate.recv() => vec![Command::Quit],
                () = sleep_until(end.unwrap_or(start)), if end.is_some() => vec![Command::Quit],
                () = sleep_until(next_step.unwrap_or(start)), if next_step.is_some() => {
                    let command = script.next();
                    next_step = command.as_ref().map(|command| Instant::now() + pause(command));
                    command.into_iter().inspect(|command| println!("> {command}")).collect()
                }
                line = lines.next_line(), if typing => {
                    let line = line.ok().flatten();
                    typing = line.is_some();
                    self.typed(&line.unwrap_or_default())
                }
                _ = refresh.tick() => Vec::new(),
            };
            for command in commands {
                match command {
                    Command::Quit => return Ok(()),
                    Command::Turn(what, mode) => {
                        self.fleet.turn(&what, mode).await.map_err(failed("cannot turn an origin"))?;
                    }
                    Command::Help => println!("{HELP}"),
                    Command::Status => self.shown.clear(),
                    Command::Wait(_) => {}
                }
            }
            self.show();
        }
    }

    fn typed(&self, line: &str) -> Vec<Command> {
        parse_script(line, &self.names).unwrap_or_else(|error| {
            println!("{error}");
            Vec::new()
        })
    }

    /// Prints the table if it says anything that the one printed last did not.
    fn show(&mut self) {
        let rows = self.rows();
        let says = |row: &Row| [row.state.clone(), row.reason.clone(), row.origin_mode.clone()];
        let says: Vec<[String; 3]> = rows.iter().map(says).collect();
        if says != self.shown {
            println!("{}", render(&rows));
            self.shown = says;
        }
    }

    fn rows(&self) -> Vec<Row> {
        let snapshot = self.server.handle.control.published().load();
        let row = |(site, mode): (&Site, _)| {
            let key = target_of(site, &snapshot.loaded.steering);
            let mut row = key.map_or_else(Row::default, |key| self.probed(key));
            row.region = site.region.clone();
            row.pool = site.pool.clone();
            row.endpoint = site.endpoint.clone();
            row.addresses = site.addresses.clone();
            row.origin_mode = format!("{mode}");
            row
        };
        self.fleet.sites().map(row).collect()
    }

    /// What probes say of a target.
    fn probed(&self, key: &ProbeKey) -> Row {
        let read = |machine: &Machine| {
            let trouble = machine.verdict() != Verdict::Up || machine.failures() > 0;
            Row {
                state: machine.verdict().to_string(),
                since: Some(clock::now().mono.since(machine.since().mono)),
                latency_ms: machine.view().latency.map(|latency| latency.0),
                reason: machine.reason().filter(|_| trouble).map(ToString::to_string).unwrap_or_default(),
                ..Row::default()
            }
        };
        let row = self.server.handle.control.poller().inspect(key, read).unwrap_or_default();
        Row { probe: format!("{}:{}", key.addr, key.port), ..row }
    }
}

/// How long a script pauses after a command.
const fn pause(command: &Command) -> Duration {
    match command {
        Command::Wait(duration) => *duration,
        _ => Duration::ZERO,
    }
}

/// What is probed of a site.
fn target_of<'a>(site: &Site, steering: &'a Steering) -> Option<&'a ProbeKey> {
    let keys = steering.targets.iter().filter_map(|target| target.key.as_ref());
    keys.into_iter().find(|key| key.addr == site.ip)
}
