//! Zone files as data: `zonefile/*.txt` hold zone text with the octets that the RFCs ask for, or with the place of a mistake.
//! Each block is a test of its own. What is printed for valid records is read again, here and by `kzonecheck` and
//! `ldns-read-zone`. `zonefile/README.md` describes the format.
#![allow(clippy::unwrap_used, reason = "a test that fails should fail where it stands")]

mod data;
mod reading;
mod tools;

use std::process::ExitCode;

use data::Block;
use libtest_mimic::{Arguments, Failed, Trial};
use reading::{Record, read};
use windrose::wire::Rtype;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for (blocks, test) in [
        (data::valid(), valid as fn(&Block) -> Result<(), String>),
        (data::structure(), structure),
        (data::broken(), broken),
    ] {
        trials.extend(blocks.into_iter().map(|block| trial(block, test)));
    }
    trials.extend(tools::trials());
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial(block: Block, test: fn(&Block) -> Result<(), String>) -> Trial {
    Trial::test(block.title.clone(), move || {
        test(&block).map_err(|problem| Failed::from(format!("{problem}\nin\n{}", String::from_utf8_lossy(&block.text))))
    })
}

/// The record that a block of `valid.txt` expects.
fn expected(block: &Block) -> (Rtype, Vec<u8>) {
    let (rtype, hex) = block.expected[0].split_once(' ').unwrap_or((&block.expected[0], ""));
    (rtype.parse().expect("a type"), data::octets(hex.trim()))
}

/// The one record that a block has beside the ground.
fn own_record(block: &Block) -> Result<Record, String> {
    let records = read(&block.zone()).map_err(|mistakes| format!("refused: {}", mistakes[0].said))?;
    let ground = read(data::GROUND.as_bytes()).expect("a sound zone");
    let (rtype, _) = expected(block);
    let mut own =
        records.into_iter().filter(|record| record.rtype == rtype && (rtype == Rtype::SOA || !ground.contains(record)));
    own.next().ok_or_else(|| "no record but those of the ground".to_owned())
}

/// A record has the octets that are expected; its text stands for the same.
fn valid(block: &Block) -> Result<(), String> {
    let (record, (rtype, rdata)) = (own_record(block)?, expected(block));
    if record.rdata != rdata {
        return Err(format!("{rtype}: expected {}\n   found {}", data::hex(&rdata), data::hex(&record.rdata)));
    }
    if !windrose::zone::is_valid(rtype, &rdata) {
        return Err("the octets are said not to be valid".into());
    }
    for text in [record.text(), format!("\\# {} {}", rdata.len(), data::hex(&rdata))] {
        let line = format!("{} {rtype} {text}\n", record.owner);
        let again = Block {
            text: line.clone().into_bytes(),
            ground: block.ground.clone(),
            expected: block.expected.clone(),
            title: String::new(),
        };
        let again = own_record(&again).map_err(|problem| format!("{problem}\nprinted as {line}"))?;
        if again.rdata != rdata {
            return Err(format!("printed as {line}which is {}", data::hex(&again.rdata)));
        }
    }
    Ok(())
}

/// A piece of a zone has the records that are expected.
fn structure(block: &Block) -> Result<(), String> {
    let record = |line: &String| {
        let mut words = line.split_whitespace();
        let mut next = || words.next().unwrap_or_default();
        let owner: windrose::wire::Name = next().parse().expect("a name");
        let (owner, ttl) = (owner.to_string().to_lowercase(), next().parse().expect("a TTL"));
        Record { owner, ttl, rtype: next().parse().expect("a type"), rdata: data::octets(next()) }
    };
    let mut wanted: Vec<Record> = block.expected.iter().map(record).collect();
    let mut found = read(&block.zone()).map_err(|mistakes| format!("refused: {}", mistakes[0].said))?;
    let ground = if block.ground.is_empty() { Vec::new() } else { read(block.ground.as_bytes()).unwrap_or_default() };
    found.retain(|record| !ground.contains(record) || wanted.contains(record));
    wanted.sort();
    found.sort();
    if wanted == found { Ok(()) } else { Err(format!("expected {wanted:#?}\nfound {found:#?}")) }
}

/// A mistake is found where it is, with a remedy.
fn broken(block: &Block) -> Result<(), String> {
    let Err(mistakes) = read(&block.zone()) else { return Err("this was read without a mistake".into()) };
    let place = block.expected[0].split_whitespace().next().unwrap_or_default();
    let (line, column) = place.split_once(':').map_or((place, None), |(line, column)| (line, Some(column)));
    let before = block.ground.lines().count();
    let line = line.parse::<usize>().expect("a line") + before;
    let first = &mistakes[0];
    if let Some(mistake) = mistakes.iter().find(|mistake| !mistake.has_hint) {
        return Err(format!("no hint: {}", mistake.said));
    }
    let right_column = column.is_none_or(|column| column.parse() == Ok(first.column));
    if first.line == line && first.column > 0 && right_column {
        return Ok(());
    }
    Err(format!(
        "expected {}, found it at {}:{}: {}",
        block.expected[0],
        first.line - before.min(first.line),
        first.column,
        first.said
    ))
}
