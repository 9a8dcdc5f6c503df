//! Makes answers ready: composes, once, what every name of every zone is answered with, and keeps what was written.
//!
//! So the composer is the only place that knows what an answer is. Left to it are answers that depend on who asks, the
//! chains that begin at a wildcard (they may lead back to the question), and names below a DNAME.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::Range;

use crate::base::{Id, ZoneId};
use crate::snapshot::{Answers, AnswersBuilder, Below, Entry, Loaded, OTHERS, Ready};
use crate::wire::{Body, Class, NameRef, Question, Rcode, Rtype, Sections};
use crate::zone::{Found, Node, Zone};

use super::compose::Composer;
use super::meta::{Meta, Transport};
use super::resolve::{Resolver, Stop, negative};
use super::worker::Worker;

/// What is asked of names that are aliases, and so is worth a chain of its own.
const THROUGH_ALIAS: [Rtype; 3] = [Rtype::A, Rtype::AAAA, Rtype::HTTPS];

/// The answers of all zones that are loaded. `place` is told where in memory they will be, before anything is written there.
#[must_use]
pub fn prepare(loaded: &Loaded, place: impl Fn(Range<usize>)) -> Answers {
    let names = loaded.zones.iter().map(|zone| zone.node_count()).sum();
    let builder = AnswersBuilder::new(names, &place);
    let mut preparer = Preparer { loaded, builder, body: Some(Box::default()), worker: Worker::new(0) };
    let crowded = crowded(loaded);
    for (number, zone) in loaded.zones.iter().enumerate() {
        preparer.zone(ZoneId::from_index(number), zone, crowded[number]);
    }
    preparer.builder.finish()
}

/// Which zones have another one below them, which answers for some of their names.
fn crowded(loaded: &Loaded) -> Vec<bool> {
    let mut crowded = vec![false; loaded.zones.iter().len()];
    for zone in loaded.zones.iter() {
        let above = zone.origin().parent().and_then(|parent| loaded.zones.find(parent));
        above.into_iter().for_each(|(above, _)| crowded[above.index()] = true);
    }
    crowded
}

/// A name, and the zone that it is of.
type At<'z> = (ZoneId, &'z Zone, Node<'z>);

struct Preparer<'a, 'p> {
    loaded: &'a Loaded,
    builder: AnswersBuilder<'p>,
    body: Option<Box<Body>>,
    worker: Worker,
}

impl Preparer<'_, '_> {
    fn zone(&mut self, id: ZoneId, zone: &Zone, crowded: bool) {
        let origin = zone.origin();
        self.compose(
            origin,
            OTHERS,
            None,
            |_, composer, _| negative(zone, None, composer).map(drop),
            |builder, entry| {
                const FAILURE: Ready<'_> =
                    Ready { rcode: Rcode::SERVFAIL, authoritative: false, sections: Sections::EMPTY };
                builder.zone(origin, if let Entry::Ready(ready) = entry { ready } else { &FAILURE });
            },
        );
        let zones = &self.loaded.zones;
        let owns = |node: &Node<'_>| zones.find(node.name()).is_some_and(|(owner, _)| owner == id);
        let owned = |node: &Node<'_>| !node.is_occluded() && (!crowded || owns(node));
        let mut blocks = vec![0; zone.node_count()];
        for node in zone.nodes().filter(owned) {
            let below = below(node, owned);
            blocks[node.number()] = self.builder.name(node.name(), id, node.steered(), below);
            let at = (id, zone, node);
            if node.is_delegation() { self.delegation(at) } else { self.name(at) }
        }
        for node in zone.nodes().filter(owned).filter(|&node| below(node, owned) == Below::Wildcard) {
            let wildcard = node.wildcard().map_or(0, Node::number);
            self.builder.set_wildcard(blocks[node.number()], blocks[wildcard]);
        }
    }

    fn delegation(&mut self, cut: At<'_>) {
        self.entry(cut, Rtype::NS, OTHERS);
        match cut.2.rrset(Rtype::DS) {
            Some(_) => self.entry(cut, Rtype::DS, Rtype::DS),
            None => self.builder.entry(Rtype::DS, &Entry::Negative),
        }
    }

    fn name(&mut self, at: At<'_>) {
        let node = at.2;
        let is_apex = node.number() == 0;
        let is_alias = node.rrset(Rtype::CNAME).is_some();
        if node.steered().is_some() {
            self.entry(at, OTHERS, OTHERS);
        } else if is_alias {
            self.builder.entry(OTHERS, &Entry::Composer);
        }
        if is_apex {
            self.builder.entry(Rtype::DS, &Entry::Composer); // the zone above answers it (RFC 4035 §3.1.4.1)
        }
        for rrset in node.rrsets().filter(|rrset| !(is_apex && rrset.rtype() == Rtype::DS)) {
            self.entry(at, rrset.rtype(), rrset.rtype());
        }
        if is_alias && node.steered().is_none() && !node.name().is_wildcard() {
            THROUGH_ALIAS.into_iter().for_each(|rtype| self.entry(at, rtype, rtype));
        }
    }

    /// Composes what a name is told of one type, as the entry of a type.
    fn entry(&mut self, (id, zone, node): At<'_>, asked: Rtype, kept: Rtype) {
        let resolve = |resolver: Resolver<'_>, composer: &mut Composer<'_>, worker: &mut Worker| {
            resolver.compose(composer, worker)
        };
        let found = if node.is_delegation() { Found::Delegation(node) } else { Found::Exact(node) };
        self.compose(node.name(), asked, Some((id, zone, found)), resolve, |builder, entry| builder.entry(kept, entry));
    }

    /// Composes without knowing who asks.
    fn compose(
        &mut self,
        name: NameRef<'_>,
        rtype: Rtype,
        known: Option<(ZoneId, &Zone, Found<'_>)>,
        write: impl FnOnce(Resolver<'_>, &mut Composer<'_>, &mut Worker) -> Result<(), Stop>,
        keep: impl FnOnce(&mut AnswersBuilder<'_>, &Entry<'_>),
    ) {
        let question = Question { name, hash: 0, rtype, class: Class::IN, raw: &[] };
        let body = self.body.take().unwrap_or_default();
        let mut composer = Composer::new(body, &question, None, &nobody(), usize::MAX);
        let resolver = Resolver { loaded: self.loaded, question: &question, known, asker: None };
        let entry = match write(resolver, &mut composer, &mut self.worker) {
            Ok(()) => Entry::Ready(composer.ready()),
            Err(_) => Entry::Composer,
        };
        keep(&mut self.builder, &entry);
        self.body = Some(composer.body);
    }
}

/// What lies below a name.
fn below(node: Node<'_>, owned: impl Fn(&Node<'_>) -> bool) -> Below {
    match node.wildcard() {
        _ if node.is_delegation() => Below::Delegation,
        _ if node.rrset(Rtype::DNAME).is_some() => Below::Composer,
        None => Below::Nothing,
        // what a wildcard makes is no delegation, but the wildcard itself may be one
        Some(wildcard) if wildcard.is_delegation() || !owned(&wildcard) => Below::Composer,
        Some(_) => Below::Wildcard,
    }
}

/// Somebody with room for the largest answer.
fn nobody() -> Meta {
    let (source, local) = (SocketAddr::from(([0; 4], 0)), IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    Meta { source, local, transport: Transport::Tcp, limit: u16::MAX.into() }
}
