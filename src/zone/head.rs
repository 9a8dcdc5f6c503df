//! TTL, class and type of a record.

use super::lexer::{Lexer, Token};
use super::{layout, text};
use crate::base::{Diagnostic, Ttl};
use crate::wire::{Class, Rtype};

/// What may stand behind an owner.
pub(super) const TTL_CLASS_OR_TYPE: &str = "a TTL, a class or a record type";

/// What stands between owner and RDATA.
pub(super) struct Head<'s> {
    pub(super) ttl: Option<Ttl>,
    pub(super) rtype: Rtype,
    pub(super) type_token: Token<'s>,
}

impl<'s> Head<'s> {
    /// TTL and class, in either order, or none of them, then the type.
    pub(super) fn read(first: Token<'s>, lexer: &mut Lexer<'s>) -> Result<Self, Diagnostic> {
        let (mut ttl, mut class, mut token) = (None, None, first);
        loop {
            if ttl.is_none() && token.text.first().is_some_and(u8::is_ascii_digit) {
                ttl = Some(read_ttl(token, TTL_CLASS_OR_TYPE, lexer)?);
            } else if let Some(found) = token.keyword().and_then(|word| word.parse().ok()).filter(|_| class.is_none()) {
                check_class(found, token)?;
                class = Some(found);
            } else {
                return Ok(Self { ttl, rtype: read_type(token)?, type_token: token });
            }
            token = lexer.expect("a record type")?;
        }
    }
}

fn check_class(class: Class, token: Token<'_>) -> Result<(), Diagnostic> {
    if class == Class::IN {
        Ok(())
    } else {
        Err(token.instead_of("class IN, the only one served").hint("write IN, or take the record out"))
    }
}

/// A TTL; one of 32 bits that is above the highest is zero (RFC 2181 §8), which is worth a warning.
pub(super) fn read_ttl<'s>(token: Token<'s>, expected: &str, lexer: &mut Lexer<'s>) -> Result<Ttl, Diagnostic> {
    let seconds = token.word().and_then(text::period).ok_or_else(|| token.instead_of(expected))?;
    if seconds > Ttl::MAX.secs() {
        let message = format!("a TTL is at most {} seconds: this one is taken as 0 (RFC 2181 §8)", Ttl::MAX.secs());
        let warning = Diagnostic::warning(token.span, message).hint("a day is 86400 or 1d, a week 604800 or 1w");
        lexer.warnings.push(warning);
        return Ok(Ttl::ZERO);
    }
    Ok(Ttl::from_secs(seconds))
}

fn read_type(token: Token<'_>) -> Result<Rtype, Diagnostic> {
    let Some(rtype) = token.keyword().and_then(|word| word.parse::<Rtype>().ok()) else {
        return Err(token.instead_of(TTL_CLASS_OR_TYPE).hint(type_hint(token)));
    };
    if rtype.is_meta() || rtype == Rtype(0) {
        return Err(Diagnostic::error(token.span, format!("{rtype} is for queries and messages, no zone holds it"))
            .hint("take the record out"));
    }
    Ok(rtype)
}

fn type_hint(token: Token<'_>) -> String {
    let word = token.shown().to_ascii_uppercase();
    let near = layout::LAYOUTS
        .iter()
        .map(|layout| layout.rtype.to_string())
        .min_by_key(|name| strsim::levenshtein(name, &word));
    match near.filter(|name| strsim::levenshtein(name, &word) <= name.len() / 2) {
        Some(name) => format!("did you mean {name}?"),
        None => "a type without a name here is written TYPE123, its RDATA `\\# length hex` (RFC 3597)".to_owned(),
    }
}
