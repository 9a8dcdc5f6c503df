//! The additional section: addresses of the names that records lead to, as far as the zone of the records has them.

use crate::wire::{NameBuf, NameRef, Owner, Rtype, Section};
use crate::zone::{Found, Node, RrSet, Zone};

use super::compose::Composer;

/// Adds the addresses of the names that an RRset leads to (RFC 1034 §4.3.2 step 6), as far as they fit.
///
/// For SVCB and HTTPS also the SVCB or HTTPS records there (RFC 9460 §4.1).
pub(super) fn additional(zone: &Zone, rrset: RrSet<'_>, composer: &mut Composer<'_>) {
    let (skip, service) = match rrset.rtype() {
        Rtype::NS => (0, None),
        Rtype::MX | Rtype::AFSDB | Rtype::KX | Rtype::RT => (2, None),
        Rtype::SRV => (6, None),
        rtype @ (Rtype::SVCB | Rtype::HTTPS) => (2, Some(rtype)),
        _ => return,
    };
    for target in targets(rrset, skip) {
        let types = [service, Some(Rtype::A), Some(Rtype::AAAA)];
        data(zone, target, types.into_iter().flatten(), composer);
    }
}

/// Adds the addresses of a delegation's name servers. Returns whether those inside of it fitted: nobody else has them.
pub(super) fn glue(zone: &Zone, cut: Node<'_>, servers: RrSet<'_>, composer: &mut Composer<'_>) -> bool {
    let within = |target: &NameRef<'_>| target.is_within(cut.name());
    let mut complete = true;
    for target in targets(servers, 0).filter(within) {
        complete &= data(zone, target, [Rtype::A, Rtype::AAAA].into_iter(), composer);
    }
    for target in targets(servers, 0).filter(|target| !within(target)) {
        data(zone, target, [Rtype::A, Rtype::AAAA].into_iter(), composer);
    }
    complete
}

/// The names that stand behind `skip` octets of each RDATA, each once.
fn targets<'z>(rrset: RrSet<'z>, skip: usize) -> impl Iterator<Item = NameRef<'z>> {
    let target = move |rdata: &'z [u8]| NameRef::from_wire(rdata.get(skip..)?);
    let earlier = move |count| rrset.rdatas().take(count).filter_map(target);
    let all = rrset.rdatas().enumerate().filter_map(move |(at, rdata)| Some((at, target(rdata)?)));
    all.filter(move |&(at, name)| !earlier(at).any(|other| other == name)).map(|(_, name)| name)
}

/// Adds a name's static records of some types; steered addresses are never additional. Returns whether all fitted.
fn data(zone: &Zone, target: NameRef<'_>, types: impl Iterator<Item = Rtype>, composer: &mut Composer<'_>) -> bool {
    let target = NameBuf::lowercase(target);
    let (node, owner) = match zone.get(target.as_ref()) {
        Some(node) => (node, node.name()),
        None => match zone.find(target.as_ref()) {
            Found::Wildcard(node) => (node, target.as_ref()),
            _ => return true,
        },
    };
    if node.steered().is_some() {
        return true;
    }
    let mut rrsets = types.filter_map(|rtype| node.rrset(rtype));
    rrsets.all(|rrset| composer.optional(Section::Additional, Owner::Name(owner), rrset))
}
