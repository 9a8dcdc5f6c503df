//! Sections, columns, dates, ages and shares.

/// How wide the names of sections stand.
const MARGIN: usize = 11;

/// Sections below each other.
#[derive(Default)]
pub(super) struct Page(String);

impl Page {
    /// Adds a section; one without lines is left out.
    pub(super) fn section(&mut self, title: &str, lines: Vec<String>) {
        if lines.is_empty() {
            return;
        }
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        for (at, line) in lines.iter().enumerate() {
            let head = if at == 0 { title } else { "" };
            self.0.push_str(format!("{head:MARGIN$}{line}").trim_end());
            self.0.push('\n');
        }
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// Rows as lines, each column as wide as its widest cell; those in `right` are flush right. An empty last cell takes no room.
pub(super) fn columns(rows: Vec<Vec<String>>, right: &[usize]) -> Vec<String> {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let cell_width = |row: &Vec<String>, at: usize| row.get(at).map_or(0, |cell| cell.chars().count());
    let widths: Vec<usize> =
        (0..count).map(|at| rows.iter().map(|row| cell_width(row, at)).max().unwrap_or(0)).collect();
    let line = |row: Vec<String>| {
        let cells = row.iter().enumerate().filter(|&(at, _)| widths[at] > 0).map(|(at, cell)| {
            let width = widths[at];
            if right.contains(&at) { format!("{cell:>width$}") } else { format!("{cell:width$}") }
        });
        cells.collect::<Vec<String>>().join("  ").trim_end().to_owned()
    };
    rows.into_iter().map(line).collect()
}

/// A share in percent, with one digit behind the point.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// Milliseconds with one digit behind the point.
pub(super) fn ms(ms: f64) -> String {
    format!("{ms:.1} ms")
}

/// How long ago or for how long: the two largest units.
pub(super) fn span(seconds: u64) -> String {
    let (days, hours, minutes, rest) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{rest} s"),
        (0, 0, _) => format!("{minutes} min {rest} s"),
        (0, ..) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// `2026-11-22`.
pub(super) fn date(unix: u64) -> String {
    let (year, month, day) = civil(unix / 86_400);
    format!("{year:04}-{month:02}-{day:02}")
}

/// `2026-11-22 03:04:05 UTC`.
pub(super) fn moment(unix: u64) -> String {
    let second = unix % 86_400;
    format!("{} {:02}:{:02}:{:02} UTC", date(unix), second / 3600, second / 60 % 60, second % 60)
}

/// Year, month and day of a day since 1970-01-01, in the Gregorian calendar: years are counted from March, so that a leap
/// day is the last of its year.
fn civil(days: u64) -> (u64, u64, u64) {
    const FROM_MARCH_0000: u64 = 719_468;
    let days = days + FROM_MARCH_0000;
    let (era, day) = (days / 146_097, days % 146_097); // 400 years
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153; // from March
    let (month, day) = (if month < 10 { month + 3 } else { month - 9 }, day - (153 * month + 2) / 5 + 1);
    (era * 400 + year + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        assert_eq!(moment(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(moment(951_782_400), "2000-02-29 00:00:00 UTC");
        assert_eq!(moment(951_868_799), "2000-02-29 23:59:59 UTC");
        assert_eq!(date(4_107_542_400), "2100-03-01");
        assert_eq!(date(4_107_456_000), "2100-02-28");
        assert_eq!(date(1_735_603_200), "2024-12-31");
    }

    #[test]
    fn spans() {
        let all = [12, 75, 7_380, 266_400].map(span);
        assert_eq!(all, ["12 s", "1 min 15 s", "2 h 3 min", "3 d 2 h"]);
    }

    #[test]
    fn columns_are_aligned() {
        let rows = vec![vec!["a".into(), "12".into(), String::new()], vec!["bcd".into(), "3".into(), String::new()]];
        assert_eq!(columns(rows, &[1]), ["a    12", "bcd   3"]);
    }
}
