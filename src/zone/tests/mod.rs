//! Tests of the room as its callers see it: text in, records, findings and look-ups out.

mod checks;
mod find;
mod forms;
mod generate;
mod master;
mod round_trip;
mod whole;

use super::{Loader, RdataText, Zone, ZoneBuilder, parse};
use crate::base::{FileId, Sources};
use crate::wire::Name;

/// The lines that begin most zones here.
const TOP: &str = "$TTL 60\n@ SOA ns hostmaster 1 2 3 4 5\n@ NS ns\n";

fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

/// A text parsed as `example.`, with files that it may include, and its findings as `file:line:column: error: message
/// (hint)`.
fn read_files(text: &[u8], files: &[(&str, &str)]) -> (ZoneBuilder, Vec<String>) {
    let mut sources = Sources::default();
    let file = sources.add("z", text.to_vec());
    let load: &mut Loader<'_> = &mut |sources: &mut Sources, wanted: &str, _: FileId| {
        let found = files.iter().find(|(name, _)| *name == wanted).ok_or("no such file")?;
        Ok(sources.add(found.0, found.1.into()))
    };
    let (builder, errors) = parse(&mut sources, file, &name("example"), load);
    for finding in errors.iter().chain(builder.findings.shown()) {
        assert!(finding.hint.is_some() && finding.span.is_some(), "{finding:?} says not what to do, or not where");
    }
    (builder, errors.iter().map(|error| sources.one_line(error)).collect())
}

fn read(text: &str) -> (ZoneBuilder, Vec<String>) {
    read_files(text.as_bytes(), &[])
}

/// A text compiled; its findings, warnings included, where it cannot be.
fn compile(text: &str) -> Result<(Zone, Vec<String>), Vec<String>> {
    let mut sources = Sources::default();
    let file = sources.add("z", text.into());
    let load: &mut Loader<'_> = &mut |_: &mut Sources, _: &str, _: FileId| Err("none".into());
    let (builder, errors) = parse(&mut sources, file, &name("example"), load);
    let lines = |found: Vec<_>| found.iter().map(|one| sources.one_line(one)).collect::<Vec<_>>();
    if !errors.is_empty() {
        return Err(lines(errors));
    }
    builder.finish().map(|(zone, warnings)| (zone, lines(warnings))).map_err(lines)
}

fn zone(text: &str) -> Zone {
    compile(&format!("{TOP}{text}")).expect("a sound zone").0
}

/// Every record as `owner ttl type rdata`, in canonical order.
fn print(zone: &Zone) -> Vec<String> {
    let mut lines = Vec::new();
    for node in zone.nodes() {
        for rrset in node.rrsets() {
            for rdata in rrset.rdatas() {
                let text = RdataText { rtype: rrset.rtype(), rdata };
                lines.push(format!("{} {} {} {text}", node.name(), rrset.ttl().secs(), rrset.rtype()));
            }
        }
    }
    lines
}
