//! Policies that can be served but may not be meant.

use std::net::IpAddr;

use super::build::Built;
use super::table::{Log, Text};
use crate::base::{PoolId, Span};
use crate::steer::{AnswerFamily, Order, Policy, WhenAllDown};

/// Warns of pools that lack a family which others of the policy have (§5.6).
pub(super) fn warn_families(
    log: &mut Log<'_>,
    policy: &str,
    families: &[AnswerFamily],
    reached: &[(PoolId, Text)],
    built: &Built,
) {
    for (at, (pool, name)) in reached.iter().enumerate() {
        let first = reached[..at].iter().all(|(earlier, _)| earlier != pool);
        for family in families.iter().filter(|_| first).filter(|&&family| !built.steering.pools[*pool].offers(family)) {
            let version = if *family == AnswerFamily::V4 { "IPv4" } else { "IPv6" };
            let message =
                format!("pool \"{}\" has no {version} address, but others of policy \"{policy}\" do", name.text);
            let hint = format!("{} queries will pass it over", family.rtype());
            log.warn(name.span, message, hint);
        }
    }
}

/// Warns of private addresses that are told to whoever claims to be in some network.
pub(super) fn warn_private(log: &mut Log<'_>, reached: &[(PoolId, Text)], built: &Built) {
    for (pool, name) in reached {
        let endpoints = built.steering.pools[*pool].endpoints.iter();
        let mut addresses = endpoints.flat_map(|endpoint| {
            let v4 = endpoint.v4.map(|(v4, _)| IpAddr::from(v4));
            v4.into_iter().chain(endpoint.v6.map(|(v6, _)| v6.into()))
        });
        if let Some(address) = addresses.find(|&address| is_private(address)) {
            let message = format!(
                "pool \"{}\" has the private address {address}, told to whoever claims one of \"networks\"",
                name.text
            );
            let hint = "a Client Subnet can be made up (RFC 7871 §11.3): match \"resolvers\" too, or write ecs = \"ignore\", if the address is a secret";
            log.warn(name.span, message, hint);
        }
    }
}

/// Whether an address means something within one network only: RFC 1918, RFC 6598, RFC 4193, link-local, loopback.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let shared = v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64;
            v4.is_private() || v4.is_link_local() || v4.is_loopback() || shared
        }
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_loopback(),
    }
}

/// Warns of negative answers that a resolver will give to clients of other catchments (§5.9).
pub(super) fn warn_nodata(log: &mut Log<'_>, policy: &Policy, span: Option<Span>) {
    let nearest = policy.rules.iter().flat_map(|rule| &rule.tiers).any(|tier| tier.order == Order::Nearest);
    let Some(span) = span.filter(|_| policy.when_all_down == WhenAllDown::NoData) else { return };
    if nearest || policy.rules.len() > 1 {
        let message = "\"nodata\" where clients are answered differently: resolvers cache it for all their clients";
        log.warn(span, message, "\"servfail\" is not cached so, \"all\" and \"last_resort\" carry a scope");
    }
}
