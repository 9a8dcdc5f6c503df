//! Ready-made answers: for every name that a zone answers for, the sections of its responses, composed once, at load.
//!
//! A name has one block of octets in one arena, found by the hash of the name over all zones: so a query costs two
//! places in memory, however many names there are. In front of the blocks stands the table that finds them: a power of
//! two of slots, at most half of them taken, each with half of a hash and the place of a block; a name's slot is the
//! first free or right one from where the other half of its hash points (linear probing). Names below delegations have
//! no block, nor have those that another zone here answers for; a name without a block is covered by its closest
//! ancestor that has one (RFC 4592 §3.3.1).
//!
//! ```text
//! block   head: length of the name, flags, number of entries, zone
//!         the name in lowercase, [steered number], [wildcard's block], entries
//! entry   head: type, forms, RCODE and AA, records of the three sections, number of patches, number of octets
//!         patches, octets
//! ```
//! Heads are read at once, which costs one check of what is left instead of one a field. The forms of an answer are for
//! queries with DO clear and with DO set. What an entry does not hold, or what depends on the client, is left to the
//! composer.

use std::fmt;
use std::hint::black_box;
use std::ops::Range;

use crate::base::{Fetch, HugeBytes, IdVec, ZoneId};
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
    entries: Entries<'a>,
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
/// Octets that come into the cache together.
const LINE: usize = 64;
/// Names that are put into their slots together.
const TOGETHER: usize = 16;

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

/// Stands where there is none.
const NO_ANSWER: Ready<'static> = Ready { rcode: Rcode::NOERROR, authoritative: false, sections: Sections::EMPTY };

/// Octets of an entry's head.
const ENTRY_HEAD: usize = 14;

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
    #[inline]
    #[must_use]
    pub fn place(&self, name: NameRef<'_>, hash: u64) -> Option<Place<'_>> {
        match self.find(name, hash) {
            Some(block) if block.below() == Below::Delegation => self.at(block, Covered::Delegation, name),
            Some(block) => self.at(block, Covered::Exact, name),
            None => self.covering(name),
        }
    }

    /// The place of a name that has no block.
    fn covering(&self, name: NameRef<'_>) -> Option<Place<'_>> {
        let surplus = name.label_count().saturating_sub(self.depth).max(1);
        let mut ends = name.ancestors().skip(surplus);
        let (end, block) = ends.find_map(|end| Some((end, self.find(end, hash_name(end.as_wire()))?)))?;
        match block.below() {
            Below::Delegation => Some(Place { referred: true, ..self.at(block, Covered::Delegation, end)? }),
            Below::Nothing => {
                let shared = self.negatives.get(block.zone)?.origin;
                Some(Place { shared, steered: None, ..self.at(block, Covered::Nothing, end)? })
            }
            Below::Wildcard => {
                let wildcard = block.wildcard()?;
                self.at(self.block(wildcard)?, Covered::Wildcard, end)
            }
            Below::Composer => None,
        }
    }

    /// What stands in a block for names that end in this one.
    fn at<'a>(&'a self, block: Block<'a>, covered: Covered, end: NameRef<'_>) -> Option<Place<'a>> {
        let shared = end.as_wire().len();
        let (steered, entries) = block.entries()?;
        Some(Place { zone: block.zone, covered, shared, steered, referred: false, answers: self, entries })
    }

    /// What stands in the slot where the search for a name with this hash begins.
    #[inline]
    #[must_use]
    pub fn first_slot(&self, hash: u64) -> u64 {
        let (_, at) = split(hash);
        self.slots().get(at & self.slots.wrapping_sub(1)).map_or(0, |slot| u64::from_le_bytes(*slot))
    }

    /// Fetches the slot where the search for a name with this hash begins.
    #[inline]
    pub fn fetch_slot(&self, hash: u64, memory: &impl Fetch) {
        if let Some(slot) = self.slots().get(split(hash).1 & self.slots.wrapping_sub(1)) {
            memory.fetch(slot);
        }
    }

    /// Fetches the block of a slot, where it begins and further on.
    #[inline]
    pub fn fetch_block(&self, slot: u64, memory: &impl Fetch) {
        let at = (slot as u32).saturating_sub(1) as usize;
        for octet in [at, at + LINE].into_iter().filter_map(|at| self.blocks().get(at)) {
            memory.fetch(octet);
        }
    }

    /// The number that the block of a slot has, if its name is steered.
    #[inline]
    #[must_use]
    pub fn number(&self, slot: u64) -> Option<u32> {
        let (steered, _) = self.block((slot as u32).checked_sub(1)?)?.entries()?;
        steered
    }

    #[inline]
    fn find(&self, name: NameRef<'_>, hash: u64) -> Option<Block<'_>> {
        let (slots, blocks) = self.memory.split_at_checked(self.slots * SLOT)?;
        let slots = slots.as_chunks::<SLOT>().0;
        let (tag, mut at) = split(hash);
        loop {
            let slot = u64::from_le_bytes(*slots.get(at & self.slots.wrapping_sub(1))?);
            let block = (slot as u32).checked_sub(1)?;
            if (slot >> 32) as u32 == tag {
                let block = Block::read(blocks, block)?;
                if block.name == name.as_wire() {
                    return Some(block);
                }
            }
            at += 1;
        }
    }

    fn slots(&self) -> &[[u8; SLOT]] {
        self.memory.get(..self.slots * SLOT).unwrap_or_default().as_chunks().0
    }

    fn blocks(&self) -> &[u8] {
        self.memory.get(self.slots * SLOT..).unwrap_or_default()
    }

    fn block(&self, at: u32) -> Option<Block<'_>> {
        Block::read(self.blocks(), at)
    }
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answers").field("names", &self.len()).field("size", &self.size()).finish_non_exhaustive()
    }
}

impl<'a> Place<'a> {
    /// The answer to a type; none where only the composer knows.
    #[inline]
    #[must_use]
    pub fn ready(&self, rtype: Rtype, dnssec_ok: bool) -> Option<Ready<'a>> {
        if self.covered == Covered::Nothing {
            return Some(Ready { rcode: Rcode::NXDOMAIN, ..self.negative()?.ready()? });
        }
        let form = if dnssec_ok { DO_SET } else { DO_CLEAR };
        let kept = self.entries.find(if self.referred { OTHERS } else { rtype }, form)?;
        match kept.forms() {
            0 => None,
            NEGATIVE => self.negative()?.ready(),
            _ => kept.ready(),
        }
    }

    fn negative(&self) -> Option<Kept<'a>> {
        let at = self.answers.negatives.get(self.zone)?.at;
        Cursor(self.answers.blocks().get(at..)?).entry()
    }
}

impl fmt::Debug for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { zone, covered, shared, steered, .. } = self;
        write!(f, "{covered:?} in {zone:?}, shared {shared}, steered {steered:?}")
    }
}

/// Octets of a block's head.
const BLOCK_HEAD: usize = 8;

/// A name's block, as far as it was read.
#[derive(Clone, Copy)]
struct Block<'a> {
    flags: u8,
    zone: ZoneId,
    name: &'a [u8],
    /// How many entries there are.
    count: u16,
    /// What stands behind the name.
    rest: Cursor<'a>,
}

impl<'a> Block<'a> {
    #[inline]
    fn read(blocks: &'a [u8], at: u32) -> Option<Self> {
        let mut rest = Cursor(blocks.get(at as usize..)?);
        let [len, flags, c0, c1, z0, z1, z2, z3] = rest.take::<BLOCK_HEAD>()?;
        let zone = ZoneId(u32::from_le_bytes([z0, z1, z2, z3]));
        Some(Self { flags, zone, name: rest.skip(len.into())?, count: u16::from_le_bytes([c0, c1]), rest })
    }

    const fn below(&self) -> Below {
        match self.flags & 3 {
            0 => Below::Nothing,
            1 => Below::Wildcard,
            2 => Below::Delegation,
            _ => Below::Composer,
        }
    }

    /// The steered number, if there is one, and the entries.
    #[inline]
    fn entries(self) -> Option<(Option<u32>, Entries<'a>)> {
        let mut rest = self.rest;
        let steered = if self.flags & STEERED != 0 { Some(rest.u32()?) } else { None };
        if self.below() == Below::Wildcard {
            rest.u32()?;
        }
        Some((steered, Entries { count: self.count, cursor: rest }))
    }

    /// The block of the wildcard that stands for what lies below.
    fn wildcard(&self) -> Option<u32> {
        let mut rest = self.rest;
        rest.skip(if self.flags & STEERED != 0 { 4 } else { 0 })?;
        rest.u32()
    }
}

/// What a slot holds of a hash, and where the search for its slot begins.
const fn split(hash: u64) -> (u32, usize) {
    ((hash >> 32) as u32, hash as u32 as usize)
}

/// The entries of a block.
#[derive(Clone, Copy)]
struct Entries<'a> {
    count: u16,
    cursor: Cursor<'a>,
}

impl<'a> Entries<'a> {
    /// The entry of a type; a type without one has that of [`OTHERS`], which stands first, or there is none of it.
    #[inline]
    fn find(self, rtype: Rtype, form: u8) -> Option<Kept<'a>> {
        let (mut found, mut cursor) = (Kept { head: &ABSENT, rest: &[] }, self.cursor);
        for _ in 0..self.count {
            let kept = cursor.entry()?;
            let (of, forms) = (kept.rtype(), kept.forms());
            if (of != rtype && of != OTHERS) || forms & (form | NEGATIVE) == 0 && forms != 0 {
                continue;
            }
            found = kept;
            if of == rtype {
                break;
            }
        }
        Some(found)
    }
}

/// An entry, not yet taken apart.
#[derive(Clone, Copy)]
struct Kept<'a> {
    head: &'a [u8; ENTRY_HEAD],
    /// Patches and octets.
    rest: &'a [u8],
}

/// The head of what a name without entries has of any type.
const ABSENT: [u8; ENTRY_HEAD] = [0, 0, NEGATIVE, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

impl<'a> Kept<'a> {
    #[inline]
    fn rtype(self) -> Rtype {
        Rtype(u16::from_le_bytes([self.head[0], self.head[1]]))
    }

    #[inline]
    fn forms(self) -> u8 {
        self.head[2]
    }

    /// Its answer, which has no meaning where the forms say that there is none.
    #[inline]
    fn ready(self) -> Option<Ready<'a>> {
        let [_, _, _, flags, a0, a1, n0, n1, r0, r1, p0, p1, _, _] = *self.head;
        let (patches, octets) = self.rest.split_at_checked(usize::from(u16::from_le_bytes([p0, p1])) * 2)?;
        let counts = [[a0, a1], [n0, n1], [r0, r1]].map(u16::from_le_bytes);
        Some(Ready {
            rcode: Rcode(u16::from(flags & !AUTHORITATIVE)),
            authoritative: flags & AUTHORITATIVE != 0,
            sections: Sections { octets, patches: patches.as_chunks().0, counts },
        })
    }
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

    #[inline]
    fn entry(&mut self) -> Option<Kept<'a>> {
        let (head, rest) = self.0.split_first_chunk::<ENTRY_HEAD>()?;
        self.0 = rest;
        let [.., p0, p1, o0, o1] = *head;
        let len = usize::from(u16::from_le_bytes([p0, p1])) * 2 + usize::from(u16::from_le_bytes([o0, o1]));
        Some(Kept { head, rest: self.skip(len)? })
    }
}

/// Octets of a name's block that there is room for from the start: what a host name with an address takes, and some more.
/// Room that is not needed takes no memory.
const TYPICAL: usize = 96;

/// Makes [`Answers`], name by name.
pub struct AnswersBuilder<'p> {
    /// The slots, all of them free, and the blocks.
    memory: HugeBytes,
    slots: usize,
    /// Told where in memory the answers will be, before anything is written there.
    place: &'p dyn Fn(Range<usize>),
    /// The hash and the block of each name.
    names: Vec<(u64, u32)>,
    negatives: IdVec<ZoneId, Negative>,
    depth: usize,
    /// Where the block of the last name begins.
    last: usize,
    overflown: bool,
}

impl<'p> AnswersBuilder<'p> {
    /// For so many names at most. `place` is told where in memory the answers will be, before anything is written there.
    #[must_use]
    pub fn new(names: usize, place: &'p dyn Fn(Range<usize>)) -> Self {
        let slots = if names == 0 { 0 } else { (names * 2).next_power_of_two() };
        let mut memory = HugeBytes::with_room(slots * SLOT + names * TYPICAL, place);
        memory.extend_zeroed(slots * SLOT);
        Self {
            memory,
            slots,
            place,
            names: Vec::with_capacity(names),
            negatives: IdVec::new(),
            depth: 0,
            last: 0,
            overflown: false,
        }
    }

    /// Octets of the blocks until now.
    fn len(&self) -> usize {
        self.memory.len() - self.slots * SLOT
    }

    fn blocks(&mut self) -> &mut [u8] {
        &mut self.memory[self.slots * SLOT..]
    }

    fn put(&mut self, octets: &[u8]) {
        self.memory.extend(octets, self.place);
    }

    /// Appends the next zone: what is told of what it does not have.
    pub fn zone(&mut self, origin: NameRef<'_>, negative: &Ready<'_>) {
        let at = self.len();
        self.put_entry(OTHERS, DO_CLEAR | DO_SET, negative);
        self.negatives.push(Negative { origin: origin.as_wire().len(), at });
    }

    /// Begins the block of a lowercased name, which none has yet. Its entries follow. Returns where it is.
    pub fn name(&mut self, name: NameRef<'_>, zone: ZoneId, steered: Option<u32>, below: Below) -> u32 {
        let wire = name.as_wire();
        // a slot holds one more, so that zero is none
        let at = u32::try_from(self.len()).ok().filter(|&at| at < u32::MAX).unwrap_or_else(|| {
            self.overflown = true;
            0
        });
        self.depth = self.depth.max(name.label_count());
        self.last = self.len();
        let flags = below as u8 | if steered.is_some() { STEERED } else { 0 };
        let ZoneId(zone) = zone;
        let [z0, z1, z2, z3] = zone.to_le_bytes();
        self.put(&[wire.len() as u8, flags, 0, 0, z0, z1, z2, z3]); // at most 255; no entries yet
        self.put(wire);
        let number = steered.map(u32::to_le_bytes);
        let wildcard = (below == Below::Wildcard).then_some([0; 4]);
        [number, wildcard].iter().flatten().for_each(|octets| self.put(octets));
        self.names.push((hash_name(wire), at));
        at
    }

    /// Says which block stands for what lies below a name whose block was begun with [`Below::Wildcard`].
    pub fn set_wildcard(&mut self, name: u32, wildcard: u32) {
        let (name, blocks) = (name as usize, self.blocks());
        let steered = if blocks[name + 1] & STEERED != 0 { 4 } else { 0 };
        let at = name + BLOCK_HEAD + usize::from(blocks[name]) + steered;
        blocks[at..at + 4].copy_from_slice(&wildcard.to_le_bytes());
    }

    /// Appends an entry to the last name, for queries with DO clear and set alike. That of [`OTHERS`] comes first.
    pub fn entry(&mut self, rtype: Rtype, entry: &Entry<'_>) {
        match entry {
            Entry::Ready(ready) => self.put_entry(rtype, DO_CLEAR | DO_SET, ready),
            Entry::Negative => self.put_entry(rtype, NEGATIVE, &NO_ANSWER),
            Entry::Composer => self.put_entry(rtype, 0, &NO_ANSWER),
        }
        let at = self.last + 2;
        let count = &mut self.blocks()[at..at + 2];
        let more = u16::from_le_bytes([count[0], count[1]]).saturating_add(1);
        count.copy_from_slice(&more.to_le_bytes());
    }

    /// The answers; none are ready where they exceed 4 GiB.
    #[must_use]
    pub fn finish(self) -> Answers {
        if self.overflown {
            return Answers::default();
        }
        let Self { mut memory, slots: count, names, negatives, depth, .. } = self;
        let slots = memory[..count * SLOT].as_chunks_mut::<SLOT>().0;
        for some in names.chunks(TOGETHER) {
            // waits for the places of all of them at once
            some.iter().for_each(|&(hash, _)| _ = black_box(slots[split(hash).1 & (count - 1)]));
            for &(hash, block) in some {
                let (tag, mut at) = split(hash);
                while slots[at & (count - 1)] != [0; SLOT] {
                    at += 1;
                }
                slots[at & (count - 1)] = (u64::from(tag) << 32 | u64::from(block + 1)).to_le_bytes();
            }
        }
        Answers { memory, slots: count, len: names.len(), negatives, depth }
    }

    fn put_entry(&mut self, rtype: Rtype, forms: u8, Ready { rcode, authoritative, sections }: &Ready<'_>) {
        let [t0, t1] = rtype.0.to_le_bytes();
        let flags = rcode.0 as u8 | if *authoritative { AUTHORITATIVE } else { 0 }; // no extended code is an answer
        let [[a0, a1], [n0, n1], [r0, r1]] = sections.counts.map(u16::to_le_bytes);
        let [p0, p1] = (sections.patches.len() as u16).to_le_bytes(); // fewer than octets
        let [o0, o1] = (sections.octets.len() as u16).to_le_bytes(); // they fit a message
        let head: [u8; ENTRY_HEAD] = [t0, t1, forms, flags, a0, a1, n0, n1, r0, r1, p0, p1, o0, o1];
        self.put(&head);
        self.put(sections.patches.as_flattened());
        self.put(sections.octets);
    }
}
