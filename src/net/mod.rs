//! Sockets: UDP, TCP, TLS and HTTPS, bytes to bytes. What a query means is the [`Responder`]'s affair.
//!
//! [`Running::start`] starts threads; [`Running::bind`] and [`Running::bind_encrypted`] open sockets, so that a wrong
//! address is known before anything changes; [`Running::serve`] serves them until their [`Listening`] is dropped. There
//! are three kinds of data threads, `windrose-udp-N`, `windrose-tcp-N` and `windrose-tls-N`, each with a single-threaded
//! runtime, one responder, and a socket of its own for every address (`SO_REUSEPORT`): the kernel spreads clients over
//! them, threads share no more than the list of connections, a crowd of these does not delay datagrams, and handshakes
//! delay nobody else.
//!
//! | file        | subject                                                                     |
//! |-------------|-----------------------------------------------------------------------------|
//! | `bind`      | opening sockets, and saying what to do where that fails                     |
//! | `server`    | threads: start and stop                                                     |
//! | `udp`       | the datagram loop                                                           |
//! | `tcp`       | accepting connections                                                       |
//! | `register`  | the open connections: how many, of whom, and which gives way                |
//! | `stream`    | one connection of DNS, over TCP or TLS: pipelining, time limits             |
//! | `frame`     | two-octet framing, without a socket                                         |
//! | `tls`       | what is spoken on a connection, and the handshake of TLS                    |
//! | `https`     | one connection of HTTPS: HTTP/2 and HTTP/1.1, time limits                   |
//! | `doh`       | what an HTTP request asks and its response says, without a socket           |
//! | [`hosted`]  | QUIC, and in a second way UDP and TCP, served by hickory-server; certificates |
//! | `worker`    | a thread's responder, walled off: its panic costs a query, not the thread   |
//! | `sys`       | system calls: packet info, limits and priorities; the only `unsafe` here    |
//!
//! What a client can make this hold is bounded: connections, in all and of one source ([`Tcp`]); the time without a whole
//! query, that of a query or a handshake, that of taking responses; the octets of a connection.
//!
//! Deliberately absent: queues between threads, a task for each query, logging.
#![allow(clippy::disallowed_methods, reason = "net reads the clock, once a batch")]

mod bind;
mod doh;
mod frame;
pub mod hosted;
mod https;
mod register;
mod server;
mod stream;
mod sys;
mod tcp;
mod tls;
mod udp;
mod worker;

#[cfg(test)]
mod tests;

pub use crate::answer::{Meta, Transport};
pub use crate::config::Tcp;
pub use bind::{Bound, Options};
pub use server::{Counts, Gauge, Listening, Running};
pub use sys::{lower_priority, raise_descriptor_limit};
pub use tls::Encrypted;

/// What turns a query into a response; every data thread has one.
pub trait Responder: Send + 'static {
    /// Called before each batch of queries: reads the clock and picks up the newest snapshot.
    fn start_batch(&mut self);
    /// Writes the response to `query` into `out` and returns its length; `None`: send nothing.
    fn respond(&mut self, query: &[u8], meta: &Meta, out: &mut [u8]) -> Option<usize>;
}
