//! The differences that are meant: read from `excuses.txt`, each with the reason and with how often it may occur.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::compare::{Difference, Outcome};
use crate::message::type_text;
use crate::queries::Query;

/// The most queries that one excuse may be for.
const MOST: usize = 50;

/// A difference that is meant.
pub(crate) struct Excuse {
    title: String,
    conditions: Vec<(String, Vec<String>)>,
    reasoned: bool,
    matched: AtomicUsize,
}

/// All excuses; panics where the file breaks its own rules.
pub(crate) fn read() -> Vec<Excuse> {
    let text = include_str!("excuses.txt");
    let mut excuses: Vec<Excuse> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(title) = line.strip_prefix('[') {
            let title = title.trim_end_matches(']').to_owned();
            excuses.push(Excuse { title, conditions: Vec::new(), reasoned: false, matched: AtomicUsize::new(0) });
            continue;
        }
        let excuse = excuses.last_mut().expect("a title before conditions");
        let (key, value) = line.split_once(':').unwrap_or_else(|| panic!("no colon in {line:?}"));
        match key {
            "why" => excuse.reasoned = value.contains("RFC ") && value.contains('§'),
            _ => excuse.conditions.push((key.to_owned(), value.split_whitespace().map(str::to_owned).collect())),
        }
    }
    for Excuse { title, conditions, reasoned, .. } in &excuses {
        assert!(*reasoned, "the excuse {title:?} names no section of an RFC");
        assert!(conditions.iter().any(|(key, _)| key == "field"), "the excuse {title:?} names no field");
    }
    excuses
}

impl Excuse {
    /// Whether it is for this difference.
    pub(crate) fn covers(&self, query: &Query, difference: Difference, outcomes: &[Outcome; 3]) -> bool {
        self.conditions.iter().all(|(key, values)| {
            let found = fact(key, query, difference, outcomes);
            values.iter().any(|value| glob(value.as_bytes(), found.as_bytes()))
        })
    }

    /// Counts a query that it was needed for.
    pub(crate) fn count(&self) {
        self.matched.fetch_add(1, Ordering::Relaxed);
    }

    /// What is wrong with how often it was needed.
    pub(crate) fn complaint(&self, rounds: usize) -> Option<String> {
        let matched = self.matched.load(Ordering::Relaxed);
        let fine = (1..=MOST * rounds).contains(&matched);
        (!fine).then(|| format!("the excuse {:?} was for {matched} queries, not 1 to {}", self.title, MOST * rounds))
    }

    pub(crate) fn summary(&self) -> String {
        format!("{:4} {}", self.matched.load(Ordering::Relaxed), self.title)
    }
}

/// What a condition looks at.
fn fact(key: &str, query: &Query, difference: Difference, outcomes: &[Outcome; 3]) -> String {
    let rcode = |at: usize| outcomes[at].response().map_or("none".to_owned(), |response| response.rcode.to_string());
    match key {
        "field" => format!("{:?}", difference.field).to_ascii_lowercase(),
        "others" => if difference.others_agree { "agree" } else { "differ" }.to_owned(),
        "name" => query.name.to_string().to_ascii_lowercase(),
        "subject" => query.subject.to_owned(),
        "type" => type_text(query.rtype),
        "class" => query.class.to_string(),
        "transport" => if query.tcp { "tcp" } else { "udp" }.to_owned(),
        "edns" => query.edns.as_ref().map_or("none".to_owned(), |edns| edns.version.to_string()),
        "windrose" => rcode(0),
        "nsd" => rcode(1),
        "knot" => rcode(2),
        _ => panic!("no such condition: {key}"),
    }
}

/// Whether a pattern, in which `*` stands for any characters, is the text.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([b'*', rest @ ..], _) => (0..=text.len()).any(|skip| glob(rest, &text[skip..])),
        ([first, pattern @ ..], [octet, text @ ..]) => first == octet && glob(pattern, text),
        ([], []) => true,
        _ => false,
    }
}
