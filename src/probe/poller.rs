//! The poller: probes every target at its own rhythm, and keeps what is known of it across reloads.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use dashmap::DashMap;
use tokio::runtime::Handle;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{Notify, Semaphore};
use tokio::task::AbortHandle;

use super::client::Clients;
use super::http::HttpProbe;
use super::target::{MakeProbe, Probe, Shared, Target, lock};
use super::tcp::TcpProbe;
use super::{Event, Options, clock};
use crate::health::{CheckKind, Machine, ProbeKey, Saved, SavedTarget, TargetView};

/// The fractional part of the golden ratio: its multiples, cut to (0, 1], spread evenly however many there are.
const GOLDEN: f64 = 0.618_033_988_749_894_8;

/// Probes targets until it is dropped.
pub struct Poller {
    runtime: Handle,
    shared: Arc<Shared>,
    targets: DashMap<ProbeKey, ProbeState>,
    /// States from an earlier run that no target has taken yet, by address, port and fingerprint.
    saved: Mutex<HashMap<(IpAddr, u16, String), Saved>>,
    /// How many targets there ever were.
    spawned: AtomicU64,
    /// Held while the set of targets changes.
    changing: Mutex<()>,
}

/// What the poller keeps of one target.
struct ProbeState {
    machine: Arc<Mutex<Machine>>,
    fingerprint: String,
    task: AbortHandle,
}

impl Poller {
    /// A poller without targets, whose probes run on that runtime and whose changes go to `events`.
    #[must_use]
    pub fn start(runtime: Handle, events: UnboundedSender<Event>, options: Options) -> Self {
        let clients = Clients::default();
        Self::with_probes(runtime, events, options, Box::new(move |key| probe_of(key, &clients)))
    }

    /// The same with probes of one's own.
    pub(super) fn with_probes(
        runtime: Handle,
        events: UnboundedSender<Event>,
        options: Options,
        make: Box<MakeProbe>,
    ) -> Self {
        let shared = Shared {
            events,
            permits: Semaphore::new(options.concurrency),
            make,
            tried: Notify::new(),
            troubles: AtomicU64::new(0),
            trouble_logged: Mutex::new(None),
        };
        Self {
            runtime,
            shared: Arc::new(shared),
            targets: DashMap::new(),
            saved: Mutex::default(),
            spawned: AtomicU64::new(0),
            changing: Mutex::default(),
        }
    }

    /// Hands over states of an earlier run; a target takes its own when [`set_targets`](Self::set_targets) first names it.
    pub fn restore(&self, saved: impl IntoIterator<Item = SavedTarget>) {
        let by_target = saved.into_iter().map(|target| ((target.address, target.port, target.check), target.state));
        lock(&self.saved).extend(by_target);
    }

    /// Makes these the targets: new ones are probed at once, vanished ones no more, the others keep state and rhythm.
    /// Keys without a probe ([`CheckKind::None`]) are passed over.
    pub fn set_targets(&self, keys: &HashSet<ProbeKey>) {
        let _changing = lock(&self.changing);
        self.targets.retain(|key, state| {
            let stays = keys.contains(key);
            if !stays {
                state.task.abort();
            }
            stays
        });
        let probed = keys.iter().filter(|key| key.check.kind != CheckKind::None);
        let new: Vec<_> = probed.filter(|key| !self.targets.contains_key(key)).collect();
        for key in new {
            self.targets.insert(key.clone(), self.spawn(key));
        }
        self.shared.tried.notify_waiters();
    }

    /// What a plan sees of a target; nothing is known of one that is not probed.
    #[must_use]
    pub fn view(&self, key: &ProbeKey) -> TargetView {
        if key.check.kind == CheckKind::None {
            return TargetView::unprobed();
        }
        self.inspect(key, Machine::view).unwrap_or_default()
    }

    /// Reads everything that is known of a target.
    pub fn inspect<T>(&self, key: &ProbeKey, read: impl FnOnce(&Machine) -> T) -> Option<T> {
        let machine = self.targets.get(key).map(|state| Arc::clone(&state.machine))?;
        let machine = lock(&machine);
        Some(read(&machine))
    }

    /// Whether every one of these targets has been tried; one that is not probed has not, unless its check is none.
    #[must_use]
    pub fn all_tried(&self, keys: &[ProbeKey]) -> bool {
        keys.iter().all(|key| self.is_tried(key))
    }

    /// Waits until every one of these targets has been tried. Wrap it in a timeout: nothing tries a target that
    /// [`set_targets`](Self::set_targets) does not name.
    pub async fn tried(&self, keys: &[ProbeKey]) {
        for key in keys {
            loop {
                let notified = self.shared.tried.notified();
                if self.is_tried(key) {
                    break;
                }
                notified.await;
            }
        }
    }

    /// The state of every target, to be written down.
    #[must_use]
    pub fn export(&self) -> Vec<SavedTarget> {
        let now = clock::now();
        let save = |key: &ProbeKey, state: &ProbeState| SavedTarget {
            address: key.addr,
            port: key.port,
            check: state.fingerprint.clone(),
            state: lock(&state.machine).save(now),
        };
        self.targets.iter().map(|entry| save(entry.key(), entry.value())).collect()
    }

    /// How many targets are probed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.targets.len()
    }

    /// Whether nothing is probed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    /// How many probes have met the node's own trouble.
    #[must_use]
    pub fn troubles(&self) -> u64 {
        self.shared.troubles.load(Ordering::Relaxed)
    }

    fn is_tried(&self, key: &ProbeKey) -> bool {
        key.check.kind == CheckKind::None || self.inspect(key, Machine::is_tried).unwrap_or(false)
    }

    /// Starts to probe a target.
    fn spawn(&self, key: &ProbeKey) -> ProbeState {
        let fingerprint = key.fingerprint();
        let saved = lock(&self.saved).remove(&(key.addr, key.port, fingerprint.clone()));
        let now = clock::now();
        let machine = saved.map_or_else(|| Machine::new(now), |saved| Machine::restore(&saved, now));
        let machine = Arc::new(Mutex::new(machine));
        let target = Target {
            key: key.clone(),
            machine: Arc::clone(&machine),
            shared: Arc::clone(&self.shared),
            phase: phase(self.spawned.fetch_add(1, Ordering::Relaxed)),
            probe: None,
            expiry_logged: None,
        };
        ProbeState { machine, fingerprint, task: self.runtime.spawn(target.run()).abort_handle() }
    }
}

impl Drop for Poller {
    fn drop(&mut self) {
        self.targets.iter().for_each(|state| state.task.abort());
    }
}

/// The probe that a check asks for.
pub(super) fn probe_of(key: &ProbeKey, clients: &Clients) -> Result<Box<dyn Probe>, String> {
    match &key.check.kind {
        CheckKind::None => Err("nothing to probe".to_owned()),
        CheckKind::Tcp => {
            Ok(Box::new(TcpProbe { to: SocketAddr::new(key.addr, key.port), timeout: key.check.timeout }))
        }
        CheckKind::Http(http) | CheckKind::Https(http) => match HttpProbe::new(key, http, clients) {
            Ok(probe) => Ok(Box::new(probe)),
            Err(error) => Err(error.to_string()),
        },
    }
}

/// Where in the interval the rhythm of the n-th target lies, in (0, 1].
fn phase(n: u64) -> f64 {
    1.0 - (n as f64 * GOLDEN).fract()
}
