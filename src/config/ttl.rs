//! `ttl` of a steered name.

use super::table::{Log, Value};
use crate::base::{Span, Ttl};
use crate::steer::TtlRange;

/// The TTL of names that say nothing.
pub(super) const DEFAULT_TTL: TtlRange = TtlRange { max: Ttl::from_secs(60), min: Ttl::from_secs(60) };

/// A steered name with a longer one is not helped by fail-over: resolvers go on handing out what they have.
const LONG: Ttl = Ttl::from_secs(3600);

/// One duration, or `{ max, min }`.
pub(super) fn ttl_range(log: &mut Log<'_>, value: Value<'_>) -> Option<TtlRange> {
    if !value.is_table() {
        let fixed = ttl(log, value)?;
        warn_long(log, value.span, fixed, "\"ttl\"");
        return Some(TtlRange { max: fixed, min: fixed });
    }
    let mut table = value.table(log, "\"ttl\"")?;
    let max = table.require(log, "max", "write both max and min, or one duration");
    let min = table.require(log, "min", "write both max and min, or one duration");
    let (max_ttl, min_ttl) = (max.and_then(|value| ttl(log, value)), min.and_then(|value| ttl(log, value)));
    table.close(log);
    let range = TtlRange { max: max_ttl?, min: min_ttl? };
    if range.max < range.min {
        log.error_with(max?.span, "\"max\" is shorter than \"min\"", "max applies while all is well, min otherwise");
        return None;
    }
    warn_long(log, max?.span, range.max, "\"max\"");
    Some(range)
}

fn ttl(log: &mut Log<'_>, value: Value<'_>) -> Option<Ttl> {
    let text = value.string_as(log, "a string such as \"60s\", or { max, min }")?;
    let duration = match super::values::parse_duration(text) {
        Ok(duration) => duration,
        Err(error) => {
            log.error_with(value.span, error.to_string(), error.remedy(text));
            return None;
        }
    };
    if duration.subsec_millis() != 0 {
        log.error_with(value.span, "a TTL is counted in whole seconds", "write it in \"s\", \"m\" or \"h\"");
        return None;
    }
    u32::try_from(duration.as_secs()).ok().filter(|&secs| secs <= Ttl::MAX.secs()).map(Ttl::from_secs)
}

/// What was answered while all was well is what resolvers hold when something fails, for as long as its TTL says.
fn warn_long(log: &mut Log<'_>, span: Span, ttl: Ttl, key: &str) {
    if ttl > LONG {
        let message = format!(
            "{key} is so long that fail-over comes late: resolvers may hold a dead address for {} s",
            ttl.secs()
        );
        log.warn(span, message, "write 1h at most; 30s to 300s is usual");
    }
}
