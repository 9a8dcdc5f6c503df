//! Regions and endpoints as aligned text for a terminal.

use std::time::Duration;

use crate::base::{ago, columns};

/// One endpoint, as the table shows it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// Its region.
    pub region: String,
    /// Its pool.
    pub pool: String,
    /// Its name.
    pub endpoint: String,
    /// What DNS answers.
    pub addresses: Vec<String>,
    /// Where it is probed; empty if it is not.
    pub probe: String,
    /// Its verdict or forced state, in a word.
    pub state: String,
    /// How long it has been in that state.
    pub since: Option<Duration>,
    /// Its latency, as probes measure it.
    pub latency_ms: Option<f32>,
    /// Why its last probe failed; empty if it did not.
    pub reason: String,
    /// How its origin behaves; empty if it has none.
    pub origin_mode: String,
}

const HEAD: [&str; 10] =
    ["REGION", "POOL", "ENDPOINT", "ADDRESSES", "PROBED AT", "ORIGIN", "STATE", "SINCE", "LATENCY", "REASON"];
/// Columns whose cells end at the right.
const RIGHT: [usize; 2] = [7, 8];

/// The table, each line with its newline. A region or pool is written at its first row only.
#[must_use]
pub fn render(rows: &[Row]) -> String {
    let mut lines = vec![HEAD.map(str::to_owned).to_vec()];
    let mut before: Option<&Row> = None;
    for row in rows {
        lines.push(cells(row, before));
        before = Some(row);
    }
    columns(&lines, &RIGHT)
}

fn cells(row: &Row, before: Option<&Row>) -> Vec<String> {
    let same_region = before.is_some_and(|before| before.region == row.region);
    let same_pool = same_region && before.is_some_and(|before| before.pool == row.pool);
    let unless = |same: bool, text: &str| if same { String::new() } else { text.to_owned() };
    vec![
        unless(same_region, &row.region),
        unless(same_pool, &row.pool),
        row.endpoint.clone(),
        row.addresses.join(" "),
        or_dash(&row.probe),
        or_dash(&row.origin_mode),
        row.state.clone(),
        row.since.map_or_else(|| "-".to_owned(), ago),
        row.latency_ms.map_or_else(|| "-".to_owned(), |millis| format!("{millis:.1} ms")),
        row.reason.clone(),
    ]
}

fn or_dash(text: &str) -> String {
    if text.is_empty() { "-".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(region: &str, pool: &str, endpoint: &str) -> Row {
        let text = str::to_owned;
        Row { region: text(region), pool: text(pool), endpoint: text(endpoint), state: text("up"), ..Row::default() }
    }

    #[test]
    fn columns_are_aligned_and_repeated_names_left_out() {
        let first = Row {
            addresses: vec!["192.0.2.10".to_owned(), "2001:db8::10".to_owned()],
            probe: "127.1.0.1:20443".to_owned(),
            since: Some(Duration::from_secs(200)),
            latency_ms: Some(1.26),
            origin_mode: "serving".to_owned(),
            ..row("eu", "web-eu", "fra1")
        };
        let second = Row {
            state: "down".to_owned(),
            since: Some(Duration::from_millis(9900)),
            reason: "connection refused".to_owned(),
            ..row("eu", "web-eu", "frankfurt2")
        };
        let other = row("us", "web-eu", "iad1");
        let expected = "\
REGION  POOL    ENDPOINT    ADDRESSES                PROBED AT        ORIGIN   STATE  SINCE  LATENCY  REASON
eu      web-eu  fra1        192.0.2.10 2001:db8::10  127.1.0.1:20443  serving  up     3m20s   1.3 ms
                frankfurt2                           -                -        down      9s        -  connection refused
us      web-eu  iad1                                 -                -        up         -        -
";
        assert_eq!(render(&[first, second, other]), expected);
    }
}
