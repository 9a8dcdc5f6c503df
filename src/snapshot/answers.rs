//! Ready-made answers: for every name that a zone answers for, the sections of its responses, composed once, at load.
//!
//! A name has one block of octets in one arena, found by the hash of the name over all zones: so a query costs two places
//! in memory, however many names there are. In front of the blocks stands the table that finds them: a power of two of
//! slots, at most half of them taken, each with half of a hash and the place of a block; a name's slot is the first free or
//! right one from where the other half of its hash points (linear probing). Names below delegations have no block, nor have those that another zone
//! here answers for; a name without a block is covered by its closest ancestor that has one (RFC 4592 §3.3.1).
//!
//! ```text
//! block   length of the name, the name in lowercase, flags, zone, [steered number], [wildcard's block], entries
//! entries their number, then for each: type, forms, length, answer
//! answer  RCODE and AA, records of the three sections, number of patches, patches, octets
//! ```
//! The forms of an answer are for queries with DO clear and with DO set. What an entry does not hold, or what depends on
//! the client, is left to the composer.

use std::fmt;
use std::ops::Range;

use crate::base::{HugeBytes, Id, IdVec, ZoneId};
use crate::wire::{NameRef, Rcode, Rtype, Sections, hash_name};

/// The answers of all zones.
#[derive(Default)]
pub struct Answers {
    /// The slots, then the blocks.
    memory: HugeBytes,
    /// How many slots there are.
    slots: usize,
    /// How many names there are.
    len: usize,
    /// What is told of names and types that a zone does not have.
    negatives: IdVec<ZoneId, Negative>,
    /// Labels of the longest name.
    depth: usize,
}

#[derive(Clone, Copy)]
struct Negative {
    /// Octets of the zone's name.
    origin: usize,
    /// Where among the blocks the answer is.
    at: usize,
}

/// An answer as it is composed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready<'a> {
    /// The response code.
    pub rcode: Rcode,
    /// AA.
    pub authoritative: bool,
    /// Answer, authority, additional.
    pub sections: Sections<'a>,
}

impl Ready<'_> {
    /// The same without records.
    #[must_use]
    pub const fn without_sections(self) -> Self {
        Self { sections: Sections::EMPTY, ..self }
    }
}

/// How a name is covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Covered {
    /// It exists.
    Exact,
    /// It does not exist, and a wildcard stands for it.
    Wildcard,
    /// It is a delegation point or below one.
    Delegation,
    /// It does not exist.
    Nothing,
}

/// What lies below a name that has a block, where nothing there has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Below {
    /// Nothing.
    Nothing,
    /// What a wildcard makes.
    Wildcard,
    /// Another server's names.
    Delegation,
    /// What only the composer knows.
    Composer,
}

/// Where a name belongs.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// Its zone.
    pub zone: ZoneId,
    /// How it is covered.
    pub covered: Covered,
    /// The octets at the name's end that all names share which get the same answer.
    pub shared: usize,
    /// The number that the name, or the wildcard that stands for it, was steered with.
    pub steered: Option<u32>,
    /// Whether it is below the delegation point, where all types are alike.
    referred: bool,
    answers: &'a Answers,
    entries: Cursor<'a>,
}

/// What is kept of one type of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry<'a> {
    /// This answer.
    Ready(Ready<'a>),
    /// That the zone has none of it.
    Negative,
    /// What only the composer knows.
    Composer,
}

/// Octets of a slot.
const SLOT: usize = 8;

/// The type of the entry for every type that has none of its own. No query asks for it.
pub const OTHERS: Rtype = Rtype(0);

/// Forms: what kind of query an answer is for; and what is no answer.
const DO_CLEAR: u8 = 1;
const DO_SET: u8 = 2;
const NEGATIVE: u8 = 4;

/// Flags of a block; the two bits below are [`Below`].
const STEERED: u8 = 4;
/// The upper bit of an answer's flags; the others are its response code.
const AUTHORITATIVE: u8 = 0x80;

impl Answers {
    /// How many names have answers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is ready.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Octets that the answers take.
    #[must_use]
    pub fn size(&self) -> usize {
        self.memory.len()
    }

    /// Where in memory they are.
    #[must_use]
    pub fn pages(&self) -> Range<usize> {
        self.memory.pages()
    }

    /// Where a lowercased name with this [hash](hash_name) belongs; none where only the composer knows, or where no zone
    /// has it.
    #[must_use]
    pub fn place(&self, name: NameRef<'_>, hash: u64) -> Option<Place<'_>> {
        if let Some(block) = self.find(name, hash) {
            return self.covering(block, name.as_wire().len(), true);
        }
        let surplus = name.label_count().saturating_sub(self.depth).max(1);
        let mut ends = name.ancestors().skip(surplus);
        let (end, block) = ends.find_map(|end| Some((end, self.find(end, hash_name(end.as_wire()))?)))?;
        self.covering(block, end.as_wire().len(), false)
    }

    fn covering<'a>(&'a self, block: Block<'a>, own: usize, exact: bool) -> Option<Place<'a>> {
        let place = |covered, shared, Block { zone, steered, entries, .. }| Place {
            zone,
            covered,
            shared,
            steered,
            referred: covered == Covered::Delegation && !exact,
            answers: self,
            entries,
        };
        Some(match block.below {
            Below::Delegation => place(Covered::Delegation, own, block),
            _ if exact => place(Covered::Exact, own, block),
            Below::Nothing => {
                place(Covered::Nothing, self.negatives.get(block.zone)?.origin, Block { steered: None, ..block })
            }
            Below::Wildcard => place(Covered::Wildcard, own, self.block(block.wildcard)?),
            Below::Composer => return None,
        })
    }

    fn find(&self, name: NameRef<'_>, hash: u64) -> Option<Block<'_>> {
        let (slots, blocks) = self.memory.split_at_checked(self.slots * SLOT)?;
        let slots = slots.as_chunks::<SLOT>().0;
        let (tag, mut at) = split(hash);
        loop {
            let slot = u64::from_le_bytes(*slots.get(at & self.slots.wrapping_sub(1))?);
            let block = (slot as u32).checked_sub(1)?;
            if (slot >> 32) as u32 == tag && name_at(blocks, block) == name.as_wire() {
                return self.block(block);
            }
            at += 1;
        }
    }

    fn blocks(&self) -> &[u8] {
        self.memory.get(self.slots * SLOT..).unwrap_or_default()
    }

    fn block(&self, at: u32) -> Option<Block<'_>> {
        let mut cursor = Cursor(self.blocks().get(at as usize..)?);
        let [name] = cursor.take()?;
        cursor.skip(name.into())?;
        let [flags, z0, z1, z2, z3] = cursor.take()?;
        let steered = if flags & STEERED != 0 { Some(cursor.u32()?) } else { None };
        let below = [Below::Nothing, Below::Wildcard, Below::Delegation, Below::Composer][usize::from(flags & 3)];
        let wildcard = if below == Below::Wildcard { cursor.u32()? } else { 0 };
        let zone = ZoneId(u32::from_le_bytes([z0, z1, z2, z3]));
        Some(Block { zone, below, steered, wildcard, entries: cursor })
    }
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answers").field("names", &self.len()).field("size", &self.size()).finish_non_exhaustive()
    }
}

impl<'a> Place<'a> {
    /// The answer to a type; none where only the composer knows.
    #[must_use]
    pub fn ready(&self, rtype: Rtype, dnssec_ok: bool) -> Option<Ready<'a>> {
        if self.covered == Covered::Nothing {
            return Some(Ready { rcode: Rcode::NXDOMAIN, ..self.negative()? });
        }
        let form = if dnssec_ok { DO_SET } else { DO_CLEAR };
        match entry(self.entries, if self.referred { OTHERS } else { rtype }, form)? {
            Entry::Ready(ready) => Some(ready),
            Entry::Negative => self.negative(),
            Entry::Composer => None,
        }
    }

    fn negative(&self) -> Option<Ready<'a>> {
        let at = self.answers.negatives.get(self.zone)?.at;
        Cursor(self.answers.blocks().get(at..)?).answer()
    }
}

impl fmt::Debug for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { zone, covered, shared, steered, .. } = self;
        write!(f, "{covered:?} in {zone:?}, shared {shared}, steered {steered:?}")
    }
}

/// A name's block, as far as it was read.
#[derive(Clone, Copy)]
struct Block<'a> {
    zone: ZoneId,
    below: Below,
    steered: Option<u32>,
    wildcard: u32,
    entries: Cursor<'a>,
}

fn name_at(blocks: &[u8], at: u32) -> &[u8] {
    let at = at as usize;
    &blocks[at + 1..=at + usize::from(blocks[at])]
}

/// What a slot holds of a hash, and where the search for its slot begins.
const fn split(hash: u64) -> (u32, usize) {
    ((hash >> 32) as u32, hash as u32 as usize)
}

/// The entry of a type; a type without one has that of [`OTHERS`], which stands first, or there is none of it.
fn entry(mut cursor: Cursor<'_>, rtype: Rtype, form: u8) -> Option<Entry<'_>> {
    let mut found = Entry::Negative;
    for _ in 0..u16::from_le_bytes(cursor.take()?) {
        let [t0, t1, forms, l0, l1] = cursor.take()?;
        let answer = cursor.skip(usize::from(u16::from_le_bytes([l0, l1])))?;
        let of = Rtype(u16::from_le_bytes([t0, t1]));
        if (of != rtype && of != OTHERS) || forms & (form | NEGATIVE) == 0 && forms != 0 {
            continue;
        }
        found = match forms {
            0 => Entry::Composer,
            NEGATIVE => Entry::Negative,
            _ => Entry::Ready(Cursor(answer).answer()?),
        };
        if of == rtype {
            break;
        }
    }
    Some(found)
}

/// Reads octets that [`AnswersBuilder`] wrote.
#[derive(Clone, Copy)]
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (octets, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*octets)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn skip(&mut self, len: usize) -> Option<&'a [u8]> {
        let (octets, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(octets)
    }

    fn answer(mut self) -> Option<Ready<'a>> {
        let [flags, a0, a1, n0, n1, r0, r1, p0, p1, o0, o1] = self.take()?;
        let counts = [[a0, a1], [n0, n1], [r0, r1]].map(u16::from_le_bytes);
        let patches = self.skip(usize::from(u16::from_le_bytes([p0, p1])) * 2)?.as_chunks().0;
        let octets = self.skip(usize::from(u16::from_le_bytes([o0, o1])))?;
        Some(Ready {
            rcode: Rcode(u16::from(flags & !AUTHORITATIVE)),
            authoritative: flags & AUTHORITATIVE != 0,
            sections: Sections { octets, patches, counts },
        })
    }
}

/// Makes [`Answers`], name by name.
#[derive(Default)]
pub struct AnswersBuilder {
    blocks: Vec<u8>,
    /// The hash and the block of each name.
    names: Vec<(u64, u32)>,
    negatives: IdVec<ZoneId, Negative>,
    depth: usize,
    /// Where the entries of the last name begin.
    entries: usize,
    overflown: bool,
}

impl AnswersBuilder {
    /// Room for so many names.
    #[must_use]
    pub fn with_capacity(names: usize) -> Self {
        Self { names: Vec::with_capacity(names), ..Self::default() }
    }

    /// Appends the next zone: what is told of what it does not have.
    pub fn zone(&mut self, origin: NameRef<'_>, negative: &Ready<'_>) {
        let at = self.blocks.len();
        self.put_answer(negative);
        self.negatives.push(Negative { origin: origin.as_wire().len(), at });
    }

    /// Begins the block of a lowercased name, which none has yet. Its entries follow. Returns where it is.
    pub fn name(&mut self, name: NameRef<'_>, zone: ZoneId, steered: Option<u32>, below: Below) -> u32 {
        let blocks = &mut self.blocks;
        let wire = name.as_wire();
        // a slot holds one more, so that zero is none
        let at = u32::try_from(blocks.len()).ok().filter(|&at| at < u32::MAX).unwrap_or_else(|| {
            self.overflown = true;
            0
        });
        self.depth = self.depth.max(name.label_count());
        blocks.push(wire.len() as u8); // at most 255
        blocks.extend_from_slice(wire);
        blocks.push(below as u8 | if steered.is_some() { STEERED } else { 0 });
        blocks.extend(u32::try_from(zone.index()).expect("ids have 32 bits").to_le_bytes());
        blocks.extend(steered.into_iter().flat_map(u32::to_le_bytes));
        blocks.extend((below == Below::Wildcard).then_some([0; 4]).into_iter().flatten());
        self.entries = blocks.len();
        blocks.extend([0, 0]);
        self.names.push((hash_name(wire), at));
        at
    }

    /// Says which block stands for what lies below a name whose block was begun with [`Below::Wildcard`].
    pub fn set_wildcard(&mut self, name: u32, wildcard: u32) {
        let blocks = &mut self.blocks;
        let name = name as usize;
        let flags = name + 1 + usize::from(blocks[name]);
        let at = flags + 5 + if blocks[flags] & STEERED != 0 { 4 } else { 0 };
        blocks[at..at + 4].copy_from_slice(&wildcard.to_le_bytes());
    }

    /// Appends an entry to the last name, for queries with DO clear and set alike. That of [`OTHERS`] comes first.
    pub fn entry(&mut self, rtype: Rtype, entry: &Entry<'_>) {
        let blocks = &mut self.blocks;
        let start = blocks.len();
        let forms = match entry {
            Entry::Ready(_) => DO_CLEAR | DO_SET,
            Entry::Negative => NEGATIVE,
            Entry::Composer => 0,
        };
        let [t0, t1] = rtype.0.to_le_bytes();
        blocks.extend([t0, t1, forms, 0, 0]);
        let head = blocks.len();
        if let Entry::Ready(ready) = entry {
            self.put_answer(ready);
        }
        let blocks = &mut self.blocks;
        match u16::try_from(blocks.len() - head) {
            Ok(len) => blocks[head - 2..head].copy_from_slice(&len.to_le_bytes()),
            Err(_) => {
                blocks.truncate(head);
                blocks[start + 2] = 0;
            }
        }
        let count = &mut blocks[self.entries..self.entries + 2];
        let more = u16::from_le_bytes([count[0], count[1]]).saturating_add(1);
        count.copy_from_slice(&more.to_le_bytes());
    }

    /// The answers; none are ready where they exceed 4 GiB.
    #[must_use]
    pub fn finish(mut self) -> Answers {
        if self.overflown {
            return Answers::default();
        }
        let count = if self.names.is_empty() { 0 } else { (self.names.len() * 2).next_power_of_two() };
        let mut memory = HugeBytes::zeroed(count * SLOT + self.blocks.len());
        let (slots, blocks) = memory.split_at_mut(count * SLOT);
        blocks.copy_from_slice(&self.blocks);
        self.blocks = Vec::new();
        let slots = slots.as_chunks_mut::<SLOT>().0;
        for &(hash, block) in &self.names {
            let (tag, mut at) = split(hash);
            while slots[at & (count - 1)] != [0; SLOT] {
                at += 1;
            }
            slots[at & (count - 1)] = (u64::from(tag) << 32 | u64::from(block + 1)).to_le_bytes();
        }
        Answers { memory, slots: count, len: self.names.len(), negatives: self.negatives, depth: self.depth }
    }

    fn put_answer(&mut self, Ready { rcode, authoritative, sections }: &Ready<'_>) {
        let blocks = &mut self.blocks;
        blocks.push(rcode.0 as u8 | if *authoritative { AUTHORITATIVE } else { 0 }); // no extended code is an answer
        blocks.extend(sections.counts.iter().flat_map(|count| count.to_le_bytes()));
        blocks.extend((sections.patches.len() as u16).to_le_bytes()); // fewer than octets
        blocks.extend((sections.octets.len() as u16).to_le_bytes()); // they fit a message
        blocks.extend(sections.patches.iter().flatten());
        blocks.extend_from_slice(sections.octets);
    }
}
