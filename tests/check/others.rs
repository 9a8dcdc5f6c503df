//! The same zones given to `kzonecheck` and `named-checkzone`: which are refused, here and there. Without one of these
//! programs its test is ignored and says so; with `WINDROSE_REQUIRE_TOOLS` it fails.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use libtest_mimic::{Failed, Trial};

/// A zone below [`TOP`], and who refuses it: `w` this program, `k` Knot, `b` BIND.
type Zone = (&'static str, &'static str);

const TOP: &str = "$TTL 60\n@ SOA ns hostmaster 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n";

const ZONES: &[Zone] = &[
    ("", "---"),
    ("a A 192.0.2.256\n", "wkb"),
    ("a MX mail\n", "wkb"),
    ("a..b A 192.0.2.1\n", "wkb"),
    ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa A 192.0.2.1\n", "wkb"),
    ("a CNAME b.net.\na A 192.0.2.1\n", "wkb"),
    ("a CNAME b.net.\na CNAME c.net.\n", "wkb"),
    ("a DNAME b.net.\na DNAME c.net.\n", "wkb"),
    ("a DNAME b.net.\na CNAME c.net.\n", "wkb"),
    // Knot serves the first of them
    ("@ SOA ns hostmaster 2 2 3 4 5\n", "w-b"),
    ("a SOA ns hostmaster 1 2 3 4 5\n", "w-b"),
    // BIND leaves it to the answer: the DNAME hides the address (RFC 6672 §2.4 allows both)
    ("a DNAME b.net.\nb.a A 192.0.2.1\n", "wk-"),
    ("@ DNAME b.net.\n", "wkb"),
    // doubtful, and served: these are warnings here
    ("a DNAME b.net.\n", "---"),
    ("sub NS ns.sub\n", "---"),
    ("sub NS nowhere\n", "---"),
    ("sub NS alias\nalias CNAME b.net.\n", "---"),
    ("@ MX 10 alias\nalias CNAME b.net.\n", "---"),
    ("@ MX 10 nowhere\n", "---"),
    ("_sip._tcp SRV 0 0 5060 nowhere\n", "---"),
    ("sub NS ns.net.\na.sub TXT hidden\n", "---"),
    ("a DS 60485 5 1 2bb183af5f22588179a53b0a98631fad1a292118\n", "---"),
    ("a.net. A 192.0.2.1\n", "---"),
    ("a 5 A 192.0.2.1\na 6 A 192.0.2.2\n", "---"),
    ("* DNAME b.net.\n", "---"),
    ("* NS ns.net.\n", "--b"),
];

struct Tool {
    name: &'static str,
    package: &'static str,
    /// How it is called before the file.
    arguments: &'static [&'static str],
    /// Its place in the verdicts.
    letter: char,
    /// Whether it refuses a zone, by exit code and output.
    refuses: fn(i32, &str) -> bool,
}

const OTHERS: [Tool; 2] = [
    Tool {
        name: "kzonecheck",
        package: "knot-dnssecutils",
        arguments: &["-o", "example.com"],
        letter: 'k',
        // it exits with 1 for what its server would only log, too
        refuses: |code, said| code != 0 && (said.contains("Serious") || said.contains("failed to run")),
    },
    Tool {
        name: "named-checkzone",
        package: "bind9-utils",
        arguments: &["example.com"],
        letter: 'b',
        refuses: |code, _| code != 0,
    },
];

const OWN: Tool = Tool {
    name: env!("CARGO_BIN_EXE_windrose"),
    package: "",
    arguments: &["check-zone", "example.com"],
    letter: 'w',
    refuses: |code, _| code == 1,
};

pub(crate) fn trials() -> Vec<Trial> {
    let own = Trial::test("zones_refused_here", || verdicts(&OWN));
    OTHERS.into_iter().map(trial).chain([own]).collect()
}

fn trial(tool: Tool) -> Trial {
    let there = Command::new(tool.name).arg("-h").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    let required = std::env::var_os("WINDROSE_REQUIRE_TOOLS").is_some();
    let needs = format!("needs {}: apt-get install {}", tool.name, tool.package);
    let (missing, name) = (needs.clone(), format!("zones_refused_by_{}", tool.name));
    let trial = Trial::test(name, move || if there { verdicts(&tool) } else { Err(missing.into()) });
    if there { trial } else { trial.with_kind(needs).with_ignored_flag(!required) }
}

fn verdicts(tool: &Tool) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let wrong: Vec<String> = ZONES.iter().filter_map(|zone| differs(tool, folder.path(), zone)).collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

fn differs(tool: &Tool, folder: &Path, (text, verdicts): &Zone) -> Option<String> {
    fs::write(folder.join("zone"), format!("{TOP}{text}")).unwrap();
    let output = Command::new(tool.name).current_dir(folder).args(tool.arguments).arg("zone").output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let refused = (tool.refuses)(output.status.code().unwrap_or(-1), &said);
    let expected = verdicts.contains(tool.letter);
    (refused != expected).then(|| format!("refused: {refused}, expected {expected}, of\n{text}{said}"))
}
