//! Damaged files: whatever they hold, reading them ends in findings, never in a panic.

use proptest::prelude::*;

use super::*;
use crate::config::parse_duration;

const ZONE: &str = include_str!("blueprint.toml");
const MAIN: &str = include_str!("../../../config/windrose.toml");

/// Texts that change meaning where they are put.
const SCRAPS: &[&str] = &[
    "",
    "\"",
    "'",
    "[",
    "]",
    "{",
    "}",
    "=",
    ",",
    "\n",
    "-1",
    "1e400",
    "nan",
    "99999999999999999999",
    "\"\"",
    ".",
    "#",
    "é",
    "\0",
    "{}",
    "[]",
];

fn mutate(text: &str, edits: &[(usize, usize, usize)]) -> String {
    let mut text = text.to_owned();
    for &(at, len, scrap) in edits {
        let boundary = |at: usize| text.floor_char_boundary(at % (text.len() + 1));
        let (start, end) = (boundary(at), boundary(at).saturating_add(len).min(text.len()));
        let end = text.floor_char_boundary(end).max(start);
        text.replace_range(start..end, SCRAPS[scrap % SCRAPS.len()]);
    }
    text
}

fn edits() -> impl Strategy<Value = Vec<(usize, usize, usize)>> {
    prop::collection::vec((any::<usize>(), 0..30usize, any::<usize>()), 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_damaged_steering_file(edits in edits(), shared in any::<bool>()) {
        let text = mutate(ZONE, &edits);
        let shared_text = if shared { vec![text.as_str()] } else { vec![] };
        let (steering, found) = steer_with(&shared_text, &text, None);
        for name in &steering.names {
            prop_assert!(steering.policies.get(name.policy).is_some());
        }
        for tier in steering.policies.iter().flat_map(|policy| &policy.rules).flat_map(|rule| &rule.tiers) {
            prop_assert!(tier.pools.iter().all(|(pool, _)| steering.pools.get(*pool).is_some()));
        }
        drop(found);
    }

    #[test]
    fn a_damaged_main_file(edits in edits()) {
        let _ = main_of(&mutate(MAIN, &edits));
    }

    #[test]
    fn durations(text in "[0-9]{0,21}(ms|s|m|h|d|\\.|)[a-z]{0,1}") {
        let _ = parse_duration(&text);
    }
}
