//! How much a network may be answered.

use std::net::IpAddr;

use crate::base::{Prefix, PrefixMap, PrefixMapBuilder};
use crate::config;

/// Response rate limiting.
#[derive(Clone, Debug)]
pub struct RateLimit {
    /// What the main file says.
    pub settings: config::RateLimit,
    /// Where the rate does not matter.
    allow: PrefixMap<bool>,
}

impl RateLimit {
    /// Limits as the main file says.
    #[must_use]
    pub fn new(settings: config::RateLimit) -> Self {
        let mut allow = PrefixMapBuilder::new(false);
        settings.allow.iter().for_each(|&network| allow.insert(network, true));
        Self { allow: allow.build(), settings }
    }

    /// The network that an address is counted with; none where the rate does not matter.
    #[must_use]
    pub fn network(&self, addr: IpAddr) -> Option<Prefix> {
        let len = if addr.is_ipv4() { self.settings.ipv4_prefix } else { self.settings.ipv6_prefix };
        (!*self.allow.get(addr).0).then(|| Prefix::around(addr, len))
    }
}
