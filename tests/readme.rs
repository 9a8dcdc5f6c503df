//! What README.md shows is true: its steering file loads, the files it names exist, its defaults are the real ones.

mod support;

use support::{load, repository};

fn readme() -> String {
    std::fs::read_to_string(repository("README.md")).expect("README.md")
}

/// The fenced block of a language, its indentation taken off.
fn block(language: &str) -> String {
    let text = readme();
    let fence = format!("```{language}\n");
    let (before, rest) = text.split_once(&fence).expect("a block");
    let indent = before.rsplit('\n').next().unwrap_or_default();
    let body = rest.split("```").next().unwrap_or_default();
    body.lines().map(|line| format!("{}\n", line.strip_prefix(indent).unwrap_or(line))).collect()
}

#[test]
fn the_steering_file_of_the_tutorial_loads() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
    let database = repository("geo/country.mmdb");
    std::fs::create_dir(folder.path().join("zones")).expect("made");
    write(
        "windrose.toml",
        &format!("version = 1\n[server]\nzones = \"zones\"\n[geo]\ndatabases = [\"{}\"]\n", database.display()),
    );
    write("zones/example.org.zone", "$TTL 1h\n@ SOA ns1 hostmaster 1 2h 1h 2w 5m\n@ NS ns1\nns1 A 192.0.2.53\n");
    write("zones/example.org.toml", &block("toml"));
    let loaded = load(&folder.path().join("windrose.toml"));
    assert_eq!(loaded.steering.names.len(), 1);
    assert_eq!(loaded.steering.names[0].owner.to_string(), "www.example.org.");
}

#[test]
fn the_files_it_names_are_there() {
    let text = readme();
    for file in [
        "scripts/test",
        "config/windrose.toml",
        "zones/example.com.toml",
        "geo/SOURCES.md",
        "LICENSE-MIT",
        "LICENSE-APACHE",
        "ARCHITECTURE.md",
    ] {
        assert!(text.contains(file), "README.md does not name {file}");
        assert!(repository(file).exists(), "{file} is not there");
    }
}
