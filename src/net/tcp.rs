//! Accepting connections, and handing each to what its listener speaks. How many there may be is for `places` to say.

use super::server::{Shared, Stop, Thread};
use super::stream::{self, Scratch};
use super::tls::Speaks;
use super::worker::Worker;
use super::{Limits, Meta, Responder, Transport, https, tls};
use crate::net::places::Place;
use std::cell::RefCell;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// The longest message.
const LONGEST: usize = u16::MAX as usize;
/// The pause after a failure to accept. Without one, a process out of file descriptors spins: the connection stays in
/// the queue and the listener stays ready.
const REST: Duration = Duration::from_millis(100);

/// Sets up a task for each listener.
pub(super) fn serve<R: Responder>(
    thread: &Thread<R>,
    listeners: Vec<std::net::TcpListener>,
    speaks: Speaks,
    stop: &Stop,
) -> io::Result<()> {
    let desk = Rc::new(Desk {
        worker: Rc::clone(&thread.worker),
        scratch: Rc::clone(&thread.scratch),
        stop: stop.clone(),
        shared: Arc::clone(&thread.shared),
        speaks,
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
    pub(super) shared: Arc<Shared>,
    speaks: Speaks,
}

/// A connection's place, what it is allowed, and what is known of its client.
pub(super) struct Visit {
    pub(super) place: Place,
    pub(super) limits: Limits,
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
            Ok((stream, client)) => admit(stream, client, &desk),
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

/// Starts a connection's task, or closes the connection where there is no place for it.
fn admit<R: Responder>(stream: TcpStream, client: SocketAddr, desk: &Rc<Desk<R>>) {
    let Ok(local) = stream.local_addr() else { return };
    let Some(place) = desk.shared.admit(client.ip()) else { return };
    let transport = match desk.speaks {
        Speaks::Plain => Transport::Tcp,
        Speaks::Tls(_) => Transport::Tls,
        Speaks::Https(..) => Transport::Https,
    };
    let (id, limits) = (place.id, desk.shared.limits());
    let visit = Visit { place, limits, meta: Meta::new(client, local.ip(), transport, LONGEST) };
    prepare(&stream, &limits);
    let desk_of_task = Rc::clone(desk);
    let task = tokio::task::spawn_local(async move { converse(stream, &desk_of_task, visit).await });
    desk.shared.attach(id, task.abort_handle());
}

fn prepare(stream: &TcpStream, limits: &Limits) {
    // Responses are whole writes: nothing is gained by waiting for more.
    let _ = stream.set_nodelay(true);
    // What a client does not take is not kept for it after the connection was closed either (tcp(7)).
    let _ = socket2::SockRef::from(stream).set_tcp_user_timeout(Some(limits.write));
}

/// Serves a connection to its end.
async fn converse<R: Responder>(stream: TcpStream, desk: &Desk<R>, visit: Visit) {
    let shake_hands = |tls, stream| tls::shake_hands(tls, stream, &desk.stop, &visit.limits);
    // boxed: a plain connection has no room for what the others need
    let served = match &desk.speaks {
        Speaks::Plain => stream::converse(stream, desk, &visit).await,
        Speaks::Tls(tls) => match Box::pin(shake_hands(tls, stream)).await {
            Ok(stream) => Box::pin(stream::converse(stream, desk, &visit)).await,
            Err(error) => Err(error),
        },
        Speaks::Https(tls, service) => match Box::pin(shake_hands(tls, stream)).await {
            Ok(stream) => {
                Box::pin(https::converse(stream, service, &desk.stop, &visit)).await;
                Ok(())
            }
            Err(error) => Err(error),
        },
    };
    // Any other error is the client's doing, and there is nobody to tell.
    if served.is_err_and(|error| error.kind() == ErrorKind::TimedOut) {
        desk.shared.tcp_cut.fetch_add(1, Ordering::Relaxed);
    }
}
