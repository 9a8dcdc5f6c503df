//! What operators rely on: the shipped files pass, defaults are as promised, each mistake is reported in its place.

mod broken;
mod main_files;
mod mutated;
mod report;
mod valid;

use super::{Main, SteeringBuilder, ZoneView, main_file};
use crate::base::{Diagnostic, Severity, Sources};
use crate::geo::Fields;
use crate::steer::Steering;
use crate::wire::{Name, NameRef, Rtype};

const COUNTRIES: Fields =
    Fields { country: true, subdivision: false, subdivision_names: false, coords: false, asn: false };

const PEM: &[u8] = b"-----BEGIN CERTIFICATE-----\n";

/// A zone that answers from a list.
struct FakeZone {
    origin: Name,
    records: Vec<(Name, Rtype)>,
}

impl FakeZone {
    /// `owner TYPE` a line, owners relative; `CUT` marks a delegation, `TARGET` the target of an NS record.
    fn new(origin: &str, records: &str) -> Self {
        let origin: Name = origin.parse().expect("a name");
        let record = |line: &str| {
            let (owner, rtype) = line.trim().split_once(' ').expect("owner and type");
            let owner = match owner {
                "@" => origin.clone(),
                _ => Name::parse(owner.as_bytes(), Some(origin.as_ref())).expect("a name"),
            };
            let rtype = match rtype {
                "CUT" => CUT,
                "TARGET" => TARGET,
                _ => rtype.parse().expect("a type"),
            };
            (owner, rtype)
        };
        let records = records.split(';').map(record).collect();
        Self { origin, records }
    }
}

const CUT: Rtype = Rtype(65_280);
const TARGET: Rtype = Rtype(65_281);

impl ZoneView for FakeZone {
    fn origin(&self) -> NameRef<'_> {
        self.origin.as_ref()
    }
    fn has(&self, owner: NameRef<'_>, rtype: Rtype) -> bool {
        self.records.iter().any(|(name, other)| name.as_ref() == owner && *other == rtype)
    }
    fn types_at(&self, owner: NameRef<'_>) -> Vec<Rtype> {
        let here = self.records.iter().filter(|(name, rtype)| name.as_ref() == owner && rtype.0 < CUT.0);
        here.map(|&(_, rtype)| rtype).collect()
    }
    fn is_below_cut(&self, owner: NameRef<'_>) -> bool {
        owner.ancestors().any(|name| self.has(name, CUT))
    }
    fn may_lack(&self, _: NameRef<'_>) -> bool {
        false
    }
    fn is_ns_target(&self, owner: NameRef<'_>) -> bool {
        self.has(owner, TARGET)
    }
}

/// The zone that the examples steer.
fn example_zone() -> FakeZone {
    FakeZone::new(
        "example.com",
        "@ SOA;@ NS;@ A;@ AAAA;www A;www AAAA;static CNAME;alias CNAME;text TXT;sub CUT;ns1 A;ns1 TARGET;\
         eu.www A;*.edge A;new A;a A;b A;c A;d A;x CNAME",
    )
}

/// The files that a test's checks may name.
fn read_pem(path: &str) -> Result<Vec<u8>, String> {
    match path {
        "ca.pem" => Ok(PEM.to_vec()),
        "key.pem" => Ok(b"-----BEGIN PRIVATE KEY-----\n".to_vec()),
        _ => Err(format!("cannot read {path}: no such file")),
    }
}

/// Steering of shared files and one zone, and what was found.
fn steer_with(shared: &[&str], zone_text: &str, fields: Option<Fields>) -> (Steering, Vec<String>) {
    let (mut sources, mut found, mut builder) = (Sources::default(), Vec::new(), SteeringBuilder::new());
    for (at, text) in shared.iter().enumerate() {
        let file = sources.add(format!("shared{at}.toml"), text.as_bytes().to_vec());
        builder.shared(&sources, file, &mut read_pem, &mut found);
    }
    let file = sources.add("example.com.toml", zone_text.as_bytes().to_vec());
    builder.zone(&sources, file, &example_zone(), &mut read_pem, &mut found);
    let steering = builder.finish(fields.unwrap_or_default(), fields.is_some(), &mut found);
    (steering, lines(&sources, &found))
}

/// Steering of one zone with a database of countries.
fn steer(text: &str) -> (Steering, Vec<String>) {
    steer_with(&[], text, Some(COUNTRIES))
}

/// The main file of a text, and what was found.
fn main_of(text: &str) -> (Option<Main>, Vec<String>) {
    let (mut sources, mut found) = (Sources::default(), Vec::new());
    let file = sources.add("windrose.toml", text.as_bytes().to_vec());
    let main = main_file(&sources, file, &mut found);
    let lines = lines(&sources, &found);
    (main, lines)
}

/// `line:column: message`, with the file's name in front if it is a shared one, and `warning` where it is only that.
fn lines(sources: &Sources, found: &[Diagnostic]) -> Vec<String> {
    let line = |finding: &Diagnostic| {
        let span = finding.span.expect("every finding has a place");
        let at = sources.position(span);
        let name = &sources.get(span.file).name;
        let file = if name.starts_with("shared") { format!("{name}:") } else { String::new() };
        let severity = if finding.severity == Severity::Warning { "warning: " } else { "" };
        format!("{file}{}:{}: {severity}{}", at.line, at.column, finding.message)
    };
    found.iter().map(line).collect()
}
