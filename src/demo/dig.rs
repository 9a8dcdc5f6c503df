//! Queries to try: the answers that clients of several countries get, by way of EDNS Client Subnet (RFC 7871).

use std::fmt;
use std::net::SocketAddr;

/// Clients of several countries: who asks, for which type, from which network. All are of universities and research
/// networks, which stay where they are.
const CLIENTS: [Client; 6] = [
    Client { country: "DE", rtype: "A", subnet: "141.20.0.0/24" },
    Client { country: "US", rtype: "A", subnet: "128.2.0.0/24" },
    Client { country: "JP", rtype: "A", subnet: "133.11.0.0/24" },
    Client { country: "BR", rtype: "A", subnet: "143.107.0.0/24" },
    Client { country: "ZA", rtype: "A", subnet: "137.158.0.0/24" },
    Client { country: "JP", rtype: "AAAA", subnet: "2001:2f8::/48" },
];

struct Client {
    country: &'static str,
    rtype: &'static str,
    subnet: &'static str,
}

/// A query to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigLine {
    /// The client's country, ISO 3166.
    pub country: &'static str,
    /// What to type.
    pub command: String,
}

impl fmt::Display for DigLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}   # {}", self.command, self.country)
    }
}

/// A query for `name` at `server` for each client.
#[must_use]
pub fn dig_lines(server: SocketAddr, name: &str) -> Vec<DigLine> {
    let line = |client: &Client| {
        let Client { country, rtype, subnet } = *client;
        let (ip, port) = (server.ip(), server.port());
        DigLine { country, command: format!("dig @{ip} -p {port} {name} {rtype} +subnet={subnet} +short") }
    };
    CLIENTS.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Prefix;
    use crate::demo::prepare::Shipped;
    use crate::geo::Database;

    #[test]
    fn the_shipped_database_places_every_client_where_it_is_said_to_be() {
        let database = Database::read(Shipped::embedded().geo).expect("the shipped database is sound");
        for Client { country, subnet, .. } in CLIENTS {
            let network: Prefix = subnet.parse().expect("a network");
            let (location, _) = database.locations.get(network.addr());
            assert_eq!(location.country.map(|country| country.to_string()).as_deref(), Some(country), "{subnet}");
        }
    }

    #[test]
    fn lines_can_be_typed() {
        let lines = dig_lines("127.0.0.1:5300".parse().expect("an address"), "www.example.com");
        assert_eq!(
            lines[0].to_string(),
            "dig @127.0.0.1 -p 5300 www.example.com A +subnet=141.20.0.0/24 +short   # DE"
        );
        assert!(lines.iter().any(|line| line.command.contains(" AAAA +subnet=2001:2f8::/48 ")));
        let countries: Vec<_> = lines.iter().map(|line| line.country).collect();
        assert_eq!(countries, ["DE", "US", "JP", "BR", "ZA", "JP"]);
        let six = dig_lines("[::1]:53".parse().expect("an address"), "www.example.com");
        assert!(six[0].command.starts_with("dig @::1 -p 53 "));
    }
}
