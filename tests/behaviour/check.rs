//! Compares a response with what it must be. `hickory-proto` decodes it, so that no code of the server's judges the
//! server.

use hickory_proto::op::Message;
use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};
use hickory_proto::serialize::binary::{BinEncodable, BinEncoder};

use super::format::{Case, Flags, Opt, Record, Response};

/// Says all that is wrong with a response, and shows it.
pub(crate) fn check(case: &Case, response: Option<&[u8]>, tcp: bool) -> Result<(), String> {
    let (expected, octets) = match (&case.expected, response) {
        (None, None) => return Ok(()),
        (None, Some(octets)) => return Err(format!("a response of {} octets where there must be none", octets.len())),
        (Some(_), None) => return Err("no response".into()),
        (Some(expected), Some(octets)) => (expected, octets),
    };
    let mut complaints = Vec::new();
    let decoded =
        Message::from_vec(octets).map_err(|problem| format!("cannot be decoded: {problem}\n{octets:02x?}"))?;
    let mut compare = Comparison { class: case.ask.class(), complaints: &mut complaints };
    compare.header(case, expected, octets, &decoded);
    compare.size(octets, case.ask.limit(tcp), expected.header_only);
    if !expected.header_only {
        compare.question(case, octets, decoded.queries.len());
    }
    let sections = [&decoded.answers, &decoded.authorities, &decoded.additionals];
    for ((title, expected), found) in ["answer", "authority", "additional"].iter().zip(&expected.sections).zip(sections)
    {
        if let Some(expected) = expected {
            compare.section(title, expected, found);
        }
    }
    compare.that("opt", &expected.opt, &opt(&decoded));
    compare.layout(octets, &decoded);
    if complaints.is_empty() { Ok(()) } else { Err(format!("{}\n\n{decoded}", complaints.join("\n"))) }
}

struct Comparison<'c> {
    /// The class of the records.
    class: u16,
    complaints: &'c mut Vec<String>,
}

impl Comparison<'_> {
    fn that<T: PartialEq + std::fmt::Debug + ?Sized>(&mut self, what: &str, expected: &T, found: &T) {
        if expected != found {
            self.complaints.push(format!("{what}: must be {expected:?}, is {found:?}"));
        }
    }

    fn header(&mut self, case: &Case, expected: &Response, octets: &[u8], decoded: &Message) {
        let sent = &case.ask.packet;
        self.that("id", &sent[..2], &octets[..2]);
        self.that("QR", &true, &(octets[2] & 0x80 != 0));
        self.that("opcode", &(sent[2] >> 3 & 0x0f), &(octets[2] >> 3 & 0x0f));
        self.that("rcode", &expected.rcode, &u16::from(decoded.response_code));
        let flags = Flags {
            authoritative: decoded.authoritative,
            truncated: decoded.truncation,
            recursion_desired: decoded.recursion_desired,
            checking_disabled: decoded.checking_disabled,
        };
        self.that("flags", &expected.flags, &flags);
        self.that("RA, Z and AD", &0, &(octets[3] & 0xe0));
    }

    fn size(&mut self, octets: &[u8], limit: usize, header_only: bool) {
        if octets.len() > limit {
            self.complaints.push(format!("size: {} octets where {limit} are allowed", octets.len()));
        }
        if header_only {
            self.that("size of a header alone", &12, &octets.len());
        }
    }

    fn question(&mut self, case: &Case, octets: &[u8], count: usize) {
        let asked = case.ask.packet.get(4..6).is_none_or(|count| count != [0, 0]);
        self.that("number of questions", &usize::from(asked), &count);
        if !asked {
            return;
        }
        let Some(sent) = case.ask.question() else {
            return self.complaints.push("the query has no question to copy: expect header-only".into());
        };
        if octets.get(12..12 + sent.len()) != Some(sent) {
            self.complaints.push("question: not the octets that were sent".into());
        }
    }

    fn section(&mut self, title: &str, expected: &[Record], found: &[hickory_proto::rr::Record]) {
        let mut missing: Vec<&Record> = expected.iter().collect();
        for record in found {
            let found = canonical(record, self.class);
            match missing.iter().position(|missing| **missing == found) {
                Some(at) => drop(missing.swap_remove(at)),
                None => self.complaints.push(format!("{title}: unexpected: {record}")),
            }
        }
        self.complaints.extend(missing.iter().map(|missing| format!("{title}: missing: {}", show(missing))));
    }

    /// What a decoder forgives: octets behind the last record, and compressed names where none may be (RFC 3597 §4).
    fn layout(&mut self, octets: &[u8], decoded: &Message) {
        let Some((records, end)) = layout(octets) else {
            return self.complaints.push("the records cannot be counted through".into());
        };
        self.that("octets behind the message", &0, &(octets.len() - end));
        let sections = [&decoded.answers, &decoded.authorities, &decoded.additionals];
        let plain =
            sections.into_iter().flatten().filter(|record| !COMPRESSIBLE.contains(&u16::from(record.record_type())));
        let lengths = records.iter().filter(|(rtype, _)| *rtype != 41 && !COMPRESSIBLE.contains(rtype));
        for (record, (_, length)) in plain.zip(lengths) {
            self.that("octets of uncompressed RDATA", &canonical(record, self.class).rdata.len(), length);
        }
    }
}

/// The types whose RDATA may hold compressed names: those of RFC 1035.
const COMPRESSIBLE: [u16; 10] = [2, 3, 4, 5, 6, 7, 8, 9, 12, 15];

/// Type and RDATA length of each record, and where the last one ends.
fn layout(octets: &[u8]) -> Option<(Vec<(u16, usize)>, usize)> {
    let u16_at = |at: usize| octets.get(at..at + 2).map(|pair| usize::from(pair[0]) << 8 | usize::from(pair[1]));
    let after_name = |mut at: usize| loop {
        match *octets.get(at)? {
            0 => return Some(at + 1),
            192.. => return Some(at + 2),
            label => at += usize::from(label) + 1,
        }
    };
    let mut at = 12;
    for _ in 0..u16_at(4)? {
        at = after_name(at)? + 4;
    }
    let mut records = Vec::new();
    for _ in 0..u16_at(6)? + u16_at(8)? + u16_at(10)? {
        at = after_name(at)?;
        let length = u16_at(at + 8)?;
        records.push((u16_at(at)? as u16, length));
        at += 10 + length;
    }
    (at <= octets.len()).then_some((records, at))
}

/// A decoded record in the form of an expected one; another class makes it equal to none.
fn canonical(record: &hickory_proto::rr::Record, class: u16) -> Record {
    let mut owner = Vec::new();
    for label in &record.name {
        owner.push(label.len() as u8);
        owner.extend(label.to_ascii_lowercase());
    }
    owner.push(0);
    let mut rdata = Vec::new();
    let mut encoder = BinEncoder::new(&mut rdata);
    encoder.set_canonical_form(true);
    let encoded = record.data.emit(&mut encoder);
    if encoded.is_err() || u16::from(record.dns_class) != class {
        owner.clear();
    }
    Record { owner, rtype: record.record_type().into(), ttl: record.ttl, rdata }
}

fn opt(decoded: &Message) -> Option<Opt> {
    let edns = decoded.edns.as_ref()?;
    let mut opt = Opt {
        size: edns.max_payload(),
        version: edns.version(),
        flags: (*edns.flags()).into(),
        client_subnet: None,
        errors: Vec::new(),
        others: Vec::new(),
    };
    for (code, option) in edns.options().as_ref() {
        match (code, option) {
            (EdnsCode::Subnet, option) => opt.client_subnet = Some(data(option)),
            (EdnsCode::Unknown(15), option) => {
                let code = data(option).first_chunk().map_or(0, |code| u16::from_be_bytes(*code));
                opt.errors.push(code);
            }
            (code, option) => opt.others.push(((*code).into(), data(option))),
        }
    }
    opt.others.sort();
    Some(opt)
}

fn data(option: &EdnsOption) -> Vec<u8> {
    let mut octets = Vec::new();
    // an option that cannot be encoded again equals none
    if option.emit(&mut BinEncoder::new(&mut octets)).is_ok() { octets } else { Vec::new() }
}

fn show(record: &Record) -> String {
    let owner = String::from_utf8_lossy(&record.owner).replace(|c: char| c.is_control(), ".");
    format!("{owner} {} TYPE{} {:02x?}", record.ttl, record.rtype, record.rdata)
}
