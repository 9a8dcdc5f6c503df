//! Steering: which pool and endpoint a client is answered with.
//!
//! Two speeds. *Static*: [`Steering`] (what config says) and locations become a prefix map of catchments per policy.
//! *Dynamic*: `decide` turns a catchment's estimates and the board into shares, and a plan holds what each catchment
//! answers now. Neither knows sockets, files or the time; nothing here runs per query but look-ups and one draw.

mod build;
mod catchment;
mod decide;
mod draw;
mod estimate;
mod matcher;
mod model;
mod plan;
mod standing;
mod wiring;

pub use catchment::{Catchment, CatchmentMap, CatchmentSearch, catchment_maps, catchment_maps_after, measured};
pub use decide::{Considered, Decision, Fate, Outcome, Standings, Step as DecidingStep, decide, fates};
pub use draw::{Options, PoolAnswers, Variant, latency_factors};
pub use estimate::{Estimates, Measured, Places, Step, biased, by_distance};
pub use matcher::Matcher;
pub use model::{
    AnswerFamily, Endpoint, MinHealthy, Order, Policy, PolicyKind, Pool, Region, Rule, Spread, SteeredName, Steering,
    Target, Tier, TtlRange, WhenAllDown,
};
pub use plan::{CatchmentPlan, FamilyPlan, Plan, PolicyPlan, PoolDraw, Settled, SharingPool};
pub use standing::{Assume, Judged, Part, Standing, Usability, judged, standings};

#[cfg(test)]
mod plan_tests;
#[cfg(test)]
mod tests;
