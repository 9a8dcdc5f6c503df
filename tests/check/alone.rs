//! How `windrose check-zone` is called: exit codes, standard input, files that are none.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use libtest_mimic::{Failed, Trial};

const SOUND: &str = "$TTL 60\n@ SOA ns hostmaster 7 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n";

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("check_zone_exit_codes", exit_codes),
        Trial::test("check_zone_of_standard_input", standard_input),
        Trial::test("check_zone_is_beside_steering", beside_steering),
    ]
}

struct Ran {
    code: i32,
    out: String,
    errors: String,
}

fn check_zone(folder: &Path, arguments: &[&str], input: &str) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_windrose"));
    command.current_dir(folder).arg("check-zone").args(arguments);
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes()); // not every call reads it
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap_or(-1), out: text(output.stdout), errors: text(output.stderr) }
}

fn exit_codes() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("sound"), SOUND)?;
    fs::write(folder.path().join("doubtful"), SOUND.replace("ns A", "n A"))?;
    fs::write(folder.path().join("broken"), format!("{SOUND}@ CNAME x.\n"))?;
    let table: &[(&[&str], i32)] = &[
        (&["example.com", "sound"], 0),
        (&["Example.COM.", "sound", "--strict"], 0),
        (&["example.com", "doubtful"], 0),
        (&["example.com", "doubtful", "--strict"], 1),
        (&["example.com", "broken"], 1),
        (&["example.com", "broken", "--json"], 1),
        (&["example.com", "missing"], 2),
        (&["example.com", "missing", "--json"], 2),
        (&["example.com", "/dev/zero"], 2),
        (&["example.com", "."], 2),
        (&["exam..ple", "sound"], 2),
        (&["example.com"], 2),
        (&["example.com", "sound", "more"], 2),
    ];
    for (arguments, expected) in table {
        let Ran { code, out, errors } = check_zone(folder.path(), arguments, "");
        // what cannot be called says so where no program takes it for a finding
        if code != *expected || (code == 2) == errors.is_empty() || (code == 2) != out.is_empty() {
            return Err(format!("{arguments:?} exits with {code}:\n{out}{errors}").into());
        }
    }
    Ok(())
}

fn standard_input() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("more"), "a A 192.0.2.300\n")?;
    let sound = check_zone(folder.path(), &["example.com", "-"], SOUND);
    if (sound.code, sound.out.as_str()) != (0, "zone example.com/IN: serial 7, 3 records: OK\n") {
        return Err(sound.out.into());
    }
    let broken = check_zone(folder.path(), &["example.com", "-"], &format!("{SOUND}$INCLUDE more\n@ MX 10\n"));
    for part in ["--> <standard input>:6:8\n", "--> more:1:5\n", "2 errors"] {
        if broken.code != 1 || !broken.out.contains(part) {
            return Err(format!("{part} is not in:\n{}", broken.out).into());
        }
    }
    Ok(())
}

/// A name that is only steered has an address for `check`, and none for `check-zone`, which reads one file.
fn beside_steering() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let steering = "version = 1\n[pool.p]\ncheck = \"none\"\nendpoints = [{ name = \"e\", addresses = [\"192.0.2.9\"] }]\n\
                    [policy.p]\nrules = [{ pools = [\"p\"] }]\n[name]\n\"www\" = { policy = \"p\" }\n";
    for (name, text) in [
        ("windrose.toml", "version = 1\n[server]\nzones = \"zones\"\n"),
        ("zones/example.com.zone", &format!("{SOUND}@ MX 10 www\n")),
        ("zones/example.com.toml", steering),
    ] {
        super::case::put(folder.path(), name, text.as_bytes());
    }
    let alone = check_zone(folder.path(), &["example.com", "zones/example.com.zone"], "");
    let (_, together) = super::windrose(folder.path(), "check --config windrose.toml");
    let flaw = "www.example.com., the target of this MX record, has no address";
    if alone.out.contains(flaw) && !together.contains(flaw) && together.contains("1 steered name") {
        return Ok(());
    }
    Err(format!("alone:\n{}\ntogether:\n{together}", alone.out).into())
}
