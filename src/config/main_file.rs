//! The main file: listeners, folders, databases, zones elsewhere.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::cookies::{Cookies, cookies, nsid};
use super::identity::chaos_text;
use super::listen::{Listener, admin_listen, default_listen, listen};
use super::rate_limit::{RateLimit, rate_limit};
use super::table::{Entry, Log, Table, Text, Value, with_root};
use super::tcp::{Tcp, tcp};
use crate::base::{Diagnostic, FileId, Sources, Span};
use crate::wire::{Name, NameRef};
use crate::zone::name_remedy;

/// The main file, checked. Paths are as written; they start at the folder of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Main {
    /// `[server]`.
    pub server: Server,
    /// `[tls.NAME]`: certificates for the encrypted listeners.
    pub tls: Vec<TlsEntry>,
    /// `[cookies]`.
    pub cookies: Cookies,
    /// `[rate_limit]`, if there is one.
    pub rate_limit: Option<RateLimit>,
    /// `[admin]`.
    pub admin: Admin,
    /// `[tcp]`.
    pub tcp: Tcp,
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
    /// Where to answer.
    pub listen: Vec<Listener>,
    /// The folder of zone files.
    pub zones: Option<(String, Span)>,
    /// The folder of saved state.
    pub state: Option<(String, Span)>,
    /// How long to wait for verdicts before the sockets open, if it is said.
    pub startup_wait: Option<Duration>,
    /// Whether changed files are loaded as soon as they are seen.
    pub watch: bool,
    /// What serves UDP and TCP.
    pub host: Host,
    /// How UDP is served.
    pub udp: UdpMode,
    /// Octets of the receive buffer of each UDP socket, if it is said.
    pub udp_receive_buffer: Option<usize>,
    /// Octets of its send buffer, if it is said.
    pub udp_send_buffer: Option<usize>,
    /// Whether each thread for UDP stays on one CPU.
    pub pin_threads: bool,
    /// What `version.bind` in class CHAOS is answered.
    pub version: Option<String>,
    /// What `id.server` and `hostname.bind` in class CHAOS are answered (RFC 4892).
    pub identity: Option<String>,
    /// The name server identifier (RFC 5001), if it is answered.
    pub nsid: Option<Box<[u8]>>,
}

/// What serves UDP and TCP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Host {
    /// The sockets of this program.
    #[default]
    Native,
    /// hickory-server, as it also serves QUIC.
    Hickory,
}

/// One `[tls.NAME]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsEntry {
    /// Its name, which listeners refer to.
    pub name: String,
    /// The PEM file of the certificate and those that lead from it to a root.
    pub cert: (String, Span),
    /// The PEM file of its private key.
    pub key: (String, Span),
}

/// `[admin]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Admin {
    /// The Unix socket, if another than `admin.sock` in the state folder is wanted.
    pub socket: Option<(String, Span)>,
    /// Where the API is served over HTTP, to be read only.
    pub listen: Option<SocketAddr>,
}

/// How UDP is served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UdpMode {
    /// The best that the system offers.
    #[default]
    Auto,
    /// Many datagrams a system call, which Linux has.
    Batch,
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

/// The smallest buffer of a socket: 64 KiB, less than a hundred queries.
const SMALLEST_BUFFER: i64 = 1 << 16;
/// The largest: 1 GiB, beyond which the system cannot count it.
const LARGEST_BUFFER: i64 = 1 << 30;

/// Reads the main file. Reports every mistake; none only where the file cannot be read at all.
pub fn main_file(sources: &Sources, file: FileId, diagnostics: &mut Vec<Diagnostic>) -> Option<Main> {
    with_root(sources, file, diagnostics, |log, mut root| {
        refuse_reserved(log, &mut root);
        let tls = root.take("tls").map(|value| certificates(log, value)).unwrap_or_default();
        let names: Vec<&str> = tls.iter().map(|(name, _)| name.text.as_str()).collect();
        let mut used = Vec::new();
        let server = section(log, &mut root, "server", "[server]").map(|table| server(log, table, &names, &mut used));
        let server = server.unwrap_or_default();
        let admin = section(log, &mut root, "admin", "[admin]").map(|table| admin(log, table, &server.listen));
        let cookies = section(log, &mut root, "cookies", "[cookies]").map(|table| cookies(log, table));
        let rate_limit = section(log, &mut root, "rate_limit", "[rate_limit]").map(|table| rate_limit(log, table));
        let tcp = section(log, &mut root, "tcp", "[tcp]").map(|table| tcp(log, table));
        let databases = section(log, &mut root, "geo", "[geo]").map(|table| paths(log, table, "databases"));
        let shared = section(log, &mut root, "steering", "[steering]").map(|table| paths(log, table, "shared"));
        let zones = root.take("zone").map(|value| zones(log, value));
        root.close(log);
        for (name, _) in tls.iter().filter(|(name, _)| !used.contains(&name.text)) {
            let hint = "name it in a listener, such as { address = \"[::]:853\", protocol = \"tls\", tls = \"NAME\" }, or remove it";
            log.warn(name.span, format!("certificate \"{}\" is never used", name.text), hint);
        }
        Some(Main {
            server,
            tls: tls.into_iter().filter_map(|(_, entry)| entry).collect(),
            cookies: cookies.unwrap_or_default(),
            rate_limit,
            admin: admin.unwrap_or_default(),
            tcp: tcp.unwrap_or_default(),
            databases: databases.unwrap_or_default(),
            shared: shared.unwrap_or_default(),
            zones: zones.unwrap_or_default(),
        })
    })
}

impl Main {
    /// The path of the admin socket: the one named, else `admin.sock` in the state folder, if there is one.
    #[must_use]
    pub fn admin_socket(&self) -> Option<PathBuf> {
        let named = self.admin.socket.as_ref().map(|(path, _)| PathBuf::from(path));
        named.or_else(|| self.server.state.as_ref().map(|(state, _)| Path::new(state).join("admin.sock")))
    }
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: default_listen(),
            zones: None,
            state: None,
            startup_wait: None,
            watch: true,
            host: Host::Native,
            udp: UdpMode::Auto,
            udp_receive_buffer: None,
            udp_send_buffer: None,
            pin_threads: false,
            version: None,
            identity: None,
            nsid: None,
        }
    }
}

fn refuse_reserved(log: &mut Log<'_>, root: &mut Table<'_>) {
    for (key, shown) in
        [("node", "[node]"), ("fleet", "[fleet]"), ("key", "[[key]]"), ("zone_defaults", "[zone_defaults]")]
    {
        root.refuse(log, key, shown);
    }
}

fn section<'t>(log: &mut Log<'_>, root: &mut Table<'t>, key: &'static str, what: &str) -> Option<Table<'t>> {
    let Entry { span, value, .. } = root.entry(key)?;
    value.table_at(log, what, span)
}

fn server(log: &mut Log<'_>, mut table: Table<'_>, tls: &[&str], used: &mut Vec<String>) -> Server {
    let mut server = Server::default();
    if let Some(listen) = table.take("listen").and_then(|value| listen(log, value, tls, used)) {
        server.listen = listen;
    }
    server.zones = table.take("zones").and_then(|value| path(log, value));
    server.state = table.take("state").and_then(|value| path(log, value));
    server.watch = table.take("watch").and_then(|value| value.boolean(log)).unwrap_or(true);
    server.startup_wait = table.take("startup_wait").and_then(|value| value.duration(log));
    if let Some(value) = table.take("host") {
        server.host = value.one_of(log, &[("native", Host::Native), ("hickory", Host::Hickory)]).unwrap_or_default();
    }
    if let Some(value) = table.take("udp") {
        let batch = cfg!(target_os = "linux").then_some(UdpMode::Batch);
        let known = [("auto", Some(UdpMode::Auto)), ("batch", batch), ("plain", Some(UdpMode::Plain))];
        server.udp = built(log, value, &known, "on this system").unwrap_or_default();
    }
    server.udp_receive_buffer = table.take("udp_receive_buffer").and_then(|value| buffer(log, value));
    server.udp_send_buffer = table.take("udp_send_buffer").and_then(|value| buffer(log, value));
    server.pin_threads = table.take("pin_threads").is_some_and(|value| pin_threads(log, value, &server));
    server.version = table.take("version").and_then(|value| chaos_text(log, value));
    server.identity = table.take("identity").and_then(|value| chaos_text(log, value));
    server.nsid = table.take("nsid").and_then(|value| nsid(log, value));
    table.close(log);
    server
}

/// Octets of a socket's buffer.
fn buffer(log: &mut Log<'_>, value: Value<'_>) -> Option<usize> {
    usize::try_from(value.integer(log, SMALLEST_BUFFER..=LARGEST_BUFFER)?).ok()
}

/// Whether to pin the threads of a server whose host and loop are known.
fn pin_threads(log: &mut Log<'_>, value: Value<'_>, server: &Server) -> bool {
    let span = value.span;
    let pin = value.boolean(log).unwrap_or_default();
    let idle = match (server.host, server.udp) {
        _ if !cfg!(target_os = "linux") => Some("on this system"),
        (Host::Hickory, _) => Some("with host = \"hickory\""),
        (_, UdpMode::Plain) => Some("with udp = \"plain\""),
        _ => None,
    };
    if let Some(idle) = idle.filter(|_| pin) {
        log.warn(
            span,
            format!("\"pin_threads\" has no effect {idle}"),
            "remove it: only host = \"native\" with udp = \"batch\", on Linux, has threads for UDP alone",
        );
    }
    pin
}

/// `[tls.NAME]` tables by name; none where one lacks something, so that what refers to it is not blamed.
fn certificates(log: &mut Log<'_>, value: Value<'_>) -> Vec<(Text, Option<TlsEntry>)> {
    let Some(table) = value.table(log, "[tls]") else { return Vec::new() };
    let entries = table.entries().into_iter();
    entries.map(|entry| (Text { text: entry.key.to_owned(), span: entry.span }, certificate(log, entry))).collect()
}

fn certificate(log: &mut Log<'_>, entry: Entry<'_>) -> Option<TlsEntry> {
    let name = entry.key;
    let mut table = entry.value.table_at(log, format!("certificate \"{name}\""), entry.span)?;
    let cert = table.require(log, "cert", "write the path of the PEM file with the certificate and its chain");
    let cert = cert.and_then(|value| path(log, value));
    let key = table.require(log, "key", "write the path of the PEM file with its private key");
    let key = key.and_then(|value| path(log, value));
    table.close(log);
    Some(TlsEntry { name: name.to_owned(), cert: cert?, key: key? })
}

fn admin(log: &mut Log<'_>, mut table: Table<'_>, listeners: &[Listener]) -> Admin {
    let socket = table.take("socket").and_then(|value| path(log, value));
    let listen = table.take("listen").and_then(|value| admin_listen(log, value, listeners));
    table.close(log);
    Admin { socket, listen }
}

/// One of a few words, some of which (none) cannot be had here.
fn built<T: Copy>(log: &mut Log<'_>, value: Value<'_>, words: &[(&'static str, Option<T>)], here: &str) -> Option<T> {
    let built = value.one_of(log, words)?;
    if built.is_none() {
        let other = words.iter().find(|(_, built)| built.is_some()).map_or("", |(word, _)| word);
        let text = value.string(log).unwrap_or_default();
        log.error_with(value.span, format!("\"{text}\" cannot be had {here}"), format!("write \"{other}\""));
    }
    built
}

pub(super) fn path(log: &mut Log<'_>, value: Value<'_>) -> Option<(String, Span)> {
    let text = value.string_as(log, "a path, as a string")?;
    if text.is_empty() {
        log.error_with(value.span, "the path is empty", "write a path; relative ones start at the folder of this file");
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
            log.error_with(span, format!("\"{text}\" is named twice"), "remove one of the two");
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
            log.error_with(entry.span, format!("zone {} is named twice", entry.name), "remove one of the two entries");
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
            log.error_with(value.span, format!("\"{text}\" is not a domain name: {error}"), name_remedy(error));
            None
        }
    }
}
