//! The names of a query: the one asked, and where CNAMEs and DNAMEs of the zones lead.

use super::ask::Response;
use super::facts::{FoundFact, NameFacts};
use super::{ExplainError, Question, must};
use crate::answer::MAX_CHAIN;
use crate::snapshot::Snapshot;
use crate::steer::{AnswerFamily, SteeredName};
use crate::wire::{NameBuf, NameRef, Rtype};
use crate::zone::{Found, Node, Zone};

/// A name of the chain.
pub(super) struct Visited<'a> {
    name: NameBuf,
    place: Option<(&'a Zone, Found<'a>)>,
    steered: Option<&'a SteeredName>,
    family: Option<AnswerFamily>,
}

/// A steered name whose policy decides the answer.
pub(super) struct Met<'a> {
    /// In lowercase; another than `node`'s where that is a wildcard.
    pub(super) name: NameBuf,
    /// How many records lead here.
    pub(super) aliases: usize,
    pub(super) zone: &'a Zone,
    pub(super) node: Node<'a>,
    pub(super) steered: &'a SteeredName,
    pub(super) family: AnswerFamily,
}

/// Follows static CNAMEs and DNAMEs through the zones served here, as answers do.
pub(super) fn chain<'a>(snapshot: &'a Snapshot, question: &Question) -> Vec<Visited<'a>> {
    let mut chain: Vec<Visited<'a>> = Vec::new();
    let mut next = Some(NameBuf::lowercase(question.name.as_ref()));
    while let Some(name) = next.take() {
        let visited = visit(snapshot, name, question.rtype);
        let target = visited.target(question.rtype);
        chain.push(visited);
        let seen = |target: &NameBuf| chain.iter().any(|before| before.name.as_ref() == target.as_ref());
        next = target.filter(|target| !seen(target) && chain.len() < MAX_CHAIN);
    }
    chain
}

fn visit<'a>(snapshot: &'a Snapshot, name: NameBuf, rtype: Rtype) -> Visited<'a> {
    let loaded = &snapshot.loaded;
    let zone = loaded.zones.responsible(name.as_ref(), rtype);
    let place = zone.map(|(_, zone)| (zone, zone.find(name.as_ref())));
    let mut visited = Visited { name, place, steered: None, family: None };
    if let Some(number) = visited.node().and_then(Node::steered) {
        let steered = &loaded.steering.names[number as usize];
        visited.steered = Some(steered);
        visited.family = steered.family(rtype);
    }
    visited
}

/// Where a node's CNAME leads, if the type asked makes one follow it.
fn alias(node: Node<'_>, rtype: Rtype) -> Option<NameBuf> {
    if node.rrset(rtype).is_some() || rtype == Rtype::ANY {
        return None;
    }
    let target = node.rrset(Rtype::CNAME)?.rdatas().next().and_then(NameRef::from_wire)?;
    Some(NameBuf::lowercase(target))
}

/// Where a DNAME puts a name, if the type asked makes one follow it.
fn redirected(name: &NameBuf, node: Node<'_>, rtype: Rtype) -> Option<NameBuf> {
    let target = node.rrset(Rtype::DNAME)?.rdatas().next().and_then(NameRef::from_wire)?;
    if rtype == Rtype::CNAME || target.is_within(node.name()) {
        return None;
    }
    let name = NameBuf::substituted(name.as_ref(), node.name(), target)?;
    Some(NameBuf::lowercase(name.as_ref()))
}

impl<'a> Visited<'a> {
    /// Where the chain goes on.
    fn target(&self, rtype: Rtype) -> Option<NameBuf> {
        match self.place?.1 {
            Found::Dname(node) => redirected(&self.name, node, rtype),
            _ => self.node().filter(|_| self.family.is_none()).and_then(|node| alias(node, rtype)),
        }
    }

    /// How many records the answer has for one that leads on: a CNAME, for a DNAME also itself.
    fn records(&self) -> usize {
        if matches!(self.place, Some((_, Found::Dname(_)))) { 2 } else { 1 }
    }

    /// What answers for the name, unless that is a delegation.
    fn node(&self) -> Option<Node<'a>> {
        match self.place?.1 {
            Found::Exact(node) | Found::Wildcard(node) => Some(node),
            Found::Delegation(_) | Found::Dname(_) | Found::NxDomain => None,
        }
    }
}

/// The steered name that the chain ends in, if a policy decides the type asked.
pub(super) fn steered<'a>(chain: &[Visited<'a>]) -> Option<Met<'a>> {
    let (last, before) = chain.split_last()?;
    Some(Met {
        name: last.name.clone(),
        aliases: before.iter().map(Visited::records).sum(),
        zone: last.place?.0,
        node: last.node()?,
        steered: last.steered?,
        family: last.family?,
    })
}

/// What was found must be what the response says.
pub(super) fn verify(chain: &[Visited<'_>], response: &Response) -> Result<(), ExplainError> {
    let rcode = response.rcode();
    let missing = matches!(chain.last().and_then(|last| last.place), Some((_, Found::NxDomain)));
    let served = chain.first().is_some_and(|first| first.place.is_some());
    must(missing == (rcode == "NXDOMAIN"), || format!("{rcode} is answered, and the name exists: {}", !missing))?;
    must(served == (rcode != "REFUSED"), || format!("{rcode} is answered, and the name is served: {served}"))
}

pub(super) fn facts(snapshot: &Snapshot, chain: &[Visited<'_>], rtype: Rtype) -> Vec<NameFacts> {
    chain.iter().map(|visited| visited.facts(snapshot, rtype)).collect()
}

impl Visited<'_> {
    fn facts(&self, snapshot: &Snapshot, rtype: Rtype) -> NameFacts {
        let (found, owner) = match self.place.map(|(_, found)| found) {
            None => (FoundFact::NotServed, None),
            Some(Found::Exact(_)) => (FoundFact::Exact, None),
            Some(Found::Wildcard(node)) => (FoundFact::Wildcard, Some(node.name().to_string())),
            Some(Found::Delegation(cut)) => (FoundFact::Delegation, Some(cut.name().to_string())),
            Some(Found::Dname(node)) => (FoundFact::Dname, Some(node.name().to_string())),
            Some(Found::NxDomain) => (FoundFact::NxDomain, None),
        };
        let policies = &snapshot.loaded.steering.policies;
        NameFacts {
            name: self.name.as_ref().to_string(),
            zone: self.place.map(|(zone, _)| zone.origin().to_string()),
            serial: self.place.map(|(zone, _)| zone.serial()),
            found,
            owner,
            policy: self.steered.map(|steered| policies[steered.policy].name.clone()),
            why: self.why(rtype),
        }
    }

    fn why(&self, rtype: Rtype) -> String {
        match self.place.map(|(_, found)| found) {
            None => "no zone served here holds it".into(),
            Some(Found::NxDomain) => "it does not exist, and no wildcard stands for it".into(),
            Some(Found::Delegation(cut)) if rtype == Rtype::DS && cut.name() == self.name.as_ref() => {
                "a delegation point: its DS is ours to answer".into()
            }
            Some(Found::Delegation(_)) => "it is delegated, so a referral is answered".into(),
            Some(Found::Dname(_)) => "a DNAME redirects it: a CNAME is synthesized".into(),
            Some(Found::Exact(node) | Found::Wildcard(node)) => self.why_of_node(node, rtype),
        }
    }

    fn why_of_node(&self, node: Node<'_>, rtype: Rtype) -> String {
        let static_data = || match () {
            () if rtype == Rtype::ANY && self.steered.is_some() => {
                "ANY is answered with one synthesized HINFO (RFC 8482)".into()
            }
            () if rtype == Rtype::ANY && !node.is_empty() => {
                "ANY is answered with all its records over TCP, over UDP with one synthesized HINFO (RFC 8482)".into()
            }
            () if node.rrset(rtype).is_some()
                && self.steered.is_some()
                && matches!(rtype, Rtype::SVCB | Rtype::HTTPS) =>
            {
                format!("it has static records of type {rtype}, with address hints as A and AAAA would be answered")
            }
            () if node.rrset(rtype).is_some() => format!("it has static records of type {rtype}"),
            () if node.rrset(Rtype::CNAME).is_some() => "it is a static CNAME".into(),
            () if node.is_empty() => "it exists only because names below it do, so it has no data".into(),
            () => format!("it has no records of type {rtype}"),
        };
        match (self.steered, self.family) {
            (None, _) => format!("it is not steered; {}", static_data()),
            (Some(_), Some(family)) => format!("steered; its policy decides {}", family.rtype()),
            (Some(steered), None) => {
                let decides: Vec<String> = steered.offered().map(|family| family.rtype().to_string()).collect();
                format!("steered, but its policy decides {} only; {}", decides.join(" and "), static_data())
            }
        }
    }
}
