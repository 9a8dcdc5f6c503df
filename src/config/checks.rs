//! Regions and checks: what refers to nothing else.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::table::{Entry, Log, Table, Value};
use super::values::{host_fault, parse_status, path_fault, show};
use crate::base::Span;
use crate::geo::Coords;
use crate::health::{Check, CheckKind, HttpCheck, StatusRange};
use crate::steer::Region;

/// Reads the certificates of a `ca_file`; the error is a sentence.
pub(super) type ReadPem<'r> = dyn FnMut(&str) -> Result<Vec<u8>, String> + 'r;

/// A check by name: what it is, and the port where an endpoint names none.
#[derive(Clone, Copy, Debug)]
pub(super) struct CheckRef {
    /// Position among the distinct checks.
    pub(super) index: usize,
    /// Its port; 0 for a check that probes nothing.
    pub(super) port: u16,
}

/// The distinct checks: equal ones are one, whatever their names.
#[derive(Debug, Default)]
pub(super) struct Checks {
    list: Vec<Arc<Check>>,
    by_content: HashMap<Arc<Check>, usize>,
}

impl Checks {
    /// The position of a check.
    pub(super) fn intern(&mut self, check: Check) -> usize {
        let check = Arc::new(check);
        *self.by_content.entry(Arc::clone(&check)).or_insert_with(|| {
            self.list.push(check);
            self.list.len() - 1
        })
    }

    /// The check at a position.
    pub(super) fn get(&self, index: usize) -> &Arc<Check> {
        &self.list[index]
    }
}

/// The check that probes nothing, with the defaults of §4 for what does not matter to it.
pub(super) const fn no_check() -> Check {
    Check {
        kind: CheckKind::None,
        interval: Duration::from_secs(5),
        timeout: Duration::from_secs(2),
        fall: 2,
        rise: 2,
        recheck: Duration::from_millis(500),
    }
}

/// Reads a region.
pub(super) fn region(log: &mut Log<'_>, name: &str, mut table: Table<'_>) -> Region {
    let lat = table.take("lat").and_then(|value| degrees(log, value, "lat", 90.0));
    let lon = table.take("lon").and_then(|value| degrees(log, value, "lon", 180.0));
    let bias = table.take("bias").and_then(|value| value.integer(log, -99..=99)).unwrap_or(0);
    let both = table.entry("lat").is_some() == table.entry("lon").is_some();
    if !both {
        log.missing(
            table.blame,
            format!("region \"{name}\" has only one of \"lat\" and \"lon\""),
            "give both, or none",
        );
    }
    table.close(log);
    let coords = lat.zip(lon).and_then(|(lat, lon)| Coords::new(lat, lon));
    Region { name: name.to_owned(), coords, bias: i8::try_from(bias).expect("checked to be from -99 to 99") }
}

fn degrees(log: &mut Log<'_>, value: Value<'_>, key: &str, limit: f64) -> Option<f64> {
    let degrees = value.float(log)?;
    if degrees.abs() <= limit {
        return Some(degrees);
    }
    log.error_with(value.span, format!("\"{key}\" must be from -{limit} to {limit}"), "write degrees north and east");
    None
}

/// What a probe does, by its key's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Https,
    Http,
    Tcp,
    None,
}

const KINDS: [(&str, Kind); 4] =
    [("https", Kind::Https), ("http", Kind::Http), ("tcp", Kind::Tcp), ("none", Kind::None)];

/// Keys that some kinds have no use for, with the kinds that do.
const KEYS_BY_KIND: [(&str, &[Kind]); 11] = [
    ("host", &[Kind::Https, Kind::Http]),
    ("path", &[Kind::Https, Kind::Http]),
    ("expect_status", &[Kind::Https, Kind::Http]),
    ("expect_body", &[Kind::Https, Kind::Http]),
    ("ca_file", &[Kind::Https]),
    ("port", &[Kind::Https, Kind::Http, Kind::Tcp]),
    ("interval", &[Kind::Https, Kind::Http, Kind::Tcp]),
    ("timeout", &[Kind::Https, Kind::Http, Kind::Tcp]),
    ("fall", &[Kind::Https, Kind::Http, Kind::Tcp]),
    ("rise", &[Kind::Https, Kind::Http, Kind::Tcp]),
    ("recheck", &[Kind::Https, Kind::Http, Kind::Tcp]),
];

/// Reads a check and the port it probes by default.
pub(super) fn check(log: &mut Log<'_>, mut table: Table<'_>, read_pem: &mut ReadPem<'_>) -> (Check, u16) {
    let kind = table.require(log, "kind", "write kind = \"https\", \"http\", \"tcp\" or \"none\"");
    let kind = kind.and_then(|value| value.one_of(log, &KINDS));
    let port = port(log, &mut table, kind);
    let http = http(log, &mut table, kind, read_pem);
    let mut check = timing(log, &mut table);
    if let Some(kind) = kind {
        warn_useless(log, &mut table, kind);
        check.kind = match kind {
            Kind::Https => CheckKind::Https(http),
            Kind::Http => CheckKind::Http(HttpCheck { ca_pem: None, ..http }),
            Kind::Tcp => CheckKind::Tcp,
            Kind::None => CheckKind::None,
        };
    }
    table.close(log);
    if kind == Some(Kind::None) { (no_check(), 0) } else { (check, port) }
}

fn port(log: &mut Log<'_>, table: &mut Table<'_>, kind: Option<Kind>) -> u16 {
    let default = match kind {
        Some(Kind::Https) => 443,
        Some(Kind::Http) => 80,
        Some(Kind::Tcp) => {
            return table
                .require(log, "port", "write the port of the service, such as port = 443")
                .and_then(|v| v.port(log))
                .unwrap_or(0);
        }
        _ => 0,
    };
    table.take("port").and_then(|value| value.port(log)).unwrap_or(default)
}

impl Value<'_> {
    /// A port, which is not 0.
    pub(super) fn port(self, log: &mut Log<'_>) -> Option<u16> {
        self.integer(log, 1..=65535).and_then(|port| u16::try_from(port).ok())
    }

    /// A count of at least one.
    fn count(self, log: &mut Log<'_>) -> Option<u32> {
        self.integer(log, 1..=1_000_000).and_then(|count| u32::try_from(count).ok())
    }
}

fn http(log: &mut Log<'_>, table: &mut Table<'_>, kind: Option<Kind>, read_pem: &mut ReadPem<'_>) -> HttpCheck {
    let host = if matches!(kind, Some(Kind::Https | Kind::Http)) {
        table.require(log, "host", "write the name of the site, such as host = \"www.example.com\"")
    } else {
        table.take("host")
    };
    let path = table.take("path").and_then(|value| path(log, value));
    let expect_status = table.take("expect_status").and_then(|value| statuses(log, value));
    let expect_body = table.take("expect_body").and_then(|value| body(log, value));
    let ca_pem = table
        .take("ca_file")
        .filter(|_| matches!(kind, None | Some(Kind::Https)))
        .and_then(|value| ca(log, value, read_pem));
    HttpCheck {
        host: host.and_then(|value| host_name(log, value)).unwrap_or_default(),
        path: path.unwrap_or_else(|| "/".into()),
        expect_status: expect_status.unwrap_or_else(|| vec![StatusRange { first: 200, last: 299 }]),
        expect_body,
        ca_pem,
    }
}

fn host_name(log: &mut Log<'_>, value: Value<'_>) -> Option<String> {
    let host = value.string(log)?;
    if let Some((fault, hint)) = host_fault(host) {
        log.error_with(value.span, fault, hint);
        return None;
    }
    Some(host.to_owned())
}

fn path(log: &mut Log<'_>, value: Value<'_>) -> Option<String> {
    let path = value.string(log)?;
    if let Some(fault) = path_fault(path) {
        log.error_with(value.span, fault, "write it as in a URL, such as \"/healthz\"");
        return None;
    }
    Some(path.to_owned())
}

fn statuses(log: &mut Log<'_>, value: Value<'_>) -> Option<Vec<StatusRange>> {
    let mut statuses = Vec::new();
    for element in value.array_of_some(log, "statuses such as \"2xx\"")? {
        let Some(text) = element.string_as(log, "a string such as \"204\" or \"2xx\"") else { continue };
        match parse_status(text) {
            Some(range) => statuses.push(range),
            None => log.error_with(
                element.span,
                format!("\"{text}\" is not an HTTP status"),
                "write \"204\", \"2xx\" or \"200-299\"",
            ),
        }
    }
    Some(statuses)
}

/// Only so much of a body is looked at.
const BODY_LIMIT: usize = 64 * 1024;

fn body(log: &mut Log<'_>, value: Value<'_>) -> Option<String> {
    let text = value.string(log)?;
    if text.is_empty() || text.len() > BODY_LIMIT {
        log.error_with(
            value.span,
            "the text to expect must have from 1 to 65536 bytes",
            "leave the key out to accept any",
        );
        return None;
    }
    Some(text.to_owned())
}

fn ca(log: &mut Log<'_>, value: Value<'_>, read_pem: &mut ReadPem<'_>) -> Option<Arc<[u8]>> {
    let path = value.string_as(log, "a path, as a string")?;
    let marker = b"-----BEGIN CERTIFICATE-----";
    match read_pem(path) {
        Ok(pem) if pem.windows(marker.len()).any(|window| window == marker) => return Some(pem.into()),
        Ok(_) => {
            let hint = "it must be PEM, with BEGIN CERTIFICATE";
            log.error_with(value.span, format!("{path} holds no certificate"), hint);
        }
        Err(error) => log.error_with(value.span, error, "relative paths start at the file that holds them"),
    }
    None
}

/// Reads what all probing kinds have in common.
fn timing(log: &mut Log<'_>, table: &mut Table<'_>) -> Check {
    let default = no_check();
    let interval = table.take("interval");
    let timeout = table.take("timeout");
    let fall = table.take("fall");
    let written = [timeout, interval, fall].into_iter().flatten().next().map_or(table.blame, |value| value.span);
    let check = Check {
        interval: interval.and_then(|value| value.some_duration(log)).unwrap_or(default.interval),
        timeout: timeout.and_then(|value| value.some_duration(log)).unwrap_or(default.timeout),
        fall: fall.and_then(|value| value.count(log)).unwrap_or(default.fall),
        rise: table.take("rise").and_then(|value| value.count(log)).unwrap_or(default.rise),
        recheck: table.take("recheck").and_then(|value| value.duration(log)).unwrap_or(default.recheck),
        kind: default.kind,
    };
    if check.timeout >= check.interval.saturating_mul(check.fall) {
        let (timeout, interval, fall) = (show(check.timeout), show(check.interval), check.fall);
        let message = format!("the timeout of {timeout} is not shorter than {fall} intervals of {interval}");
        log.error_with(written, message, "timeout must be shorter than interval times fall");
    }
    check
}

fn warn_useless(log: &mut Log<'_>, table: &mut Table<'_>, kind: Kind) {
    let name = KINDS.iter().find(|(_, other)| *other == kind).map_or("", |(name, _)| name);
    for (key, _) in KEYS_BY_KIND.iter().filter(|(_, kinds)| !kinds.contains(&kind)) {
        if let Some(Entry { span, .. }) = table.entry(key) {
            log.warn(span, format!("\"{key}\" does not apply to kind = \"{name}\""), "take it out");
        }
    }
}

/// Whether a check of this name may be defined.
pub(super) fn is_not_none(log: &mut Log<'_>, name: &str, span: Span) -> bool {
    if name == "none" {
        log.error_with(span, "\"none\" is the check that probes nothing", "give this one another name");
    }
    name != "none"
}
