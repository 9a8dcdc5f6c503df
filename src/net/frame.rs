//! Two-octet framing (RFC 1035 §4.2.2): a byte stream in, whole messages out.

/// The longest message and its length octets.
const LONGEST: usize = 2 + u16::MAX as usize;
/// The buffer to begin with: dozens of ordinary queries. Smaller costs more reads, larger costs memory for each
/// connection, most of which are idle.
const INITIAL: usize = 2048;

/// Bytes that were read and not yet taken as messages. Grows only as far as the message in hand fills it.
pub(super) struct Frames {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

/// A frame of length zero, which holds no message: the stream is not DNS.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct EmptyFrame;

impl Frames {
    /// An empty buffer.
    pub(super) fn new() -> Self {
        Self { buffer: vec![0; INITIAL], start: 0, end: 0 }
    }

    /// Where to read into; never empty, provided that `next` was called until it gave none.
    pub(super) fn space(&mut self) -> &mut [u8] {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        self.fit();
        &mut self.buffer[self.end..]
    }

    /// Takes note of `octets` read into `space`.
    pub(super) fn filled(&mut self, octets: usize) {
        self.end = (self.end + octets).min(self.buffer.len());
    }

    /// The next whole message.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, EmptyFrame> {
        let Some((length, rest)) = self.buffer[self.start..self.end].split_first_chunk::<2>() else { return Ok(None) };
        let length = usize::from(u16::from_be_bytes(*length));
        if length == 0 {
            return Err(EmptyFrame);
        }
        if rest.len() < length {
            return Ok(None);
        }
        let from = self.start + 2;
        self.start = from + length;
        Ok(Some(&self.buffer[from..self.start]))
    }

    /// Whether a message has begun that is not whole.
    pub(super) fn has_part(&self) -> bool {
        self.end > self.start
    }

    /// Doubles a full buffer and gives a large, empty one back. Doubling, because a length is only a claim: two octets
    /// must not cost 64 KiB.
    fn fit(&mut self) {
        if self.end == self.buffer.len() {
            self.buffer.resize((self.buffer.len() * 2).min(LONGEST), 0);
        } else if self.end == 0 && self.buffer.len() > INITIAL {
            self.buffer.truncate(INITIAL);
            self.buffer.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn framed(messages: &[Vec<u8>]) -> Vec<u8> {
        let frame = |m: &Vec<u8>| [&u16::try_from(m.len()).unwrap().to_be_bytes()[..], m].concat();
        messages.iter().flat_map(frame).collect()
    }

    /// Feeds `stream` in pieces of at most `piece` octets, as reads would deliver it.
    fn read(stream: &[u8], piece: usize) -> Result<Vec<Vec<u8>>, EmptyFrame> {
        let (mut frames, mut rest, mut found) = (Frames::new(), stream, Vec::new());
        while !rest.is_empty() {
            let space = frames.space();
            let n = space.len().min(piece).min(rest.len());
            assert!(n > 0, "no space left");
            space[..n].copy_from_slice(&rest[..n]);
            frames.filled(n);
            rest = &rest[n..];
            while let Some(message) = frames.next()? {
                found.push(message.to_vec());
            }
        }
        Ok(found)
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(
            messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..3000), 0..20),
            piece in 1_usize..5000,
        ) {
            prop_assert_eq!(read(&framed(&messages), piece), Ok(messages));
        }
    }

    #[test]
    fn the_longest_message_fits() {
        let messages = vec![vec![7; 65535], vec![8; 12]];
        assert_eq!(read(&framed(&messages), usize::MAX), Ok(messages));
    }

    #[test]
    fn an_empty_frame_is_an_error() {
        assert_eq!(read(&[0, 1, 9, 0, 0], 1), Err(EmptyFrame));
    }

    #[test]
    fn a_claimed_length_costs_no_memory_and_a_large_buffer_is_given_back() {
        let mut frames = Frames::new();
        frames.space()[..2].copy_from_slice(&[0xff, 0xff]);
        frames.filled(2);
        assert_eq!(frames.next(), Ok(None));
        assert_eq!(frames.space().len(), INITIAL - 2);
        for _ in 0..6 {
            let n = frames.space().len();
            frames.filled(n);
            if let Ok(Some(message)) = frames.next() {
                assert_eq!(message.len(), 65535);
            }
        }
        assert!(frames.buffer.len() <= LONGEST);
    }
}
