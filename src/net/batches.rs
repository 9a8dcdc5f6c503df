//! The threads that take datagrams in batches: one for each socket.

use super::Responder;
#[cfg(target_os = "linux")]
use super::overflow::Watched;
use super::server::{REFRESH, Shared, Stop};
#[cfg(target_os = "linux")]
use super::worker::Worker;
#[cfg(target_os = "linux")]
use super::{batch, cpus, sys};
use std::fmt;
use std::io;
use std::net::UdpSocket;
use std::sync::mpsc::{Sender, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;

/// Those that there are, and a thread that starts them: a thread has the priority of the one that starts it, and who asks
/// for it may be behind all others.
pub(super) struct Batches {
    starter: Sender<(Endpoint, SyncSender<io::Result<Started>>)>,
    running: Mutex<Vec<(Weak<UdpSocket>, JoinHandle<()>)>>,
}

/// A socket for a thread of its own.
struct Endpoint {
    /// The number of the thread among those of a listener.
    n: usize,
    socket: Arc<UdpSocket>,
    stop: Stop,
    /// Where the thread is to run, if not anywhere.
    cpu: Option<usize>,
}

/// The thread, and whether it runs where it is to.
struct Started {
    thread: JoinHandle<()>,
    pinned: io::Result<()>,
}

impl Batches {
    /// None yet. They will have the priority of the caller.
    pub(super) fn new<R: Responder>(
        make_responder: Arc<impl Fn() -> R + Send + Sync + 'static>,
        shared: Arc<Shared>,
    ) -> io::Result<Self> {
        let (starter, wanted) = std::sync::mpsc::channel::<(Endpoint, SyncSender<io::Result<Started>>)>();
        let body = move || {
            for (endpoint, started) in wanted {
                // who wants it waits for it
                let _ = started.send(endpoint.start(&*make_responder, &shared));
            }
        };
        std::thread::Builder::new().name("windrose-start".to_owned()).spawn(body)?;
        Ok(Self { starter, running: Mutex::default() })
    }

    /// Starts a thread for a socket, on a CPU if one is named; an error of that goes to `unpinned`.
    pub(super) fn serve(
        &self,
        n: usize,
        socket: UdpSocket,
        stop: Stop,
        cpu: Option<usize>,
        unpinned: &mut Option<io::Error>,
    ) -> io::Result<Weak<UdpSocket>> {
        socket.set_nonblocking(false)?;
        socket.set_read_timeout(Some(REFRESH))?;
        let socket = Arc::new(socket);
        let handle = Arc::downgrade(&socket);
        let Started { thread, pinned } = self.start(Endpoint { n, socket, stop, cpu })?;
        *unpinned = unpinned.take().or(pinned.err());
        let mut running = self.running();
        running.retain(|(_, thread)| !thread.is_finished());
        running.push((Weak::clone(&handle), thread));
        Ok(handle)
    }

    fn start(&self, endpoint: Endpoint) -> io::Result<Started> {
        let (started, answer) = std::sync::mpsc::sync_channel(1);
        let ended = "the thread that starts others has ended";
        self.starter.send((endpoint, started)).map_err(|_| io::Error::other(ended))?;
        answer.recv().map_err(|_| io::Error::other(ended))?
    }

    /// Wakes all and waits until they have ended. Someone must have told them to.
    pub(super) fn stop(&self) {
        for (socket, thread) in std::mem::take(&mut *self.running()) {
            wake(&socket);
            // A panic outside the responder was reported by the panic hook; there is nobody else to tell.
            let _ = thread.join();
        }
    }

    fn running(&self) -> MutexGuard<'_, Vec<(Weak<UdpSocket>, JoinHandle<()>)>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Endpoint {
    #[cfg(target_os = "linux")]
    fn start<R: Responder>(self, make_responder: impl Fn() -> R, shared: &Arc<Shared>) -> io::Result<Started> {
        let Self { n, socket, stop, cpu } = self;
        let worker = Worker::new(make_responder(), Arc::clone(shared));
        let socket = Watched::new(socket, Arc::clone(&shared.udp_overflow));
        let endpoint = batch::Endpoint { socket, worker, shared: Arc::clone(shared), stop };
        let (tell, told) = std::sync::mpsc::sync_channel(1);
        // pinned before anything else, so that its memory is near
        let body = move || {
            let _ = tell.send(cpu.map_or(Ok(()), cpus::pin));
            sys::take_short_turns();
            endpoint.run();
        };
        let thread = std::thread::Builder::new().name(format!("windrose-udp-{n}")).spawn(body)?;
        Ok(Started { thread, pinned: told.recv().unwrap_or(Ok(())) })
    }

    #[cfg(not(target_os = "linux"))]
    fn start<R: Responder>(self, _: impl Fn() -> R, _: &Arc<Shared>) -> io::Result<Started> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        self.running().iter().for_each(|(socket, _)| wake(socket));
    }
}

impl fmt::Debug for Batches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batches").field("running", &self.running().len()).finish_non_exhaustive()
    }
}

/// Makes a thread that waits for datagrams look at the signal: nothing more is received.
pub(super) fn wake(socket: &Weak<UdpSocket>) {
    if let Some(socket) = socket.upgrade() {
        // It says that the socket is not connected, and wakes its readers all the same (inet_shutdown in Linux).
        let _ = socket2::SockRef::from(&*socket).shutdown(std::net::Shutdown::Read);
    }
}
