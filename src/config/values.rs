//! Values with a grammar of their own: durations, HTTP statuses, hosts, paths, names of things.

use std::net::IpAddr;
use std::time::Duration;

use super::table::{Log, Value};
use crate::health::StatusRange;

/// Why a text is no duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// No number in front.
    #[error("a duration is a whole number and a unit, such as \"5s\" or \"500ms\"")]
    Number,
    /// No unit behind the number, or none that is known.
    #[error("a duration needs a unit: \"ms\", \"s\", \"m\" or \"h\", such as \"5s\"")]
    Unit,
    /// Beyond what can be counted.
    #[error("the duration is longer than ten years")]
    TooLong,
}

impl DurationError {
    /// What to write instead.
    pub(super) fn remedy(self, text: &str) -> String {
        let text = text.trim();
        let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit() && c != '.').len();
        let (number, unit) = (&text[..digits], text[digits..].trim());
        let millis = match unit {
            "ms" => 1.0,
            "" | "s" | "sec" | "seconds" => 1000.0,
            "m" | "min" | "minutes" => 60_000.0,
            "h" => 3_600_000.0,
            "d" | "days" => 86_400_000.0,
            _ => return "write a whole number and one of these units".into(),
        };
        match number.parse::<f64>().ok().map(|number| number * millis) {
            Some(millis) if self != Self::TooLong && millis >= 0.0 && millis <= LONGEST as f64 => {
                format!("write \"{}\"", written(Duration::from_millis(millis as u64)))
            }
            Some(_) => "write a shorter one".into(),
            None => "write a number and a unit".into(),
        }
    }
}

/// A duration in the largest unit that holds it exactly.
fn written(duration: Duration) -> String {
    let millis = duration.as_millis();
    let units = [(3_600_000, "h"), (60_000, "m"), (1000, "s")];
    let whole = units.iter().find(|(unit, _)| millis >= *unit && millis.is_multiple_of(*unit));
    whole.map_or_else(|| format!("{millis}ms"), |(unit, name)| format!("{}{name}", millis / unit))
}

/// Durations beyond this are mistakes, and sums of shorter ones never overflow.
const LONGEST: u64 = 10 * 366 * 24 * 3_600_000;

/// Reads `500ms`, `5s`, `2m` or `1h`.
///
/// # Errors
/// What is wrong with the text.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    if number.is_empty() || unit.starts_with(['.', ',']) {
        return Err(DurationError::Number);
    }
    let millis: u64 = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(DurationError::Unit),
    };
    let number: u64 = number.parse().map_err(|_| DurationError::TooLong)?;
    let millis = number.checked_mul(millis).filter(|&millis| millis <= LONGEST).ok_or(DurationError::TooLong)?;
    Ok(Duration::from_millis(millis))
}

/// A duration as it would be written.
pub(super) fn show(duration: Duration) -> String {
    let millis = duration.as_millis();
    if millis.is_multiple_of(1000) { format!("{}s", millis / 1000) } else { format!("{millis}ms") }
}

impl Value<'_> {
    /// A duration.
    pub(super) fn duration(self, log: &mut Log<'_>) -> Option<Duration> {
        let text = self.string_as(log, "a string such as \"5s\"")?;
        match parse_duration(text) {
            Ok(duration) => Some(duration),
            Err(error) => {
                log.error_with(self.span, error.to_string(), error.remedy(text));
                None
            }
        }
    }

    /// A duration above zero.
    pub(super) fn some_duration(self, log: &mut Log<'_>) -> Option<Duration> {
        let duration = self.duration(log)?;
        if duration.is_zero() {
            log.error_with(self.span, "this duration must be longer than zero", "write a longer one, such as \"5s\"");
            return None;
        }
        Some(duration)
    }

    /// One of a few words.
    pub(super) fn one_of<T: Copy>(self, log: &mut Log<'_>, words: &[(&'static str, T)]) -> Option<T> {
        let text = self.string(log)?;
        let found = words.iter().find(|(word, _)| *word == text).map(|&(_, value)| value);
        if found.is_none() {
            let known: Vec<_> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            let mut error =
                crate::base::Diagnostic::error(self.span, format!("\"{text}\" is not one of {}", known.join(", ")));
            let near = super::suggest::did_you_mean(text, words.iter().map(|(word, _)| *word));
            error.hint = near.filter(|hint| hint.starts_with("did")).or_else(|| Some("write one of these".into()));
            log.diagnostics.push(error);
        }
        found
    }
}

/// Reads `204`, `2xx` or `200-299`.
pub(super) fn parse_status(text: &str) -> Option<StatusRange> {
    let status = |text: &str| {
        let value: u16 = text.parse().ok().filter(|_| text.len() == 3 && text.bytes().all(|b| b.is_ascii_digit()))?;
        (100..600).contains(&value).then_some(value)
    };
    if let Some(class) = text.strip_suffix("xx") {
        let first = status(&format!("{class}00"))?;
        return Some(StatusRange { first, last: first + 99 });
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let range = StatusRange { first: status(first)?, last: status(last)? };
    (range.first <= range.last).then_some(range)
}

/// What is wrong with the host of an HTTP check; nothing for a DNS name.
pub(super) fn host_fault(host: &str) -> Option<(&'static str, &'static str)> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let last = host.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    // HTTP clients take any name that ends in a number for an IPv4 address (WHATWG URL, "ends in a number")
    let number = last.strip_prefix("0x").unwrap_or(&last);
    let numeric =
        last.bytes().all(|b| b.is_ascii_digit()) || (number != last && number.bytes().all(|b| b.is_ascii_hexdigit()));
    if bare.parse::<IpAddr>().is_ok() || (numeric && !last.is_empty()) {
        return Some((
            "the host must be a DNS name, not an address",
            "the endpoint's address is used anyway; name the site that it serves",
        ));
    }
    if host.contains("://") || host.contains(':') || host.contains('/') {
        return Some(("the host must be a DNS name alone", "scheme, port and path have keys of their own"));
    }
    if !host.is_ascii() {
        return Some(("the host must be written in ASCII", "write its A-labels (xn--...)"));
    }
    let label = |label: &str| {
        let inner = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        inner && !label.is_empty() && label.len() <= 63 && !label.starts_with('-') && !label.ends_with('-')
    };
    let fits = host.len() <= 253 && host.split('.').all(label);
    (!fits).then_some(("the host is not a DNS name", "write it as in a certificate, such as \"www.example.com\""))
}

/// What is wrong with the path of an HTTP check.
pub(super) fn path_fault(path: &str) -> Option<&'static str> {
    if !path.starts_with('/') {
        return Some("the path must start with \"/\"");
    }
    let plain = path.bytes().all(|b| b.is_ascii_graphic() && b != b'#');
    (!plain).then_some("the path has characters that a request cannot carry")
}

/// What is wrong with the name of a region, check, pool, policy or endpoint.
pub(super) fn thing_name_fault(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("a name must not be empty");
    }
    let bad = |c: char| c == '/' || c.is_whitespace() || c.is_control();
    name.contains(bad).then_some("a name must not contain \"/\", blanks or control characters")
}
