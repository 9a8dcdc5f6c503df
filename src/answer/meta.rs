//! What a transport knows of a query besides its bytes.

use std::net::{IpAddr, SocketAddr};

/// Where a query came from, where it was asked, and how large its response may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meta {
    /// Who asked: a resolver, as a rule. Never an IPv4-mapped IPv6 address.
    pub source: SocketAddr,
    /// The address of ours that was asked. Never an IPv4-mapped IPv6 address.
    pub local: IpAddr,
    /// How the query came.
    pub transport: Transport,
    /// The most octets that the transport can carry back, whatever the client offers.
    pub limit: usize,
}

/// How a query came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// A datagram: the source may be forged and the response must be small.
    Udp,
    /// A connection, so the source is real.
    Tcp,
    /// DNS over TLS (RFC 7858).
    Tls,
    /// DNS over QUIC (RFC 9250).
    Quic,
    /// DNS over HTTPS (RFC 8484).
    Https,
}

impl Transport {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 5] = [Self::Udp, Self::Tcp, Self::Tls, Self::Quic, Self::Https];

    /// Its name in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Quic => "quic",
            Self::Https => "https",
        }
    }
}

impl Meta {
    /// Takes IPv4 out of IPv4-mapped IPv6 addresses, so that steering sees each client in one form only.
    #[inline]
    pub fn new(source: SocketAddr, local: IpAddr, transport: Transport, limit: usize) -> Self {
        let source = SocketAddr::new(source.ip().to_canonical(), source.port());
        Self { source, local: local.to_canonical(), transport, limit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapped_addresses_become_ipv4() {
        let meta = Meta::new(
            "[::ffff:192.0.2.1]:5353".parse().unwrap(),
            "::ffff:192.0.2.53".parse().unwrap(),
            Transport::Udp,
            1232,
        );
        assert_eq!(meta.source, "192.0.2.1:5353".parse().unwrap());
        assert_eq!(meta.local, "192.0.2.53".parse::<IpAddr>().unwrap());
    }

    #[test]
    fn other_addresses_stay() {
        let meta =
            Meta::new("[2001:db8::1]:53".parse().unwrap(), "2001:db8::53".parse().unwrap(), Transport::Tcp, 65535);
        assert_eq!(meta.source, "[2001:db8::1]:53".parse().unwrap());
        assert_eq!(meta.local, "2001:db8::53".parse::<IpAddr>().unwrap());
    }
}
