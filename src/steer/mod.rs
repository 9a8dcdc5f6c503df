//! Steering: which pool and endpoint a client is answered with.
//!
//! Two speeds. *Static*: [`Steering`] (what config says) and locations become a prefix map of catchments per policy.
//! *Dynamic*: `decide` turns a catchment's estimates and the board into shares, and a plan holds what each catchment
//! answers now. Neither knows sockets, files or the time; nothing here runs per query but look-ups and one draw.

mod model;

pub use model::{
    AnswerFamily, Endpoint, MinHealthy, Order, Policy, PolicyKind, Pool, Region, Rule, Spread, SteeredName, Steering,
    Target, Tier, TtlRange, WhenAllDown,
};
