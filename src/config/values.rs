//! Values that TOML has no type for.

use std::time::Duration;

use crate::health::StatusRange;

/// A duration with its unit: `500ms`, `5s`, `2m`, `1h`, `1d`.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    Some(Duration::from_millis(number.checked_mul(millis)?))
}

/// `204`, `2xx` or `200-299`.
pub(super) fn parse_status(text: &str) -> Option<StatusRange> {
    let status = |text: &str| {
        let plain = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u16>().ok().filter(|status| plain && (100..=599).contains(status))
    };
    let (first, last) = match (text.strip_suffix("xx"), text.split_once('-')) {
        (Some(class), _) => {
            let class: u16 = class.parse().ok().filter(|class| (1..=5).contains(class))?;
            (class * 100, class * 100 + 99)
        }
        (None, Some((first, last))) => (status(first)?, status(last)?),
        (None, None) => (status(text)?, status(text)?),
    };
    (first <= last).then_some(StatusRange { first, last })
}

/// The known word nearest to a mistyped one, if it is near enough to be meant.
pub(super) fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let near = known.into_iter().map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate));
    let (distance, candidate) = near.min()?;
    (distance <= (word.len() / 3).max(1)).then(|| format!("did you mean \"{candidate}\"?"))
}
