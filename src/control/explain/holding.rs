//! How long an answer holds, and for whom: TTL and scope.

use super::facts::{ScopeFacts, TargetFacts, TtlFacts};
use super::pools::target_facts;
use super::steering::Case;
use super::variants::{Possible, possible};
use super::{ExplainError, must};
use crate::base::{Prefix, TargetId};
use crate::steer::{Considered, Pool, Settled};

/// The TTL, and why (§5.7).
pub(super) fn ttl(case: &Case<'_>) -> Result<TtlFacts, ExplainError> {
    let settled = Settled::of(case.steering(), &case.snapshot.board, mattering(case));
    let planned = case.catchment_plan().settled;
    must(settled == planned, || format!("settled is {settled:?} and planned as {planned:?}"))?;
    let range = case.met.steered.ttl;
    let (max, min) = (range.max.secs(), range.min.secs());
    let negative = case.met.zone.negative_ttl().secs();
    let (seconds, why, unsettled) = match possible(case) {
        Possible::Pools(_) if max == min => (max, "fixed".into(), Vec::new()),
        Possible::Pools(_) => by_settling(case, settled),
        Possible::Static(_) => (min, "the zone's static records stand in: min".into(), Vec::new()),
        Possible::Negative => {
            let why = format!("no data: the least of min ({min} s) and the zone's negative TTL ({negative} s)");
            (min.min(negative), why, Vec::new())
        }
        Possible::Failure => (0, "a failure carries no record, so no TTL".into(), Vec::new()),
    };
    Ok(TtlFacts { seconds, max, min, why, unsettled })
}

/// The pools that matter: all that share, and those before them.
fn mattering<'a>(case: &'a Case<'_>) -> &'a [Considered] {
    &case.decision.list[..case.mattering]
}

fn by_settling(case: &Case<'_>, settled: Settled) -> (u32, String, Vec<String>) {
    let range = case.met.steered.ttl;
    let seconds = settled.ttl(range, case.now).secs();
    let pools = mattering(case).len();
    let among = match pools {
        1 => "the pool that answers".into(),
        _ => format!("the first {pools} pools (those that answer, and all before them)"),
    };
    let doubtful: Vec<(TargetId, Settled)> =
        targets(case).into_iter().filter(|(_, own)| own.ttl(range, case.now) != range.max).collect();
    if range.max.secs() == seconds {
        return (
            seconds,
            format!("max: every target of {among} is up, and none failed a probe within {seconds} s"),
            Vec::new(),
        );
    }
    let unsettled = doubtful.into_iter().map(|(target, own)| unsettled(case, target, own)).collect();
    (seconds, format!("min: not every target of {among} is settled"), unsettled)
}

/// Every target that matters, once.
fn targets(case: &Case<'_>) -> Vec<(TargetId, Settled)> {
    let pools = mattering(case).iter().map(|entry| &case.steering().pools[entry.pool]);
    let mut targets: Vec<TargetId> = pools.flat_map(Pool::targets).collect();
    let mut seen = std::collections::HashSet::new();
    targets.retain(|target| seen.insert(*target));
    targets.into_iter().map(|target| (target, Settled::of_target(&case.snapshot.board.targets[target]))).collect()
}

fn unsettled(case: &Case<'_>, target: TargetId, settled: Settled) -> String {
    let names = case.steering().targets[target].endpoints.join(", ");
    let TargetFacts { probed, verdict, forced, last_failure, probes, .. } = target_facts(case, target);
    let at = probed.map(|probed| format!(" ({probed})")).unwrap_or_default();
    let since = probes.filter(|probes| probes.verdict == verdict);
    let since =
        since.map(|probes| format!(" for {} s", case.now.wall.saturating_sub(probes.since))).unwrap_or_default();
    match (forced, settled, last_failure) {
        (Some(forced), ..) => format!("{names}{at}: forced {forced}"),
        (None, Settled::Since(_), Some(failure)) => {
            let ago = case.now.wall.saturating_sub(failure);
            let max = u64::from(case.met.steered.ttl.max.secs());
            format!(
                "{names}{at}: up, but a probe failed {ago} s ago; settled in {} s unless one fails before",
                max.saturating_sub(ago)
            )
        }
        _ => format!("{names}{at}: {verdict}{since}"),
    }
}

/// The scope, and why (§5.9).
pub(super) fn scope(case: &Case<'_>) -> ScopeFacts {
    let without = |length, why: &str| ScopeFacts { length, network: None, why: why.into() };
    let Some(subnet) = case.subnet else {
        return without(None, "the query has no Client Subnet, so the response has none");
    };
    if !case.client.by_subnet {
        let ignored =
            if case.policy().use_ecs { "Client Subnet of length 0 is answered" } else { "ecs = \"ignore\": answered" };
        return without(Some(0), &format!("{ignored} by the resolver's address"));
    }
    let length = scope_of(case);
    match possible(case) {
        Possible::Negative => without(Some(0), "a negative answer is for everyone (RFC 7871 §7.4)"),
        Possible::Failure => without(Some(0), "a failure is for everyone"),
        Possible::Pools(_) | Possible::Static(_) => {
            let sticky = length > case.tree_scope;
            let network = Prefix::around(case.client.addr, length);
            let why = match (sticky, length) {
                (true, _) => format!(
                    "sticky keeps a network of this size together; without it the scope would be {}",
                    case.tree_scope
                ),
                (false, 0) => "the policy treats all clients of this family alike".into(),
                (false, _) => "the widest network around the client that the policy treats alike".into(),
            };
            let longer = if length > subnet.len() {
                format!("; longer than the {} bits sent", subnet.len())
            } else {
                String::new()
            };
            ScopeFacts { length: Some(length), network: Some(network.to_string()), why: why + &longer }
        }
    }
}

/// The scope of a positive answer to Client Subnet.
pub(super) fn scope_of(case: &Case<'_>) -> u8 {
    let sticky = case.client.sticky_key(case.policy_plan()).map(|_| case.client.sticky_network().len());
    case.tree_scope.max(sticky.unwrap_or(0))
}
