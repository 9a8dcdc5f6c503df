//! Whether a zone has room for a steered name, and what its static records must be.

use super::build::Built;
use super::policies::PolicyNotes;
use super::table::Log;
use super::zone_view::ZoneView;
use crate::base::{PolicyId, Span};
use crate::steer::{AnswerFamily, Policy, PolicyKind, WhenAllDown};
use crate::wire::{NameRef, Rtype};

/// Whether a steered name may be at this place at all (§5.11).
pub(super) fn check_place(log: &mut Log<'_>, span: Span, owner: NameRef<'_>, zone: &dyn ZoneView) -> bool {
    let delegated = owner != zone.origin() && zone.has(owner, Rtype::NS);
    if delegated || zone.is_below_cut(owner) {
        log.error_with(span, format!("{owner} is delegated to other servers"), "steer it there");
    } else if zone.is_ns_target(owner) {
        let hint = "name servers need fixed addresses: take it out of [name]";
        log.error_with(span, format!("{owner} is the target of an NS record"), hint);
    } else {
        return true;
    }
    false
}

/// Checks a policy against the static records of its owner.
pub(super) fn check_neighbours(
    log: &mut Log<'_>,
    span: Span,
    owner: NameRef<'_>,
    policy: PolicyId,
    zone: &dyn ZoneView,
    built: &Built,
) {
    let notes = &built.policies[policy];
    if !notes.sound {
        return;
    }
    let policy = &built.steering.policies[policy];
    let errors = log.errors();
    match policy.kind {
        PolicyKind::Address => beside_addresses(log, span, owner, notes, zone),
        PolicyKind::Cname => beside_cname(log, span, owner, zone),
    }
    if log.errors() == errors {
        check_static(log, span, owner, policy, &notes.families, zone);
    }
}

fn beside_addresses(log: &mut Log<'_>, span: Span, owner: NameRef<'_>, notes: &PolicyNotes, zone: &dyn ZoneView) {
    if zone.has(owner, Rtype::CNAME) {
        let hint = "take the CNAME out of the zone file";
        log.error_with(span, format!("{owner} has a CNAME in the zone file, so it cannot have addresses"), hint);
        return;
    }
    for family in [AnswerFamily::V4, AnswerFamily::V6] {
        if !notes.families.contains(&family) && zone.has(owner, family.rtype()) {
            let message = format!("the static {} records of {owner} are not steered: no pool has any", family.rtype());
            log.warn(span, message, "they are answered as they stand, whatever health says");
        }
    }
}

fn beside_cname(log: &mut Log<'_>, span: Span, owner: NameRef<'_>, zone: &dyn ZoneView) {
    if owner == zone.origin() {
        let hint = "the apex has SOA and NS records: use pools of addresses there";
        log.error_with(span, "the apex cannot be a CNAME", hint);
        return;
    }
    let others: Vec<_> = zone.types_at(owner).into_iter().filter(|&rtype| rtype != Rtype::CNAME).collect();
    if !others.is_empty() {
        let list: Vec<_> = others.iter().map(ToString::to_string).collect();
        let message = format!("{owner} has {} records, so it cannot be a CNAME", list.join(", "));
        log.error_with(span, message, "take them out of the zone file, or use pools of addresses");
    }
}

/// Every steered name should have static records of a type that is steered; where they are its last resort, it must.
fn check_static(
    log: &mut Log<'_>,
    span: Span,
    owner: NameRef<'_>,
    policy: &Policy,
    steered: &[AnswerFamily],
    zone: &dyn ZoneView,
) {
    if zone.may_lack(owner) || steered.iter().any(|family| zone.has(owner, family.rtype())) {
        return;
    }
    let wanted = if policy.kind == PolicyKind::Cname { "CNAME" } else { "A or AAAA" };
    if policy.when_all_down == WhenAllDown::LastResort {
        let message = format!("{owner} has no static {wanted} record, which when_all_down = \"last_resort\" answers");
        log.error_with(span, message, "add one to the zone file, or write when_all_down = \"all\"");
    } else {
        let message = format!("{owner} has no static {wanted} record: secondaries of this zone cannot answer it");
        log.warn(span, message, "add one to the zone file; it is also answered here when nothing else is left");
    }
}
