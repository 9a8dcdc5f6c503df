//! Accepting connections, and how many.
//!
//! At the cap the connection of this thread that has been idle for the longest gives way to the new one: a crowd of
//! silent connections cannot lock others out, as it could if new ones were refused (RFC 7766 §6.2.2, RFC 9210 §4.2). A
//! new one is refused only where this thread has none to close.

use super::server::{Shared, Stop, Thread};
use super::stream::{self, Scratch};
use super::worker::Worker;
use super::{Options, Responder};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// The pause after a failure to accept. Without one, a process out of file descriptors spins: the connection stays in
/// the queue and the listener stays ready.
const REST: Duration = Duration::from_millis(100);

/// Sets up a task for each listener.
pub(super) fn serve<R: Responder>(
    thread: &Thread<R>,
    listeners: Vec<std::net::TcpListener>,
    stop: &Stop,
) -> io::Result<()> {
    let desk = Rc::new(Desk {
        worker: Rc::clone(&thread.worker),
        scratch: Rc::clone(&thread.scratch),
        stop: stop.clone(),
        connections: Rc::clone(&thread.connections),
        options: thread.options.clone(),
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
    pub(super) options: Options,
    connections: Rc<Connections>,
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
            Ok((stream, _)) => admit(stream, &desk),
            Err(e) if is_of_connection(&e) => {}
            Err(_) => {
                desk.connections.shared.tcp_refused.fetch_add(1, Ordering::Relaxed);
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
fn admit<R: Responder>(stream: TcpStream, desk: &Rc<Desk<R>>) {
    let Some(place) = desk.connections.place() else { return };
    let id = place.id;
    let desk_of_task = Rc::clone(desk);
    let task = tokio::task::spawn_local(async move { stream::converse(stream, &desk_of_task, &place).await });
    desk.connections.enter(id, task.abort_handle());
}

/// The open connections of a thread.
pub(super) struct Connections {
    open: RefCell<HashMap<u64, Entry>>,
    next: Cell<u64>,
    cap: usize,
    shared: Arc<Shared>,
}

/// An open connection.
struct Entry {
    active: Instant,
    task: AbortHandle,
}

impl Connections {
    pub(super) fn new(cap: usize, shared: Arc<Shared>) -> Self {
        Self { open: RefCell::default(), next: Cell::new(0), cap: cap.max(1), shared }
    }

    /// A place for one more connection, another's if need be.
    fn place(self: &Rc<Self>) -> Option<Place> {
        let below = |open: usize| (open < self.cap).then_some(open + 1);
        let free = self.shared.tcp_open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, below).is_ok();
        if !free && !self.evict() {
            self.shared.tcp_refused.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        let id = self.next.get();
        self.next.set(id + 1);
        Some(Place { connections: Rc::clone(self), id })
    }

    fn enter(&self, id: u64, task: AbortHandle) {
        self.open.borrow_mut().insert(id, Entry { active: Instant::now(), task });
    }

    /// Closes the connection idle for the longest; its place is then free to be taken over.
    fn evict(&self) -> bool {
        let oldest = |open: &HashMap<u64, Entry>| open.iter().min_by_key(|(_, entry)| entry.active).map(|(&id, _)| id);
        let removed = {
            let mut open = self.open.borrow_mut();
            oldest(&open).and_then(|id| open.remove(&id))
        };
        let Some(entry) = removed else { return false };
        entry.task.abort();
        self.shared.tcp_evicted.fetch_add(1, Ordering::Relaxed);
        true
    }
}

/// A connection's place among those allowed; dropping it gives the place back.
pub(super) struct Place {
    connections: Rc<Connections>,
    id: u64,
}

impl Place {
    /// Notes that a query was answered: the connection is not idle.
    pub(super) fn touch(&self, now: Instant) {
        if let Some(entry) = self.connections.open.borrow_mut().get_mut(&self.id) {
            entry.active = now;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // One that was evicted is no longer listed: its place went to another.
        if self.connections.open.borrow_mut().remove(&self.id).is_some() {
            self.connections.shared.tcp_open.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
