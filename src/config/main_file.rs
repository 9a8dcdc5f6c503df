//! `windrose.toml`: listeners, folders, databases, zones elsewhere.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::base::{Diagnostic, FileId, Sources, Span};
use crate::wire::Name;

use super::table::{At, Context, Table, Value, document};

/// What `windrose.toml` says. Paths are as written: relative ones start at the file.
#[derive(Clone, Debug)]
pub struct Main {
    /// `[server]`.
    pub server: Server,
    /// `[geo] databases`.
    pub databases: Vec<(String, Span)>,
    /// `[steering] shared`.
    pub shared: Vec<(String, Span)>,
    /// `[[zone]]`.
    pub zones: Vec<ZoneEntry>,
}

/// `[server]`.
#[derive(Clone, Debug)]
pub struct Server {
    /// Where to listen, UDP and TCP.
    pub listen: Vec<SocketAddr>,
    /// The folder of zone files.
    pub zones: Option<(String, Option<Span>)>,
    /// The folder of what outlives the process.
    pub state: Option<(String, Option<Span>)>,
    /// How long targets may be tried before sockets open; none: the longest timeout and 500 ms.
    pub startup_wait: Option<Duration>,
}

/// `[[zone]]`: a zone elsewhere than in the zones folder.
#[derive(Clone, Debug)]
pub struct ZoneEntry {
    /// Its name.
    pub name: Name,
    /// Its zone file.
    pub file: String,
    /// Its steering file.
    pub steering: Option<String>,
    /// Where it is written.
    pub span: Span,
}

/// Where to listen if nothing is said.
const DEFAULT_LISTEN: [&str; 2] = ["127.0.0.1:5300", "[::1]:5300"];

/// Lowers `windrose.toml`. What could not be read is none; every mistake is in `found`.
pub fn main_file(sources: &Sources, file: FileId, found: &mut Vec<Diagnostic>) -> Option<Main> {
    document(sources, file, found, |context, mut table| {
        let server = server(context, &mut table);
        let databases = paths(context, &mut table, "geo", "databases");
        let shared = paths(context, &mut table, "steering", "shared");
        let zones = table.get("zone").map(|value| zones(context, value)).unwrap_or_default();
        table.refuse(context, &["admin", "tls", "node", "fleet", "key", "zone_defaults"]);
        table.finish(context);
        Some(Main { server, databases, shared, zones })
    })
}

fn server(context: &mut Context<'_>, table: &mut Table<'_, '_>) -> Server {
    let defaults = || DEFAULT_LISTEN.iter().map(|text| text.parse().expect("an address")).collect();
    let Some(mut server) = table.section(context, "server") else {
        return Server { listen: defaults(), zones: None, state: None, startup_wait: None };
    };
    let listen = server.get("listen").map(|value| listen(context, value));
    let mut path = |context: &mut Context<'_>, key| {
        let value = server.get(key).and_then(|value| context.string(value))?;
        Some((value.value, Some(value.span)))
    };
    let (zones, state) = (path(context, "zones"), path(context, "state"));
    let startup_wait = server.get("startup_wait").and_then(|value| context.duration(value));
    if let Some(value) = server.get("watch")
        && let Some(At { value: true, span }) = context.boolean(value)
    {
        context.error(
            span,
            "watching files is not in this version",
            "write watch = false, and send SIGHUP after changes",
        );
    }
    if let Some(value) = server.get("host") {
        not_yet(context, value, &["native"], &["hickory"]);
    }
    if let Some(value) = server.get("udp") {
        not_yet(context, value, &["auto", "plain"], &["batch"]);
    }
    server.finish(context);
    Server { listen: listen.unwrap_or_else(defaults), zones, state, startup_wait: startup_wait.map(|wait| wait.value) }
}

/// A choice of which some words belong to later versions.
fn not_yet(context: &mut Context<'_>, value: &Value<'_>, now: &[&str], later: &[&str]) {
    let words: Vec<(&str, bool)> =
        now.iter().map(|&word| (word, true)).chain(later.iter().map(|&word| (word, false))).collect();
    if context.choice(value, &words) == Some(false) {
        let span = context.span(value.span());
        context.error(span, "this choice is not in this version", format!("choose {}", now.join(" or ")));
    }
}

fn listen(context: &mut Context<'_>, value: &Value<'_>) -> Vec<SocketAddr> {
    let Some(values) = context.array(value) else { return Vec::new() };
    let mut listen: Vec<At<SocketAddr>> = Vec::new();
    for value in values {
        let Some(address) = listener(context, value) else { continue };
        if let Some(other) = listen.iter().find(|other| overlap(other.value, address.value)) {
            let message = format!("{} and {} overlap", address.value, other.value);
            context.error(address.span, message, "a wildcard address takes all addresses of its family at that port");
        }
        listen.push(address);
    }
    if listen.is_empty() {
        context.error(
            context.span(value.span()),
            "nothing to listen on",
            "name at least one address, such as \"127.0.0.1:5300\"",
        );
    }
    listen.into_iter().map(|address| address.value).collect()
}

/// Whether two listeners would meet. Port 0 never does: it becomes a free one.
fn overlap(a: SocketAddr, b: SocketAddr) -> bool {
    let any = |addr: IpAddr| addr.is_unspecified();
    let met = a.ip() == b.ip() || any(a.ip()) || any(b.ip());
    a.is_ipv4() == b.is_ipv4() && a.port() == b.port() && a.port() != 0 && met
}

/// `"ADDRESS:PORT"` or `{ address, protocol, tls }`.
fn listener(context: &mut Context<'_>, value: &Value<'_>) -> Option<At<SocketAddr>> {
    if value.get_ref().is_str() {
        let text = context.string(value)?;
        return socket_address(context, text);
    }
    let mut table = context.table(value, "the listener")?;
    let text = table.require(context, "address", "such as \"127.0.0.1:5300\"").and_then(|value| context.string(value));
    if let Some(protocol) = table.get("protocol") {
        not_yet(context, protocol, &["dns"], &["tls", "quic", "https"]);
    }
    table.refuse(context, &["tls"]);
    table.finish(context);
    socket_address(context, text?)
}

fn socket_address(context: &mut Context<'_>, text: At<String>) -> Option<At<SocketAddr>> {
    match text.value.parse() {
        Ok(value) => Some(At { value, span: text.span }),
        Err(_) => {
            let message = format!("\"{}\" is not an address and a port", text.value);
            context.error(text.span, message, "such as \"192.0.2.1:53\" or \"[2001:db8::1]:53\"");
            None
        }
    }
}

/// The paths of one key of one section.
fn paths(
    context: &mut Context<'_>,
    table: &mut Table<'_, '_>,
    section: &'static str,
    key: &'static str,
) -> Vec<(String, Span)> {
    let Some(mut section) = table.section(context, section) else { return Vec::new() };
    let paths = section.get(key).and_then(|value| context.strings(value)).unwrap_or_default();
    section.finish(context);
    paths.into_iter().map(|path| (path.value, path.span)).collect()
}

fn zones(context: &mut Context<'_>, value: &Value<'_>) -> Vec<ZoneEntry> {
    let Some(values) = context.array(value) else { return Vec::new() };
    values.filter_map(|value| zone(context, value)).collect()
}

fn zone(context: &mut Context<'_>, value: &Value<'_>) -> Option<ZoneEntry> {
    let mut table = context.table(value, "[[zone]]")?;
    let name = table
        .require(context, "name", "the zone's name, such as \"example.net\"")
        .and_then(|value| context.string(value));
    let file = table.require(context, "file", "the path of its zone file").and_then(|value| context.string(value));
    let steering = table.get("steering").and_then(|value| context.string(value));
    table.refuse(context, &["dnssec", "transfer", "update", "primaries", "notify"]);
    table.finish(context);
    let name = name?;
    match name.value.parse() {
        Ok(parsed) => Some(ZoneEntry {
            name: parsed,
            file: file?.value,
            steering: steering.map(|path| path.value),
            span: name.span,
        }),
        Err(error) => {
            context.error(name.span, format!("\"{}\" is not a domain name: {error}", name.value), "");
            None
        }
    }
}
