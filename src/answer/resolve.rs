//! RFC 1034 §4.3.2 within what is served here: zone, name, type, chains of CNAME and DNAME, referral, negative answer.

use crate::base::{Now, ZoneId};
use crate::snapshot::{Loaded, Snapshot};
use crate::wire::{Class, EdnsQuery, Full, NameBuf, NameRef, Owner, Question, Rcode, Rtype, Section};
use crate::zone::{Found, Node, Zone};

use super::additional::{additional, glue};
use super::ahead::Located;
use super::compose::Composer;
use super::limit::Kind;
use super::meta::{Meta, Transport};
use super::status::Status;
use super::worker::{MAX_CHAIN, Worker};

/// A query to be resolved.
pub(super) struct Resolver<'a> {
    pub(super) loaded: &'a Loaded,
    pub(super) question: &'a Question<'a>,
    /// What the question's name is, where that is known beforehand.
    pub(super) known: Option<(ZoneId, &'a Zone, Found<'a>)>,
    /// None where an answer is made ready before anybody asks.
    pub(super) asker: Option<Asker<'a>>,
}

/// Who asks, when, and what the answer to that may follow from.
#[derive(Clone, Copy)]
pub(super) struct Asker<'a> {
    pub(super) snap: &'a Snapshot,
    pub(super) edns: Option<&'a EdnsQuery>,
    /// Where a policy has the client, if that was found already.
    pub(super) located: Option<Located>,
    pub(super) meta: &'a Meta,
    pub(super) now: Now,
}

/// What follows once a name of a chain is dealt with.
#[allow(clippy::large_enum_variant, reason = "it is moved once a link of a chain; a box would allocate")]
pub(super) enum Next {
    /// The response is complete.
    Done,
    /// A CNAME was answered that leads here.
    Follow(NameBuf),
}

/// Why a stage stops short.
pub(super) enum Stop {
    /// What must be there does not fit.
    Full,
    /// There is no ordinary answer.
    Fail(Status),
    /// It depends on who asks, and nobody does.
    Personal,
}

impl From<Full> for Stop {
    fn from(_: Full) -> Self {
        Self::Full
    }
}

impl From<Status> for Stop {
    fn from(status: Status) -> Self {
        Self::Fail(status)
    }
}

/// TTL of the synthesized HINFO that answers ANY (RFC 8482 §4.2).
const ANY_TTL: u32 = 3600;
/// Its RDATA: CPU "RFC8482", OS "".
const ANY_HINFO: &[u8] = b"\x07RFC8482\x00";

impl Resolver<'_> {
    /// Composes the answer to whoever asks.
    pub(super) fn resolve(&self, composer: &mut Composer<'_>, worker: &mut Worker) -> Result<(), Status> {
        let done = self.compose(composer, worker);
        composer.authoritative &= self.question.class != Class::ANY; // there are other classes (RFC 1035 §6.2)
        match done {
            Ok(()) => {}
            Err(Stop::Fail(status)) => return Err(status),
            Err(Stop::Full | Stop::Personal) => composer.truncate()?,
        }
        if composer.is_truncated() {
            worker.counters.truncated.increment();
        }
        Ok(())
    }

    /// Composes the sections, following CNAME and DNAME as long as they stay in zones served here.
    pub(super) fn compose(&self, composer: &mut Composer<'_>, worker: &mut Worker) -> Result<(), Stop> {
        worker.chain.clear();
        worker.dnames.clear();
        let mut followed: Option<NameBuf> = None;
        loop {
            let name = followed.as_ref().map_or(self.question.name, NameBuf::as_ref);
            let known = self.known.filter(|_| followed.is_none());
            let Some((id, zone, found)) = known.or_else(|| self.find(name)) else {
                return if worker.chain.is_empty() { Err(Status::Refused.into()) } else { Ok(()) };
            };
            if worker.chain.is_empty() {
                worker.count_zone(self.loaded, id);
            }
            let target = match self.one_name(zone, name, found, composer, worker)? {
                Next::Done => return Ok(()),
                Next::Follow(target) => target,
            };
            worker.chain.push(NameBuf::lowercase(name));
            let seen = worker.chain.iter().any(|owner| owner.as_ref() == target.as_ref());
            if seen || worker.chain.len() == MAX_CHAIN {
                return Ok(());
            }
            followed = Some(target);
        }
    }

    fn find(&self, name: NameRef<'_>) -> Option<(ZoneId, &Zone, Found<'_>)> {
        let (id, zone) = self.loaded.zones.responsible(name, self.question.rtype)?;
        Some((id, zone, zone.find(name)))
    }

    fn one_name(
        &self,
        zone: &Zone,
        name: NameRef<'_>,
        found: Found<'_>,
        composer: &mut Composer<'_>,
        worker: &mut Worker,
    ) -> Result<Next, Stop> {
        let first = worker.chain.is_empty();
        let owner = if first { Owner::Question } else { Owner::Name(name) };
        if first {
            composer.cover(kind(found), shared_end(zone, found));
        }
        match found {
            Found::Exact(node) | Found::Wildcard(node) => self.node(zone, node, owner, composer, worker),
            Found::Delegation(cut) if self.question.rtype == Rtype::DS && cut.name() == name => {
                self.data(zone, cut, owner, composer)
            }
            Found::Delegation(cut) => self.referral(zone, cut, composer, worker),
            Found::Dname(node) => self.dname(node, name, owner, composer, worker),
            Found::NxDomain => {
                composer.rcode = Rcode::NXDOMAIN;
                negative(zone, None, composer)
            }
        }
    }

    fn node(
        &self,
        zone: &Zone,
        node: Node<'_>,
        owner: Owner<'_>,
        composer: &mut Composer<'_>,
        worker: &mut Worker,
    ) -> Result<Next, Stop> {
        match node.steered() {
            Some(number) => {
                let steered = &self.loaded.steering.names[number as usize];
                self.steered(zone, node, steered, owner, composer, worker)
            }
            // an RRset is in a section once, however often a chain meets it (RFC 2181 §5)
            None if self.question.rtype == Rtype::DNAME && worker.has_dname(node.name()) => Ok(Next::Done),
            None => self.data(zone, node, owner, composer),
        }
    }

    /// Answers from a node's static records.
    pub(super) fn data(
        &self,
        zone: &Zone,
        node: Node<'_>,
        owner: Owner<'_>,
        composer: &mut Composer<'_>,
    ) -> Result<Next, Stop> {
        let rtype = self.question.rtype;
        if let Some(rrset) = node.rrset(rtype) {
            composer.rrset(Section::Answer, owner, rrset, rrset.ttl().secs())?;
            additional(zone, node, owner, rrset, composer);
            return Ok(Next::Done);
        }
        if let Some(cname) = node.rrset(Rtype::CNAME) {
            composer.rrset(Section::Answer, owner, cname, cname.ttl().secs())?;
            let target = cname.rdatas().next().and_then(NameRef::from_wire);
            return Ok(target
                .filter(|_| rtype != Rtype::ANY)
                .map_or(Next::Done, |target| Next::Follow(NameBuf::lowercase(target))));
        }
        if rtype == Rtype::ANY && !node.is_empty() {
            return self.any(zone, node, owner, composer);
        }
        negative(zone, None, composer)
    }

    /// Answers ANY: with all there is where the source is known to be real, else with little (RFC 8482 §4.4).
    fn any(&self, zone: &Zone, node: Node<'_>, owner: Owner<'_>, composer: &mut Composer<'_>) -> Result<Next, Stop> {
        let asker = self.asker.ok_or(Stop::Personal)?;
        if asker.meta.transport == Transport::Udp {
            return any_hinfo(owner, composer);
        }
        for (at, rrset) in node.rrsets().enumerate() {
            if at == 0 {
                composer.rrset(Section::Answer, owner, rrset, rrset.ttl().secs())?;
            } else {
                composer.optional(Section::Answer, owner, rrset); // a subset is an answer (RFC 8482 §4.1)
            }
        }
        node.rrsets().for_each(|rrset| additional(zone, node, owner, rrset, composer));
        Ok(Next::Done)
    }

    /// RFC 1034 §4.3.2 step 3b: the NS records of the cut, with the addresses they need.
    fn referral(&self, zone: &Zone, cut: Node<'_>, composer: &mut Composer<'_>, worker: &Worker) -> Result<Next, Stop> {
        let Some(servers) = cut.rrset(Rtype::NS) else { return negative(zone, None, composer) };
        composer.authoritative = !worker.chain.is_empty(); // AA speaks of the first owner name (RFC 1035 §4.1.1)
        composer.scope = 0;
        composer.rrset(Section::Authority, Owner::Name(cut.name()), servers, servers.ttl().secs())?;
        // glue inside the delegated zone cannot be found elsewhere (RFC 9471 §3.1)
        if glue(zone, cut, servers, composer) { Ok(Next::Done) } else { Err(Stop::Full) }
    }

    /// RFC 6672 §3.2 step 3C: the DNAME, and a CNAME synthesized from it.
    fn dname(
        &self,
        node: Node<'_>,
        name: NameRef<'_>,
        owner: Owner<'_>,
        composer: &mut Composer<'_>,
        worker: &mut Worker,
    ) -> Result<Next, Stop> {
        let dname =
            node.rrset(Rtype::DNAME).and_then(|rrset| Some((rrset, NameRef::from_wire(rrset.rdatas().next()?)?)));
        let Some((rrset, substitute)) = dname else { return Ok(Next::Done) };
        let ttl = rrset.ttl().secs();
        if !worker.has_dname(node.name()) {
            composer.rrset(Section::Answer, Owner::Name(node.name()), rrset, ttl)?;
            worker.dnames.push(NameBuf::lowercase(node.name()));
        }
        let Some(target) = NameBuf::substituted(name, node.name(), substitute) else {
            composer.rcode = Rcode::YXDOMAIN; // RFC 6672 §2.2
            return Ok(Next::Done);
        };
        composer.body.record(Section::Answer, owner, Rtype::CNAME, ttl, target.as_ref().as_wire())?;
        // below itself, it would only make the name longer and longer
        let complete = self.question.rtype == Rtype::CNAME || substitute.is_within(node.name());
        Ok(if complete { Next::Done } else { Next::Follow(NameBuf::lowercase(target.as_ref())) })
    }
}

/// What the rate of an answer is counted as.
fn kind(found: Found<'_>) -> Kind {
    match found {
        Found::Exact(_) => Kind::Name,
        Found::Wildcard(_) => Kind::Wildcard,
        Found::Dname(_) => Kind::Dname,
        Found::Delegation(_) => Kind::Referral,
        Found::NxDomain => Kind::NxDomain,
    }
}

/// The part of the question's name that all names share for which this was found.
fn shared_end<'z>(zone: &'z Zone, found: Found<'z>) -> NameRef<'z> {
    match found {
        Found::Exact(node) | Found::Delegation(node) | Found::Dname(node) => node.name(),
        Found::Wildcard(node) => node.name().parent().unwrap_or(zone.origin()),
        Found::NxDomain => zone.origin(),
    }
}

/// Answers ANY with a synthesized HINFO (RFC 8482 §4.2).
pub(super) fn any_hinfo(owner: Owner<'_>, composer: &mut Composer<'_>) -> Result<Next, Stop> {
    composer.body.record(Section::Answer, owner, Rtype::HINFO, ANY_TTL, ANY_HINFO)?;
    Ok(Next::Done)
}

/// Ends in SOA, with the TTL that negative caching goes by (RFC 2308 §3), or a shorter one.
pub(super) fn negative(zone: &Zone, at_most: Option<u32>, composer: &mut Composer<'_>) -> Result<Next, Stop> {
    composer.scope = 0; // RFC 7871 §7.4
    let ttl = zone.negative_ttl().secs();
    let ttl = at_most.map_or(ttl, |at_most| ttl.min(at_most));
    composer.share_less(zone.origin());
    composer.rrset(Section::Authority, Owner::Name(zone.origin()), zone.soa(), ttl)?;
    Ok(Next::Done)
}
