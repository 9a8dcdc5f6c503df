//! Steered names, and whether the zone has room for them.

use std::collections::HashSet;

use super::build::Built;
use super::policies::{PolicyNotes, default_policy};
use super::scope::{Scope, resolve};
use super::table::{Entry, Log, Text, Value};
use super::zone_view::ZoneView;
use crate::base::{PolicyId, PoolId, Span, Ttl};
use crate::steer::{AnswerFamily, Order, PolicyKind, Rule, SteeredName, Tier, TtlRange, WhenAllDown};
use crate::wire::{Name, NameRef, Rtype};

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
    let mut table = entry.value.table_at(log, format!("name \"{}\"", entry.key), entry.span)?;
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
        (None, None) => {
            let hint = "write policy = \"...\" or pool = \"...\"";
            log.missing(entry.span, format!("name \"{}\" has neither a policy nor a pool", entry.key), hint);
            None
        }
    };
    let ttl = table.take("ttl").map_or(Some(DEFAULT_TTL), |value| ttl_range(log, value));
    table.close(log);
    let (owner, policy) = (owner?, policy?);
    if !check_place(log, entry.span, owner.as_ref(), zone) {
        return None;
    }
    check_neighbours(log, entry.span, owner.as_ref(), policy, zone, built);
    let families = built.policies[policy].families.clone();
    Some(SteeredName { owner, policy, ttl: ttl?, families })
}

fn owner(log: &mut Log<'_>, Entry { key, span, .. }: Entry<'_>, zone: &dyn ZoneView) -> Option<Name> {
    if key == "@" {
        return Some(zone.origin().to_name());
    }
    let name = match Name::parse(key.as_bytes(), Some(zone.origin())) {
        Ok(name) => name,
        Err(error) => {
            log.error(span, format!("\"{key}\" is not a domain name: {error}"));
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

const DEFAULT_TTL: TtlRange = TtlRange { max: Ttl::from_secs(60), min: Ttl::from_secs(60) };

/// `ttl`: one duration, or `{ max, min }`.
fn ttl_range(log: &mut Log<'_>, value: Value<'_>) -> Option<TtlRange> {
    if !value.is_table() {
        let fixed = ttl(log, value)?;
        return Some(TtlRange { max: fixed, min: fixed });
    }
    let mut table = value.table(log, "\"ttl\"")?;
    let max = table.require(log, "max", "write both max and min, or one duration");
    let min = table.require(log, "min", "write both max and min, or one duration");
    let (max_ttl, min_ttl) = (max.and_then(|value| ttl(log, value)), min.and_then(|value| ttl(log, value)));
    table.close(log);
    let range = TtlRange { max: max_ttl?, min: min_ttl? };
    if range.max < range.min {
        log.error_with(max?.span, "\"max\" is shorter than \"min\"", "max applies while all is well, min otherwise");
        return None;
    }
    Some(range)
}

fn ttl(log: &mut Log<'_>, value: Value<'_>) -> Option<Ttl> {
    let text = value.string_as(log, "a string such as \"60s\", or { max, min }")?;
    let duration = match super::values::parse_duration(text) {
        Ok(duration) => duration,
        Err(error) => {
            log.error(value.span, error.to_string());
            return None;
        }
    };
    if duration.subsec_millis() != 0 {
        log.error(value.span, "a TTL is counted in whole seconds");
        return None;
    }
    u32::try_from(duration.as_secs()).ok().filter(|&secs| secs <= Ttl::MAX.secs()).map(Ttl::from_secs)
}

/// Whether a steered name may be at this place at all (§5.11).
fn check_place(log: &mut Log<'_>, span: Span, owner: NameRef<'_>, zone: &dyn ZoneView) -> bool {
    let delegated = owner != zone.origin() && zone.has(owner, Rtype::NS);
    if delegated || zone.is_below_cut(owner) {
        log.error_with(span, format!("{owner} is delegated to other servers"), "steer it there");
    } else if zone.is_ns_target(owner) {
        let hint = "name servers need fixed addresses: take it out of [name]";
        log.error_with(span, format!("{owner} is the target of an NS record"), hint);
    } else {
        return true;
    }
    false
}

/// Checks a policy against the static records of its owner.
fn check_neighbours(
    log: &mut Log<'_>,
    span: Span,
    owner: NameRef<'_>,
    policy: PolicyId,
    zone: &dyn ZoneView,
    built: &Built,
) {
    let notes = &built.policies[policy];
    if !notes.sound {
        return;
    }
    let policy = &built.steering.policies[policy];
    match policy.kind {
        PolicyKind::Address => beside_addresses(log, span, owner, notes, zone),
        PolicyKind::Cname => beside_cname(log, span, owner, zone),
    }
    if policy.when_all_down == WhenAllDown::LastResort {
        check_last_resort(log, span, owner, policy.kind, &notes.families, zone);
    }
}

fn beside_addresses(log: &mut Log<'_>, span: Span, owner: NameRef<'_>, notes: &PolicyNotes, zone: &dyn ZoneView) {
    if zone.has(owner, Rtype::CNAME) {
        let hint = "take the CNAME out of the zone file";
        log.error_with(span, format!("{owner} has a CNAME in the zone file, so it cannot have addresses"), hint);
        return;
    }
    for family in [AnswerFamily::V4, AnswerFamily::V6] {
        if !notes.families.contains(&family) && zone.has(owner, family.rtype()) {
            let message = format!("the static {} records of {owner} are not steered: no pool has any", family.rtype());
            log.warn(span, message, "they are answered as they stand, whatever health says");
        }
    }
}

fn beside_cname(log: &mut Log<'_>, span: Span, owner: NameRef<'_>, zone: &dyn ZoneView) {
    if owner == zone.origin() {
        let hint = "the apex has SOA and NS records: use pools of addresses there";
        log.error_with(span, "the apex cannot be a CNAME", hint);
        return;
    }
    let others: Vec<_> = zone.types_at(owner).into_iter().filter(|&rtype| rtype != Rtype::CNAME).collect();
    if !others.is_empty() {
        let list: Vec<_> = others.iter().map(ToString::to_string).collect();
        let message = format!("{owner} has {} records, so it cannot be a CNAME", list.join(", "));
        log.error_with(span, message, "take them out of the zone file, or use pools of addresses");
    }
}

fn check_last_resort(
    log: &mut Log<'_>,
    span: Span,
    owner: NameRef<'_>,
    kind: PolicyKind,
    steered: &[AnswerFamily],
    zone: &dyn ZoneView,
) {
    if steered.iter().any(|family| zone.has(owner, family.rtype())) {
        return;
    }
    let wanted = if kind == PolicyKind::Cname { "CNAME" } else { "A or AAAA" };
    let message = format!("{owner} has no static {wanted} record, which when_all_down = \"last_resort\" answers");
    log.error_with(span, message, "add one to the zone file, or write when_all_down = \"all\"");
}
