//! Policies and rules.

use std::collections::HashMap;
use std::num::NonZeroU8;
use std::str::FromStr;
use std::time::Duration;

use super::build::Built;
use super::demands::Demand;
use super::policy_warnings::{warn_families, warn_nodata, warn_private};
use super::pools::{Placed, weight};
use super::remedies;
use super::scope::{Scope, resolve};
use super::table::{Log, Table, Text, Value};
use crate::base::{PolicyId, PoolId, Prefix, Span};
use crate::geo::GeoCode;
use crate::steer::{AnswerFamily, Order, Policy, PolicyKind, Rule, Spread, Tier, WhenAllDown};

/// A policy as written.
#[derive(Debug)]
pub(super) struct RawPolicy {
    pub(super) name: Text,
    rules: Vec<RawRule>,
    /// Everything else, with no rules yet.
    settings: Policy,
    /// Where `when_all_down` is said.
    when_all_down: Option<Span>,
    sound: bool,
}

/// A rule as written: its matchers, and its tiers with pools by name.
#[derive(Debug)]
struct RawRule {
    matchers: Rule,
    tiers: Vec<RawTier>,
}

#[derive(Debug)]
struct RawTier {
    order: Order,
    pools: Vec<(Text, u32)>,
}

/// What names need to know of a policy beside the policy itself.
#[derive(Clone, Debug)]
pub(super) struct PolicyNotes {
    /// The families that its pools offer.
    pub(super) families: Vec<AnswerFamily>,
    /// Whether nothing is wrong with it or its pools.
    pub(super) sound: bool,
}

/// What a policy is where nothing is said.
pub(super) fn default_policy(name: String, kind: PolicyKind) -> Policy {
    Policy {
        name,
        rules: Vec::new(),
        kind,
        spread: Spread { within: Duration::from_millis(10).into(), answers: NonZeroU8::MIN },
        sticky: false,
        latency_weight: true,
        when_all_down: WhenAllDown::All,
        use_ecs: true,
    }
}

const WHEN_ALL_DOWN: [(&str, WhenAllDown); 4] = [
    ("last_resort", WhenAllDown::LastResort),
    ("all", WhenAllDown::All),
    ("nodata", WhenAllDown::NoData),
    ("servfail", WhenAllDown::ServFail),
];

/// Reads a policy.
pub(super) fn policy(log: &mut Log<'_>, name: Text, mut table: Table<'_>, built: &mut Built) -> RawPolicy {
    let errors = log.errors();
    let rules = table.require(log, "rules", "a policy has at least one rule");
    let rules = rules.map(|value| rules_of(log, value, built)).unwrap_or_default();
    let mut settings = default_policy(String::new(), PolicyKind::Address);
    if let Some(value) = table.take("spread") {
        settings.spread = spread(log, value, settings.spread);
    }
    settings.sticky = table.take("sticky").and_then(|value| value.boolean(log)).unwrap_or(settings.sticky);
    let latency_weight = table.take("latency_weight").and_then(|value| value.boolean(log));
    settings.latency_weight = latency_weight.unwrap_or(settings.latency_weight);
    let when_all_down = table.take("when_all_down");
    let when = when_all_down.and_then(|value| value.one_of(log, &WHEN_ALL_DOWN));
    settings.when_all_down = when.unwrap_or(settings.when_all_down);
    let ecs = table.take("ecs").and_then(|value| value.one_of(log, &[("prefer", true), ("ignore", false)]));
    settings.use_ecs = ecs.unwrap_or(settings.use_ecs);
    table.close(log);
    let sound = log.errors() == errors && !log.torn;
    RawPolicy { name, rules, settings, when_all_down: when_all_down.map(|value| value.span), sound }
}

fn spread(log: &mut Log<'_>, value: Value<'_>, default: Spread) -> Spread {
    let Some(mut table) = value.table(log, "\"spread\"") else { return default };
    let within = table.take("within").and_then(|value| value.duration(log));
    let answers = table.take("answers").and_then(|value| value.integer(log, 1..=255));
    table.close(log);
    let answers = answers.and_then(|answers| u8::try_from(answers).ok()).and_then(NonZeroU8::new);
    Spread { within: within.map_or(default.within, Into::into), answers: answers.unwrap_or(default.answers) }
}

fn rules_of(log: &mut Log<'_>, value: Value<'_>, built: &mut Built) -> Vec<RawRule> {
    let elements = value.array_of_some(log, "rules").unwrap_or_default();
    let mut rules = Vec::new();
    let (mut matches_all, mut clear) = (false, false);
    let last = elements.last().map(|element| element.span);
    for element in elements {
        if matches_all {
            log.error_with(element.span, "this rule can never match", "a rule before it matches everyone: move it up");
        }
        let errors = log.errors();
        let Some(table) = element.table(log, "a rule") else { continue };
        let rule = rule(log, table, built);
        // a misspelt matcher is no reason to say that the rule has none
        clear = log.errors() == errors;
        matches_all |= clear && !has_matchers(&rule.matchers);
        rules.push(rule);
    }
    if let Some(last) = last.filter(|_| clear && !matches_all) {
        let hint = "end with a rule without matchers, such as { pools = [\"...\"] }";
        log.missing(last, "the last rule must match everyone", hint);
    }
    rules
}

const fn has_matchers(rule: &Rule) -> bool {
    rule.resolvers.is_some() || rule.networks.is_some() || rule.geos.is_some() || rule.asns.is_some()
}

fn rule(log: &mut Log<'_>, mut table: Table<'_>, built: &mut Built) -> RawRule {
    let resolvers = table.take("resolvers").map(|value| networks_of(log, value));
    let networks = table.take("networks").map(|value| networks_of(log, value));
    let mut matchers = Rule { resolvers, networks, ..Rule::default() };
    if let Some(value) = table.take("geos") {
        matchers.geos = Some(geos(log, value, built));
    }
    if let Some(value) = table.take("asns") {
        built.demands.push((value.span, Demand::Asn));
        matchers.asns = Some(asns(log, value));
    }
    let mut seen = HashMap::new();
    let tiers = tiers(log, &mut table, true, &mut seen, built);
    table.close(log);
    RawRule { matchers, tiers }
}

pub(super) fn networks_of(log: &mut Log<'_>, value: Value<'_>) -> Vec<Prefix> {
    parsed(log, value, "networks", remedies::network).into_iter().map(|(network, _)| network).collect()
}

/// The elements of an array of strings, parsed; `remedy` says what to write instead of one that cannot be.
fn parsed<T: FromStr<Err: std::fmt::Display>>(
    log: &mut Log<'_>,
    value: Value<'_>,
    of: &str,
    remedy: fn(&str) -> String,
) -> Vec<(T, Span)> {
    let mut items = Vec::new();
    for element in value.array_of_some(log, of).unwrap_or_default() {
        let Some(text) = element.string(log) else { continue };
        match text.parse::<T>() {
            Ok(item) => items.push((item, element.span)),
            Err(error) => log.error_with(element.span, error.to_string(), remedy(text)),
        }
    }
    items
}

fn geos(log: &mut Log<'_>, value: Value<'_>, built: &mut Built) -> Vec<GeoCode> {
    let codes: Vec<(GeoCode, Span)> = parsed(log, value, "places", remedies::place);
    built.demands.push((value.span, Demand::Country));
    let demands = codes.iter().filter(|(code, _)| code.subdivision.is_some());
    built.demands.extend(demands.map(|&(code, span)| (span, Demand::Subdivision(code))));
    codes.into_iter().map(|(code, _)| code).collect()
}

fn asns(log: &mut Log<'_>, value: Value<'_>) -> Vec<u32> {
    let elements = value.array_of_some(log, "numbers").unwrap_or_default();
    let number = |value: Value<'_>| value.integer(log, 1..=i64::from(u32::MAX)).and_then(|asn| u32::try_from(asn).ok());
    elements.into_iter().filter_map(number).collect()
}

/// The keys that say what follows from a rule.
const TIER_KEYS: [(&str, Order); 3] =
    [("pools", Order::Written), ("nearest", Order::Nearest), ("weighted", Order::Weighted)];

/// What follows from a rule, or from one element of its `try`: exactly one of the keys.
fn tiers(
    log: &mut Log<'_>,
    table: &mut Table<'_>,
    with_try: bool,
    seen: &mut HashMap<String, Span>,
    built: &mut Built,
) -> Vec<RawTier> {
    let (what, keys) = if with_try {
        ("a rule", "\"pools\", \"nearest\", \"weighted\" and \"try\"")
    } else {
        ("an element of \"try\"", "\"pools\", \"nearest\" and \"weighted\"")
    };
    let mut found: Vec<_> =
        TIER_KEYS.iter().filter_map(|&(key, order)| Some((table.entry(key)?, Some(order)))).collect();
    found.extend(with_try.then(|| table.entry("try")).flatten().map(|entry| (entry, None)));
    found.sort_by_key(|(entry, _)| entry.span.start);
    if found.is_empty() && !table.misspells(&["pools", "nearest", "weighted", "try"]) {
        log.missing(table.blame, format!("{what} needs one of {keys}"), "say which pools answer");
    }
    for (entry, _) in found.iter().skip(1) {
        log.error_with(entry.span, format!("{what} has exactly one of {keys}"), "keep one of them, or use \"try\"");
    }
    let Some((entry, order)) = found.first() else { return Vec::new() };
    match order {
        Some(order) => vec![tier(log, entry.value, *order, seen, built)],
        None => tries(log, entry.value, seen, built),
    }
}

fn tries(log: &mut Log<'_>, value: Value<'_>, seen: &mut HashMap<String, Span>, built: &mut Built) -> Vec<RawTier> {
    let mut all = Vec::new();
    for element in value.array_of_some(log, "tables").unwrap_or_default() {
        let Some(mut table) = element.table(log, "an element of \"try\"") else { continue };
        all.extend(tiers(log, &mut table, false, seen, built));
        table.close(log);
    }
    all
}

fn tier(
    log: &mut Log<'_>,
    value: Value<'_>,
    order: Order,
    seen: &mut HashMap<String, Span>,
    built: &mut Built,
) -> RawTier {
    let mut pools = if order == Order::Weighted { weights(log, value) } else { listed(log, value) };
    if order == Order::Nearest && pools.len() > 1 {
        built.demands.push((value.span, Demand::Place));
    }
    pools.retain(|(pool, _)| {
        let new = seen.insert(pool.text.clone(), pool.span).is_none();
        if !new {
            log.error_with(pool.span, format!("pool \"{}\" is in this rule twice", pool.text), "name each pool once");
        }
        new
    });
    RawTier { order, pools }
}

fn listed(log: &mut Log<'_>, value: Value<'_>) -> Vec<(Text, u32)> {
    let elements = value.array_of_some(log, "pools").unwrap_or_default();
    elements.into_iter().filter_map(|element| Some((element.text(log)?, 1))).collect()
}

fn weights(log: &mut Log<'_>, value: Value<'_>) -> Vec<(Text, u32)> {
    let Some(table) = value.table(log, "\"weighted\"") else { return Vec::new() };
    let entries = table.entries();
    if entries.is_empty() {
        log.error_with(value.span, "\"weighted\" is empty", "write pools with weights, such as { web-eu = 90 }");
    }
    let pool = |entry: super::table::Entry<'_>| {
        let weight = weight(log, entry.value).unwrap_or(1);
        (Text { text: entry.key.to_owned(), span: entry.span }, weight.into())
    };
    entries.into_iter().map(pool).collect()
}

/// Builds a policy whose pools are looked up in its own scope, then in the shared one.
pub(super) fn build(log: &mut Log<'_>, raw: RawPolicy, own: &mut Scope, shared: &mut Scope, built: &mut Built) {
    let errors = log.errors();
    let mut reached = Vec::new();
    let mut rules = Vec::new();
    for RawRule { mut matchers, tiers } in raw.rules {
        let first = reached.len();
        for tier in tiers {
            let pools = tier_pools(log, &tier, own, shared, built, &mut reached);
            matchers.tiers.push(Tier { order: tier.order, pools });
        }
        if raw.settings.use_ecs && matchers.networks.is_some() && matchers.resolvers.is_none() {
            warn_private(log, &reached[first..], built);
        }
        rules.push(matchers);
    }
    let kind = one_kind(log, &reached, built);
    let sound = raw.sound && log.errors() == errors && reached.iter().all(|(pool, _)| built.pools[*pool].sound);
    let families = families(kind, &reached, built);
    let name = format!("{}/{}", own.label, raw.name.text);
    let policy = Policy { name, rules, kind, ..raw.settings };
    if sound {
        warn_families(log, &raw.name.text, &families, &reached, built);
        warn_nodata(log, &policy, raw.when_all_down);
    }
    let id = built.add_policy(policy, PolicyNotes { families, sound });
    own.policies.define(&raw.name, id, sound);
}

fn tier_pools(
    log: &mut Log<'_>,
    tier: &RawTier,
    own: &mut Scope,
    shared: &mut Scope,
    built: &Built,
    reached: &mut Vec<(PoolId, Text)>,
) -> Vec<(PoolId, u32)> {
    let mut pools = Vec::new();
    for (name, weight) in &tier.pools {
        let Some(pool) = resolve(log, "pool", name, &mut own.pools, &mut shared.pools) else { continue };
        if tier.order == Order::Nearest && pool.sound {
            check_placed(log, name, built.pools[pool.id].placed);
        }
        pools.push((pool.id, *weight));
        reached.push((pool.id, name.clone()));
    }
    pools
}

fn check_placed(log: &mut Log<'_>, pool: &Text, placed: Placed) {
    let (lack, hint) = match placed {
        Placed::Yes => return,
        Placed::NoRegion => ("has no region", "\"nearest\" needs one with \"lat\" and \"lon\""),
        Placed::NoCoords => ("is in a region without coordinates", "\"nearest\" needs its \"lat\" and \"lon\""),
    };
    log.error_with(pool.span, format!("pool \"{}\" {lack}", pool.text), hint);
}

/// What the pools of a policy have in common; reports the first that differs.
fn one_kind(log: &mut Log<'_>, reached: &[(PoolId, Text)], built: &Built) -> PolicyKind {
    let mut kinds = reached.iter().filter_map(|(pool, name)| Some((built.pools[*pool].kind?, name)));
    let Some((kind, first)) = kinds.next() else { return PolicyKind::Address };
    if let Some((_, other)) = kinds.find(|(other, _)| *other != kind) {
        let message = format!("pools \"{}\" and \"{}\" differ: one has addresses, one a cname", first.text, other.text);
        log.error_with(other.span, message, "a policy answers with addresses or with a cname, never both");
    }
    kind
}

fn families(kind: PolicyKind, reached: &[(PoolId, Text)], built: &Built) -> Vec<AnswerFamily> {
    let offered = |family: &AnswerFamily| reached.iter().any(|(pool, _)| built.steering.pools[*pool].offers(*family));
    kind.families().iter().copied().filter(offered).collect()
}

impl Built {
    /// Adds a policy with its notes.
    pub(super) fn add_policy(&mut self, policy: Policy, notes: PolicyNotes) -> PolicyId {
        let id = self.steering.policies.push(policy);
        let noted = self.policies.push(notes);
        debug_assert_eq!(id, noted, "notes are kept beside policies");
        id
    }
}
