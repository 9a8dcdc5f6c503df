//! Records where they do harm or nothing: below a DNAME, in delegated zones, at odd wildcards, DNSSEC off its place.

use super::super::builder::{NONE, Record};
use super::super::compile::Compiler;
use super::findings::Kind;
use super::targets::{At, has_targets};
use crate::base::Diagnostic;
use crate::wire::{NameRef, Rtype};

/// A name with a DNAME on the way from the apex to the name made last.
#[derive(Clone, Copy)]
pub(in crate::zone) struct DnameAbove {
    depth: usize,
    node: u32,
    record: u32,
}

impl Compiler<'_> {
    /// Checks an owner by what is above it. Its records are sorted by type.
    pub(in crate::zone) fn check_place(&mut self, node: u32, records: &[u32]) {
        self.check_dname(node, records);
        self.check_dname_alone(node, records);
        self.check_wildcard(node, records);
        match self.cut_of(node) {
            NONE => self.check_authoritative(node, records),
            // a cut of the literal name alone: the wildcard stands for others too
            cut if cut == node && self.name(node).is_wildcard() => self.note_targets(node, records),
            cut => self.check_delegated(cut, node, records),
        }
    }

    /// No name is below one with a DNAME (RFC 6672 §2.4), but for NSEC3's.
    fn check_dname(&mut self, node: u32, records: &[u32]) {
        let above = self.dname.filter(|above| self.path.get(above.depth) == Some(&above.node));
        let Some(above) = above else {
            let dname = records.iter().find(|&&record| self.record(record).rtype == Rtype::DNAME);
            self.dname = dname.map(|&record| DnameAbove { depth: self.path.len() - 1, node, record });
            return;
        };
        let hashed = |&record: &u32| matches!(self.record(record).rtype, Rtype::NSEC3 | Rtype::RRSIG);
        if !records.is_empty() && records.iter().all(hashed) {
            return;
        }
        let (name, dname) = (self.name(node), self.name(above.node));
        let first = records.iter().min().map_or(above.record, |&first| first);
        let span = self.record(first).span();
        self.findings.add(Kind::BelowDname, || {
            let message = match records {
                [] => format!("{name}, which is steered, is below this DNAME"),
                _ => format!("{name} is below {dname}, which has a DNAME"),
            };
            Diagnostic::error(span, message).hint("no name may be below a DNAME (RFC 6672 §2.4): take one of them out")
        });
    }

    /// Only at the apex may a DNAME stand beside NS records (RFC 6672 §2.3).
    fn check_dname_alone(&mut self, node: u32, records: &[u32]) {
        let find = |rtype| records.iter().find(|&&record| self.record(record).rtype == rtype);
        let (Some(&ns), Some(&dname)) = (find(Rtype::NS), find(Rtype::DNAME)) else { return };
        if node == 0 {
            return;
        }
        // whichever of the two came second is the surprise
        let (span, name) = (self.record(ns.max(dname)).span(), self.name(node));
        self.findings.add(Kind::BesideDname, || {
            let message = format!("{name} has a DNAME beside NS records, and is not the apex");
            Diagnostic::error(span, message).hint("a name is delegated or redirected, not both (RFC 6672 §2.3)")
        });
    }

    fn check_wildcard(&mut self, node: u32, records: &[u32]) {
        let name = self.name(node);
        if !name.as_wire().contains(&b'*') {
            return;
        }
        let Some(&first) = records.iter().min() else { return };
        let own = name.label_count() - self.name(0).label_count();
        if name.labels().take(own).skip(1).any(|label| label == b"*") {
            let span = self.record(first).span();
            self.findings.add(Kind::Wildcard, || {
                let message = format!("in {name} a `*` that is not the first label stands for itself alone");
                Diagnostic::warning(span, message).hint("only a first label `*` is a wildcard (RFC 4592 §2.1.1)")
            });
        }
        let odd = |record: &&u32| matches!(self.record(**record).rtype, Rtype::NS | Rtype::DNAME);
        if let Some(&odd) = records.iter().find(odd).filter(|_| own > 0 && name.is_wildcard()) {
            let odd = self.record(odd);
            self.findings.add(Kind::Wildcard, || {
                let message = format!("{} records at the wildcard {name}", odd.rtype);
                let hint = "what they mean is not defined (RFC 4592 §4.2, §4.4): write them for each name";
                Diagnostic::warning(odd.span(), message).hint(hint)
            });
        }
    }

    /// A name that this zone answers for.
    fn check_authoritative(&mut self, node: u32, records: &[u32]) {
        for &record in records {
            let rtype = self.record(record).rtype;
            if rtype == Rtype::RRSIG {
                self.deferred.signature = self.deferred.signature.min(record);
            } else if let Some((wrong, hint)) = misplaced(rtype, node == 0) {
                let (name, span) = (self.name(node), self.record(record).span());
                self.findings.add(Kind::Misplaced, || {
                    Diagnostic::warning(span, format!("a {rtype} record at {name}, {wrong}")).hint(hint)
                });
            }
        }
        self.note_targets(node, records);
    }

    fn note_targets(&mut self, node: u32, records: &[u32]) {
        let lead = records.iter().filter(|&&record| has_targets(self.builder.records[record as usize].rtype));
        self.deferred.leads.extend(lead.map(|&record| At { record, node }));
    }

    /// A name that is delegated or lies in a zone that is. Whether addresses are glue is seen when all names are there.
    fn check_delegated(&mut self, cut: u32, node: u32, records: &[u32]) {
        let (mut address, mut hidden) = (None, None);
        for &record in records {
            match self.record(record).rtype {
                Rtype::NS if cut == node => self.deferred.leads.push(At { record, node }),
                Rtype::DS | Rtype::NSEC | Rtype::RRSIG | Rtype::DNAME if cut == node => {}
                Rtype::A | Rtype::AAAA if !self.name(node).is_wildcard() => address = address.or(Some(record)),
                _ => hidden = hidden.or(Some(record)),
            }
        }
        match (hidden, address) {
            (Some(record), _) => {
                let finding = occluded(self.record(record), self.name(node), self.name(cut));
                self.findings.add(Kind::Occluded, finding);
            }
            (None, Some(record)) => self.deferred.addresses.push(At { record, node }),
            (None, None) => {}
        }
    }
}

/// What is wrong with a type at a name that is not delegated, and what to do.
fn misplaced(rtype: Rtype, apex: bool) -> Option<(&'static str, &'static str)> {
    match rtype {
        Rtype::DS if apex => Some(("the apex of the zone", "DS records belong into the zone above (RFC 4034 §5)")),
        Rtype::DS => Some(("which has no NS records", "DS records belong to a delegation: write its NS records too")),
        Rtype::DNSKEY | Rtype::NSEC3PARAM | Rtype::CSYNC | Rtype::ZONEMD if !apex => Some((
            "which is not the apex",
            "it has a meaning only at the apex of a zone: move it there, or take it out",
        )),
        _ => None,
    }
}

/// The finding of a record that a delegation hides.
pub(super) fn occluded<'n>(
    record: &Record,
    name: NameRef<'n>,
    cut: NameRef<'n>,
) -> impl FnOnce() -> Diagnostic + use<'n> {
    let (rtype, span) = (record.rtype, record.span());
    move || {
        let message = if name == cut {
            format!("{name} is delegated: its {rtype} records are hidden")
        } else {
            format!("{name} lies in the delegated zone {cut}: its {rtype} records are hidden")
        };
        Diagnostic::warning(span, message).hint("only glue and the NS and DS records of the delegation have a use here")
    }
}
