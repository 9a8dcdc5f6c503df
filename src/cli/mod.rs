//! The command line: one file a command. Only here do net, probe, control and demo meet.

mod answerer;
mod check;
mod check_zone;
mod client;
#[cfg(feature = "demo")]
mod demo;
mod explain;
mod finding;
mod listeners;
mod reload;
mod serve;
mod server;
mod status;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

/// Everything went well.
const OK: u8 = 0;
/// The configuration has errors, or the server could not start.
const FAILED: u8 = 1;
/// The command cannot be run as it was called. So does clap exit on arguments that it refuses.
const MISUSED: u8 = 2;

/// An authoritative DNS server that answers each client with the healthiest nearby CDN edge or origin cluster.
#[derive(Debug, Parser)]
#[command(name = "windrose", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Answer queries as the configuration says, until SIGTERM or SIGINT; SIGHUP loads the files anew
    Serve(ServeArgs),
    /// Make the running server load its files anew, and say what changed or what is wrong
    Reload(ConfigArgs),
    /// Show the running server at a glance
    Status(StatusArgs),
    /// Load everything as `serve` would, report every mistake, and exit with 0 or 1
    Check(CheckArgs),
    /// Check one zone file alone, without a configuration
    ///
    /// Exits with 0 for a zone that can be served, 1 for one that cannot, 2 where the file cannot be read. A steering file
    /// beside the zone file is not read: names that only steering gives addresses are taken to have none.
    CheckZone(check_zone::CheckZoneArgs),
    /// Say why a client gets the answer it gets: zone, rule, pools, endpoints, TTL, scope
    Explain(explain::ExplainArgs),
    /// Run the shipped configuration against HTTPS origins on this machine, to be stopped and broken at will
    #[cfg(feature = "demo")]
    Demo(demo::DemoArgs),
}

/// Which configuration to load.
#[derive(Args, Debug)]
struct ConfigArgs {
    /// The configuration file
    #[arg(long, short, value_name = "FILE", default_value = "config/windrose.toml")]
    config: PathBuf,
}

/// What to check.
#[derive(Args, Debug)]
struct CheckArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Exit with 1 on warnings too
    #[arg(long)]
    strict: bool,
    /// As one JSON object, for programs
    #[arg(long)]
    json: bool,
}

/// How to serve.
#[derive(Args, Debug)]
struct ServeArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// How log lines look
    #[arg(long, value_enum, default_value_t)]
    log_format: serve::LogFormat,
}

/// What to show.
#[derive(Args, Debug)]
struct StatusArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Runs a short exchange with a server to its end.
fn asking<T>(exchange: impl Future<Output = Result<T, client::Failed>>) -> Result<T, client::Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| error.to_string())?.block_on(exchange)
}

/// Runs the command that the process was started with.
#[must_use]
pub fn run() -> ExitCode {
    let code = match Cli::parse().command {
        Command::Serve(args) => serve::run(&args.config.config, args.log_format),
        Command::Reload(args) => reload::run(&args.config),
        Command::Status(args) => status::run(&args.config.config, args.json),
        Command::Check(args) => check::run(&args),
        Command::CheckZone(args) => check_zone::run(&args),
        Command::Explain(args) => explain::run(&args),
        #[cfg(feature = "demo")]
        Command::Demo(args) => demo::run(&args),
    };
    ExitCode::from(code)
}
