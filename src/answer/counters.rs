//! What is counted of queries, by thread.

use std::sync::Arc;

use crate::base::{Counter, IdVec, PolicyId, PoolId, ZoneId};
use crate::snapshot::Loaded;
use crate::wire::{Rcode, Rtype};

use super::meta::Transport;

/// Types that are counted apart; all others together.
pub const COUNTED_TYPES: [(Rtype, &str); 14] = [
    (Rtype::A, "A"),
    (Rtype::AAAA, "AAAA"),
    (Rtype::NS, "NS"),
    (Rtype::SOA, "SOA"),
    (Rtype::CNAME, "CNAME"),
    (Rtype::MX, "MX"),
    (Rtype::TXT, "TXT"),
    (Rtype::SRV, "SRV"),
    (Rtype::PTR, "PTR"),
    (Rtype::CAA, "CAA"),
    (Rtype::DS, "DS"),
    (Rtype::DNSKEY, "DNSKEY"),
    (Rtype::HTTPS, "HTTPS"),
    (Rtype::ANY, "ANY"),
];

/// Response codes by number; the last stands for all others.
pub const COUNTED_RCODES: [&str; 7] = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "other"];

const TYPES: usize = COUNTED_TYPES.len() + 1;
const RCODES: usize = COUNTED_RCODES.len();
const TRANSPORTS: usize = Transport::ALL.len();

/// What one thread counted.
#[derive(Debug, Default)]
pub struct Counters {
    /// Queries by transport, type and response code.
    queries: [[[Counter; RCODES]; TYPES]; TRANSPORTS],
    /// Packets that got no response.
    pub dropped: Counter,
    /// Responses cut short by TC.
    pub truncated: Counter,
    /// Responses over the rate that were not sent.
    pub rate_dropped: Counter,
    /// Responses over the rate that were sent empty, with TC.
    pub rate_slipped: Counter,
    /// Responses over the rate that were sent, as the limit is only tried out.
    pub rate_excused: Counter,
}

impl Counters {
    /// Queries by transport, type and response code, those that never came left out.
    pub fn queries(&self) -> impl Iterator<Item = (Transport, &'static str, &'static str, u64)> {
        let types = COUNTED_TYPES.iter().map(|&(_, name)| name).chain(["other"]);
        let cells = Transport::ALL.into_iter().zip(&self.queries).flat_map(move |(transport, by_type)| {
            types.clone().zip(by_type).flat_map(move |(rtype, by_rcode)| {
                COUNTED_RCODES.into_iter().zip(by_rcode).map(move |(rcode, cell)| (transport, rtype, rcode, cell.get()))
            })
        });
        cells.filter(|&(.., count)| count > 0)
    }

    /// Counts a response. What has no readable question is of another type.
    pub(super) fn responded(&self, transport: Transport, rtype: Option<Rtype>, rcode: Rcode) {
        let known = rtype.and_then(|rtype| COUNTED_TYPES.iter().position(|&(known, _)| known == rtype));
        let rtype = known.unwrap_or(TYPES - 1);
        self.queries[transport as usize][rtype][usize::from(rcode.0).min(RCODES - 1)].increment();
    }
}

/// What one thread counted of the zones, policies and pools of one load.
#[derive(Debug)]
pub struct NamedCounters {
    /// What the ids below belong to.
    pub loaded: Arc<Loaded>,
    /// Queries by the zone of the name asked.
    pub zones: IdVec<ZoneId, Counter>,
    /// Answers of steered names by policy and [`Steered`].
    pub policies: IdVec<PolicyId, [Counter; 4]>,
    /// Answers of steered names by the pool that was drawn.
    pub pools: IdVec<PoolId, Counter>,
}

/// What a policy answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Steered {
    /// Endpoints of a pool.
    Pool,
    /// The zone file's own records.
    LastResort,
    /// No data.
    NoData,
    /// SERVFAIL.
    ServFail,
}

impl Steered {
    /// All of them, in the order counted.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::Pool, "pool"),
        (Self::LastResort, "last_resort"),
        (Self::NoData, "nodata"),
        (Self::ServFail, "servfail"),
    ];
}

impl NamedCounters {
    /// Zeroes for everything that is loaded.
    #[must_use]
    pub fn new(loaded: Arc<Loaded>) -> Self {
        let steering = &loaded.steering;
        Self {
            zones: loaded.zones.iter().map(|_| Counter::default()).collect(),
            policies: steering.policies.iter().map(|_| Default::default()).collect(),
            pools: steering.pools.iter().map(|_| Counter::default()).collect(),
            loaded,
        }
    }
}
