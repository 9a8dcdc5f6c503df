//! Reads a response, apart from Windrose's own reader, into a form in which equal means equal.

use std::fmt;

use crate::names::Name;

/// A response: what of it is compared.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) len: usize,
    pub(crate) flags: u16,
    /// With the bits that travel in OPT.
    pub(crate) rcode: u16,
    /// As it was asked, with its case.
    pub(crate) question: Vec<u8>,
    /// Answer, authority, additional; each sorted, without OPT.
    pub(crate) sections: [Vec<Record>; 3],
    pub(crate) opt: Option<Opt>,
    /// Whether the answer's records stand in the order in which the question leads to them.
    pub(crate) in_order: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Record {
    pub(crate) owner: Name,
    pub(crate) rtype: u16,
    pub(crate) class: u16,
    pub(crate) ttl: u32,
    /// Names in it uncompressed and in lower case.
    pub(crate) rdata: Vec<u8>,
}

/// What of OPT is compared: its version and flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opt {
    pub(crate) version: u8,
    pub(crate) flags: u16,
}

pub(crate) const AA: u16 = 0x0400;
pub(crate) const TC: u16 = 0x0200;

impl Response {
    /// Reads a whole message; none if it is malformed.
    pub(crate) fn read(octets: &[u8]) -> Option<Self> {
        let mut reader = Reader { octets, at: 4 };
        let flags = u16::from_be_bytes([*octets.get(2)?, *octets.get(3)?]);
        let counts = [reader.u16()?, reader.u16()?, reader.u16()?, reader.u16()?];
        let start = reader.at;
        for _ in 0..counts[0] {
            reader.name()?;
            reader.skip(4)?;
        }
        let question = octets[start..reader.at].to_vec();
        let mut sections = <[Vec<Record>; 3]>::default();
        for (section, count) in sections.iter_mut().zip(&counts[1..]) {
            for _ in 0..*count {
                section.push(reader.record()?);
            }
        }
        let in_order = in_order(&question, &sections[0]);
        let mut rcode = flags & 0xf;
        let opt = sections[2].iter().position(|record| record.rtype == 41).map(|at| {
            let record = sections[2].remove(at);
            rcode |= (record.ttl >> 20) as u16 & 0xff0;
            Opt { version: (record.ttl >> 16) as u8, flags: record.ttl as u16 }
        });
        sections.iter_mut().for_each(|section| section.sort_unstable());
        let whole = reader.at == octets.len();
        whole.then_some(Self { len: octets.len(), flags, rcode, question, sections, opt, in_order })
    }

    pub(crate) fn truncated(&self) -> bool {
        self.flags & TC != 0
    }

    /// How long it were without compression.
    pub(crate) fn uncompressed_len(&self) -> usize {
        let records = self.sections.iter().flatten().map(|record| record.owner.len() + 10 + record.rdata.len());
        12 + self.question.len() + records.sum::<usize>() + if self.opt.is_some() { 11 } else { 0 }
    }
}

/// Whether each record of an answer is owned by the name asked for, or by what the ones before lead to (RFC 1034 §4.3.2).
fn in_order(question: &[u8], answer: &[Record]) -> bool {
    let name = |octets: &[u8]| Reader { octets, at: 0 }.name();
    let mut wanted = name(question);
    answer.iter().all(|record| match &wanted {
        Some(owner) if record.rtype == 39 && owner != &record.owner => owner.is_within(&record.owner),
        Some(owner) if *owner == record.owner => {
            if record.rtype == 5 {
                wanted = name(&record.rdata);
            }
            true
        }
        _ => false,
    })
}

struct Reader<'m> {
    octets: &'m [u8],
    at: usize,
}

impl Reader<'_> {
    fn skip(&mut self, count: usize) -> Option<()> {
        self.at += count;
        (self.at <= self.octets.len()).then_some(())
    }

    fn u16(&mut self) -> Option<u16> {
        let value = self.octets.get(self.at..self.at + 2)?;
        self.at += 2;
        Some(u16::from_be_bytes([value[0], value[1]]))
    }

    /// A name in lower case; compressed ones point backwards only.
    fn name(&mut self) -> Option<Name> {
        let mut labels = Vec::new();
        let (mut at, mut after) = (self.at, None);
        loop {
            let len = usize::from(*self.octets.get(at)?);
            match len {
                0 => break,
                1..64 => {
                    labels.push(self.octets.get(at + 1..at + 1 + len)?.to_ascii_lowercase());
                    at += 1 + len;
                }
                192.. => {
                    after.get_or_insert(at + 2);
                    let to = (len & 0x3f) << 8 | usize::from(*self.octets.get(at + 1)?);
                    if to >= at {
                        return None;
                    }
                    at = to;
                }
                _ => return None,
            }
        }
        self.at = after.unwrap_or(at + 1);
        let name = Name(labels);
        name.fits().then_some(name)
    }

    fn record(&mut self) -> Option<Record> {
        let owner = self.name()?;
        let (rtype, class) = (self.u16()?, self.u16()?);
        let ttl = u32::from(self.u16()?) << 16 | u32::from(self.u16()?);
        let len = usize::from(self.u16()?);
        let end = self.at + len;
        self.octets.get(self.at..end)?;
        let rdata = self.rdata(rtype, end)?;
        Some(Record { owner, rtype, class, ttl, rdata })
    }

    fn rdata(&mut self, rtype: u16, end: usize) -> Option<Vec<u8>> {
        let (before, names) = names_in(rtype);
        let mut rdata = self.octets.get(self.at..(self.at + before).min(end))?.to_vec();
        self.at += rdata.len();
        if rtype == 35 {
            // NAPTR: three strings stand before the name
            for _ in 0..3 {
                let len = usize::from(*self.octets.get(self.at)?) + 1;
                rdata.extend_from_slice(self.octets.get(self.at..self.at + len)?);
                self.at += len;
            }
        }
        for _ in 0..names {
            rdata.extend(self.name()?.wire());
        }
        rdata.extend_from_slice(self.octets.get(self.at..end)?);
        self.at = end;
        Some(rdata)
    }
}

/// How many octets stand before the names in RDATA of a type, and how many names there are.
const fn names_in(rtype: u16) -> (usize, usize) {
    match rtype {
        2 | 3 | 4 | 5 | 7 | 8 | 9 | 12 | 39 => (0, 1), // NS MD MF CNAME MB MG MR PTR DNAME
        6 | 14 | 17 => (0, 2),                         // SOA MINFO RP
        15 | 18 | 21 | 36 | 64 | 65 => (2, 1),         // MX AFSDB RT KX SVCB HTTPS
        33 => (6, 1),                                  // SRV
        26 => (2, 2),                                  // PX
        35 => (4, 1),                                  // NAPTR
        46 => (18, 1),                                 // RRSIG
        _ => (0, 0),
    }
}

/// The mnemonic of a type, or its number.
pub(crate) fn type_text(rtype: u16) -> String {
    windrose::wire::Rtype(rtype).to_string()
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ", self.owner, self.ttl)?;
        if self.class != 1 {
            write!(f, "CLASS{} ", self.class)?;
        }
        write!(f, "{} ", type_text(self.rtype))?;
        let (before, names) = names_in(self.rtype);
        let (head, mut rest) = self.rdata.split_at(before.min(self.rdata.len()));
        for octet in head.iter().take(if names > 0 && self.rtype != 35 { before } else { 0 }) {
            write!(f, "{octet:02x}")?;
        }
        if self.rtype == 1 {
            return write!(f, "{}", rest.iter().map(u8::to_string).collect::<Vec<_>>().join("."));
        }
        if self.rtype == 35 {
            rest = &self.rdata;
        } else {
            for _ in 0..names {
                let mut reader = Reader { octets: rest, at: 0 };
                let Some(name) = reader.name() else { break };
                write!(f, " {name}")?;
                rest = &rest[reader.at..];
            }
        }
        for octet in rest.iter().take(24) {
            write!(f, "{octet:02x}")?;
        }
        if rest.len() > 24 { write!(f, "…") } else { Ok(()) }
    }
}

impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rcode {} flags {:04x} {} octets", self.rcode, self.flags, self.len)?;
        match self.opt {
            Some(opt) => writeln!(f, ", OPT version {} flags {:04x}", opt.version, opt.flags)?,
            None => writeln!(f, ", no OPT")?,
        }
        for (title, section) in ["answer", "authority", "additional"].iter().zip(&self.sections) {
            for record in section.iter().take(12) {
                writeln!(f, "    {title:10} {record}")?;
            }
            if section.len() > 12 {
                writeln!(f, "    {title:10} … {} records", section.len())?;
            }
        }
        Ok(())
    }
}
