//! What config says of steering, with every reference resolved. Built once a load; nothing here changes with health.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU8;

use crate::base::{IdVec, Millis, PolicyId, PoolId, Prefix, RegionId, TargetId, Ttl};
use crate::geo::{Coords, GeoCode};
use crate::health::ProbeKey;
use crate::wire::{Name, Rtype};

/// Everything that steers, over all zones and shared files.
#[derive(Clone, Debug, Default)]
pub struct Steering {
    /// Places.
    pub regions: IdVec<RegionId, Region>,
    /// Pools.
    pub pools: IdVec<PoolId, Pool>,
    /// What is probed. Endpoints with equal probe keys share a target.
    pub targets: IdVec<TargetId, Target>,
    /// Policies, those of names pinned to a pool included.
    pub policies: IdVec<PolicyId, Policy>,
    /// Steered names; a zone's nodes refer to them by position.
    pub names: Vec<SteeredName>,
}

/// A place.
#[derive(Clone, Debug, PartialEq)]
pub struct Region {
    /// Its name.
    pub name: String,
    /// Where it is; required where `nearest` uses it.
    pub coords: Option<Coords>,
    /// −99..=99: grows (+) or shrinks (−) its catchment.
    pub bias: i8,
}

/// What is probed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// How and where; none for `check = "none"`, which is up.
    pub key: Option<ProbeKey>,
    /// The endpoints it judges, as `ZONE/POOL/ENDPOINT`.
    pub endpoints: Vec<String>,
}

/// Interchangeable endpoints of one service in one region.
#[derive(Clone, Debug)]
pub struct Pool {
    /// `ZONE/POOL`, or `shared/POOL`.
    pub name: String,
    /// Where it is.
    pub region: Option<RegionId>,
    /// How much of it must be usable.
    pub min_healthy: MinHealthy,
    /// Its endpoints, in order of name.
    pub endpoints: Vec<Endpoint>,
}

/// How much of a pool must be usable, in each family it offers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MinHealthy {
    /// A fraction of configured weight, in (0, 1].
    Fraction(f64),
    /// A number of endpoints.
    Count(u32),
}

/// One CDN edge or origin: addresses with the targets that judge them, or a name.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Its name within the pool.
    pub name: String,
    /// 1..=65535.
    pub weight: u16,
    /// IPv4.
    pub v4: Option<(Ipv4Addr, TargetId)>,
    /// IPv6.
    pub v6: Option<(Ipv6Addr, TargetId)>,
    /// The CNAME's target, in a cname pool.
    pub cname: Option<(Name, TargetId)>,
}

/// What a steered answer consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AnswerFamily {
    /// A records.
    V4,
    /// AAAA records.
    V6,
    /// One CNAME.
    Cname,
}

impl AnswerFamily {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::V4, Self::V6, Self::Cname];

    /// The type of its records.
    #[must_use]
    pub const fn rtype(self) -> Rtype {
        match self {
            Self::V4 => Rtype::A,
            Self::V6 => Rtype::AAAA,
            Self::Cname => Rtype::CNAME,
        }
    }
}

impl Endpoint {
    /// The target that judges this endpoint in a family; none if it does not have the family.
    #[must_use]
    pub fn target(&self, family: AnswerFamily) -> Option<TargetId> {
        match family {
            AnswerFamily::V4 => self.v4.as_ref().map(|&(_, target)| target),
            AnswerFamily::V6 => self.v6.as_ref().map(|&(_, target)| target),
            AnswerFamily::Cname => self.cname.as_ref().map(|&(_, target)| target),
        }
    }

    /// The targets that judge it, by family.
    pub fn targets(&self) -> impl Iterator<Item = TargetId> {
        AnswerFamily::ALL.into_iter().filter_map(|family| self.target(family))
    }
}

impl Pool {
    /// Whether any endpoint has the family (§5.6).
    #[must_use]
    pub fn offers(&self, family: AnswerFamily) -> bool {
        self.endpoints.iter().any(|endpoint| endpoint.target(family).is_some())
    }

    /// The targets that judge it, endpoint by endpoint.
    pub fn targets(&self) -> impl Iterator<Item = TargetId> {
        self.endpoints.iter().flat_map(Endpoint::targets)
    }
}

/// Whether a policy answers with addresses or with names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PolicyKind {
    /// A and AAAA.
    Address,
    /// CNAME.
    Cname,
}

impl PolicyKind {
    /// The families its pools may offer.
    #[must_use]
    pub const fn families(self) -> &'static [AnswerFamily] {
        match self {
            Self::Address => &[AnswerFamily::V4, AnswerFamily::V6],
            Self::Cname => &[AnswerFamily::Cname],
        }
    }
}

/// Ordered rules that turn a client into an ordered list of pools.
#[derive(Clone, Debug)]
pub struct Policy {
    /// `ZONE/POLICY` or `shared/POLICY`; for a name pinned to a pool, the pool's name.
    pub name: String,
    /// First match wins; the last one matches everyone.
    pub rules: Vec<Rule>,
    /// Addresses or names.
    pub kind: PolicyKind,
    /// How load is shared.
    pub spread: Spread,
    /// Same client network, same endpoint.
    pub sticky: bool,
    /// Inside a pool, slower endpoints get less.
    pub latency_weight: bool,
    /// What is left when nothing is usable.
    pub when_all_down: WhenAllDown,
    /// Whether Client Subnet is used (`ecs = "prefer"`) or not (`"ignore"`).
    pub use_ecs: bool,
}

/// How load is shared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Pools this close to the nearest share its load.
    pub within: Millis,
    /// How many endpoints an answer holds.
    pub answers: NonZeroU8,
}

/// What a policy answers when no pool is usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WhenAllDown {
    /// The zone file's static records.
    LastResort,
    /// As if every endpoint were up.
    All,
    /// No data.
    NoData,
    /// An error.
    ServFail,
}

impl fmt::Display for WhenAllDown {
    /// As it is written in a steering file.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::LastResort => "last_resort",
            Self::All => "all",
            Self::NoData => "nodata",
            Self::ServFail => "servfail",
        })
    }
}

/// One rule. Every matcher that is there must match; any value of it will do.
#[derive(Clone, Debug, Default)]
pub struct Rule {
    /// Networks of the asking resolver itself.
    pub resolvers: Option<Vec<Prefix>>,
    /// Networks of the client.
    pub networks: Option<Vec<Prefix>>,
    /// Places of the client.
    pub geos: Option<Vec<GeoCode>>,
    /// Autonomous systems of the client.
    pub asns: Option<Vec<u32>>,
    /// What follows from it, one tier after another.
    pub tiers: Vec<Tier>,
}

/// Pools that share, before those of the next tier are looked at.
#[derive(Clone, Debug)]
pub struct Tier {
    /// How they are ordered and share.
    pub order: Order,
    /// The pools with their weights (1 where none is written).
    pub pools: Vec<(PoolId, u32)>,
}

/// How the pools of a tier are ordered and share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// `pools`: as written; the first usable takes all.
    Written,
    /// `nearest`: by estimated milliseconds; those near the best share.
    Nearest,
    /// `weighted`: by the weights written.
    Weighted,
}

/// A name whose answers a policy decides.
#[derive(Clone, Debug)]
pub struct SteeredName {
    /// The whole owner name.
    pub owner: Name,
    /// Its policy.
    pub policy: PolicyId,
    /// Its TTL.
    pub ttl: TtlRange,
    /// By number, whether its policy's pools offer the family: fixed at load (§5.6).
    pub families: [bool; AnswerFamily::ALL.len()],
}

impl SteeredName {
    /// Whether it has answers of a family.
    #[must_use]
    pub const fn offers(&self, family: AnswerFamily) -> bool {
        self.families[family as usize]
    }

    /// The families that it has answers of.
    pub fn offered(&self) -> impl Iterator<Item = AnswerFamily> {
        AnswerFamily::ALL.into_iter().filter(|&family| self.offers(family))
    }

    /// The family that its policy answers a type with; none where static records answer it.
    #[must_use]
    pub fn family(&self, rtype: Rtype) -> Option<AnswerFamily> {
        let family = match rtype {
            _ if self.offers(AnswerFamily::Cname) => AnswerFamily::Cname, // RFC 1034 §3.6.2: whatever was asked
            Rtype::A => AnswerFamily::V4,
            Rtype::AAAA => AnswerFamily::V6,
            _ => return None,
        };
        Some(family).filter(|&family| self.offers(family))
    }
}

/// The TTL of a steered name: `max` while all that matters is settled, else `min` (§5.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TtlRange {
    /// While settled.
    pub max: Ttl,
    /// Otherwise.
    pub min: Ttl,
}
