//! The one immutable thing that queries are answered from. A reload, a verdict or an override makes a new one; parts
//! that did not change are shared.

mod answers;
mod rate_limit;
mod service;

use std::path::PathBuf;
use std::sync::Arc;

use hashbrown::HashTable;

use crate::base::{Id, IdVec, PolicyId, ZoneId};
use crate::geo::DatabaseInfo;
use crate::health::Board;
use crate::steer::{CatchmentMap, Plan, Steering};
use crate::wire::{NameRef, Rtype, hash_name};
use crate::zone::Zone;

pub use answers::{Answers, AnswersBuilder, Below, Covered, Entry, OTHERS, Place, Ready};
pub use rate_limit::RateLimit;
pub use service::{Cookies, Service};

/// What is loaded: it changes with files, not with health.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The zones.
    pub zones: Zones,
    /// Regions, pools, policies, steered names, targets.
    pub steering: Steering,
    /// Where each policy's clients belong.
    pub maps: IdVec<PolicyId, Arc<CatchmentMap>>,
    /// What is answered from without composing.
    pub answers: Answers,
    /// The geo databases that the maps were made from.
    pub databases: Vec<LoadedDatabase>,
    /// What the server says of itself.
    pub service: Service,
    /// Response rate limiting, if there is any.
    pub rate_limit: Option<RateLimit>,
}

/// A geo database as it was when the maps were made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedDatabase {
    /// The file it was read from.
    pub path: PathBuf,
    /// SHA-256 of the file's bytes, in hexadecimal.
    pub digest: String,
    /// What it said of itself.
    pub info: DatabaseInfo,
}

/// Zones, what policies answer now, and the board that it follows from.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// What is loaded.
    pub loaded: Arc<Loaded>,
    /// What each catchment answers now.
    pub plan: Plan,
    /// What the plan was built from.
    pub board: Board,
    /// Rises by one with each snapshot of a process.
    pub generation: u64,
}

impl Snapshot {
    /// The snapshot that follows from a board.
    #[must_use]
    pub fn build(loaded: Arc<Loaded>, board: Board, generation: u64) -> Self {
        let plan = Plan::build(&loaded.steering, &loaded.maps, &board);
        Self { loaded, plan, board, generation }
    }

    /// The snapshot that follows this one with a newer board: equal to one that is [built](Self::build), made of what did
    /// not change where the same is loaded.
    #[must_use]
    pub fn next(&self, loaded: Arc<Loaded>, board: Board) -> Self {
        let generation = self.generation + 1;
        if !Arc::ptr_eq(&loaded, &self.loaded) {
            return Self::build(loaded, board, generation);
        }
        let plan = self.plan.rebuild(&loaded.steering, &loaded.maps, &self.board, &board);
        Self { loaded, plan, board, generation }
    }
}

/// Zones by name.
#[derive(Debug, Default)]
pub struct Zones {
    zones: IdVec<ZoneId, Arc<Zone>>,
    index: HashTable<ZoneId>,
}

impl Zones {
    /// The zones; of two with the same origin the first is found.
    #[must_use]
    pub fn new(zones: Vec<Arc<Zone>>) -> Self {
        let mut set = Self::default();
        for zone in zones {
            let origin = zone.origin();
            let hash = hash(origin);
            if set.index.find(hash, |&id| set.zones[id].origin() == origin).is_none() {
                let id = ZoneId::from_index(set.zones.len());
                set.index.insert_unique(hash, id, |&id| self::hash(set.zones[id].origin()));
            }
            set.zones.push(Arc::clone(&zone));
        }
        set
    }

    /// Every zone.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<Zone>> {
        self.zones.iter()
    }

    /// The zone with the longest name that a lowercased name lies in (RFC 1034 §4.3.2 step 2).
    #[must_use]
    pub fn find(&self, name: NameRef<'_>) -> Option<(ZoneId, &Zone)> {
        name.ancestors().find_map(|ancestor| self.get(ancestor))
    }

    /// The zone that answers for a lowercased name and type: the one with the longest name, but for DS at a zone's own apex the one
    /// above it, if that is served too (RFC 4035 §3.1.4.1).
    #[must_use]
    pub fn responsible(&self, name: NameRef<'_>, rtype: Rtype) -> Option<(ZoneId, &Zone)> {
        let found = self.find(name)?;
        let parent_side = rtype == Rtype::DS && found.1.origin() == name;
        let above = || name.parent().and_then(|parent| self.find(parent));
        if parent_side { above().or(Some(found)) } else { Some(found) }
    }

    fn get(&self, origin: NameRef<'_>) -> Option<(ZoneId, &Zone)> {
        let id = *self.index.find(hash(origin), |&id| self.zones[id].origin() == origin)?;
        Some((id, &*self.zones[id]))
    }
}

fn hash(name: NameRef<'_>) -> u64 {
    hash_name(name.as_wire())
}
