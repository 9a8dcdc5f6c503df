//! RFC 1034 §4.3.2 within what is served here: zone, name, type, CNAME chain, referral, negative answer.

use crate::base::Now;
use crate::snapshot::Snapshot;
use crate::wire::{EdnsQuery, Full, NameBuf, NameRef, Question, Rcode, Rtype, Section};
use crate::zone::{Found, Node, RrSet, Zone};

use super::compose::Composer;
use super::meta::Meta;
use super::status::Status;
use super::worker::{MAX_CHAIN, Worker};

/// A query to be resolved.
pub(super) struct Resolver<'a> {
    pub(super) snap: &'a Snapshot,
    pub(super) question: &'a Question<'a>,
    pub(super) edns: Option<&'a EdnsQuery>,
    pub(super) meta: &'a Meta,
    pub(super) now: Now,
}

/// What follows once a name of a chain is dealt with.
pub(super) enum Next<'z> {
    /// The response is complete.
    Done,
    /// A CNAME was answered that leads here.
    Follow(NameRef<'z>),
}

/// Why a stage stops short.
pub(super) enum Stop {
    /// What must be there does not fit.
    Full,
    /// There is no ordinary answer.
    Fail(Status),
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
    /// Composes the answer.
    pub(super) fn resolve(&self, composer: &mut Composer<'_, '_>, worker: &mut Worker) -> Result<(), Status> {
        worker.chain.clear();
        let done = self.chain(composer, worker);
        match done {
            Ok(()) => {}
            Err(Stop::Fail(status)) => return Err(status),
            Err(Stop::Full) => composer.truncate()?,
        }
        if composer.is_truncated() {
            worker.counters.truncated.increment();
        }
        Ok(())
    }

    /// Follows CNAMEs as long as they stay in zones served here.
    fn chain(&self, composer: &mut Composer<'_, '_>, worker: &mut Worker) -> Result<(), Stop> {
        let mut name = self.question.name.clone();
        loop {
            let Some((id, zone)) = self.snap.loaded.zones.responsible(name.as_ref(), self.question.rtype) else {
                return if worker.chain.is_empty() { Err(Status::Refused.into()) } else { Ok(()) };
            };
            if worker.chain.is_empty() {
                worker.count_zone(self.snap, id);
            }
            let target = match self.one_name(zone, name.as_ref(), composer, worker)? {
                Next::Done => return Ok(()),
                Next::Follow(target) => NameBuf::lowercase(target),
            };
            worker.chain.push(std::mem::replace(&mut name, target));
            let seen = worker.chain.iter().any(|owner| owner.as_ref() == name.as_ref());
            if seen || worker.chain.len() == MAX_CHAIN {
                return Ok(());
            }
        }
    }

    fn one_name<'z>(
        &self,
        zone: &'z Zone,
        name: NameRef<'_>,
        composer: &mut Composer<'_, '_>,
        worker: &mut Worker,
    ) -> Result<Next<'z>, Stop> {
        match zone.find(name) {
            Found::Exact(node) | Found::Wildcard(node) => self.node(zone, node, name, composer, worker),
            Found::Delegation(cut) if self.question.rtype == Rtype::DS && cut.name() == name => {
                self.data(zone, cut, name, composer)
            }
            Found::Delegation(cut) => self.referral(zone, cut, composer, worker),
            Found::NxDomain => {
                composer.rcode = Rcode::NXDOMAIN;
                negative(zone, None, composer)
            }
        }
    }

    fn node<'z>(
        &self,
        zone: &'z Zone,
        node: Node<'z>,
        name: NameRef<'_>,
        composer: &mut Composer<'_, '_>,
        worker: &mut Worker,
    ) -> Result<Next<'z>, Stop> {
        match node.steered() {
            Some(number) => {
                let steered = &self.snap.loaded.steering.names[number as usize];
                self.steered(zone, node, steered, name, composer, worker)
            }
            None => self.data(zone, node, name, composer),
        }
    }

    /// Answers from a node's static records.
    pub(super) fn data<'z>(
        &self,
        zone: &'z Zone,
        node: Node<'z>,
        owner: NameRef<'_>,
        composer: &mut Composer<'_, '_>,
    ) -> Result<Next<'z>, Stop> {
        let rtype = self.question.rtype;
        if let Some(rrset) = node.rrset(rtype) {
            composer.rrset(Section::Answer, owner, rrset, rrset.ttl().secs())?;
            additional(zone, rrset, composer);
            return Ok(Next::Done);
        }
        if let Some(cname) = node.rrset(Rtype::CNAME) {
            composer.rrset(Section::Answer, owner, cname, cname.ttl().secs())?;
            let target = cname.rdatas().next().and_then(NameRef::from_wire);
            return Ok(target.filter(|_| rtype != Rtype::ANY).map_or(Next::Done, Next::Follow));
        }
        if rtype == Rtype::ANY && !node.is_empty() {
            return any(owner, composer);
        }
        negative(zone, None, composer)
    }

    /// RFC 1034 §4.3.2 step 3b: the NS records of the cut, with the addresses they need.
    fn referral<'z>(
        &self,
        zone: &'z Zone,
        cut: Node<'z>,
        composer: &mut Composer<'_, '_>,
        worker: &Worker,
    ) -> Result<Next<'z>, Stop> {
        let Some(servers) = cut.rrset(Rtype::NS) else { return negative(zone, None, composer) };
        composer.authoritative = !worker.chain.is_empty(); // AA speaks of the first owner name (RFC 1035 §4.1.1)
        composer.scope = 0;
        composer.rrset(Section::Authority, cut.name(), servers, servers.ttl().secs())?;
        let mut complete = true;
        for target in targets(servers, 0) {
            let fits = addresses(zone, target, composer);
            complete &= fits || !target.is_within(cut.name());
        }
        // glue inside the delegated zone cannot be found elsewhere (RFC 9471 §3.1)
        if complete { Ok(Next::Done) } else { Err(Stop::Full) }
    }
}

/// Answers ANY with a synthesized HINFO (RFC 8482 §4.2).
pub(super) fn any<'z>(owner: NameRef<'_>, composer: &mut Composer<'_, '_>) -> Result<Next<'z>, Stop> {
    composer.record(Section::Answer, owner, Rtype::HINFO, ANY_TTL, ANY_HINFO)?;
    Ok(Next::Done)
}

/// Ends in SOA, with the TTL that negative caching goes by (RFC 2308 §3), or a shorter one.
pub(super) fn negative<'z>(
    zone: &'z Zone,
    at_most: Option<u32>,
    composer: &mut Composer<'_, '_>,
) -> Result<Next<'z>, Stop> {
    composer.scope = 0; // RFC 7871 §7.4
    let ttl = zone.negative_ttl().secs();
    let ttl = at_most.map_or(ttl, |at_most| ttl.min(at_most));
    composer.rrset(Section::Authority, zone.origin(), zone.soa(), ttl)?;
    Ok(Next::Done)
}

/// Adds the addresses of the names that an RRset leads to, as far as the zone has them and they fit.
pub(super) fn additional(zone: &Zone, rrset: RrSet<'_>, composer: &mut Composer<'_, '_>) {
    let skip = match rrset.rtype() {
        Rtype::NS => 0,
        Rtype::MX => 2,
        Rtype::SRV => 6,
        _ => return,
    };
    for target in targets(rrset, skip) {
        addresses(zone, target, composer);
    }
}

/// The names that stand behind `skip` octets of each RDATA, each once.
fn targets<'z>(rrset: RrSet<'z>, skip: usize) -> impl Iterator<Item = NameRef<'z>> {
    let target = move |rdata: &'z [u8]| NameRef::from_wire(rdata.get(skip..)?);
    let earlier = move |count| rrset.rdatas().take(count).filter_map(target);
    let all = rrset.rdatas().enumerate().filter_map(move |(at, rdata)| Some((at, target(rdata)?)));
    all.filter(move |&(at, name)| !earlier(at).any(|other| other == name)).map(|(_, name)| name)
}

/// Adds a name's static A and AAAA; steered addresses are never additional. Returns whether all fitted.
fn addresses(zone: &Zone, target: NameRef<'_>, composer: &mut Composer<'_, '_>) -> bool {
    let target = NameBuf::lowercase(target);
    let Some(node) = zone.get(target.as_ref()).filter(|node| node.steered().is_none()) else { return true };
    let mut rrsets = [Rtype::A, Rtype::AAAA].into_iter().filter_map(|rtype| node.rrset(rtype));
    rrsets.all(|rrset| composer.optional(Section::Additional, node.name(), rrset))
}
