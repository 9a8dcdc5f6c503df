//! What the demo prints: a table of endpoints, and questions to ask.

use std::net::SocketAddr;

/// One endpoint as the table shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Its region.
    pub region: String,
    /// Its name.
    pub endpoint: String,
    /// What clients are answered.
    pub addresses: String,
    /// Where it is probed.
    pub probe: String,
    /// How its origin behaves.
    pub origin: String,
    /// What probes say.
    pub verdict: String,
    /// Why the last failed probe failed, while the endpoint is not up.
    pub reason: String,
}

/// Clients of several countries: name, network, and the type to ask for.
pub const CLIENTS: [(&str, &str, &str); 6] = [
    ("Germany", "53.0.1.0/24", "A"),
    ("United States", "8.8.8.0/24", "A"),
    ("Japan", "133.11.0.0/24", "A"),
    ("Brazil", "200.160.0.0/24", "A"),
    ("South Africa", "196.25.1.0/24", "A"),
    ("Germany", "2003:c0::/32", "AAAA"),
];

/// A `dig` line for each client.
#[must_use]
pub fn dig_lines(server: SocketAddr, name: &str) -> String {
    let line = |(country, network, rtype): (&str, &str, &str)| {
        let question = format!("dig @{} -p {} {name} {rtype} +subnet={network} +short", server.ip(), server.port());
        format!("  {question:<84} # {country}\n")
    };
    CLIENTS.into_iter().map(line).collect()
}

/// The table, columns aligned.
#[must_use]
pub fn render(rows: &[Row]) -> String {
    let heads = ["region", "endpoint", "answers", "probed at", "origin", "verdict", "reason"].map(str::to_owned);
    let cells = |row: &Row| {
        let Row { region, endpoint, addresses, probe, origin, verdict, reason } = row.clone();
        [region, endpoint, addresses, probe, origin, verdict, reason]
    };
    let lines: Vec<[String; 7]> = std::iter::once(heads).chain(rows.iter().map(cells)).collect();
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default();
    let widths: [usize; 7] = std::array::from_fn(width);
    let line = |line: &[String; 7]| {
        let padded = line.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        format!("  {}", padded.collect::<Vec<String>>().join("  ")).trim_end().to_owned() + "\n"
    };
    lines.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Prefix;
    use crate::geo::{Database, country_info};

    #[test]
    fn clients_are_where_their_line_says() {
        let database = Database::read(include_bytes!("../../geo/country.mmdb")).expect("the shipped database");
        for (country, network, _) in CLIENTS {
            let network: Prefix = network.parse().expect("a network");
            let found = database.locations.get(network.addr()).0.country.and_then(country_info);
            assert_eq!(found.map(|info| info.name), Some(country), "{network}");
        }
    }

    #[test]
    fn columns_are_aligned() {
        let row = Row { region: "eu".into(), endpoint: "a-long-name".into(), verdict: "up".into(), ..Row::default() };
        let text = render(&[row]);
        let column = |line: &str, word: &str| line.find(word);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(column(lines[0], "verdict"), column(lines[1], "up"));
    }
}
