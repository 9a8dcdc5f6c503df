//! Datagrams that the kernel dropped as there was no room for them. It counts them for each socket, and is asked only when
//! somebody wants the sum: queries pay nothing for it.

use super::sys;
use std::fmt;
use std::ops::Deref;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The sum over all sockets that there are and were.
#[derive(Default)]
pub(super) struct Overflow(Mutex<Sum>);

#[derive(Default)]
struct Sum {
    total: u64,
    open: Vec<Open>,
}

struct Open {
    socket: Arc<dyn AsFd + Send + Sync>,
    /// What the kernel said last; it counts in 32 bits, and around.
    seen: u32,
}

impl Overflow {
    /// Asks all sockets.
    pub(super) fn total(&self) -> u64 {
        let mut sum = self.sum();
        let Sum { total, open } = &mut *sum;
        open.iter_mut().for_each(|open| *total += open.news());
        *total
    }

    fn sum(&self) -> MutexGuard<'_, Sum> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// How many were dropped since this was called last.
    fn news(&mut self) -> u64 {
        let before = self.seen;
        self.seen = sys::dropped(self.socket.as_fd()).unwrap_or(before);
        self.seen.wrapping_sub(before).into()
    }
}

impl fmt::Debug for Overflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Overflow").field(&self.sum().total).finish()
    }
}

/// A socket that is asked as long as it is open, and at its end for the last time.
pub(super) struct Watched<S: AsFd + Send + Sync + 'static> {
    socket: Arc<S>,
    by: Arc<Overflow>,
}

impl<S: AsFd + Send + Sync + 'static> Watched<S> {
    pub(super) fn new(socket: Arc<S>, by: Arc<Overflow>) -> Self {
        by.sum().open.push(Open { socket: Arc::<S>::clone(&socket), seen: 0 });
        Self { socket, by }
    }
}

impl<S: AsFd + Send + Sync + 'static> Deref for Watched<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.socket
    }
}

impl<S: AsFd + Send + Sync + 'static> Drop for Watched<S> {
    fn drop(&mut self) {
        let this = self.socket.as_fd().as_raw_fd();
        let mut sum = self.by.sum();
        let Sum { total, open } = &mut *sum;
        // a descriptor is that of one open socket
        for mut gone in open.extract_if(.., |open| open.socket.as_fd().as_raw_fd() == this) {
            *total += gone.news();
        }
    }
}
