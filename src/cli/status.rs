//! `windrose status`: a running server at a glance, as text or JSON.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the command's output")]

use std::path::Path;
use std::time::Duration;

use crate::admin::{PoolStatus, Status, TargetStatus};
use crate::base::{ago, columns, counted};
use crate::control::explain::ProbeFacts;
use crate::probe::clock;

use super::client::{Client, Failed};
use super::{FAILED, OK, asking};

/// Prints it.
pub(super) fn run(config: &Path, json: bool) -> u8 {
    match asking(gather(config)) {
        Ok(seen) if json => {
            let (status, pools, targets) = seen;
            println!("{}", serde_json::json!({ "status": status, "pools": pools, "targets": targets }));
            OK
        }
        Ok((status, pools, targets)) => {
            print!("{}", render(&status, &pools, &targets, clock::now().wall));
            OK
        }
        Err(why) => {
            eprintln!("{why}");
            FAILED
        }
    }
}

async fn gather(config: &Path) -> Result<(Status, Vec<PoolStatus>, Vec<TargetStatus>), Failed> {
    let client = Client::of(config)?;
    let status = client.get("/v1/status", &[]).await?;
    let pools = client.get("/v1/pools", &[]).await?;
    Ok((status, pools, client.get("/v1/targets", &[]).await?))
}

/// The text. `now` is in seconds since 1970.
fn render(status: &Status, pools: &[PoolStatus], targets: &[TargetStatus], now: u64) -> String {
    let Status { version, queries, .. } = status;
    let mut text = format!("windrose {version}, running for {}\n", ago(Duration::from_secs(status.uptime)));
    text += &status.listeners.iter().map(|listener| format!("  listening on {listener}\n")).collect::<String>();
    text += &format!(
        "  {}, {}, {}; queries answered: {queries}\n",
        counted(status.zones, "zone", "zones"),
        counted(status.steered_names, "steered name", "steered names"),
        counted(status.policies, "policy", "policies"),
    );
    if status.over_rate.values().any(|&count| count > 0) {
        let count = |what: &str| status.over_rate.get(what).copied().unwrap_or(0);
        let (dropped, slipped, sent) = (count("dropped"), count("slipped"), count("sent"));
        text +=
            &format!("  responses over the rate: {dropped} dropped, {slipped} cut short, {sent} sent by a dry run\n");
    }
    text += &format!(
        "  snapshot {}, {} old, built in {:.1} ms\n",
        status.snapshot.generation,
        ago(Duration::from_secs_f64(status.snapshot.age)),
        status.snapshot.build_ms
    );
    text += &format!("  {}\n", reloads(status, now));
    for database in &status.databases {
        let age = ago(Duration::from_secs(now.saturating_sub(database.built)));
        text += &format!("  database {}: {} networks, built {age} ago\n", database.kind, database.networks);
    }
    text += &format!("\n{}", pool_table(pools));
    if targets.iter().any(|target| target.probed.is_some()) {
        text += &format!("\n{}", target_table(targets, now));
    }
    text
}

fn reloads(status: &Status, now: u64) -> String {
    let reloads = &status.reloads;
    let last = reloads.last.map(|at| ago(Duration::from_secs(now.saturating_sub(at))));
    let counts = format!("reloads: {} taken, {} refused", reloads.taken, reloads.refused);
    match (reloads.last_taken, last) {
        (Some(true), Some(ago)) => format!("{counts}; the last {ago} ago"),
        (Some(false), Some(ago)) => {
            let error = reloads.error.as_ref().map(|error| format!("\n    {error}")).unwrap_or_default();
            format!("{counts}; the last {ago} ago was REFUSED: what is served is not what the files say{error}")
        }
        _ => counts,
    }
}

fn pool_table(pools: &[PoolStatus]) -> String {
    let mut rows = vec![["POOL", "REGION", "STATE", "USABLE", "ANSWERS"].map(str::to_owned).to_vec()];
    for pool in pools {
        let usable =
            |family: &crate::admin::FamilyStatus| format!("{} {}/{}", family.rtype, family.usable, family.endpoints);
        let mut state = if pool.healthy { "healthy" } else { "NOT HEALTHY" }.to_owned();
        if pool.slowness_ms > 0.0 {
            state += &format!(", slow by {} ms", pool.slowness_ms);
        }
        rows.push(vec![
            pool.name.clone(),
            pool.region.clone().unwrap_or_else(|| "-".to_owned()),
            state,
            pool.families.iter().map(usable).collect::<Vec<_>>().join(", "),
            pool.answers.to_string(),
        ]);
    }
    columns(&rows, &[4])
}

fn target_table(targets: &[TargetStatus], now: u64) -> String {
    let head = ["ENDPOINT", "PROBED", "STATE", "SINCE", "LATENCY", "REASON"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for target in targets.iter().filter(|target| target.probed.is_some()) {
        let (dash, probes) = (|| "-".to_owned(), target.probes.as_ref());
        rows.push(vec![
            target.endpoints.join(" "),
            target.probed.clone().unwrap_or_default(),
            if target.state == "up" { "up".to_owned() } else { target.state.to_uppercase() },
            probes.map_or_else(dash, |probes| ago(Duration::from_secs(now.saturating_sub(probes.since)))),
            probes.and_then(|probes| probes.latency_ms).map_or_else(dash, |millis| format!("{millis:.1} ms")),
            probes.and_then(|probes| trouble(probes, &target.state)).unwrap_or_default(),
        ]);
    }
    columns(&rows, &[3, 4])
}

/// Why a target is not plainly up.
fn trouble(probes: &ProbeFacts, state: &str) -> Option<String> {
    let failed = probes.reason.clone().filter(|_| state == "down" || probes.failures > 0);
    probes.trouble.clone().or(failed)
}
