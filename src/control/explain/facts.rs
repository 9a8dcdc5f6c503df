//! What an explanation consists of: plain data, which JSON carries from a server to whoever asks. Names are stable; times
//! are seconds since 1970-01-01 UTC, latencies milliseconds, shares and chances fractions of 1.

#![expect(missing_docs, reason = "the headline of each struct and the names of its fields say it")]

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::probes::ProbeFacts;

/// Why a client gets an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// Of the snapshot that everything is taken from.
    pub generation: u64,
    pub time: u64,
    /// What the board was assumed to be, where it is not what probes found.
    pub assumed: Option<String>,
    pub query: QueryFacts,
    /// The name asked, then those that CNAMEs lead to.
    pub names: Vec<NameFacts>,
    /// None where no policy decides the answer.
    pub steering: Option<SteeringFacts>,
    pub answer: AnswerFacts,
}

/// What was asked, and by whom.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueryFacts {
    pub name: String,
    #[serde(rename = "type")]
    pub rtype: String,
    pub resolver: IpAddr,
    /// Whether the question named the resolver; else a loopback address stands in.
    pub resolver_named: bool,
    /// Client Subnet, as `ADDRESS/SOURCE`.
    pub client_subnet: Option<String>,
}

/// One name of the chain: where it was looked for and what was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NameFacts {
    pub name: String,
    pub zone: Option<String>,
    pub serial: Option<u32>,
    pub found: FoundFact,
    /// The name in the zone that answers: the wildcard or the delegation point, if it is one of these.
    pub owner: Option<String>,
    pub policy: Option<String>,
    pub why: String,
}

/// What a name is in its zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FoundFact {
    Exact,
    Wildcard,
    Delegation,
    Dname,
    NxDomain,
    NotServed,
}

/// What a policy decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SteeringFacts {
    pub owner: String,
    pub policy: String,
    /// `A`, `AAAA` or `CNAME`.
    pub family: String,
    pub client: ClientFacts,
    pub catchment: u32,
    /// Up to the one that matched.
    pub rules: Vec<RuleFacts>,
    pub later_rules: usize,
    pub outcome: OutcomeFact,
    pub why: String,
    /// In the order they were looked at.
    pub pools: Vec<PoolFacts>,
    pub sticky: Option<StickyFacts>,
    pub ttl: TtlFacts,
    pub scope: ScopeFacts,
}

/// Which address counts, and where it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClientFacts {
    pub address: IpAddr,
    pub by_client_subnet: bool,
    pub why: String,
    /// Whose location counts: the client's, or the resolver's for a special-purpose client.
    pub located_by: IpAddr,
    pub located_why: Option<String>,
    /// None where a database file is no longer the one that was loaded.
    pub location: Option<LocationFacts>,
    pub databases: Vec<DatabaseFacts>,
}

/// Where an address is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LocationFacts {
    pub continent: Option<String>,
    pub country: Option<String>,
    pub subdivision: Option<String>,
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
    /// Whether the point is the country's centroid and not the record's own.
    pub centroid: bool,
    pub asn: Option<u32>,
}

/// What one database says of the located address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatabaseFacts {
    pub path: String,
    pub kind: String,
    pub built: u64,
    pub sha256: String,
    /// Why it cannot be asked any more.
    pub problem: Option<String>,
    pub network: Option<String>,
    pub says: Option<LocationFacts>,
}

/// A rule that was looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleFacts {
    /// From 1.
    pub number: usize,
    pub matchers: String,
    pub matched: bool,
    pub why: String,
}

/// What came of the rule's pools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeFact {
    Healthy,
    Degraded,
    AllDown,
    NotOffered,
    LastResort,
    NoData,
    ServFail,
    LastResortOrFail,
}

/// A pool of the rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PoolFacts {
    pub pool: String,
    pub region: Option<String>,
    /// From 1.
    pub tier: usize,
    pub order: OrderFact,
    pub weight: u32,
    pub estimate: Option<EstimateFacts>,
    pub fate: FateFact,
    pub why: String,
    /// Of the catchment's answers.
    pub share: f64,
    pub parts: Vec<PartFacts>,
    /// In the family asked, and in others that are short of `min_healthy`.
    pub endpoints: Vec<EndpointFacts>,
}

/// How the pools of a tier are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderFact {
    Written,
    Nearest,
    Weighted,
}

/// What became of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FateFact {
    Answers,
    LacksFamily,
    NothingUsable,
    NotEnough,
    BehindFirst,
    TooFar,
    LaterTier,
}

/// How far a pool is, and what that is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EstimateFacts {
    /// What orders and shares: step and slowness.
    pub ms: f64,
    /// What stands for the whole catchment.
    pub step_ms: f64,
    pub slowness_ms: f64,
    /// None where databases are no longer those that were loaded.
    pub parts: Option<DistanceFacts>,
}

/// What an estimate was made of before it was rounded to its step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DistanceFacts {
    pub km: f64,
    /// The region that the distance is taken from; none for the client's own place.
    pub seen_from: Option<String>,
    pub base_ms: f64,
    pub distance_ms: f64,
    pub bias: i8,
    /// Base and distance, after bias.
    pub ms: f64,
}

/// How much of a pool is usable in one family.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartFacts {
    pub family: String,
    pub usable: u32,
    pub of: u32,
    /// Whether that is weight; else endpoints are counted.
    pub weight: bool,
    /// A fraction of weight, or a number of endpoints.
    pub min_healthy: f64,
    pub enough: bool,
}

/// An endpoint of a pool in one family.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EndpointFacts {
    /// `ZONE/POOL/ENDPOINT`.
    pub endpoint: String,
    pub family: String,
    pub address: Option<String>,
    pub weight: u16,
    pub usable: bool,
    pub why: String,
    /// What latency leaves of its weight.
    pub latency_factor: Option<f64>,
    /// Of the pool's answers, where the pool answers.
    pub share: Option<f64>,
    pub target: Option<TargetFacts>,
}

/// What judges an endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetFacts {
    /// What is probed; none for `check = "none"`.
    pub probed: Option<String>,
    /// What the snapshot was built from.
    pub verdict: String,
    pub forced: Option<String>,
    pub latency_ms: Option<f64>,
    pub slowness_ms: f64,
    pub last_failure: Option<u64>,
    /// What probes say by now.
    pub probes: Option<ProbeFacts>,
}

/// What a sticky policy gives this client's network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StickyFacts {
    pub network: String,
    pub pool: String,
    pub endpoints: Vec<String>,
}

/// The TTL, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TtlFacts {
    pub seconds: u32,
    pub max: u32,
    pub min: u32,
    pub why: String,
    /// The targets that are not settled.
    pub unsettled: Vec<String>,
}

/// The scope of Client Subnet, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScopeFacts {
    /// None where the query has no Client Subnet.
    pub length: Option<u8>,
    pub network: Option<String>,
    pub why: String,
}

/// One response to the query, and every answer it might have held.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnswerFacts {
    pub rcode: String,
    pub authoritative: bool,
    /// Extended DNS Errors (RFC 8914).
    pub errors: Vec<String>,
    pub records: Vec<RecordFacts>,
    /// The scope in the response.
    pub scope: Option<u8>,
    /// Where a policy answers with pools: all that may be drawn.
    pub variants: Vec<VariantFacts>,
}

/// A record of the response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordFacts {
    /// `answer`, `authority` or `additional`.
    pub section: String,
    pub name: String,
    pub ttl: u32,
    #[serde(rename = "type")]
    pub rtype: String,
    pub data: String,
}

/// One of the answers that may be drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VariantFacts {
    pub pool: String,
    pub endpoints: Vec<String>,
    pub data: Vec<String>,
    pub chance: f64,
}
