//! Writes a response: header, question, sections, OPT.

use super::body::{Full, Sections, resolve_pointer};
use super::query::{HEADER_LEN, Header};
use super::types::{Rcode, Rtype};

/// Octets of an OPT record without options.
pub const OPT_LEN: usize = 11;

/// A response being written.
pub struct Message<'o> {
    out: &'o mut [u8],
    len: usize,
    /// Octets of the question's name.
    name: usize,
    /// Where the sections begin.
    sections: usize,
}

impl<'o> Message<'o> {
    /// Starts a response with room for the header and, if there is one, the question.
    ///
    /// # Errors
    /// [`Full`] if the buffer cannot hold header and question.
    #[inline]
    pub fn new(out: &'o mut [u8], question: Option<&[u8]>) -> Result<Self, Full> {
        let header = out.first_chunk_mut::<HEADER_LEN>().ok_or(Full)?;
        *header = [0, 0, 0, 0, 0, question.is_some().into(), 0, 0, 0, 0, 0, 0];
        let mut message = Self { out, len: HEADER_LEN, name: 0, sections: 0 };
        if let Some(question) = question {
            message.put(question)?;
            message.name = question.len().saturating_sub(4); // type and class
        }
        Ok(message)
    }

    /// How many octets stand.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "a header always stands")]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Appends sections behind the question, with their pointers set.
    ///
    /// # Errors
    /// [`Full`]; nothing was written.
    #[inline]
    pub fn put_sections(&mut self, sections: &Sections<'_>) -> Result<(), Full> {
        let base = self.len;
        self.sections = base;
        self.put(sections.octets)?;
        let body = &mut self.out[base..self.len];
        for &patch in sections.patches {
            let rest = body.get_mut(usize::from(u16::from_le_bytes(patch))..);
            let Some(place) = rest.and_then(<[u8]>::first_chunk_mut) else { continue };
            *place = resolve_pointer(u16::from_be_bytes(*place), self.name, base).to_be_bytes();
        }
        let [[a0, a1], [n0, n1], [r0, r1]] = sections.counts.map(u16::to_be_bytes);
        self.out[6..HEADER_LEN].copy_from_slice(&[a0, a1, n0, n1, r0, r1]);
        Ok(())
    }

    /// Sets the TTL of the records of the sections, each of which has `stride` octets and the question's name as its owner.
    #[inline]
    pub fn set_ttls(&mut self, ttl: u32, stride: usize) {
        const TTL: std::ops::Range<usize> = 6..10; // behind the pointer, type and class
        let start = self.sections.min(self.len);
        for record in self.out[start..self.len].chunks_exact_mut(stride.max(TTL.end)) {
            record[TTL].copy_from_slice(&ttl.to_be_bytes());
        }
    }

    /// Appends the OPT record (RFC 6891 §6.1.2): our payload size, the upper bits of the response code, DO, and what
    /// `options` writes into the rest of the buffer, being told how many octets stand before.
    ///
    /// # Errors
    /// [`Full`]; nothing was written.
    #[inline]
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
        let len = options(start, &mut self.out[start..]);
        self.out[start - 2..start].copy_from_slice(&(len as u16).to_be_bytes()); // a message has at most 65,535 octets
        self.len += len;
        if let Some(additional) = self.out[..HEADER_LEN].last_chunk_mut() {
            *additional = (u16::from_be_bytes(*additional) + 1).to_be_bytes();
        }
        Ok(())
    }

    /// Writes the header and returns the length of the message.
    #[inline]
    #[must_use]
    pub fn finish(self, query: &Header, rcode: Rcode, authoritative: bool, truncated: bool) -> usize {
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        let [i0, i1] = query.id.to_be_bytes();
        let f0 =
            0x80 | query.opcode.0 << 3 | flag(authoritative, 4) | flag(truncated, 2) | flag(query.recursion_desired, 1);
        let f1 = (rcode.0 & 0x0f) as u8; // RA, Z, AD and CD stay clear (RFC 4035 §3.1.6)
        if let Some(start) = self.out.first_chunk_mut() {
            *start = [i0, i1, f0, f1];
        }
        self.len
    }

    #[inline]
    fn put(&mut self, octets: &[u8]) -> Result<(), Full> {
        let end = self.len + octets.len();
        self.out.get_mut(self.len..end).ok_or(Full)?.copy_from_slice(octets);
        self.len = end;
        Ok(())
    }
}
