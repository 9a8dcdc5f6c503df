//! The hash of a name: over its octets, sixteen at a time, the last ones filled up with zeros.
//!
//! The tables of names that it is for are filled by the operator alone, so that its seed can be fixed. It is our own
//! so that it can be taken of chunks that have just been written, without reading across two of them: that would wait
//! until both have reached the cache.

/// Octets taken at a time.
pub(super) const CHUNK: usize = 16;

/// Digits of π, as those of other hashes.
const SEED: u64 = 0x243f_6a88_85a3_08d3;
const MULTIPLIER: u64 = 0x1319_8a2e_0370_7344;

/// The hash of a lowercased name in wire form.
#[must_use]
pub fn hash_name(wire: &[u8]) -> u64 {
    let mut hash = ChunkHash::new(wire.len());
    let (chunks, rest) = wire.as_chunks();
    chunks.iter().for_each(|chunk| hash.add(u128::from_le_bytes(*chunk)));
    if !rest.is_empty() {
        hash.add(last_chunk(wire, rest.len()));
    }
    hash.0
}

/// The same, chunk by chunk.
pub(super) struct ChunkHash(pub(super) u64);

impl ChunkHash {
    /// Of a name of so many octets.
    pub(super) const fn new(len: usize) -> Self {
        Self(SEED ^ len as u64)
    }

    /// A multiplication whose two halves are folded into one: every bit of the product depends on many of both factors.
    pub(super) fn add(&mut self, chunk: u128) {
        let (low, high) = (chunk as u64, (chunk >> 64) as u64);
        let product = u128::from(low ^ self.0) * u128::from(high ^ MULTIPLIER);
        self.0 = product as u64 ^ (product >> 64) as u64;
    }
}

/// Octets in lowercase (RFC 4343), eight at a time: in the upper bit of each, which is free while the lower seven are added
/// to, a carry says whether the octet is at least `A`, and whether it is above `Z`.
pub(super) const fn lowercase_chunk(chunk: u128) -> u128 {
    const fn half(octets: u64) -> u64 {
        const EACH: u64 = 0x0101_0101_0101_0101;
        let low = octets & (0x7f * EACH);
        let from_a = low + (0x80 - b'A' as u64) * EACH;
        let above_z = low + (0x7f - b'Z' as u64) * EACH;
        let upper = (from_a ^ above_z) & !octets & (0x80 * EACH);
        octets | upper >> 2
    }
    (half((chunk >> 64) as u64) as u128) << 64 | half(chunk as u64) as u128
}

/// The last `count` octets, at least one and fewer than a chunk, filled up with zeros: read at once where there are enough
/// before them.
pub(super) fn last_chunk(octets: &[u8], count: usize) -> u128 {
    match octets.last_chunk() {
        Some(last) => u128::from_le_bytes(*last) >> (8 * (CHUNK - count)),
        None => octets[octets.len() - count..].iter().rfold(0, |sum, &octet| sum << 8 | u128::from(octet)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_and_octets_have_the_same_hash() {
        let octets: Vec<u8> = (1..=255).collect();
        for len in 1..=octets.len() {
            let mut padded = octets[..len].to_vec();
            padded.resize(len.next_multiple_of(CHUNK), 0);
            let mut hash = ChunkHash::new(len);
            padded.as_chunks().0.iter().for_each(|chunk| hash.add(u128::from_le_bytes(*chunk)));
            assert_eq!(hash_name(&octets[..len]), hash.0, "{len}");
        }
    }

    #[test]
    fn every_octet_is_lowercased_and_no_neighbour_changes() {
        for octet in 0..=255u8 {
            for at in 0..CHUNK {
                for around in [0, b'@', b'Z', 0x7f, 0xff] {
                    let mut chunk = [around; CHUNK];
                    chunk[at] = octet;
                    let lowercased = lowercase_chunk(u128::from_le_bytes(chunk)).to_le_bytes();
                    assert_eq!(lowercased, chunk.map(|octet| octet.to_ascii_lowercase()));
                }
            }
        }
    }

    /// Names as operators make them: the table's buckets (low bits) and tags (high bits) must both be spread.
    #[test]
    fn numbered_names_are_spread() {
        let mut buckets = vec![0u32; 1 << 16];
        let mut tags = [0u32; 128];
        for number in 0..1 << 16 {
            let name = format!("\x07h{number:06}\x07example\x03com\x00");
            let hash = hash_name(name.as_bytes());
            buckets[(hash & 0xffff) as usize] += 1;
            tags[(hash >> 57) as usize] += 1;
        }
        // balls in bins: 1/e of the buckets stay empty, and hardly any gets more than nine
        let empty = buckets.iter().filter(|&&count| count == 0).count();
        assert!((23_000..25_200).contains(&empty), "{empty}");
        assert!(buckets.iter().all(|&count| count < 12));
        assert!(tags.iter().all(|&count| (380..660).contains(&count)), "{tags:?}");
    }
}
