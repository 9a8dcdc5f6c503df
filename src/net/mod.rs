//! Sockets: UDP and TCP, bytes to bytes. What a query means is the [`Responder`]'s affair.
//!
//! [`Running::start`] starts threads; [`Running::bind`] opens sockets, so that a wrong address is known before anything
//! changes; [`Running::serve`] serves them until their [`Listening`] is dropped. There are three kinds of data threads,
//! `windrose-udp-N`, `windrose-tcp-N` and `windrose-tls-N`, each with a responder and sockets of its own
//! (`SO_REUSEPORT`): the kernel spreads clients over them, no query waits for another thread, a crowd of connections does
//! not delay datagrams, nor do handshakes delay TCP. Those of TCP and TLS have a single-threaded runtime and a socket for
//! every address; those of UDP have one socket each where they take datagrams in batches (Linux), else they are as the others.
//!
//! | file        | subject                                                                     |
//! |-------------|-----------------------------------------------------------------------------|
//! | `bind`      | opening sockets, and saying what to do where that fails                     |
//! | `server`    | threads: start and stop                                                     |
//! | `batches`   | a thread for each socket where datagrams are taken many at a time, and who starts it |
//! | `batch`     | the datagram loop, many at a time (Linux); `messages`: its system calls     |
//! | `udp`       | the datagram loop, one at a time                                            |
//! | `cpus`      | keeping those threads on their CPUs, and packets with them (Linux)          |
//! | `overflow`  | how many datagrams the kernel dropped                                       |
//! | `times`     | how long batches of datagrams take, sampled                                 |
//! | `tcp`       | accepting connections                                                       |
//! | `places`    | how many connections there may be, and which one gives way                  |
//! | `stream`    | one connection: pipelining, time limits                                     |
//! | `tls`       | TLS in front of a connection                                                |
//! | `https`     | DNS over HTTPS: GET and POST                                                |
//! | `freshness` | how long an HTTP cache may keep a response                                  |
//! | `frame`     | two-octet framing, without a socket                                         |
//! | [`hosted`]  | QUIC, and in a second way UDP and TCP, served by hickory-server               |
//! | `taken`     | since when a client has not taken what is written to it                      |
//! | `worker`    | a thread's responder, walled off: its panic costs a query, not the thread   |
//! | `sys`       | other system calls: packet info, limits, priorities, memory; with `messages` and `cpus` the only `unsafe` here |
//!
//! Deliberately absent: queues between threads, a task for each query, logging.
#![allow(clippy::disallowed_methods, reason = "net reads the clock, once a batch")]

#[cfg(target_os = "linux")]
mod batch;
mod batches;
mod bind;
#[cfg(target_os = "linux")]
mod cpus;
mod frame;
mod freshness;
pub mod hosted;
mod https;
#[cfg(target_os = "linux")]
mod messages;
mod overflow;
mod places;
mod server;
mod stream;
mod sys;
mod taken;
mod tcp;
mod times;
mod tls;
mod udp;
mod worker;

#[cfg(test)]
mod tests;

pub use crate::answer::{AHEAD, Meta, Transport};
pub use bind::{Bound, Buffers, Options, Udp};
pub use places::Limits;
pub use server::{Counts, Gauge, Listening, Running};
pub use sys::{
    Prefetch, give_back_memory, keep_large_memory_apart, lower_priority, move_to_huge_pages, prefer_huge_pages,
    raise_descriptor_limit,
};
pub use times::BatchTimes;
pub use tls::Encrypted;

/// What turns a query into a response; every data thread has one.
pub trait Responder: Send + 'static {
    /// Called before each batch of queries: reads the clock and picks up the newest snapshot.
    fn start_batch(&mut self);
    /// Writes the response to `query` into `out` and returns its length; `None`: send nothing.
    fn respond(&mut self, query: &[u8], meta: &Meta, out: &mut [u8]) -> Option<usize>;
    /// Is told some queries, at most [`AHEAD`] of them, to which it will respond next.
    fn read_ahead<'q>(&mut self, queries: impl Iterator<Item = (&'q [u8], &'q Meta)>) {
        let _ = queries;
    }
    /// The same as [`respond`](Self::respond) for the `at`th of the queries told by [`read_ahead`](Self::read_ahead).
    fn respond_ahead(&mut self, at: usize, query: &[u8], meta: &Meta, out: &mut [u8]) -> Option<usize> {
        let _ = at;
        self.respond(query, meta, out)
    }
}
