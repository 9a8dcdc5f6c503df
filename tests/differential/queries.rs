//! Queries about zones: everything that a zone names with the common types, then names and types at random.

use std::fmt;

use fastrand::Rng;

use crate::message::type_text;
use crate::names::{MAX_LABEL, Name};
use crate::zone::{Known, Zone};

/// A query, and what it is about.
#[derive(Clone)]
pub(crate) struct Query {
    /// The situation that the name was taken from.
    pub(crate) subject: &'static str,
    pub(crate) name: Name,
    pub(crate) rtype: u16,
    pub(crate) class: u16,
    /// RD, AD, CD and the reserved bit, as they stand in a header.
    pub(crate) flags: u16,
    pub(crate) edns: Option<Edns>,
    pub(crate) tcp: bool,
    /// The whole message, where it is not made of the above.
    pub(crate) raw: Option<Vec<u8>>,
}

/// What a query's OPT says.
#[derive(Clone)]
pub(crate) struct Edns {
    pub(crate) payload: u16,
    pub(crate) version: u8,
    pub(crate) flags: u16,
    pub(crate) options: Vec<u8>,
}

/// Types asked at every name.
const COMMON: [u16; 13] = [1, 28, 16, 15, 5, 39, 2, 6, 43, 12, 33, 64, 65];
/// Types asked at random, beside those.
const OTHERS: [u16; 20] = [46, 48, 13, 257, 99, 65_280, 65_281, 29, 17, 18, 35, 36, 44, 52, 108, 256, 65_534, 3, 9, 14];
/// Types that no zone holds; few of them are asked.
const META: [u16; 7] = [41, 249, 250, 128, 253, 254, 200];
/// EDNS options: for local use, NSID, a client's cookie, Client Subnet, padding; several at once.
const OPTIONS: [&[u8]; 6] = [
    &[0xfd, 0xe9, 0, 2, 1, 2],
    &[0, 3, 0, 0],
    &[0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8],
    &[0, 8, 0, 7, 0, 1, 24, 0, 192, 0, 2],
    &[0, 12, 0, 3, 0, 0, 0],
    &[0xfd, 0xea, 0, 0, 0, 3, 0, 0, 0xfd, 0xea, 0, 0],
];
const ANY: u16 = 255;

impl Query {
    /// Its octets, numbered.
    pub(crate) fn octets(&self, id: u16) -> Vec<u8> {
        if let Some(raw) = &self.raw {
            return [&id.to_be_bytes(), &raw[2..]].concat();
        }
        let mut octets = Vec::with_capacity(320);
        octets.extend(id.to_be_bytes());
        octets.extend(self.flags.to_be_bytes());
        octets.extend([0, 1, 0, 0, 0, 0, 0, u8::from(self.edns.is_some())]);
        octets.extend(self.name.wire());
        octets.extend(self.rtype.to_be_bytes());
        octets.extend(self.class.to_be_bytes());
        if let Some(edns) = &self.edns {
            octets.extend([0, 0, 41]);
            octets.extend(edns.payload.to_be_bytes());
            octets.extend([0, edns.version]);
            octets.extend(edns.flags.to_be_bytes());
            octets.extend((edns.options.len() as u16).to_be_bytes());
            octets.extend_from_slice(&edns.options);
        }
        octets
    }

    /// The size that the response may have.
    pub(crate) fn limit(&self) -> usize {
        match &self.edns {
            _ if self.tcp => 65_535,
            None => 512,
            Some(edns) => usize::from(edns.payload).clamp(512, 1232),
        }
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let class = if self.class == 1 { String::new() } else { format!(" CLASS{}", self.class) };
        write!(f, "{}{class} {}", self.name, type_text(self.rtype))?;
        write!(f, " over {}", if self.tcp { "TCP" } else { "UDP" })?;
        if self.flags != 0 {
            write!(f, ", flags {:04x}", self.flags)?;
        }
        if let Some(raw) = &self.raw {
            return write!(f, ", as {raw:02x?}");
        }
        match &self.edns {
            None => write!(f, ", no EDNS"),
            Some(edns) => write!(
                f,
                ", EDNS {} octets, version {}, flags {:04x}, options {:02x?}",
                edns.payload, edns.version, edns.flags, edns.options
            ),
        }
    }
}

/// Each name of a zone with each common type, and those that it has.
pub(crate) fn thorough<'z>(zones: &'z [Zone], rng: &mut Rng) -> impl Iterator<Item = Query> + use<'z> {
    let mut rng = rng.fork();
    let pair = |known: &'z Known| {
        let own = known.types.iter().copied().filter(|rtype| !COMMON.contains(rtype));
        COMMON.into_iter().chain(own).map(move |rtype| (known, rtype))
    };
    zones.iter().flat_map(|zone| &zone.names).flat_map(pair).map(move |(known, rtype)| {
        let mut query = plain(known.subject, known.name.clone(), rtype);
        vary(&mut query, &mut rng);
        query
    })
}

/// A query at random.
pub(crate) fn random(zones: &[Zone], rng: &mut Rng) -> Query {
    let zone = &zones[rng.usize(..zones.len())];
    let known = &zone.names[rng.usize(..zone.names.len())];
    let rtype = match rng.u8(..20) {
        0..6 if !known.types.is_empty() => known.types[rng.usize(..known.types.len())],
        0..15 => COMMON[rng.usize(..COMMON.len())],
        _ => OTHERS[rng.usize(..OTHERS.len())],
    };
    let mut query = plain(known.subject, near(&known.name, zone, rng), rtype);
    vary(&mut query, rng);
    query
}

/// The queries to which servers have answers of their own, a few of each kind.
pub(crate) fn special(zones: &[Zone], rng: &mut Rng, each: usize) -> Vec<Query> {
    let mut queries = Vec::new();
    let changes: [fn(&mut Query, &mut Rng); 10] = [
        |query, _| (query.rtype, query.tcp) = (ANY, false),
        |query, _| (query.rtype, query.tcp) = (ANY, true),
        |query, rng| query.rtype = META[rng.usize(..META.len())],
        |query, rng| query.rtype = 251 + u16::from(rng.bool()),
        |query, _| query.class = 3,
        |query, _| query.class = 4,
        |query, _| query.class = 255,
        |query, rng| edns(query, rng).version = 1,
        |query, rng| edns(query, rng).flags = 0x7fff,
        |query, rng| query.name = Name(vec![vec![b'x'; rng.usize(1..60)], b"unserved".to_vec()]),
    ];
    for change in changes {
        for _ in 0..each {
            let mut query = random(zones, rng);
            change(&mut query, rng);
            queries.push(query);
        }
    }
    queries
}

fn plain(subject: &'static str, name: Name, rtype: u16) -> Query {
    Query { subject, name, rtype, class: 1, flags: 0, edns: None, tcp: false, raw: None }
}

fn edns<'q>(query: &'q mut Query, rng: &mut Rng) -> &'q mut Edns {
    let payload = [0, 512, 700, 1000, 1232, 1232, 1400, 4096, 65_535][rng.usize(..9)];
    query.edns.insert(Edns { payload, version: 0, flags: 0, options: Vec::new() })
}

/// Case, flags, EDNS and transport.
fn vary(query: &mut Query, rng: &mut Rng) {
    if rng.u8(..4) == 0 {
        let octets = query.name.0.iter_mut().flatten();
        octets.filter(|octet| octet.is_ascii_alphabetic() && rng.bool()).for_each(|octet| *octet ^= 0x20);
    }
    for (bit, one_in) in [(0x0100, 2), (0x0010, 4), (0x0020, 6), (0x0040, 40)] {
        if rng.u8(..one_in) == 0 {
            query.flags |= bit;
        }
    }
    if rng.u8(..3) > 0 {
        let edns = edns(query, rng);
        if rng.u8(..3) == 0 {
            edns.flags = 0x8000;
        }
        if rng.u8(..8) == 0 {
            edns.options = OPTIONS[rng.usize(..OPTIONS.len())].to_vec();
        }
    }
    query.tcp = rng.u8(..6) == 0;
}

/// A name that has something to do with this one.
fn near(name: &Name, zone: &Zone, rng: &mut Rng) -> Name {
    const LABELS: [&[u8]; 12] = [b"x", b"*", b"a", b"ns", b"www", b"\0", b"h0", b"zz", b"-", b"ent", b"t", b"_"];
    let label = LABELS[rng.usize(..LABELS.len())];
    let made = match rng.u8(..14) {
        0..5 => name.clone(),
        5..8 => name.child(label),
        8 => name.child(label).child(LABELS[rng.usize(..LABELS.len())]),
        9 => name.parent().unwrap_or_default(),
        10 => name.parent().unwrap_or_default().child(label),
        11 => zone.origin.child(label),
        12 => moved(name, zone, rng),
        _ => longest(name, rng),
    };
    if made.fits() { made } else { name.clone() }
}

/// The first labels of a name below another name of the zone, as DNAMEs and wildcards see them.
fn moved(name: &Name, zone: &Zone, rng: &mut Rng) -> Name {
    let other = &zone.names[rng.usize(..zone.names.len())].name;
    let keep = rng.usize(..=name.0.len().min(3));
    Name(name.0[..keep].iter().chain(&other.0).cloned().collect())
}

/// As many labels below a name as it takes to reach the limit of names, or nearly.
fn longest(name: &Name, rng: &mut Rng) -> Name {
    let mut name = name.clone();
    let width = rng.usize(1..=MAX_LABEL);
    while name.len() + width + 1 < 253 {
        name = name.child(&vec![b'q'; width]);
    }
    let rest = 255 - name.len();
    if rest >= 2 && rest - 1 <= MAX_LABEL && rng.bool() { name.child(&vec![b'r'; rest - 1]) } else { name }
}
