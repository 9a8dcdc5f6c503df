//! Composes the sections of a response, independent of where they will stand.
//!
//! What comes out is octets and patches ([`Sections`]): the octets of answer, authority and additional section, and the
//! places of the compression pointers in them, which can only be set when it is known how long the question in front
//! is. So sections that were composed once can be kept and put behind any question that they answer: that of another
//! spelling, or of another name that the same wildcard covers.

use super::name::{MAX_NAME, NameRef};
use super::query::HEADER_LEN;
use super::types::{Class, Rtype};

/// There is no room for what was to be written; roll back to a [`Mark`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// A section whose records are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// The answer.
    Answer = 0,
    /// The authority section.
    Authority = 1,
    /// The additional section.
    Additional = 2,
}

/// The name that a record belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner<'a> {
    /// The name of the question, spelled as it was asked.
    Question,
    /// Another name.
    Name(NameRef<'a>),
}

/// Where names stand in a type's RDATA that may be compressed: only those of RFC 1035 (RFC 3597 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RdataShape {
    /// Copied as it is.
    Opaque,
    /// That many octets, then that many names, then the rest.
    Names {
        /// Octets before the first name.
        skip: usize,
        /// How many names.
        count: usize,
    },
}

impl RdataShape {
    /// The shape of a type's RDATA.
    #[must_use]
    pub const fn of(rtype: Rtype) -> Self {
        match rtype {
            Rtype::NS | Rtype::CNAME | Rtype::PTR => Self::Names { skip: 0, count: 1 },
            Rtype::SOA => Self::Names { skip: 0, count: 2 },
            Rtype::MX => Self::Names { skip: 2, count: 1 },
            _ => Self::Opaque,
        }
    }
}

/// Composed sections: position-independent octets, and what must be set when they get a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sections<'a> {
    /// The records, one section behind the other.
    pub octets: &'a [u8],
    /// Where in `octets` the pointers stand that [`resolve_pointer`] must set, in rising order, each with its low octet first.
    pub patches: &'a [[u8; 2]],
    /// How many records each section has.
    pub counts: [u16; 3],
}

impl Sections<'_> {
    /// No records.
    pub const EMPTY: Self = Sections { octets: &[], patches: &[], counts: [0; 3] };
}

/// Two octets at the place of a patch: the two upper bits say what the others count.
const TO_BODY: u16 = 0xc000;
/// The others are the length of a suffix of the question's name.
const TO_SUFFIX: u16 = 0x8000;
const POINTER: u16 = 0x3fff;

/// The compression pointer (RFC 1035 §4.1.4) that a patched place holds where the question's name takes `name` octets and
/// the sections begin at `base`.
#[must_use]
pub const fn resolve_pointer(place: u16, name: usize, base: usize) -> u16 {
    let at = (place & POINTER) as usize;
    let at = if place & TO_BODY == TO_BODY { base + at } else { HEADER_LEN + name - at };
    TO_BODY | at as u16 // a target is only remembered where every base leaves it within reach
}

/// A pointer to the question's name, which always stands behind the header.
const QUESTION: [u8; 2] = (TO_BODY | HEADER_LEN as u16).to_be_bytes();
/// The most octets in front of the sections: header, longest name, type and class.
const MAX_BASE: usize = HEADER_LEN + MAX_NAME + 4;
/// How far a target may stand from the beginning of the sections.
const REACH: usize = POINTER as usize - MAX_BASE;
/// How many places are remembered for compression; names beyond that are written out.
const TARGETS: usize = 48;
/// How many pointers there can be; names beyond that are written out. A record with one has at least 12 octets.
const PATCHES: usize = MAX_BODY / 12;
/// The largest message.
const MAX_BODY: usize = u16::MAX as usize;

/// Sections being composed, in buffers that are used again.
#[derive(Debug)]
pub struct Body {
    octets: Box<[u8]>,
    len: usize,
    room: usize,
    counts: [u16; 3],
    patches: Vec<[u8; 2]>,
    /// The part of the question's name that every question answered by these sections ends in.
    suffix: [u8; MAX_NAME],
    suffix_len: usize,
    /// Suffixes (`TO_SUFFIX | length`) and offsets of names, in the order in which they came.
    targets: [u16; TARGETS],
    target_count: usize,
}

/// A point to roll back to.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    len: usize,
    counts: [u16; 3],
    patch_count: usize,
    target_count: usize,
}

/// A record whose RDATA is being written.
#[derive(Debug)]
#[must_use = "a record must be ended"]
pub struct OpenRecord {
    section: Section,
    rdata_at: usize,
}

impl Default for Body {
    fn default() -> Self {
        Self {
            octets: vec![0; MAX_BODY].into(),
            len: 0,
            room: 0,
            counts: [0; 3],
            patches: Vec::with_capacity(PATCHES),
            suffix: [0; MAX_NAME],
            suffix_len: 0,
            targets: [0; TARGETS],
            target_count: 0,
        }
    }
}

impl Body {
    /// Starts anew, with room for so many octets.
    pub fn start(&mut self, room: usize) {
        self.room = room.min(MAX_BODY);
        self.suffix_len = 0;
        self.target_count = 0;
        self.clear();
    }

    /// Forgets all records.
    pub fn clear(&mut self) {
        self.len = 0;
        self.counts = [0; 3];
        self.patches.clear();
        self.target_count = self.targets[..self.target_count].iter().take_while(|&&at| is_suffix(at)).count();
    }

    /// Lets names be compressed against this end of the question's name. Every question that gets these sections must
    /// end so. Before the first record.
    pub fn share(&mut self, suffix: NameRef<'_>) {
        let wire = suffix.as_wire();
        self.suffix[..wire.len()].copy_from_slice(wire);
        self.suffix_len = wire.len();
        self.target_count = 0;
        for suffix in suffix.ancestors().take_while(|suffix| !suffix.is_root()).take(TARGETS) {
            self.targets[self.target_count] = TO_SUFFIX | suffix.as_wire().len() as u16; // at most 255
            self.target_count += 1;
        }
    }

    /// What was composed.
    #[must_use]
    pub fn sections(&self) -> Sections<'_> {
        Sections { octets: &self.octets[..self.len], patches: &self.patches, counts: self.counts }
    }

    /// A point to come back to.
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark { len: self.len, counts: self.counts, patch_count: self.patches.len(), target_count: self.target_count }
    }

    /// Forgets what was written since.
    pub fn roll_back(&mut self, mark: Mark) {
        self.len = mark.len;
        self.counts = mark.counts;
        self.patches.truncate(mark.patch_count);
        self.target_count = mark.target_count;
    }

    /// Appends a record of class IN.
    ///
    /// # Errors
    /// [`Full`]; part of it may stand, so roll back.
    pub fn record(
        &mut self,
        section: Section,
        owner: Owner<'_>,
        rtype: Rtype,
        ttl: u32,
        rdata: &[u8],
    ) -> Result<(), Full> {
        let record = self.open(section, owner, rtype, Class::IN, ttl)?;
        self.put_rdata(RdataShape::of(rtype), rdata)?;
        self.close(&record);
        Ok(())
    }

    /// Appends a record up to its RDATA, which is to be [`put`](Self::put) and closed.
    ///
    /// # Errors
    /// [`Full`]; part of it may stand, so roll back.
    pub fn open(
        &mut self,
        section: Section,
        owner: Owner<'_>,
        rtype: Rtype,
        class: Class,
        ttl: u32,
    ) -> Result<OpenRecord, Full> {
        match owner {
            Owner::Question => self.put(&QUESTION)?,
            Owner::Name(name) => self.put_name(name)?,
        }
        let [t0, t1] = rtype.0.to_be_bytes();
        let [c0, c1] = class.0.to_be_bytes();
        let [l0, l1, l2, l3] = ttl.to_be_bytes();
        self.put(&[t0, t1, c0, c1, l0, l1, l2, l3, 0, 0])?;
        Ok(OpenRecord { section, rdata_at: self.len })
    }

    /// Ends a record: sets the length of its RDATA and counts it.
    pub fn close(&mut self, record: &OpenRecord) {
        let at = record.rdata_at;
        let len = (self.len - at) as u16; // within the room, which a message has
        self.octets[at - 2..at].copy_from_slice(&len.to_be_bytes());
        self.counts[record.section as usize] += 1;
    }

    /// How many octets stand.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "emptiness is said by the counts")]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Appends octets.
    ///
    /// # Errors
    /// [`Full`]; nothing was written.
    pub fn put(&mut self, octets: &[u8]) -> Result<(), Full> {
        let end = self.len + octets.len();
        if end > self.room {
            return Err(Full);
        }
        self.octets[self.len..end].copy_from_slice(octets);
        self.len = end;
        Ok(())
    }

    /// Sets two octets that stand.
    pub fn set(&mut self, at: usize, value: u16) {
        self.octets[at..at + 2].copy_from_slice(&value.to_be_bytes());
    }

    fn put_rdata(&mut self, shape: RdataShape, rdata: &[u8]) -> Result<(), Full> {
        let RdataShape::Names { skip, count } = shape else { return self.put(rdata) };
        let Some((head, mut rest)) = rdata.split_at_checked(skip) else { return self.put(rdata) };
        self.put(head)?;
        for _ in 0..count {
            // what a zone holds was checked when it was read; an opaque tail is still valid RDATA
            let Some(name) = NameRef::from_wire(rest) else { break };
            self.put_name(name)?;
            rest = &rest[name.as_wire().len()..];
        }
        self.put(rest)
    }

    /// Appends a name, compressed against the names before it and the end of the question's name.
    fn put_name(&mut self, name: NameRef<'_>) -> Result<(), Full> {
        let start = self.len;
        let mut written = 0; // octets of the name that stand uncompressed
        for suffix in name.ancestors() {
            if suffix.is_root() {
                break;
            }
            if let Some(target) = self.find(suffix).filter(|_| self.patches.len() < PATCHES) {
                let place = if is_suffix(target) { target } else { TO_BODY | target };
                let at = self.len as u16; // below the room
                self.put(&place.to_be_bytes())?;
                self.patches.push(at.to_le_bytes());
                self.remember(name, start, written);
                return Ok(());
            }
            let wire = suffix.as_wire();
            let label = usize::from(wire[0]) + 1;
            self.put(&wire[..label])?;
            written += label;
        }
        self.put(&[0])?;
        self.remember(name, start, written);
        Ok(())
    }

    /// Remembers the suffixes that begin in the first `written` octets of a name that stands at `start`.
    fn remember(&mut self, name: NameRef<'_>, start: usize, written: usize) {
        let mut offset = 0;
        while offset < written {
            let at = start + offset;
            if at > REACH || self.target_count == TARGETS {
                return;
            }
            self.targets[self.target_count] = at as u16; // at most REACH
            self.target_count += 1;
            offset += usize::from(name.as_wire()[offset]) + 1;
        }
    }

    fn find(&self, name: NameRef<'_>) -> Option<u16> {
        self.targets[..self.target_count].iter().copied().find(|&target| self.stands_at(name, target))
    }

    /// Whether the name at a target is this one.
    fn stands_at(&self, name: NameRef<'_>, target: u16) -> bool {
        if is_suffix(target) {
            return self.is_end(name.as_wire(), target);
        }
        let mut rest = name.as_wire();
        let mut at = usize::from(target);
        loop {
            let len = self.octets[at];
            if len >= 0x80 {
                let place = u16::from_be_bytes([len, self.octets[at + 1]]);
                if place & TO_BODY == TO_SUFFIX {
                    return self.is_end(rest, place);
                }
                at = usize::from(place & POINTER);
                continue;
            }
            let label = usize::from(len) + 1;
            let same = rest.get(..label).is_some_and(|own| own.eq_ignore_ascii_case(&self.octets[at..at + label]));
            if !same || len == 0 {
                return same;
            }
            rest = &rest[label..];
            at += label;
        }
    }

    /// Whether a name is the suffix that a target stands for.
    fn is_end(&self, wire: &[u8], target: u16) -> bool {
        let len = usize::from(target & POINTER);
        wire.len() == len && wire.eq_ignore_ascii_case(&self.suffix[self.suffix_len - len..self.suffix_len])
    }
}

const fn is_suffix(target: u16) -> bool {
    target & TO_BODY == TO_SUFFIX
}

#[cfg(test)]
#[path = "body_tests.rs"]
mod tests;
