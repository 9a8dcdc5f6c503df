//! `[tcp]`: what connections are allowed, over TCP, TLS and HTTPS.

use std::time::Duration;

use super::table::{Log, Table};
use super::values::show;
use crate::base::Span;

/// `[tcp]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tcp {
    /// A connection without a whole query for this long is closed.
    pub idle_timeout: Duration,
    /// How long a query may take from its first octet to its last, and a TLS handshake as a whole.
    pub query_timeout: Duration,
    /// A client that does not take its responses for this long is cut off.
    pub write_timeout: Duration,
    /// Connections at the same time; beyond it the one idle for the longest gives way.
    pub max_connections: usize,
    /// Connections at the same time from one IPv4 address or one /56 of IPv6; beyond it new ones are refused.
    pub max_connections_per_source: usize,
}

impl Default for Tcp {
    fn default() -> Self {
        Self {
            idle_timeout: Duration::from_secs(10),
            query_timeout: Duration::from_secs(5),
            write_timeout: Duration::from_secs(5),
            max_connections: 10_000,
            max_connections_per_source: 128,
        }
    }
}

/// The shortest time: less would cut clients off that are only far away.
const SHORTEST: Duration = Duration::from_millis(100);
/// The longest time: as much as the EDNS option that announces it can say, roughly (RFC 7828 §3.1).
const LONGEST: Duration = Duration::from_secs(3600);
/// More connections than any host has descriptors for.
const MOST: i64 = 1_000_000;

/// Reads the section.
pub(super) fn tcp(log: &mut Log<'_>, mut table: Table<'_>) -> Tcp {
    let mut tcp = Tcp::default();
    duration(log, &mut table, "idle_timeout", &mut tcp.idle_timeout);
    duration(log, &mut table, "query_timeout", &mut tcp.query_timeout);
    duration(log, &mut table, "write_timeout", &mut tcp.write_timeout);
    count(log, &mut table, "max_connections", &mut tcp.max_connections);
    let share = count(log, &mut table, "max_connections_per_source", &mut tcp.max_connections_per_source);
    table.close(log);
    if let Some(span) = share.filter(|_| tcp.max_connections_per_source > tcp.max_connections) {
        let message =
            format!("one source may have more connections than there may be in all ({})", tcp.max_connections);
        log.warn(span, message, "write a smaller number here, or a larger one as max_connections");
    }
    tcp
}

fn duration(log: &mut Log<'_>, table: &mut Table<'_>, key: &'static str, to: &mut Duration) {
    let Some(value) = table.take(key) else { return };
    let span = value.span;
    let Some(duration) = value.duration(log) else { return };
    if duration < SHORTEST {
        log.error_with(
            span,
            format!("{key} must be {} at least", show(SHORTEST)),
            "write a longer one, such as \"5s\"",
        );
    } else if duration > LONGEST {
        log.error_with(span, format!("{key} must be an hour at most"), "write a shorter one, such as \"30s\"");
    } else {
        *to = duration;
    }
}

/// Reads a number above zero; says where it is written.
fn count(log: &mut Log<'_>, table: &mut Table<'_>, key: &'static str, to: &mut usize) -> Option<Span> {
    let value = table.take(key)?;
    let span = value.span;
    *to = usize::try_from(value.integer(log, 1..=MOST)?).unwrap_or(usize::MAX);
    Some(span)
}
