//! What other programs make of the text printed here: all valid records in one zone, a record a line, each with an owner
//! of its own. Types that a program does not know, and texts that it is wrong about, are given to it in the form of
//! RFC 3597.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use libtest_mimic::{Failed, Trial};
use windrose::wire::Rtype;

use super::data::{self, hex, octets};
use super::own_record;
use super::reading::Record;

/// A program, and how it differs.
struct Tool {
    name: &'static str,
    package: &'static str,
    /// Types that it does not know.
    unknown: &'static [Rtype],
    /// Whether it is wrong about a text that is right.
    mistaken: fn(&Record, &str) -> bool,
    test: fn(&Self) -> Result<(), Failed>,
}

const KZONECHECK: Tool = Tool {
    name: "kzonecheck",
    package: "knot-dnssecutils",
    unknown: &[Rtype::X25, Rtype::ISDN, Rtype::HIP, Rtype::AVC, Rtype::RESINFO, Rtype::WALLET, Rtype::DLV],
    mistaken: |record, text| match record.rtype {
        Rtype::SVCB | Rtype::HTTPS => text.contains(" ohttp") || text.contains(" dohpath="),
        Rtype::NSEC => text.contains(" DLV"),
        Rtype::CNAME => text.contains('!'), // it takes few characters in names unless they are escaped
        _ => false,
    },
    test: knot_takes_it,
};

const LDNS: Tool = Tool {
    name: "ldns-read-zone",
    package: "ldnsutils",
    unknown: &[Rtype::AVC, Rtype::RESINFO, Rtype::WALLET],
    mistaken: |record, text| match record.rtype {
        Rtype::HTTPS => text.contains(" ohttp"),
        Rtype::SVCB => text.contains("\\\\"), // a backslash in a protocol's name
        Rtype::CNAME => text.starts_with("\\@"),
        Rtype::IPSECKEY => record.rdata[2] == 0, // no key
        Rtype::CSYNC => record.rdata.len() == 6, // no types
        _ => false,
    },
    test: ldns_reads_the_same_octets,
};

/// The trials. Without its program one is ignored and says so; with `WINDROSE_REQUIRE_TOOLS` it fails.
pub(crate) fn trials() -> Vec<Trial> {
    [KZONECHECK, LDNS].into_iter().map(trial).collect()
}

fn trial(tool: Tool) -> Trial {
    let there = Command::new(tool.name).arg("-h").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    let required = std::env::var_os("WINDROSE_REQUIRE_TOOLS").is_some();
    let needs = format!("needs {}: apt-get install {}", tool.name, tool.package);
    let (missing, name) = (needs.clone(), format!("tools::{}", tool.name));
    let trial = Trial::test(name, move || if there { (tool.test)(&tool) } else { Err(missing.into()) });
    if there { trial } else { trial.with_kind(needs).with_ignored_flag(!required) }
}

/// The records of `valid.txt`, each under a name of its own. SOA is left to the ground.
fn records() -> Vec<Record> {
    let found = data::valid().iter().filter_map(|block| own_record(block).ok()).collect::<Vec<_>>();
    let found = found.into_iter().filter(|record| record.rtype != Rtype::SOA).enumerate();
    found.map(|(at, record)| Record { owner: format!("r{at}.example."), ..record }).collect()
}

impl Tool {
    /// The zone, its records a line each.
    fn zone(&self, records: &[Record]) -> String {
        data::GROUND.to_owned() + &records.iter().map(|record| self.line(record)).collect::<String>()
    }

    fn line(&self, record: &Record) -> String {
        let Record { owner, ttl, rtype, rdata } = record;
        let text = record.text();
        if self.unknown.contains(rtype) || (self.mistaken)(record, &text) {
            format!("{owner} {ttl} TYPE{} \\# {} {}\n", rtype.0, rdata.len(), hex(rdata))
        } else {
            format!("{owner} {ttl} {rtype} {text}\n")
        }
    }

    fn run(&self, arguments: &[&str], zone: &str) -> Result<Output, Failed> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("example.zone");
        std::fs::write(&file, zone)?;
        Ok(Command::new(self.name).args(arguments).arg::<&Path>(&file).output()?)
    }
}

/// Knot says what it does not like, line by line.
fn knot_takes_it(tool: &Tool) -> Result<(), Failed> {
    let zone = tool.zone(&records());
    let output = tool.run(&["-v", "-o", "example.", "-d", "off"], &zone)?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    // what it says of the zone as a whole, such as missing glue, is not asked
    let ran = output.status.success() || said.contains("Error summary");
    let refused = said.lines().any(|line| line.starts_with("error:"));
    if ran && !refused { Ok(()) } else { Err(with_lines(&said, &zone).into()) }
}

/// ldns prints every record in the form of RFC 3597: its octets are those that it was given in text.
fn ldns_reads_the_same_octets(tool: &Tool) -> Result<(), Failed> {
    let records = records();
    let zone = tool.zone(&records);
    let output = tool.run(&["-U", "MB"], &zone)?;
    if !output.status.success() {
        return Err(with_lines(&String::from_utf8_lossy(&output.stderr), &zone).into());
    }
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let found: BTreeMap<&str, Vec<u8>> = printed.lines().filter_map(generic).collect();
    let differ = |record: &&Record| found.get(&*record.owner) != Some(&record.rdata);
    let list: Vec<String> = records
        .iter()
        .filter(differ)
        .map(|record| {
            let octets = found.get(&*record.owner).map(|rdata| hex(rdata)).unwrap_or_default();
            format!("{}   is read as {octets}\n    instead of {}\n", tool.line(record), hex(&record.rdata))
        })
        .collect();
    if list.is_empty() { Ok(()) } else { Err(list.concat().into()) }
}

/// Owner and octets of a line such as `owner 3600 IN TYPE1 \# 4 c0000201`.
fn generic(line: &str) -> Option<(&str, Vec<u8>)> {
    let mut words = line.split_whitespace();
    let owner = words.next()?;
    let digits: String = words.skip_while(|word| *word != "\\#").skip(2).collect();
    Some((owner, octets(&digits)))
}

/// What a program said, with the lines of the zone that it names.
fn with_lines(said: &str, zone: &str) -> String {
    let line = |word: &str| word.trim_matches(|c: char| !c.is_ascii_digit()).parse::<usize>().ok();
    let named = |text: &str| {
        let number = text.split("line ").nth(1)?.split_whitespace().next().and_then(line)?;
        zone.lines().nth(number.checked_sub(1)?).map(|line| format!("    {line}\n"))
    };
    said.lines().map(|text| format!("{text}\n{}", named(text).unwrap_or_default())).collect()
}
