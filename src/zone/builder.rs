//! Collects the records of a zone, checks them together, and compiles them.

use std::collections::HashSet;

use hashbrown::HashTable;

use crate::base::{Diagnostic, FileId, Span, Ttl};
use crate::wire::{Name, NameRef, Rtype};

use super::compiled::{NONE, NodeData, RrSetData, Zone, hash, name_at};

/// A zone that is being put together.
#[derive(Debug)]
pub struct ZoneBuilder {
    origin: Name,
    names: Vec<u8>,
    /// Owner names by first appearance: where each stands, and the number of its steered name.
    owners: Vec<Owner>,
    index: HashTable<u32>,
    records: Vec<Record>,
    rdata: Vec<u8>,
    /// Targets of NS records.
    servers: HashSet<Name>,
    warnings: Vec<Diagnostic>,
    ignored: usize,
}

#[derive(Clone, Copy, Debug)]
struct Owner {
    name: u32,
    steered: u32,
    /// Its newest record; each leads to the one before.
    last: u32,
}

#[derive(Clone, Copy, Debug)]
struct Record {
    owner: u32,
    rtype: Rtype,
    len: u16,
    ttl: Ttl,
    rdata: u32,
    file: FileId,
    /// Where its entry starts in the file.
    at: u32,
    /// The record of the same owner before this one.
    before: u32,
}

/// So many records outside of the zone are named; the rest is counted.
const NAMED_STRANGERS: usize = 20;

impl ZoneBuilder {
    /// An empty zone.
    #[must_use]
    pub fn new(origin: Name) -> Self {
        let mut builder = Self {
            origin,
            names: Vec::new(),
            owners: Vec::new(),
            index: HashTable::new(),
            records: Vec::new(),
            rdata: Vec::new(),
            servers: HashSet::new(),
            warnings: Vec::new(),
            ignored: 0,
        };
        builder.owner(builder.origin.clone().as_ref());
        builder
    }

    /// The zone's name.
    #[must_use]
    pub const fn origin(&self) -> &Name {
        &self.origin
    }

    /// Adds a record. One outside of the zone is left out with a warning.
    pub fn add(&mut self, owner: NameRef<'_>, rtype: Rtype, ttl: Ttl, rdata: &[u8], span: Span) {
        if !owner.is_within(self.origin.as_ref()) {
            return self.ignore(owner, span);
        }
        let owner = self.owner(owner);
        let number = u32::try_from(self.records.len()).expect("fewer than 2^32 records");
        let record = Record {
            owner,
            before: std::mem::replace(&mut self.owners[owner as usize].last, number),
            rtype,
            len: rdata.len() as u16, // the parser keeps RDATA below 65,536 octets
            ttl,
            rdata: u32::try_from(self.rdata.len()).expect("less than 4 GiB of RDATA"),
            file: span.file,
            at: span.start,
        };
        self.rdata.extend_from_slice(rdata);
        self.records.push(record);
        self.servers.extend(NameRef::from_wire(rdata).filter(|_| rtype == Rtype::NS).map(NameRef::to_name));
    }

    fn ignore(&mut self, owner: NameRef<'_>, span: Span) {
        self.ignored += 1;
        if self.ignored <= NAMED_STRANGERS {
            let message = format!("{owner} is outside of the zone {}; the record is left out", self.origin);
            self.warnings.push(Diagnostic::warning(span, message));
        }
    }

    /// Makes a name a steered one: it exists, so it blocks a wildcard and makes empty non-terminals (RFC 4592 §2.2.2).
    pub fn steer(&mut self, owner: &Name, number: u32) {
        let owner = self.owner(owner.as_ref());
        self.owners[owner as usize].steered = number;
    }

    /// Whether a name has static records of a type.
    #[must_use]
    pub fn has(&self, owner: NameRef<'_>, rtype: Rtype) -> bool {
        self.records_at(owner).any(|record| record.rtype == rtype)
    }

    /// The types of a name's static records, each once.
    #[must_use]
    pub fn types_at(&self, owner: NameRef<'_>) -> Vec<Rtype> {
        let mut types: Vec<Rtype> = self.records_at(owner).map(|record| record.rtype).collect();
        types.sort_unstable();
        types.dedup();
        types
    }

    fn records_at(&self, owner: NameRef<'_>) -> impl Iterator<Item = &Record> {
        let last = self.find(owner).map(|owner| self.owners[owner as usize].last);
        let record = |number: u32| self.records.get(number as usize); // NONE is no record's number
        std::iter::successors(last.and_then(record), move |newer| record(newer.before))
    }

    /// Whether a name is at or below a zone cut.
    #[must_use]
    pub fn is_below_cut(&self, owner: NameRef<'_>) -> bool {
        let inside = |name: &NameRef<'_>| name.as_wire().len() > self.origin.as_ref().as_wire().len();
        owner.ancestors().take_while(inside).any(|name| self.has(name, Rtype::NS))
    }

    /// Whether a name is the target of an NS record of the zone.
    #[must_use]
    pub fn is_ns_target(&self, name: NameRef<'_>) -> bool {
        self.servers.contains(&name.to_name())
    }

    fn rdata_of(&self, record: &Record) -> &[u8] {
        &self.rdata[record.rdata as usize..][..usize::from(record.len)]
    }

    fn find(&self, name: NameRef<'_>) -> Option<u32> {
        let same = |&number: &u32| name_at(&self.names, self.owners[number as usize].name) == name;
        self.index.find(hash(name), same).copied()
    }

    /// The number of a name, new or not.
    fn owner(&mut self, name: NameRef<'_>) -> u32 {
        let last = self.records.last().map(|record| record.owner);
        if let Some(last) = last.filter(|&last| name_at(&self.names, self.owners[last as usize].name) == name) {
            return last; // records of one owner come together, as a rule
        }
        if let Some(known) = self.find(name) {
            return known;
        }
        let number = u32::try_from(self.owners.len()).expect("fewer than 2^32 names");
        let at = u32::try_from(self.names.len()).expect("less than 4 GiB of names");
        self.names.extend_from_slice(name.as_wire());
        self.owners.push(Owner { name: at, steered: NONE, last: NONE });
        let (names, owners) = (&self.names, &self.owners);
        let rehash = |&number: &u32| hash(name_at(names, owners[number as usize].name));
        self.index.insert_unique(hash(name), number, rehash);
        number
    }

    /// Checks the whole and compiles it.
    ///
    /// # Errors
    /// Everything that forbids serving: no SOA record or several, a CNAME beside other data, several CNAME records of one
    /// name. The zone comes with warnings.
    pub fn finish(mut self) -> Result<(Zone, Vec<Diagnostic>), Vec<Diagnostic>> {
        self.add_empty_non_terminals();
        self.sort();
        let errors = self.errors();
        if !errors.is_empty() {
            return Err(errors);
        }
        self.warn();
        let warnings = std::mem::take(&mut self.warnings);
        Ok((self.compile(), warnings))
    }

    fn add_empty_non_terminals(&mut self) {
        let apex = self.origin.as_ref().as_wire().len();
        for number in 0..self.owners.len() {
            let mut name = name_at(&self.names, self.owners[number].name).to_name();
            while let Some(parent) = name.as_ref().parent().filter(|parent| parent.as_wire().len() > apex) {
                if self.find(parent).is_some() {
                    break; // its own ancestors are there, or will be when its turn comes
                }
                name = parent.to_name();
                self.owner(name.as_ref());
            }
        }
    }

    /// Puts records in order of owner, type and appearance; owners in canonical order.
    fn sort(&mut self) {
        let mut order: Vec<u32> = (0..self.owners.len() as u32).collect();
        let name = |number: &u32| name_at(&self.names, self.owners[*number as usize].name);
        order.sort_by(|a, b| name(a).cmp(&name(b)));
        let mut rank = vec![0; order.len()];
        for (at, &number) in order.iter().enumerate() {
            rank[number as usize] = at as u32;
        }
        for record in &mut self.records {
            record.owner = rank[record.owner as usize];
        }
        self.records.sort_by_key(|record| (record.owner, record.rtype));
        self.owners = order.iter().map(|&number| self.owners[number as usize]).collect();
    }

    fn errors(&self) -> Vec<Diagnostic> {
        let mut errors = Vec::new();
        self.check_soa(&mut errors);
        for records in self.records.chunk_by(|a, b| a.owner == b.owner) {
            let is_cname = |record: &&Record| record.rtype == Rtype::CNAME;
            // DNSSEC's own types may stand beside a CNAME (RFC 4034 §3, §4)
            let is_other = |record: &&Record| !matches!(record.rtype, Rtype::CNAME | Rtype::RRSIG | Rtype::NSEC);
            let Some(cname) = records.iter().find(is_cname) else { continue };
            if let Some(other) = records.iter().find(is_other) {
                let message = format!("{} has a CNAME record and a {} record", self.name_of(cname), other.rtype);
                errors.push(self.at(cname, message).hint("a CNAME must be the only record of its name (RFC 2181 §10.1)"));
            }
            let different = |record: &&Record| self.rdata_of(record) != self.rdata_of(cname);
            if let Some(second) = records.iter().filter(is_cname).find(different) {
                let message = format!("{} has several CNAME records", self.name_of(second));
                errors.push(self.at(second, message).hint("keep one of them (RFC 2181 §10.1)"));
            }
        }
        errors
    }

    fn check_soa(&self, errors: &mut Vec<Diagnostic>) {
        let mut soas = self.records.iter().filter(|record| record.rtype == Rtype::SOA);
        let (mut at_apex, mut first) = (0, None);
        for soa in soas.by_ref() {
            if self.name_of(soa) != self.origin.as_ref() {
                let message = format!("the SOA record of {} is not at the zone's name {}", self.name_of(soa), self.origin);
                errors.push(self.at(soa, message).hint("a zone has one SOA record, at its own name"));
                continue;
            }
            at_apex += 1;
            let first = first.get_or_insert(*soa);
            if self.rdata_of(soa) != self.rdata_of(first) {
                errors.push(self.at(soa, "the zone has several SOA records").hint("keep one of them"));
            }
        }
        if at_apex == 0 {
            let message = format!("the zone {} has no SOA record", self.origin);
            let place = self.records.first().map(|record| Span::start_of(record.file));
            let error = match place {
                Some(span) => Diagnostic::error(span, message),
                None => Diagnostic::error_nowhere(message),
            };
            errors.push(error.hint("begin the file with: @ SOA ns1 hostmaster 1 7200 3600 1209600 300"));
        }
    }

    fn warn(&mut self) {
        if self.ignored > NAMED_STRANGERS {
            let message = format!("{} records outside of the zone {} were left out in all", self.ignored, self.origin);
            let mut warning = Diagnostic::error_nowhere(message);
            warning.severity = crate::base::Severity::Warning;
            self.warnings.push(warning);
        }
        let origin = self.origin.as_ref();
        let apex_ns = self.records.iter().any(|record| record.rtype == Rtype::NS && self.name_of(record) == origin);
        if !apex_ns && let Some(record) = self.records.first() {
            let message = format!("the zone {} has no NS record at its name", self.origin);
            let warning = Diagnostic::warning(Span::start_of(record.file), message);
            self.warnings.push(warning.hint("resolvers and secondaries expect at least one"));
        }
        for records in self.records.chunk_by(|a, b| (a.owner, a.rtype) == (b.owner, b.rtype)) {
            if let Some(odd) = records.iter().find(|record| record.ttl != records[0].ttl) {
                let message = format!("{} {} has records with different TTLs", self.name_of(odd), odd.rtype);
                let warning = Diagnostic::warning(self.span(odd), message);
                self.warnings.push(warning.hint("the smallest one is used for all of them (RFC 2181 §5.2)"));
            }
        }
    }

    fn name_of(&self, record: &Record) -> NameRef<'_> {
        name_at(&self.names, self.owners[record.owner as usize].name)
    }

    fn at(&self, record: &Record, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(self.span(record), message)
    }

    fn span(&self, record: &Record) -> Span {
        Span { file: record.file, start: record.at, end: record.at }
    }

    fn compile(self) -> Zone {
        drop((self.index, self.servers));
        let mut zone = Zone {
            names: self.names,
            nodes: Vec::with_capacity(self.owners.len()),
            rrsets: Vec::new(),
            rdata: Vec::with_capacity(self.rdata.len() + self.records.len() * 2),
            index: HashTable::with_capacity(self.owners.len()),
            apex: 0, // the origin sorts before all within it
            records: 0,
        };
        zone.names.shrink_to_fit();
        let mut records = &self.records[..];
        for (number, owner) in self.owners.iter().enumerate() {
            let own = records.iter().take_while(|record| record.owner as usize == number).count();
            let (own, rest) = records.split_at(own);
            records = rest;
            let rrsets = zone.rrsets.len() as u32;
            zone.nodes.push(NodeData { name: owner.name, rrsets, cut: NONE, wildcard: NONE, steered: owner.steered });
            for rrset in own.chunk_by(|a, b| a.rtype == b.rtype) {
                zone.push_rrset(rrset, &self.rdata);
            }
        }
        zone.rrsets.shrink_to_fit();
        zone.rdata.shrink_to_fit();
        zone.link();
        zone
    }
}

impl Zone {
    /// Appends the records of one name and type; equal ones once (RFC 2181 §5).
    fn push_rrset(&mut self, records: &[Record], arena: &[u8]) {
        let rdata_of = |record: &Record| &arena[record.rdata as usize..][..usize::from(record.len)];
        let ttl = records.iter().map(|record| record.ttl).min().unwrap_or_default();
        let start = u32::try_from(self.rdata.len()).expect("less than 4 GiB of RDATA");
        let mut count = 0u16;
        for (at, record) in records.iter().enumerate() {
            let rdata = rdata_of(record);
            // a set is small, as a rule; one of thousands is not worth a table of its own
            if records[..at].iter().any(|earlier| rdata_of(earlier) == rdata) || count == u16::MAX {
                continue;
            }
            self.rdata.extend_from_slice(&record.len.to_be_bytes());
            self.rdata.extend_from_slice(rdata);
            count += 1;
        }
        self.records += usize::from(count);
        self.rrsets.push(RrSetData { rtype: records[0].rtype, count, ttl, rdata: start });
    }

    /// Fills the index, and tells each node its zone cut and its wildcard child.
    fn link(&mut self) {
        let mut cut = NONE;
        for number in 0..self.nodes.len() as u32 {
            let (names, nodes) = (&self.names, &self.nodes);
            let rehash = |&number: &u32| hash(name_at(names, nodes[number as usize].name));
            let name = name_at(names, nodes[number as usize].name);
            self.index.insert_unique(hash(name), number, rehash);
            // below a cut everything is occluded; nodes below it follow it in canonical order
            if cut != NONE && !name.is_within(name_at(names, nodes[cut as usize].name)) {
                cut = NONE;
            }
            // NS at a wildcard owner is data: RFC 4592 §4.2 leaves open what else it could be
            let delegates = self.node(name).is_some_and(|node| node.rrset(Rtype::NS).is_some());
            if cut == NONE && number != self.apex && delegates && !name.is_wildcard() {
                cut = number;
            }
            let parent = name.is_wildcard().then(|| name.parent().and_then(|parent| self.number_of(parent))).flatten();
            self.nodes[number as usize].cut = cut;
            if let Some(parent) = parent {
                self.nodes[parent as usize].wildcard = number;
            }
        }
    }

    fn number_of(&self, name: NameRef<'_>) -> Option<u32> {
        let same = |&number: &u32| name_at(&self.names, self.nodes[number as usize].name) == name;
        self.index.find(hash(name), same).copied()
    }
}
