//! `[policy.NAME]`: ordered rules and how they share.

use std::num::NonZeroU8;

use crate::base::{Millis, PolicyId, PoolId, Prefix, Span};
use crate::geo::GeoCode;
use crate::steer::{AnswerFamily, Order, Policy, PolicyKind, Rule, Spread, Tier, WhenAllDown};

use super::steering::{Need, Work};
use super::table::{At, Context, Table, Value};

const WHEN_ALL_DOWN: [(&str, WhenAllDown); 4] = [
    ("last_resort", WhenAllDown::LastResort),
    ("all", WhenAllDown::All),
    ("nodata", WhenAllDown::NoData),
    ("servfail", WhenAllDown::ServFail),
];

/// Keys that say what follows from a rule.
const ACTIONS: [&str; 4] = ["pools", "nearest", "weighted", "try"];

/// A policy of one rule: this pool, with all defaults.
pub(super) fn pinned(name: String, pool: PoolId, kind: PolicyKind) -> Policy {
    let tiers = vec![Tier { order: Order::Written, pools: vec![(pool, 1)] }];
    with_defaults(name, vec![Rule { tiers, ..Rule::default() }], kind)
}

fn with_defaults(name: String, rules: Vec<Rule>, kind: PolicyKind) -> Policy {
    Policy {
        name,
        rules,
        kind,
        spread: Spread { within: Millis(10.0), answers: NonZeroU8::MIN },
        sticky: false,
        latency_weight: true,
        when_all_down: WhenAllDown::All,
        use_ecs: true,
    }
}

/// Lowers one policy; none if something that matters is wrong.
pub(super) fn lower(
    context: &mut Context<'_>,
    work: &mut Work<'_>,
    name: &At<String>,
    value: &Value<'_>,
) -> Option<(PolicyId, PolicyKind)> {
    let mut table = context.table(value, format!("the policy \"{}\"", name.value))?;
    let rules = table.require(context, "rules", "rules = [{ nearest = [\"web-eu\", \"web-us\"] }]");
    let rules = rules.map(|value| (context.span(value.span()), self::rules(context, work, value)));
    let mut policy = with_defaults(work.full_name(&name.value), Vec::new(), PolicyKind::Address);
    options(context, &mut table, &mut policy);
    table.finish(context);
    let (span, rules) = rules?;
    policy.rules = rules?;
    policy.kind = kind(context, work, &policy, name.span)?;
    warn(context, work, &policy, name.span, span);
    let kind = policy.kind;
    Some((work.builder.steering.policies.push(policy), kind))
}

fn options(context: &mut Context<'_>, table: &mut Table<'_, '_>, policy: &mut Policy) {
    if let Some(mut spread) = table.get("spread").and_then(|value| context.table(value, "spread")) {
        if let Some(within) = spread.get("within").and_then(|value| context.duration(value)) {
            policy.spread.within = Millis::from(within.value);
        }
        let answers = spread.get("answers").and_then(|value| context.integer(value, 1..=64));
        if let Some(answers) = answers.and_then(|answers| NonZeroU8::new(answers.value as u8)) {
            policy.spread.answers = answers;
        }
        spread.finish(context);
    }
    if let Some(sticky) = table.get("sticky").and_then(|value| context.boolean(value)) {
        policy.sticky = sticky.value;
    }
    if let Some(weight) = table.get("latency_weight").and_then(|value| context.boolean(value)) {
        policy.latency_weight = weight.value;
    }
    if let Some(choice) = table.get("when_all_down").and_then(|value| context.choice(value, &WHEN_ALL_DOWN)) {
        policy.when_all_down = choice;
    }
    if let Some(choice) =
        table.get("ecs").and_then(|value| context.choice(value, &[("prefer", true), ("ignore", false)]))
    {
        policy.use_ecs = choice;
    }
}

fn rules(context: &mut Context<'_>, work: &mut Work<'_>, value: &Value<'_>) -> Option<Vec<Rule>> {
    let (mut rules, mut catch_all) = (Vec::new(), false);
    let mut whole = true;
    for value in context.array(value)? {
        let span = context.span(value.span());
        if catch_all {
            context.error(
                span,
                "this rule can never match",
                "an earlier rule matches everyone; move this one before it",
            );
            catch_all = false; // once is enough
        }
        match rule(context, work, value) {
            Some(rule) => {
                catch_all |= matches_everyone(&rule);
                rules.push(rule);
            }
            None => whole = false,
        }
    }
    let last_matches = rules.last().is_some_and(matches_everyone);
    if whole && !last_matches {
        let hint = "end with a rule without resolvers, networks, geos or asns";
        context.error(context.span(value.span()), "the last rule does not match everyone", hint);
    }
    (whole && last_matches).then_some(rules)
}

const fn matches_everyone(rule: &Rule) -> bool {
    rule.resolvers.is_none() && rule.networks.is_none() && rule.geos.is_none() && rule.asns.is_none()
}

fn rule(context: &mut Context<'_>, work: &mut Work<'_>, value: &Value<'_>) -> Option<Rule> {
    let mut table = context.table(value, "the rule")?;
    let mut rule = Rule {
        resolvers: table.get("resolvers").map(|value| prefixes(context, value)),
        networks: table.get("networks").map(|value| prefixes(context, value)),
        geos: table.get("geos").map(|value| geos(context, work, value)),
        asns: table.get("asns").map(|value| asns(context, work, value)),
        tiers: Vec::new(),
    };
    let mut seen = Vec::new();
    let actions: Vec<(&str, &Value<'_>)> = ACTIONS.into_iter().filter_map(|key| Some((key, table.get(key)?))).collect();
    let whole = table.span;
    table.finish(context);
    match actions[..] {
        [("try", value)] => {
            for value in context.array(value)? {
                rule.tiers.push(tried(context, work, value, &mut seen)?);
            }
        }
        [(key, value)] => rule.tiers.push(tier(context, work, key, value, &mut seen)?),
        _ => {
            context.error(whole, "a rule has exactly one of pools, nearest, weighted and try", "");
            return None;
        }
    }
    if rule.tiers.is_empty() {
        context.error(whole, "the rule leads to no pool", "name at least one");
        return None;
    }
    Some(rule)
}

/// One element of `try`.
fn tried(context: &mut Context<'_>, work: &mut Work<'_>, value: &Value<'_>, seen: &mut Vec<PoolId>) -> Option<Tier> {
    let mut table = context.table(value, "the element of try")?;
    let actions: Vec<(&str, &Value<'_>)> =
        ACTIONS.into_iter().filter(|key| *key != "try").filter_map(|key| Some((key, table.get(key)?))).collect();
    let whole = table.span;
    table.finish(context);
    let [(key, value)] = actions[..] else {
        context.error(whole, "an element of try has exactly one of pools, nearest and weighted", "");
        return None;
    };
    tier(context, work, key, value, seen)
}

fn tier(
    context: &mut Context<'_>,
    work: &mut Work<'_>,
    key: &str,
    value: &Value<'_>,
    seen: &mut Vec<PoolId>,
) -> Option<Tier> {
    let order = match key {
        "nearest" => Order::Nearest,
        "weighted" => Order::Weighted,
        _ => Order::Written,
    };
    let named = if order == Order::Weighted { weights(context, value)? } else { plain(context, value)? };
    if named.is_empty() {
        context.error(context.span(value.span()), format!("{key} names no pool"), "name at least one");
        return None;
    }
    let (mut pools, mut whole) = (Vec::new(), true);
    for (name, weight) in named {
        let Some(pool) = work.pool(context, &name) else {
            whole = false;
            continue;
        };
        if seen.contains(&pool) {
            context.error(
                name.span,
                format!("the pool \"{}\" stands in this rule twice", name.value),
                "remove one of them",
            );
        }
        seen.push(pool);
        if order == Order::Nearest {
            needs_place(context, work, &name, pool);
        }
        pools.push((pool, weight));
    }
    whole.then_some(Tier { order, pools })
}

/// `["a", "b"]`.
fn plain(context: &mut Context<'_>, value: &Value<'_>) -> Option<Vec<(At<String>, u32)>> {
    Some(context.strings(value)?.into_iter().map(|name| (name, 1)).collect())
}

/// `{ a = 90, b = 10 }`.
fn weights(context: &mut Context<'_>, value: &Value<'_>) -> Option<Vec<(At<String>, u32)>> {
    let entries = context.table(value, "weighted")?.entries(context);
    let weight = |(name, value)| {
        let weight = context.integer(value, 1..=65535)?;
        Some((name, weight.value as u32))
    };
    Some(entries.into_iter().filter_map(weight).collect())
}

fn needs_place(context: &mut Context<'_>, work: &Work<'_>, name: &At<String>, pool: PoolId) {
    let steering = &work.builder.steering;
    match steering.pools[pool].region.map(|region| &steering.regions[region]) {
        None => {
            let message = format!("nearest needs to know where the pool \"{}\" is", name.value);
            context.error(name.span, message, "give the pool a region");
        }
        Some(region) if region.coords.is_none() => {
            let message = format!("nearest needs to know where the region \"{}\" is", region.name);
            context.error(name.span, message, "give the region lat and lon");
        }
        Some(_) => {}
    }
}

fn prefixes(context: &mut Context<'_>, value: &Value<'_>) -> Vec<Prefix> {
    let mut prefixes = Vec::new();
    for text in strings(context, value) {
        match text.value.parse() {
            Ok(prefix) => prefixes.push(prefix),
            Err(error) => {
                let error: crate::base::ParsePrefixError = error;
                context.error(text.span, format!("\"{}\" is not a network", text.value), error.to_string());
            }
        }
    }
    prefixes
}

fn geos(context: &mut Context<'_>, work: &mut Work<'_>, value: &Value<'_>) -> Vec<GeoCode> {
    let mut codes = Vec::new();
    for text in strings(context, value) {
        match text.value.parse::<GeoCode>() {
            Ok(code) => {
                let need = if code.subdivision.is_some() { Need::Subdivision } else { Need::Country };
                work.builder.needs.push((need, text.span));
                codes.push(code);
            }
            Err(error) => context.error(text.span, format!("\"{}\" is not a place", text.value), error.to_string()),
        }
    }
    codes
}

fn asns(context: &mut Context<'_>, work: &mut Work<'_>, value: &Value<'_>) -> Vec<u32> {
    let Some(values) = context.array(value) else { return Vec::new() };
    work.builder.needs.push((Need::Asn, context.span(value.span())));
    let asn = |value| context.integer(value, 1..=i64::from(u32::MAX)).map(|asn| asn.value as u32);
    values.filter_map(asn).collect()
}

/// The texts of a matcher, which has at least one.
fn strings(context: &mut Context<'_>, value: &Value<'_>) -> Vec<At<String>> {
    let texts = context.strings(value).unwrap_or_default();
    if value.get_ref().as_array().is_some_and(|array| array.is_empty()) {
        context.error(
            context.span(value.span()),
            "this can never match",
            "name at least one value, or remove the matcher",
        );
    }
    texts
}

/// All address or all cname.
fn kind(context: &mut Context<'_>, work: &Work<'_>, policy: &Policy, span: Span) -> Option<PolicyKind> {
    let pools = || policy.rules.iter().flat_map(|rule| &rule.tiers).flat_map(|tier| &tier.pools);
    let cname = |&(pool, _): &(PoolId, u32)| work.builder.steering.pools[pool].offers(AnswerFamily::Cname);
    match (pools().any(cname), pools().all(cname)) {
        (false, _) => Some(PolicyKind::Address),
        (true, true) => Some(PolicyKind::Cname),
        (true, false) => {
            context.error(span, "a policy is all addresses or all cname", "make two policies of it");
            None
        }
    }
}

fn warn(context: &mut Context<'_>, work: &Work<'_>, policy: &Policy, name: Span, rules: Span) {
    let pools: Vec<PoolId> = policy
        .rules
        .iter()
        .flat_map(|rule| &rule.tiers)
        .flat_map(|tier| tier.pools.iter().map(|&(pool, _)| pool))
        .collect();
    let all = &work.builder.steering.pools;
    for (family, what) in [(AnswerFamily::V4, "IPv4"), (AnswerFamily::V6, "IPv6")] {
        let lacking = pools.iter().find(|&&pool| !all[pool].offers(family));
        if let Some(&lacking) = lacking.filter(|_| pools.iter().any(|&pool| all[pool].offers(family))) {
            let message =
                format!("the pool {} has no {what} address, and others of this policy have", all[lacking].name);
            context.warn(name, message, format!("{what} clients are sent past it"));
        }
    }
    let nearest = policy.rules.iter().flat_map(|rule| &rule.tiers).any(|tier| tier.order == Order::Nearest);
    if policy.when_all_down == WhenAllDown::NoData && (policy.rules.len() > 1 || nearest) {
        let message = "when_all_down = \"nodata\" tells clients apart, and negative answers cannot";
        context.warn(rules, message, "resolvers cache no data for all their clients (RFC 7871 §7.4)");
    }
}
