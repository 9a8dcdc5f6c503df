//! How long an HTTP cache may keep a response (RFC 8484 §5.1).

/// The seconds: the smallest TTL of the answer; of a negative answer what its SOA allows (RFC 2308 §5). Nothing else says
/// how long it holds, and is not kept.
pub(super) fn of(response: &[u8]) -> u32 {
    seconds(response).unwrap_or(0)
}

fn seconds(response: &[u8]) -> Option<u32> {
    let count = |at: usize| response.get(at..at + 2).map(|octets| u16::from_be_bytes([octets[0], octets[1]]));
    let (questions, answers, authorities) = (count(4)?, count(6)?, count(8)?);
    let mut reader = Reader { message: response, at: 12 };
    for _ in 0..questions {
        reader.skip_name()?;
        reader.take(4)?;
    }
    let mut records = |count: u16| -> Option<Vec<Record<'_>>> { (0..count).map(|_| reader.record()).collect() };
    let least = records(answers)?.iter().map(|record| record.ttl).min();
    least.or(records(authorities)?.iter().find_map(Record::negative))
}

struct Reader<'m> {
    message: &'m [u8],
    at: usize,
}

struct Record<'m> {
    rtype: u16,
    ttl: u32,
    rdata: &'m [u8],
}

impl Record<'_> {
    /// What a SOA in the authority section allows.
    fn negative(&self) -> Option<u32> {
        let minimum = self.rdata.last_chunk().map(|octets| u32::from_be_bytes(*octets));
        minimum.filter(|_| self.rtype == crate::wire::Rtype::SOA.0).map(|minimum| minimum.min(self.ttl))
    }
}

impl<'m> Reader<'m> {
    fn take(&mut self, octets: usize) -> Option<&'m [u8]> {
        let taken = self.message.get(self.at..self.at.checked_add(octets)?)?;
        self.at += octets;
        Some(taken)
    }

    /// A pointer ends a name where it stands (RFC 1035 §4.1.4).
    fn skip_name(&mut self) -> Option<()> {
        loop {
            match usize::from(self.take(1)?[0]) {
                0 => return Some(()),
                0xc0.. => return self.take(1).map(drop),
                label => self.take(label).map(drop)?,
            }
        }
    }

    fn record(&mut self) -> Option<Record<'m>> {
        self.skip_name()?;
        let head = self.take(10)?;
        let rdata = self.take(u16::from_be_bytes([head[8], head[9]]).into())?;
        let ttl = u32::from_be_bytes([head[4], head[5], head[6], head[7]]);
        Some(Record { rtype: u16::from_be_bytes([head[0], head[1]]), ttl, rdata })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message of records: section counts, then `(type, ttl, rdata)`.
    fn message(answers: u8, authorities: u8, records: &[(u16, u32, &[u8])]) -> Vec<u8> {
        let mut octets = vec![0, 0, 0x80, 0, 0, 1, 0, answers, 0, authorities, 0, 0];
        octets.extend(b"\x01a\x00\x00\x01\x00\x01");
        for (rtype, ttl, rdata) in records {
            octets.extend([0xc0, 12]);
            octets.extend([&rtype.to_be_bytes()[..], &[0, 1], &ttl.to_be_bytes()].concat());
            octets.extend(u16::try_from(rdata.len()).unwrap().to_be_bytes());
            octets.extend(*rdata);
        }
        octets
    }

    #[test]
    fn the_smallest_ttl_of_the_answer_counts() {
        let soa = (6, 5, &[0, 0, 0, 0, 0, 9][..]);
        assert_eq!(of(&message(2, 1, &[(1, 300, &[1; 4]), (5, 60, &[0]), soa])), 60);
    }

    #[test]
    fn a_negative_answer_is_kept_as_its_soa_allows() {
        let soa = |ttl| (6, ttl, &[0, 0, 0, 0, 0, 90][..]);
        assert_eq!(of(&message(0, 1, &[soa(3600)])), 90);
        assert_eq!(of(&message(0, 1, &[soa(30)])), 30);
    }

    #[test]
    fn what_says_nothing_is_not_kept() {
        assert_eq!(of(&message(0, 0, &[])), 0);
        assert_eq!(of(&message(0, 1, &[(2, 300, &[0])])), 0);
        assert_eq!(of(&message(9, 0, &[(1, 300, &[1; 4])])), 0);
        assert_eq!(of(&[0; 3]), 0);
    }
}
