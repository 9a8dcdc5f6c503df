//! Names in one arena, found by hash, ordered by key.

use crate::wire::NameRef;

/// Where a name is in an arena of wire octets.
#[derive(Clone, Copy, Debug)]
pub(super) struct NameAt {
    pub(super) at: u32,
    pub(super) len: u8,
}

impl NameAt {
    /// The octets in the arena.
    pub(super) fn wire(self, arena: &[u8]) -> &[u8] {
        let at = self.at as usize;
        &arena[at..at + usize::from(self.len)]
    }

    /// The name in the arena.
    pub(super) fn name(self, arena: &[u8]) -> NameRef<'_> {
        NameRef::of_whole(self.wire(arena)) // arenas hold whole names
    }
}

/// Octets whose plain order is the canonical order of lowercased names (RFC 4034 §6.1) that lie within one origin.
#[derive(Default)]
pub(super) struct SortKeys {
    octets: Vec<u8>,
    ends: Vec<u32>,
}

impl SortKeys {
    /// Appends the key of a name: its labels above the origin from the right, each ended by a zero octet.
    pub(super) fn push(&mut self, name: NameRef<'_>, origin: NameRef<'_>) {
        let mut starts = [0u8; 128];
        let mut count = 0;
        let own = name.as_wire().len() - origin.as_wire().len();
        let mut at = 0;
        while at < own {
            starts[count] = at as u8; // names are shorter than 256
            count += 1;
            at += usize::from(name.as_wire()[at]) + 1;
        }
        for &start in starts[..count].iter().rev() {
            let label = &name.as_wire()[usize::from(start)..];
            self.push_label(&label[1..=usize::from(label[0])]);
        }
        self.ends.push(u32::try_from(self.octets.len()).expect("sort keys are not longer than twice the names"));
    }

    /// A zero must sort below every octet of a label, so zeros in labels are written as 1 1, and ones as 1 2.
    fn push_label(&mut self, label: &[u8]) {
        if label.iter().all(|&octet| octet > 1) {
            self.octets.extend_from_slice(label);
        } else {
            for &octet in label {
                match octet {
                    0 | 1 => self.octets.extend_from_slice(&[1, octet + 1]),
                    _ => self.octets.push(octet),
                }
            }
        }
        self.octets.push(0);
    }

    /// The key of the name pushed as number `index`.
    pub(super) fn get(&self, index: u32) -> &[u8] {
        let index = index as usize;
        let start = if index == 0 { 0 } else { self.ends[index - 1] as usize };
        &self.octets[start..self.ends[index] as usize]
    }

    /// The numbers of the names, in canonical order.
    pub(super) fn sorted(&self) -> Vec<u32> {
        let mut order: Vec<(u64, u32)> =
            (0..self.ends.len() as u32).map(|index| (first_octets(self.get(index)), index)).collect();
        order.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| self.get(a.1).cmp(self.get(b.1))));
        order.into_iter().map(|(_, index)| index).collect()
    }
}

/// The first eight octets as a number, so that most comparisons touch no key.
fn first_octets(key: &[u8]) -> u64 {
    let mut octets = [0; 8];
    let len = key.len().min(8);
    octets[..len].copy_from_slice(&key[..len]);
    u64::from_be_bytes(octets)
}
