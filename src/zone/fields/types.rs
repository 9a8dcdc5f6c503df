//! Bitmaps of record types: windows of 256 types, each with its number, its length and its octets (RFC 4034 §4.1.2).

use std::collections::BTreeSet;
use std::fmt;

use super::super::layout::Layout;
use super::super::rdata::{Read, Reader};
use super::plain::parsed;
use crate::wire::Rtype;

/// Whether octets are windows in order, none of them longer than it must be.
pub(super) fn is_bitmap(octets: &[u8]) -> bool {
    let sound = |window: &Option<Window<'_>>| {
        window.as_ref().is_some_and(|(_, bits)| bits.len() <= 32 && bits.last().is_some_and(|&last| last != 0))
    };
    windows(octets).all(|window| sound(&window)) && windows(octets).flatten().is_sorted_by(|a, b| a.0 < b.0)
}

/// Number and octets.
type Window<'r> = (u8, &'r [u8]);

/// The windows; none in place of one that is cut off.
fn windows(octets: &[u8]) -> impl Iterator<Item = Option<Window<'_>>> {
    let mut rest = octets;
    std::iter::from_fn(move || {
        let (&number, tail) = rest.split_first()?;
        let len = tail.first().map_or(0, |&len| usize::from(len));
        let bits = tail.get(1..=len);
        rest = tail.get(1 + len..).unwrap_or(&[]);
        Some(bits.map(|bits| (number, bits)))
    })
}

pub(super) fn write(octets: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut separator = "";
    for (number, bits) in windows(octets).flatten() {
        for low in (0..=u8::MAX).filter(|&low| is_set(bits, low)) {
            let rtype = Rtype(u16::from_be_bytes([number, low]));
            match Layout::of(rtype) {
                Some(_) => write!(f, "{separator}{rtype}")?,
                // not every reader knows the mnemonics of types without a text form
                None => write!(f, "{separator}TYPE{}", rtype.0)?,
            }
            separator = " ";
        }
    }
    Ok(())
}

fn is_set(bits: &[u8], low: u8) -> bool {
    bits.get(usize::from(low / 8)).is_some_and(|octet| octet & (0x80 >> (low % 8)) != 0)
}

pub(super) fn read(reader: &mut Reader<'_, '_>) -> Read {
    let expected = "a record type";
    let mut types = BTreeSet::new();
    while let Some(token) = reader.lexer.next()? {
        let rtype = token.word().and_then(parsed::<Rtype>).ok_or_else(|| token.instead_of(expected))?;
        types.insert(rtype);
    }
    let types: Vec<_> = types.into_iter().collect();
    for window in types.chunk_by(|a, b| a.0 >> 8 == b.0 >> 8) {
        put_window(reader, window);
    }
    Ok(())
}

fn put_window(reader: &mut Reader<'_, '_>, types: &[Rtype]) {
    let mut bits = [0u8; 32];
    let mut len = 0;
    for rtype in types {
        let [_, low] = rtype.0.to_be_bytes();
        bits[usize::from(low / 8)] |= 0x80 >> (low % 8);
        len = low / 8 + 1;
    }
    let number = types[0].0.to_be_bytes()[0];
    reader.put(&[number, len]);
    reader.put(&bits[..usize::from(len)]);
}
