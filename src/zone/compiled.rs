//! The compiled zone: flat arenas, nodes in canonical order, a hash index by name.

use std::fmt;
use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::base::Ttl;
use crate::wire::{NameRef, Rtype};

/// A zone, ready to be asked. Immutable.
pub struct Zone {
    pub(super) names: Vec<u8>,
    pub(super) nodes: Vec<NodeData>,
    pub(super) rrsets: Vec<RrSetData>,
    pub(super) rdata: Vec<u8>,
    pub(super) index: HashTable<u32>,
    pub(super) apex: u32,
    pub(super) records: usize,
}

/// No node, no number.
pub(super) const NONE: u32 = u32::MAX;

/// A name of the zone. Nodes stand in canonical order (RFC 4034 §6.1), empty non-terminals among them.
#[derive(Clone, Copy, Debug)]
pub(super) struct NodeData {
    /// Where its name stands.
    pub(super) name: u32,
    /// Its first RRset; the next node's first one ends them.
    pub(super) rrsets: u32,
    /// The nearest zone cut at or above it, the apex not being one.
    pub(super) cut: u32,
    /// The node of `*` below it.
    pub(super) wildcard: u32,
    /// The number of its steered name.
    pub(super) steered: u32,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct RrSetData {
    pub(super) rtype: Rtype,
    pub(super) count: u16,
    pub(super) ttl: Ttl,
    /// Where its RDATA stand, each behind its length in two octets.
    pub(super) rdata: u32,
}

/// What a zone holds for a name (RFC 1034 §4.3.2 step 3).
#[derive(Clone, Copy, Debug)]
pub enum Found<'z> {
    /// The name itself; an empty non-terminal has no RRsets.
    Exact(Node<'z>),
    /// The name is at or below this zone cut.
    Delegation(Node<'z>),
    /// The name does not exist, and its closest encloser has this `*` child to answer from (RFC 4592 §3.3.1).
    Wildcard(Node<'z>),
    /// The name does not exist.
    NxDomain,
}

/// A name of a zone.
#[derive(Clone, Copy)]
pub struct Node<'z> {
    zone: &'z Zone,
    number: u32,
}

/// The records of one name and type.
#[derive(Clone, Copy)]
pub struct RrSet<'z> {
    zone: &'z Zone,
    data: RrSetData,
}

pub(super) fn hash(name: NameRef<'_>) -> u64 {
    FixedState::with_seed(0).hash_one(name)
}

/// The name that stands at an offset.
pub(super) fn name_at(names: &[u8], offset: u32) -> NameRef<'_> {
    NameRef::from_wire(&names[offset as usize..]).expect("only names were put here")
}

impl Zone {
    /// The zone's own name.
    #[must_use]
    pub fn origin(&self) -> NameRef<'_> {
        self.at(self.apex).name()
    }

    /// The SOA record.
    #[must_use]
    pub fn soa(&self) -> RrSet<'_> {
        self.at(self.apex).rrset(Rtype::SOA).expect("a zone has an SOA record")
    }

    /// What negative answers are cached for: the smaller of the SOA's TTL and its MINIMUM (RFC 2308 §3).
    #[must_use]
    pub fn negative_ttl(&self) -> Ttl {
        self.soa().ttl().min(Ttl::from_secs(self.soa_number(4)))
    }

    /// The SOA's serial.
    #[must_use]
    pub fn serial(&self) -> u32 {
        self.soa_number(0)
    }

    /// One of the five numbers that end an SOA's RDATA.
    fn soa_number(&self, at: usize) -> u32 {
        let rdata = self.soa().rdatas().next().unwrap_or_default();
        let numbers = &rdata[rdata.len().saturating_sub(20)..];
        numbers.get(at * 4..at * 4 + 4).and_then(|octets| octets.try_into().ok()).map_or(0, u32::from_be_bytes)
    }

    /// Finds what there is for a name within the zone. Allocates nothing; costs a hash look-up a label at worst.
    #[must_use]
    pub fn find(&self, name: NameRef<'_>) -> Found<'_> {
        if let Some(node) = self.node(name) {
            return node.cut().map_or(Found::Exact(node), Found::Delegation);
        }
        let mut ancestors = name.ancestors().skip(1);
        let Some(encloser) = ancestors.find_map(|ancestor| self.node(ancestor)) else { return Found::NxDomain };
        if let Some(cut) = encloser.cut() {
            return Found::Delegation(cut);
        }
        match encloser.data().wildcard {
            NONE => Found::NxDomain,
            wildcard => Found::Wildcard(self.at(wildcard)),
        }
    }

    /// The node of a name, occluded or not.
    #[must_use]
    pub fn node(&self, name: NameRef<'_>) -> Option<Node<'_>> {
        let same = |&number: &u32| name_at(&self.names, self.nodes[number as usize].name) == name;
        self.index.find(hash(name), same).map(|&number| self.at(number))
    }

    /// Every node in canonical order.
    pub fn nodes(&self) -> impl Iterator<Item = Node<'_>> {
        (0..self.nodes.len() as u32).map(|number| self.at(number))
    }

    /// How many records there are.
    #[must_use]
    pub const fn record_count(&self) -> usize {
        self.records
    }

    /// How many names there are, empty non-terminals among them.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    const fn at(&self, number: u32) -> Node<'_> {
        Node { zone: self, number }
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({}, {} records)", self.origin(), self.records)
    }
}

impl<'z> Node<'z> {
    /// Its name.
    #[must_use]
    pub fn name(self) -> NameRef<'z> {
        name_at(&self.zone.names, self.data().name)
    }

    /// Its RRset of a type.
    #[must_use]
    pub fn rrset(self, rtype: Rtype) -> Option<RrSet<'z>> {
        self.rrsets().find(|rrset| rrset.rtype() == rtype)
    }

    /// Its RRsets in order of type.
    pub fn rrsets(self) -> impl Iterator<Item = RrSet<'z>> {
        let zone = self.zone;
        let start = self.data().rrsets as usize;
        let end = zone.nodes.get(self.number as usize + 1).map_or(zone.rrsets.len(), |next| next.rrsets as usize);
        zone.rrsets[start..end].iter().map(move |&data| RrSet { zone, data })
    }

    /// The number of its steered name.
    #[must_use]
    pub fn steered(self) -> Option<u32> {
        Some(self.data().steered).filter(|&number| number != NONE)
    }

    /// Whether it is a zone cut.
    #[must_use]
    pub fn is_delegation(self) -> bool {
        self.data().cut == self.number
    }

    /// Whether it is an empty non-terminal.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.rrsets().next().is_none() && self.steered().is_none()
    }

    fn cut(self) -> Option<Self> {
        Some(self.data().cut).filter(|&cut| cut != NONE).map(|cut| self.zone.at(cut))
    }

    fn data(self) -> &'z NodeData {
        &self.zone.nodes[self.number as usize]
    }
}

impl fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.name(), f)
    }
}

impl<'z> RrSet<'z> {
    /// Its type.
    #[must_use]
    pub const fn rtype(self) -> Rtype {
        self.data.rtype
    }

    /// Its TTL.
    #[must_use]
    pub const fn ttl(self) -> Ttl {
        self.data.ttl
    }

    /// How many records it has.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "an RRset has at least one record")]
    pub fn len(self) -> usize {
        self.data.count.into()
    }

    /// The RDATA of each record, uncompressed.
    pub fn rdatas(self) -> impl Iterator<Item = &'z [u8]> {
        let mut rest = &self.zone.rdata[self.data.rdata as usize..];
        (0..self.data.count).map_while(move |_| {
            let (len, tail) = rest.split_first_chunk::<2>()?;
            let (rdata, tail) = tail.split_at_checked(u16::from_be_bytes(*len).into())?;
            rest = tail;
            Some(rdata)
        })
    }
}

impl fmt::Debug for RrSet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} × {}", self.rtype(), self.len())
    }
}
