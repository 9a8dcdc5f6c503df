//! What README.md shows is true: the files of its tutorial load, the files it names exist, its defaults are the real ones.

mod support;

use support::{load, repository};

fn readme() -> String {
    std::fs::read_to_string(repository("README.md")).expect("README.md")
}

/// The fenced block whose first line names a file.
fn block(file: &str) -> String {
    let text = readme();
    let blocks = text.split("```").skip(1).step_by(2).filter_map(|block| block.split_once('\n'));
    let named = |body: &str| body.lines().next().is_some_and(|line| line.trim_start_matches(['#', ';', ' ']) == file);
    let (_, body) = blocks.into_iter().find(|(_, body)| named(body)).unwrap_or_else(|| panic!("no block of {file}"));
    body.to_owned()
}

/// A folder with the files of the tutorial.
fn tutorial() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
    for name in ["zones", "geo"] {
        std::fs::create_dir(folder.path().join(name)).expect("made");
    }
    std::fs::copy(repository("geo/country.mmdb"), folder.path().join("geo/country.mmdb")).expect("copied");
    for file in ["windrose.toml", "zones/example.org.zone", "zones/example.org.toml"] {
        write(file, &block(file));
    }
    folder
}

#[test]
fn the_zone_of_the_tutorial_loads() {
    let folder = tutorial();
    let loaded = load(&folder.path().join("windrose.toml"));
    let names: Vec<String> = loaded.steering.names.iter().map(|name| name.owner.to_string()).collect();
    assert_eq!(names, ["www.example.org."]);
    assert_eq!(loaded.zones.iter().count(), 1);
}

#[test]
fn check_says_what_is_shown() {
    let shown = block("$ windrose check --config windrose.toml");
    let (_, expected) = shown.split_once('\n').expect("a command and its output");
    let folder = tutorial();
    let check = || {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_windrose"));
        let run =
            command.args(["check", "--config", "windrose.toml"]).current_dir(folder.path()).output().expect("run");
        (run.status.code(), String::from_utf8(run.stdout).expect("text"))
    };
    assert_eq!(check(), (Some(0), "windrose.toml can be served: 1 zone, 1 steered name\n".to_owned()));
    let steering = folder.path().join("zones/example.org.toml");
    let broken = std::fs::read_to_string(&steering).expect("read").replace("path = ", "pth = ");
    std::fs::write(&steering, broken).expect("written");
    assert_eq!(check(), (Some(1), expected.to_owned()));
}

#[test]
fn explain_says_what_is_shown() {
    let shown = block(
        "$ windrose explain www.example.org --client 53.0.1.0/24 --config windrose.toml --offline --down 'example.org/eu/*'",
    );
    let (command, expected) = shown.split_once('\n').expect("a command and its output");
    let words = command.trim_start_matches("$ windrose ").split(' ').map(|word| word.trim_matches('\''));
    let folder = tutorial();
    let run =
        std::process::Command::new(env!("CARGO_BIN_EXE_windrose")).args(words).current_dir(folder.path()).output();
    let output = run.expect("run").stdout;
    assert_eq!(String::from_utf8_lossy(&output), expected);
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
        "examples/embed.rs",
        "src/net/hosted/mod.rs",
        "tests/hosted/differences.txt",
    ] {
        assert!(text.contains(file), "README.md does not name {file}");
        assert!(repository(file).exists(), "{file} is not there");
    }
}
