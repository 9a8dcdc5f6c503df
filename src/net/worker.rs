//! A thread's responder, walled off: its panic costs a query, not the thread.

use super::server::Shared;
use super::{Meta, Responder};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The responder of one data thread.
///
/// A panic is caught: otherwise one bad query would end the thread, whose sockets the kernel would go on feeding with
/// its share of the clients. A responder must therefore hold nothing between queries that half a query could spoil.
pub(super) struct Worker<R> {
    responder: R,
    shared: Arc<Shared>,
}

impl<R: Responder> Worker<R> {
    /// Walls `responder` off.
    pub(super) fn new(responder: R, shared: Arc<Shared>) -> Self {
        Self { responder, shared }
    }

    /// Begins a batch.
    pub(super) fn start_batch(&mut self) {
        if catch_unwind(AssertUnwindSafe(|| self.responder.start_batch())).is_err() {
            self.count_panic();
        }
    }

    /// The response to one query; `None`: send nothing.
    pub(super) fn respond<'o>(&mut self, query: &[u8], meta: &Meta, out: &'o mut [u8]) -> Option<&'o [u8]> {
        self.walled_off(out, |responder, out| responder.respond(query, meta, out))
    }

    /// Tells which queries are to be responded to next.
    pub(super) fn read_ahead<'q>(&mut self, queries: impl Iterator<Item = (&'q [u8], &'q Meta)>) {
        if catch_unwind(AssertUnwindSafe(|| self.responder.read_ahead(queries))).is_err() {
            self.count_panic();
        }
    }

    /// The response to the `at`th of them; `None`: send nothing.
    pub(super) fn respond_ahead<'o>(
        &mut self,
        at: usize,
        query: &[u8],
        meta: &Meta,
        out: &'o mut [u8],
    ) -> Option<&'o [u8]> {
        self.walled_off(out, |responder, out| responder.respond_ahead(at, query, meta, out))
    }

    fn walled_off<'o>(
        &mut self,
        out: &'o mut [u8],
        respond: impl FnOnce(&mut R, &mut [u8]) -> Option<usize>,
    ) -> Option<&'o [u8]> {
        let length = match catch_unwind(AssertUnwindSafe(|| respond(&mut self.responder, out))) {
            Ok(length) => length?,
            Err(_) => {
                self.count_panic();
                return None;
            }
        };
        out.get(..length)
    }

    fn count_panic(&self) {
        self.shared.panics.fetch_add(1, Ordering::Relaxed);
    }
}
