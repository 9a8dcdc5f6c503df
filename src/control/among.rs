//! Steered names seen among all zones that are served: what the zone of a name alone cannot tell.

use std::collections::HashMap;

use crate::base::{Diagnostic, Span};
use crate::wire::{Name, NameRef};
use crate::zone::ZoneBuilder;

/// All zones, ready to be asked about many names.
pub(super) struct Among<'z> {
    zones: &'z [&'z ZoneBuilder],
    by_origin: HashMap<Name, usize>,
    /// What NS records lead to, with the zone of the first that does.
    targets: HashMap<Name, usize>,
}

impl<'z> Among<'z> {
    /// Looks through the zones. Their steered names have been declared.
    pub(super) fn new(zones: &'z [&'z ZoneBuilder]) -> Self {
        let mut targets = HashMap::new();
        for (number, zone) in zones.iter().enumerate() {
            zone.ns_targets().for_each(|(target, _)| {
                targets.entry(target.to_name()).or_insert(number);
            });
        }
        let mut by_origin = HashMap::new();
        for (number, zone) in zones.iter().enumerate() {
            by_origin.entry(zone.origin().clone()).or_insert(number);
        }
        Self { zones, by_origin, targets }
    }

    /// What forbids steering a name of the zone `own`: it lies in another zone, or a name server is found by it.
    pub(super) fn check(&self, owner: &Name, own: usize, span: Span) -> Option<Diagnostic> {
        if let Some(nearest) =
            self.zone_of(owner.as_ref()).filter(|&nearest| self.zones[nearest].origin() != self.zones[own].origin())
        {
            let message = format!("{owner} lies in the zone {}, which is served here", self.zones[nearest].origin());
            return Some(Diagnostic::error(span, message).hint("steer it in that zone's file"));
        }
        let (target, zone) = self.name_server(owner, own)?;
        let origin = self.zones[zone].origin();
        let message = if target == owner {
            format!("{owner} is the target of an NS record of the zone {origin}")
        } else {
            format!("{owner} answers for {target}, the target of an NS record of the zone {origin}")
        };
        let hint = if target == owner {
            "name servers need fixed addresses: take it out of [name]"
        } else {
            "name servers need fixed addresses: give it A and AAAA records in the zone file"
        };
        Some(Diagnostic::error(span, message).hint(hint))
    }

    /// The zone with the longest name that a name is within.
    fn zone_of(&self, owner: NameRef<'_>) -> Option<usize> {
        owner.ancestors().find_map(|name| self.by_origin.get(&name.to_name())).copied()
    }

    /// A target of NS records that is a steered name or is answered by a steered wildcard; the zone of the record.
    fn name_server<'s>(&'s self, owner: &'s Name, own: usize) -> Option<(&'s Name, usize)> {
        if let Some((target, &zone)) = self.targets.get_key_value(owner).filter(|&(_, &zone)| zone != own) {
            return Some((target, zone));
        }
        if !owner.as_ref().is_wildcard() {
            return None;
        }
        let covered = |target: &Name| self.zones[own].covers(owner.as_ref(), target.as_ref());
        let first =
            self.targets.iter().filter(|(target, _)| covered(target)).min_by_key(|(target, _)| target.to_string());
        first.map(|(target, &zone)| (target, zone))
    }
}
