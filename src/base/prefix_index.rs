//! What queries look addresses up in: a [`PrefixMap`] whose values are numbers, laid out for few memory accesses.
//!
//! Four bits are taken at a step, as in a poptrie (Asai and Ohara 2015): a node says by one bit each which of its 16
//! slots go on, and by another where a run of equal leaves begins. Behind these bits stand the places of the nodes that
//! go on and the leaves, so that a step, and what it ends in, mostly costs one line of the cache. A leaf holds its value and the
//! length of its prefix. A large map has tables in front that take the first bits at once.
//!
//! ```text
//! node  inner (16 bits), runs (16 bits), each leaf (16 bits, or 32 if values are large), place of each inner node (32 bits)
//! ```

use std::collections::VecDeque;
use std::hint::select_unpredictable;
use std::net::IpAddr;
use std::ops::Range;

use super::prefix_map::{Entry, PrefixMap};
use super::{Fetch, HugeBytes};

/// Numbers by prefix: what [`PrefixMap::index`] makes. It answers exactly as the map does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrefixIndex {
    v4: Root,
    v6: Root,
    /// The value of a leaf below which the IPv4 part stands.
    graft: u32,
    /// Whether leaves take two words.
    wide: bool,
    /// The tables, then the nodes, level by level: the upper ones, which most look-ups end in, are close together. In words
    /// of 16 bits, in the processor's order.
    words: HugeBytes,
}

/// A leaf (top bit set, then 23 bits of value and 8 of depth) or the place of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slot(u32);

const LEAF: u32 = 1 << 31;
/// Values are below this.
const VALUES: u32 = 1 << 23;
/// How many bits a node takes.
const STRIDE: u8 = 4;
const SLOTS: usize = 1 << STRIDE;

impl Slot {
    const fn leaf(value: u32, depth: u8) -> Self {
        Self(LEAF | value << 8 | depth as u32)
    }

    fn node(at: usize) -> Self {
        let at = u32::try_from(at).ok().filter(|at| at & LEAF == 0);
        Self(at.expect("fewer than 2^31 words for fewer than 2^27 networks"))
    }

    const fn is_leaf(self) -> bool {
        self.0 & LEAF != 0
    }

    const fn value(self) -> u32 {
        (self.0 & !LEAF) >> 8
    }

    const fn depth(self) -> u8 {
        self.0 as u8
    }
}

/// Words of a node's bits, and of the place of another node.
const BITS: usize = 2;
const PLACE: usize = 2;

/// Where the search in one family begins.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Root {
    slot: Slot,
    /// In a large map, where the table is which says what follows from the first bits of every address that begins with
    /// `start`.
    table: Option<u32>,
    start: Start,
}

/// The bits that an address must begin with to be found by a table, and how many bits the table takes then. With both the
/// steps behind end where prefixes of networks mostly do: /24, /32, /48.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Start {
    bits: u64,
    len: u8,
    table: u8,
}

/// A smaller map is searched from its root: tables would be most of it.
const LARGE: usize = 4096;
const V4_START: Start = Start { bits: 0, len: 0, table: 16 };
/// 2000::/3, of which all global unicast addresses are (RFC 4291 §2.4, IANA).
const V6_START: Start = Start { bits: 0b001, len: 3, table: 13 };

impl Start {
    const fn covers(self, top: u64) -> bool {
        self.len == 0 || top >> (64 - self.len) == self.bits
    }
}

impl Root {
    /// Where in the table an address stands with these first bits, if it does.
    #[inline]
    fn entry(&self, top: u64) -> Option<usize> {
        let table = self.table.filter(|_| self.start.covers(top))?;
        let at = (top << self.start.len >> (64 - self.start.table)) as usize;
        Some(table as usize + at * PLACE)
    }
}

impl PrefixIndex {
    /// The value of an address, and the length of the widest prefix around it that has no other value.
    #[inline]
    #[must_use]
    pub fn get(&self, addr: IpAddr) -> (u32, u8) {
        self.search(addr).get()
    }

    /// Begins to look an address up.
    #[inline]
    #[must_use]
    pub fn search(&self, addr: IpAddr) -> PrefixSearch<'_> {
        match addr {
            IpAddr::V4(v4) => self.begin(&self.v4, u128::from(v4.to_bits()) << 96),
            IpAddr::V6(v6) => self.begin(&self.v6, v6.to_bits()),
        }
    }

    /// Fetches where the search for an address begins.
    #[inline]
    pub fn fetch(&self, addr: IpAddr, memory: &impl Fetch) {
        let (root, top) = match addr {
            IpAddr::V4(v4) => (&self.v4, u64::from(v4.to_bits()) << 32),
            IpAddr::V6(v6) => (&self.v6, (v6.to_bits() >> 64) as u64),
        };
        if let Some(entry) = root.entry(top).and_then(|at| self.words.get(at * size_of::<Word>())) {
            memory.fetch(entry);
        }
    }

    fn begin(&self, root: &Root, bits: u128) -> PrefixSearch<'_> {
        let memory = self.words.as_chunks().0;
        let top = (bits >> 64) as u64;
        let (mut slot, mut depth) = (root.slot, 0);
        if let Some(entry) = root.entry(top) {
            slot = Slot(double(&memory[entry..]));
            depth = root.start.len + root.start.table;
        }
        PrefixSearch { index: self, bits, slot, depth }
    }

    /// The value and the length that a slot met at a depth leads to.
    fn find(&self, bits: u128, mut slot: Slot, mut depth: u8) -> (u32, u8) {
        let words = [(bits >> 64) as u64, bits as u64];
        let memory = self.words.as_chunks().0;
        while !slot.is_leaf() {
            let node = &memory[slot.0 as usize..];
            let (inner, runs, behind) = (single(node, 0), single(node, 1), &node[BITS..]);
            // steps never cross a word: all begin at a multiple of their length
            let word = words[usize::from(depth >> 6 & 1)];
            let side = 1u16 << (word >> (64 - STRIDE - depth % 64) & 15);
            let before = side - 1;
            if inner & side == 0 {
                let run = (runs & (side | before)).count_ones() as usize - 1;
                let leaf = if self.wide { double(&behind[2 * run..]) } else { single(behind, run).into() };
                return (leaf >> 2, depth + 1 + (leaf & 3) as u8);
            }
            slot = Slot(double(&behind[words_of(runs, inner & before, self.wide)..]));
            depth += STRIDE;
        }
        (slot.value(), slot.depth())
    }

    /// Where in memory it is.
    #[must_use]
    pub fn pages(&self) -> Range<usize> {
        self.words.pages()
    }

    /// How much memory it takes.
    #[must_use]
    pub fn octets(&self) -> usize {
        size_of::<Self>() + self.words.len()
    }
}

/// A look-up on its way. Several may take their steps in turn: they then wait for memory together, not one after the other.
#[derive(Clone, Copy, Debug)]
pub struct PrefixSearch<'a> {
    index: &'a PrefixIndex,
    bits: u128,
    /// What was met last, and behind how many bits.
    slot: Slot,
    depth: u8,
}

impl PrefixSearch<'_> {
    /// Fetches the next node, if there is one.
    #[inline]
    pub fn fetch(&self, memory: &impl Fetch) {
        let at = select_unpredictable(self.slot.is_leaf(), 0, self.slot.0 as usize);
        if let Some(node) = self.index.words.get(at * size_of::<Word>()) {
            memory.fetch(node);
        }
    }

    /// Goes to the next node, if there is one. No branch depends on what is read, as that is still on its way from memory
    /// when the step of another search is taken.
    #[inline]
    pub fn step(&mut self) {
        let Self { index, bits, slot, depth } = *self;
        let memory: &[Word] = index.words.as_chunks().0;
        let ended = slot.is_leaf();
        // a search that has ended reads whatever stands at the beginning, for nothing
        let node = memory.get(select_unpredictable(ended, 0, slot.0 as usize)..).and_then(<[Word]>::split_first_chunk);
        let Some((&[inner, runs], behind)) = node else { return };
        let (inner, runs) = (u16::from_ne_bytes(inner), u16::from_ne_bytes(runs));
        let word = (bits >> (64 * u8::from(depth < 64))) as u64;
        let side = 1u16 << (word >> (64 - STRIDE - depth % 64) & 15);
        let before = side - 1;
        let last = inner & side == 0;
        let leaves = select_unpredictable(last, runs & (side | before), runs);
        let nodes = select_unpredictable(last, 0, inner & before);
        let back = select_unpredictable(last, leaf_words(index.wide), 0);
        let at = words_of(leaves, nodes, index.wide).wrapping_sub(back);
        let Some(met) = behind.get(at..).filter(|met| met.len() >= PLACE) else { return };
        let leaf = if index.wide { double(met) } else { single(met, 0).into() };
        let leaf = Slot::leaf(leaf >> 2, depth + 1 + (leaf & 3) as u8);
        let met = select_unpredictable(last, leaf, Slot(double(met)));
        self.slot = select_unpredictable(ended, slot, met);
        self.depth = depth + select_unpredictable(ended | last, 0, STRIDE);
    }

    /// Whether there is no next node.
    #[inline]
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        self.slot.is_leaf()
    }

    /// What is found.
    #[inline]
    #[must_use]
    pub fn get(self) -> (u32, u8) {
        let Self { index, bits, slot, depth } = self;
        let (value, depth) = index.find(bits, slot, depth);
        if value != index.graft {
            return (value, depth);
        }
        let PrefixSearch { bits, slot, depth: start, .. } = index.begin(&index.v4, bits << depth);
        let (value, more) = index.find(bits, slot, start);
        (value, depth + more)
    }
}

/// Words of a leaf: the value, and in the last two bits how many bits of the node's four the prefix has, less one.
const fn leaf_words(wide: bool) -> usize {
    if wide { 2 } else { 1 }
}

/// Words of so many leaves and places of nodes as there are bits: counted at once, as counting takes many instructions where
/// the processor may not have one for it.
const fn words_of(leaves: u16, nodes: u16, wide: bool) -> usize {
    let (leaves, nodes) = (leaves as u64, nodes as u64);
    let twice = nodes | if wide { leaves << 16 } else { 0 };
    (leaves | nodes << 16 | twice << 32).count_ones() as usize
}

/// A word as it is in memory.
type Word = [u8; 2];

fn single(words: &[Word], at: usize) -> u16 {
    u16::from_ne_bytes(words[at])
}

/// A number of two words.
fn double(words: &[Word]) -> u32 {
    u32::from(single(words, 0)) | u32::from(single(words, 1)) << 16
}

const fn halves(number: u32) -> [u16; 2] {
    [number as u16, (number >> 16) as u16]
}

impl<T> PrefixMap<T> {
    /// The same prefixes with numbers below 2^23 − 1 for values, to be looked up fast. `place` is told where in memory they
    /// will be, before anything is written there.
    pub fn index(&self, number: impl FnMut(&T) -> u32, place: impl FnOnce(Range<usize>)) -> PrefixIndex {
        self.index_with(number, LARGE, place)
    }

    fn index_with(&self, number: impl FnMut(&T) -> u32, large: usize, place: impl FnOnce(Range<usize>)) -> PrefixIndex {
        let values: Vec<u32> = self.values().iter().map(number).collect();
        let graft = values.iter().max().map_or(0, |most| most + 1);
        assert!(graft < VALUES, "fewer than 2^23 − 1 values");
        let wide = graft << 2 | 3 > u16::MAX.into();
        let mut builder = Builder {
            map: self,
            values,
            graft,
            v4: None,
            done: None,
            wide,
            words: Vec::new(),
            pending: VecDeque::new(),
        };
        let large = self.node_count() >= large;
        let v4 = builder.root(self.v4(), V4_START, large);
        builder.v4 = Some(self.v4()).filter(|root| root.value().is_none());
        let v6 = builder.root(self.v6(), V6_START, large);
        PrefixIndex { v4, v6, graft, wide, words: memory(&builder.words, place) }
    }
}

/// The words in the memory that they are looked up in, and one more: a step reads two where the last leaf may be one.
fn memory(words: &[u16], place: impl FnOnce(Range<usize>)) -> HugeBytes {
    let mut memory = HugeBytes::zeroed(size_of_val(words) + size_of::<Word>());
    place(memory.pages());
    for (to, from) in memory.as_chunks_mut::<2>().0.iter_mut().zip(words) {
        *to = from.to_ne_bytes();
    }
    memory
}

struct Builder<'a, T> {
    map: &'a PrefixMap<T>,
    values: Vec<u32>,
    graft: u32,
    /// The IPv4 part, while IPv6 is looked at.
    v4: Option<Entry>,
    /// What a table answers, and need not be in the nodes below its root.
    done: Option<Entry>,
    wide: bool,
    words: Vec<u16>,
    /// Nodes that have no place yet, and where that is to be written.
    pending: VecDeque<(usize, Entry, u8)>,
}

/// A subtree on the way: a leaf, or a node of the map.
#[derive(Clone, Copy, PartialEq)]
enum Met {
    Leaf(Slot),
    Node(Entry),
}

impl<T> Builder<'_, T> {
    fn met(&self, entry: Entry, depth: u8) -> Met {
        match entry.value() {
            Some(value) => Met::Leaf(Slot::leaf(self.values[value], depth)),
            None if self.v4 == Some(entry) => Met::Leaf(Slot::leaf(self.graft, depth)),
            None if self.done == Some(entry) => Met::Leaf(Slot::leaf(0, depth)),
            None => Met::Node(entry),
        }
    }

    fn root(&mut self, entry: Entry, start: Start, large: bool) -> Root {
        let table = large.then(|| self.table(entry, start));
        let slot = self.subtree(entry, 0);
        while let Some((at, entry, depth)) = self.pending.pop_front() {
            let Slot(place) = self.node(entry, depth);
            self.put(at, place);
        }
        Root { slot, table, start }
    }

    /// Makes the table: what stands below each value of its bits. Returns where it is.
    fn table(&mut self, root: Entry, start: Start) -> u32 {
        let mut met = self.met(root, 0);
        for depth in 0..start.len {
            if let Met::Node(entry) = met {
                let side = start.bits >> (start.len - 1 - depth) & 1;
                met = self.met(self.map.children(entry)[side as usize], depth + 1);
            }
        }
        let mut all = vec![met; 1 << start.table];
        self.spread(met, start.len, &mut all);
        let depth = start.len + start.table;
        let Slot(table) = Slot::node(self.words.len());
        self.words.resize(self.words.len() + all.len() * PLACE, 0);
        for (number, met) in all.into_iter().enumerate() {
            let Slot(slot) = self.slot(met, depth);
            self.put(table as usize + number * PLACE, slot);
        }
        self.done = if let Met::Node(entry) = met { Some(entry) } else { None };
        table
    }

    fn put(&mut self, at: usize, slot: u32) {
        self.words[at..at + PLACE].copy_from_slice(&halves(slot));
    }

    fn slot(&mut self, met: Met, depth: u8) -> Slot {
        match met {
            Met::Leaf(leaf) => leaf,
            Met::Node(entry) => self.subtree(entry, depth),
        }
    }

    fn subtree(&mut self, entry: Entry, depth: u8) -> Slot {
        match self.met(entry, depth) {
            Met::Leaf(leaf) => leaf,
            Met::Node(entry) => self.node(entry, depth),
        }
    }

    /// Appends a node; those below it follow later.
    fn node(&mut self, entry: Entry, depth: u8) -> Slot {
        let mut below = [Met::Node(entry); SLOTS];
        self.spread(Met::Node(entry), depth, &mut below);
        let (mut inner, mut runs, mut last) = (0u16, 0u16, None);
        let (mut entries, mut leaves) = (Vec::new(), Vec::new());
        for (slot, met) in below.into_iter().enumerate() {
            match met {
                Met::Node(entry) => {
                    inner |= 1 << slot;
                    entries.push(entry);
                }
                Met::Leaf(leaf) if last != Some(leaf) => {
                    runs |= 1 << slot;
                    leaves.push(leaf.value() << 2 | u32::from(leaf.depth() - depth - 1));
                    last = Some(leaf);
                }
                Met::Leaf(_) => {}
            }
        }
        let at = self.words.len();
        self.words.extend([inner, runs]);
        let words = leaves.into_iter().map(halves).flat_map(|leaf| leaf.into_iter().take(leaf_words(self.wide)));
        self.words.extend(words);
        for entry in entries {
            self.pending.push_back((self.words.len(), entry, depth + STRIDE));
            self.words.extend([0; PLACE]);
        }
        Slot::node(at)
    }

    /// What stands below each value of the next bits, as many as `out` has room for.
    fn spread(&self, met: Met, depth: u8, out: &mut [Met]) {
        match met {
            Met::Node(entry) if out.len() > 1 => {
                let [zero, one] = self.map.children(entry);
                let (left, right) = out.split_at_mut(out.len() / 2);
                self.spread(self.met(zero, depth + 1), depth + 1, left);
                self.spread(self.met(one, depth + 1), depth + 1, right);
            }
            _ => out.fill(met),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::prefix_map::tests::{built, edges, prefixes};
    use super::*;

    fn agree(map: &PrefixMap<u8>, index: &PrefixIndex, addr: IpAddr, times: u32) -> Result<(), TestCaseError> {
        let (&value, depth) = map.get(addr);
        let mut search = index.search(addr);
        for steps in 0..6 {
            prop_assert_eq!(search.get(), (u32::from(value) * times, depth), "{} after {} steps", addr, steps);
            search.step();
        }
        Ok(())
    }

    /// What makes leaves take two words.
    const LARGE_VALUES: u32 = 30_000;

    proptest! {
        #[test]
        fn answers_as_the_map_does(
            inserted in prefixes(),
            grafted in any::<bool>(),
            v4 in prop::collection::vec(any::<u32>(), 20),
            v6 in prop::collection::vec(any::<u128>(), 20),
        ) {
            let mut map = built(&inserted);
            if grafted {
                for at in ["64:ff9b::/96", "2002::/16", "::ffff:0:0/96"] {
                    map.graft_v4(at.parse().expect("a prefix"));
                }
                map = map.map(|value| value / 2); // folds what became equal
            }
            let random = v4.iter().map(|&bits| IpAddr::from(bits.to_be_bytes()));
            let global = v6.iter().map(|&bits| IpAddr::from((bits >> 3 | 1 << 125).to_be_bytes()));
            let embedded = v4.iter().flat_map(|&bits| {
                let bits = u128::from(bits);
                [bits | 0x64_ff9b << 96, bits << 80 | 0x2002 << 112, bits | 0xffff << 32].map(|bits| bits.to_be_bytes().into())
            });
            for (large, times) in [(0, 1), (usize::MAX, 1), (0, LARGE_VALUES), (usize::MAX, LARGE_VALUES)] {
                let index = map.index_with(|&value| u32::from(value) * times, large, drop);
                for addr in edges(&inserted).into_iter().chain(random.clone()).chain(global.clone()).chain(embedded.clone()) {
                    agree(&map, &index, addr, times)?;
                }
            }
        }
    }

    #[test]
    fn a_map_of_one_value_is_small() {
        let index = PrefixMap::constant(()).index(|()| 7, drop);
        assert_eq!(index.get([192, 0, 2, 1].into()), (7, 0));
        assert!(index.octets() < 200);
    }
}
