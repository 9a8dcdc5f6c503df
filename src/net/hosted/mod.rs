//! DNS over QUIC, served by hickory-server; UDP and TCP too, for whoever prefers one server for all.
//!
//! A [`Hosted`] is one listener. hickory-server reads a query and asks our [`Handler`]; that gives the octets of the
//! query to a [`Responder`](super::Responder), which answers them as it answers those of our own sockets, and hands the
//! response back as hickory's types. Whoever has a `hickory_server::Server` already registers a [`Handler`] with it.
//!
//! | file          | subject                                                                       |
//! |---------------|-------------------------------------------------------------------------------|
//! | `server`      | a listener: start and stop                                                    |
//! | `listen`      | opening its sockets, and saying what to do where that fails                   |
//! | `certificate` | certificates that can be replaced, and reading them from PEM; TLS and HTTPS have theirs from here too |
//! | `handler`     | from a request of hickory's to a responder and back                           |
//! | `reply`       | a response's octets as hickory's types, and whether they fit                  |
//!
//! What is different from our own sockets, as hickory-server 0.26 does it (`tests/hosted` lists the differences that
//! show in responses, and holds the list to be complete):
//!
//! * It reads each query first. One that it cannot read gets FORMERR without a question, also where only an option or
//!   RDATA that nobody needs is wrong. Even a response gets that if it cannot be read.
//! * It writes each response anew, owner names never as pointers to the question. What just fitted into a datagram is
//!   cut short (TC).
//! * Over UDP, a socket of a wildcard address replies from the address that the route prescribes, not from the one
//!   asked. [`Meta::local`](super::Meta) is the address that was listened on.
//! * A connection over QUIC ends after 100 queries. Handshakes come one after the other: a client that does not finish
//!   its own delays others by up to five seconds.
//! * Connections are not counted, nor streams in them, and [`Limits`](super::Limits) do not hold for them. Idle ones are
//!   closed after ten seconds; besides that there may be as many as the process has descriptors, and when those run out it
//!   tries to accept without a pause. Where strangers can connect, a packet filter should limit connections for each.
//! * Connections are closed at once when their listener stops.
//! * It logs each query at `info`, and what clients do wrong at `warn`.

mod certificate;
mod handler;
mod listen;
mod reply;
mod server;

pub use certificate::{Certificate, CertificateError, certified_key, expiry};
pub use handler::Handler;
pub use server::{Hosted, Protocol};
