//! Rows of cells as aligned text, for a terminal.

use std::time::Duration;

const GAP: &str = "  ";

/// Aligns rows of equal length, each line with its newline. Cells of the columns in `right` end at the right.
#[must_use]
pub fn columns(rows: &[Vec<String>], right: &[usize]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widest = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell)).max();
    let widths: Vec<usize> = (0..count).map(|column| widest(column).unwrap_or(0)).collect();
    rows.iter().map(|row| line(row, &widths, right)).collect()
}

fn line(cells: &[String], widths: &[usize], right: &[usize]) -> String {
    let mut line = String::new();
    for (column, (cell, &wanted)) in cells.iter().zip(widths).enumerate() {
        let fill = " ".repeat(wanted - width(cell));
        let parts = if right.contains(&column) { [fill.as_str(), cell] } else { [cell, fill.as_str()] };
        line.extend(parts.into_iter().chain([GAP]));
    }
    line.truncate(line.trim_end().len());
    line.push('\n');
    line
}

fn width(text: &str) -> usize {
    text.chars().count()
}

/// A time in two units at most: `9s`, `3m20s`, `2h05m`, `3d07h`.
#[must_use]
pub fn ago(time: Duration) -> String {
    let secs = time.as_secs();
    match (secs / 86_400, secs / 3600 % 24, secs / 60 % 60, secs % 60) {
        (0, 0, 0, secs) => format!("{secs}s"),
        (0, 0, minutes, secs) => format!("{minutes}m{secs:02}s"),
        (0, hours, minutes, _) => format!("{hours}h{minutes:02}m"),
        (days, hours, ..) => format!("{days}d{hours:02}h"),
    }
}

/// `1 zone`, `2 zones`.
#[must_use]
pub fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// A number with its thousands apart: `1,203`.
#[must_use]
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_two_units_at_most() {
        let shown = [0, 59, 60, 3599, 3600, 90_061].map(|secs| ago(Duration::from_secs(secs)));
        assert_eq!(shown, ["0s", "59s", "1m00s", "59m59s", "1h00m", "1d01h"]);
    }

    #[test]
    fn thousands_are_apart() {
        assert_eq!([0, 999, 1000, 12_345_678].map(grouped), ["0", "999", "1,000", "12,345,678"]);
    }

    #[test]
    fn cells_are_aligned() {
        let rows = [["a", "1", "x"], ["längeres", "10", ""]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(columns(&rows, &[1]), "a          1  x\nlängeres  10\n");
    }
}
