//! `windrose demo`: the shipped configuration, served by the same code as `serve`, against origins of this process.
#![allow(clippy::print_stdout, reason = "the command speaks on the terminal")]
#![allow(clippy::disallowed_methods, reason = "a script waits by the clock")]

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::config::parse_duration;
use crate::demo::{
    Authority, Command, DemoError, HELP, Origins, Row, Shipped, dig_lines, parse_command, parse_script, render,
};
use crate::health::{Machine, ProbeKey, Verdict};
use crate::steer::{Endpoint, Target};

use super::serve::start_log;
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
    #[arg(long, value_name = "ADDRESS:PORT", default_values_t = default_listen())]
    listen: Vec<SocketAddr>,
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|error| error.to_string())
}

fn default_listen() -> Vec<SocketAddr> {
    vec![SocketAddr::from(([127, 0, 0, 1], 5300)), SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, 5300))]
}

/// How often the board is compared with what was printed last.
const REFRESH: Duration = Duration::from_millis(250);

/// Why the demo ended early. It was said.
enum Failed {
    Demo(DemoError),
    Said(String),
}

impl From<DemoError> for Failed {
    fn from(error: DemoError) -> Self {
        Self::Demo(error)
    }
}

/// Runs the demo until `quit`, the time given, or SIGINT.
pub(super) fn run(args: &DemoArgs) -> u8 {
    start_log();
    let runtime = match control_runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            println!("cannot start: {error}");
            return FAILED;
        }
    };
    match runtime.block_on(demo(args)) {
        Ok(()) => OK,
        Err(Failed::Demo(error)) => {
            println!("the demo cannot run: {error}");
            FAILED
        }
        Err(Failed::Said(text)) => {
            println!("{text}");
            FAILED
        }
    }
}

async fn demo(args: &DemoArgs) -> Result<(), Failed> {
    let shipped = Shipped::embedded();
    let (plan, authority) = (shipped.plan(), Authority::new("the windrose demo")?);
    let origins = Origins::start(&plan, shipped.host()?, &authority).await?;
    let names = origins.names();
    let script = match &args.script {
        Some(script) => parse_script(script, &names).map_err(|error| Failed::Said(error.to_string()))?,
        None => Vec::new(),
    };
    let folder =
        tempfile::tempdir().map_err(|error| DemoError::Io { what: "cannot make a temporary folder".into(), error })?;
    let prepared = shipped.write(folder.path(), &plan, origins.port(), &args.listen, &authority.pem())?;
    println!("The shipped configuration was copied to {} with these changes:", folder.path().display());
    prepared.substitutions.iter().for_each(|line| println!("  {line}"));
    let server = Server::start(&prepared.config)
        .await
        .map_err(|_| Failed::Said("the server did not start; see above".into()))?;
    println!("\nAsk it, as clients of several countries:");
    print!("{}", dig_lines(server.addresses[0], "www.example.com"));
    println!("\nStop and break origins by typing:\n{HELP}\n");
    let mut demo = Demo { origins, names, server, shown: Vec::new() };
    demo.talk(script, args.end_after).await?;
    demo.server.stop();
    Ok(())
}

struct Demo {
    origins: Origins,
    names: Vec<String>,
    server: Server,
    shown: Vec<Row>,
}

impl Demo {
    /// Takes commands from the script and from standard input, and shows the table whenever it changes.
    async fn talk(&mut self, script: Vec<Command>, end_after: Option<Duration>) -> Result<(), Failed> {
        let start = Instant::now();
        let end = end_after.map(|after| start + after);
        let mut script = script.into_iter();
        let mut next_step = Some(start);
        let mut lines = BufReader::new(tokio::io::stdin()).lines();
        let mut typing = true;
        let mut refresh = interval(REFRESH);
        refresh.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let command = tokio::select! {
                _ = tokio::signal::ctrl_c() => Some(Command::Quit),
                () = sleep_until(end.unwrap_or(start)), if end.is_some() => Some(Command::Quit),
                () = sleep_until(next_step.unwrap_or(start)), if next_step.is_some() => {
                    let command = script.next();
                    next_step = command.as_ref().map(|command| match command {
                        Command::Wait(duration) => Instant::now() + *duration,
                        _ => Instant::now(),
                    });
                    command.inspect(|command| println!("> {command}"))
                }
                line = lines.next_line(), if typing => {
                    let line = line.ok().flatten();
                    typing = line.is_some();
                    line.and_then(|line| self.typed(&line))
                }
                _ = refresh.tick() => None,
            };
            match command {
                Some(Command::Quit) => return Ok(()),
                Some(Command::Set { what, mode }) => self.origins.set(&what, mode).await?,
                Some(Command::Help) => println!("{HELP}"),
                Some(Command::Status) => self.shown.clear(),
                Some(Command::Wait(_)) | None => {}
            }
            self.show();
        }
    }

    fn typed(&self, line: &str) -> Option<Command> {
        if line.trim().is_empty() {
            return None;
        }
        parse_command(line, &self.names).inspect_err(|error| println!("{error}")).ok()
    }

    /// Prints the table if it differs from the one printed last.
    fn show(&mut self) {
        let rows = self.rows();
        if rows != self.shown {
            println!("{}", render(&rows));
            self.shown = rows;
        }
    }

    fn rows(&self) -> Vec<Row> {
        let snapshot = self.server.control.published().load();
        let steering = &snapshot.loaded.steering;
        let endpoints = steering.pools.iter().flat_map(|pool| pool.endpoints.iter());
        let row = |endpoint: &Endpoint| {
            let target = endpoint.v4.as_ref().map(|&(_, target)| target)?;
            let Target { key: Some(key), .. } = &steering.targets[target] else { return None };
            Some(self.row(endpoint, key))
        };
        endpoints.filter_map(row).collect()
    }

    fn row(&self, endpoint: &Endpoint, key: &ProbeKey) -> Row {
        let v4 = endpoint.v4.map(|(addr, _)| addr.to_string());
        let v6 = endpoint.v6.map(|(addr, _)| addr.to_string());
        let origin = self.origins.origins.iter().find(|origin| origin.addr.ip() == key.addr);
        let state = |machine: &Machine| {
            let reason = machine.reason().filter(|_| machine.verdict() != Verdict::Up || machine.failures() > 0);
            (machine.verdict().to_string(), reason.map(ToString::to_string).unwrap_or_default())
        };
        let (verdict, reason) = self.server.control.poller().inspect(key, state).unwrap_or_default();
        Row {
            region: origin.map(|origin| origin.region.clone()).unwrap_or_default(),
            endpoint: endpoint.name.clone(),
            addresses: v4.into_iter().chain(v6).collect::<Vec<String>>().join(" "),
            probe: format!("{}:{}", key.addr, key.port),
            origin: origin.map(|origin| origin.mode().to_string()).unwrap_or_default(),
            verdict,
            reason,
        }
    }
}
