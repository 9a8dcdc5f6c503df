//! Where Windrose's response differs from those of both others.

use crate::message::{AA, Record, Response, TC};
use crate::queries::Query;

/// A part of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Field {
    /// Whether there is a response, and a well-formed one.
    Response,
    Rcode,
    Aa,
    Tc,
    /// All other bits of the header.
    Flags,
    Question,
    Answer,
    Authority,
    Additional,
    Opt,
}

/// What a server made of a query.
pub(crate) enum Outcome {
    Silence,
    Malformed(Vec<u8>),
    Response(Response),
}

impl Outcome {
    pub(crate) fn new(octets: Option<Vec<u8>>) -> Self {
        match octets {
            None => Self::Silence,
            Some(octets) => Response::read(&octets).map_or(Self::Malformed(octets), Self::Response),
        }
    }

    pub(crate) fn response(&self) -> Option<&Response> {
        if let Self::Response(response) = self { Some(response) } else { None }
    }
}

/// A field in which Windrose equals neither of the others, and whether those equal each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Difference {
    pub(crate) field: Field,
    pub(crate) others_agree: bool,
}

/// The differences of three outcomes: Windrose's first.
pub(crate) fn differences(query: &Query, outcomes: &[Outcome; 3]) -> Vec<Difference> {
    let [ours, nsd, knot] = outcomes;
    let (Some(ours), Some(nsd), Some(knot)) = (ours.response(), nsd.response(), knot.response()) else {
        let same = |other: &Outcome| std::mem::discriminant(ours) == std::mem::discriminant(other);
        let malformed = matches!(ours, Outcome::Malformed(_));
        let differs = malformed || !same(nsd) && !same(knot);
        let others_agree = std::mem::discriminant(nsd) == std::mem::discriminant(knot);
        return if differs { vec![Difference { field: Field::Response, others_agree }] } else { Vec::new() };
    };
    let mut found = Vec::new();
    let mut check = |field, same: &dyn Fn(&Response, &Response) -> bool| {
        if !same(ours, nsd) && !same(ours, knot) {
            found.push(Difference { field, others_agree: same(nsd, knot) });
        }
        found.is_empty()
    };
    check(Field::Question, &|a, b| a.question == b.question);
    check(Field::Flags, &|a, b| (a.flags ^ b.flags) & !(AA | TC | 0xf) == 0);
    check(Field::Opt, &|a, b| a.opt == b.opt);
    if !check(Field::Rcode, &|a, b| a.rcode == b.rcode) {
        return found; // the rest follows from it
    }
    check(Field::Aa, &|a, b| (a.flags ^ b.flags) & AA == 0);
    if !check(Field::Tc, &|a, b| a.truncated() == b.truncated() || may_truncate(query, a, b)) {
        return found;
    }
    for (at, field) in [Field::Answer, Field::Authority].into_iter().enumerate() {
        check(field, &|a, b| a.truncated() || b.truncated() || a.sections[at] == b.sections[at]);
    }
    check(Field::Additional, &|a, b| a.truncated() || b.truncated() || additional(query, a, b));
    found
}

/// How much more or less room servers may need for equal records, as each compresses names in its own way.
const SLACK: usize = 64;

/// Whether one of two was truncated for the way in which names are compressed.
fn may_truncate(query: &Query, a: &Response, b: &Response) -> bool {
    a.len.max(b.len) + SLACK > query.limit()
}

/// Whether two additional sections are equal as far as there was room.
fn additional(query: &Query, a: &Response, b: &Response) -> bool {
    let [a_records, b_records] = [&a.sections[2], &b.sections[2]];
    let within = |some: &[Record], all: &[Record]| some.iter().all(|record| all.contains(record));
    a_records == b_records
        || (a.len.max(b.len) + 28 * 8 > query.limit()) && (within(a_records, b_records) || within(b_records, a_records))
}
