//! Accepting connections. How many there may be is the `register`'s affair.

use super::register::Place;
use super::server::{Shared, Stop, Thread};
use super::stream::{self, Pipe, Scratch};
use super::tls::{self, Speak};
use super::worker::Worker;
use super::{Meta, Responder, Tcp, https};
use std::cell::RefCell;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// The pause after a failure to accept. Without one, a process out of file descriptors spins: the connection stays in
/// the queue and the listener stays ready.
const REST: Duration = Duration::from_millis(100);
/// Octets that the kernel takes of a connection beyond what is on its way. Without a bound it takes megabytes for each
/// client that does not read.
const UNSENT: u32 = 1 << 16;

/// Sets up a task for each listener.
pub(super) fn serve<R: Responder>(
    thread: &Thread<R>,
    listeners: Vec<std::net::TcpListener>,
    speak: &Speak,
    stop: &Stop,
) -> io::Result<()> {
    let desk = Rc::new(Desk {
        worker: Rc::clone(&thread.worker),
        scratch: Rc::clone(&thread.scratch),
        shared: Arc::clone(&thread.shared),
        stop: stop.clone(),
        speak: speak.clone(),
    });
    for listener in listeners {
        tokio::task::spawn_local(accept(TcpListener::from_std(listener)?, Rc::clone(&desk)));
    }
    Ok(())
}

/// What the connections of these listeners share.
pub(super) struct Desk<R> {
    pub(super) worker: Rc<RefCell<Worker<R>>>,
    pub(super) scratch: Rc<RefCell<Scratch>>,
    pub(super) stop: Stop,
    shared: Arc<Shared>,
    speak: Speak,
}

/// What a connection is given.
pub(super) struct Guest<R> {
    pub(super) desk: Rc<Desk<R>>,
    pub(super) place: Place,
    pub(super) limits: Arc<Tcp>,
    pub(super) meta: Meta,
}

/// Accepts until the signal.
async fn accept<R: Responder>(listener: TcpListener, desk: Rc<Desk<R>>) {
    let mut stop = desk.stop.clone();
    loop {
        let accepted = tokio::select! {
            biased;
            // before the signal's receivers, whose end says that the socket is closed
            () = stop.signalled() => return drop(listener),
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => admit(stream, peer, &desk),
            Err(e) if is_of_connection(&e) => {}
            Err(_) => {
                desk.shared.tcp_refused.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(REST).await;
            }
        }
    }
}

/// An error of the connection that would have been accepted, not of the listener.
fn is_of_connection(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted)
}

/// Starts a connection's task, where need be in the place of another.
fn admit<R: Responder>(stream: TcpStream, peer: SocketAddr, desk: &Rc<Desk<R>>) {
    // an error says that the client is gone
    let Ok(local) = stream.local_addr() else { return };
    let limits = desk.shared.limits.load_full();
    let (place, gave_way) = desk.shared.register.enter(peer.ip(), &limits);
    desk.shared.tcp_evicted.fetch_add(gave_way, Ordering::Relaxed);
    let meta = Meta::new(peer, local.ip(), desk.speak.transport(), stream::LONGEST);
    let guest = Rc::new(Guest { desk: Rc::clone(desk), place, limits, meta });
    tokio::task::spawn_local(async move {
        tokio::select! {
            biased;
            () = guest.place.lost() => {}
            () = converse(stream, &guest) => {}
        }
    });
}

/// Serves a connection to its end.
async fn converse<R: Responder>(stream: TcpStream, guest: &Rc<Guest<R>>) {
    // Responses are whole writes: nothing is gained by waiting for more.
    let _ = stream.set_nodelay(true);
    let _ = socket2::SockRef::from(&stream).set_tcp_notsent_lowat(UNSENT);
    match &guest.desk.speak {
        Speak::Dns => stream::converse(stream, guest).await,
        Speak::Tls(acceptor) => {
            let Some(stream) = tls::shake_hands(stream, acceptor, guest).await else { return };
            stream::converse(stream, guest).await;
        }
        Speak::Https(acceptor) => {
            let Some(stream) = tls::shake_hands(stream, acceptor, guest).await else { return };
            https::converse(stream, guest).await;
        }
    }
}

impl Pipe for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }
}
