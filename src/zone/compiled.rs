//! The compiled zone: immutable, in a few flat arenas, with a hash from name to node.

use std::fmt;
use std::iter::FusedIterator;

use hashbrown::HashTable;

use super::builder::NONE;
use super::names::NameAt;
use crate::base::Ttl;
use crate::wire::{NameRef, Rtype, hash_name};

/// A zone that queries are looked up in. Names of nodes are lowercase; RDATA is as it was written.
pub struct Zone {
    /// Names of the owners. The name of an empty non-terminal is the end of another.
    pub(super) names: Vec<u8>,
    /// In canonical order, the apex first; one more at the end says where the RRsets of the last one end.
    pub(super) nodes: Vec<NodeEntry>,
    pub(super) rrsets: Vec<RrSetEntry>,
    /// RDATA, each after its length in two octets.
    pub(super) rdata: Vec<u8>,
    pub(super) index: HashTable<u32>,
    /// Labels of the longest name.
    pub(super) depth: usize,
    pub(super) record_count: usize,
    pub(super) soa: Soa,
}

/// The RRset of the SOA, and what is taken from it once.
#[derive(Clone, Copy, Default)]
pub(super) struct Soa {
    pub(super) rrset: u32,
    pub(super) serial: u32,
    pub(super) negative_ttl: Ttl,
}

/// A name of the zone.
pub(super) struct NodeEntry {
    pub(super) name: NameAt,
    pub(super) first_rrset: u32,
    /// The delegation point at or above.
    pub(super) cut: u32,
    /// The child `*`.
    pub(super) wildcard: u32,
    pub(super) steered: u32,
}

/// The records of one name and type.
pub(super) struct RrSetEntry {
    pub(super) rdata_at: u32,
    pub(super) ttl: Ttl,
    pub(super) rtype: Rtype,
    pub(super) count: u16,
}

/// What a name is in a zone.
#[derive(Clone, Copy, Debug)]
pub enum Found<'z> {
    /// The name exists, perhaps only because names below it do (an empty non-terminal).
    Exact(Node<'z>),
    /// The name is this delegation point or below it. Only a query for DS at the point itself is not for the child.
    Delegation(Node<'z>),
    /// The name does not exist: this DNAME at its closest encloser redirects it (RFC 6672 §2.4).
    Dname(Node<'z>),
    /// The name does not exist, and this `*` at its closest encloser stands for it (RFC 4592 §3.3.1).
    Wildcard(Node<'z>),
    /// The name does not exist.
    NxDomain,
}

impl Zone {
    /// The apex.
    #[must_use]
    pub fn origin(&self) -> NameRef<'_> {
        self.node(0).name()
    }

    /// The SOA record.
    #[must_use]
    pub fn soa(&self) -> RrSet<'_> {
        RrSet { zone: self, entry: &self.rrsets[self.soa.rrset as usize] }
    }

    /// How long a negative answer holds: the lesser of the SOA's TTL and its MINIMUM (RFC 2308 §3).
    #[must_use]
    pub fn negative_ttl(&self) -> Ttl {
        self.soa.negative_ttl
    }

    /// The SOA's serial number.
    #[must_use]
    pub fn serial(&self) -> u32 {
        self.soa.serial
    }

    /// How many records there are, duplicates counted once.
    #[must_use]
    pub fn record_count(&self) -> usize {
        self.record_count
    }

    /// How many names there are, empty non-terminals included.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.nodes.len() - 1
    }

    /// Every node in canonical order (RFC 4034 §6.1), what lies below delegation points included.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = Node<'_>> {
        (0..self.node_count() as u32).map(|index| self.node(index))
    }

    /// What a lowercased name is in this zone (RFC 1034 §4.3.2 step 3, RFC 4592 §3.3.1). A name outside of the zone
    /// does not exist.
    ///
    /// NS records at a wildcard make a cut of the name `*` itself, and are ordinary data of names that the wildcard stands
    /// for: RFC 4592 §4.2 leaves their meaning open.
    #[must_use]
    pub fn find(&self, lowercased: NameRef<'_>) -> Found<'_> {
        let surplus = lowercased.label_count().saturating_sub(self.depth);
        for (steps, name) in lowercased.ancestors().enumerate().skip(surplus) {
            let Some(node) = self.get(name) else { continue };
            let entry = node.entry();
            return match (entry.cut, steps, entry.wildcard) {
                (NONE, 0, _) => Found::Exact(node),
                (NONE, ..) if node.rrset(Rtype::DNAME).is_some() => Found::Dname(node),
                (NONE, _, NONE) => Found::NxDomain,
                (NONE, _, wildcard) => Found::Wildcard(self.node(wildcard)),
                (cut, ..) => Found::Delegation(self.node(cut)),
            };
        }
        Found::NxDomain
    }

    /// The node of a lowercased name, if there is one, whatever stands above it: for glue and for checks.
    #[must_use]
    pub fn get(&self, lowercased: NameRef<'_>) -> Option<Node<'_>> {
        let wire = lowercased.as_wire();
        let same = |&index: &u32| self.nodes[index as usize].name.wire(&self.names) == wire;
        self.index.find(hash_name(wire), same).map(|&index| self.node(index))
    }

    pub(super) fn node(&self, index: u32) -> Node<'_> {
        Node { zone: self, index }
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Zone").field("origin", &self.origin()).field("serial", &self.serial()).finish_non_exhaustive()
    }
}

/// A name of a zone, and what is there.
#[derive(Clone, Copy)]
pub struct Node<'z> {
    zone: &'z Zone,
    pub(super) index: u32,
}

impl<'z> Node<'z> {
    /// The name, in lowercase.
    #[must_use]
    pub fn name(self) -> NameRef<'z> {
        self.entry().name.name(&self.zone.names)
    }

    /// The records of a type.
    #[must_use]
    pub fn rrset(self, rtype: Rtype) -> Option<RrSet<'z>> {
        let entries = self.entries();
        let at = entries.binary_search_by_key(&rtype, |entry| entry.rtype).ok()?;
        Some(RrSet { zone: self.zone, entry: &entries[at] })
    }

    /// All its RRsets, in order of type.
    pub fn rrsets(self) -> impl ExactSizeIterator<Item = RrSet<'z>> {
        self.entries().iter().map(move |entry| RrSet { zone: self.zone, entry })
    }

    /// The number that the name was steered with.
    #[must_use]
    pub fn steered(self) -> Option<u32> {
        let number = self.entry().steered;
        (number != NONE).then_some(number)
    }

    /// The child `*`, which stands for names below this one that do not exist (RFC 4592 §2.1.1).
    #[must_use]
    pub fn wildcard(self) -> Option<Self> {
        let wildcard = self.entry().wildcard;
        (wildcard != NONE).then(|| self.zone.node(wildcard))
    }

    /// Whether the name lies below a delegation point, so that this zone does not answer for it.
    #[must_use]
    pub fn is_occluded(self) -> bool {
        ![NONE, self.index].contains(&self.entry().cut)
    }

    /// Its position in canonical order (RFC 4034 §6.1), the apex at 0.
    #[must_use]
    pub fn number(self) -> usize {
        self.index as usize
    }

    /// Whether the name is a delegation point.
    #[must_use]
    pub fn is_delegation(self) -> bool {
        self.entry().cut == self.index
    }

    /// Whether the name only exists because names below it do: no records, not steered (RFC 4592 §2.2.2).
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.entries().is_empty() && self.steered().is_none()
    }

    fn entry(self) -> &'z NodeEntry {
        &self.zone.nodes[self.index as usize]
    }

    fn entries(self) -> &'z [RrSetEntry] {
        let end = self.zone.nodes[self.index as usize + 1].first_rrset;
        &self.zone.rrsets[self.entry().first_rrset as usize..end as usize]
    }
}

impl fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.name(), f)
    }
}

/// The records of one name and type.
#[derive(Clone, Copy)]
pub struct RrSet<'z> {
    zone: &'z Zone,
    entry: &'z RrSetEntry,
}

#[allow(clippy::len_without_is_empty, reason = "an RRset has at least one record")]
impl<'z> RrSet<'z> {
    /// The type.
    #[must_use]
    pub fn rtype(self) -> Rtype {
        self.entry.rtype
    }

    /// The TTL of all its records.
    #[must_use]
    pub fn ttl(self) -> Ttl {
        self.entry.ttl
    }

    /// How many records it has, at least one.
    #[must_use]
    pub fn len(self) -> usize {
        self.entry.count.into()
    }

    /// The uncompressed RDATA of each record, in the order written.
    #[must_use]
    pub fn rdatas(self) -> Rdatas<'z> {
        Rdatas { rest: &self.zone.rdata[self.entry.rdata_at as usize..], left: self.entry.count }
    }
}

impl fmt::Debug for RrSet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}×{}", self.rtype(), self.len())
    }
}

/// The RDATA of an RRset's records.
#[derive(Clone, Debug)]
pub struct Rdatas<'z> {
    rest: &'z [u8],
    left: u16,
}

impl<'z> Iterator for Rdatas<'z> {
    type Item = &'z [u8];

    fn next(&mut self) -> Option<&'z [u8]> {
        self.left = self.left.checked_sub(1)?;
        let (len, rest) = self.rest.split_first_chunk()?;
        let (rdata, rest) = rest.split_at_checked(u16::from_be_bytes(*len).into())?;
        self.rest = rest;
        Some(rdata)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left.into(), Some(self.left.into()))
    }
}

impl ExactSizeIterator for Rdatas<'_> {}
impl FusedIterator for Rdatas<'_> {}
