//! Whether a client matches what a rule names (§5.1). Catchments are built from it and explanations shown from it.

use std::net::IpAddr;

use crate::base::Prefix;
use crate::geo::{GeoCode, Location};

use super::model::Rule;

/// What a rule may match by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matcher {
    /// The asking resolver's own address.
    Resolvers,
    /// The client's address.
    Networks,
    /// Where the client is.
    Geos,
    /// Whose network the client is in.
    Asns,
}

impl Rule {
    /// The first matcher by address that does not match.
    #[must_use]
    pub fn mismatch_by_address(&self, client: IpAddr, resolver: IpAddr) -> Option<Matcher> {
        let outside =
            |networks: &Option<Vec<Prefix>>, addr| networks.as_ref().is_some_and(|all| !in_networks(all, addr));
        let resolvers = outside(&self.resolvers, resolver).then_some(Matcher::Resolvers);
        resolvers.or_else(|| outside(&self.networks, client).then_some(Matcher::Networks))
    }

    /// The first matcher by location that does not match.
    #[must_use]
    pub fn mismatch_by_location(&self, location: &Location) -> Option<Matcher> {
        let geos = self.geos.as_ref().is_some_and(|geos| !in_geos(geos, location)).then_some(Matcher::Geos);
        let asns = || self.asns.as_ref().is_some_and(|asns| !in_asns(asns, location)).then_some(Matcher::Asns);
        geos.or_else(asns)
    }
}

fn in_networks(networks: &[Prefix], addr: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(addr))
}

/// Whether a location lies in any of these places.
pub(super) fn in_geos(geos: &[GeoCode], location: &Location) -> bool {
    geos.iter().any(|code| {
        location.continent() == Some(code.continent)
            && code.country.is_none_or(|country| location.country == Some(country))
            && code.subdivision.is_none_or(|subdivision| location.subdivision == Some(subdivision))
    })
}

/// Whether a location belongs to any of these autonomous systems.
pub(super) fn in_asns(asns: &[u32], location: &Location) -> bool {
    location.asn.is_some_and(|asn| asns.contains(&asn))
}
