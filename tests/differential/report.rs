//! Differences, gathered in classes with one example each.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::compare::{Difference, Outcome, differences};
use crate::excuses::Excuse;
use crate::generate::Universe;
use crate::peers::SERVERS;
use crate::queries::Query;

/// What was found.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) asked: usize,
    classes: BTreeMap<Class, (usize, String)>,
    /// What is wrong with the test itself.
    pub(crate) complaints: Vec<String>,
}

/// Differences alike: field, whether the others agree, what the name is about, and the response codes.
type Class = (Difference, &'static str, [Option<u16>; 3]);

/// How many classes are shown with an example.
const SHOWN: usize = 60;
/// How many lines of a zone are shown with it.
const LINES: usize = 14;

impl Report {
    /// Compares what came for one query.
    pub(crate) fn take(&mut self, universe: &Universe, query: &Query, outcomes: &[Outcome; 3], excuses: &[Excuse]) {
        self.asked += 1;
        let mut used: Vec<&Excuse> = Vec::new();
        for difference in differences(query, outcomes, &universe.origins) {
            if let Some(excuse) = excuses.iter().find(|excuse| excuse.covers(query, difference, outcomes)) {
                if !used.iter().any(|known| std::ptr::eq(*known, excuse)) {
                    used.push(excuse);
                }
                continue;
            }
            let rcodes = outcomes.each_ref().map(|outcome| outcome.response().map(|response| response.rcode));
            let class = self.classes.entry((difference, query.subject, rcodes));
            let (count, example) = class.or_insert_with(|| (0, String::new()));
            *count += 1;
            let new = (example.is_empty() || query.edns.is_none()).then(|| example_of(universe, query, outcomes));
            if let Some(new) = new.filter(|new| example.is_empty() || new.len() < example.len()) {
                *example = new;
            }
        }
        used.into_iter().for_each(Excuse::count);
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.asked += other.asked;
        self.complaints.extend(other.complaints);
        for (class, (count, example)) in other.classes {
            let (all, kept) = self.classes.entry(class).or_default();
            *all += count;
            if kept.is_empty() || example.len() < kept.len() {
                *kept = example;
            }
        }
    }

    /// Nothing, or everything that is wrong, as text.
    pub(crate) fn verdict(&self) -> Result<(), String> {
        if self.classes.is_empty() && self.complaints.is_empty() {
            return Ok(());
        }
        let mut text = String::new();
        for (class, (_, example)) in self.classes.iter().take(SHOWN) {
            writeln!(text, "\n== {}\n{example}", title(class)).expect("a string takes all");
        }
        text.push_str("\ncounts:\n");
        for (class, (count, _)) in &self.classes {
            writeln!(text, "{count:7} {}", title(class)).expect("a string takes all");
        }
        self.complaints.iter().for_each(|complaint| writeln!(text, "{complaint}").expect("a string takes all"));
        Err(text)
    }
}

fn title((Difference { field, others_agree }, subject, rcodes): &Class) -> String {
    let others = if *others_agree { "the others agree" } else { "the others differ" };
    let codes = rcodes.map(|rcode| rcode.map_or("-".to_owned(), |rcode| rcode.to_string())).join(" ");
    format!("{field:?} at {subject} ({others}; rcodes {codes})")
}

/// The zone's lines concerned, the query, and the three responses.
fn example_of(universe: &Universe, query: &Query, outcomes: &[Outcome; 3]) -> String {
    let mut text = format!("{query}\n");
    let zones = universe.zones.iter().filter(|zone| query.name.is_within(&zone.origin));
    for zone in zones {
        writeln!(text, "  $ORIGIN {}", zone.origin).expect("a string takes all");
        let lines = zone.lines_about(&query.name);
        lines
            .iter()
            .take(LINES)
            .for_each(|line| writeln!(text, "    {}", shortened(line)).expect("a string takes all"));
    }
    for (server, outcome) in SERVERS.iter().zip(outcomes) {
        match outcome {
            Outcome::Silence => writeln!(text, "  {server}: no response"),
            Outcome::Malformed(octets) => writeln!(text, "  {server}: malformed: {octets:02x?}"),
            Outcome::Response(response) => write!(text, "  {server}: {response}"),
        }
        .expect("a string takes all");
    }
    text
}

fn shortened(line: &str) -> String {
    if line.len() < 200 { line.to_owned() } else { format!("{}…", line.chars().take(199).collect::<String>()) }
}
