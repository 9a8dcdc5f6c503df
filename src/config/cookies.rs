//! `[cookies]`, the file of its secrets, and `[server] nsid`.

use super::main_file::path;
use super::table::{Log, Table, Value};
use crate::base::{Diagnostic, FileId, Span};
use crate::wire::{MAX_NSID, Secret};

/// `[cookies]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cookies {
    /// Whether cookies are answered.
    pub enabled: bool,
    /// The file of secrets; none: one is made up at each start.
    pub secret_file: Option<(String, Span)>,
    /// Whether a large answer over UDP takes a valid server cookie.
    pub require: bool,
}

impl Default for Cookies {
    fn default() -> Self {
        Self { enabled: true, secret_file: None, require: false }
    }
}

pub(super) fn cookies(log: &mut Log<'_>, mut table: Table<'_>) -> Cookies {
    let enabled = table.take("enabled").and_then(|value| value.boolean(log)).unwrap_or(true);
    let secret_file = table.take("secret_file").and_then(|value| path(log, value));
    let require = table.entry("require");
    if let Some(entry) = require.filter(|_| !enabled) {
        log.warn(entry.span, "\"require\" has no effect: cookies are not enabled", "take out enabled = false, or this");
    }
    let require = require.and_then(|entry| entry.value.boolean(log)).unwrap_or(false);
    table.close(log);
    Cookies { enabled, secret_file, require }
}

/// `nsid`: a text, or octets as `0x` and hexadecimal digits.
pub(super) fn nsid(log: &mut Log<'_>, value: Value<'_>) -> Option<Box<[u8]>> {
    let text = value.string(log)?;
    let octets = match text.strip_prefix("0x") {
        Some(digits) => hex(digits.as_bytes()),
        None => Some(text.as_bytes().to_vec()).filter(|_| !text.chars().any(char::is_control)),
    };
    let fault = match &octets {
        None if text.starts_with("0x") => "behind 0x, \"nsid\" must be pairs of hexadecimal digits".into(),
        None => "\"nsid\" has control characters".into(),
        Some(octets) if octets.is_empty() => "\"nsid\" is empty".into(),
        Some(octets) if octets.len() > MAX_NSID => format!("\"nsid\" is longer than {MAX_NSID} octets"),
        Some(_) => return octets.map(Vec::into_boxed_slice),
    };
    log.error_with(
        value.span,
        fault,
        "write a short text that names this server, such as \"fra1\", or leave the key out",
    );
    None
}

/// So many secrets are enough to replace one; each costs a hash for every query with a false cookie.
const MAX_SECRETS: usize = 4;

/// Reads a file of secrets: one of 32 hexadecimal digits a line, besides blank lines and comments.
///
/// The first makes cookies, all are accepted.
pub fn cookie_secrets(file: FileId, bytes: &[u8], diagnostics: &mut Vec<Diagnostic>) -> Vec<Secret> {
    let mut secrets: Vec<Secret> = Vec::new();
    let mut at = 0;
    let before = diagnostics.len();
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        let start = at + line.len() - line.trim_ascii_start().len();
        let word = line.trim_ascii();
        at += line.len();
        if word.is_empty() || word.starts_with(b"#") {
            continue;
        }
        let span = Span::new(file, start..start + word.len());
        let mut error = |message: &str, hint: &str| diagnostics.push(Diagnostic::error(span, message).hint(hint));
        match hex(word).and_then(|octets| octets.try_into().ok()).map(Secret::new) {
            None => error(
                "a secret must be 32 hexadecimal digits",
                "make one with: openssl rand -hex 16; a comment takes a line of its own",
            ),
            Some(secret) if secrets.contains(&secret) => error("this secret is there twice", "remove one of the two"),
            Some(_) if secrets.len() == MAX_SECRETS => {
                error("more than four secrets", "remove those that no server makes cookies with");
            }
            Some(secret) => secrets.push(secret),
        }
    }
    if secrets.is_empty() && diagnostics.len() == before {
        let error = Diagnostic::error(Span::start_of(file), "the file holds no secret");
        diagnostics.push(error.hint("write 32 hexadecimal digits, such as openssl rand -hex 16 prints"));
    }
    secrets
}

fn hex(digits: &[u8]) -> Option<Vec<u8>> {
    let digit = |digit: u8| char::from(digit).to_digit(16);
    let octet = |pair: &[u8]| match *pair {
        [high, low] => Some((digit(high)? << 4 | digit(low)?) as u8),
        _ => None,
    };
    digits.chunks(2).map(octet).collect()
}
