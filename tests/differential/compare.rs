//! Where Windrose's response differs from those of both others.

use crate::message::{AA, Record, Response, TC};
use crate::names::Name;
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
    /// In what order the answer's records stand.
    Order,
    Answer,
    Authority,
    Additional,
    Opt,
    /// Response code, AA, answer and authority together: each as one of the others has it, but not as the same one.
    Mixture,
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

/// The differences of three outcomes: Windrose's first. `origins` are the names of the zones that are served.
pub(crate) fn differences(query: &Query, outcomes: &[Outcome; 3], origins: &[Name]) -> Vec<Difference> {
    let [ours, nsd, knot] = outcomes;
    let (Some(ours), Some(nsd), Some(knot)) = (ours.response(), nsd.response(), knot.response()) else {
        return difference_without_response(outcomes).into_iter().collect();
    };
    let (nsd, knot) = (&comparable(nsd, origins), &comparable(knot, origins));
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
    // what stands in a truncated response is for nobody (RFC 2181 §9)
    let truncated = |a: &Response, b: &Response| a.truncated() || b.truncated();
    if !check(Field::Rcode, &|a, b| a.rcode == b.rcode || truncated(a, b)) {
        return found; // the rest follows from it
    }
    check(Field::Aa, &|a, b| (a.flags ^ b.flags) & AA == 0);
    if !check(Field::Tc, &|a, b| a.truncated() == b.truncated() || may_truncate(query, a, b)) {
        return found;
    }
    check(Field::Order, &|a, b| a.in_order || a.in_order == b.in_order);
    for (at, field) in [Field::Answer, Field::Authority].into_iter().enumerate() {
        check(field, &|a, b| truncated(a, b) || a.sections[at] == b.sections[at]);
    }
    check(Field::Additional, &|a, b| a.sections[2] == b.sections[2] || truncated(a, b) || tight(query, a, b));
    if check(Field::Opt, &|a, b| a.opt == b.opt) {
        let alike = |a: &Response, b: &Response| {
            truncated(a, b) || a.rcode == b.rcode && (a.flags ^ b.flags) & AA == 0 && a.sections[..2] == b.sections[..2]
        };
        check(Field::Mixture, &alike);
    }
    found
}

/// Whether there is a response where the others have one, and a well-formed one at that.
fn difference_without_response(outcomes: &[Outcome; 3]) -> Option<Difference> {
    let [ours, nsd, knot] = outcomes;
    let same = |a: &Outcome, b: &Outcome| std::mem::discriminant(a) == std::mem::discriminant(b);
    let malformed = matches!(ours, Outcome::Malformed(_));
    let differs = malformed || !same(ours, nsd) && !same(ours, knot);
    differs.then(|| Difference { field: Field::Response, others_agree: same(nsd, knot) })
}

/// Another server's response without what it may as well leave out: records that it repeats (RFC 2181 §5), and, beside a
/// complete answer, the zone's name servers and their addresses (RFC 1034 §4.3.2 does not ask for them).
fn comparable(response: &Response, origins: &[Name]) -> Response {
    let mut response = response.clone();
    response.sections.iter_mut().for_each(Vec::dedup);
    let [answer, authority, additional] = &mut response.sections;
    if response.flags & AA != 0 && !answer.is_empty() {
        let courtesy = |record: &Record| record.rtype == NS && origins.contains(&record.owner);
        let servers: Vec<Vec<u8>> =
            authority.extract_if(.., |record| courtesy(record)).map(|record| record.rdata).collect();
        let wanted = |owner: &[u8]| answer.iter().any(|record| record.rdata.ends_with(owner));
        additional.retain(|record| {
            let owner = record.owner.wire();
            !servers.contains(&owner) || wanted(&owner)
        });
    }
    response
}

/// How much more or less room servers may need for equal records, as each compresses names in its own way.
const SLACK: usize = 64;
/// The addresses of as many names as servers may choose among where there is no room for all.
const CHOICE: usize = 8 * 28;
const NS: u16 = 2;
const DNAME: u16 = 39;

/// Whether one of two may be truncated and the other not, for the way in which names are compressed.
fn may_truncate(query: &Query, a: &Response, b: &Response) -> bool {
    let roomy = if a.truncated() { b } else { a };
    let synthesized = roomy.sections[0].iter().any(|record| record.rtype == DNAME);
    // not every server compresses against names that it has made itself
    let most = if synthesized { roomy.uncompressed_len() } else { roomy.len + SLACK };
    most > query.limit()
}

/// Whether servers had to choose what to add.
fn tight(query: &Query, a: &Response, b: &Response) -> bool {
    a.len.max(b.len) + CHOICE > query.limit()
}
