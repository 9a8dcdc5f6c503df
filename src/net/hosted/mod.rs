//! DNS over QUIC, served by hickory-server; UDP and TCP too, for whoever prefers one server for all.
//!
//! TLS and HTTPS could be hosted here as well and are not: hickory-server 0.26 counts neither connections nor streams,
//! finishes one handshake before it begins the next, and knows HTTPS only by POST. They are served by our own sockets
//! ([`Running::bind_encrypted`](super::Running::bind_encrypted)), with the limits of TCP.
//!
//! A [`Hosted`] is one listener. hickory-server reads a query and asks our [`Handler`]; that gives the octets of the
//! query to a [`Responder`](super::Responder), which answers them as it answers those of our own sockets, and hands the
//! response back as hickory's types. Whoever has a `hickory_server::Server` already registers a [`Handler`] with it.
//!
//! | file          | subject                                                                       |
//! |---------------|-------------------------------------------------------------------------------|
//! | `server`      | a listener: start and stop                                                    |
//! | `listen`      | opening its sockets, and saying what to do where that fails                   |
//! | `certificate` | certificates that can be replaced, and reading them from PEM                  |
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
//! * A connection over QUIC ends after 100 queries.
//! * Connections are not counted, over QUIC nor over its TCP; idle ones are closed after ten seconds. Where strangers can
//!   connect, a packet filter should limit connections for each of them.
//! * A socket that the system says is not connected, or whose connection was aborted, it gives up. [`Hosted::is_serving`]
//!   tells.
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
