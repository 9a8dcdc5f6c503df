//! Who may have a connection: how many in all, how many from one source, and who gives way.
//!
//! At the cap the connection that has been idle for the longest gives way to the new one, whatever thread serves it: a
//! crowd of silent connections cannot lock others out, as it could if new ones were refused (RFC 7766 §6.2.2, RFC 9210
//! §4.2). Nobody gives way to a source that has its share.

use super::server::Shared;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// What connections are allowed, over TCP, TLS and HTTPS alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A connection without a whole query for this long is closed (RFC 7766 §6.2.3).
    pub idle: Duration,
    /// A query must be whole this long after its first octet, and a handshake this long after the connection.
    pub query: Duration,
    /// A client that has not taken the responses to all it asked at once within this time is cut off.
    pub write: Duration,
    /// Connections at the same time. Beyond it the one idle for the longest gives way.
    pub connections: usize,
    /// Connections at the same time from one IPv4 address or one /56 of IPv6. Beyond it new ones are refused.
    pub per_source: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(10),
            query: Duration::from_secs(5),
            write: Duration::from_secs(5),
            connections: 10_000,
            per_source: 128,
        }
    }
}

/// The open connections of all threads. Locked when one comes or goes, not for a query.
#[derive(Debug)]
pub(super) struct Places {
    open: Mutex<Open>,
    epoch: Instant,
}

impl Default for Places {
    fn default() -> Self {
        Self { open: Mutex::default(), epoch: Instant::now() }
    }
}

#[derive(Debug, Default)]
struct Open {
    entries: HashMap<u64, Entry>,
    sources: HashMap<IpAddr, usize>,
    /// Who was active when, as of when it was put here; connections that are gone may be among them.
    idle: BinaryHeap<Reverse<(u64, u64)>>,
    next: u64,
}

/// An open connection.
#[derive(Debug)]
struct Entry {
    active: Arc<AtomicU64>,
    source: IpAddr,
    task: Option<AbortHandle>,
}

impl Places {
    /// Connections open now.
    pub(super) fn count(&self) -> usize {
        self.lock().entries.len()
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        // nothing panics half-way through a change
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How much later than `epoch` that is.
fn micros(now: Instant, epoch: Instant) -> u64 {
    u64::try_from(now.duration_since(epoch).as_micros()).unwrap_or(u64::MAX)
}

impl Open {
    fn enter(&mut self, source: IpAddr, now: u64) -> (u64, Arc<AtomicU64>) {
        let (id, active) = (self.next, Arc::new(AtomicU64::new(now)));
        self.next += 1;
        self.entries.insert(id, Entry { active: Arc::clone(&active), source, task: None });
        *self.sources.entry(source).or_default() += 1;
        self.idle.push(Reverse((now, id)));
        (id, active)
    }

    fn remove(&mut self, id: u64) -> Option<Entry> {
        let entry = self.entries.remove(&id)?;
        if let Some(count) = self.sources.get_mut(&entry.source) {
            *count -= 1;
            if *count == 0 {
                self.sources.remove(&entry.source);
            }
        }
        if self.idle.len() > 2 * self.entries.len() + 64 {
            self.idle.retain(|Reverse((_, id))| self.entries.contains_key(id));
        }
        Some(entry)
    }

    /// The connection idle for the longest.
    fn oldest(&mut self) -> Option<u64> {
        while let Some(Reverse((seen, id))) = self.idle.pop() {
            let Some(entry) = self.entries.get(&id) else { continue };
            let active = entry.active.load(Ordering::Relaxed);
            if active == seen {
                return Some(id);
            }
            self.idle.push(Reverse((active, id)));
        }
        None
    }
}

impl Shared {
    /// A place for one more connection, another's if need be; none for a source that has its share.
    pub(super) fn admit(self: &Arc<Self>, client: IpAddr) -> Option<Place> {
        let (source, limits) = (source(client), self.limits());
        let mut evicted = Vec::new();
        let place = {
            let mut open = self.places.lock();
            if open.sources.get(&source).is_some_and(|&count| count >= limits.per_source) {
                self.tcp_refused.fetch_add(1, Ordering::Relaxed);
                return None;
            }
            // more than one where the cap was lowered
            while open.entries.len() >= limits.connections.max(1) {
                let Some(id) = open.oldest() else { break };
                evicted.extend(open.remove(id));
            }
            open.enter(source, micros(Instant::now(), self.places.epoch))
        };
        self.tcp_evicted.fetch_add(evicted.len() as u64, Ordering::Relaxed);
        evicted.into_iter().filter_map(|entry| entry.task).for_each(|task| task.abort());
        let (id, active) = place;
        Some(Place { id, pulse: Pulse { active, epoch: self.places.epoch }, shared: Arc::clone(self) })
    }

    /// Says which task serves a connection; one that has given way meanwhile is ended.
    pub(super) fn attach(&self, id: u64, task: AbortHandle) {
        match self.places.lock().entries.get_mut(&id) {
            Some(entry) => entry.task = Some(task),
            None => task.abort(),
        }
    }
}

/// Who counts as one: an IPv4 address, or a /56 of IPv6, which is what one site is given.
fn source(client: IpAddr) -> IpAddr {
    match client {
        IpAddr::V4(_) => client,
        IpAddr::V6(client) => Ipv6Addr::from_bits(client.to_bits() & (u128::MAX << (128 - 56))).into(),
    }
}

/// A connection's place among those allowed; dropping it gives the place back.
pub(super) struct Place {
    pub(super) id: u64,
    pub(super) pulse: Pulse,
    shared: Arc<Shared>,
}

impl Drop for Place {
    fn drop(&mut self) {
        // none where it was evicted: its place went to another
        let entry = self.shared.places.lock().remove(self.id);
        drop(entry);
    }
}

/// When a connection was last active.
#[derive(Clone, Debug)]
pub(super) struct Pulse {
    active: Arc<AtomicU64>,
    epoch: Instant,
}

impl Pulse {
    /// Notes that a query was answered: the connection is not idle.
    pub(super) fn touch(&self, now: Instant) {
        self.active.store(micros(now, self.epoch), Ordering::Relaxed);
    }

    /// When that was, or when the connection came.
    pub(super) fn last(&self) -> Instant {
        self.epoch + Duration::from_micros(self.active.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(connections: usize, per_source: usize) -> Arc<Shared> {
        let shared = Arc::<Shared>::default();
        shared.set_limits(Limits { connections, per_source, ..Limits::default() });
        shared
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_source_has_its_share_and_no_more() {
        let shared = shared(100, 2);
        let held: Vec<_> = (0..2).map(|_| shared.admit(ip("192.0.2.1")).unwrap()).collect();
        assert!(shared.admit(ip("192.0.2.1")).is_none());
        assert!(shared.admit(ip("192.0.2.2")).is_some());
        drop(held);
        assert!(shared.admit(ip("192.0.2.1")).is_some());
        assert_eq!(shared.places.count(), 0);
        assert!(shared.places.lock().sources.is_empty());
    }

    #[test]
    fn addresses_of_one_site_are_one_source() {
        let shared = shared(100, 1);
        let _held = shared.admit(ip("2001:db8:0:ff01::1")).unwrap();
        assert!(shared.admit(ip("2001:db8:0:ff02::2")).is_none());
        assert!(shared.admit(ip("2001:db8:0:fe01::1")).is_some());
    }

    #[test]
    fn the_one_idle_for_the_longest_gives_way() {
        let shared = shared(3, 10);
        let places: Vec<Place> = (1..4).map(|n| shared.admit(ip(&format!("192.0.2.{n}"))).unwrap()).collect();
        let now = Instant::now() + Duration::from_secs(1);
        places[0].pulse.touch(now);
        let has = |n: usize| shared.places.lock().entries.contains_key(&places[n].id);
        let _fourth = shared.admit(ip("192.0.2.9")).unwrap();
        assert_eq!([has(0), has(1), has(2)], [true, false, true]);
        let _fifth = shared.admit(ip("192.0.2.9")).unwrap();
        assert_eq!([has(0), has(1), has(2)], [true, false, false]);
        assert_eq!(shared.places.count(), 3);
    }

    #[test]
    fn connections_that_are_gone_leave_nothing() {
        let shared = shared(10, 10);
        for _ in 0..1000 {
            drop(shared.admit(ip("192.0.2.1")));
        }
        assert!(shared.places.lock().idle.len() < 100);
    }
}
