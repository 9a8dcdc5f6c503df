//! `[check.NAME]`: how to probe.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::health::{Check, CheckKind, HttpCheck, StatusRange};
use crate::wire::Name;

use super::steering::{DefinedCheck, ReadPem};
use super::table::{At, Context, Table, Value};
use super::values::parse_status;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    None,
    Tcp,
    Http,
    Https,
}

const KINDS: [(&str, Kind); 4] =
    [("https", Kind::Https), ("http", Kind::Http), ("tcp", Kind::Tcp), ("none", Kind::None)];

/// Lowers one check; none if something that matters is wrong.
pub(super) fn lower(
    context: &mut Context<'_>,
    name: &str,
    value: &Value<'_>,
    read_pem: &mut ReadPem<'_>,
) -> Option<DefinedCheck> {
    let mut table = context.table(value, format!("the check \"{name}\""))?;
    let kind = table.require(context, "kind", "kind = \"https\", \"http\", \"tcp\" or \"none\"");
    let kind = kind.and_then(|value| context.choice(value, &KINDS))?;
    let port = port(context, &mut table, kind);
    let what = match kind {
        Kind::None => Some(CheckKind::None),
        Kind::Tcp => Some(CheckKind::Tcp),
        Kind::Http => http(context, &mut table, None).map(CheckKind::Http),
        Kind::Https => http(context, &mut table, Some(read_pem)).map(CheckKind::Https),
    };
    let mut duration = |context: &mut Context<'_>, key, default| {
        table.get(key).map_or(Some(default), |value| context.duration(value).map(|given| positive(context, given)))
    };
    let interval = duration(context, "interval", Duration::from_secs(5));
    let timeout = duration(context, "timeout", Duration::from_secs(2));
    let recheck = duration(context, "recheck", Duration::from_millis(500));
    let mut count = |context: &mut Context<'_>, key| {
        table.get(key).map_or(Some(2), |value| context.integer(value, 1..=1000).map(|count| count.value as u32))
    };
    let (fall, rise) = (count(context, "fall"), count(context, "rise"));
    let span = table.get("timeout").map_or(table.span, |value| context.span(value.span()));
    table.finish(context);
    let (interval, timeout, recheck, fall, rise) = (interval?, timeout?, recheck?, fall?, rise?);
    if timeout >= interval * fall {
        let message = format!("a timeout of {timeout:?} is not shorter than {fall} intervals of {interval:?}");
        context.error(span, message, "probes of a target would run into each other; shorten the timeout");
    }
    let check = Check { kind: what?, interval, timeout, fall, rise, recheck };
    Some(DefinedCheck { check: Arc::new(check), port: port? })
}

fn positive(context: &mut Context<'_>, given: At<Duration>) -> Duration {
    if given.value.is_zero() {
        context.error(given.span, "a duration of zero", "give at least 1ms");
    }
    given.value
}

/// The port: 443 and 80 by kind; tcp must say it.
fn port(context: &mut Context<'_>, table: &mut Table<'_, '_>, kind: Kind) -> Option<u16> {
    let given = match kind {
        Kind::None => return Some(0),
        Kind::Tcp => Some(table.require(context, "port", "a tcp check must say which port to connect to")?),
        Kind::Http | Kind::Https => table.get("port"),
    };
    match given {
        Some(value) => context.integer(value, 1..=65535).map(|port| port.value as u16),
        None => Some(if kind == Kind::Https { 443 } else { 80 }),
    }
}

fn http(context: &mut Context<'_>, table: &mut Table<'_, '_>, tls: Option<&mut ReadPem<'_>>) -> Option<HttpCheck> {
    let host =
        table.require(context, "host", "the name in SNI, Host header and certificate, such as \"www.example.com\"");
    let host = host.and_then(|value| context.string(value)).and_then(|text| host_name(context, text));
    let path = table.get("path").map_or(Some("/".to_owned()), |value| path(context, value));
    let expect_status = match table.get("expect_status") {
        Some(value) => statuses(context, value),
        None => vec![StatusRange { first: 200, last: 299 }],
    };
    let expect_body = table.get("expect_body").and_then(|value| context.string(value)).map(|text| text.value);
    let ca_pem = tls.and_then(|read_pem| {
        let path = table.get("ca_file").and_then(|value| context.string(value))?;
        certificates(context, &path, read_pem)
    });
    Some(HttpCheck { host: host?, path: path?, expect_status, expect_body, ca_pem })
}

/// A DNS name: an address would make the HTTP client connect to it instead of the endpoint.
fn host_name(context: &mut Context<'_>, text: At<String>) -> Option<String> {
    let last = text.value.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    let numeric = last.starts_with(|first: char| first.is_ascii_digit()) || text.value.parse::<IpAddr>().is_ok();
    let plain = text.value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    if numeric || !plain || text.value.parse::<Name>().is_err() {
        let message = format!("\"{}\" is not a host name", text.value);
        context.error(text.span, message, "write a DNS name, not an address; probes connect to the endpoint's address");
        return None;
    }
    Some(text.value.trim_end_matches('.').to_owned())
}

fn path(context: &mut Context<'_>, value: &Value<'_>) -> Option<String> {
    let path = context.string(value)?;
    let valid = path.value.starts_with('/') && path.value.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    if !valid {
        context.error(path.span, format!("\"{}\" is not a path", path.value), "begin it with / and leave out blanks");
    }
    valid.then_some(path.value)
}

fn statuses(context: &mut Context<'_>, value: &Value<'_>) -> Vec<StatusRange> {
    let texts = context.strings(value).unwrap_or_default();
    if texts.is_empty() && value.get_ref().is_array() {
        context.error(context.span(value.span()), "no status would be expected", "such as [\"2xx\"]");
    }
    let mut ranges = Vec::new();
    for text in texts {
        match parse_status(&text.value) {
            Some(range) => ranges.push(range),
            None => {
                let message = format!("\"{}\" is not a status", text.value);
                context.error(text.span, message, "write \"204\", \"2xx\" or \"200-299\"");
            }
        }
    }
    ranges
}

fn certificates(context: &mut Context<'_>, path: &At<String>, read_pem: &mut ReadPem<'_>) -> Option<Arc<[u8]>> {
    match read_pem(&path.value) {
        Ok(pem) if String::from_utf8_lossy(&pem).contains("-----BEGIN CERTIFICATE-----") => Some(pem.into()),
        Ok(_) => {
            context.error(
                path.span,
                format!("{} holds no certificate", path.value),
                "a PEM file with -----BEGIN CERTIFICATE----- is needed",
            );
            None
        }
        Err(error) => {
            context.error(path.span, error, "relative paths start at the file that holds them");
            None
        }
    }
}
