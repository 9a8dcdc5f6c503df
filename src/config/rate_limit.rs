//! `[rate_limit]`: response rate limiting.

use std::num::NonZeroU32;

use super::policies::networks_of;
use super::table::{Log, Table};
use crate::base::Prefix;

/// `[rate_limit]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Responses a second to one network for one kind of answer; as many may come at once.
    pub per_second: NonZeroU32,
    /// Of responses over the rate, each so many-th is sent with TC and nothing else; zero: none.
    pub slip: u32,
    /// Bits of a network of IPv4.
    pub ipv4_prefix: u8,
    /// Bits of a network of IPv6.
    pub ipv6_prefix: u8,
    /// Networks for which the rate does not matter.
    pub allow: Vec<Prefix>,
    /// Whether what is over the rate is only counted.
    pub dry_run: bool,
    /// How many buckets the table has from the start on.
    pub table_size: usize,
}

impl RateLimit {
    /// Buckets where nothing is said, or nothing is limited yet: 1 MiB, enough for ten million responses a second.
    pub const TABLE_SIZE: usize = 131_072;
}

pub(super) fn rate_limit(log: &mut Log<'_>, mut table: Table<'_>) -> RateLimit {
    let mut number = |key, bounds: std::ops::RangeInclusive<i64>, default: u32| {
        let value = table.take(key).and_then(|value| value.integer(log, bounds));
        value.map_or(default, |number| number as u32) // within the bounds
    };
    let per_second = number("responses_per_second", 1..=1_000_000, 200);
    let slip = number("slip", 0..=100, 2);
    let ipv4_prefix = number("ipv4_prefix", 8..=32, 24) as u8;
    let ipv6_prefix = number("ipv6_prefix", 16..=128, 56) as u8;
    let table_size = number("table_size", 1_000..=100_000_000, RateLimit::TABLE_SIZE as u32) as usize;
    let allow = table.take("allow").map(|value| networks_of(log, value)).unwrap_or_default();
    let dry_run = table.take("dry_run").and_then(|value| value.boolean(log)).unwrap_or(false);
    table.close(log);
    let per_second = NonZeroU32::new(per_second).unwrap_or(NonZeroU32::MIN);
    RateLimit { per_second, slip, ipv4_prefix, ipv6_prefix, allow, dry_run, table_size }
}
