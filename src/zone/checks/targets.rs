//! What records lead to, seen once every name of the zone is there: addresses, glue, aliases.

use super::super::builder::{Record, ZoneBuilder};
use super::super::compiled::{Found, Node, Zone};
use super::super::fields::Field;
use super::super::layout::{Layout, targets};
use super::findings::{Findings, Kind};
use super::places::occluded;
use crate::base::{Diagnostic, Span};
use crate::wire::{NameBuf, NameRef, Rtype};

/// Whether records of a type lead to names whose addresses clients need.
pub(super) fn has_targets(rtype: Rtype) -> bool {
    Layout::of(rtype)
        .is_some_and(|layout| layout.fields.iter().any(|field| matches!(field, Field::Host | Field::Service)))
}

/// A record and the node of its owner.
#[derive(Clone, Copy)]
pub(super) struct At {
    pub(super) record: u32,
    pub(super) node: u32,
}

/// What is left to be checked when all names are there.
pub(in crate::zone) struct Deferred {
    /// Records with targets.
    pub(super) leads: Vec<At>,
    /// Names in delegated zones that have addresses, with the first of these.
    pub(super) addresses: Vec<At>,
    /// The first signature of the text; `NONE` without any.
    pub(super) signature: u32,
}

impl Default for Deferred {
    fn default() -> Self {
        Self { leads: Vec::new(), addresses: Vec::new(), signature: u32::MAX }
    }
}

impl Deferred {
    /// Checks what was left. Where some records could not be read, nothing is concluded from what is not there.
    pub(in crate::zone) fn check(&self, builder: &ZoneBuilder, zone: &Zone, findings: &mut Findings) {
        if !builder.lost.is_empty() {
            return;
        }
        self.check_signature(builder, zone, findings);
        let mut glue = vec![false; if self.addresses.is_empty() { 0 } else { zone.node_count() }];
        for &At { record, node } in &self.leads {
            let record = &builder.records[record as usize];
            let lead = Lead { zone, owner: zone.node(node).name(), rtype: record.rtype, span: record.span() };
            for target in targets(record.rtype, builder.rdata_of(record)) {
                lead.check(target, &mut glue, findings);
            }
        }
        for at in self.addresses.iter().filter(|at| !glue[at.node as usize]) {
            let record: &Record = &builder.records[at.record as usize];
            let name = zone.node(at.node).name();
            if let Found::Delegation(cut) = zone.find(name) {
                findings.add(Kind::Occluded, occluded(record, name, cut.name()));
            }
        }
    }

    /// Signatures need a key; with one, resolvers that know it from the zone above ask for them.
    fn check_signature(&self, builder: &ZoneBuilder, zone: &Zone, findings: &mut Findings) {
        let Some(signature) = builder.records.get(self.signature as usize) else { return };
        if zone.node(0).rrset(Rtype::DNSKEY).is_none() {
            findings.add(Kind::Unsigned, || {
                let message = format!("RRSIG records, and no DNSKEY records at the apex {}", zone.origin());
                let hint = "take the signatures out, or write the keys they were made with";
                Diagnostic::warning(signature.span(), message).hint(hint)
            });
        } else {
            findings.add(Kind::Signed, || {
                let message = "the zone is signed, but this version does not serve signatures: validating resolvers \
                               that find a DS above will refuse its answers";
                let hint = "have the DS records taken out of the zone above before it is served from here";
                Diagnostic::warning(signature.span(), message).hint(hint)
            });
        }
    }
}

/// A record that leads to names.
struct Lead<'z> {
    zone: &'z Zone,
    owner: NameRef<'z>,
    rtype: Rtype,
    span: Span,
}

/// What is wrong with a target.
enum Flaw {
    NoAddress,
    NoGlue,
    Alias,
}

impl Lead<'_> {
    /// Checks a target, and marks the node that gives it glue.
    fn check(&self, target: NameRef<'_>, glue: &mut [bool], findings: &mut Findings) {
        if !target.is_within(self.zone.origin()) {
            return;
        }
        let lower = NameBuf::lowercase(target);
        match self.flaw(lower.as_ref(), glue) {
            Some(Flaw::NoAddress) if !is_doubled(lower.as_ref(), self.zone.origin()) => {
                findings.add(Kind::NoAddress, || self.no_address(target));
            }
            Some(Flaw::NoGlue) => findings.add(Kind::NoGlue, || self.no_glue(target)),
            Some(Flaw::Alias) => findings.add(Kind::Alias, || self.alias(target)),
            _ => {}
        }
    }

    fn flaw(&self, target: NameRef<'_>, glue: &mut [bool]) -> Option<Flaw> {
        match self.zone.find(target) {
            Found::Exact(node) | Found::Wildcard(node) => match node {
                node if has_address(node) => None,
                node if node.rrset(Rtype::CNAME).is_none() => Some(Flaw::NoAddress),
                _ => self.alias_flaw(),
            },
            Found::Dname(_) => self.alias_flaw(),
            Found::NxDomain => Some(Flaw::NoAddress),
            Found::Delegation(_) if self.rtype != Rtype::NS => None,
            Found::Delegation(_) => self.glue_flaw(target, glue),
        }
    }

    /// What may not be an alias: NS and MX (RFC 2181 §10.3), SRV (RFC 2782).
    fn alias_flaw(&self) -> Option<Flaw> {
        matches!(self.rtype, Rtype::NS | Rtype::MX | Rtype::SRV).then_some(Flaw::Alias)
    }

    /// Only addresses of servers of a zone above them cannot be found in another way.
    fn glue_flaw(&self, target: NameRef<'_>, glue: &mut [bool]) -> Option<Flaw> {
        if let Some(node) = self.zone.get(target).filter(|&node| has_address(node)) {
            if let Some(used) = glue.get_mut(node.index as usize) {
                *used = true;
            }
            return None;
        }
        target.is_within(self.owner).then_some(Flaw::NoGlue)
    }

    fn no_address(&self, target: NameRef<'_>) -> Diagnostic {
        let message = format!("{target}, the target of this {} record, has no address", self.rtype);
        let hint = match relative(target, self.zone.origin()) {
            Some(other) => format!("give it A or AAAA records; or is {other} meant? Then write the dot at its end"),
            None => "give it A or AAAA records".to_owned(),
        };
        Diagnostic::warning(self.span, message).hint(hint)
    }

    fn no_glue(&self, target: NameRef<'_>) -> Diagnostic {
        let message = format!("the name server {target} of {} has no address here", self.owner);
        let hint = "its name lies below what it serves: give it A or AAAA records here, as glue (RFC 9471 §2.1)";
        Diagnostic::warning(self.span, message).hint(hint)
    }

    fn alias(&self, target: NameRef<'_>) -> Diagnostic {
        let rule = if self.rtype == Rtype::SRV { "RFC 2782" } else { "RFC 2181 §10.3" };
        let message = format!("{target}, the target of this {} record, is an alias", self.rtype);
        Diagnostic::warning(self.span, message).hint(format!("name a host that has A or AAAA records itself ({rule})"))
    }
}

fn has_address(node: Node<'_>) -> bool {
    node.steered().is_some() || node.rrset(Rtype::A).is_some() || node.rrset(Rtype::AAAA).is_some()
}

/// Whether a name has the origin twice, which is said where it is written.
fn is_doubled(name: NameRef<'_>, origin: NameRef<'_>) -> bool {
    let labels = origin.as_wire().split_last().map_or(&[][..], |(_, labels)| labels);
    let twice = name.ancestors().find(|name| name.as_wire().len() == origin.as_wire().len() + labels.len());
    !labels.is_empty() && twice.is_some_and(|twice| twice.as_wire().starts_with(labels))
}

/// What stands before the origin, as a full name, if that may be one: it has several labels.
fn relative(name: NameRef<'_>, origin: NameRef<'_>) -> Option<String> {
    let several = name.label_count() > origin.label_count() + 1 && !origin.is_root();
    let (text, origin) = (name.to_string(), origin.to_string());
    let at = text.len().checked_sub(origin.len()).filter(|_| several)?;
    text.get(..at).map(str::to_owned)
}
