//! Steered names.

use std::collections::HashSet;

use super::build::Built;
use super::neighbours::{check_neighbours, check_place};
use super::policies::{PolicyNotes, default_policy};
use super::scope::{Scope, resolve};
use super::table::{Entry, Log, Text};
use super::ttl::{DEFAULT_TTL, ttl_range};
use super::zone_view::ZoneView;
use crate::base::{PolicyId, PoolId};
use crate::steer::{AnswerFamily, Order, PolicyKind, Rule, SteeredName, Tier};
use crate::wire::Name;
use crate::zone::name_remedy;

/// Reads `[name]` and checks each name against the zone.
pub(super) fn names(
    log: &mut Log<'_>,
    Entry { value, span, .. }: Entry<'_>,
    zone: &dyn ZoneView,
    own: &mut Scope,
    shared: &mut Scope,
    built: &mut Built,
) {
    let Some(table) = value.table_at(log, "[name]", span) else { return };
    let mut owners = HashSet::new();
    for entry in table.entries() {
        let Some(name) = steered_name(log, entry, zone, own, shared, built) else { continue };
        if owners.insert(name.owner.clone()) {
            built.steering.names.push(name);
            built.name_spans.push(entry.span);
        } else {
            log.error_with(entry.span, format!("{} is steered already", name.owner), "keep one of the two");
        }
    }
}

fn steered_name(
    log: &mut Log<'_>,
    entry: Entry<'_>,
    zone: &dyn ZoneView,
    own: &mut Scope,
    shared: &mut Scope,
    built: &mut Built,
) -> Option<SteeredName> {
    let owner = owner(log, entry, zone);
    if !entry.value.is_table() {
        let message = format!("name \"{}\" must be a table, not {}", entry.key, entry.value.kind());
        log.error_with(entry.value.span, message, "write { policy = \"...\" } or { pool = \"...\" }");
        return None;
    }
    let mut table = entry.value.table_at(log, format!("name \"{}\"", entry.key), entry.span)?;
    // TOML takes the dots of www.eu without quotes for steps into tables
    let keys = table.entries();
    let dotted = !keys.is_empty() && keys.iter().all(|key| key.value.is_table() && key.key != "ttl");
    let policy = match (table.entry("policy"), table.entry("pool")) {
        (Some(policy), None) => policy.value.text(log).and_then(|policy| {
            resolve(log, "policy", &policy, &mut own.policies, &mut shared.policies).map(|policy| policy.id)
        }),
        (None, Some(pool)) => pool.value.text(log).and_then(|pool| pinned(log, &pool, own, shared, built)),
        (Some(policy), Some(pool)) => {
            let second = if policy.span.start < pool.span.start { pool.span } else { policy.span };
            log.error_with(
                second,
                format!("name \"{}\" has both a policy and a pool", entry.key),
                "keep one of the two",
            );
            None
        }
        (None, None) if dotted => {
            let message = format!("name \"{}\" is a table of tables", entry.key);
            log.error_with(entry.span, message, "quote a name that has dots, such as \"www.eu\" = { ... }");
            None
        }
        (None, None) if table.misspells(&["policy", "pool"]) => None,
        (None, None) => {
            let hint = "write policy = \"...\" or pool = \"...\"";
            log.missing(entry.span, format!("name \"{}\" has neither a policy nor a pool", entry.key), hint);
            None
        }
    };
    let ttl = table.take("ttl").map_or(Some(DEFAULT_TTL), |value| ttl_range(log, value));
    if !dotted {
        table.close(log);
    }
    let (owner, policy) = (owner?, policy?);
    if !check_place(log, entry.span, owner.as_ref(), zone) {
        return None;
    }
    check_neighbours(log, entry.span, owner.as_ref(), policy, zone, built);
    let offered = &built.policies[policy].families;
    let families = AnswerFamily::ALL.map(|family| offered.contains(&family));
    Some(SteeredName { owner, policy, ttl: ttl?, families })
}

fn owner(log: &mut Log<'_>, Entry { key, span, .. }: Entry<'_>, zone: &dyn ZoneView) -> Option<Name> {
    if key == "@" {
        return Some(zone.origin().to_name());
    }
    let name = match Name::parse(key.as_bytes(), Some(zone.origin())) {
        Ok(name) => name,
        Err(error) => {
            log.error_with(span, format!("\"{key}\" is not a domain name: {error}"), name_remedy(error));
            return None;
        }
    };
    if !name.as_ref().is_within(zone.origin()) {
        let hint = "names are relative to the zone unless they end in a dot";
        log.error_with(span, format!("{name} is not in zone {}", zone.origin()), hint);
        return None;
    }
    Some(name)
}

/// The policy of names that are pinned to a pool: one rule, all defaults.
fn pinned(log: &mut Log<'_>, pool: &Text, own: &mut Scope, shared: &mut Scope, built: &mut Built) -> Option<PolicyId> {
    let pool = resolve(log, "pool", pool, &mut own.pools, &mut shared.pools)?.id;
    if let Some(&policy) = built.pinned.get(&pool) {
        return Some(policy);
    }
    let (notes, rule) = (built.pools[pool], pin_rule(pool));
    let pool_built = &built.steering.pools[pool];
    let kind = notes.kind.unwrap_or(PolicyKind::Address);
    let families = kind.families().iter().copied().filter(|&family| pool_built.offers(family)).collect();
    let mut policy = default_policy(pool_built.name.clone(), kind);
    policy.rules.push(rule);
    let id = built.add_policy(policy, PolicyNotes { families, sound: notes.sound });
    built.pinned.insert(pool, id);
    Some(id)
}

fn pin_rule(pool: PoolId) -> Rule {
    Rule { tiers: vec![Tier { order: Order::Written, pools: vec![(pool, 1)] }], ..Rule::default() }
}
