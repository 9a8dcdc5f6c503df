//! Numbers that have mnemonics: record types, algorithms of DNSSEC, certificate types. Types are written by name, the
//! others as numbers.

use std::fmt;

use super::super::rdata::{Read, Reader};
use super::super::text;
use super::plain::{number, parsed};
use crate::wire::Rtype;

type Names = &'static [(&'static str, u16)];

/// Algorithms (IANA DNS Security Algorithm Numbers; RFC 4034 §A.1).
const ALGORITHMS: Names = &[
    ("DELETE", 0),
    ("RSAMD5", 1),
    ("DH", 2),
    ("DSA", 3),
    ("RSASHA1", 5),
    ("DSA-NSEC3-SHA1", 6),
    ("NSEC3DSA", 6),
    ("RSASHA1-NSEC3-SHA1", 7),
    ("NSEC3RSASHA1", 7),
    ("RSASHA256", 8),
    ("RSASHA512", 10),
    ("ECC-GOST", 12),
    ("ECCGOST", 12),
    ("ECDSAP256SHA256", 13),
    ("ECDSAP384SHA384", 14),
    ("ED25519", 15),
    ("ED448", 16),
    ("SM2SM3", 17),
    ("ECC-GOST12", 23),
    ("INDIRECT", 252),
    ("PRIVATEDNS", 253),
    ("PRIVATEOID", 254),
];

/// Certificate types (RFC 4398 §2.1).
const CERT_TYPES: Names = &[
    ("PKIX", 1),
    ("SPKI", 2),
    ("PGP", 3),
    ("IPKIX", 4),
    ("ISPKI", 5),
    ("IPGP", 6),
    ("ACPKIX", 7),
    ("IACPKIX", 8),
    ("URI", 253),
    ("OID", 254),
];

/// A number up to `max`, or one of the names in any case.
fn code(word: &[u8], names: Names, max: u16) -> Option<u16> {
    let named = |&&(name, _): &&(&str, u16)| name.as_bytes().eq_ignore_ascii_case(word);
    let number = || text::number(word, max.into()).and_then(|value| u16::try_from(value).ok());
    number().or_else(|| names.iter().find(named).map(|&(_, code)| code))
}

pub(super) fn read_algorithm(reader: &mut Reader<'_, '_>) -> Read {
    let expected = "the number of an algorithm up to 255, or its name";
    let code = reader.value(expected, |word| code(word, ALGORITHMS, u8::MAX.into()))?;
    reader.put(&code.to_be_bytes()[1..]);
    Ok(())
}

pub(super) fn read_cert_type(reader: &mut Reader<'_, '_>) -> Read {
    let expected = "a certificate type: a number up to 65535, or a name such as PKIX";
    let code = reader.value(expected, |word| code(word, CERT_TYPES, u16::MAX))?;
    reader.put(&code.to_be_bytes());
    Ok(())
}

pub(super) fn read_type(reader: &mut Reader<'_, '_>) -> Read {
    let rtype = reader.value("a record type", parsed::<Rtype>)?;
    reader.put(&rtype.0.to_be_bytes());
    Ok(())
}

pub(super) fn write_type(octets: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{}", Rtype(number(octets) as u16)) // two octets
}
