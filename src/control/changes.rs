//! What a reload changed, as lines for the operator.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::BuildHasher;

use foldhash::fast::FixedState;

use crate::base::counted;
use crate::health::ProbeKey;
use crate::snapshot::{Loaded, Service};
use crate::steer::{Endpoint, Policy, Pool, Steering};
use crate::zone::Zone;

/// Of one kind, at most this many are named one by one.
const NAMED: usize = 20;

/// One line a thing that was added, removed or changed.
#[must_use]
pub(super) fn changes(old: &Loaded, new: &Loaded) -> Vec<String> {
    let mut lines = Vec::new();
    zones(old, new, &mut lines);
    compare("setting", "settings", &settings(old), &settings(new), &mut lines);
    let (before, after) = (&old.steering, &new.steering);
    compare("pool", "pools", &pools(before), &pools(after), &mut lines);
    compare("endpoint", "endpoints", &endpoints(before), &endpoints(after), &mut lines);
    compare("policy", "policies", &policies(before), &policies(after), &mut lines);
    compare("steered name", "steered names", &names(before), &names(after), &mut lines);
    compare("target", "targets", &targets(before), &targets(after), &mut lines);
    compare("database", "databases", &databases(old), &databases(new), &mut lines);
    lines
}

/// Things by name, with a text that differs where they do.
type Things = BTreeMap<String, String>;

fn compare(kind: &str, kinds: &str, old: &Things, new: &Things, lines: &mut Vec<String>) {
    let added: Vec<&String> = new.keys().filter(|name| !old.contains_key(*name)).collect();
    let removed: Vec<&String> = old.keys().filter(|name| !new.contains_key(*name)).collect();
    let differs = |(name, text): &(&String, &String)| old.get(*name).is_some_and(|before| before != *text);
    let changed: Vec<&String> = new.iter().filter(differs).map(|(name, _)| name).collect();
    for (names, what) in [(added, "added"), (removed, "removed"), (changed, "changed")] {
        if names.len() > NAMED {
            lines.push(format!("{} {kinds} {what}", names.len()));
        } else {
            lines.extend(names.iter().map(|name| format!("{kind} {name} {what}")));
        }
    }
}

/// What the server says of itself; secrets are told apart and never shown.
fn settings(loaded: &Loaded) -> Things {
    let Loaded { service, rate_limit, .. } = loaded;
    let Service { nsid, version, identity, cookies, keepalive: _ } = service;
    let cookies =
        cookies.as_ref().map(|cookies| (FixedState::with_seed(0).hash_one(&cookies.secrets), cookies.require));
    let texts = [
        ("nsid", format!("{nsid:?}")),
        ("version", format!("{version:?}")),
        ("identity", format!("{identity:?}")),
        ("[cookies]", format!("{cookies:?}")),
        ("[rate_limit]", format!("{:?}", rate_limit.as_ref().map(|limit| &limit.settings))),
    ];
    texts.into_iter().map(|(name, text)| (name.to_owned(), text)).collect()
}

fn zones(old: &Loaded, new: &Loaded, lines: &mut Vec<String>) {
    let by_name = |loaded: &Loaded| -> BTreeMap<String, std::sync::Arc<Zone>> {
        loaded.zones.iter().map(|zone| (zone.origin().to_string(), zone.clone())).collect()
    };
    let (old, new) = (by_name(old), by_name(new));
    for (name, zone) in &new {
        match old.get(name) {
            None => lines.push(format!(
                "zone {name} added: {}, serial {}",
                counted(zone.record_count(), "record", "records"),
                zone.serial()
            )),
            Some(before) => lines.extend(records(name, before, zone)),
        }
    }
    lines.extend(old.keys().filter(|name| !new.contains_key(*name)).map(|name| format!("zone {name} removed")));
}

/// How the records of a zone differ, if they do.
fn records(name: &str, old: &Zone, new: &Zone) -> Option<String> {
    let (before, after) = (hashes(old), hashes(new));
    let (added, removed) = (after.difference(&before).count(), before.difference(&after).count());
    if added + removed == 0 {
        return None;
    }
    let serial = match (old.serial(), new.serial()) {
        (before, after) if before == after => format!("serial {after} as before"),
        // RFC 1982 §3.2
        (before, after) if after.wrapping_sub(before) > 1 << 31 => {
            format!("serial {before} -> {after}, which is older: secondaries will not take it")
        }
        (before, after) => format!("serial {before} -> {after}"),
    };
    let added = counted(added, "record", "records");
    Some(format!("zone {name} changed: {added} added, {removed} removed, {serial}"))
}

/// A hash of every record.
fn hashes(zone: &Zone) -> BTreeSet<u64> {
    let hasher = FixedState::with_seed(0);
    let mut hashes = BTreeSet::new();
    for node in zone.nodes() {
        for rrset in node.rrsets() {
            let hash = |rdata: &[u8]| hasher.hash_one((node.name(), rrset.rtype(), rrset.ttl().secs(), rdata));
            hashes.extend(rrset.rdatas().map(hash));
        }
    }
    hashes
}

fn pools(steering: &Steering) -> Things {
    let text = |pool: &Pool| {
        let region = pool.region.map(|region| &steering.regions[region]);
        format!("{region:?} {:?}", pool.min_healthy)
    };
    steering.pools.iter().map(|pool| (pool.name.clone(), text(pool))).collect()
}

fn endpoints(steering: &Steering) -> Things {
    let text = |endpoint: &Endpoint| {
        let v4 = endpoint.v4.map(|(address, _)| address);
        let v6 = endpoint.v6.map(|(address, _)| address);
        let cname = endpoint.cname.as_ref().map(|(name, _)| name.to_string());
        format!("{} {v4:?} {v6:?} {cname:?}", endpoint.weight)
    };
    let of = |pool: &Pool| {
        let named = |endpoint: &Endpoint| (format!("{}/{}", pool.name, endpoint.name), text(endpoint));
        pool.endpoints.iter().map(named).collect::<Vec<_>>()
    };
    steering.pools.iter().flat_map(of).collect()
}

fn policies(steering: &Steering) -> Things {
    let text = |policy: &Policy| {
        let mut text = format!("{:?}", Policy { rules: Vec::new(), ..policy.clone() });
        for rule in &policy.rules {
            text += &format!("{:?} {:?} {:?} {:?}", rule.resolvers, rule.networks, rule.geos, rule.asns);
            for tier in &rule.tiers {
                let pools = tier.pools.iter().map(|&(pool, weight)| format!("{} {weight}", steering.pools[pool].name));
                text += &format!("{:?} {:?}", tier.order, pools.collect::<Vec<_>>());
            }
        }
        text
    };
    steering.policies.iter().map(|policy| (policy.name.clone(), text(policy))).collect()
}

fn names(steering: &Steering) -> Things {
    let text = |name: &crate::steer::SteeredName| format!("{} {:?}", steering.policies[name.policy].name, name.ttl);
    steering.names.iter().map(|name| (name.owner.to_string(), text(name))).collect()
}

fn targets(steering: &Steering) -> Things {
    let keys = steering.targets.iter().filter_map(|target| target.key.as_ref());
    keys.map(|key: &ProbeKey| (key.to_string(), key.fingerprint())).collect()
}

fn databases(loaded: &Loaded) -> Things {
    loaded.databases.iter().map(|database| (database.path.display().to_string(), database.digest.clone())).collect()
}
