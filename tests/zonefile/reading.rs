//! Zone text as the records that this crate reads.

use windrose::base::{Diagnostic, FileId, Sources};
use windrose::wire::Rtype;
use windrose::zone;

/// A record of a zone; the owner is lowercased.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Record {
    pub(crate) owner: String,
    pub(crate) ttl: u32,
    pub(crate) rtype: Rtype,
    pub(crate) rdata: Vec<u8>,
}

/// A mistake: line and column, in octets, and the whole of it on a line.
#[derive(Clone, Debug)]
pub(crate) struct Mistake {
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) said: String,
    pub(crate) has_hint: bool,
}

/// The records of a zone in order of owner and type, or its mistakes.
pub(crate) fn read(text: &[u8]) -> Result<Vec<Record>, Vec<Mistake>> {
    let mut sources = Sources::default();
    let file = sources.add("zone", text.to_vec());
    let origin = "example.".parse().expect("a name");
    let mut none = |_: &mut Sources, _: &str, _: FileId| Err(String::from("no includes here"));
    let (builder, found) = zone::parse(&mut sources, file, &origin, &mut none);
    let mistakes = |found: &[Diagnostic]| found.iter().map(|one| mistake(&sources, one)).collect();
    if !found.is_empty() {
        return Err(mistakes(&found));
    }
    let (zone, _) = builder.finish().map_err(|found| mistakes(&found))?;
    let records = zone.nodes().flat_map(|node| node.rrsets().map(move |rrset| (node, rrset)));
    let records = records.flat_map(|(node, rrset)| rrset.rdatas().map(move |rdata| (node, rrset, rdata)));
    let record = |(node, rrset, rdata): (zone::Node<'_>, zone::RrSet<'_>, &[u8])| Record {
        owner: node.name().to_string(),
        ttl: rrset.ttl().secs(),
        rtype: rrset.rtype(),
        rdata: rdata.to_vec(),
    };
    Ok(records.map(record).collect())
}

fn mistake(sources: &Sources, found: &Diagnostic) -> Mistake {
    let (said, has_hint) = (sources.one_line(found), found.hint.is_some());
    let Some(span) = found.span else { return Mistake { line: 0, column: 0, said, has_hint } };
    let before = &sources.get(span.file).bytes[..span.start as usize];
    let line_start = before.iter().rposition(|&octet| octet == b'\n').map_or(0, |at| at + 1);
    Mistake { line: sources.position(span).line, column: before.len() - line_start + 1, said, has_hint }
}

impl Record {
    /// RDATA as text.
    pub(crate) fn text(&self) -> String {
        zone::RdataText { rtype: self.rtype, rdata: &self.rdata }.to_string()
    }
}
