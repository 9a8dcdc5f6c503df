//! Parameters of SVCB and HTTPS: `key`, `key=value`, `key="value"` in any order (RFC 9460 §2.1); as octets sorted by key,
//! each with its number and its length (§2.2).

mod value;

use std::fmt;

use super::super::lexer::Token;
use super::super::rdata::{Read, Reader};
use crate::base::{Diagnostic, Span};
use value::Value;

/// A number of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key(u16);

/// Names of keys by number, with the form of their values (IANA Service Parameter Keys).
const KEYS: &[(&str, Value)] = &[
    ("mandatory", Value::Keys),
    ("alpn", Value::Protocols),
    ("no-default-alpn", Value::Empty),
    ("port", Value::Port),
    ("ipv4hint", Value::Ipv4s),
    ("ech", Value::Base64),
    ("ipv6hint", Value::Ipv6s),
    ("dohpath", Value::Path),
    ("ohttp", Value::Empty),
];

const MANDATORY: Key = Key(0);
const ALPN: Key = Key(1);
const NO_DEFAULT_ALPN: Key = Key(2);
/// Never a key (RFC 9460 §14.3.2).
const INVALID: Key = Key(u16::MAX);

impl Key {
    /// A key by name, or by number as `key123` (RFC 9460 §2.1).
    fn parse(word: &[u8]) -> Option<Self> {
        if let Some(at) = KEYS.iter().position(|(name, _)| name.as_bytes() == word) {
            return Some(Self(at as u16)); // there are few
        }
        Self::by_number(word)
    }

    fn by_number(word: &[u8]) -> Option<Self> {
        let digits = word.strip_prefix(b"key").filter(|digits| *digits == b"0" || !digits.starts_with(b"0"))?;
        let number = super::super::text::number(digits, u16::MAX.into())?;
        Some(Self(number as u16)).filter(|&key| key != INVALID) // at most 65535
    }

    fn value(self) -> Value {
        KEYS.get(usize::from(self.0)).map_or(Value::Any, |&(_, value)| value)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match KEYS.get(usize::from(self.0)) {
            Some((name, _)) => f.write_str(name),
            None => write!(f, "key{}", self.0),
        }
    }
}

/// The parameters; none in place of one that is cut off.
fn params(octets: &[u8]) -> impl Iterator<Item = Option<(Key, &[u8])>> {
    let mut rest = octets;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let head = rest.split_first_chunk::<4>();
        let param = head.and_then(|(&[a, b, c, d], tail)| {
            let value = tail.get(..usize::from(u16::from_be_bytes([c, d])))?;
            Some((Key(u16::from_be_bytes([a, b])), value))
        });
        rest = param.map_or(&[], |(_, value)| &rest[4 + value.len()..]);
        Some(param)
    })
}

/// Whether octets are parameters in order, each sound by itself and beside the others.
pub(super) fn are(octets: &[u8]) -> bool {
    let sound =
        |param: Option<(Key, &[u8])>| param.is_some_and(|(key, value)| key.value().is_valid(value) && key != INVALID);
    params(octets).all(sound)
        && params(octets).flatten().is_sorted_by(|a, b| a.0 < b.0)
        && contradiction(&|key| params(octets).flatten().find(|param| param.0 == key).map(|param| param.1)).is_none()
}

/// What keeps parameters from being consistent (RFC 9460 §7.1.1, §8): the key that says so and the one that lacks.
fn contradiction<'r>(find: &dyn Fn(Key) -> Option<&'r [u8]>) -> Option<(Key, Key)> {
    let needs_alpn = find(NO_DEFAULT_ALPN).filter(|_| find(ALPN).is_none()).map(|_| (NO_DEFAULT_ALPN, ALPN));
    let listed = find(MANDATORY).unwrap_or(&[]).as_chunks::<2>().0;
    let lacking = listed.iter().map(|&key| Key(u16::from_be_bytes(key))).find(|&key| find(key).is_none());
    needs_alpn.or(lacking.map(|key| (MANDATORY, key)))
}

pub(super) fn write(octets: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (at, (key, value)) in params(octets).flatten().enumerate() {
        write!(f, "{}{key}", if at == 0 { "" } else { " " })?;
        if !value.is_empty() {
            f.write_str("=")?;
            key.value().write(value, f)?;
        }
    }
    Ok(())
}

/// A parameter as it was read.
struct Param {
    key: Key,
    value: Vec<u8>,
    span: Span,
}

pub(super) fn read(reader: &mut Reader<'_, '_>) -> Read {
    let mut params: Vec<Param> = Vec::new();
    while let Some(token) = reader.lexer.next()? {
        let param = read_one(reader, token)?;
        if params.iter().any(|other| other.key == param.key) {
            let message = format!("the parameter {} stands here a second time", param.key);
            return Err(Diagnostic::error(param.span, message).hint("take one of the two out"));
        }
        params.push(param);
    }
    check(&params)?;
    params.sort_by_key(|param| param.key);
    for Param { key, value, span } in params {
        let too_long = |_| Diagnostic::error(span, "this value is longer than 65535 octets").hint("shorten it");
        let len = u16::try_from(value.len()).map_err(too_long)?;
        reader.put(&key.0.to_be_bytes());
        reader.put(&len.to_be_bytes());
        reader.put(&value);
    }
    Ok(())
}

fn check(params: &[Param]) -> Read {
    let find = |key| params.iter().find(|param| param.key == key);
    let Some((key, lacking)) = contradiction(&|key| find(key).map(|param| param.value.as_slice())) else {
        return Ok(());
    };
    let message = format!("{key} needs the parameter {lacking}, which is not there");
    let error = find(key)
        .map_or_else(|| Diagnostic::error_nowhere(&*message), |param| Diagnostic::error(param.span, &*message));
    Err(error.hint(format!("add {lacking}, or take {key} out (RFC 9460)")))
}

const EXPECTED: &str = "a parameter such as alpn=h2,h3";

/// Reads a key, and its value if `=` follows.
fn read_one(reader: &mut Reader<'_, '_>, token: Token<'_>) -> Result<Param, Diagnostic> {
    let word = token.word().ok_or_else(|| token.instead_of(EXPECTED))?;
    let at = word.iter().position(|&octet| octet == b'=');
    let (name, value) = at.map_or((word, None), |at| (&word[..at], Some(&word[at + 1..])));
    let key = Key::parse(name).ok_or_else(|| unknown_key(token, name))?;
    let value = match value {
        Some([]) if reader.lexer.is_glued() => {
            let whole = |error: Diagnostic| Diagnostic { span: Some(token.span), ..error };
            reader.lexer.next().map_err(whole)?.map(|quoted| quoted.text)
        }
        other => other,
    };
    if reader.lexer.is_glued() {
        return Err(Diagnostic::error(token.span, "this parameter and what follows are not apart")
            .hint("put a blank between parameters, and quotes around the whole of a value: key=\"value\""));
    }
    // a key written by number has any octets for value, which must suit the key nonetheless
    let form = if Key::by_number(name).is_some() { Value::Any } else { key.value() };
    let mut octets = Vec::new();
    let sound = form.read(value.unwrap_or_default(), &mut octets).is_some() && key.value().is_valid(&octets);
    if sound {
        return Ok(Param { key, value: octets, span: token.span });
    }
    let message = format!("expected {} for {key}, found `{}`", key.value().expected(), token.shown());
    Err(Diagnostic::error(token.span, message).hint(key.value().example()))
}

fn unknown_key(token: Token<'_>, name: &[u8]) -> Diagnostic {
    let lower = String::from_utf8_lossy(name).to_lowercase();
    let near = KEYS.iter().map(|(key, _)| *key).min_by_key(|key| strsim::levenshtein(key, &lower));
    let hint = match near.filter(|near| strsim::levenshtein(near, &lower) <= near.len() / 2) {
        Some(near) => format!("did you mean {near}?"),
        None => "keys are in lower case; one without a name here is written key667=\"value\"".to_owned(),
    };
    token.instead_of(EXPECTED).hint(hint)
}
