//! `[pool.NAME]`: endpoints and the check that judges them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::base::{PoolId, Span, TargetId};
use crate::health::{CheckKind, ProbeKey};
use crate::steer::{Endpoint, MinHealthy, Pool};
use crate::wire::Name;

use super::steering::{DefinedCheck, Work};
use super::table::{At, Context, Table, Value};

/// Lowers one pool; none if something that matters is wrong.
pub(super) fn lower(
    context: &mut Context<'_>,
    work: &mut Work<'_>,
    name: &At<String>,
    value: &Value<'_>,
) -> Option<PoolId> {
    let mut table = context.table(value, format!("the pool \"{}\"", name.value))?;
    let region = table.get("region").and_then(|value| context.string(value));
    let region = region.map(|region| work.region(context, &region));
    let check = table.require(context, "check", "name a check, or write check = \"none\" to have nothing probed");
    let check = check.and_then(|value| context.string(value)).and_then(|check| match check.value.as_str() {
        "none" => Some(None),
        _ => work.check(context, &check).map(Some),
    });
    let min_healthy =
        table.get("min_healthy").map_or(Some(MinHealthy::Fraction(0.5)), |value| min_healthy(context, value));
    let endpoints = table.require(context, "endpoints", "endpoints = [{ name = \"a\", addresses = [\"192.0.2.1\"] }]");
    table.finish(context);
    let check = check?.filter(|check: &DefinedCheck| check.check.kind != CheckKind::None);
    let pool_name = work.full_name(&name.value);
    let mut reader = Endpoints { check, pool_name: &pool_name, read: Vec::new() };
    let endpoints = endpoints?;
    for value in context.array(endpoints)? {
        if let Some(endpoint) = reader.endpoint(context, work, value) {
            reader.read.push(endpoint);
        }
    }
    reader.check_together(context, name, context_span(context, endpoints));
    let mut endpoints: Vec<Endpoint> = reader.read.into_iter().map(|read| read.endpoint).collect();
    endpoints.sort_by(|a, b| a.name.cmp(&b.name));
    let pool = Pool { name: pool_name, region: region.flatten(), min_healthy: min_healthy?, endpoints };
    Some(work.builder.steering.pools.push(pool))
}

fn context_span(context: &Context<'_>, value: &Value<'_>) -> Span {
    context.span(value.span())
}

/// A float in (0, 1], or a number of endpoints.
fn min_healthy(context: &mut Context<'_>, value: &Value<'_>) -> Option<MinHealthy> {
    if value.get_ref().is_integer() {
        return context.integer(value, 1..=65535).map(|count| MinHealthy::Count(count.value as u32));
    }
    let fraction = context.number(value)?;
    if fraction.value > 0.0 && fraction.value <= 1.0 {
        return Some(MinHealthy::Fraction(fraction.value));
    }
    context.error(
        fraction.span,
        "a fraction must be above 0.0 and at most 1.0",
        "an integer would be a number of endpoints",
    );
    None
}

/// The endpoints of a pool as they are read.
struct Endpoints<'a> {
    /// None: nothing is probed.
    check: Option<DefinedCheck>,
    pool_name: &'a str,
    read: Vec<ReadEndpoint>,
}

struct ReadEndpoint {
    endpoint: Endpoint,
    name: Span,
    addresses: Vec<At<IpAddr>>,
}

/// Where an endpoint is probed instead of at its addresses.
struct ProbeAt {
    address: IpAddr,
    port: Option<u16>,
}

impl Endpoints<'_> {
    fn endpoint(&self, context: &mut Context<'_>, work: &mut Work<'_>, value: &Value<'_>) -> Option<ReadEndpoint> {
        let mut table = context.table(value, "the endpoint")?;
        let name =
            table.require(context, "name", "give it a name, such as \"fra1\"").and_then(|value| context.string(value));
        let addresses = table.get("addresses").and_then(|value| addresses(context, value));
        let cname = table.get("cname").and_then(|value| context.string(value));
        let weight = table
            .get("weight")
            .map_or(Some(1), |value| context.integer(value, 1..=65535).map(|weight| weight.value as u16));
        let probe = table.get("probe").map(|value| probe(context, value));
        let whole = table.span;
        table.finish(context);
        let (name, weight) = (name?, weight?);
        let probe = match probe {
            Some(probe) => Some(probe?),
            None => None,
        };
        let full = format!("{}/{}", self.pool_name, name.value);
        let mut endpoint = Endpoint { name: name.value, weight, v4: None, v6: None, cname: None };
        let addresses = addresses.unwrap_or_default();
        match (&cname, addresses.is_empty()) {
            (Some(cname), true) => self.cname(context, work, &mut endpoint, cname, probe.as_ref(), &full)?,
            (None, false) => self.addresses(context, work, &mut endpoint, &addresses, probe.as_ref(), &full),
            (Some(cname), false) => {
                context.error(cname.span, "an endpoint has addresses or a cname, not both", "make two pools of it");
                return None;
            }
            (None, true) => {
                context.error(
                    whole,
                    "the endpoint has neither addresses nor a cname",
                    "addresses = [\"192.0.2.1\", \"2001:db8::1\"]",
                );
                return None;
            }
        }
        Some(ReadEndpoint { endpoint, name: name.span, addresses })
    }

    fn addresses(
        &self,
        context: &mut Context<'_>,
        work: &mut Work<'_>,
        endpoint: &mut Endpoint,
        addresses: &[At<IpAddr>],
        probe: Option<&ProbeAt>,
        full: &str,
    ) {
        let one = probe.map(|probe| self.target(work, probe.address, probe.port, full));
        for address in addresses {
            let mut target = || one.unwrap_or_else(|| self.target(work, address.value, None, full));
            let second = match address.value {
                IpAddr::V4(v4) => endpoint.v4.replace((v4, target())).is_some(),
                IpAddr::V6(v6) => endpoint.v6.replace((v6, target())).is_some(),
            };
            if second {
                context.error(
                    address.span,
                    "an endpoint has at most one address of a family",
                    "make another endpoint of it",
                );
            }
        }
    }

    fn cname(
        &self,
        context: &mut Context<'_>,
        work: &mut Work<'_>,
        endpoint: &mut Endpoint,
        cname: &At<String>,
        probe: Option<&ProbeAt>,
        full: &str,
    ) -> Option<()> {
        let name: Name = match cname.value.parse() {
            Ok(name) => name,
            Err(error) => {
                context.error(cname.span, format!("\"{}\" is not a domain name: {error}", cname.value), "");
                return None;
            }
        };
        if self.check.is_some() && probe.is_none() {
            let hint = "give it probe = { address = \"192.0.2.1\" }, or the pool check = \"none\"";
            context.error(cname.span, "a cname endpoint with a check has no address to probe", hint);
        }
        let address = probe.map_or(IpAddr::from(Ipv4Addr::UNSPECIFIED), |probe| probe.address);
        let target = self.target(work, address, probe.and_then(|probe| probe.port), full);
        work.builder.cname_targets.push((name.clone(), cname.span));
        endpoint.cname = Some((name, target));
        Some(())
    }

    fn target(&self, work: &mut Work<'_>, addr: IpAddr, port: Option<u16>, full: &str) -> TargetId {
        let key = self.check.as_ref().map(|DefinedCheck { check, port: usual }| ProbeKey {
            check: std::sync::Arc::clone(check),
            addr,
            port: port.unwrap_or(*usual),
        });
        work.target(key, full)
    }

    /// What only shows when all endpoints are read.
    fn check_together(&self, context: &mut Context<'_>, pool: &At<String>, list: Span) {
        if self.read.is_empty() {
            context.error(list, format!("the pool \"{}\" has no endpoints", pool.value), "give it at least one");
        }
        for (at, own) in self.read.iter().enumerate() {
            let earlier = &self.read[..at];
            if earlier.iter().any(|other| other.endpoint.name == own.endpoint.name) {
                let message = format!("the pool has two endpoints named \"{}\"", own.endpoint.name);
                context.error(own.name, message, "give each its own name");
            }
            for address in &own.addresses {
                if earlier.iter().flat_map(|other| &other.addresses).any(|other| other.value == address.value) {
                    context.error(
                        address.span,
                        format!("{} stands in this pool twice", address.value),
                        "raise its weight instead",
                    );
                }
            }
            if earlier.first().is_some_and(|first| first.endpoint.cname.is_some() != own.endpoint.cname.is_some()) {
                context.error(own.name, "a pool is all addresses or all cname", "make two pools of it");
            }
        }
    }
}

fn addresses(context: &mut Context<'_>, value: &Value<'_>) -> Option<Vec<At<IpAddr>>> {
    let texts = context.strings(value)?;
    Some(texts.into_iter().filter_map(|text| address(context, text)).collect())
}

fn address(context: &mut Context<'_>, text: At<String>) -> Option<At<IpAddr>> {
    match text.value.parse::<IpAddr>() {
        Ok(value) if value.is_unspecified() || value == IpAddr::V4(Ipv4Addr::BROADCAST) || is_mapped(value) => {
            context.error(
                text.span,
                format!("{value} is no address of an endpoint"),
                "write the address that clients connect to",
            );
            None
        }
        Ok(value) => Some(At { value, span: text.span }),
        Err(_) => {
            context.error(
                text.span,
                format!("\"{}\" is not an address", text.value),
                "such as \"192.0.2.1\" or \"2001:db8::1\"",
            );
            None
        }
    }
}

fn is_mapped(addr: IpAddr) -> bool {
    matches!(addr, IpAddr::V6(v6) if Ipv6Addr::to_ipv4_mapped(&v6).is_some())
}

/// `{ address, port }`.
fn probe(context: &mut Context<'_>, value: &Value<'_>) -> Option<ProbeAt> {
    let mut table: Table<'_, '_> = context.table(value, "the probe")?;
    let address =
        table.require(context, "address", "the address to probe instead").and_then(|value| context.string(value));
    let address = address.and_then(|text| self::address(context, text));
    let port = table.get("port").map(|value| context.integer(value, 1..=65535));
    table.finish(context);
    let port = match port {
        Some(port) => Some(port?.value as u16),
        None => None,
    };
    Some(ProbeAt { address: address?.value, port })
}
