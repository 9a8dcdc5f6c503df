//! Ready-made answers: for every name that a zone answers for, the sections of its responses, composed once, at load.
//!
//! A name has one block of octets in one arena, found by the hash of the name over all zones: so a query costs two places
//! in memory, however many names there are. Names below delegations have no block, nor have those that another zone
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

use hashbrown::HashTable;

use crate::base::{Id, IdVec, ZoneId};
use crate::wire::{NameRef, Rcode, Rtype, Sections, hash_name};

/// The answers of all zones.
#[derive(Default)]
pub struct Answers {
    arena: Vec<u8>,
    index: HashTable<u32>,
    /// What is told of names and types that a zone does not have.
    negatives: IdVec<ZoneId, Negative>,
    /// Labels of the longest name.
    depth: usize,
}

#[derive(Clone, Copy)]
struct Negative {
    /// Octets of the zone's name.
    origin: usize,
    /// Where in the arena the answer is.
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
        self.index.len()
    }

    /// Whether nothing is ready.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Octets that the answers take.
    #[must_use]
    pub fn size(&self) -> usize {
        self.arena.capacity() + self.index.allocation_size()
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
        let wire = name.as_wire();
        let same = |&at: &u32| name_at(&self.arena, at) == wire;
        self.block(*self.index.find(hash, same)?)
    }

    fn block(&self, at: u32) -> Option<Block<'_>> {
        let mut cursor = Cursor(self.arena.get(at as usize..)?);
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
        Cursor(self.answers.arena.get(at..)?).answer()
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

fn name_at(arena: &[u8], at: u32) -> &[u8] {
    let at = at as usize;
    &arena[at + 1..=at + usize::from(arena[at])]
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
    answers: Answers,
    /// Where the entries of the last name begin.
    entries: usize,
    overflown: bool,
}

impl AnswersBuilder {
    /// Room for so many names.
    #[must_use]
    pub fn with_capacity(names: usize) -> Self {
        let index = HashTable::with_capacity(names);
        Self { answers: Answers { index, ..Answers::default() }, ..Self::default() }
    }

    /// Appends the next zone: what is told of what it does not have.
    pub fn zone(&mut self, origin: NameRef<'_>, negative: &Ready<'_>) {
        let at = self.answers.arena.len();
        self.put_answer(negative);
        self.answers.negatives.push(Negative { origin: origin.as_wire().len(), at });
    }

    /// Begins the block of a lowercased name, which none has yet. Its entries follow. Returns where it is.
    pub fn name(&mut self, name: NameRef<'_>, zone: ZoneId, steered: Option<u32>, below: Below) -> u32 {
        let answers = &mut self.answers;
        let wire = name.as_wire();
        let at = u32::try_from(answers.arena.len()).unwrap_or_else(|_| {
            self.overflown = true;
            0
        });
        answers.depth = answers.depth.max(name.label_count());
        answers.arena.push(wire.len() as u8); // at most 255
        answers.arena.extend_from_slice(wire);
        answers.arena.push(below as u8 | if steered.is_some() { STEERED } else { 0 });
        answers.arena.extend(u32::try_from(zone.index()).expect("ids have 32 bits").to_le_bytes());
        answers.arena.extend(steered.into_iter().flat_map(u32::to_le_bytes));
        answers.arena.extend((below == Below::Wildcard).then_some([0; 4]).into_iter().flatten());
        self.entries = answers.arena.len();
        answers.arena.extend([0, 0]);
        let arena = &answers.arena;
        answers.index.insert_unique(hash_name(wire), at, |&at| hash_name(name_at(arena, at)));
        at
    }

    /// Says which block stands for what lies below a name whose block was begun with [`Below::Wildcard`].
    pub fn set_wildcard(&mut self, name: u32, wildcard: u32) {
        let arena = &mut self.answers.arena;
        let name = name as usize;
        let flags = name + 1 + usize::from(arena[name]);
        let at = flags + 5 + if arena[flags] & STEERED != 0 { 4 } else { 0 };
        arena[at..at + 4].copy_from_slice(&wildcard.to_le_bytes());
    }

    /// Appends an entry to the last name, for queries with DO clear and set alike. That of [`OTHERS`] comes first.
    pub fn entry(&mut self, rtype: Rtype, entry: &Entry<'_>) {
        let arena = &mut self.answers.arena;
        let start = arena.len();
        let forms = match entry {
            Entry::Ready(_) => DO_CLEAR | DO_SET,
            Entry::Negative => NEGATIVE,
            Entry::Composer => 0,
        };
        let [t0, t1] = rtype.0.to_le_bytes();
        arena.extend([t0, t1, forms, 0, 0]);
        let head = arena.len();
        if let Entry::Ready(ready) = entry {
            self.put_answer(ready);
        }
        let arena = &mut self.answers.arena;
        match u16::try_from(arena.len() - head) {
            Ok(len) => arena[head - 2..head].copy_from_slice(&len.to_le_bytes()),
            Err(_) => {
                arena.truncate(head);
                arena[start + 2] = 0;
            }
        }
        let count = &mut arena[self.entries..self.entries + 2];
        let more = u16::from_le_bytes([count[0], count[1]]).saturating_add(1);
        count.copy_from_slice(&more.to_le_bytes());
    }

    /// The answers; none are ready where they exceed 4 GiB.
    #[must_use]
    pub fn finish(mut self) -> Answers {
        if self.overflown {
            return Answers::default();
        }
        self.answers.arena.shrink_to_fit();
        self.answers
    }

    fn put_answer(&mut self, Ready { rcode, authoritative, sections }: &Ready<'_>) {
        let arena = &mut self.answers.arena;
        arena.push(rcode.0 as u8 | if *authoritative { AUTHORITATIVE } else { 0 }); // no extended code is an answer
        arena.extend(sections.counts.iter().flat_map(|count| count.to_le_bytes()));
        arena.extend((sections.patches.len() as u16).to_le_bytes()); // fewer than octets
        arena.extend((sections.octets.len() as u16).to_le_bytes()); // they fit a message
        arena.extend(sections.patches.iter().flatten());
        arena.extend_from_slice(sections.octets);
    }
}
