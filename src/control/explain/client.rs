//! Which address counts as the client, and where it is.

use std::net::IpAddr;

use super::Databases;
use super::facts::{ClientFacts, LocationFacts};
use super::steering::Case;
use crate::geo::{Location, embedding, special_purpose_block};

/// The client, and its location where the databases are still those that were loaded.
pub(super) fn facts(case: &Case<'_>, databases: &Databases) -> (ClientFacts, Option<Location>) {
    let (located_by, located_why) = located_by(case.client.addr, case.resolver);
    let (location, databases) = databases.locate(located_by);
    let facts = ClientFacts {
        address: case.client.addr,
        by_client_subnet: case.client.by_subnet,
        why: why(case),
        located_by,
        located_why,
        location: location.as_ref().map(LocationFacts::of),
        databases,
    };
    (facts, location)
}

fn why(case: &Case<'_>) -> String {
    let resolver = if case.resolver_named { "the resolver" } else { "a resolver that stands in, as none was named" };
    match case.subnet {
        Some(subnet) if case.client.by_subnet => format!("Client Subnet {subnet}"),
        Some(_) if !case.policy().use_ecs => format!("{resolver}: the policy has ecs = \"ignore\""),
        Some(_) => format!("{resolver}: Client Subnet of length 0 asks not to use the client's address"),
        None => format!("{resolver}: the query has no Client Subnet"),
    }
}

/// The address whose location counts (§5.2, §5.9).
fn located_by(client: IpAddr, resolver: IpAddr) -> (IpAddr, Option<String>) {
    match special_purpose_block(client) {
        Some(block) if client == resolver => (
            resolver,
            Some(format!("{client} is special-purpose ({block}), so only a database that lists it could place it")),
        ),
        Some(block) => (
            resolver,
            Some(format!("{client} is special-purpose ({block}), so the resolver {resolver} is located instead")),
        ),
        None => {
            let inside = embedding(client).map(|(v4, _)| format!("{client} is located by the {v4} inside"));
            (client, inside)
        }
    }
}
