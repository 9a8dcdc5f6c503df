//! A map from every address of both families to a value, kept as a binary trie folded to the widest equal prefixes.
//!
//! Each address has exactly one value; the length that [`PrefixMap::get`] returns with it is that of the widest prefix
//! around the address in which every address has that value. That is what an ECS scope must be (RFC 7871 §7.2.1), so
//! folding is the point of this structure and not an optimisation: gdnsd's `libgdmaps` works the same way.
//!
//! Values are interned: a map of six million networks with four hundred thousand distinct values holds each value once.

use std::hash::{BuildHasher, Hash};
use std::net::IpAddr;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use super::prefix::{Prefix, bits_of};

/// What it is filled from is the operator's, so nobody can make its keys collide.
type HashMap<K, V> = std::collections::HashMap<K, V, FixedState>;

/// A subtree: a leaf (top bit set, the rest a value number) or the number of an inner node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Entry(u32);

const LEAF: u32 = 1 << 31;

impl Entry {
    fn leaf(value: usize) -> Self {
        Self(LEAF | u32::try_from(value).expect("fewer than 2^31 values"))
    }

    fn node(node: usize) -> Self {
        let node = u32::try_from(node).expect("fewer than 2^31 nodes");
        assert!(node < LEAF, "fewer than 2^31 nodes");
        Self(node)
    }

    pub(super) const fn value(self) -> Option<usize> {
        if self.0 & LEAF == 0 { None } else { Some((self.0 & !LEAF) as usize) }
    }
}

/// A total map from addresses to values, folded. See the module's text.
#[derive(Clone, Debug)]
pub struct PrefixMap<T> {
    nodes: Vec<[Entry; 2]>,
    values: Vec<T>,
    v4: Entry,
    v6: Entry,
}

impl<T> PrefixMap<T> {
    /// Every address has this value.
    pub fn constant(value: T) -> Self {
        Self { nodes: Vec::new(), values: vec![value], v4: Entry::leaf(0), v6: Entry::leaf(0) }
    }

    /// The value of an address, and the length of the widest prefix around it that has no other value.
    #[must_use]
    pub fn get(&self, addr: IpAddr) -> (&T, u8) {
        let (mut bits, mut entry) = (bits_of(addr).0, if addr.is_ipv4() { self.v4 } else { self.v6 });
        let mut depth = 0;
        loop {
            if let Some(value) = entry.value() {
                return (&self.values[value], depth);
            }
            entry = self.nodes[entry.0 as usize][(bits >> 127) as usize];
            bits <<= 1;
            depth += 1;
        }
    }

    /// The distinct values, in no meaningful order.
    #[must_use]
    pub fn values(&self) -> &[T] {
        &self.values
    }

    /// How many inner nodes there are: 8 bytes each.
    #[must_use]
    pub const fn node_count(&self) -> usize {
        self.nodes.len()
    }

    pub(super) const fn v4(&self) -> Entry {
        self.v4
    }

    pub(super) const fn v6(&self) -> Entry {
        self.v6
    }

    /// The halves of an inner node.
    pub(super) fn children(&self, node: Entry) -> [Entry; 2] {
        self.nodes[node.0 as usize]
    }

    /// Calls `visit` for every folded prefix of IPv4, then of IPv6, in address order.
    pub fn for_each(&self, mut visit: impl FnMut(Prefix, &T)) {
        for (root, zero) in [(self.v4, IpAddr::from([0u8; 4])), (self.v6, IpAddr::from([0u8; 16]))] {
            let width = bits_of(zero).1;
            let mut stack = vec![(root, 0u128, 0u8)];
            while let Some((entry, bits, len)) = stack.pop() {
                if let Some(value) = entry.value() {
                    visit(prefix_of(width, bits, len), &self.values[value]);
                } else {
                    let [zero, one] = self.nodes[entry.0 as usize];
                    stack.push((one, bits | 1 << (127 - u32::from(len)), len + 1));
                    stack.push((zero, bits, len + 1));
                }
            }
        }
    }

    /// The same prefixes with other values; `f` is called once for each distinct value.
    pub fn map<U: Eq + Hash>(&self, f: impl FnMut(&T) -> U) -> PrefixMap<U> {
        let mut out = Folder::new();
        let leaves: Vec<Entry> = self.values.iter().map(f).map(|value| out.number(value)).collect();
        let v4 = self.refold(self.v4, &leaves, &mut out, None);
        let v6 = self.refold(self.v6, &leaves, &mut out, Some(v4));
        out.map(v4, v6)
    }

    fn refold<U: Eq + Hash>(&self, entry: Entry, leaves: &[Entry], out: &mut Folder<U>, v4: Option<Entry>) -> Entry {
        if let Some(value) = entry.value() {
            return leaves[value];
        }
        if let Some(done) = v4.filter(|_| entry == self.v4) {
            return done; // grafted below IPv6: stays shared
        }
        let [zero, one] = self.nodes[entry.0 as usize];
        let zero = self.refold(zero, leaves, out, v4);
        let one = self.refold(one, leaves, out, v4);
        out.fold(zero, one)
    }

    /// Both maps at once; `f` is called once for each pair of values that some address has.
    pub fn zip<U, V: Eq + Hash>(&self, other: &PrefixMap<U>, f: impl FnMut(&T, &U) -> V) -> PrefixMap<V> {
        let mut zip =
            Zip { a: self, b: other, f, pairs: HashMap::default(), grafts: HashMap::default(), out: Folder::new() };
        let v4 = zip.entry(self.v4, other.v4);
        let v6 = zip.entry(self.v6, other.v6);
        zip.out.map(v4, v6)
    }

    /// Makes the IPv4 part also the subtree of an IPv6 prefix that embeds IPv4 addresses, such as 64:ff9b::/96.
    pub fn graft_v4(&mut self, at: Prefix) {
        let IpAddr::V6(addr) = at.addr() else { return };
        let nodes = &mut self.nodes;
        let v4 = self.v4;
        self.v6 = replace(nodes, self.v6, addr.to_bits(), at.len(), v4);
    }
}

fn prefix_of(width: u8, bits: u128, len: u8) -> Prefix {
    let addr =
        if width == 32 { IpAddr::from(((bits >> 96) as u32).to_be_bytes()) } else { IpAddr::from(bits.to_be_bytes()) };
    Prefix::around(addr, len)
}

/// `entry` with the subtree at `bits`/`len` replaced, in fresh nodes along the path.
fn replace(nodes: &mut Vec<[Entry; 2]>, entry: Entry, bits: u128, len: u8, subtree: Entry) -> Entry {
    if len == 0 {
        return subtree;
    }
    let mut children = if entry.value().is_some() { [entry; 2] } else { nodes[entry.0 as usize] };
    let side = (bits >> 127) as usize;
    children[side] = replace(nodes, children[side], bits << 1, len - 1, subtree);
    nodes.push(children);
    Entry::node(nodes.len() - 1)
}

struct Zip<'a, T, U, V, F> {
    a: &'a PrefixMap<T>,
    b: &'a PrefixMap<U>,
    f: F,
    pairs: HashMap<(Entry, Entry), Entry>,
    /// Results for the IPv4 part of either side: met again where IPv4 is grafted below IPv6, and shared there too.
    grafts: HashMap<(Entry, Entry), Entry>,
    out: Folder<V>,
}

impl<T, U, V: Eq + Hash, F: FnMut(&T, &U) -> V> Zip<'_, T, U, V, F> {
    fn entry(&mut self, a: Entry, b: Entry) -> Entry {
        if let (Some(x), Some(y)) = (a.value(), b.value()) {
            if let Some(&done) = self.pairs.get(&(a, b)) {
                return done;
            }
            let value = (self.f)(&self.a.values[x], &self.b.values[y]);
            let leaf = self.out.number(value);
            self.pairs.insert((a, b), leaf);
            return leaf;
        }
        let is_root = |entry: Entry, root: Entry| entry == root && entry.value().is_none();
        let shared = is_root(a, self.a.v4) || is_root(b, self.b.v4);
        if let Some(&done) = self.grafts.get(&(a, b)).filter(|_| shared) {
            return done;
        }
        let [a0, a1] = if a.value().is_some() { [a; 2] } else { self.a.nodes[a.0 as usize] };
        let [b0, b1] = if b.value().is_some() { [b; 2] } else { self.b.nodes[b.0 as usize] };
        let zero = self.entry(a0, b0);
        let one = self.entry(a1, b1);
        let joined = self.out.fold(zero, one);
        if shared {
            self.grafts.insert((a, b), joined);
        }
        joined
    }
}

/// A subtree of a map that a [`Folder`] makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subtree(Entry);

/// Makes a map bottom up: two equal leaves become one, so equal neighbours never stay apart.
#[derive(Debug)]
pub struct Folder<T> {
    nodes: Vec<[Entry; 2]>,
    values: Vec<T>,
    numbers: HashTable<Entry>,
    hasher: FixedState,
}

impl<T: Eq + Hash> Default for Folder<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Eq + Hash> Folder<T> {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self { nodes: Vec::new(), values: Vec::new(), numbers: HashTable::new(), hasher: FixedState::default() }
    }

    /// All addresses of a subtree have this value.
    pub fn leaf(&mut self, value: T) -> Subtree {
        Subtree(self.number(value))
    }

    /// A subtree of two halves.
    pub fn join(&mut self, Subtree(zero): Subtree, Subtree(one): Subtree) -> Subtree {
        Subtree(self.fold(zero, one))
    }

    /// The map of what was made of IPv4 and of IPv6.
    #[must_use]
    pub fn finish(self, Subtree(v4): Subtree, Subtree(v6): Subtree) -> PrefixMap<T> {
        self.map(v4, v6)
    }

    fn number(&mut self, value: T) -> Entry {
        let Self { values, numbers, hasher, .. } = self;
        let of = |values: &[T], entry: &Entry| hasher.hash_one(&values[(entry.0 & !LEAF) as usize]);
        let hash = hasher.hash_one(&value);
        let is = |entry: &Entry| values[(entry.0 & !LEAF) as usize] == value;
        if let Some(&entry) = numbers.find(hash, is) {
            return entry;
        }
        values.push(value);
        let entry = Entry::leaf(values.len() - 1);
        numbers.insert_unique(hash, entry, |entry| of(values, entry));
        entry
    }

    fn fold(&mut self, zero: Entry, one: Entry) -> Entry {
        if zero == one && zero.value().is_some() {
            return zero;
        }
        self.nodes.push([zero, one]);
        Entry::node(self.nodes.len() - 1)
    }

    fn map(mut self, v4: Entry, v6: Entry) -> PrefixMap<T> {
        self.nodes.shrink_to_fit();
        self.values.shrink_to_fit();
        PrefixMap { nodes: self.nodes, values: self.values, v4, v6 }
    }
}

/// Builds a [`PrefixMap`] by assigning values to prefixes; a later assignment wins where two overlap.
pub struct PrefixMapBuilder<T> {
    nodes: Vec<[Entry; 2]>,
    roots: [Entry; 2],
    values: Folder<T>,
    /// The inner nodes on the way to the last prefix, so that prefixes in address order start near where the last ended.
    path: Vec<u32>,
    last: (bool, u128),
}

impl<T: Clone + Eq + Hash> PrefixMapBuilder<T> {
    /// Every address has the value `default` to begin with.
    pub fn new(default: T) -> Self {
        let mut values = Folder::new();
        let default = values.number(default);
        Self { nodes: Vec::new(), roots: [default; 2], values, path: Vec::new(), last: (false, 0) }
    }

    /// Gives every address of a prefix this value.
    pub fn insert(&mut self, prefix: Prefix, value: T) {
        let leaf = self.values.number(value);
        let (bits, _) = bits_of(prefix.addr());
        let v6 = prefix.addr().is_ipv6();
        if prefix.len() == 0 {
            self.roots[usize::from(v6)] = leaf;
            self.path.clear();
            return;
        }
        let common = if self.last.0 == v6 { (bits ^ self.last.1).leading_zeros() as usize } else { 0 };
        self.path.truncate(common.saturating_add(1).min(usize::from(prefix.len())));
        self.last = (v6, bits);
        if self.path.is_empty() || common == 0 {
            self.path.clear();
            let root = self.roots[usize::from(v6)];
            let root = self.split(root);
            self.roots[usize::from(v6)] = Entry(root);
            self.path.push(root);
        }
        while self.path.len() < usize::from(prefix.len()) {
            let depth = self.path.len() - 1;
            let (node, side) = (self.path[depth] as usize, bit(bits, depth));
            let child = self.nodes[node][side];
            let child = self.split(child);
            self.nodes[node][side] = Entry(child);
            self.path.push(child);
        }
        let depth = self.path.len() - 1;
        self.nodes[self.path[depth] as usize][bit(bits, depth)] = leaf;
    }

    /// The inner node of an entry; a leaf becomes a node with two of it.
    fn split(&mut self, entry: Entry) -> u32 {
        if entry.value().is_none() {
            return entry.0;
        }
        self.nodes.push([entry; 2]);
        Entry::node(self.nodes.len() - 1).0
    }

    /// Folds what was assigned into a map.
    pub fn build(self) -> PrefixMap<T> {
        let Self { nodes, roots: [v4, v6], values, .. } = self;
        let unfolded = PrefixMap { nodes, values: values.values, v4, v6 };
        unfolded.map(T::clone)
    }
}

fn bit(bits: u128, at: usize) -> usize {
    (bits >> (127 - at) & 1) as usize
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(in crate::base) fn prefixes() -> impl Strategy<Value = Vec<(Prefix, u8)>> {
        let v4 = (any::<u32>(), 0u8..=32).prop_map(|(bits, len)| Prefix::around(IpAddr::from(bits.to_be_bytes()), len));
        // few distinct top bits, so that prefixes nest and meet
        let v6 = (0u128..64, 0u128..4, 0u8..=128)
            .prop_map(|(top, low, len)| Prefix::around(IpAddr::from((top << 122 | low).to_be_bytes()), len));
        prop::collection::vec((prop_oneof![v4, v6], 0u8..4), 0..40)
    }

    fn naive(inserted: &[(Prefix, u8)], addr: IpAddr) -> u8 {
        inserted.iter().rev().find(|(prefix, _)| prefix.contains(addr)).map_or(0, |&(_, value)| value)
    }

    pub(in crate::base) fn built(inserted: &[(Prefix, u8)]) -> PrefixMap<u8> {
        let mut builder = PrefixMapBuilder::new(0);
        for &(prefix, value) in inserted {
            builder.insert(prefix, value);
        }
        builder.build()
    }

    pub(in crate::base) fn edges(inserted: &[(Prefix, u8)]) -> Vec<IpAddr> {
        let last = |prefix: Prefix| match prefix.addr() {
            IpAddr::V4(v4) => {
                IpAddr::from((v4.to_bits() | u32::MAX.checked_shr(prefix.len().into()).unwrap_or(0)).to_be_bytes())
            }
            IpAddr::V6(v6) => {
                IpAddr::from((v6.to_bits() | u128::MAX.checked_shr(prefix.len().into()).unwrap_or(0)).to_be_bytes())
            }
        };
        inserted.iter().flat_map(|&(prefix, _)| [prefix.addr(), last(prefix)]).collect()
    }

    proptest! {
        #[test]
        fn equals_the_naive_model(inserted in prefixes(), probes in prop::collection::vec(any::<u32>(), 20)) {
            let map = built(&inserted);
            let probes = probes.into_iter().map(|bits| IpAddr::from(bits.to_be_bytes()));
            for addr in edges(&inserted).into_iter().chain(probes) {
                prop_assert_eq!(*map.get(addr).0, naive(&inserted, addr));
            }
        }

        #[test]
        fn the_length_is_that_of_the_widest_equal_prefix(inserted in prefixes()) {
            let map = built(&inserted);
            let mut all = Vec::new();
            map.for_each(|prefix, &value| all.push((prefix, value)));
            for (prefix, value) in &all {
                prop_assert_eq!(map.get(prefix.addr()), (value, prefix.len()));
            }
            for pair in all.windows(2) {
                let ((a, x), (b, y)) = (pair[0], pair[1]);
                let siblings = a.len() == b.len() && a.len() > 0
                    && Prefix::around(a.addr(), a.len() - 1) == Prefix::around(b.addr(), b.len() - 1);
                prop_assert!(!(siblings && x == y), "{} and {} should be one", a, b);
            }
        }

        #[test]
        fn zip_and_map_equal_doing_it_by_address(a in prefixes(), b in prefixes()) {
            let (x, y) = (built(&a), built(&b));
            let both = x.zip(&y, |x, y| u16::from(*x) * 16 + u16::from(*y));
            let halved = x.map(|value| value / 2);
            for addr in edges(&a).into_iter().chain(edges(&b)) {
                let (p, q) = (naive(&a, addr), naive(&b, addr));
                prop_assert_eq!(*both.get(addr).0, u16::from(p) * 16 + u16::from(q));
                prop_assert_eq!(*halved.get(addr).0, p / 2);
            }
        }

        #[test]
        fn a_graft_answers_as_the_embedded_address(inserted in prefixes(), bits in any::<u32>()) {
            let mut map = built(&inserted);
            map.graft_v4("64:ff9b::/96".parse().expect("a prefix"));
            let inside = IpAddr::from((0x0064_ff9b_u128 << 96 | u128::from(bits)).to_be_bytes());
            let (value, len) = map.get(IpAddr::from(bits.to_be_bytes()));
            prop_assert_eq!(map.get(inside), (value, 96 + len));
            let mapped = map.map(|value| value / 2);
            prop_assert_eq!(mapped.get(inside).0, &(value / 2));
            let zipped = map.zip(&mapped, |a, b| (*a, *b));
            prop_assert_eq!(zipped.get(inside).0, &(*value, value / 2));
        }
    }
}
