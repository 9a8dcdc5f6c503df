//! Threads: start and stop.

use super::worker::Worker;
use super::{Bound, Responder, tcp, udp};
use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::task::LocalSet;
use tokio::time::Instant;

/// Sockets being served. Dropping it stops them too, without waiting.
#[derive(Debug)]
pub struct Running {
    threads: Vec<JoinHandle<()>>,
    stop: watch::Sender<Option<Instant>>,
    shared: Arc<Shared>,
}

/// What went wrong so far, and the connections of this moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// TCP connections open now.
    pub tcp_open: usize,
    /// Idle connections that gave way to new ones.
    pub tcp_evicted: u64,
    /// Connections refused, or not accepted for want of file descriptors or memory.
    pub tcp_refused: u64,
    /// Datagrams not looked at: longer than any query, or from port 0.
    pub udp_ignored: u64,
    /// Responses that the kernel did not take.
    pub udp_unsent: u64,
    /// Panics of the responder.
    pub panics: u64,
}

/// What the data threads share: rare events, and the number of connections.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) tcp_open: AtomicUsize,
    pub(super) tcp_evicted: AtomicU64,
    pub(super) tcp_refused: AtomicU64,
    pub(super) udp_ignored: AtomicU64,
    pub(super) udp_unsent: AtomicU64,
    pub(super) panics: AtomicU64,
}

impl Bound {
    /// Starts the data threads; `make_responder` is called once for each.
    pub fn start<R: Responder>(self, make_responder: impl Fn() -> R) -> io::Result<Running> {
        let (stop, signal) = watch::channel(None);
        let mut running = Running { threads: Vec::new(), stop, shared: Arc::default() };
        for (n, sockets) in self.udp.into_iter().enumerate() {
            running
                .spawn(format!("windrose-udp-{n}"), &signal, make_responder(), |thread| udp::serve(thread, sockets))?;
        }
        for (n, listeners) in self.tcp.into_iter().enumerate() {
            let options = self.options.clone();
            running.spawn(format!("windrose-tcp-{n}"), &signal, make_responder(), |thread| {
                tcp::serve(thread, listeners, options)
            })?;
        }
        Ok(running)
    }
}

impl Running {
    /// Stops: nothing more is accepted or received, queries in hand are answered, threads are joined. What is not done
    /// after `grace` is cut off. Blocks for that long at most.
    pub fn stop(self, grace: Duration) {
        self.stop.send_replace(Some(Instant::now() + grace));
        for thread in self.threads {
            // A panic outside the responder was reported by the panic hook; there is nobody else to tell.
            let _ = thread.join();
        }
    }

    /// What went wrong so far.
    pub fn counts(&self) -> Counts {
        let get = |cell: &AtomicU64| cell.load(Ordering::Relaxed);
        Counts {
            tcp_open: self.shared.tcp_open.load(Ordering::Relaxed),
            tcp_evicted: get(&self.shared.tcp_evicted),
            tcp_refused: get(&self.shared.tcp_refused),
            udp_ignored: get(&self.shared.udp_ignored),
            udp_unsent: get(&self.shared.udp_unsent),
            panics: get(&self.shared.panics),
        }
    }

    fn spawn<R: Responder>(
        &mut self,
        name: String,
        signal: &watch::Receiver<Option<Instant>>,
        responder: R,
        serve: impl FnOnce(&Thread<R>) -> io::Result<()> + Send + 'static,
    ) -> io::Result<()> {
        // Built here, so that a failure is the caller's to see.
        let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
        let (stop, shared) = (Stop(signal.clone()), Arc::clone(&self.shared));
        let (ready, started) = std::sync::mpsc::sync_channel(1);
        let body = move || {
            let worker = Rc::new(RefCell::new(Worker::new(responder, Arc::clone(&shared))));
            let thread = Thread { tasks: LocalSet::new(), worker, shared, stop };
            thread.run(&runtime, serve, &ready);
        };
        self.threads.push(std::thread::Builder::new().name(name).spawn(body)?);
        started.recv().unwrap_or_else(|_| Err(io::Error::other("a data thread ended before it began")))
    }
}

/// A data thread, seen from inside.
pub(super) struct Thread<R> {
    pub(super) tasks: LocalSet,
    pub(super) worker: Rc<RefCell<Worker<R>>>,
    pub(super) shared: Arc<Shared>,
    pub(super) stop: Stop,
}

impl<R: Responder> Thread<R> {
    /// Serves until every task has ended or the grace is over.
    fn run(
        self,
        runtime: &Runtime,
        serve: impl FnOnce(&Self) -> io::Result<()>,
        ready: &std::sync::mpsc::SyncSender<io::Result<()>>,
    ) {
        let registered = {
            let _inside = runtime.enter();
            serve(&self)
        };
        let failed = registered.is_err();
        let _ = ready.send(registered);
        if !failed {
            let Self { tasks, stop, .. } = self;
            runtime.block_on(async {
                tokio::select! {
                    () = tasks => {}
                    () = stop.expired() => {}
                }
            });
        }
    }
}

/// The signal to stop, which carries the end of the grace.
#[derive(Clone)]
pub(super) struct Stop(watch::Receiver<Option<Instant>>);

impl Stop {
    /// True from the signal on.
    pub(super) fn is_set(&self) -> bool {
        self.0.borrow().is_some() || self.0.has_changed().is_err()
    }

    /// Waits for the signal.
    pub(super) async fn signalled(&mut self) {
        // An error says that `Running` is gone.
        let _ = self.0.wait_for(Option::is_some).await;
    }

    /// Waits for the end of the grace; that of a dropped `Running` is zero.
    async fn expired(mut self) {
        let end = self.0.wait_for(Option::is_some).await.ok().and_then(|end| *end);
        if let Some(end) = end {
            tokio::time::sleep_until(end).await;
        }
    }
}
