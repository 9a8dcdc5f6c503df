//! What grows while files are read: the steering itself, and what is known beside it.

use std::collections::HashMap;
use std::net::IpAddr;

use super::checks::{CheckRef, Checks, no_check};
use super::demands::Demand;
use super::policies::PolicyNotes;
use super::pools::PoolNotes;
use crate::base::{IdVec, PolicyId, PoolId, Span, TargetId};
use crate::health::CheckKind;
use crate::steer::Steering;
use crate::wire::Name;

/// The steering so far, and notes that its types have no place for.
#[derive(Debug, Default)]
pub(super) struct Built {
    pub(super) steering: Steering,
    pub(super) checks: Checks,
    /// Targets by distinct check, address and port.
    pub(super) targets: HashMap<(usize, IpAddr, u16), TargetId>,
    pub(super) pools: IdVec<PoolId, PoolNotes>,
    pub(super) policies: IdVec<PolicyId, PolicyNotes>,
    /// Policies of names that are pinned to a pool.
    pub(super) pinned: HashMap<PoolId, PolicyId>,
    /// Where each steered name is written.
    pub(super) name_spans: Vec<Span>,
    /// What rules need of the geo databases.
    pub(super) demands: Vec<(Span, Demand)>,
    /// What CNAMEs point at.
    pub(super) cname_targets: Vec<(Name, Span)>,
}

impl Built {
    /// The check that probes nothing.
    pub(super) fn no_check(&mut self) -> CheckRef {
        CheckRef { index: self.checks.intern(no_check()), port: 0 }
    }

    /// Whether a check probes nothing.
    pub(super) fn probes_nothing(&self, check: CheckRef) -> bool {
        self.checks.get(check.index).kind == CheckKind::None
    }
}
