//! Digests, whose type stands right in front of them and says how long they are.

use super::super::rdata::{Read, Reader};
use super::digits;
use crate::base::Diagnostic;

/// The digests of a type of record.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Digests {
    /// Types with the octets that theirs have.
    sizes: &'static [(u8, u8)],
    /// What others have at least.
    least: u8,
}

/// Of keys (RFC 4034 §A.2, RFC 4509 §2.1, RFC 5933 §4, RFC 6605 §2).
pub(in super::super) static OF_KEYS: Digests = Digests { sizes: &[(1, 20), (2, 32), (3, 32), (4, 48)], least: 1 };

/// Of zones (RFC 8976 §2.2.4).
pub(in super::super) static OF_ZONES: Digests = Digests { sizes: &[(1, 48), (2, 64)], least: 12 };

impl Digests {
    /// How many octets the digest has that is behind `before`, if its type says so.
    fn size(&self, before: &[u8]) -> Option<usize> {
        let kind = before.last()?;
        self.sizes.iter().find(|(of, _)| of == kind).map(|&(_, size)| size.into())
    }

    pub(super) fn fits(&self, before: &[u8], digest: &[u8]) -> bool {
        self.size(before).map_or(digest.len() >= usize::from(self.least), |size| digest.len() == size)
    }

    pub(super) fn read(&self, reader: &mut Reader<'_, '_>) -> Read {
        let start = reader.out.len();
        let first = digits::read_all(reader, &digits::HEX)?;
        let (before, digest) = reader.out.split_at(start);
        if self.fits(before, digest) {
            return Ok(());
        }
        let (kind, found) = (before.last().copied().unwrap_or_default(), digest.len());
        let message = match self.size(before) {
            Some(size) => format!("a digest of type {kind} has {size} octets, this one has {found}"),
            None => format!("a digest has at least {} octets, this one has {found}", self.least),
        };
        Err(Diagnostic::error(first, message).hint("see whether digits are missing, or the type in front is another"))
    }
}
