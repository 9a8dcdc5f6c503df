//! What the rest of the process may ask of a running server: the admin API, the demo, signals.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

use crate::base::Now;
use crate::config::Listener;
use crate::net;
use crate::probe::clock;

use super::publish::Control;

/// A handle on a running server.
#[derive(Clone)]
pub struct Handle {
    /// The control plane.
    pub control: Arc<Control>,
    /// Sockets and reloads.
    pub serving: Arc<Serving>,
    reloads: mpsc::Sender<ReloadRequest>,
}

/// Sockets and reloads of a running server.
#[derive(Debug)]
pub struct Serving {
    /// When the server was started.
    pub started: Now,
    /// What went wrong in the sockets.
    pub sockets: net::Gauge,
    listeners: Mutex<Vec<(Listener, SocketAddr)>>,
    history: Mutex<History>,
}

/// How reloads went.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Reloads that were taken.
    pub taken: u64,
    /// Reloads that were refused.
    pub refused: u64,
    /// When the last one ended, and whether it was taken.
    pub last: Option<(Now, bool)>,
    /// The first error of the last one, if it was refused.
    pub error: Option<String>,
}

/// Somebody asks for a reload.
#[derive(Debug)]
pub struct ReloadRequest {
    /// Why, as the log says it.
    pub why: &'static str,
    /// Who wants to know how it went.
    pub done: Option<oneshot::Sender<Reloaded>>,
}

/// How a reload went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reloaded {
    /// Whether the new files are served.
    pub taken: bool,
    /// Errors and warnings, a line each.
    pub diagnostics: Vec<String>,
    /// What changed, a line a thing.
    pub changes: Vec<String>,
}

impl Handle {
    /// A handle, and where its requests arrive.
    #[must_use]
    pub fn new(control: Arc<Control>, sockets: net::Gauge) -> (Self, mpsc::Receiver<ReloadRequest>) {
        let (reloads, received) = mpsc::channel(16);
        let serving =
            Serving { started: clock::now(), sockets, listeners: Mutex::default(), history: Mutex::default() };
        (Self { control, serving: Arc::new(serving), reloads }, received)
    }

    /// Asks for a reload and waits for its end; none where the server is stopping.
    pub async fn reload(&self, why: &'static str) -> Option<Reloaded> {
        let (done, reloaded) = oneshot::channel();
        self.reloads.send(ReloadRequest { why, done: Some(done) }).await.ok()?;
        reloaded.await.ok()
    }

    /// Asks for a reload, without waiting.
    pub fn request_reload(&self, why: &'static str) {
        // fails where the server is stopping, or where so many are waiting that one of them will see the same files
        let _ = self.reloads.try_send(ReloadRequest { why, done: None });
    }
}

impl Serving {
    /// Where the server listens, ports chosen.
    #[must_use]
    pub fn listeners(&self) -> Vec<(Listener, SocketAddr)> {
        lock(&self.listeners).clone()
    }

    /// Notes where it listens now.
    pub fn set_listeners(&self, listeners: Vec<(Listener, SocketAddr)>) {
        *lock(&self.listeners) = listeners;
    }

    /// How reloads went.
    #[must_use]
    pub fn history(&self) -> History {
        lock(&self.history).clone()
    }

    /// Notes how a reload went.
    pub fn note_reload(&self, reloaded: &Reloaded) {
        let mut history = lock(&self.history);
        *(if reloaded.taken { &mut history.taken } else { &mut history.refused }) += 1;
        history.last = Some((clock::now(), reloaded.taken));
        let error = reloaded.diagnostics.iter().find(|line| line.contains("error: "));
        history.error = error.filter(|_| !reloaded.taken).cloned();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
