//! From the builder's chains to the compiled zone: sorts names, forms RRsets, finds cuts and wildcards.

use std::ops::Range;

use super::builder::{NONE, Owner, Record, ZoneBuilder};
use super::checks::{Deferred, DnameAbove, Findings, Kind};
use super::compiled::{NodeEntry, RrSetEntry, Zone};
use super::layout::canonical_into;
use super::names::{NameAt, SortKeys};
use crate::base::{Diagnostic, Ttl};
use crate::wire::{NameRef, Rtype, hash_name};

/// Octets of a record in a message besides its RDATA, owner compressed.
const RECORD_OVERHEAD: usize = 12;

impl ZoneBuilder {
    /// Compiles the zone. Returns it with warnings, those of records left out before included.
    ///
    /// # Errors
    /// What forbids serving it, and the warnings: no SOA, several, or one elsewhere than at the apex; a CNAME beside
    /// other data or another CNAME (RFC 1034 §3.6.2); several DNAMEs of a name, one beside NS records below the apex,
    /// or names below one (RFC 6672 §2.3, §2.4); an RRset that fits no message; more data than 32 bits can number. No
    /// error, where the SOA seems to be among what [`super::parse`] could not read and has reported.
    pub fn finish(mut self) -> Result<(Zone, Vec<Diagnostic>), Vec<Diagnostic>> {
        if self.too_large {
            return Err(vec![
                self.of_zone("the zone is too large: its names, its records or its RDATA exceed 2 to 4 GiB")
                    .hint("split it into several"),
            ]);
        }
        let findings = std::mem::take(&mut self.findings);
        let order = self.sorted_owners();
        let mut compiler = Compiler::new(&self, findings);
        let nodes_of = compiler.run(&order);
        let soa = compiler.check_apex();
        let Compiler { nodes, rrsets, rdata, depth, record_count, mut findings, deferred, .. } = compiler;
        let index = self.index_of(&nodes, &nodes_of);
        let mut names = std::mem::take(&mut self.names);
        names.shrink_to_fit();
        // one that lacks its SOA is made for the checks alone
        let zone = Zone { names, nodes, rrsets, rdata, index, depth, record_count, soa: soa.unwrap_or_default() };
        deferred.check(&self, &zone, &mut findings);
        let sound = soa.is_some() && !findings.has_errors();
        let findings = findings.finish();
        if sound { Ok((zone, findings)) } else { Err(findings) }
    }

    /// An error of the zone as a whole.
    pub(super) fn of_zone(&self, message: impl Into<String>) -> Diagnostic {
        let error = Diagnostic::error_nowhere(message);
        Diagnostic { span: self.whole, ..error }
    }

    fn sorted_owners(&self) -> Vec<u32> {
        let mut keys = SortKeys::default();
        for owner in &self.owners {
            keys.push(owner.name.name(&self.names), self.origin.as_ref());
        }
        keys.sorted()
    }

    /// The builder's own table, its owners replaced by their nodes, empty non-terminals added.
    fn index_of(&mut self, nodes: &[NodeEntry], nodes_of: &[u32]) -> hashbrown::HashTable<u32> {
        let mut index = std::mem::take(&mut self.index);
        for number in index.iter_mut() {
            *number = nodes_of[*number as usize];
        }
        let names = &self.names;
        let rehash = |&node: &u32| hash_name(nodes[node as usize].name.wire(names));
        let mut owned = vec![false; nodes.len()];
        nodes_of.iter().for_each(|&node| owned[node as usize] = true);
        let empty = (0..nodes.len() - 1).filter(|&node| !owned[node]);
        for node in empty.map(|node| node as u32) {
            index.insert_unique(rehash(&node), node, rehash);
        }
        index.shrink_to_fit(rehash);
        index
    }
}

/// The zone as far as it is made.
pub(super) struct Compiler<'b> {
    pub(super) builder: &'b ZoneBuilder,
    nodes: Vec<NodeEntry>,
    pub(super) rrsets: Vec<RrSetEntry>,
    pub(super) rdata: Vec<u8>,
    /// The nodes from the apex to the one made last.
    pub(super) path: Vec<u32>,
    /// Labels of the longest name.
    depth: usize,
    record_count: usize,
    /// The DNAME met last.
    pub(super) dname: Option<DnameAbove>,
    pub(super) findings: Findings,
    pub(super) deferred: Deferred,
    scratch: Scratch,
}

/// Kept between owners, so that nothing is allocated for each.
#[derive(Default)]
struct Scratch {
    records: Vec<u32>,
    canonical: Vec<u8>,
    /// Where the canonical form of a record is, and which record of the RRset it is.
    places: Vec<(Range<usize>, usize)>,
    unique: Vec<u32>,
}

impl<'b> Compiler<'b> {
    fn new(builder: &'b ZoneBuilder, findings: Findings) -> Self {
        Self {
            builder,
            nodes: Vec::with_capacity(builder.owners.len() + 1),
            rrsets: Vec::with_capacity(builder.owners.len()),
            rdata: Vec::with_capacity(builder.rdata.len()),
            path: Vec::new(),
            depth: 0,
            record_count: 0,
            dname: None,
            findings,
            deferred: Deferred::default(),
            scratch: Scratch::default(),
        }
    }

    /// Makes all nodes, owners coming in canonical order. Returns the node of each owner.
    fn run(&mut self, order: &[u32]) -> Vec<u32> {
        let mut nodes_of = vec![NONE; order.len()];
        for &owner in order {
            nodes_of[owner as usize] = self.owner(&self.builder.owners[owner as usize]);
        }
        self.nodes.push(self.entry(NameAt { at: 0, len: 0 }, NONE));
        self.nodes.shrink_to_fit();
        self.rrsets.shrink_to_fit();
        self.rdata.shrink_to_fit();
        nodes_of
    }

    fn owner(&mut self, owner: &Owner) -> u32 {
        self.empty_non_terminals(owner.name);
        let node = self.node(owner.name, owner.steered);
        let mut records = std::mem::take(&mut self.scratch.records);
        records.clear();
        records.extend(self.builder.chain(owner.newest));
        records.reverse();
        records.sort_by_key(|&record| self.record(record).rtype);
        self.check_cname(&records);
        let all = &self.builder.records;
        for rrset in records.chunk_by(|&a, &b| all[a as usize].rtype == all[b as usize].rtype) {
            self.rrset(rrset, node);
        }
        self.find_cut(node);
        self.check_place(node, &records);
        self.scratch.records = records;
        node
    }

    /// Makes the names between an owner and the closest node there is: no owner has them, or it would have come before.
    fn empty_non_terminals(&mut self, owner: NameAt) {
        let name = owner.name(&self.builder.names);
        let mut missing = [owner; 128];
        let mut count = 0;
        let last = self.path.last().map(|&node| self.name(node));
        for ancestor in name.ancestors().skip(1) {
            if last.is_none_or(|last| last.is_within(ancestor)) {
                break;
            }
            let len = ancestor.as_wire().len() as u8; // names are shorter than 256
            missing[count] = NameAt { at: owner.at + u32::from(owner.len - len), len };
            count += 1;
        }
        for &name in missing[..count].iter().rev() {
            let node = self.node(name, NONE);
            self.find_cut(node);
        }
    }

    /// Appends a node, and tells its parent if it is a wildcard.
    fn node(&mut self, name: NameAt, steered: u32) -> u32 {
        let node = self.nodes.len() as u32; // fewer than the octets of all names
        self.nodes.push(self.entry(name, steered));
        let labels = self.name(node).label_count();
        self.depth = self.depth.max(labels);
        self.path.truncate(labels - self.name(0).label_count());
        if let Some(&parent) = self.path.last().filter(|_| self.name(node).is_wildcard()) {
            self.nodes[parent as usize].wildcard = node;
        }
        self.path.push(node);
        node
    }

    fn entry(&self, name: NameAt, steered: u32) -> NodeEntry {
        let first_rrset = self.rrsets.len() as u32; // as many as records at most
        NodeEntry { name, first_rrset, cut: NONE, wildcard: NONE, steered }
    }

    /// A node is in the cut of its parent, or one itself if it has NS records (but see [`Zone::find`] on wildcards).
    fn find_cut(&mut self, node: u32) {
        let Some(&[.., parent, _]) = self.path.last_chunk::<2>() else { return };
        let own = &self.rrsets[self.nodes[node as usize].first_rrset as usize..];
        let has_ns = own.iter().any(|rrset| rrset.rtype == Rtype::NS);
        let above = self.nodes[parent as usize].cut;
        self.nodes[node as usize].cut = if above == NONE && has_ns { node } else { above };
    }

    /// Appends an RRset of records in the order written, each once (RFC 2181 §5).
    fn rrset(&mut self, records: &[u32], node: u32) {
        let rdata_at = self.rdata.len() as u32; // no more than the builder has
        self.keep_unique(records);
        let mut size = 0;
        for &record in &self.scratch.unique {
            let rdata = self.builder.prefixed_rdata_of(self.record(record));
            self.rdata.extend_from_slice(rdata);
            size += rdata.len() - 2 + RECORD_OVERHEAD;
        }
        let count = self.scratch.unique.len();
        self.record_count += count;
        let rtype = self.record(records[0]).rtype;
        let ttl = self.common_ttl(records);
        let unique = std::mem::take(&mut self.scratch.unique);
        self.check_rrset(records, &unique, node, size);
        self.scratch.unique = unique;
        // a count that does not fit was too large for a message
        self.rrsets.push(RrSetEntry { rdata_at, ttl, rtype, count: u16::try_from(count).unwrap_or(u16::MAX) });
    }

    /// Puts the records of an RRset into `scratch.unique`, of those with equal RDATA the first.
    fn keep_unique(&mut self, records: &[u32]) {
        let Scratch { unique, canonical, places, .. } = &mut self.scratch;
        unique.clear();
        if let &[record] = records {
            unique.push(record);
            return;
        }
        canonical.clear();
        places.clear();
        for (at, &record) in records.iter().enumerate() {
            let (record, start) = (&self.builder.records[record as usize], canonical.len());
            canonical_into(record.rtype, self.builder.rdata_of(record), canonical);
            places.push((start..canonical.len(), at));
        }
        places.sort_unstable_by(|(a, a_at), (b, b_at)| {
            canonical[a.clone()].cmp(&canonical[b.clone()]).then(a_at.cmp(b_at))
        });
        places.dedup_by(|(b, _), (a, _)| canonical[a.clone()] == canonical[b.clone()]);
        places.sort_unstable_by_key(|(_, at)| *at);
        unique.extend(places.iter().map(|(_, at)| records[*at]));
    }

    /// The least TTL of records that must have the same (RFC 2181 §5.2), as signatures of one type must (RFC 4034 §3).
    fn common_ttl(&mut self, records: &[u32]) -> Ttl {
        let first = self.record(records[0]);
        let least = records.iter().map(|&record| self.record(record).ttl).min().unwrap_or(first.ttl);
        let other = match first.rtype {
            Rtype::RRSIG => self.odd_signature(records),
            _ => records.iter().map(|&record| self.record(record)).find(|record| record.ttl != first.ttl),
        };
        if let Some(other) = other {
            self.findings.add(Kind::Ttl, || {
                let message =
                    format!("the {} records of this name differ in TTL: {} is used", first.rtype, least.secs());
                let hint = "give them one TTL: resolvers cache them together (RFC 2181 §5.2)";
                Diagnostic::warning(other.span(), message).hint(hint)
            });
        }
        least
    }

    /// A signature with another TTL than one before it that covers the same type.
    fn odd_signature(&self, records: &[u32]) -> Option<&'b Record> {
        let covered = |record: &Record| self.builder.rdata_of(record).first_chunk::<2>().copied();
        let mut sorted: Vec<_> = records.iter().map(|&record| self.record(record)).collect();
        sorted.sort_by_key(|&record| covered(record));
        let odd = |pair: &&[&Record]| covered(pair[0]) == covered(pair[1]) && pair[0].ttl != pair[1].ttl;
        sorted.windows(2).find(odd).map(|pair| pair[1])
    }

    /// The delegation point at or above a node, or `NONE`.
    pub(super) fn cut_of(&self, node: u32) -> u32 {
        self.nodes[node as usize].cut
    }

    pub(super) fn rrsets_of_apex(&self) -> usize {
        self.nodes[1].first_rrset as usize
    }

    pub(super) fn record(&self, record: u32) -> &'b Record {
        &self.builder.records[record as usize]
    }

    pub(super) fn name(&self, node: u32) -> NameRef<'b> {
        self.nodes[node as usize].name.name(&self.builder.names)
    }
}
