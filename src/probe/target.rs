//! One target's life: wait, probe, apply, tell.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{Notify, Semaphore};
use tracing::{debug, warn};

use super::{Change, Event, clock};
use crate::base::{Mono, Now};
use crate::health::{Applied, Machine, Outcome, ProbeKey};

/// A certificate that expires sooner than this many seconds is warned of (two weeks).
const EXPIRY_WARNING: u64 = 14 * 86_400;
/// Seconds between two such warnings about one target (a day).
const EXPIRY_WARNING_EVERY: u64 = 86_400;
/// Between two log lines about the node's own trouble, which may meet every probe at once.
const TROUBLE_WARNING_EVERY: Duration = Duration::from_secs(60);

/// A probe under way.
pub(super) type Running<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// Asks one target, within the timeout of its check.
pub(super) trait Probe: Send + Sync {
    /// Runs once.
    fn run(&self) -> Running<'_>;
}

/// Makes the probe of a target, or says why this node cannot.
pub(super) type MakeProbe = dyn Fn(&ProbeKey) -> Result<Box<dyn Probe>, String> + Send + Sync;

/// What all targets share.
pub(super) struct Shared {
    /// How the control side hears of changes.
    pub(super) events: UnboundedSender<Event>,
    /// How many probes may run at once.
    pub(super) permits: Semaphore,
    /// Makes probes.
    pub(super) make: Box<MakeProbe>,
    /// Told when a target has been tried.
    pub(super) tried: Notify,
    /// Probes that met the node's own trouble.
    pub(super) troubles: AtomicU64,
    /// When the last of them was logged.
    pub(super) trouble_logged: Mutex<Option<Mono>>,
}

/// One target being probed.
pub(super) struct Target {
    pub(super) key: ProbeKey,
    pub(super) machine: Arc<Mutex<Machine>>,
    pub(super) shared: Arc<Shared>,
    /// Which part of the interval, in (0, 1], lies between the first probe and the second.
    pub(super) phase: f64,
    /// Made before the first probe, and again as long as that fails.
    pub(super) probe: Option<Box<dyn Probe>>,
    /// When the log was last told that the certificate expires soon, in wall seconds.
    pub(super) expiry_logged: Option<u64>,
}

impl Target {
    /// Probes until the task is cancelled.
    pub(super) async fn run(mut self) {
        let (started, ended) = self.round().await;
        let spread = started.after(self.key.check.interval.mul_f64(self.phase));
        let mut next = self.next_start(started, ended).min(spread).max(ended);
        loop {
            tokio::time::sleep_until(clock::instant(next)).await;
            let (started, ended) = self.round().await;
            next = self.next_start(started, ended);
        }
    }

    /// One probe and what follows from it; when it started and ended.
    async fn round(&mut self) -> (Mono, Mono) {
        let (outcome, started, ended) = self.probe().await;
        let (applied, first) = {
            let mut machine = lock(&self.machine);
            let first = !machine.is_tried();
            (machine.apply(&self.key.check, outcome.clone(), started, ended), first)
        };
        if first {
            self.shared.tried.notify_waiters();
        }
        self.log(&outcome, applied, ended);
        self.tell(applied);
        (started.mono, ended.mono)
    }

    /// Runs the probe once there is room for it.
    async fn probe(&mut self) -> (Outcome, Now, Now) {
        let _permit = self.shared.permits.acquire().await.expect("the semaphore is never closed");
        let started = clock::now();
        let probe = match self.probe.take().map_or_else(|| (self.shared.make)(&self.key), Ok) {
            Ok(probe) => self.probe.insert(probe),
            Err(why) => return (Outcome::OwnTrouble(why), started, clock::now()),
        };
        let outcome = caught(probe.run()).await;
        (outcome, started, clock::now())
    }

    fn next_start(&self, started: Mono, ended: Mono) -> Mono {
        lock(&self.machine).next_start(&self.key.check, started, ended)
    }

    /// Sends what a plan may depend on.
    fn tell(&self, applied: Applied) {
        let change = match applied {
            Applied { verdict_changed: Some((from, to)), .. } => Change::Verdict { from, to },
            Applied { unsettled: true, .. } => Change::Unsettled,
            Applied { latency_changed: true, .. } => Change::Latency,
            _ => return,
        };
        // Without a listener there is nobody to tell.
        let _ = self.shared.events.send(Event { key: self.key.clone(), change });
    }

    fn log(&mut self, outcome: &Outcome, applied: Applied, now: Now) {
        match (outcome, applied.verdict_changed) {
            (Outcome::OwnTrouble(text), _) => self.log_trouble(text, now.mono),
            // operators read of it by the names of endpoints, which control knows
            (_, Some((old, new))) => debug!("{}: {old} -> {new} ({outcome})", self.key),
            _ => {}
        }
        if let Outcome::Success { certificate_expiry: Some(expiry), .. } = outcome {
            self.log_expiry(*expiry, now.wall);
        }
    }

    /// Raises the alarm about the node's own trouble, once a minute whatever the number of probes.
    fn log_trouble(&self, text: &str, now: Mono) {
        let count = self.shared.troubles.fetch_add(1, Ordering::Relaxed) + 1;
        let mut logged = lock(&self.shared.trouble_logged);
        if logged.is_none_or(|at| now.since(at) >= TROUBLE_WARNING_EVERY) {
            *logged = Some(now);
            warn!("{}: not probed, its verdict is held: {text} ({count} such probes since start)", self.key);
        }
    }

    fn log_expiry(&mut self, expiry: u64, now: u64) {
        let left = expiry.saturating_sub(now);
        if left < EXPIRY_WARNING && self.expiry_logged.is_none_or(|at| now >= at + EXPIRY_WARNING_EVERY) {
            self.expiry_logged = Some(now);
            warn!("{}: certificate expires in {:.1} days", self.key, left as f64 / 86_400.0);
        }
    }
}

/// A lock that a panic elsewhere does not spoil: what it guards is whole between any two statements.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A probe whose panic says nothing of the target and ends nothing but itself.
async fn caught(mut probe: Running<'_>) -> Outcome {
    std::future::poll_fn(move |context| {
        let polled = catch_unwind(AssertUnwindSafe(|| probe.as_mut().poll(context)));
        polled.unwrap_or_else(|_| Poll::Ready(Outcome::OwnTrouble("the probe panicked".to_owned())))
    })
    .await
}
