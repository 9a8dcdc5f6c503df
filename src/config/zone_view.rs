//! What the checks of a steering file need to know of its zone.

use crate::wire::{NameRef, Rtype};
use crate::zone::ZoneBuilder;

/// A zone's static records, as far as steering must agree with them.
pub trait ZoneView {
    /// The zone's name.
    fn origin(&self) -> NameRef<'_>;
    /// Whether a name has static records of a type.
    fn has(&self, owner: NameRef<'_>, rtype: Rtype) -> bool;
    /// The types of a name's static records.
    fn types_at(&self, owner: NameRef<'_>) -> Vec<Rtype>;
    /// Whether a name is below a zone cut.
    fn is_below_cut(&self, owner: NameRef<'_>) -> bool;
    /// Whether some of a name's records could not be read; then nothing is concluded from what it lacks.
    fn may_lack(&self, owner: NameRef<'_>) -> bool;
    /// Whether an NS record of the zone leads to a name.
    fn is_ns_target(&self, owner: NameRef<'_>) -> bool;
}

impl ZoneView for ZoneBuilder {
    fn origin(&self) -> NameRef<'_> {
        Self::origin(self).as_ref()
    }
    fn has(&self, owner: NameRef<'_>, rtype: Rtype) -> bool {
        Self::has(self, owner, rtype)
    }
    fn types_at(&self, owner: NameRef<'_>) -> Vec<Rtype> {
        Self::types_at(self, owner).collect()
    }
    fn is_below_cut(&self, owner: NameRef<'_>) -> bool {
        Self::is_below_cut(self, owner)
    }
    fn may_lack(&self, owner: NameRef<'_>) -> bool {
        Self::may_lack(self, owner, None)
    }
    fn is_ns_target(&self, owner: NameRef<'_>) -> bool {
        self.ns_targets().any(|(target, _)| target == owner)
    }
}
