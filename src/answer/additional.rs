//! The additional section: addresses of the names that records lead to, as far as the zone of the records has them.

use crate::wire::{NameBuf, NameRef, Owner, Rtype, Section};
use crate::zone::{Found, Node, RrSet, Zone};

use super::compose::Composer;

const ADDRESSES: [Rtype; 2] = [Rtype::A, Rtype::AAAA];

/// Adds the addresses of the names that an RRset of a node leads to (RFC 1034 §4.3.2 step 6), as far as they fit.
///
/// For SVCB and HTTPS also the SVCB or HTTPS records there (RFC 9460 §4.1).
pub(super) fn additional(zone: &Zone, node: Node<'_>, owner: Owner<'_>, rrset: RrSet<'_>, composer: &mut Composer<'_>) {
    let (skip, service) = match rrset.rtype() {
        // of the apex, so what is below cuts of this zone is wanted too
        Rtype::NS => return targets(rrset, 0).for_each(|target| _ = glue_of(zone, target, composer)),
        Rtype::MX | Rtype::AFSDB | Rtype::KX | Rtype::RT => (2, None),
        Rtype::SRV => (6, None),
        rtype @ (Rtype::SVCB | Rtype::HTTPS) => (2, Some(rtype)),
        _ => return,
    };
    if service.is_some() && rrset.rdatas().any(is_of_owner) {
        add(node, owner, &ADDRESSES, composer);
    }
    for target in targets(rrset, skip) {
        let target = NameBuf::lowercase(target);
        let (node, owner) = match zone.find(target.as_ref()) {
            Found::Exact(node) => (node, node.name()),
            Found::Wildcard(node) => (node, target.as_ref()),
            _ => continue,
        };
        if let Some(service) = service {
            add(node, Owner::Name(owner), &[service], composer);
        }
        add(node, Owner::Name(owner), &ADDRESSES, composer);
    }
}

/// Whether an SVCB record is in ServiceMode and its target is its owner (RFC 9460 §2.5.2).
fn is_of_owner(rdata: &[u8]) -> bool {
    matches!(rdata, &[p0, p1, 0, ..] if (p0, p1) != (0, 0))
}

/// Adds the addresses of a delegation's name servers. Returns whether those inside of it fitted: nobody else has them.
pub(super) fn glue(zone: &Zone, cut: Node<'_>, servers: RrSet<'_>, composer: &mut Composer<'_>) -> bool {
    let within = |target: &NameRef<'_>| target.is_within(cut.name());
    let mut complete = true;
    for target in targets(servers, 0).filter(within) {
        complete &= glue_of(zone, target, composer);
    }
    for target in targets(servers, 0).filter(|target| !within(target)) {
        glue_of(zone, target, composer);
    }
    complete
}

/// Adds the addresses of a name server, also where the zone has no authority for them. Returns whether they fitted.
fn glue_of(zone: &Zone, target: NameRef<'_>, composer: &mut Composer<'_>) -> bool {
    let target = NameBuf::lowercase(target);
    let (node, owner) = match zone.get(target.as_ref()) {
        Some(node) => (node, node.name()),
        None => match zone.find(target.as_ref()) {
            Found::Wildcard(node) => (node, target.as_ref()),
            _ => return true,
        },
    };
    add(node, Owner::Name(owner), &ADDRESSES, composer)
}

/// The names that stand behind `skip` octets of each RDATA, each once.
fn targets<'z>(rrset: RrSet<'z>, skip: usize) -> impl Iterator<Item = NameRef<'z>> {
    let target = move |rdata: &'z [u8]| NameRef::from_wire(rdata.get(skip..)?);
    let earlier = move |count| rrset.rdatas().take(count).filter_map(target);
    let all = rrset.rdatas().enumerate().filter_map(move |(at, rdata)| Some((at, target(rdata)?)));
    all.filter(move |&(at, name)| !earlier(at).any(|other| other == name)).map(|(_, name)| name)
}

/// Adds static records of a node; steered addresses are never additional. Returns whether all fitted.
fn add(node: Node<'_>, owner: Owner<'_>, types: &[Rtype], composer: &mut Composer<'_>) -> bool {
    if node.steered().is_some() {
        return true;
    }
    let mut rrsets = types.iter().filter_map(|&rtype| node.rrset(rtype));
    rrsets.all(|rrset| composer.optional(Section::Additional, owner, rrset))
}
