//! `[tcp]`: how long a connection may take, and how many there may be.

use std::time::Duration;

use super::table::{Log, Table};

/// `[tcp]`: the limits of connections, over TCP, TLS and HTTPS together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tcp {
    /// A connection without a whole query for this long is closed (RFC 7766 §6.2.3).
    pub idle_timeout: Duration,
    /// A query must be whole this long after its first octet; so must the request of HTTPS and the handshake of TLS.
    pub read_timeout: Duration,
    /// A client must take the responses to what it asked at once within this time, all together.
    pub write_timeout: Duration,
    /// Connections at the same time. Beyond it the one idle for the longest gives way.
    pub max_connections: usize,
    /// Of these, connections of one source: an IPv4 address, or an IPv6 network of 56 bits.
    pub max_connections_per_source: usize,
}

impl Default for Tcp {
    fn default() -> Self {
        Self {
            idle_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(5),
            write_timeout: Duration::from_secs(5),
            max_connections: 1024,
            max_connections_per_source: 128,
        }
    }
}

/// Connections that no process has descriptors for.
const MOST: i64 = 1_000_000;

pub(super) fn tcp(log: &mut Log<'_>, mut table: Table<'_>) -> Tcp {
    let mut tcp = Tcp::default();
    for (key, timeout) in [
        ("idle_timeout", &mut tcp.idle_timeout),
        ("read_timeout", &mut tcp.read_timeout),
        ("write_timeout", &mut tcp.write_timeout),
    ] {
        if let Some(duration) = table.take(key).and_then(|value| value.some_duration(log)) {
            *timeout = duration;
        }
    }
    if let Some(connections) = count(log, &mut table, "max_connections") {
        tcp.max_connections = connections;
    }
    let per_source = table.entry("max_connections_per_source").map(|entry| entry.span);
    if let Some(connections) = count(log, &mut table, "max_connections_per_source") {
        tcp.max_connections_per_source = connections;
    }
    if let Some(span) = per_source.filter(|_| tcp.max_connections_per_source > tcp.max_connections) {
        let message =
            format!("\"max_connections_per_source\" has no effect: there are {} at most in all", tcp.max_connections);
        log.warn(span, message, "write less than max_connections, so that one source cannot take all places");
    }
    table.close(log);
    tcp
}

fn count(log: &mut Log<'_>, table: &mut Table<'_>, key: &'static str) -> Option<usize> {
    table.take(key)?.integer(log, 1..=MOST).and_then(|connections| usize::try_from(connections).ok())
}
