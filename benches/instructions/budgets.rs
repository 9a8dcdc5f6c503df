//! Budgets: read, written, and compared with what was counted.

use std::fmt;
use std::str::FromStr;

/// Over its budget by more than this, a shape fails.
const OVER_PERCENT: u64 = 2;
/// How much any count may differ without a change: copies take a few instructions more or less by how memory is aligned, and
/// what is inlined depends a little on the folder that is built in.
const JITTER: u64 = 20;
/// Under it by more than this, the budget should be lowered, or what is gained could be lost unseen.
const UNDER_PERCENT: u64 = 5;

/// Instructions a query, by shape, in the order of the list of shapes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Counts(pub(crate) Vec<(String, u64)>);

/// What was recorded.
pub(crate) type Budgets = Counts;

impl Counts {
    /// Prints each shape beside its budget; whether all keep theirs.
    pub(crate) fn compare(&self, counted: &Self) -> bool {
        let unknown = self.0.iter().filter(|(name, _)| counted.get(name).is_none());
        let unknown = unknown.map(|(name, _)| format!("{name}: a budget without a shape")).collect::<Vec<_>>();
        let mut worst = if unknown.is_empty() { Verdict::Kept } else { Verdict::Over };
        println!("{:>9} {:>9} {:>7}  instructions a query", "counted", "budget", "");
        for (name, count) in &counted.0 {
            let verdict = self.get(name).map_or(Verdict::Over, |budget| Verdict::of(*count, budget));
            println!("{}", self.line(name, *count, verdict));
            worst = worst.max(verdict);
        }
        unknown.iter().for_each(|line| println!("{line}"));
        println!("{}", worst.advice());
        worst != Verdict::Over
    }

    fn get(&self, name: &str) -> Option<u64> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, count)| *count)
    }

    fn line(&self, name: &str, count: u64, verdict: Verdict) -> String {
        let Some(budget) = self.get(name) else {
            return format!("{count:>9} {:>9} {:>7}  {name}: NO BUDGET", "-", "");
        };
        let change = (count as f64 / budget as f64 - 1.0) * 100.0;
        format!("{count:>9} {budget:>9} {change:>+6.1}%  {name}{}", verdict.remark())
    }
}

/// How a count stands to its budget, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Kept,
    Under,
    Over,
}

impl Verdict {
    fn of(count: u64, budget: u64) -> Self {
        if count > budget + (budget * OVER_PERCENT / 100).max(JITTER) {
            Self::Over
        } else if count + (budget * UNDER_PERCENT / 100).max(JITTER) < budget {
            Self::Under
        } else {
            Self::Kept
        }
    }

    fn remark(self) -> &'static str {
        match self {
            Self::Kept => "",
            Self::Under => ": lower the budget",
            Self::Over => ": OVER BUDGET",
        }
    }

    fn advice(self) -> &'static str {
        match self {
            Self::Kept => "all within their budgets",
            Self::Under => {
                "all within their budgets; record them anew: cargo run --release --example instructions -- --record"
            }
            Self::Over => {
                "FAILED. Where the change is worth it, record: cargo run --release --example instructions -- --record, and say why"
            }
        }
    }
}

impl FromStr for Counts {
    type Err = String;

    /// Lines of a count and a shape's name; `#` begins a comment.
    fn from_str(text: &str) -> Result<Self, String> {
        let lines = text.lines().zip(1..).filter(|(line, _)| !line.is_empty() && !line.starts_with('#'));
        let read = lines.map(|(line, number)| {
            let parts = line.trim_start().split_once("  ").and_then(|(count, name)| Some((name, count.parse().ok()?)));
            parts.map(|(name, count)| (name.to_owned(), count)).ok_or(format!("line {number}: not a count and a name"))
        });
        read.collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "# Instructions a query, by shape (tests/support/shapes.rs). Written by:")?;
        writeln!(out, "# cargo run --release --example instructions -- --record")?;
        self.0.iter().try_for_each(|(name, count)| writeln!(out, "{count:>6}  {name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_percent_over_are_kept_and_more_is_not() {
        let of = |count| Verdict::of(count, 1000);
        assert_eq!([1000, 1020, 1021, 950, 949].map(of), {
            use Verdict::{Kept, Over, Under};
            [Kept, Kept, Over, Kept, Under]
        });
        assert_eq!([27, 67, 68].map(|count| Verdict::of(count, 47)), [Verdict::Kept, Verdict::Kept, Verdict::Over]);
    }

    #[test]
    fn a_shape_without_a_budget_and_a_budget_without_a_shape_fail() {
        let counts = |names: &[&str]| Counts(names.iter().map(|name| ((*name).into(), 1000)).collect());
        assert!(counts(&["a", "b"]).compare(&counts(&["b", "a"])));
        assert!(!counts(&["a"]).compare(&counts(&["a", "b"])));
        assert!(!counts(&["a", "b"]).compare(&counts(&["a"])));
    }

    #[test]
    fn what_is_written_is_read() {
        let counts = Counts(vec![("static, TCP".into(), 47), ("steered".into(), 1_234_567)]);
        assert_eq!(counts.to_string().parse(), Ok(counts));
        assert!("12 static".parse::<Counts>().is_err());
    }
}
