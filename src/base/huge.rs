//! Octets that begin where a huge page may begin.
//!
//! A query looks at a few places far apart. In pages of 4 KiB, finding out where these are costs the processor more than
//! reading them, the more so in a virtual machine; one page of 2 MiB holds tens of thousands of names.

use std::fmt;
use std::ops::{Deref, DerefMut, Range};

/// Octets of a huge page of the usual size.
pub const HUGE_PAGE: usize = 1 << 21;

/// What is smaller than this is not worth a huge page.
const SMALL: usize = HUGE_PAGE / 8;

/// So many octets, zero at first. What is beyond them in their last page is never touched, and so takes no memory. A few
/// octets are anywhere.
#[derive(Clone, Default)]
pub struct HugeBytes {
    octets: Vec<u8>,
    range: Range<usize>,
}

impl HugeBytes {
    /// So many octets.
    #[must_use]
    pub fn zeroed(len: usize) -> Self {
        if len < SMALL {
            return Self { octets: vec![0; len], range: 0..len };
        }
        let whole = len.next_multiple_of(HUGE_PAGE);
        let octets = vec![0; whole + HUGE_PAGE];
        // an offset is always found, but may be refused: then the pages are ordinary ones
        let start = octets.as_ptr().align_offset(HUGE_PAGE).min(HUGE_PAGE);
        Self { octets, range: start..start + len }
    }

    /// None yet, and room for so many. `place` is told where in memory the room is.
    #[must_use]
    pub fn with_room(room: usize, place: impl FnOnce(Range<usize>)) -> Self {
        let mut octets = Self::zeroed(room);
        place(octets.pages());
        octets.range.end = octets.range.start;
        octets
    }

    /// How many there is room for.
    fn room(&self) -> usize {
        let all = self.octets.len() - self.range.start;
        if all < SMALL { all } else { all / HUGE_PAGE * HUGE_PAGE }
    }

    /// Appends octets; where the room does not do, all move to twice the room, of which `place` is told.
    pub fn extend(&mut self, octets: &[u8], place: impl FnOnce(Range<usize>)) {
        let len = self.len() + octets.len();
        if len > self.room() {
            let mut larger = Self::with_room(len.max(2 * self.room()), place);
            larger.append(self);
            *self = larger;
        }
        self.append(octets);
    }

    /// Appends so many zeros, for which there is room.
    pub fn extend_zeroed(&mut self, count: usize) {
        assert!(self.len() + count <= self.room(), "there is room");
        self.range.end += count; // all beyond the end is zero
    }

    fn append(&mut self, octets: &[u8]) {
        let end = self.range.end + octets.len();
        self.octets[self.range.end..end].copy_from_slice(octets);
        self.range.end = end;
    }

    /// Where they are in memory, their last huge page included; nowhere if they are in none.
    #[must_use]
    pub fn pages(&self) -> Range<usize> {
        let start = self.octets.as_ptr() as usize + self.range.start;
        let len = if self.range.len() < SMALL { 0 } else { self.range.len().next_multiple_of(HUGE_PAGE) };
        start..start + len
    }
}

impl PartialEq for HugeBytes {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for HugeBytes {}

impl fmt::Debug for HugeBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} octets", self.range.len())
    }
}

impl Deref for HugeBytes {
    type Target = [u8];
    #[inline]
    fn deref(&self) -> &[u8] {
        &self.octets[self.range.clone()]
    }
}

impl DerefMut for HugeBytes {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.octets[self.range.clone()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_grow() {
        let (mut octets, mut plain, mut moves) = (HugeBytes::with_room(3, drop), Vec::new(), 0);
        for len in (0..9).map(|power| 1 << (2 * power)).chain([3 * SMALL, HUGE_PAGE, 2 * HUGE_PAGE]) {
            let more: Vec<u8> = (0..len).map(|at: usize| (at * 7 % 251) as u8).collect();
            octets.extend(&more, |_| moves += 1);
            plain.extend_from_slice(&more);
            assert!(*octets == *plain && octets.room() >= plain.len(), "{len}");
            assert!(octets.pages().end <= octets.octets.as_ptr_range().end as usize);
        }
        assert!((3..13).contains(&moves), "{moves}");
    }

    #[test]
    fn they_begin_a_page_and_have_their_length() {
        for len in [0, 1, SMALL - 1, SMALL, HUGE_PAGE - 1, HUGE_PAGE, HUGE_PAGE + 1] {
            let mut bytes = HugeBytes::zeroed(len);
            assert_eq!((bytes.len(), bytes.iter().filter(|&&octet| octet != 0).count()), (len, 0));
            bytes.fill(1);
            let pages = bytes.pages();
            if len < SMALL {
                assert!(pages.is_empty());
            } else {
                assert_eq!((pages.start % HUGE_PAGE, pages.end % HUGE_PAGE), (0, 0));
                assert!(pages.len() >= len && pages.end <= bytes.octets.as_ptr_range().end as usize);
            }
        }
    }
}
