//! A whole server: control plane, then sockets. `serve` and `demo` run this same code.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tracing::{error, info, warn};

use crate::answer::Counters;
use crate::base::{Padded, Severity};
use crate::config::report;
use crate::control::{self, Control, Report};
use crate::net;
use crate::probe;

use super::answerer::Answerer;

/// How long queries in hand may take when the server stops.
const STOP_GRACE: Duration = Duration::from_secs(2);

/// A running server.
pub(super) struct Server {
    /// The control plane.
    pub(super) control: Control,
    /// Where it listens, ports chosen.
    pub(super) addresses: Vec<SocketAddr>,
    /// One set a serving thread.
    #[allow(dead_code, reason = "read by metrics")]
    pub(super) counters: Vec<Arc<Padded<Counters>>>,
    sockets: net::Running,
}

/// Why a server did not start. It was logged.
#[derive(Debug)]
pub(super) struct NotStarted;

/// The runtime of everything that is not the query path.
pub(super) fn control_runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name("windrose-control").enable_all().build()
}

impl Server {
    /// Loads, probes until every target is tried or the start-up wait is over, then opens the sockets (§5.8).
    pub(super) async fn start(config: &Path) -> Result<Self, NotStarted> {
        let (setup, report) = match control::load(config) {
            Ok(loaded) => loaded,
            Err(report) => {
                log_report(&report);
                error!("{} cannot be served; nothing was started", config.display());
                return Err(NotStarted);
            }
        };
        log_report(&report);
        let descriptors = net::raise_descriptor_limit().unwrap_or_else(|error| {
            warn!("cannot raise the number of open files: {error}; connections and probes may run short of them");
            0
        });
        // half of them for probes: enough that ten thousand targets can hang at once where the system allows it
        let concurrency = usize::try_from(descriptors / 2).unwrap_or(usize::MAX).clamp(512, 16_384);
        let listen = setup.main.server.listen.clone();
        let control = Control::start(config, setup, probe::Options { concurrency }).await;
        let bound = net::bind(&listen, net::Options::default()).map_err(|error| {
            error!("{error}");
            NotStarted
        })?;
        let addresses = bound.addresses().to_vec();
        let counters = Mutex::new(Vec::new());
        let answerer = || {
            let answerer = Answerer::new(control.published());
            counters.lock().expect("no thread panics here").push(answerer.counters());
            answerer
        };
        let sockets = bound.start(answerer).map_err(|error| {
            error!("cannot start serving: {error}");
            NotStarted
        })?;
        for address in &addresses {
            info!("listening on {address} (UDP and TCP)");
        }
        let counters = counters.into_inner().expect("no thread panics here");
        Ok(Self { control, addresses, counters, sockets })
    }

    /// Loads the files anew; a mistake keeps what is served.
    pub(super) async fn reload(&self) {
        match self.control.reload().await {
            Ok(report) => log_report(&report),
            Err(report) => {
                log_report(&report);
                error!("the new files have errors; what was served before is served on");
            }
        }
    }

    /// Stops taking queries, answers those in hand, and saves what is known.
    pub(super) fn stop(self) {
        self.sockets.stop(STOP_GRACE);
        self.control.stop();
    }
}

/// Logs every diagnostic of a report, one line each.
fn log_report(report: &Report) {
    for diagnostic in &report.diagnostics {
        let line = report.sources.without_severity(diagnostic);
        match diagnostic.severity {
            Severity::Error => error!("{line}"),
            Severity::Warning => warn!("{line}"),
        }
    }
    if report.has_errors() {
        let text = report::render_all(&report.sources, &report.diagnostics, false);
        tracing::debug!("\n{text}");
    }
}
