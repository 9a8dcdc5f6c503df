//! What the server tells of itself in class CHAOS.

use super::table::{Log, Value};

/// What one string of a TXT record holds (RFC 1035 §3.3.14).
const MAX_TEXT: usize = 255;

/// `version` and `identity`: a text that a TXT record can hold.
pub(super) fn chaos_text(log: &mut Log<'_>, value: Value<'_>) -> Option<String> {
    let text = value.string(log)?;
    let fault = match text.len() {
        0 => "the text is empty",
        1..=MAX_TEXT => return Some(text.to_owned()),
        _ => "the text is longer than 255 octets",
    };
    log.error_with(value.span, fault, "write a short text, or leave the key out: the question is then refused");
    None
}
