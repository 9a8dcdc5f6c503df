//! What to write instead of a value that cannot be read.

use std::net::{IpAddr, SocketAddr};

use toml::de::DeValue;

use crate::base::Prefix;
use crate::geo::{Country, CountryInfo, GeoCode, all_countries, country_info};

/// Codes in common use that ISO 3166-1 does not have.
const ALIASES: [(&str, &str); 2] = [("UK", "GB"), ("EL", "GR")];

/// Instead of a value of another type than the one wanted.
pub(super) fn kind(found: &DeValue<'_>, wanted: &str) -> String {
    let is = |what: &str| wanted.starts_with(what);
    let number = is("an integer") || is("a number") || is("a float") || is("the integer");
    match found {
        DeValue::Table(_) if is("an array of tables ([[") => {
            "write its header in two brackets on each side: [[...]]".into()
        }
        DeValue::String(text) if is("an array") && text.len() < 60 => format!("write [\"{text}\"]"),
        _ if is("an array") => "write it in square brackets: [...]".into(),
        _ if is("a table") => "write it in curly brackets: { key = value }".into(),
        DeValue::String(text) if number => {
            number_in(text).map_or("write a number".into(), |digits| format!("write {digits}"))
        }
        DeValue::String(text) if is("true") && ["true", "false"].contains(&text.as_ref()) => {
            "write it without quotes".into()
        }
        DeValue::Float(_) if is("an integer") => "write a whole number".into(),
        DeValue::Table(_) | DeValue::Array(_) => "write one value, without brackets".into(),
        _ if is("true") => "write true or false".into(),
        _ if number => "write a number".into(),
        DeValue::Integer(_) | DeValue::Float(_) if wanted.contains("0s\"") || wanted.contains("5s\"") => {
            "write it in quotes, with its unit".into()
        }
        _ => "write it in quotes".into(),
    }
}

/// The number in a text such as `5` or `AS64500`.
fn number_in(text: &str) -> Option<&str> {
    let digits = text.trim().trim_start_matches(|c: char| c.is_ascii_alphabetic());
    digits.parse::<f64>().is_ok().then_some(digits)
}

const CONTINENTS: [(&str, &str); 7] = [
    ("africa", "AF"),
    ("antarctica", "AN"),
    ("asia", "AS"),
    ("europe", "EU"),
    ("north america", "NA"),
    ("oceania", "OC"),
    ("south america", "SA"),
];

/// Instead of a place: the code that was likely meant.
pub(super) fn place(text: &str) -> String {
    let upper = text.trim().to_ascii_uppercase();
    let parts: Vec<&str> = upper.split('-').collect();
    let code = |part: &&str| {
        let part = ALIASES.iter().find(|(alias, _)| alias == part).map_or(*part, |(_, code)| code);
        Country::new(part).and_then(country_info)
    };
    let of = |info: &CountryInfo, rest: &str| format!("did you mean \"{}-{}{rest}\"?", info.continent, info.country);
    if upper.parse::<GeoCode>().is_ok() {
        return format!("did you mean \"{upper}\"?");
    }
    if let Some((_, code)) = CONTINENTS.iter().find(|(name, _)| text.trim().eq_ignore_ascii_case(name)) {
        return format!("did you mean \"{code}\"?");
    }
    if let Some(info) = parts.get(1).and_then(code) {
        return of(info, "");
    }
    if let Some(info) = parts.first().and_then(code) {
        return of(info, &parts.get(1).map(|part| format!("-{part}")).unwrap_or_default());
    }
    match all_countries().iter().find(|info| info.name.eq_ignore_ascii_case(text.trim())) {
        Some(info) => of(info, ""),
        None => "places are codes in capitals: a continent, and in it a country and a subdivision by ISO 3166, such as \"EU\", \"EU-DE\" or \"NA-US-CA\"".into(),
    }
}

/// Instead of a network.
pub(super) fn network(text: &str) -> String {
    let (address, len) = text.split_once('/').unwrap_or((text, ""));
    let Ok(address) = address.parse::<IpAddr>() else {
        return "write an address and a prefix length, such as \"192.0.2.0/24\" or \"2001:db8::/32\"".into();
    };
    let most: u8 = if address.is_ipv4() { 32 } else { 128 };
    let around = |len: u8| {
        let prefix = Prefix::around(address, len);
        format!("write \"{}/{}\"", prefix.addr(), prefix.len())
    };
    match len.parse::<u8>() {
        Ok(len) if len <= most => around(len),
        _ if len.is_empty() => format!("{} for this address alone", around(most)),
        _ => format!("the length is at most {most} here"),
    }
}

/// Instead of an address.
pub(super) fn address(text: &str) -> String {
    let bare = text.split_once('/').map_or(text, |(address, _)| address);
    if bare.parse::<IpAddr>().is_ok() {
        return format!("write one address, without a prefix length: \"{bare}\"");
    }
    if let Ok(socket) = text.parse::<SocketAddr>() {
        return format!("write \"{}\"; ports are said in the check or in \"probe\"", socket.ip());
    }
    let named = text.contains(|c: char| c.is_ascii_alphabetic()) && text.contains('.') && !text.contains(':');
    let cname = || format!("write addresses, or cname = \"{}.\" instead", text.trim_end_matches('.'));
    if named { cname() } else { "write it as \"192.0.2.1\" or \"2001:db8::1\"".into() }
}
