//! Replays what fuzzing found worth keeping (`fuzz/corpus`): each input once, through the same functions.

#[path = "../fuzz/targets.rs"]
mod targets;

use std::path::Path;

/// Runs a target on every file of its corpus.
fn replay(name: &str) {
    let (_, target) = targets::TARGETS.iter().find(|(target, _)| *target == name).expect("a target");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let files: Vec<_> =
        std::fs::read_dir(&folder).expect("a corpus").map(|entry| entry.expect("a file").path()).collect();
    assert!(files.len() >= 10, "{} inputs in {}", files.len(), folder.display());
    for file in files {
        let octets = std::fs::read(&file).expect("bytes");
        let done = std::panic::catch_unwind(|| target(&octets));
        assert!(done.is_ok(), "see above: {}", file.display());
    }
}

#[test]
fn packets() {
    replay("packet");
}

#[test]
fn edns_options() {
    replay("edns");
}

#[test]
fn zone_files() {
    replay("zone");
}

#[test]
fn configurations() {
    replay("config");
}
