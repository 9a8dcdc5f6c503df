//! Pools and endpoints, and the targets that their checks make.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::build::Built;
use super::checks::CheckRef;
use super::remedies;
use super::scope::{NAME_HINT, Scope, Thing, resolve};
use super::table::{Log, Table, Text, Value};
use super::values::thing_name_fault;
use crate::base::{PoolId, Span, TargetId};
use crate::health::ProbeKey;
use crate::steer::{Endpoint, MinHealthy, PolicyKind, Pool, Target};
use crate::wire::Name;
use crate::zone::name_remedy;

/// A pool as written.
#[derive(Debug)]
pub(super) struct RawPool {
    pub(super) name: Text,
    region: Option<Text>,
    check: Option<Text>,
    min_healthy: MinHealthy,
    endpoints: Vec<RawEndpoint>,
    /// Whether nothing is wrong with it so far.
    sound: bool,
}

/// An endpoint as written.
#[derive(Debug)]
struct RawEndpoint {
    name: Text,
    weight: u16,
    v4: Option<Ipv4Addr>,
    v6: Option<Ipv6Addr>,
    cname: Option<Name>,
    probe: Option<Probe>,
}

/// `probe`: where an endpoint is probed instead.
#[derive(Clone, Copy, Debug)]
struct Probe {
    address: IpAddr,
    port: Option<u16>,
    span: Span,
}

/// What policies need to know of a pool beside the pool itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct PoolNotes {
    /// Addresses or names; none where no endpoint could be read.
    pub(super) kind: Option<PolicyKind>,
    /// Whether nothing is wrong with it.
    pub(super) sound: bool,
    /// Whether its region can be used by `nearest`, as far as known.
    pub(super) placed: Placed,
}

/// Whether a pool has a place on the globe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placed {
    /// It has, or its region could not be read.
    Yes,
    /// It names no region.
    NoRegion,
    /// Its region has no coordinates.
    NoCoords,
}

/// Reads a pool.
pub(super) fn pool(log: &mut Log<'_>, name: Text, mut table: Table<'_>, built: &mut Built) -> RawPool {
    let errors = log.errors();
    let region = table.take("region").and_then(|value| value.text(log));
    let check =
        table.require(log, "check", "name a check, or write check = \"none\"").and_then(|value| value.text(log));
    let min_healthy = table.take("min_healthy").and_then(|value| min_healthy(log, value));
    let endpoints = table.require(log, "endpoints", "write endpoints = [{ name = \"...\", addresses = [\"...\"] }]");
    let endpoints = endpoints.map(|value| endpoints_of(log, value, built)).unwrap_or_default();
    table.close(log);
    RawPool {
        name,
        region,
        check,
        min_healthy: min_healthy.unwrap_or(MinHealthy::Fraction(0.5)),
        endpoints,
        sound: log.errors() == errors && !log.torn,
    }
}

fn min_healthy(log: &mut Log<'_>, value: Value<'_>) -> Option<MinHealthy> {
    if value.is_float() {
        let fraction = value.float(log)?;
        if fraction > 0.0 && fraction <= 1.0 {
            return Some(MinHealthy::Fraction(fraction));
        }
        let hint = if fraction > 1.0 && fraction <= 100.0 {
            format!("write {} for {fraction} %, or a number of endpoints as an integer", fraction / 100.0)
        } else {
            "a fraction of weight in (0, 1], or a number of endpoints as an integer".into()
        };
        log.error_with(value.span, "\"min_healthy\" as a float must be above 0 and at most 1", hint);
        return None;
    }
    if !value.is_integer() {
        value.wrong(log, "a float or an integer");
        return None;
    }
    let count = value.integer(log, 1..=i64::from(u32::MAX))?;
    u32::try_from(count).ok().map(MinHealthy::Count)
}

/// What must not be there twice in a pool, with the endpoint that has it.
#[derive(Debug, Default)]
struct Seen {
    names: HashMap<String, Span>,
    addresses: HashMap<IpAddr, String>,
    cnames: HashMap<Name, String>,
    kind: Option<PolicyKind>,
}

fn endpoints_of(log: &mut Log<'_>, value: Value<'_>, built: &mut Built) -> Vec<RawEndpoint> {
    let mut seen = Seen::default();
    let elements = value.array_of_some(log, "tables").unwrap_or_default();
    let read = |value: Value<'_>| {
        let table = value.table(log, "an endpoint")?;
        endpoint(log, table, &mut seen, built)
    };
    let mut endpoints: Vec<_> = elements.into_iter().filter_map(read).collect();
    endpoints.sort_by(|a, b| a.name.text.cmp(&b.name.text));
    endpoints
}

fn endpoint(log: &mut Log<'_>, mut table: Table<'_>, seen: &mut Seen, built: &mut Built) -> Option<RawEndpoint> {
    let name = table.require(log, "name", "name it, such as name = \"fra1\"");
    let name = name.and_then(|value| value.text(log)).filter(|name| endpoint_name(log, name, seen));
    let shown = name.as_ref().map_or("an endpoint".into(), |name| format!("endpoint \"{}\"", name.text));
    let weight = table.take("weight").and_then(|value| weight(log, value)).unwrap_or(1);
    let probe = table.take("probe").and_then(|value| probe(log, value));
    let mut raw = RawEndpoint {
        name: name.unwrap_or(Text { text: String::new(), span: table.blame }),
        weight,
        v4: None,
        v6: None,
        cname: None,
        probe,
    };
    match (table.entry("addresses"), table.entry("cname")) {
        (Some(addresses), None) => {
            one_kind(log, PolicyKind::Address, addresses.span, seen);
            addresses_of(log, addresses.value, &mut raw, seen);
        }
        (None, Some(cname)) => {
            one_kind(log, PolicyKind::Cname, cname.span, seen);
            raw.cname = cname_of(log, cname.value, &raw.name.text, seen, built);
        }
        (Some(_), Some(cname)) => {
            log.error_with(cname.span, format!("{shown} has both \"addresses\" and \"cname\""), "keep one of the two");
        }
        (None, None) if table.misspells(&["addresses", "cname"]) => {}
        (None, None) => {
            log.missing(
                table.blame,
                format!("{shown} has neither \"addresses\" nor \"cname\""),
                "give it one of the two",
            );
        }
    }
    table.close(log);
    let complete = !raw.name.text.is_empty() && (raw.v4.is_some() || raw.v6.is_some() || raw.cname.is_some());
    complete.then_some(raw)
}

/// Whether an endpoint's name is fit and new.
fn endpoint_name(log: &mut Log<'_>, name: &Text, seen: &mut Seen) -> bool {
    if let Some(fault) = thing_name_fault(&name.text) {
        log.error_with(name.span, fault, NAME_HINT);
        return false;
    }
    let new = seen.names.insert(name.text.clone(), name.span).is_none();
    if !new {
        log.error_with(
            name.span,
            format!("there is an endpoint \"{}\" already", name.text),
            "names are unique in a pool",
        );
    }
    new
}

/// Reports an endpoint that is not of the pool's kind.
fn one_kind(log: &mut Log<'_>, kind: PolicyKind, span: Span, seen: &mut Seen) {
    if *seen.kind.get_or_insert(kind) != kind {
        log.error_with(span, "a pool has either addresses or a cname, not both", "make it two pools");
    }
}

/// A weight, 1 to 65535.
pub(super) fn weight(log: &mut Log<'_>, value: Value<'_>) -> Option<u16> {
    value.integer(log, 1..=65535).and_then(|weight| u16::try_from(weight).ok())
}

fn addresses_of(log: &mut Log<'_>, value: Value<'_>, raw: &mut RawEndpoint, seen: &mut Seen) {
    for element in value.array_of_some(log, "addresses").unwrap_or_default() {
        let Some(address) = address(log, element) else { continue };
        if let Some(other) = seen.addresses.insert(address, raw.name.text.clone()) {
            let message = format!("{address} is already an address of endpoint \"{other}\"");
            log.error_with(
                element.span,
                message,
                "addresses are unique in a pool; a weight gives one more of the load",
            );
            continue;
        }
        let second = match address {
            IpAddr::V4(v4) => raw.v4.replace(v4).is_some().then_some("IPv4"),
            IpAddr::V6(v6) => raw.v6.replace(v6).is_some().then_some("IPv6"),
        };
        if let Some(family) = second {
            let hint = "an endpoint has at most one of each family; make it two endpoints";
            log.error_with(element.span, format!("a second {family} address"), hint);
        }
    }
}

fn address(log: &mut Log<'_>, value: Value<'_>) -> Option<IpAddr> {
    let text = value.string_as(log, "an address, as a string")?;
    let Ok(address) = text.parse::<IpAddr>() else {
        log.error_with(value.span, format!("\"{text}\" is not an IP address"), remedies::address(text));
        return None;
    };
    if address.is_unspecified() || address.is_multicast() {
        let hint = "write the address at which clients reach the endpoint";
        log.error_with(value.span, format!("{address} is not the address of a host"), hint);
        return None;
    }
    Some(address)
}

fn cname_of(log: &mut Log<'_>, value: Value<'_>, endpoint: &str, seen: &mut Seen, built: &mut Built) -> Option<Name> {
    let text = value.string_as(log, "a domain name, as a string")?;
    let name = match Name::parse(text.as_bytes(), None) {
        Ok(name) => name,
        Err(crate::wire::NameError::Relative) => {
            log.error_with(value.span, format!("\"{text}\" has no dot at its end"), format!("write \"{text}.\""));
            return None;
        }
        Err(error) => {
            log.error_with(value.span, format!("\"{text}\" is not a domain name: {error}"), name_remedy(error));
            return None;
        }
    };
    if let Some(other) = seen.cnames.insert(name.clone(), endpoint.to_owned()) {
        let message = format!("{name} is already the cname of endpoint \"{other}\"");
        log.error_with(value.span, message, "a weight gives one more of the load");
        return None;
    }
    built.cname_targets.push((name.clone(), value.span));
    Some(name)
}

fn probe(log: &mut Log<'_>, value: Value<'_>) -> Option<Probe> {
    let mut table = value.table(log, "\"probe\"")?;
    let address_value = table.require(log, "address", "write the address to probe");
    let address = address_value.and_then(|value| address(log, value));
    let port = table.take("port").and_then(|value| value.port(log));
    let span = value.span;
    table.close(log);
    Some(Probe { address: address?, port, span })
}

/// Builds a pool whose references are looked up in its own scope, then in the shared one.
pub(super) fn build(log: &mut Log<'_>, raw: RawPool, own: &mut Scope, shared: &mut Scope, built: &mut Built) {
    let errors = log.errors();
    let region = raw.region.as_ref().map(|name| resolve(log, "region", name, &mut own.regions, &mut shared.regions));
    let check = raw.check.as_ref().and_then(|name| check_of(log, name, own, shared, built));
    if raw.sound {
        check_probes(log, &raw, check, built);
    }
    let full_name = format!("{}/{}", own.label, raw.name.text);
    let endpoints = raw.endpoints.iter().map(|endpoint| build_endpoint(endpoint, check, &full_name, built)).collect();
    let placed = match region {
        None => Placed::NoRegion,
        Some(Some(Thing { id, sound: true, .. })) if built.steering.regions[id].coords.is_none() => Placed::NoCoords,
        Some(_) => Placed::Yes,
    };
    let kind = raw.endpoints.first().map(|endpoint| match endpoint.cname {
        Some(_) => PolicyKind::Cname,
        None => PolicyKind::Address,
    });
    let sound = raw.sound && log.errors() == errors;
    let region = region.flatten().map(|region| region.id);
    let id = built.steering.pools.push(Pool { name: full_name, region, min_healthy: raw.min_healthy, endpoints });
    let noted: PoolId = built.pools.push(PoolNotes { kind, sound, placed });
    debug_assert_eq!(id, noted, "notes are kept beside pools");
    own.pools.define(&raw.name, id, sound);
}

fn check_of(
    log: &mut Log<'_>,
    name: &Text,
    own: &mut Scope,
    shared: &mut Scope,
    built: &mut Built,
) -> Option<CheckRef> {
    if name.text == "none" {
        return Some(built.no_check());
    }
    resolve(log, "check", name, &mut own.checks, &mut shared.checks).filter(|check| check.sound).map(|check| check.id)
}

/// Reports probes that say nothing, and names without an address to probe (§5.10).
fn check_probes(log: &mut Log<'_>, raw: &RawPool, check: Option<CheckRef>, built: &Built) {
    let Some(check) = check else { return };
    for endpoint in &raw.endpoints {
        match endpoint.probe {
            Some(probe) if built.probes_nothing(check) => {
                log.warn(probe.span, "\"probe\" does not apply: the pool's check probes nothing", "take it out");
            }
            None if endpoint.cname.is_some() && !built.probes_nothing(check) => {
                let message = format!("endpoint \"{}\" has no address to probe", endpoint.name.text);
                let hint = "give each endpoint probe = { address = ... }, or the pool check = \"none\"";
                log.error_with(endpoint.name.span, message, hint);
            }
            _ => {}
        }
    }
}

fn build_endpoint(raw: &RawEndpoint, check: Option<CheckRef>, pool: &str, built: &mut Built) -> Endpoint {
    let full_name = format!("{pool}/{}", raw.name.text);
    let own = raw.probe.map(|probe| built.target(check, probe.address, probe.port, &full_name));
    let mut judge = |address: IpAddr| own.unwrap_or_else(|| built.target(check, address, None, &full_name));
    let v4 = raw.v4.map(|v4| (v4, judge(v4.into())));
    let v6 = raw.v6.map(|v6| (v6, judge(v6.into())));
    let cname = raw.cname.clone().map(|cname| (cname, own.unwrap_or_else(|| built.unprobed(&full_name))));
    Endpoint { name: raw.name.text.clone(), weight: raw.weight, v4, v6, cname }
}

impl Built {
    /// The target of a check, address and port, over everything; one of its own where nothing is probed.
    fn target(&mut self, check: Option<CheckRef>, addr: IpAddr, port: Option<u16>, endpoint: &str) -> TargetId {
        let Some(check) = check.filter(|&check| !self.probes_nothing(check)) else { return self.unprobed(endpoint) };
        let port = port.unwrap_or(check.port);
        let targets = &mut self.steering.targets;
        let id = *self.targets.entry((check.index, addr, port)).or_insert_with(|| {
            let key = ProbeKey::new(self.checks.get(check.index).clone(), addr, port);
            targets.push(Target { key: Some(key), endpoints: Vec::new() })
        });
        targets[id].endpoints.push(endpoint.to_owned());
        id
    }

    /// A target that nothing probes.
    fn unprobed(&mut self, endpoint: &str) -> TargetId {
        self.steering.targets.push(Target { key: None, endpoints: vec![endpoint.to_owned()] })
    }
}
