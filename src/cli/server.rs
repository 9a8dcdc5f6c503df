//! A whole server: control plane, then sockets, then what keeps both up to date. `serve` and `demo` run this same code.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tracing::{error, info, warn};

use crate::admin;
use crate::answer::RateTable;
use crate::base::Severity;
use crate::config::{Main, RateLimit};
use crate::control::{self, Control, Handle, ReloadRequest, Reloaded, Report, Setup, Watch};
use crate::net;
use crate::probe;

use super::answerer::Answerers;
use super::listeners::{Listeners, Prepared, Switched};

/// How long queries in hand may take when the server stops.
const STOP_GRACE: Duration = Duration::from_secs(2);

/// How often listeners are looked at, whether they still serve.
const LOOK: Duration = Duration::from_secs(2);

/// A running server.
pub(super) struct Server {
    /// What may be asked of it.
    pub(super) handle: Handle,
    stop: oneshot::Sender<()>,
    supervisor: JoinHandle<()>,
}

/// Why a server did not start. It was logged.
#[derive(Debug)]
pub(super) struct NotStarted;

/// The runtime of everything that is not the query path, behind which its threads stand.
pub(super) fn control_runtime() -> io::Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).thread_name("windrose-control").on_thread_start(net::lower_priority).enable_all().build()
}

impl Server {
    /// Loads, probes until every target is tried or the start-up wait is over, then opens the sockets (§5.8).
    pub(super) async fn start(config: &Path) -> Result<Self, NotStarted> {
        let path = config.to_owned();
        // not here: signals are to be heard meanwhile
        let loading = tokio::task::spawn_blocking(move || control::load(&path)).await;
        let loaded = loading.map_err(|panic| {
            error!("loading failed: {panic}");
            NotStarted
        })?;
        let (mut setup, report) = match loaded {
            Ok(loaded) => loaded,
            Err(report) => {
                log_report(&report);
                error!("{} cannot be served; nothing was started", config.display());
                return Err(NotStarted);
            }
        };
        log_report(&report);
        let files = report.files;
        drop((report.sources, report.diagnostics)); // the text of all files, which nothing points into any more
        net::give_back_memory();
        let (main, certificates) = (setup.main.clone(), std::mem::take(&mut setup.certificates));
        let descriptors = descriptors();
        let options = probe::Options { concurrency: concurrency(descriptors) };
        let control = Arc::new(Control::start(config, setup, options).await);
        let answerers = Answerers {
            published: Arc::clone(control.published()),
            tallies: Arc::clone(control.tallies()),
            rates: rates(&main)?,
        };
        let not_started = |error: io::Error| {
            error!("{error}");
            NotStarted
        };
        let mut listeners = Listeners::start(answerers, &main, descriptors).map_err(not_started)?;
        let prepared = listeners.prepare(&main, certificates).map_err(not_started)?;
        let (handle, requests) = Handle::new(control, listeners.gauge());
        let switched = listeners.switch(prepared).await;
        switched.changes.iter().for_each(|change| info!("{change}"));
        switched.errors.iter().for_each(|error| error!("{error}"));
        handle.serving.set_listeners(switched.open);
        let mut admin = admin::Server::new(handle.clone());
        log_places(admin.serve_at(places(config, &main)).await);
        let watch = main.server.watch.then(|| Watch::new(files));
        let (stop, stopped) = oneshot::channel();
        let config = config.to_owned();
        let supervisor = Supervisor { config, handle: handle.clone(), listeners, admin, watch, requests };
        let supervisor = tokio::spawn(supervisor.run(stopped));
        Ok(Self { handle, stop, supervisor })
    }

    /// Stops taking queries, answers those in hand, and saves what is known.
    pub(super) async fn stop(self) {
        let _ = self.stop.send(());
        // a panic was reported by the panic hook
        let _ = self.supervisor.await;
    }
}

/// How many files the process may have open; 0: not known.
fn descriptors() -> u64 {
    net::raise_descriptor_limit().unwrap_or_else(|error| {
        warn!("cannot raise the number of open files: {error}; connections and probes may run short of them");
        0
    })
}

/// How many probes may run at once: half of the descriptors, enough that ten thousand targets can hang at once where the
/// system allows it.
fn concurrency(descriptors: u64) -> usize {
    usize::try_from(descriptors / 2).unwrap_or(usize::MAX).clamp(512, 16_384)
}

/// Reloads when files change or somebody asks for it, one reload at a time.
struct Supervisor {
    config: PathBuf,
    handle: Handle,
    listeners: Listeners,
    admin: admin::Server,
    watch: Option<Watch>,
    requests: mpsc::Receiver<ReloadRequest>,
}

impl Supervisor {
    async fn run(mut self, mut stopped: oneshot::Receiver<()>) {
        tokio::select! {
            _ = &mut stopped => {}
            () = self.supervise() => {}
        }
        let Self { listeners, handle, .. } = self;
        // joins threads
        let _ = tokio::task::spawn_blocking(move || {
            listeners.stop(STOP_GRACE);
            handle.control.stop();
        })
        .await;
    }

    async fn supervise(&mut self) {
        loop {
            let Some(request) = self.next().await else { return };
            let reloaded = self.reload(request.why).await;
            self.handle.serving.note_reload(&reloaded);
            if let Some(done) = request.done {
                // whoever asked may have gone
                let _ = done.send(reloaded);
            }
        }
    }

    /// Waits for a reason to reload.
    async fn next(&mut self) -> Option<ReloadRequest> {
        let Self { handle, watch, requests, listeners, .. } = self;
        let changed = async {
            match watch {
                Some(watch) => watch.changed().await,
                None => std::future::pending().await,
            }
        };
        let mut changed = std::pin::pin!(changed);
        let mut look = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                request = requests.recv() => return request,
                () = &mut changed => return Some(ReloadRequest { why: "files have changed", done: None }),
                _ = look.tick() => {}
            }
            let lost = listeners.lost();
            if !lost.is_empty() {
                lost.iter().for_each(|line| error!("{line}"));
                handle.serving.set_listeners(listeners.open_now());
            }
        }
    }

    /// Loads the files anew; a mistake keeps what is served.
    async fn reload(&mut self, why: &str) -> Reloaded {
        info!("reload: {why}");
        let (mut setup, report) = match self.handle.control.load().await {
            Ok(loaded) => loaded,
            Err(report) => {
                self.follow(&report);
                return refused(&report, None);
            }
        };
        self.follow(&report);
        if let Some(why) = self.emptied(&setup) {
            return refused(&report, Some(why));
        }
        let prepared = match self.listeners.prepare(&setup.main, std::mem::take(&mut setup.certificates)) {
            Ok(prepared) => prepared,
            Err(error) => return refused(&report, Some(error.to_string())),
        };
        log_report(&report);
        self.take(setup, prepared, &report).await
    }

    /// An error for a configuration without zones where some are served: more likely a folder that is not mounted than a
    /// wish.
    fn emptied(&self, setup: &Setup) -> Option<String> {
        let served = self.handle.control.published().load().loaded.zones.iter().count();
        let empty = served > 0 && setup.loaded.zones.iter().next().is_none();
        empty.then(|| format!("all zones are gone ({served} are served); restart to serve none"))
    }

    /// Serves what was loaded.
    async fn take(&mut self, setup: Setup, prepared: Prepared, report: &Report) -> Reloaded {
        let (new, places, watch) =
            (Arc::clone(&setup.loaded), places(&self.config, &setup.main), setup.main.server.watch);
        let old = self.handle.control.replace(setup).await;
        let Switched { open, mut changes, errors } = self.listeners.switch(prepared).await;
        self.handle.serving.set_listeners(open);
        log_places(self.admin.serve_at(places).await);
        if watch != self.watch.is_some() {
            self.watch = watch.then(|| Watch::new(report.files.clone()));
        }
        changes.extend(self.handle.control.changes(old, new).await);
        changes.iter().for_each(|change| info!("{change}"));
        errors.iter().for_each(|error| error!("{error}"));
        match changes.is_empty() {
            true => info!("the files were loaded anew; nothing of what is served has changed"),
            false => info!("the files were loaded anew"),
        }
        // a listener that is missing is not what the files say
        let taken = errors.is_empty();
        let errors = errors.iter().map(|error| format!("error: {error}"));
        Reloaded { taken, diagnostics: report.lines().into_iter().chain(errors).collect(), changes }
    }

    /// Watches the files that were just read, if any are watched.
    fn follow(&mut self, report: &Report) {
        if let Some(watch) = &mut self.watch {
            watch.follow(report.files.clone());
        }
    }
}

/// Logs why what was served before is served on.
fn refused(report: &Report, more: Option<String>) -> Reloaded {
    log_report(report);
    more.iter().for_each(|error| error!("{error}"));
    error!("the reload is refused; what was served before is served on");
    let more = more.map(|error| format!("error: {error}"));
    Reloaded { taken: false, diagnostics: report.lines().into_iter().chain(more).collect(), changes: Vec::new() }
}

/// Where a configuration wants the admin API.
fn places(config: &Path, main: &Main) -> admin::Places {
    let folder = config.parent().unwrap_or(Path::new(""));
    admin::Places { socket: main.admin_socket().map(|socket| folder.join(socket)), listen: main.admin.listen }
}

fn log_places(opened: Vec<io::Result<String>>) {
    for place in opened {
        match place {
            Ok(place) => info!("admin API at {place}"),
            Err(error) => error!("{error}"),
        }
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
}

/// The buckets of response rate limiting. They stay as long as the server runs, and are there before they are wanted: who
/// adds `[rate_limit]` does it under attack.
fn rates(main: &Main) -> Result<Arc<RateTable>, NotStarted> {
    let size = main.rate_limit.as_ref().map_or(RateLimit::TABLE_SIZE, |limit| limit.table_size);
    let mut key = [0; 16];
    rand::fill(&mut key).map_err(|_| {
        error!("the system has no random numbers for the table of [rate_limit]");
        NotStarted
    })?;
    Ok(Arc::new(RateTable::new(size, key)))
}
