//! Threads: start and stop.

use super::batches::{Batches, wake};
use super::https::Service;
use super::overflow::Overflow;
use super::places::Places;
use super::stream::Scratch;
use super::times::{BatchTimes, Times};
use super::tls::Speaks;
use super::worker::Worker;
use super::{Bound, Encrypted, Limits, Options, Responder, Udp, bind, tcp, udp};
use arc_swap::ArcSwap;
use std::cell::RefCell;
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, watch};
use tokio::task::LocalSet;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

/// How often a thread without queries looks for what is newest.
pub(super) const REFRESH: Duration = Duration::from_secs(1);

/// The data threads. Dropping it stops them too, without waiting.
#[derive(Debug)]
pub struct Running {
    /// None where datagrams are taken in batches: those threads have a socket each.
    udp: Vec<DataThread>,
    batches: Batches,
    tcp: Vec<DataThread>,
    tls: Vec<DataThread>,
    stop: watch::Sender<Option<Instant>>,
    shared: Arc<Shared>,
    options: Options,
}

/// Sockets being served, of one or more addresses. Dropping it closes them: nothing more is accepted or received,
/// queries in hand are answered. Others are not touched.
#[derive(Debug)]
pub struct Listening {
    addresses: Vec<SocketAddr>,
    /// Those whose threads wait for nothing but datagrams.
    batches: Vec<Weak<UdpSocket>>,
    shortfalls: Vec<String>,
    stop: watch::Sender<Option<Instant>>,
}

impl Listening {
    /// The addresses, with the ports that were chosen.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// What the system did not give although it was asked for, a line each for the operator. It serves without.
    pub fn shortfalls(&self) -> &[String] {
        &self.shortfalls
    }

    /// Closes the sockets and waits until they are, or until the grace is over for those that are still writing.
    pub async fn close(self, grace: Duration) {
        self.stop.send_replace(Some(Instant::now()));
        self.batches.iter().for_each(wake);
        // every task that serves them holds a receiver
        let _ = tokio::time::timeout(grace, self.stop.closed()).await;
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.stop.send_replace(Some(Instant::now()));
        self.batches.iter().for_each(wake);
    }
}

#[derive(Debug)]
struct DataThread {
    jobs: mpsc::UnboundedSender<Job>,
    handle: JoinHandle<()>,
}

/// Sockets for a data thread to serve until `stop`, and whom to tell that it does.
struct Job {
    sockets: Sockets,
    stop: watch::Receiver<Option<Instant>>,
    ready: std::sync::mpsc::SyncSender<io::Result<()>>,
}

enum Sockets {
    Udp(Vec<UdpSocket>),
    Tcp(Vec<TcpListener>),
    Tls(Vec<TcpListener>, TlsAcceptor),
    Https(Vec<TcpListener>, TlsAcceptor),
}

/// What went wrong so far, and the connections of this moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections open now, over TCP, TLS and HTTPS.
    pub tcp_open: usize,
    /// Idle connections that gave way to new ones.
    pub tcp_evicted: u64,
    /// Connections refused as their source has its share, or not accepted for want of file descriptors or memory.
    pub tcp_refused: u64,
    /// Connections cut off: a handshake, a query that had begun, or taking responses lasted too long.
    pub tcp_cut: u64,
    /// Datagrams not looked at: longer than any query, or from port 0.
    pub udp_ignored: u64,
    /// Responses that the kernel did not take.
    pub udp_unsent: u64,
    /// Datagrams that the kernel dropped, as the receive buffer of their socket was full.
    pub udp_overflowed: u64,
    /// Listeners of hickory-server that gave their sockets up.
    pub listeners_lost: u64,
    /// Panics of the responder.
    pub panics: u64,
}

/// What the data threads share: rare events, and the number of connections.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) places: Places,
    limits: ArcSwap<Limits>,
    pub(super) tcp_evicted: AtomicU64,
    pub(super) tcp_refused: AtomicU64,
    pub(super) tcp_cut: AtomicU64,
    pub(super) udp_ignored: AtomicU64,
    pub(super) udp_unsent: AtomicU64,
    pub(super) udp_overflow: Arc<Overflow>,
    pub(super) udp_times: Times,
    pub(super) listeners_lost: AtomicU64,
    pub(super) panics: AtomicU64,
}

impl Shared {
    /// What a connection that begins now is allowed.
    pub(super) fn limits(&self) -> Limits {
        **self.limits.load()
    }

    pub(super) fn set_limits(&self, limits: Limits) {
        self.limits.store(Arc::new(limits));
    }
}

impl Running {
    /// Starts the data threads, which have nothing to serve yet; `make_responder` is called once for each.
    /// For datagrams that are taken in batches, it is called for each socket.
    pub fn start<R: Responder>(
        options: Options,
        make_responder: impl Fn() -> R + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let (stop, signal) = watch::channel(None);
        let (udp, tcp, tls, shared) = (Vec::new(), Vec::new(), Vec::new(), Arc::<Shared>::default());
        let make_responder = Arc::new(make_responder);
        let batches = Batches::new(Arc::clone(&make_responder), Arc::clone(&shared))?;
        let mut running = Self { udp, batches, tcp, tls, stop, shared, options };
        running.set_limits(running.options.limits);
        for n in 0..running.options.threads.max(1) {
            if !running.takes_batches() {
                let udp = running.spawn(format!("windrose-udp-{n}"), &signal, make_responder(), None)?;
                running.udp.push(udp);
            }
            let tcp = running.spawn(format!("windrose-tcp-{n}"), &signal, make_responder(), None)?;
            running.tcp.push(tcp);
            let https = Service::new(Worker::new(make_responder(), Arc::clone(&running.shared)));
            let tls = running.spawn(format!("windrose-tls-{n}"), &signal, make_responder(), Some(https))?;
            running.tls.push(tls);
        }
        Ok(running)
    }

    /// Opens UDP and TCP sockets for every address and thread, or none at all.
    pub fn bind(&self, addresses: &[SocketAddr]) -> io::Result<Bound> {
        let mut bound = bind::bind(addresses, &self.options)?;
        if self.options.pin && self.takes_batches() {
            bound.spread();
        }
        Ok(bound)
    }

    /// Opens a listener for encrypted connections for every thread, or none at all.
    pub fn bind_encrypted(&self, address: SocketAddr, by: Encrypted) -> io::Result<Bound> {
        bind::bind_encrypted(address, self.options.threads, by)
    }

    /// Sets what connections are allowed that begin from now on.
    pub fn set_limits(&self, limits: Limits) {
        self.shared.set_limits(limits);
    }

    /// Serves sockets that [`bind`](Self::bind) opened, until the handle is dropped.
    pub fn serve(&self, bound: Bound) -> io::Result<Listening> {
        let (stop, signal) = watch::channel(None);
        let (mut batches, mut shortfalls, mut unpinned) = (Vec::new(), bound.shortfalls, bound.unpinned);
        let (for_batches, for_threads) =
            if self.takes_batches() { (bound.udp, Vec::new()) } else { (Vec::new(), bound.udp) };
        for (n, sockets) in for_batches.into_iter().enumerate() {
            for socket in sockets {
                let stop = Stop { all: self.stop.subscribe(), own: signal.clone() };
                let cpu = bound.cpus.get(n).copied();
                batches.push(self.batches.serve(n, socket, stop, cpu, &mut unpinned)?);
            }
        }
        shortfalls.extend(unpinned.map(|error| bind::not_pinned(&bound.addresses, &error)));
        let udp = self.udp.iter().zip(for_threads.into_iter().map(Sockets::Udp));
        let threads = if bound.encrypted.is_some() { &self.tls } else { &self.tcp };
        // one for all threads, so that a client's session is known to each
        let acceptor = bound.encrypted.as_ref().map(Encrypted::acceptor).transpose()?;
        let streams = bound.tcp.into_iter().map(|listeners| match (&acceptor, &bound.encrypted) {
            (Some(acceptor), Some(Encrypted::Https(_))) => Sockets::Https(listeners, acceptor.clone()),
            (Some(acceptor), _) => Sockets::Tls(listeners, acceptor.clone()),
            (None, _) => Sockets::Tcp(listeners),
        });
        for (thread, sockets) in udp.chain(threads.iter().zip(streams)) {
            thread.serve(sockets, signal.clone())?;
        }
        drop(signal);
        Ok(Listening { addresses: bound.addresses, batches, shortfalls, stop })
    }

    /// Stops: nothing more is accepted or received, queries in hand are answered, threads are joined. What is not done
    /// after `grace` is cut off. Blocks for that long at most.
    pub fn stop(self, grace: Duration) {
        self.stop.send_replace(Some(Instant::now() + grace));
        self.batches.stop();
        for thread in self.udp.into_iter().chain(self.tcp).chain(self.tls) {
            // A panic outside the responder was reported by the panic hook; there is nobody else to tell.
            let _ = thread.handle.join();
        }
    }

    /// What tells what went wrong, also when this has stopped.
    pub fn gauge(&self) -> Gauge {
        Gauge(Arc::clone(&self.shared))
    }

    fn takes_batches(&self) -> bool {
        cfg!(target_os = "linux") && self.options.udp == Udp::Batch
    }

    fn spawn<R: Responder>(
        &self,
        name: String,
        signal: &watch::Receiver<Option<Instant>>,
        responder: R,
        https: Option<Service>,
    ) -> io::Result<DataThread> {
        // Built here, so that a failure is the caller's to see.
        let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
        let (stop, shared) = (signal.clone(), Arc::clone(&self.shared));
        let (jobs, received) = mpsc::unbounded_channel();
        let body = move || Thread::new(responder, shared, stop, https).run(&runtime, received);
        let handle = std::thread::Builder::new().name(name).spawn(body)?;
        Ok(DataThread { jobs, handle })
    }
}

/// Tells what went wrong so far in the data threads.
#[derive(Clone, Debug)]
pub struct Gauge(Arc<Shared>);

impl Gauge {
    /// What went wrong so far.
    pub fn counts(&self) -> Counts {
        let get = |cell: &AtomicU64| cell.load(Ordering::Relaxed);
        Counts {
            tcp_open: self.0.places.count(),
            tcp_evicted: get(&self.0.tcp_evicted),
            tcp_refused: get(&self.0.tcp_refused),
            tcp_cut: get(&self.0.tcp_cut),
            udp_ignored: get(&self.0.udp_ignored),
            udp_unsent: get(&self.0.udp_unsent),
            udp_overflowed: self.0.udp_overflow.total(),
            listeners_lost: get(&self.0.listeners_lost),
            panics: get(&self.0.panics),
        }
    }

    /// How long batches of datagrams took.
    pub fn batch_times(&self) -> BatchTimes {
        self.0.udp_times.sums()
    }

    /// Counts a listener that gave its sockets up.
    pub fn count_lost_listener(&self) {
        self.0.listeners_lost.fetch_add(1, Ordering::Relaxed);
    }
}

impl DataThread {
    /// Hands sockets to the thread and waits until they are served.
    fn serve(&self, sockets: Sockets, stop: watch::Receiver<Option<Instant>>) -> io::Result<()> {
        let ended = |_| io::Error::other("a data thread has ended");
        let (ready, served) = std::sync::mpsc::sync_channel(1);
        self.jobs.send(Job { sockets, stop, ready }).map_err(|_| ended(std::sync::mpsc::RecvError))?;
        served.recv().map_err(ended)?
    }
}

/// A data thread, seen from inside.
pub(super) struct Thread<R> {
    pub(super) worker: Rc<RefCell<Worker<R>>>,
    pub(super) shared: Arc<Shared>,
    pub(super) scratch: Rc<RefCell<Scratch>>,
    /// On the threads that serve HTTPS.
    https: Option<Service>,
    stop: watch::Receiver<Option<Instant>>,
}

impl<R: Responder> Thread<R> {
    fn new(responder: R, shared: Arc<Shared>, stop: watch::Receiver<Option<Instant>>, https: Option<Service>) -> Self {
        let worker = Rc::new(RefCell::new(Worker::new(responder, Arc::clone(&shared))));
        Self { worker, scratch: Rc::default(), https, shared, stop }
    }

    /// Serves what it is given until every task has ended or the grace is over.
    fn run(self, runtime: &Runtime, jobs: mpsc::UnboundedReceiver<Job>) {
        let tasks = LocalSet::new();
        let stop = Stop { all: self.stop.clone(), own: self.stop.clone() };
        tasks.spawn_local(self.take(jobs));
        runtime.block_on(async {
            tokio::select! {
                () = tasks => {}
                () = stop.expired() => {}
            }
        });
    }

    /// Sets up what it is given, until the signal.
    async fn take(self, mut jobs: mpsc::UnboundedReceiver<Job>) {
        let mut stop = Stop { all: self.stop.clone(), own: self.stop.clone() };
        let mut refresh = tokio::time::interval(REFRESH);
        loop {
            let job = tokio::select! {
                biased;
                () = stop.signalled() => return,
                job = jobs.recv() => job,
                // lets go of what an idle thread would keep from its last query: an old snapshot with all its zones
                _ = refresh.tick() => {
                    self.worker.borrow_mut().start_batch();
                    self.https.iter().for_each(Service::refresh);
                    continue;
                }
            };
            let Some(Job { sockets, stop: own, ready }) = job else { return };
            let stop = Stop { all: self.stop.clone(), own };
            let served = match sockets {
                Sockets::Udp(sockets) => udp::serve(&self, sockets, &stop),
                Sockets::Tcp(listeners) => tcp::serve(&self, listeners, Speaks::Plain, &stop),
                Sockets::Tls(listeners, acceptor) => tcp::serve(&self, listeners, Speaks::Tls(acceptor), &stop),
                Sockets::Https(listeners, acceptor) => self.serve_https(listeners, acceptor, &stop),
            };
            // nobody waits where the server is being dropped
            let _ = ready.send(served);
        }
    }

    fn serve_https(&self, listeners: Vec<TcpListener>, acceptor: TlsAcceptor, stop: &Stop) -> io::Result<()> {
        let https = self.https.clone().ok_or_else(|| io::Error::other("this thread does not serve HTTPS"))?;
        tcp::serve(self, listeners, Speaks::Https(acceptor, https), stop)
    }
}

/// The signal to stop, of all sockets or of one's own; that of all carries the end of the grace.
#[derive(Clone)]
pub(super) struct Stop {
    all: watch::Receiver<Option<Instant>>,
    own: watch::Receiver<Option<Instant>>,
}

impl Stop {
    /// True from the signal on.
    pub(super) fn is_set(&self) -> bool {
        let set =
            |signal: &watch::Receiver<Option<Instant>>| signal.borrow().is_some() || signal.has_changed().is_err();
        set(&self.all) || set(&self.own)
    }

    /// Waits for the signal.
    pub(super) async fn signalled(&mut self) {
        // An error says that who would send it is gone, which is a signal too.
        tokio::select! {
            _ = self.all.wait_for(Option::is_some) => {}
            _ = self.own.wait_for(Option::is_some) => {}
        }
    }

    /// Waits for the end of the grace; that of a dropped `Running` is zero.
    async fn expired(mut self) {
        let end = self.all.wait_for(Option::is_some).await.ok().and_then(|end| *end);
        if let Some(end) = end {
            tokio::time::sleep_until(end).await;
        }
    }
}
