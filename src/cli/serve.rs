//! `windrose serve`: the server, until a signal ends it.

use std::path::Path;

use clap::ValueEnum;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{error, info, warn};

use super::server::{Server, control_runtime};
use super::{FAILED, OK};

/// Serves until SIGTERM or SIGINT; SIGHUP loads the files anew.
pub(super) fn run(config: &Path, format: LogFormat) -> u8 {
    start_log(format);
    let runtime = match control_runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            error!("cannot start the control runtime: {error}");
            return FAILED;
        }
    };
    let code = runtime.block_on(async {
        let (Ok(mut end), Ok(mut interrupt), Ok(mut hangup)) =
            (signals(SignalKind::terminate()), signals(SignalKind::interrupt()), signals(SignalKind::hangup()))
        else {
            return FAILED;
        };
        let starting = Server::start(config);
        let server = tokio::select! {
            server = starting => server,
            _ = end.recv() => return OK,
            _ = interrupt.recv() => return OK,
        };
        let Ok(server) = server else { return FAILED };
        loop {
            tokio::select! {
                _ = end.recv() => break,
                _ = interrupt.recv() => break,
                _ = hangup.recv() => server.handle.request_reload("SIGHUP"),
            }
        }
        info!("stopping");
        tokio::select! {
            () = server.stop() => OK,
            _ = end.recv() => at_once(),
            _ = interrupt.recv() => at_once(),
        }
    });
    // files that are being loaded are not waited for
    runtime.shutdown_background();
    code
}

/// A second signal: queries in hand are not waited for, and the state is as it was last saved.
#[allow(clippy::disallowed_methods, reason = "whoever asks twice does not want destructors to run")]
fn at_once() -> ! {
    warn!("ended by a second signal");
    std::process::exit(FAILED.into())
}

fn signals(kind: SignalKind) -> std::io::Result<Signal> {
    signal(kind).inspect_err(|error| error!("cannot listen for signals: {error}"))
}

/// What is logged unless `RUST_LOG` says otherwise. The TLS verifier speaks of every failed
/// probe, and we of every verdict; hickory-server speaks of every query.
const DEFAULT_LOG: &str = "info,rustls_platform_verifier=off,hickory_server=error,hickory_net=error,hickory_proto=error,quinn_proto=error,h2=error";

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// For people
    #[default]
    Text,
    /// One JSON object a line
    Json,
}

/// Logs go to standard error; `RUST_LOG` chooses what.
pub(super) fn start_log(format: LogFormat) {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_LOG));
    let terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_target(false).with_ansi(terminal);
    let subscriber = subscriber.with_writer(std::io::stderr);
    // fails only where a log was started before, which then goes on
    let _ = match format {
        LogFormat::Text => subscriber.try_init(),
        LogFormat::Json => subscriber.json().flatten_event(true).try_init(),
    };
}
