//! The main file: listeners, folders, databases, zones elsewhere.

use std::net::SocketAddr;
use std::time::Duration;

use super::table::{Entry, Log, Table, Value, with_root};
use crate::base::{Diagnostic, FileId, Sources, Span};
use crate::wire::{Name, NameRef};

/// The main file, checked. Paths are as written; they start at the folder of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Main {
    /// `[server]`.
    pub server: Server,
    /// `[geo] databases`, in order of precedence.
    pub databases: Vec<(String, Span)>,
    /// `[steering] shared`.
    pub shared: Vec<(String, Span)>,
    /// `[[zone]]`: zones beside those of the folder.
    pub zones: Vec<ZoneEntry>,
}

/// `[server]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Where to answer over UDP and TCP.
    pub listen: Vec<SocketAddr>,
    /// The folder of zone files.
    pub zones: Option<(String, Span)>,
    /// The folder of saved state.
    pub state: Option<(String, Span)>,
    /// How long to wait for verdicts before the sockets open, if it is said.
    pub startup_wait: Option<Duration>,
    /// How UDP is served.
    pub udp: UdpMode,
}

/// How UDP is served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UdpMode {
    /// The best that the system offers.
    #[default]
    Auto,
    /// One datagram a system call.
    Plain,
}

/// One `[[zone]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneEntry {
    /// Its origin.
    pub name: Name,
    /// Its zone file.
    pub file: (String, Span),
    /// Its steering file.
    pub steering: Option<(String, Span)>,
    /// Where its name is written.
    pub span: Span,
}

/// Keys of a zone whose features are reserved.
pub(super) const RESERVED_ZONE_KEYS: [&str; 5] = ["dnssec", "transfer", "update", "primaries", "notify"];

/// Where to listen if nothing is said.
const DEFAULT_LISTEN: [&str; 2] = ["127.0.0.1:5300", "[::1]:5300"];

/// Reads the main file. Reports every mistake; none only where the file cannot be read at all.
pub fn main_file(sources: &Sources, file: FileId, diagnostics: &mut Vec<Diagnostic>) -> Option<Main> {
    with_root(sources, file, diagnostics, |log, mut root| {
        refuse_reserved(log, &mut root);
        let server = section(log, &mut root, "server", "[server]").map(|table| server(log, table));
        let databases = section(log, &mut root, "geo", "[geo]").map(|table| paths(log, table, "databases"));
        let shared = section(log, &mut root, "steering", "[steering]").map(|table| paths(log, table, "shared"));
        let zones = root.take("zone").map(|value| zones(log, value));
        root.close(log);
        Some(Main {
            server: server.unwrap_or_default(),
            databases: databases.unwrap_or_default(),
            shared: shared.unwrap_or_default(),
            zones: zones.unwrap_or_default(),
        })
    })
}

impl Default for Server {
    fn default() -> Self {
        let listen = DEFAULT_LISTEN.iter().map(|text| text.parse().expect("written here")).collect();
        Self { listen, zones: None, state: None, startup_wait: None, udp: UdpMode::Auto }
    }
}

fn refuse_reserved(log: &mut Log<'_>, root: &mut Table<'_>) {
    for (key, shown) in [
        ("node", "[node]"),
        ("fleet", "[fleet]"),
        ("key", "[[key]]"),
        ("zone_defaults", "[zone_defaults]"),
        ("admin", "[admin]"),
        ("tls", "[tls]"),
    ] {
        root.refuse(log, key, shown);
    }
}

fn section<'t>(log: &mut Log<'_>, root: &mut Table<'t>, key: &'static str, what: &str) -> Option<Table<'t>> {
    let Entry { span, value, .. } = root.entry(key)?;
    value.table_at(log, what, span)
}

fn server(log: &mut Log<'_>, mut table: Table<'_>) -> Server {
    let mut server = Server::default();
    if let Some(listen) = table.take("listen").and_then(|value| listen(log, value)) {
        server.listen = listen;
    }
    server.zones = table.take("zones").and_then(|value| path(log, value));
    server.state = table.take("state").and_then(|value| path(log, value));
    if let Some(value) = table.take("watch")
        && value.boolean(log) == Some(true)
    {
        log.error_with(
            value.span,
            "watching files is not in this version",
            "write false, and send SIGHUP after a change",
        );
    }
    server.startup_wait = table.take("startup_wait").and_then(|value| value.duration(log));
    if let Some(value) = table.take("host") {
        built(log, value, &[("native", Some(())), ("hickory", None)]);
    }
    if let Some(value) = table.take("udp") {
        let known = [("auto", Some(UdpMode::Auto)), ("batch", None), ("plain", Some(UdpMode::Plain))];
        server.udp = built(log, value, &known).unwrap_or_default();
    }
    table.close(log);
    server
}

/// One of a few words, some of which (none) this version does not have.
fn built<T: Copy>(log: &mut Log<'_>, value: Value<'_>, words: &[(&'static str, Option<T>)]) -> Option<T> {
    let built = value.one_of(log, words)?;
    if built.is_none() {
        let other = words.iter().find(|(_, built)| built.is_some()).map_or("", |(word, _)| word);
        let text = value.string(log).unwrap_or_default();
        log.error_with(value.span, format!("\"{text}\" is not in this version"), format!("write \"{other}\""));
    }
    built
}

fn listen(log: &mut Log<'_>, value: Value<'_>) -> Option<Vec<SocketAddr>> {
    let mut sockets = Vec::new();
    for element in value.array_of_some(log, "addresses with ports")? {
        let Some((socket, span)) = socket(log, element) else { continue };
        match sockets.iter().find(|&&other| collide(socket, other)) {
            Some(other) if *other == socket => log.error(span, format!("{socket} is listened on twice")),
            Some(other) => log.error_with(span, format!("{socket} overlaps with {other}"), "keep one of the two"),
            None => sockets.push(socket),
        }
    }
    Some(sockets)
}

/// Whether two sockets would receive the same packets. Port 0 is a port that the system chooses, a new one each time.
fn collide(a: SocketAddr, b: SocketAddr) -> bool {
    let any = a.ip().is_unspecified() || b.ip().is_unspecified();
    a.port() == b.port() && a.port() != 0 && a.is_ipv4() == b.is_ipv4() && (any || a == b)
}

/// An element of `listen`: a string, or a table of address and protocol.
fn socket(log: &mut Log<'_>, value: Value<'_>) -> Option<(SocketAddr, Span)> {
    let address = if value.is_table() {
        let mut table = value.table(log, "a listener")?;
        let protocol = table
            .take("protocol")
            .map(|value| built(log, value, &[("dns", Some(())), ("tls", None), ("quic", None), ("https", None)]));
        table.entry("tls").filter(|_| protocol != Some(None)).into_iter().for_each(|entry| {
            log.error(entry.span, "\"tls\" does not apply to protocol = \"dns\"");
        });
        let address = table.require(log, "address", "write an address and a port, such as \"[::]:53\"");
        table.close(log);
        address?
    } else {
        value
    };
    let text = address.string_as(log, "a string or a table")?;
    let socket = text.parse();
    if socket.is_err() {
        let hint = "write an IP address and a port, such as \"192.0.2.1:53\" or \"[::]:53\"";
        log.error_with(address.span, format!("\"{text}\" is not an address with a port"), hint);
    }
    socket.ok().map(|socket| (socket, address.span))
}

fn path(log: &mut Log<'_>, value: Value<'_>) -> Option<(String, Span)> {
    let text = value.string_as(log, "a path, as a string")?;
    if text.is_empty() {
        log.error(value.span, "the path is empty");
        return None;
    }
    Some((text.to_owned(), value.span))
}

/// A table with one key, a list of paths.
fn paths(log: &mut Log<'_>, mut table: Table<'_>, key: &'static str) -> Vec<(String, Span)> {
    let mut paths: Vec<(String, Span)> = Vec::new();
    for value in table.take(key).and_then(|value| value.array(log, "paths")).unwrap_or_default() {
        let Some((text, span)) = path(log, value) else { continue };
        if paths.iter().any(|(other, _)| *other == text) {
            log.error(span, format!("\"{text}\" is named twice"));
        } else {
            paths.push((text, span));
        }
    }
    table.close(log);
    paths
}

fn zones(log: &mut Log<'_>, value: Value<'_>) -> Vec<ZoneEntry> {
    let mut zones: Vec<ZoneEntry> = Vec::new();
    for value in value.array(log, "tables ([[zone]])").unwrap_or_default() {
        let Some(entry) = value.table(log, "[[zone]]").and_then(|table| zone(log, table)) else { continue };
        if zones.iter().any(|other| other.name == entry.name) {
            log.error(entry.span, format!("zone {} is named twice", entry.name));
        } else {
            zones.push(entry);
        }
    }
    zones
}

fn zone(log: &mut Log<'_>, mut table: Table<'_>) -> Option<ZoneEntry> {
    for key in RESERVED_ZONE_KEYS {
        table.refuse(log, key, &format!("\"{key}\""));
    }
    let name = table.require(log, "name", "write the zone's origin, such as name = \"example.net\"");
    let name = name.and_then(|value| origin(log, value).map(|name| (name, value.span)));
    let file = table.require(log, "file", "write the path of its zone file").and_then(|value| path(log, value));
    let steering = table.take("steering").and_then(|value| path(log, value));
    table.close(log);
    let (name, span) = name?;
    Some(ZoneEntry { name, file: file?, steering, span })
}

fn origin(log: &mut Log<'_>, value: Value<'_>) -> Option<Name> {
    let text = value.string(log)?;
    match Name::parse(text.as_bytes(), Some(NameRef::ROOT)) {
        Ok(name) => Some(name),
        Err(error) => {
            log.error(value.span, format!("\"{text}\" is not a domain name: {error}"));
            None
        }
    }
}
