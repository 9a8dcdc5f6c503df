//! The query file: for each query its length in two octets (the higher first), the response code expected, the message.

use std::io;
use std::path::Path;

/// Prebuilt queries.
pub(crate) struct Queries {
    octets: Vec<u8>,
    places: Vec<Place>,
}

struct Place {
    start: u32,
    length: u16,
    rcode: u8,
}

impl Queries {
    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        Self::parse(std::fs::read(path)?).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, format!("{}: not a file of queries, or empty", path.display()))
        })
    }

    fn parse(octets: Vec<u8>) -> Option<Self> {
        let (mut places, mut at) = (Vec::new(), 0);
        while let Some(&[high, low, rcode]) = octets.get(at..at + 3) {
            let (start, length) = (at + 3, u16::from_be_bytes([high, low]));
            at = start + usize::from(length);
            places.push(Place { start: start.try_into().ok()?, length, rcode });
        }
        (at == octets.len() && !places.is_empty() && places.iter().all(|place| place.length > 12))
            .then_some(Self { octets, places })
    }

    pub(crate) fn count(&self) -> usize {
        self.places.len()
    }

    /// The message, with an ID of zero.
    pub(crate) fn message(&self, number: usize) -> &[u8] {
        let place = &self.places[number];
        &self.octets[place.start as usize..][..usize::from(place.length)]
    }

    pub(crate) fn rcode(&self, number: usize) -> u8 {
        self.places[number].rcode
    }
}

#[test]
fn a_file_is_whole_or_refused() {
    let file = |cut: usize| {
        let mut octets = vec![0, 17, 3];
        octets.extend([0; 17]);
        octets.truncate(20 - cut);
        Queries::parse(octets)
    };
    let whole = file(0).unwrap();
    assert_eq!((whole.count(), whole.rcode(0), whole.message(0).len()), (1, 3, 17));
    assert!(file(1).is_none() && file(20).is_none());
}
