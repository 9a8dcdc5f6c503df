//! Where to listen: `[server] listen` and `[admin] listen`.

use std::fmt;
use std::net::SocketAddr;

use super::suggest::did_you_mean;
use super::table::{Log, Value};
use crate::base::{Diagnostic, Span};

/// One element of `[server] listen`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Listener {
    /// Address and port.
    pub address: SocketAddr,
    /// What is spoken there.
    pub protocol: Protocol,
}

/// What a listener speaks; the encrypted ones name their `[tls.NAME]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// DNS over UDP and TCP.
    Dns,
    /// DNS over TLS (RFC 7858).
    Tls(String),
    /// DNS over QUIC (RFC 9250).
    Quic(String),
    /// DNS over HTTPS (RFC 8484).
    Https(String),
}

impl Protocol {
    /// The `[tls.NAME]` it needs.
    #[must_use]
    pub fn certificate(&self) -> Option<&str> {
        match self {
            Self::Dns => None,
            Self::Tls(name) | Self::Quic(name) | Self::Https(name) => Some(name),
        }
    }

    const fn over_udp(&self) -> bool {
        matches!(self, Self::Dns | Self::Quic(_))
    }

    const fn over_tcp(&self) -> bool {
        !matches!(self, Self::Quic(_))
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dns => "UDP and TCP",
            Self::Tls(_) => "TLS",
            Self::Quic(_) => "QUIC",
            Self::Https(_) => "HTTPS",
        })
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.address, self.protocol)
    }
}

/// Where to listen if nothing is said.
const DEFAULT_LISTEN: [&str; 2] = ["127.0.0.1:5300", "[::1]:5300"];

pub(super) fn default_listen() -> Vec<Listener> {
    let listener = |text: &&str| Listener { address: text.parse().expect("written here"), protocol: Protocol::Dns };
    DEFAULT_LISTEN.iter().map(listener).collect()
}

/// `[server] listen`. `tls` are the certificates there are; those that are named go to `used`.
pub(super) fn listen(
    log: &mut Log<'_>,
    value: Value<'_>,
    tls: &[&str],
    used: &mut Vec<String>,
) -> Option<Vec<Listener>> {
    let mut listeners: Vec<Listener> = Vec::new();
    for element in value.array_of_some(log, "addresses with ports")? {
        let Some((listener, span)) = listener(log, element, tls, used) else { continue };
        match listeners.iter().find(|other| listener.overlaps(other)) {
            Some(other) if other.address == listener.address => {
                let message = format!("{} is listened on twice", listener.address);
                log.error_with(span, message, "remove one of the two, or give one another port");
            }
            Some(other) => {
                let message = format!("{} overlaps with {}", listener.address, other.address);
                log.error_with(span, message, "keep one of the two");
            }
            None => listeners.push(listener),
        }
    }
    Some(listeners)
}

/// `[admin] listen`.
pub(super) fn admin_listen(log: &mut Log<'_>, value: Value<'_>, listeners: &[Listener]) -> Option<SocketAddr> {
    let (address, span) = socket(log, value)?;
    let busy = |other: &&Listener| other.protocol.over_tcp() && collide(address, other.address);
    if let Some(other) = listeners.iter().find(busy) {
        log.error_with(
            span,
            format!("{address} overlaps with the listener {other}"),
            "give one of the two another port",
        );
        return None;
    }
    Some(address)
}

impl Listener {
    /// Whether two listeners would receive the same packets.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let (a, b) = (&self.protocol, &other.protocol);
        let transport = (a.over_udp() && b.over_udp()) || (a.over_tcp() && b.over_tcp());
        transport && collide(self.address, other.address)
    }
}

/// Whether two sockets would be one. Port 0 is a port that the system chooses, a new one each time.
fn collide(a: SocketAddr, b: SocketAddr) -> bool {
    let any = a.ip().is_unspecified() || b.ip().is_unspecified();
    a.port() == b.port() && a.port() != 0 && a.is_ipv4() == b.is_ipv4() && (any || a == b)
}

/// Makes an encrypted protocol of the name of its certificate.
type Encrypted = fn(String) -> Protocol;

/// An element of `listen`: a string, or a table of address and protocol.
fn listener(log: &mut Log<'_>, value: Value<'_>, tls: &[&str], used: &mut Vec<String>) -> Option<(Listener, Span)> {
    if !value.is_table() {
        return socket(log, value).map(|(address, span)| (Listener { address, protocol: Protocol::Dns }, span));
    }
    let mut table = value.table(log, "a listener")?;
    let words: [(_, Option<Encrypted>); 4] =
        [("dns", None), ("tls", Some(Protocol::Tls)), ("quic", Some(Protocol::Quic)), ("https", Some(Protocol::Https))];
    let protocol = table.take("protocol").map(|value| value.one_of(log, &words));
    let address = table.require(log, "address", "write an address and a port, such as \"[::]:53\"");
    let protocol = match protocol {
        None | Some(Some(None)) => {
            if let Some(entry) = table.entry("tls") {
                log.error_with(
                    entry.span,
                    "\"tls\" does not apply to protocol = \"dns\"",
                    "did you mean protocol = \"tls\"?",
                );
            }
            Some(Protocol::Dns)
        }
        Some(Some(Some(protocol))) => {
            let name = table.require(log, "tls", "name a certificate: tls = \"main\" for one of [tls.main]");
            name.and_then(|name| certificate(log, name, tls, used)).map(protocol)
        }
        Some(None) => {
            used.extend(table.take("tls").and_then(|value| value.string(log)).map(ToOwned::to_owned));
            None
        }
    };
    table.close(log);
    let (address, span) = address.and_then(|address| socket(log, address))?;
    Some((Listener { address, protocol: protocol? }, span))
}

/// A reference to a `[tls.NAME]`.
fn certificate(log: &mut Log<'_>, value: Value<'_>, tls: &[&str], used: &mut Vec<String>) -> Option<String> {
    let name = value.string(log)?;
    if !tls.contains(&name) {
        let mut error = Diagnostic::error(value.span, format!("there is no certificate \"{name}\""));
        let define = || format!("define it: [tls.{name}] with \"cert\" and \"key\"");
        error.hint = did_you_mean(name, tls.iter().copied()).or_else(|| Some(define()));
        log.diagnostics.push(error);
        return None;
    }
    used.push(name.to_owned());
    Some(name.to_owned())
}

/// An address with a port.
fn socket(log: &mut Log<'_>, value: Value<'_>) -> Option<(SocketAddr, Span)> {
    let text = value.string_as(log, "a string or a table")?;
    let socket = text.parse();
    if socket.is_err() {
        let hint = "write an IP address and a port, such as \"192.0.2.1:53\" or \"[::]:53\"";
        log.error_with(value.span, format!("\"{text}\" is not an address with a port"), hint);
    }
    socket.ok().map(|socket| (socket, value.span))
}
