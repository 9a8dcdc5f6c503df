//! Pools and endpoints: how far, which share, why, and what probes say.

use super::super::facts::{
    EndpointFacts, EstimateFacts, FateFact, OrderFact, PartFacts, PoolFacts, SteeringFacts, TargetFacts,
};
use super::super::probes::{ProbeFacts, ProbeRun};
use super::layout::{columns, date, ms, percent, span};

/// A line a pool that has an estimate.
pub(super) fn estimates(pools: &[PoolFacts]) -> Vec<String> {
    let rows: Vec<Vec<String>> =
        pools.iter().filter_map(|pool| Some(estimate(pool, pool.estimate.as_ref()?))).collect();
    if rows.is_empty() {
        let nearest = pools.iter().any(|pool| pool.order == OrderFact::Nearest);
        let none = "none: nothing says where the client is, so pools ordered by distance keep the order written";
        return if nearest { vec![none.into()] } else { Vec::new() };
    }
    let head = ["pool", "region", "distance", "by distance", "bias", "biased", "in steps", "slowness", "estimate"];
    let head = head.map(str::to_owned).to_vec();
    columns(std::iter::once(head).chain(rows).collect(), &[2, 3, 4, 5, 6, 7, 8])
}

fn estimate(pool: &PoolFacts, estimate: &EstimateFacts) -> Vec<String> {
    let mut row = vec![pool.pool.clone(), pool.region.clone().unwrap_or_default()];
    match &estimate.parts {
        Some(parts) => {
            let from = parts.seen_from.as_ref().map(|region| format!(" from {region}")).unwrap_or_default();
            row.push(format!("{:.0} km{from}", parts.km));
            row.push(format!("{:.0} + {}", parts.base_ms, ms(parts.distance_ms)));
            row.push(parts.bias.to_string());
            row.push(ms(parts.ms));
        }
        None => row.extend(["?", "?", "?", "?"].map(str::to_owned)),
    }
    row.extend([ms(estimate.step_ms), format!("+ {:.0} ms", estimate.slowness_ms), ms(estimate.ms)]);
    row
}

/// The pools in the order they were looked at, each with its endpoints.
pub(super) fn pools(steering: &SteeringFacts, now: u64) -> Vec<String> {
    let mut lines = vec![steering.why.clone()];
    lines.extend(steering.sticky.as_ref().map(|sticky| {
        let (network, endpoints) = (&sticky.network, sticky.endpoints.join(" "));
        format!("sticky: shares are shares of client networks, and {network} has {endpoints} of {}", sticky.pool)
    }));
    for pool in &steering.pools {
        lines.push(String::new());
        lines.extend(self::pool(pool, now));
    }
    lines
}

fn pool(pool: &PoolFacts, now: u64) -> Vec<String> {
    let verdict = match pool.fate {
        FateFact::Answers => format!("takes {}", percent(pool.share)),
        FateFact::LaterTier | FateFact::BehindFirst | FateFact::TooFar => "not needed".into(),
        FateFact::LacksFamily | FateFact::NothingUsable | FateFact::NotEnough => "skipped".into(),
    };
    let order = match pool.order {
        OrderFact::Written => "in the order written".into(),
        OrderFact::Nearest => "by distance".into(),
        OrderFact::Weighted => format!("by weight, {}", pool.weight),
    };
    let mut lines = vec![format!("{}: {verdict}", pool.pool), format!("  tier {}, {order}: {}", pool.tier, pool.why)];
    lines.extend(usable(&pool.parts).map(|line| format!("  {line}")));
    let rows = columns(pool.endpoints.iter().map(|own| endpoint(own, now)).collect(), &[0]);
    for (row, own) in rows.iter().zip(&pool.endpoints) {
        lines.push(format!("  {row}"));
        lines.extend(own.target.as_ref().and_then(|target| probes(target, now)).map(|line| format!("      {line}")));
    }
    lines
}

/// As in `usable: A 1 of 3, AAAA 3 of 3 of the weight; min_healthy = 0.5 is not reached in A`.
fn usable(parts: &[PartFacts]) -> Option<String> {
    let first = parts.first()?;
    let all: Vec<String> = parts.iter().map(|part| format!("{} {} of {}", part.family, part.usable, part.of)).collect();
    let short: Vec<&str> = parts.iter().filter(|part| !part.enough).map(|part| part.family.as_str()).collect();
    let what = if first.weight { "of the weight" } else { "endpoints" };
    let least: Vec<String> = parts.iter().map(|part| part.min_healthy.to_string()).collect();
    let least = if least.iter().all(|own| own == &least[0]) { least[0].clone() } else { least.join(" and ") };
    let verdict = if short.is_empty() { "reached".into() } else { format!("not reached in {}", short.join(" and ")) };
    Some(format!("usable: {} {what}; min_healthy = {least} is {verdict}", all.join(", ")))
}

fn endpoint(own: &EndpointFacts, now: u64) -> Vec<String> {
    let share = match own.share {
        Some(share) => percent(share),
        None if own.usable => String::new(),
        None => "-".into(),
    };
    let name = own.endpoint.rsplit('/').next().unwrap_or_default().to_owned();
    let factor = own.latency_factor.filter(|&factor| factor != 1.0);
    let factor = factor.map(|factor| format!(" x {factor} for latency")).unwrap_or_default();
    let address = own.address.clone().unwrap_or_else(|| format!("no {}", own.family));
    vec![share, name, address, format!("weight {}{factor}", own.weight), state(own, now)]
}

/// As in `down for 12 s: connection refused`.
fn state(own: &EndpointFacts, now: u64) -> String {
    let Some(target) = &own.target else { return own.why.clone() };
    let mut text = own.why.clone();
    match &target.probes {
        Some(probes) if probes.verdict == target.verdict => {
            text += &format!("; probes say {} for {}", probes.verdict, span(now.saturating_sub(probes.since)));
        }
        Some(probes) => text += &format!("; probes say {} by now, and a new snapshot is due", probes.verdict),
        None if target.probed.is_none() => text += "; nothing probes it",
        None => {}
    }
    if target.slowness_ms > 0.0 {
        text += &format!("; slower than its best by about {:.0} ms", target.slowness_ms);
    }
    text
}

/// The last probes of a target, newest first.
fn probes(target: &TargetFacts, now: u64) -> Option<String> {
    let (probes, probed): (&ProbeFacts, _) = (target.probes.as_ref()?, target.probed.as_ref()?);
    let shown = &probes.recent[..probes.recent.len().min(SHOWN)];
    let mut text = match shown {
        [] => format!("{probed}: not probed since the start"),
        _ => format!(
            "{probed}: {}",
            shown.chunk_by(|a, b| a.failure == b.failure).map(|runs| alike(runs, now)).collect::<Vec<_>>().join("; ")
        ),
    };
    if let Some(latency) = target.latency_ms.filter(|_| target.verdict == "up") {
        text += &format!("; latency {}", ms(latency));
    }
    if let Some(expiry) = probes.certificate_expiry {
        text += &format!("; certificate until {}", date(expiry));
    }
    Some(text)
}

/// How many of the last probes are shown.
const SHOWN: usize = 5;

/// Probes in a row with one outcome, as in `connection refused 2 s, 7 s ago`.
fn alike(runs: &[ProbeRun], now: u64) -> String {
    let ages: Vec<String> = runs.iter().map(|run| span(now.saturating_sub(run.started))).collect();
    let outcome = runs.first().and_then(|run| run.failure.as_deref()).unwrap_or("ok");
    format!("{outcome} {} ago", ages.join(", "))
}
