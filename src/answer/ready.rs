//! Answers that need no composing: what was made ready at load, and the variants of the plan.

use crate::base::{PolicyId, PoolId, Ttl, ZoneId};
use crate::snapshot::{Covered, Place, Ready};
use crate::steer::FamilyPlan;
use crate::wire::{Class, Question, Rcode, Rtype, Sections};

use super::compose::end;
use super::counters::Steered;
use super::limit::{Bucket, Kind};
use super::resolve::Asker;
use super::worker::Worker;

/// An answer that only has to be written.
pub(super) struct Found<'a> {
    pub(super) ready: Ready<'a>,
    /// SCOPE PREFIX-LENGTH of the response (RFC 7871 §7.2.1).
    pub(super) scope: u8,
    covered: Covered,
    /// Octets at the name's end that all names share which get the same answer.
    shared: usize,
    /// The zone of the name.
    zone: ZoneId,
    /// What was drawn, if the name is steered.
    pub(super) drawn: Option<Drawn>,
}

/// A variant that was drawn.
#[derive(Clone, Copy)]
pub(super) struct Drawn {
    /// The TTL of its records, which they do not have yet.
    pub(super) ttl: Ttl,
    /// Octets of a record.
    pub(super) stride: usize,
    policy: PolicyId,
    pool: PoolId,
}

/// Finds the answer to a question; none where it has to be composed.
#[inline]
pub(super) fn find<'a>(
    asker: &Asker<'a>,
    question: &Question<'a>,
    dnssec_ok: bool,
    worker: &mut Worker,
) -> Option<Found<'a>> {
    if question.class != Class::IN || question.rtype == Rtype::ANY {
        return None;
    }
    let place = asker.snap.loaded.answers.place(question.name, question.hash)?;
    let Place { zone, covered, shared, .. } = place;
    if let Some(found) = place.steered.and_then(|number| steered(asker, question.rtype, number, worker)) {
        let (ready, scope, drawn) = found?;
        return Some(Found { ready, scope, covered, shared, zone, drawn: Some(drawn) });
    }
    let ready = place.ready(question.rtype, dnssec_ok)?;
    Some(Found { ready, scope: 0, covered, shared, zone, drawn: None })
}

impl Found<'_> {
    /// What its rate is counted as.
    pub(super) fn bucket<'q>(&self, question: &Question<'q>) -> Bucket<'q> {
        let kind = match self.covered {
            Covered::Exact => Kind::Name,
            Covered::Wildcard => Kind::Wildcard,
            Covered::Delegation => Kind::Referral,
            Covered::Nothing => Kind::NxDomain,
        };
        (kind, end(question.name, self.shared))
    }

    /// Counts it.
    pub(super) fn count(&self, asker: &Asker<'_>, worker: &Worker) {
        let loaded = &asker.snap.loaded;
        worker.count_zone(loaded, self.zone);
        if let Some(drawn) = self.drawn {
            worker.count_steered(loaded, drawn.policy, Steered::Pool);
            worker.count_pool(loaded, drawn.pool);
        }
    }
}

/// Draws what the plan answers: nothing if it does not answer the type, none within where that has to be composed.
#[allow(clippy::option_option, reason = "not steered, and steered without a variant, are two things")]
#[inline]
fn steered<'a>(
    asker: &Asker<'a>,
    rtype: Rtype,
    number: u32,
    worker: &mut Worker,
) -> Option<Option<(Ready<'a>, u8, Drawn)>> {
    let steering = &asker.snap.loaded.steering;
    let name = steering.names.get(number as usize)?;
    let family = name.family(rtype)?;
    let (place, scope) = asker.locate(name);
    let FamilyPlan::Pools(draw) = place.catchment.family(family) else { return Some(None) };
    let drawn = match place.key {
        Some(key) => draw.rendezvous_variant(key),
        None => Some(draw.variant(worker.random.u64(..))),
    };
    Some(drawn.map(|(pool, variant)| {
        let sections = Sections { octets: variant.octets(), patches: &[], counts: [variant.count(), 0, 0] };
        let ready = Ready { rcode: Rcode::NOERROR, authoritative: true, sections };
        let ttl = asker.ttl(place.catchment, name);
        (ready, scope, Drawn { ttl, stride: variant.stride(), policy: name.policy, pool })
    }))
}
