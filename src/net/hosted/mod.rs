//! DNS over TLS, QUIC and HTTPS, served by hickory-server; UDP and TCP too, for whoever prefers one server for all.
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
//! What is different from our own sockets, as hickory-server 0.26 does it:
//!
//! * It reads each query first. One that it cannot read gets FORMERR without a question, also where only an option or
//!   RDATA that nobody needs is wrong; where we would say more, or answer, a client sees less.
//! * It writes each response anew. Names are compressed less well, owner names never against the question, so that a
//!   response over UDP that just fitted is cut short here (TC).
//! * Over UDP, a socket of a wildcard address replies from the address that the route prescribes, not from the one asked.
//! * HTTPS is HTTP/2 with POST; GET is closed without a status.
//! * A connection over QUIC ends after 100 queries. Handshakes come one after the other: a client that does not finish
//!   its own delays others by up to five seconds.
//! * Connections are not counted: an idle one is closed after ten seconds, and there may be as many as the system has
//!   descriptors for. Where that matters, a packet filter has to limit connections for each client.
//! * When a listener stops, its connections are closed at once.
//! * It logs each query at the level `info`, and mishaps that clients cause at `warn`.

mod certificate;
mod handler;
mod listen;
mod reply;
mod server;

pub use certificate::{Certificate, CertificateError, certified_key, expiry};
pub use handler::Handler;
pub use server::{Hosted, Protocol};
