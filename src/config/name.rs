//! `[name]`: which names a policy steers.

use crate::base::{Span, Ttl};
use crate::steer::{AnswerFamily, PolicyKind, SteeredName, TtlRange, WhenAllDown};
use crate::wire::{Name, NameRef, Rtype};

use super::policy::pinned;
use super::steering::Work;
use super::table::{At, Context, Value};
use super::zone_view::ZoneView;

/// Lowers one name and checks it against its zone.
pub(super) fn lower(
    context: &mut Context<'_>,
    work: &mut Work<'_>,
    zone: &dyn ZoneView,
    key: &At<String>,
    value: &Value<'_>,
) {
    let owner = owner(context, zone, key);
    let Some(mut table) = context.table(value, format!("the name \"{}\"", key.value)) else { return };
    let policy = table.get("policy").and_then(|value| context.string(value)).map(|name| work.policy(context, &name));
    let pool =
        table.get("pool").and_then(|value| context.string(value)).map(|name| (work.pool(context, &name), name.value));
    let ttl = table.get("ttl").map_or(Some(fixed(Ttl::from_secs(60))), |value| ttl(context, value));
    let whole = table.span;
    table.finish(context);
    let policy = match (policy, pool) {
        (Some(policy), None) => policy,
        (None, Some((pool, _))) => pool.map(|pool| {
            let cname = work.builder.steering.pools[pool].offers(AnswerFamily::Cname);
            let kind = if cname { PolicyKind::Cname } else { PolicyKind::Address };
            let name = work.builder.steering.pools[pool].name.clone();
            (work.builder.steering.policies.push(pinned(name, pool, kind)), kind)
        }),
        _ => {
            context.error(whole, "a name has exactly one of policy and pool", "");
            return;
        }
    };
    let (Some(owner), Some((policy, kind)), Some(ttl)) = (owner, policy, ttl) else { return };
    let policy_data = &work.builder.steering.policies[policy];
    let pools = policy_data.rules.iter().flat_map(|rule| &rule.tiers).flat_map(|tier| &tier.pools);
    let offered =
        |family: AnswerFamily| pools.clone().any(|&(pool, _)| work.builder.steering.pools[pool].offers(family));
    let families: Vec<AnswerFamily> = kind.families().iter().copied().filter(|&family| offered(family)).collect();
    let last_resort = policy_data.when_all_down == WhenAllDown::LastResort;
    against_zone(context, zone, &owner, kind, last_resort, key.span);
    if work.builder.steering.names.iter().any(|name| name.owner == owner) {
        context.error(key.span, format!("{owner} is steered twice"), "remove one of them");
    }
    work.builder.steering.names.push(SteeredName { owner, policy, ttl, families });
}

/// The whole owner name: relative to the zone, `@` is its apex.
fn owner(context: &mut Context<'_>, zone: &dyn ZoneView, key: &At<String>) -> Option<Name> {
    if key.value == "@" {
        return Some(zone.origin().to_name());
    }
    match Name::parse(key.value.as_bytes(), Some(zone.origin())) {
        Ok(name) if name.as_ref().is_within(zone.origin()) => Some(name),
        Ok(name) => {
            context.error(
                key.span,
                format!("{name} is outside of the zone {}", zone.origin()),
                "leave out the dot at the end, or steer it in its own zone",
            );
            None
        }
        Err(error) => {
            context.error(key.span, format!("\"{}\" is not a domain name: {error}", key.value), "");
            None
        }
    }
}

/// `"60s"`, or `{ max, min }`.
fn ttl(context: &mut Context<'_>, value: &Value<'_>) -> Option<TtlRange> {
    if value.get_ref().is_str() {
        return seconds(context, value).map(|ttl| fixed(ttl.value));
    }
    let mut table = context.table(value, "the ttl")?;
    let hint = "write { max = \"300s\", min = \"30s\" }, or one duration";
    let max = table.require(context, "max", hint).and_then(|value| seconds(context, value));
    let min = table.require(context, "min", hint).and_then(|value| seconds(context, value));
    table.finish(context);
    let (max, min) = (max?, min?);
    if max.value < min.value {
        context.error(max.span, "max is less than min", "max is the TTL while all is well, min the TTL otherwise");
    }
    Some(TtlRange { max: max.value, min: min.value })
}

const fn fixed(ttl: Ttl) -> TtlRange {
    TtlRange { max: ttl, min: ttl }
}

/// A duration of whole seconds.
fn seconds(context: &mut Context<'_>, value: &Value<'_>) -> Option<At<Ttl>> {
    let duration = context.duration(value)?;
    let secs = u32::try_from(duration.value.as_secs()).ok().filter(|&secs| secs <= Ttl::MAX.secs());
    match secs.filter(|_| duration.value.subsec_millis() == 0) {
        Some(secs) => Some(At { value: Ttl::from_secs(secs), span: duration.span }),
        None => {
            context.error(duration.span, "a TTL is a whole number of seconds up to 2147483647", "such as \"60s\"");
            None
        }
    }
}

fn against_zone(
    context: &mut Context<'_>,
    zone: &dyn ZoneView,
    owner: &Name,
    kind: PolicyKind,
    last_resort: bool,
    span: Span,
) {
    let types = zone.types_at(owner.as_ref());
    let has = |rtype| types.contains(&rtype);
    if zone.is_below_cut(owner.as_ref()) {
        context.error(
            span,
            format!("{owner} is delegated away in the zone file"),
            "remove the NS records at or above it",
        );
    }
    if zone.is_ns_target(owner.as_ref()) {
        context.error(
            span,
            format!("{owner} is the target of an NS record"),
            "name servers need addresses that do not change",
        );
    }
    match kind {
        PolicyKind::Address => {
            if has(Rtype::CNAME) {
                context.error(
                    span,
                    format!("{owner} has a CNAME record in the zone file"),
                    "addresses cannot stand beside a CNAME; remove it",
                );
            }
            if last_resort && !has(Rtype::A) && !has(Rtype::AAAA) {
                let message =
                    format!("when_all_down = \"last_resort\" needs A or AAAA records of {owner} in the zone file");
                context.error(span, message, "add them, or choose another when_all_down");
            }
        }
        PolicyKind::Cname => cname_against_zone(context, zone.origin(), owner, &types, last_resort, span),
    }
}

fn cname_against_zone(
    context: &mut Context<'_>,
    origin: NameRef<'_>,
    owner: &Name,
    types: &[Rtype],
    last_resort: bool,
    span: Span,
) {
    if owner.as_ref() == origin {
        context.error(
            span,
            "a CNAME cannot stand at the zone's own name",
            "SOA and NS stand there; use a pool with addresses",
        );
    } else if types.iter().any(|&rtype| rtype != Rtype::CNAME) {
        let message = format!("{owner} has other records in the zone file, and a CNAME cannot stand beside them");
        context.error(span, message, "keep at most one CNAME there, as its last resort");
    }
    if last_resort && !types.contains(&Rtype::CNAME) {
        let message = format!("when_all_down = \"last_resort\" needs a CNAME record of {owner} in the zone file");
        context.error(span, message, "add it, or choose another when_all_down");
    }
}
