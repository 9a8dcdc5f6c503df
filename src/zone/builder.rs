//! A zone being put together: owners by name, each with a chain of its records.

use hashbrown::HashTable;

use super::checks::{Findings, Kind};
use super::names::NameAt;
use crate::base::{Diagnostic, FileId, Span, Ttl};
use crate::wire::{Name, NameBuf, NameRef, Rtype, hash_name};

/// No record, no node, no number.
pub(super) const NONE: u32 = u32::MAX;

/// Collects the records of a zone and the names that are steered; [`ZoneBuilder::finish`] compiles them.
#[derive(Debug)]
pub struct ZoneBuilder {
    pub(super) origin: Name,
    /// Where to report what concerns the zone as a whole.
    pub(super) whole: Option<Span>,
    /// Lowercased names of the owners.
    pub(super) names: Vec<u8>,
    /// The first is the apex.
    pub(super) owners: Vec<Owner>,
    pub(super) index: HashTable<u32>,
    pub(super) records: Vec<Record>,
    /// RDATA, each after its length in two octets.
    pub(super) rdata: Vec<u8>,
    pub(super) findings: Findings,
    pub(super) too_large: bool,
    /// Records that could not be read.
    pub(super) lost: Vec<Lost>,
    /// The owner of an SOA outside of the zone.
    pub(super) other_zone: Option<Name>,
    last: u32,
}

/// A record that could not be read; its owner and type where at least these could.
#[derive(Debug)]
pub(super) struct Lost {
    pub(super) owner: Option<Name>,
    pub(super) rtype: Option<Rtype>,
}

/// A name that has records or is steered.
#[derive(Debug)]
pub(super) struct Owner {
    pub(super) name: NameAt,
    /// The record added last, which leads to those before.
    pub(super) newest: u32,
    pub(super) steered: u32,
}

/// A record as it was added.
#[derive(Debug)]
pub(super) struct Record {
    /// The record of the same owner before this one.
    older: u32,
    rdata_at: u32,
    pub(super) ttl: Ttl,
    pub(super) rtype: Rtype,
    span_len: u16,
    span_start: u32,
    file: FileId,
}

impl ZoneBuilder {
    /// An empty zone. `whole` is where to report what is wrong with the zone as a whole, such as a missing SOA.
    #[must_use]
    pub fn new(origin: &Name, whole: Option<Span>) -> Self {
        let mut builder = Self {
            origin: origin.clone(),
            whole,
            names: Vec::new(),
            owners: Vec::new(),
            index: HashTable::new(),
            records: Vec::new(),
            rdata: Vec::new(),
            findings: Findings::default(),
            too_large: false,
            lost: Vec::new(),
            other_zone: None,
            last: 0,
        };
        let lower = NameBuf::lowercase(origin.as_ref());
        builder.intern(lower.as_ref(), hash_name(lower.as_ref().as_wire()));
        builder
    }

    /// The apex.
    #[must_use]
    pub fn origin(&self) -> &Name {
        &self.origin
    }

    /// How many records were added.
    #[must_use]
    pub fn record_count(&self) -> usize {
        self.records.len()
    }

    /// Makes room for about so many records more, so that tables need not grow on the way. What is not used is given back;
    /// where there is no room for so many, tables grow as records come.
    pub(super) fn expect_records(&mut self, count: usize) {
        let _ = self.owners.try_reserve(count);
        let _ = self.records.try_reserve(count);
        let (owners, arena) = (&self.owners, &self.names);
        let _ = self.index.try_reserve(count, |&owner| hash_name(owners[owner as usize].name.wire(arena)));
    }

    /// Adds a record. `rdata` is uncompressed and well-formed ([`super::is_valid`]). A record outside of the zone is
    /// left out with a warning.
    pub fn add(&mut self, owner: NameRef<'_>, rtype: Rtype, ttl: Ttl, rdata: &[u8], span: Span) {
        let (Ok(len), Ok(rdata_at)) = (u16::try_from(rdata.len()), u32::try_from(self.rdata.len())) else {
            self.too_large = true;
            return;
        };
        let Some(owner) = self.owner_of(owner) else { return self.leave_out(owner, rtype, span) };
        self.rdata.extend_from_slice(&len.to_be_bytes());
        self.rdata.extend_from_slice(rdata);
        let owner = &mut self.owners[owner as usize];
        let older = std::mem::replace(&mut owner.newest, self.records.len() as u32);
        let span_len = u16::try_from(span.end.saturating_sub(span.start)).unwrap_or(u16::MAX);
        self.records.push(Record { older, rdata_at, ttl, rtype, span_len, span_start: span.start, file: span.file });
        self.too_large |= self.records.len() >= NONE as usize;
    }

    /// Marks a name as steered, with a number below `u32::MAX` that [`super::Node::steered`] gives back. The name then
    /// exists: it blocks a wildcard and has empty non-terminals above it (RFC 4592 §2.2). Names outside of the zone are
    /// ignored.
    pub fn steer(&mut self, owner: &Name, number: u32) {
        if let Some(owner) = self.owner_of(owner.as_ref()) {
            self.owners[owner as usize].steered = number;
        }
    }

    /// Whether there is a record of that owner and type.
    #[must_use]
    pub fn has(&self, owner: NameRef<'_>, rtype: Rtype) -> bool {
        self.records_at(owner).any(|record| record.rtype == rtype)
    }

    /// The types of an owner's records, the one added last first; a type comes as often as it has records.
    pub fn types_at(&self, owner: NameRef<'_>) -> impl Iterator<Item = Rtype> + '_ {
        self.records_at(owner).map(|record| record.rtype)
    }

    /// Where the record of that owner and type is that was added last.
    #[must_use]
    pub fn span_of(&self, owner: NameRef<'_>, rtype: Rtype) -> Option<Span> {
        self.records_at(owner).find(|record| record.rtype == rtype).map(Record::span)
    }

    /// Whether a name is a delegation point or below one, where this zone has no authority (RFC 1034 §4.2.1).
    #[must_use]
    pub fn is_below_cut(&self, name: NameRef<'_>) -> bool {
        let depth = name.label_count().saturating_sub(self.origin.as_ref().label_count());
        name.ancestors().take(depth).any(|at| self.has(at, Rtype::NS))
    }

    /// The targets of all NS records, each with the place of its record.
    pub fn ns_targets(&self) -> impl Iterator<Item = (NameRef<'_>, Span)> + '_ {
        let ns = self.records.iter().filter(|record| record.rtype == Rtype::NS);
        ns.filter_map(|record| Some((NameRef::from_wire(self.rdata_of(record))?, record.span())))
    }

    /// Whether records of a name may be among those that could not be read, of a type or of any.
    #[must_use]
    pub fn may_lack(&self, owner: NameRef<'_>, rtype: Option<Rtype>) -> bool {
        let may = |lost: &Lost| {
            let here = lost.owner.as_ref().is_none_or(|name| name.as_ref() == owner);
            here && lost.rtype.zip(rtype).is_none_or(|(lost, rtype)| lost == rtype)
        };
        self.lost.iter().any(may)
    }

    /// Whether a wildcard of this zone answers for a name: no name exists on the way from the wildcard's parent to it, and
    /// it is not delegated (RFC 4592 §3.3.1).
    #[must_use]
    pub fn covers(&self, wildcard: NameRef<'_>, name: NameRef<'_>) -> bool {
        let Some(parent) = wildcard.ancestors().nth(1) else { return false };
        let above = name.label_count().checked_sub(parent.label_count() + 1);
        let Some(child) = above.filter(|_| name.is_within(parent)).and_then(|above| name.ancestors().nth(above)) else {
            return false;
        };
        let exists = |owner: &Owner| owner.name.name(&self.names).is_within(child);
        !self.is_below_cut(parent) && !self.owners.iter().any(exists)
    }

    fn records_at(&self, owner: NameRef<'_>) -> impl Iterator<Item = &Record> + '_ {
        let lower = NameBuf::lowercase(owner);
        let found = self.find(lower.as_ref(), hash_name(lower.as_ref().as_wire()));
        let newest = found.map_or(NONE, |owner| self.owners[owner as usize].newest);
        self.chain(newest).map(|record| &self.records[record as usize])
    }

    /// The numbers of a record and those of the same owner before it.
    pub(super) fn chain(&self, newest: u32) -> impl Iterator<Item = u32> + '_ {
        let some = |record: u32| (record != NONE).then_some(record);
        std::iter::successors(some(newest), move |&record| some(self.records[record as usize].older))
    }

    /// The RDATA of a record.
    pub(super) fn rdata_of(&self, record: &Record) -> &[u8] {
        let prefixed = self.prefixed_rdata_of(record);
        &prefixed[2..]
    }

    /// The RDATA of a record, its length in front.
    pub(super) fn prefixed_rdata_of(&self, record: &Record) -> &[u8] {
        let at = record.rdata_at as usize;
        let len = u16::from_be_bytes([self.rdata[at], self.rdata[at + 1]]);
        &self.rdata[at..at + 2 + usize::from(len)]
    }

    /// The owner of a name in any case, made if need be; none outside of the zone.
    fn owner_of(&mut self, name: NameRef<'_>) -> Option<u32> {
        let last = self.owners[self.last as usize].name;
        if last.wire(&self.names).eq_ignore_ascii_case(name.as_wire()) {
            return Some(self.last);
        }
        let lower = NameBuf::lowercase(name);
        let hash = hash_name(lower.as_ref().as_wire());
        self.last = match self.find(lower.as_ref(), hash) {
            Some(owner) => owner,
            None if name.is_within(self.origin.as_ref()) => self.intern(lower.as_ref(), hash),
            None => return None,
        };
        Some(self.last)
    }

    fn find(&self, lower: NameRef<'_>, hash: u64) -> Option<u32> {
        let same = |&owner: &u32| self.owners[owner as usize].name.wire(&self.names) == lower.as_wire();
        self.index.find(hash, same).copied()
    }

    /// Appends an owner that is not there yet.
    fn intern(&mut self, lower: NameRef<'_>, hash: u64) -> u32 {
        // sort keys, which need as much as twice the octets, must have places in 32 bits too
        self.too_large |= self.names.len() > (u32::MAX / 2) as usize;
        let at = self.names.len() as u32;
        let owner = self.owners.len() as u32; // fewer than the octets of their names
        let name = NameAt { at, len: lower.as_wire().len() as u8 };
        self.names.extend_from_slice(lower.as_wire());
        self.owners.push(Owner { name, newest: NONE, steered: NONE });
        let (owners, arena) = (&self.owners, &self.names);
        let rehash = |&owner: &u32| hash_name(owners[owner as usize].name.wire(arena));
        self.index.insert_unique(hash, owner, rehash);
        owner
    }

    fn leave_out(&mut self, owner: NameRef<'_>, rtype: Rtype, span: Span) {
        if rtype == Rtype::SOA && self.other_zone.is_none() {
            self.other_zone = Some(owner.to_name());
        }
        let origin = &self.origin;
        self.findings.add(Kind::Outside, || {
            let message = format!("{owner} is not in the zone {origin}: the record is left out");
            Diagnostic::warning(span, message).hint("records of another zone belong into that zone's file")
        });
    }

    /// Keeps a warning of a line for the end.
    pub(super) fn warn(&mut self, warning: Diagnostic) {
        self.findings.add(Kind::Line, || warning);
    }
}

impl Record {
    /// Where the record was written.
    pub(super) fn span(&self) -> Span {
        Span { file: self.file, start: self.span_start, end: self.span_start.saturating_add(self.span_len.into()) }
    }
}
