//! Publishes snapshots: on verdicts, on latency, on reload.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::{Mutex, Notify, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval_at, sleep, sleep_until, timeout};
use tracing::{debug, error, info, warn};

use crate::base::Mono;
use crate::config::{Main, RateLimit, Server};
use crate::health::{Board, Machine, ProbeKey, TargetView, Verdict};
use crate::probe::{Change, Event, Options, Poller, clock};
use crate::snapshot::{Loaded, Snapshot};

use super::changes::changes;
use super::failover::failovers;
use super::load::{Before, Setup, load_after};
use super::report::Report;
use super::state::StateFile;
use super::tallies::Tallies;

/// How long a changed verdict waits for others: a region that fails takes several targets down within milliseconds.
/// Longer would eat into the 50 ms within which a verdict must be published.
const GATHER: Duration = Duration::from_millis(5);

/// Changes of latency alone are published at most this often: they move shares a little, and every snapshot costs a plan.
const LATENCY_PACE: Duration = Duration::from_secs(1);

/// The state is saved on every change, and this often without one: a state that is ten minutes old says nothing (§5.8),
/// and a service that never fails would have no other.
const RESAVE: Duration = Duration::from_secs(60);

/// How often files are read that change while they are.
const LOADS: usize = 20;
/// The pause between.
const REST: Duration = Duration::from_millis(200);

/// Added to the longest timeout where `startup_wait` is not set (§5.8).
const STARTUP_MARGIN: Duration = Duration::from_millis(500);

/// The handle on a running control plane.
pub struct Control {
    shared: Arc<Shared>,
    config: PathBuf,
    /// `[server]`, as it was at the start.
    server: Server,
    /// The size of the table of rates, as it was at the start.
    table_size: usize,
    /// The publisher and the saver.
    tasks: [JoinHandle<()>; 2],
}

struct Shared {
    published: Arc<ArcSwap<Snapshot>>,
    poller: Poller,
    tallies: Arc<Tallies>,
    state: StateFile,
    /// What was loaded last, and is built into the next snapshot. Locked for the building of one, so that snapshots are
    /// published in order.
    before: Mutex<Before>,
    /// How the newest snapshot came to be.
    built: std::sync::Mutex<Built>,
    /// Snapshots that serving threads may still hold. Kept until they do not, so that none of them ever frees one.
    retired: std::sync::Mutex<Vec<Arc<Snapshot>>>,
    /// Told when the state has changed.
    changed: Notify,
}

/// How the newest snapshot came to be.
#[derive(Clone, Copy, Debug, Default)]
pub struct Built {
    /// When it was published.
    pub at: Mono,
    /// How long building it took.
    pub took: Duration,
}

impl Control {
    /// Starts probing, waits until every target is tried or the start-up wait is over, and publishes the first snapshot.
    /// Runs on the runtime it is called from.
    pub async fn start(config: &Path, setup: Setup, probes: Options) -> Self {
        let Setup { main, loaded, files, .. } = setup;
        let folder = config.parent().unwrap_or(Path::new(""));
        let state = StateFile::in_folder(main.server.state.as_ref().map(|(state, _)| folder.join(state)));
        let (events, received) = mpsc::unbounded_channel();
        let poller = Poller::start(tokio::runtime::Handle::current(), events, probes);
        let shared = Arc::new(Shared {
            published: Arc::new(ArcSwap::from_pointee(Snapshot::default())),
            poller,
            tallies: Arc::default(),
            state,
            before: Mutex::new(Before { loaded: Arc::clone(&loaded), files }),
            built: std::sync::Mutex::default(),
            retired: std::sync::Mutex::default(),
            changed: Notify::new(),
        });
        let before = clock::now();
        shared.poller.restore(shared.state.read());
        let keys = keys(&loaded);
        shared.poller.set_targets(&keys);
        let patience = main.server.startup_wait.unwrap_or_else(|| longest_timeout(&keys) + STARTUP_MARGIN);
        shared.wait_tried(&keys, patience).await;
        shared.publish().await;
        shared.log_down("down since before the start", |_, machine| machine.since().wall < before.wall);
        let publisher = tokio::spawn(publish_on_events(Arc::clone(&shared), received));
        let saver = tokio::spawn(save_on_change(Arc::clone(&shared)));
        let table_size = main.rate_limit.map_or(RateLimit::TABLE_SIZE, |limit| limit.table_size);
        Self { shared, config: config.to_owned(), server: main.server, table_size, tasks: [publisher, saver] }
    }

    /// What serving threads read.
    #[must_use]
    pub fn published(&self) -> &Arc<ArcSwap<Snapshot>> {
        &self.shared.published
    }

    /// How the newest snapshot came to be.
    #[must_use]
    pub fn built(&self) -> Built {
        *self.shared.built()
    }

    /// What serving threads count.
    #[must_use]
    pub fn tallies(&self) -> &Arc<Tallies> {
        &self.shared.tallies
    }

    /// What probes find.
    #[must_use]
    pub fn poller(&self) -> &Poller {
        &self.shared.poller
    }

    /// Loads the files anew. Nothing that is served changes.
    ///
    /// # Errors
    /// The report of what is wrong.
    pub async fn load(&self) -> Result<(Setup, Report), Report> {
        let (config, before) = (self.config.clone(), self.shared.before.lock().await.clone());
        let loading = tokio::task::spawn_blocking(move || load_at_rest(&config, &before)).await;
        let (mut setup, report) = loading.unwrap_or_else(|panic| Err(panicked(&panic)))?;
        if let Some(loaded) = Arc::get_mut(&mut setup.loaded) {
            loaded.service.inherit(&self.published().load().loaded.service);
        }
        Ok((setup, report))
    }

    /// What changed between two loads, a line a thing.
    pub async fn changes(&self, old: Arc<Loaded>, new: Arc<Loaded>) -> Vec<String> {
        // a panic was reported by the panic hook
        tokio::task::spawn_blocking(move || changes(&old, &new)).await.unwrap_or_default()
    }

    /// Serves what was loaded once its new targets are tried or the longest timeout has passed. Targets whose address,
    /// port and check stay keep their state. Returns what was served before.
    pub async fn replace(&self, setup: Setup) -> Arc<Loaded> {
        let Setup { main, loaded: new, files, .. } = setup;
        self.warn_of_restart(&main);
        let before = self.shared.loaded().await;
        let (old_keys, new_keys) = (keys(&before), keys(&new));
        self.shared.poller.set_targets(&old_keys.union(&new_keys).cloned().collect());
        self.shared.wait_tried(&new_keys, longest_timeout(&new_keys)).await;
        *self.shared.before.lock().await = Before { loaded: new, files };
        self.shared.publish().await;
        self.shared.poller.set_targets(&new_keys);
        self.shared.log_down("found down by the reload", |key, _| !old_keys.contains(key));
        before
    }

    /// Some things are as they were at the start until the next one.
    fn warn_of_restart(&self, main: &Main) {
        let (old, new) = (&self.server, &main.server);
        let folder = |server: &Server| server.state.as_ref().map(|(state, _)| state.clone());
        let changes = [
            (folder(old) != folder(new), "state"),
            (old.udp != new.udp, "udp"),
            (old.udp_receive_buffer != new.udp_receive_buffer, "udp_receive_buffer"),
            (old.udp_send_buffer != new.udp_send_buffer, "udp_send_buffer"),
            (old.pin_threads != new.pin_threads, "pin_threads"),
        ];
        for (_, key) in changes.into_iter().filter(|(changed, _)| *changed) {
            warn!("another [server] {key} is used after a restart");
        }
        if main.rate_limit.as_ref().is_some_and(|limit| limit.table_size != self.table_size) {
            warn!("another [rate_limit] table_size is used after a restart");
        }
    }

    /// Stops publishing and saves the state.
    pub fn stop(&self) {
        self.tasks.iter().for_each(JoinHandle::abort);
        self.shared.save();
    }
}

/// Loads files that nobody is writing: what changed while it was read is read again.
fn load_at_rest(config: &Path, before: &Before) -> Result<(Setup, Report), Report> {
    for _ in 0..LOADS {
        let loaded = load_after(config, before);
        let files = match &loaded {
            Ok((_, report)) | Err(report) => &report.files,
        };
        if !files.changed() {
            return loaded;
        }
        std::thread::sleep(REST);
    }
    load_after(config, before)
}

fn panicked(panic: &tokio::task::JoinError) -> Report {
    let mut report = Report::default();
    report.diagnostics.push(crate::base::Diagnostic::error_nowhere(format!("loading failed: {panic}")));
    report
}

/// Waits for the poller's events for as long as the server runs.
async fn publish_on_events(shared: Arc<Shared>, mut events: mpsc::UnboundedReceiver<Event>) {
    let mut due: Option<Instant> = None;
    let mut last = Instant::now();
    let mut resave = interval_at(last + RESAVE, RESAVE);
    loop {
        let event = tokio::select! {
            event = events.recv() => event,
            () = sleep_until(due.unwrap_or(last)), if due.is_some() => {
                (due, last) = (None, Instant::now());
                shared.publish().await;
                continue;
            }
            _ = resave.tick() => {
                shared.changed.notify_one();
                shared.release();
                continue;
            }
        };
        match event.as_ref().map(|event| event.change) {
            None => return,
            Some(Change::Latency) => {
                due.get_or_insert(last + LATENCY_PACE);
            }
            Some(Change::Verdict { .. } | Change::Unsettled) => {
                sleep(GATHER).await;
                let mut changed: Vec<Event> = event.into_iter().collect();
                changed.extend(std::iter::from_fn(|| events.try_recv().ok()));
                (due, last) = (None, Instant::now());
                let replaced = shared.publish().await;
                shared.log(&changed).await;
                if let Some(old) = replaced {
                    let up = |event: &Event| matches!(event.change, Change::Verdict { to: Verdict::Up, .. });
                    shared.log_moves(old, changed.iter().all(up)).await;
                }
                shared.changed.notify_one();
            }
        }
    }
}

/// Saves the state whenever it has changed; changes during a save make one more.
async fn save_on_change(shared: Arc<Shared>) {
    loop {
        shared.changed.notified().await;
        let shared = Arc::clone(&shared);
        // a panic was reported by the panic hook; the next change tries again
        let _ = tokio::task::spawn_blocking(move || shared.save()).await;
    }
}

impl Shared {
    /// Builds a snapshot from what is loaded and what is known of its targets, and publishes it. Returns the one before.
    async fn publish(&self) -> Option<Arc<Snapshot>> {
        let guard = self.before.lock().await;
        let loaded = &guard.loaded;
        let targets = loaded.steering.targets.iter();
        let view = |key: &Option<ProbeKey>| key.as_ref().map_or_else(TargetView::unprobed, |key| self.poller.view(key));
        let board = Board { targets: targets.map(|target| view(&target.key)).collect() };
        let before = self.published.load_full();
        let generation = before.generation + 1;
        let start = Instant::now();
        let parts = Arc::clone(loaded);
        // not on the threads that time probes
        let built = tokio::task::spawn_blocking(move || before.next(parts, board)).await;
        match built {
            Ok(snapshot) => {
                // the lock is held until here, so that a later board never loses to an earlier one
                let old = self.published.swap(Arc::new(snapshot));
                self.retired().push(Arc::clone(&old));
                self.release();
                let took = start.elapsed();
                *self.built() = Built { at: clock::now().mono, took };
                debug!("published snapshot {generation}, built in {took:?}");
                Some(old)
            }
            Err(panic) => {
                error!("a snapshot could not be built; what was served before is served on: {panic}");
                None
            }
        }
    }

    async fn loaded(&self) -> Arc<Loaded> {
        Arc::clone(&self.before.lock().await.loaded)
    }

    /// Drops the snapshots and counters that no serving thread holds any more.
    fn release(&self) {
        self.tallies.release();
        self.retired().retain(|snapshot| Arc::strong_count(snapshot) > 1);
    }

    fn built(&self) -> std::sync::MutexGuard<'_, Built> {
        self.built.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn retired(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Snapshot>>> {
        self.retired.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One line a changed verdict, by the names of the endpoints it holds for.
    async fn log(&self, events: &[Event]) {
        let loaded = self.loaded().await;
        for Event { key, change } in events {
            let Change::Verdict { from, to } = change else { continue };
            let target = loaded.steering.targets.iter().find(|target| target.key.as_ref() == Some(key));
            let Some(names) = target.map(|target| target.endpoints.join(", ")) else { continue };
            let reason = self.poller.inspect(key, |machine| machine.reason().map(ToString::to_string)).flatten();
            match (from, to) {
                (Verdict::Unknown, Verdict::Up) => debug!("{names}: up; probed at {key}"),
                (_, Verdict::Up) => info!("{names}: {from} -> {to}; probed at {key}"),
                _ => warn!("{names}: {from} -> {to} ({}); probed at {key}", reason.unwrap_or_default()),
            }
        }
    }

    /// One line for each target that is down, of those that are asked for: no change of their verdict was or will be logged.
    fn log_down(&self, what: &str, asked: impl Fn(&ProbeKey, &Machine) -> bool) {
        let snapshot = self.published.load();
        for target in &snapshot.loaded.steering.targets {
            let Some(key) = &target.key else { continue };
            let down = |machine: &Machine| {
                let reason = machine.reason().map(ToString::to_string).unwrap_or_default();
                (machine.verdict() == Verdict::Down && asked(key, machine)).then_some(reason)
            };
            if let Some(reason) = self.poller.inspect(key, down).flatten() {
                warn!("{}: {what} ({reason}); probed at {key}", target.endpoints.join(", "));
            }
        }
    }

    /// One line for each policy whose clients are answered with other pools than before: a warning, unless all that
    /// changed is better than it was.
    async fn log_moves(&self, old: Arc<Snapshot>, recovered: bool) {
        let new = self.published.load_full();
        // a panic was reported by the panic hook
        let lines = tokio::task::spawn_blocking(move || failovers(&old, &new)).await.unwrap_or_default();
        for line in lines {
            if recovered { info!("{line}") } else { warn!("{line}") }
        }
    }

    async fn wait_tried(&self, keys: &HashSet<ProbeKey>, patience: Duration) {
        let keys: Vec<ProbeKey> = keys.iter().cloned().collect();
        if timeout(patience, self.poller.tried(&keys)).await.is_err() {
            warn!("some targets were not tried within {} ms and count as unknown", patience.as_millis());
        }
    }

    fn save(&self) {
        self.state.write(|| self.poller.export());
    }
}

fn keys(loaded: &Loaded) -> HashSet<ProbeKey> {
    loaded.steering.targets.iter().filter_map(|target| target.key.clone()).collect()
}

fn longest_timeout(keys: &HashSet<ProbeKey>) -> Duration {
    keys.iter().map(|key| key.check.timeout).max().unwrap_or_default()
}
