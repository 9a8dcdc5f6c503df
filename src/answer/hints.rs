//! SVCB and HTTPS records of a steered name: address hints that agree with its A and AAAA (RFC 9460 §7.3).
//!
//! A client may connect to a hint without asking for addresses, so a hint is steered as they are: drawn from the same
//! plan. Only records whose target is the owner itself (`.`, RFC 9460 §2.5.2) are changed.

use crate::steer::{AnswerFamily, CatchmentPlan, FamilyPlan, SteeredName};
use crate::wire::{Body, Class, Full, Owner, Section};
use crate::zone::{Node, RrSet, Zone};

use super::additional::additional;
use super::compose::Composer;
use super::counters::Steered as Counted;
use super::resolve::{Next, Resolver, Stop};
use super::worker::Worker;

/// SvcParamKeys (RFC 9460 §14.3.2).
const MANDATORY: u16 = 0;
const IPV4HINT: u16 = 4;
const IPV6HINT: u16 = 6;

/// Where the hints of one answer come from.
struct Hints<'a> {
    catchment: &'a CatchmentPlan,
    steered: &'a SteeredName,
    node: Node<'a>,
    /// A sticky client's key.
    key: Option<u64>,
    /// What draws the others, for both families alike, so that both are of one pool.
    random: u64,
}

impl Resolver<'_> {
    /// Answers with a steered name's SVCB or HTTPS records.
    #[allow(clippy::too_many_arguments, reason = "one stage of the pipeline, called once")]
    pub(super) fn service(
        &self,
        zone: &Zone,
        node: Node<'_>,
        steered: &SteeredName,
        rrset: RrSet<'_>,
        owner: Owner<'_>,
        composer: &mut Composer<'_>,
        worker: &mut Worker,
    ) -> Result<Next, Stop> {
        let asker = self.asker.ok_or(Stop::Personal)?;
        let place = asker.place(steered, composer);
        let hints = Hints { catchment: place.catchment, steered, node, key: place.key, random: worker.random.u64(..) };
        let ttl = if hints.are_of_pools() { asker.ttl(place.catchment, steered) } else { steered.ttl.min };
        let ttl = ttl.min(rrset.ttl()).secs();
        for rdata in rrset.rdatas() {
            match own_params(rdata) {
                Some(params) => {
                    let record = composer.body.open(Section::Answer, owner, rrset.rtype(), Class::IN, ttl)?;
                    composer.body.put(&rdata[..rdata.len() - params.len()])?;
                    hints.put_params(params, &mut composer.body)?;
                    composer.body.close(&record);
                }
                None => composer.body.record(Section::Answer, owner, rrset.rtype(), ttl, rdata)?,
            }
        }
        additional(zone, node, owner, rrset, composer);
        worker.count_steered(self.loaded, steered.policy, Counted::Pool);
        Ok(Next::Done)
    }
}

/// The parameters of a record in ServiceMode whose target is its owner.
fn own_params(rdata: &[u8]) -> Option<&[u8]> {
    let &[p0, p1, 0, ref params @ ..] = rdata else { return None };
    (u16::from_be_bytes([p0, p1]) != 0).then_some(params)
}

/// Key and value of each parameter, in order of key.
fn params(mut rest: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let &[k0, k1, l0, l1, ref tail @ ..] = rest else { return None };
        let (value, tail) = tail.split_at_checked(usize::from(u16::from_be_bytes([l0, l1])))?;
        rest = tail;
        Some((u16::from_be_bytes([k0, k1]), value))
    })
}

impl Hints<'_> {
    /// Writes a record's parameters, its own hints replaced where the family is steered. Keys stay in order.
    fn put_params(&self, octets: &[u8], body: &mut Body) -> Result<(), Full> {
        let mandatory = params(octets).find(|&(key, _)| key == MANDATORY).map(|(_, keys)| keys);
        if let Some(keys) = mandatory {
            self.put_mandatory(keys, body)?;
        }
        let mut written = MANDATORY;
        for (key, value) in params(octets).filter(|&(key, _)| key != MANDATORY) {
            self.put_hints(written + 1..=key, body)?;
            if self.family(key).is_none() {
                put_param(key, value, body)?;
            }
            written = key;
        }
        self.put_hints(written.saturating_add(1)..=IPV6HINT, body)
    }

    /// Writes the drawn hints whose keys are in a range.
    fn put_hints(&self, keys: std::ops::RangeInclusive<u16>, body: &mut Body) -> Result<(), Full> {
        let hints = [IPV4HINT, IPV6HINT].into_iter().filter(|key| keys.contains(key));
        hints.filter_map(|key| Some((key, self.family(key)?))).try_for_each(|(key, family)| {
            let before = body.mark();
            put_param(key, &[], body)?;
            let start = body.len();
            self.put_addresses(family, body)?;
            if body.len() == start {
                body.roll_back(before); // an empty hint is malformed (RFC 9460 §7.3)
            } else {
                body.set(start - 2, (body.len() - start) as u16); // within the room, which a message has
            }
            Ok(())
        })
    }

    /// Writes the keys that a client must understand, without those of hints that are not there (RFC 9460 §8).
    fn put_mandatory(&self, keys: &[u8], body: &mut Body) -> Result<(), Full> {
        let before = body.mark();
        put_param(MANDATORY, &[], body)?;
        let start = body.len();
        for key in keys.as_chunks::<2>().0 {
            let gone = self.family(u16::from_be_bytes(*key)).is_some_and(|family| !self.has(family));
            if !gone {
                body.put(key)?;
            }
        }
        if body.len() == start {
            body.roll_back(before);
        } else {
            body.set(start - 2, (body.len() - start) as u16); // no longer than it was
        }
        Ok(())
    }

    /// The family of a hint's key, if the name is steered in it.
    fn family(&self, key: u16) -> Option<AnswerFamily> {
        let family = match key {
            IPV4HINT => AnswerFamily::V4,
            IPV6HINT => AnswerFamily::V6,
            _ => return None,
        };
        self.steered.offers(family).then_some(family)
    }

    /// Whether there is an address of a family to hint at.
    fn has(&self, family: AnswerFamily) -> bool {
        match self.catchment.family(family) {
            FamilyPlan::Pools(_) => true,
            FamilyPlan::LastResort | FamilyPlan::LastResortOrFail => self.node.rrset(family.rtype()).is_some(),
            FamilyPlan::NoData | FamilyPlan::ServFail => false,
        }
    }

    fn are_of_pools(&self) -> bool {
        self.steered.offered().all(|family| matches!(self.catchment.family(family), FamilyPlan::Pools(_)))
    }

    /// Writes the addresses that the name's A or AAAA records would have.
    fn put_addresses(&self, family: AnswerFamily, body: &mut Body) -> Result<(), Full> {
        let mut written = Ok(());
        let mut put = |address: &[u8]| written = written.and_then(|()| body.put(address));
        match self.catchment.family(family) {
            FamilyPlan::Pools(draw) => match self.key {
                Some(key) => _ = draw.rendezvous(key, put),
                None => _ = draw.draw(self.random, put),
            },
            FamilyPlan::LastResort | FamilyPlan::LastResortOrFail => {
                self.node.rrset(family.rtype()).into_iter().flat_map(RrSet::rdatas).for_each(&mut put);
            }
            FamilyPlan::NoData | FamilyPlan::ServFail => {}
        }
        written
    }
}

fn put_param(key: u16, value: &[u8], body: &mut Body) -> Result<(), Full> {
    body.put(&key.to_be_bytes())?;
    body.put(&(value.len() as u16).to_be_bytes())?; // it came with a length of two octets
    body.put(value)
}
