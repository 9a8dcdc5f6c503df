//! Answers of steered names: which client, which catchment, which variant, which TTL, which scope.

use std::net::IpAddr;

use crate::base::{Prefix, Ttl};
use crate::snapshot::Snapshot;
use crate::steer::{AnswerFamily, CatchmentPlan, FamilyPlan, Policy, PolicyPlan, PoolDraw, SteeredName};
use crate::wire::{ClientSubnet, Owner, Rtype, Section};
use crate::zone::{Node, Zone};

use super::ahead::Located;
use super::compose::Composer;
use super::counters::Steered as Counted;
use super::resolve::{Asker, Next, Resolver, Stop, any_hinfo, negative};
use super::status::Status;
use super::worker::Worker;

/// Whom an answer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// Client Subnet's address, else the resolver's.
    pub addr: IpAddr,
    /// Whether it came by Client Subnet, so that the answer has a scope.
    pub by_subnet: bool,
}

impl Client {
    /// §5.9: Client Subnet's address where there is one and it says anything, else the resolver's.
    #[must_use]
    pub fn of(policy: &Policy, subnet: Option<&ClientSubnet>, resolver: IpAddr) -> Self {
        match subnet.filter(|subnet| policy.use_ecs && subnet.source > 0) {
            Some(subnet) => Self { addr: subnet.addr, by_subnet: true },
            None => Self { addr: resolver, by_subnet: false },
        }
    }

    /// The network that a sticky policy keeps together (§5.9).
    #[must_use]
    pub fn sticky_network(self) -> Prefix {
        Prefix::around(self.addr, if self.addr.is_ipv4() { STICKY_V4 } else { STICKY_V6 })
    }

    /// The key that a sticky policy gives it; none if the policy draws anew each time.
    #[must_use]
    pub fn sticky_key(self, plan: &PolicyPlan) -> Option<u64> {
        let network = match self.sticky_network().addr() {
            IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
            IpAddr::V6(v6) => v6.octets(),
        };
        plan.sticky_key(&network)
    }
}

/// Where a client belongs.
pub(super) struct Place<'a> {
    pub(super) catchment: &'a CatchmentPlan,
    /// What a sticky policy draws by.
    pub(super) key: Option<u64>,
}

/// A `sticky` policy keeps together what is at least this close: scope and key of IPv4 and IPv6 clients (§5.9).
const STICKY_V4: u8 = 24;
const STICKY_V6: u8 = 48;

impl Resolver<'_> {
    /// Answers at a steered name.
    pub(super) fn steered(
        &self,
        zone: &Zone,
        node: Node<'_>,
        steered: &SteeredName,
        owner: Owner<'_>,
        composer: &mut Composer<'_>,
        worker: &mut Worker,
    ) -> Result<Next, Stop> {
        let rtype = self.question.rtype;
        if let Some(family) = steered.family(rtype) {
            return self.by_plan(zone, node, steered, family, owner, composer, worker);
        }
        match rtype {
            Rtype::ANY => any_hinfo(owner, composer),
            _ if let Some(rrset) = node.rrset(rtype) => match rtype {
                Rtype::SVCB | Rtype::HTTPS => self.service(zone, node, steered, rrset, owner, composer, worker),
                _ => self.data(zone, node, owner, composer),
            },
            _ => negative(zone, Some(steered.ttl.min.secs()), composer),
        }
    }

    #[allow(clippy::too_many_arguments, reason = "one stage of the pipeline, called once")]
    fn by_plan(
        &self,
        zone: &Zone,
        node: Node<'_>,
        steered: &SteeredName,
        family: AnswerFamily,
        owner: Owner<'_>,
        composer: &mut Composer<'_>,
        worker: &mut Worker,
    ) -> Result<Next, Stop> {
        let asker = self.asker.ok_or(Stop::Personal)?;
        let Place { catchment, key } = asker.place(steered, composer);
        let min = steered.ttl.min;
        let count = |worker: &Worker, what| worker.count_steered(self.loaded, steered.policy, what);
        match catchment.family(family) {
            FamilyPlan::Pools(draw) => {
                count(worker, Counted::Pool);
                let ttl = asker.ttl(catchment, steered);
                self.variant(draw, key, family, ttl, owner, composer, worker)
            }
            FamilyPlan::LastResort => {
                let answered = last_resort(node, family, min, owner, composer);
                count(worker, if answered.is_some() { Counted::LastResort } else { Counted::NoData });
                answered.unwrap_or_else(|| negative(zone, Some(min.secs()), composer))
            }
            FamilyPlan::LastResortOrFail => {
                let answered = last_resort(node, family, min, owner, composer);
                count(worker, if answered.is_some() { Counted::LastResort } else { Counted::ServFail });
                answered.unwrap_or(Err(Stop::Fail(Status::NothingUsable)))
            }
            FamilyPlan::NoData => {
                count(worker, Counted::NoData);
                negative(zone, Some(min.secs()), composer)
            }
            FamilyPlan::ServFail => {
                count(worker, Counted::ServFail);
                Err(Stop::Fail(Status::NothingUsable))
            }
        }
    }

    /// Writes one answer, drawn by share or by the client's key.
    #[allow(clippy::too_many_arguments, reason = "one stage of the pipeline, called once")]
    fn variant(
        &self,
        draw: &PoolDraw,
        key: Option<u64>,
        family: AnswerFamily,
        ttl: Ttl,
        owner: Owner<'_>,
        composer: &mut Composer<'_>,
        worker: &mut Worker,
    ) -> Result<Next, Stop> {
        let mut written = Ok(());
        let mut write = |rdata: &[u8]| {
            if written.is_ok() {
                written = composer.body.record(Section::Answer, owner, family.rtype(), ttl.secs(), rdata);
            }
        };
        let pool = match key {
            Some(key) => draw.rendezvous(key, &mut write),
            None => Some(draw.draw(worker.random.u64(..), &mut write)),
        };
        written?;
        if let Some(pool) = pool {
            worker.count_pool(self.loaded, pool);
        }
        Ok(Next::Done)
    }
}

impl<'a> Asker<'a> {
    /// Where the client belongs; notes the scope of what it is answered.
    pub(super) fn place(&self, steered: &SteeredName, composer: &mut Composer<'_>) -> Place<'a> {
        let (place, scope) = self.locate(steered);
        composer.scope = composer.scope.max(scope);
        place
    }

    /// Where the client belongs, and the scope of what it is answered.
    pub(super) fn locate(&self, steered: &SteeredName) -> (Place<'a>, u8) {
        let Snapshot { loaded, plan, .. } = self.snap;
        let subnet = self.edns.and_then(|edns| edns.client_subnet.as_ref()?.as_ref().ok());
        let resolver = self.meta.source.ip();
        let client = Client::of(&loaded.steering.policies[steered.policy], subnet, resolver);
        let plan = &plan.policies[steered.policy];
        let (catchment, scope) = match self.located {
            Some(Located { policy, catchment, scope }) if policy == steered.policy => (catchment, scope),
            _ => loaded.maps[steered.policy].locate(client.addr, resolver),
        };
        let key = client.sticky_key(plan);
        let least = if key.is_some() { client.sticky_network().len() } else { 0 };
        let scope = if client.by_subnet { scope.max(least) } else { 0 };
        (Place { catchment: plan.catchment(catchment), key }, scope)
    }

    /// The TTL of what pools answer.
    pub(super) fn ttl(&self, catchment: &CatchmentPlan, steered: &SteeredName) -> Ttl {
        catchment.settled.ttl(steered.ttl, self.now)
    }
}

/// The zone file's own records of the type; none if it has none.
fn last_resort(
    node: Node<'_>,
    family: AnswerFamily,
    ttl: Ttl,
    owner: Owner<'_>,
    composer: &mut Composer<'_>,
) -> Option<Result<Next, Stop>> {
    let rrset = node.rrset(family.rtype())?;
    let written = composer.rrset(Section::Answer, owner, rrset, ttl.secs());
    Some(written.map(|()| Next::Done).map_err(Stop::from))
}
