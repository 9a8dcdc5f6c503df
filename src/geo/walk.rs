//! Walks the search tree of a MaxMind DB file, which is a binary trie already: every node is read once, in order, and
//! folded at once.

use std::collections::HashMap;
use std::net::IpAddr;

use foldhash::fast::FixedState;
use maxminddb::{MaxMindDbError, Reader};

use super::database::{Fields, Record};
use super::location::Location;
use crate::base::{Folder, PrefixMap, Subtree};

/// What a walk found.
pub(super) struct Walked {
    pub(super) locations: PrefixMap<Location>,
    pub(super) fields: Fields,
    pub(super) networks: u64,
}

/// The 16 octets between tree and data, which data pointers count too.
const SEPARATOR: u32 = 16;
/// An IPv6 tree has the IPv4 part at ::/96.
const V4_DEPTH: u8 = 96;

/// Walks every network of a database.
pub(super) fn walk(reader: &Reader<&[u8]>, bytes: &[u8]) -> Result<Walked, MaxMindDbError> {
    let metadata = reader.metadata();
    let node_octets = usize::from(metadata.record_size) / 4;
    let tree = bytes.get(..metadata.node_count as usize * node_octets).ok_or_else(damaged)?;
    let mut folder = Folder::new();
    let nothing = folder.leaf(Location::default());
    let mut walk = Walk {
        reader,
        tree: Tree { octets: tree, count: metadata.node_count, record: metadata.record_size.into() },
        v4_start: None,
        folder,
        nothing,
        known: HashMap::default(),
        last: None,
        fields: Fields::default(),
        networks: 0,
    };
    let (v4, v6) = if metadata.ip_version == 6 {
        let start = walk.v4_start()?;
        let v4 = walk.below(start, At { bits: 0, depth: V4_DEPTH, v4: true })?;
        walk.v4_start = Some(start).filter(|&start| start < metadata.node_count);
        (v4, walk.below(0, At { bits: 0, depth: 0, v4: false })?)
    } else {
        (walk.below(0, At { bits: 0, depth: V4_DEPTH, v4: true })?, nothing)
    };
    Ok(Walked { locations: walk.folder.finish(v4, v6), fields: walk.fields, networks: walk.networks })
}

fn damaged() -> MaxMindDbError {
    MaxMindDbError::invalid_database("the search tree is damaged")
}

/// The nodes: two records each, of 24, 28 or 32 bits.
struct Tree<'a> {
    octets: &'a [u8],
    count: u32,
    record: u32,
}

impl Tree<'_> {
    fn children(&self, node: u32) -> [u32; 2] {
        let size = self.record as usize / 4;
        let octets = &self.octets[node as usize * size..][..size];
        match *octets {
            [a, b, c, d, e, f] => [u32::from_be_bytes([0, a, b, c]), u32::from_be_bytes([0, d, e, f])],
            [a, b, c, m, d, e, f] => [u32::from_be_bytes([m >> 4, a, b, c]), u32::from_be_bytes([m & 15, d, e, f])],
            [a, b, c, d, e, f, g, h] => [u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h])],
            _ => [self.count; 2], // no other size opens
        }
    }
}

/// Where in the tree a record stands; IPv4 bits stand in the last 32.
#[derive(Clone, Copy)]
struct At {
    bits: u128,
    depth: u8,
    v4: bool,
}

impl At {
    fn addr(self) -> IpAddr {
        if self.v4 { IpAddr::from((self.bits as u32).to_be_bytes()) } else { IpAddr::from(self.bits.to_be_bytes()) }
    }

    fn half(self, one: bool) -> Self {
        let depth = self.depth + 1;
        Self { bits: self.bits | u128::from(one) << (128 - u32::from(depth)), depth, ..self }
    }
}

struct Walk<'a> {
    reader: &'a Reader<&'a [u8]>,
    tree: Tree<'a>,
    /// The node of the IPv4 part, once that is walked: it is shown at other places of an IPv6 tree too, which says nothing
    /// of addresses there.
    v4_start: Option<u32>,
    folder: Folder<Location>,
    nothing: Subtree,
    /// By data pointer.
    known: HashMap<u32, Subtree, FixedState>,
    last: Option<(u32, Subtree)>,
    fields: Fields,
    networks: u64,
}

impl Walk<'_> {
    fn v4_start(&self) -> Result<u32, MaxMindDbError> {
        let mut record = 0;
        for _ in 0..V4_DEPTH {
            if record >= self.tree.count {
                break;
            }
            record = self.tree.children(record)[0];
        }
        Ok(record)
    }

    fn below(&mut self, record: u32, at: At) -> Result<Subtree, MaxMindDbError> {
        if record >= self.tree.count {
            return self.data(record, at);
        }
        if self.v4_start == Some(record) {
            return Ok(self.nothing);
        }
        if at.depth == 128 {
            return Err(damaged()); // a loop, if anything
        }
        let [zero, one] = self.tree.children(record);
        let zero = self.below(zero, at.half(false))?;
        let one = self.below(one, at.half(true))?;
        Ok(self.folder.join(zero, one))
    }

    fn data(&mut self, record: u32, at: At) -> Result<Subtree, MaxMindDbError> {
        if record == self.tree.count {
            return Ok(self.nothing);
        }
        if record - self.tree.count < SEPARATOR {
            return Err(damaged());
        }
        self.networks += 1;
        if let Some((_, known)) = self.last.filter(|&(last, _)| last == record) {
            return Ok(known);
        }
        let subtree = match self.known.get(&record) {
            Some(&known) => known,
            None => {
                let decoded: Record<'_> = self.reader.lookup(at.addr())?.decode()?.unwrap_or_default();
                self.fields = self.fields | decoded.fields();
                let subtree = self.folder.leaf(decoded.location());
                self.known.insert(record, subtree);
                subtree
            }
        };
        self.last = Some((record, subtree));
        Ok(subtree)
    }
}
