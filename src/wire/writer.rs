//! Writes a response into a fixed buffer: header, sections, compressed names, truncation by rolling back.

use super::name::NameRef;
use super::query::{HEADER_LEN, Header};
use super::types::{Rcode, Rtype};

/// The buffer has no room for what was to be written; roll back to a [`Mark`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// A section whose records are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// The answer.
    Answer = 1,
    /// The authority section.
    Authority = 2,
    /// The additional section.
    Additional = 3,
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

/// How many places a response remembers for compression; names beyond that are written out.
const TARGETS: usize = 48;

/// A response being written.
pub struct Writer<'o> {
    out: &'o mut [u8],
    len: usize,
    /// Kept free at the end, for OPT.
    reserve: usize,
    counts: [u16; 4],
    targets: [u16; TARGETS],
    target_count: usize,
}

/// A point to roll back to.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    len: usize,
    counts: [u16; 4],
    target_count: usize,
}

impl<'o> Writer<'o> {
    /// Starts a response with room for the header and, if there is one, the question.
    ///
    /// # Errors
    /// [`Full`] if the buffer cannot hold header and question.
    pub fn new(out: &'o mut [u8], question: Option<&[u8]>) -> Result<Self, Full> {
        let mut writer = Self { out, len: 0, reserve: 0, counts: [0; 4], targets: [0; TARGETS], target_count: 0 };
        writer.put(&[0; HEADER_LEN])?;
        if let Some(question) = question {
            writer.put(question)?;
            writer.counts[0] = 1;
            if let Some(name) = NameRef::from_wire(question) {
                writer.remember(name, HEADER_LEN);
            }
        }
        Ok(writer)
    }

    /// Keeps octets at the end free until [`Writer::release`].
    pub fn reserve(&mut self, octets: usize) {
        self.reserve = octets;
    }

    /// Lets the reserved octets be written.
    pub fn release(&mut self) {
        self.reserve = 0;
    }

    /// How many octets stand.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "a header always stands")]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// A point to come back to.
    #[must_use]
    pub const fn mark(&self) -> Mark {
        Mark { len: self.len, counts: self.counts, target_count: self.target_count }
    }

    /// Forgets what was written since.
    pub fn roll_back(&mut self, mark: Mark) {
        self.len = mark.len;
        self.counts = mark.counts;
        self.target_count = mark.target_count;
    }

    /// Appends octets.
    ///
    /// # Errors
    /// [`Full`]; nothing was written.
    pub fn put(&mut self, octets: &[u8]) -> Result<(), Full> {
        let end = self.len + octets.len();
        if end + self.reserve > self.out.len() {
            return Err(Full);
        }
        self.out[self.len..end].copy_from_slice(octets);
        self.len = end;
        Ok(())
    }

    /// Appends a name, compressed against the names before it.
    ///
    /// # Errors
    /// [`Full`]; part of it may stand.
    pub fn put_name(&mut self, name: NameRef<'_>) -> Result<(), Full> {
        let start = self.len;
        for suffix in name.ancestors() {
            if suffix.is_root() {
                break;
            }
            if let Some(target) = self.find(suffix) {
                self.put(&(0xc000 | target).to_be_bytes())?;
                self.remember_until(name, start, Some(suffix));
                return Ok(());
            }
            let wire = suffix.as_wire();
            self.put(&wire[..=usize::from(wire[0])])?;
        }
        self.put(&[0])?;
        self.remember_until(name, start, None);
        Ok(())
    }

    /// Appends a record of class IN.
    ///
    /// # Errors
    /// [`Full`]; part of it may stand, so roll back.
    pub fn put_record(
        &mut self,
        section: Section,
        owner: NameRef<'_>,
        rtype: Rtype,
        ttl: u32,
        rdata: &[u8],
    ) -> Result<(), Full> {
        self.put_name(owner)?;
        let [t0, t1] = rtype.0.to_be_bytes();
        let [l0, l1, l2, l3] = ttl.to_be_bytes();
        self.put(&[t0, t1, 0, 1, l0, l1, l2, l3, 0, 0])?;
        let start = self.len;
        self.put_rdata(RdataShape::of(rtype), rdata)?;
        let len = (self.len - start) as u16; // RDATA is at most 65,535 octets, and compression only shortens
        self.out[start - 2..start].copy_from_slice(&len.to_be_bytes());
        self.counts[section as usize] += 1;
        Ok(())
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

    /// Appends the OPT record (RFC 6891 §6.1.2): our payload size, the upper bits of the response code, DO, and what
    /// `options` writes into the rest of the buffer, being told how many octets stand.
    ///
    /// # Errors
    /// [`Full`]; nothing was written.
    pub fn put_opt(
        &mut self,
        payload: u16,
        rcode: Rcode,
        dnssec_ok: bool,
        options: impl FnOnce(usize, &mut [u8]) -> usize,
    ) -> Result<(), Full> {
        let [p0, p1] = payload.to_be_bytes();
        let flags = if dnssec_ok { 0x80 } else { 0 };
        self.put(&[0, 0, Rtype::OPT.0 as u8, p0, p1, (rcode.0 >> 4) as u8, 0, flags, 0, 0, 0])?;
        let start = self.len;
        self.len += options(start, &mut self.out[start..]);
        let len = (self.len - start) as u16; // a message has at most 65,535 octets
        self.out[start - 2..start].copy_from_slice(&len.to_be_bytes());
        self.counts[Section::Additional as usize] += 1;
        Ok(())
    }

    /// Writes the header and returns the length of the message.
    #[must_use]
    pub fn finish(self, query: &Header, rcode: Rcode, authoritative: bool, truncated: bool) -> usize {
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        let [i0, i1] = query.id.to_be_bytes();
        let f0 =
            0x80 | query.opcode.0 << 3 | flag(authoritative, 4) | flag(truncated, 2) | flag(query.recursion_desired, 1);
        let f1 = (rcode.0 & 0x0f) as u8; // RA, Z, AD and CD stay clear (RFC 4035 §3.1.6)
        self.out[..4].copy_from_slice(&[i0, i1, f0, f1]);
        for (at, count) in self.counts.iter().enumerate() {
            self.out[4 + at * 2..6 + at * 2].copy_from_slice(&count.to_be_bytes());
        }
        self.len
    }

    /// Remembers every suffix of a name that stands uncompressed at `start`.
    fn remember(&mut self, name: NameRef<'_>, start: usize) {
        self.remember_until(name, start, None);
    }

    fn remember_until(&mut self, name: NameRef<'_>, start: usize, stop: Option<NameRef<'_>>) {
        let mut at = start;
        for suffix in name.ancestors() {
            let stop_here = stop.is_some_and(|stop| stop.as_wire().len() == suffix.as_wire().len());
            if suffix.is_root() || stop_here || at > 0x3fff || self.target_count == TARGETS {
                return;
            }
            self.targets[self.target_count] = at as u16; // at most 0x3fff
            self.target_count += 1;
            at += usize::from(suffix.as_wire()[0]) + 1;
        }
    }

    fn find(&self, name: NameRef<'_>) -> Option<u16> {
        self.targets[..self.target_count].iter().copied().find(|&target| self.stands_at(name, usize::from(target)))
    }

    /// Whether the name written at `at` is this one. Reads only what this writer wrote.
    fn stands_at(&self, name: NameRef<'_>, mut at: usize) -> bool {
        let mut labels = name.labels();
        loop {
            match self.out[at] {
                0 => return labels.next().is_none(),
                pointer if pointer >= 0xc0 => {
                    at = usize::from(u16::from_be_bytes([pointer & 0x3f, self.out[at + 1]]));
                }
                len => {
                    let end = at + 1 + usize::from(len);
                    let same = labels.next().is_some_and(|label| label.eq_ignore_ascii_case(&self.out[at + 1..end]));
                    if !same {
                        return false;
                    }
                    at = end;
                }
            }
        }
    }
}
