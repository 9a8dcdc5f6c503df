//! The open connections of all threads: how many there may be, and which gives way.
//!
//! At the cap the connection that has been idle for the longest gives way to the new one: a crowd of silent connections
//! cannot lock others out, as it could if new ones were refused (RFC 7766 §6.2.2, RFC 9210 §4.2). A source at its own cap
//! loses its own longest idle one in the same way. Were it refused instead, a resolver that was restarted, or many
//! clients behind one address, would be locked out by connections that nobody uses any more, until their time is up; and
//! whoever opens many only to hold them gains nothing by it, as only its own are closed.

use super::Tcp;
use crate::base::Prefix;
use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio::time::Instant;

/// Bits of an IPv6 address that tell one source from another: what a household or a small site is given, so that one
/// of them does not count as thousands (RFC 6177 §2).
const V6_SOURCE: u8 = 56;

/// The open connections of all threads.
pub(super) struct Register {
    /// What activity is counted from.
    epoch: Instant,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    next: u64,
    tickets: HashMap<u64, Listed>,
    /// Activity as it was last looked at, and the connection. What happened since is only in the ticket: noting that
    /// takes no lock.
    by_age: BTreeSet<(u64, u64)>,
    sources: HashMap<Prefix, Vec<u64>>,
}

struct Listed {
    age: u64,
    source: Prefix,
    ticket: Arc<Ticket>,
}

/// What a connection and the register share.
struct Ticket {
    /// When a query was last answered, in nanoseconds from the epoch.
    active: AtomicU64,
    /// Tells the connection to end.
    gone: Notify,
}

impl Default for Register {
    fn default() -> Self {
        Self { epoch: Instant::now(), open: Mutex::default() }
    }
}

impl Register {
    /// A place for a connection from `address`, and how many others gave way to it.
    pub(super) fn enter(self: &Arc<Self>, address: IpAddr, limits: &Tcp) -> (Place, u64) {
        let source = source_of(address);
        let active = self.nanos(Instant::now());
        let mut open = self.lock();
        let gave_way = open.make_room(source, limits);
        let ticket = Arc::new(Ticket { active: active.into(), gone: Notify::new() });
        let id = open.add(source, active, Arc::clone(&ticket));
        (Place { register: Arc::clone(self), id, ticket }, gave_way)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.lock().tickets.len()
    }

    fn nanos(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.epoch).as_nanos()).unwrap_or(u64::MAX)
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What counts as one source.
fn source_of(address: IpAddr) -> Prefix {
    let address = address.to_canonical();
    Prefix::around(address, if address.is_ipv4() { 32 } else { V6_SOURCE })
}

impl Open {
    fn make_room(&mut self, source: Prefix, limits: &Tcp) -> u64 {
        let mut closed = 0;
        while self.sources.get(&source).is_some_and(|ids| ids.len() >= limits.max_connections_per_source.max(1)) {
            let Some(id) = self.oldest_of(source) else { break };
            self.close(id);
            closed += 1;
        }
        while self.tickets.len() >= limits.max_connections.max(1) {
            let Some(id) = self.oldest() else { break };
            self.close(id);
            closed += 1;
        }
        closed
    }

    fn add(&mut self, source: Prefix, age: u64, ticket: Arc<Ticket>) -> u64 {
        let id = self.next;
        self.next += 1;
        self.by_age.insert((age, id));
        self.sources.entry(source).or_default().push(id);
        self.tickets.insert(id, Listed { age, source, ticket });
        id
    }

    fn remove(&mut self, id: u64) -> Option<Listed> {
        let listed = self.tickets.remove(&id)?;
        self.by_age.remove(&(listed.age, id));
        if let Some(ids) = self.sources.get_mut(&listed.source) {
            ids.retain(|&other| other != id);
            if ids.is_empty() {
                self.sources.remove(&listed.source);
            }
        }
        Some(listed)
    }

    fn close(&mut self, id: u64) {
        if let Some(listed) = self.remove(id) {
            listed.ticket.gone.notify_one();
        }
    }

    /// The connection idle for the longest. Those that were active since they were last looked at are put in their
    /// places on the way, each once.
    fn oldest(&mut self) -> Option<u64> {
        loop {
            let &(age, id) = self.by_age.first()?;
            let listed = self.tickets.get_mut(&id)?;
            let active = listed.ticket.active.load(Ordering::Relaxed);
            if active <= age {
                return Some(id);
            }
            listed.age = active;
            self.by_age.remove(&(age, id));
            self.by_age.insert((active, id));
        }
    }

    fn oldest_of(&self, source: Prefix) -> Option<u64> {
        let active = |id: &u64| self.tickets.get(id).map(|listed| listed.ticket.active.load(Ordering::Relaxed));
        self.sources.get(&source)?.iter().copied().min_by_key(active)
    }
}

/// A connection's place among those allowed; dropping it gives the place back.
pub(super) struct Place {
    register: Arc<Register>,
    id: u64,
    ticket: Arc<Ticket>,
}

impl Place {
    /// Notes that a query was answered: the connection is not idle.
    pub(super) fn touch(&self, now: Instant) {
        self.ticket.active.store(self.register.nanos(now), Ordering::Relaxed);
    }

    /// Waits until the place is another's: the connection must end.
    pub(super) async fn lost(&self) {
        self.ticket.gone.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.register.lock().remove(self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn limits(max_connections: usize, max_connections_per_source: usize) -> Tcp {
        Tcp { max_connections, max_connections_per_source, ..Tcp::default() }
    }

    fn is_lost(place: &Place) -> bool {
        use std::task::{Context, Poll, Waker};
        let lost = std::pin::pin!(place.lost());
        lost.poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(())
    }

    fn enter(register: &Arc<Register>, address: &str, limits: &Tcp) -> Place {
        register.enter(address.parse().unwrap(), limits).0
    }

    #[test]
    fn the_longest_idle_gives_way() {
        let (register, limits) = (Arc::<Register>::default(), limits(3, 3));
        let places: Vec<_> =
            ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map(|address| enter(&register, address, &limits)).into();
        places[0].touch(Instant::now() + Duration::from_secs(1));
        let _fourth = enter(&register, "192.0.2.4", &limits);
        assert_eq!(places.iter().map(is_lost).collect::<Vec<_>>(), [false, true, false]);
        assert_eq!(register.len(), 3);
        drop(places);
        assert_eq!(register.len(), 1);
    }

    #[test]
    fn a_source_at_its_cap_loses_its_own() {
        let (register, limits) = (Arc::<Register>::default(), limits(100, 2));
        let other = enter(&register, "192.0.2.9", &limits);
        let places: Vec<_> = (0..5).map(|_| enter(&register, "192.0.2.1", &limits)).collect();
        assert_eq!(places.iter().map(is_lost).collect::<Vec<_>>(), [true, true, true, false, false]);
        assert!(!is_lost(&other));
        assert_eq!(register.len(), 3);
    }

    #[test]
    fn an_ipv6_source_is_a_network_and_a_mapped_address_is_ipv4() {
        let (register, limits) = (Arc::<Register>::default(), limits(100, 1));
        let near = enter(&register, "2001:db8:0:1::1", &limits);
        let far = enter(&register, "2001:db8:0:100::1", &limits);
        let plain = enter(&register, "192.0.2.1", &limits);
        let _same = enter(&register, "2001:db8:0:ff::2", &limits);
        let _mapped = enter(&register, "::ffff:192.0.2.1", &limits);
        assert_eq!([is_lost(&near), is_lost(&far), is_lost(&plain)], [true, false, true]);
    }

    #[test]
    fn nothing_is_kept_of_those_that_ended() {
        let (register, limits) = (Arc::<Register>::default(), limits(4, 2));
        for n in 0..1000_u32 {
            let place = enter(&register, &format!("192.0.2.{}", n % 7), &limits);
            place.touch(Instant::now());
        }
        let open = register.lock();
        assert!(open.tickets.is_empty() && open.by_age.is_empty() && open.sources.is_empty());
    }
}
