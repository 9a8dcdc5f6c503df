//! How much larger a response over UDP is than its query: for every zone that the behaviour tests serve, every name and
//! type there is, without EDNS and with it. The worst is what a forged source could make of this server; then what
//! `[rate_limit]` leaves of it.
//!
//! `cargo test --test amplification -- --nocapture` prints the figures.

#[path = "../behaviour/adapter.rs"]
#[allow(dead_code, reason = "the reader of the data files refers to it")]
mod adapter;
#[path = "../behaviour/format.rs"]
#[allow(dead_code, reason = "only zones are read")]
mod format;
#[path = "../behaviour/query.rs"]
#[allow(dead_code, reason = "the reader of the data files refers to it")]
mod query;
#[path = "../behaviour/text.rs"]
#[allow(dead_code, reason = "the reader of the data files refers to it")]
mod text;

use std::fmt;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use windrose::answer::{Meta, RateTable, Reply, Transport, Worker, respond};
use windrose::base::{FileId, Mono, Now, Sources};
use windrose::config;
use windrose::health::Board;
use windrose::snapshot::{Loaded, RateLimit, Snapshot, Zones};
use windrose::wire::{NameRef, Rtype};
use windrose::zone::{self, RrSet, Zone};

/// Octets of the headers of IPv4 and UDP, which query and response both have.
const HEADERS: usize = 28;
/// What any server may make of the shortest query for a name with EDNS that allows 1232 octets: header, root, type and
/// class, OPT.
const BOUND: f64 = 1232.0 / (12.0 + 1.0 + 4.0 + 11.0);
/// The same for a client without EDNS, which gets 512 octets.
const PLAIN_BOUND: f64 = 512.0 / (12.0 + 1.0 + 4.0);

/// A query and the length of its response.
#[derive(Clone, Default)]
struct Ratio {
    query: Vec<u8>,
    response: usize,
    what: String,
}

impl Ratio {
    /// Octets of DNS out for one in.
    fn payload(&self) -> f64 {
        self.response as f64 / self.query.len().max(1) as f64
    }

    /// Octets of IPv4 out for one in.
    fn packets(&self) -> f64 {
        (self.response + HEADERS) as f64 / (self.query.len() + HEADERS) as f64
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { query, response, what } = self;
        let (payload, packets) = (self.payload(), self.packets());
        write!(f, "{payload:.1} ({packets:.1} as IPv4): {} -> {response} octets, {what}", query.len())
    }
}

/// The zones of every data file, by the file's name.
fn subjects() -> Vec<(String, Vec<Arc<Zone>>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/behaviour");
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).expect("the data").map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    paths.sort();
    let subject = |path: &std::path::PathBuf| {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(path).expect("text");
        let subject = format::parse(&name, &text).unwrap_or_else(|problems| panic!("{name}: {problems:?}"));
        (name, subject.zones.iter().map(|(origin, text)| Arc::new(compile(origin, text))).collect())
    };
    paths.iter().map(subject).collect()
}

fn compile(origin: &str, text: &str) -> Zone {
    let mut sources = Sources::default();
    let file = sources.add(origin, text.as_bytes().to_vec());
    let mut none = |_: &mut Sources, _: &str, _: FileId| Err(String::from("no includes here"));
    let (builder, _) = zone::parse(&mut sources, file, &origin.parse().expect("a name"), &mut none);
    builder.finish().unwrap_or_else(|_| panic!("{origin} does not compile")).0
}

fn snapshot(zones: Vec<Arc<Zone>>, rate_limit: Option<RateLimit>) -> Snapshot {
    let loaded = Loaded { zones: Zones::new(zones), rate_limit, ..Loaded::default() };
    Snapshot::build(Arc::new(loaded), Board::default(), 1)
}

fn packet(name: NameRef<'_>, rtype: Rtype, edns: bool) -> Vec<u8> {
    let mut packet = vec![0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, u8::from(edns)];
    packet.extend(name.as_wire());
    packet.extend(rtype.0.to_be_bytes());
    packet.extend([0, 1]);
    if edns {
        packet.extend([0, 0, 41, 0xff, 0xff, 0, 0, 0, 0, 0, 0]);
    }
    packet
}

/// The length of the response over UDP; none if there is none.
fn ask(snapshot: &Snapshot, worker: &mut Worker, packet: &[u8], mono: u64) -> Option<usize> {
    let meta = Meta::new("192.0.2.53:5353".parse().expect("an address"), [127, 0, 0, 1].into(), Transport::Udp, 1232);
    let now = Now { wall: 0, mono: Mono(mono) };
    match respond(snapshot, packet, &meta, now, worker, &mut [0; 1232]) {
        Reply::Send(len) => Some(len),
        Reply::Drop => None,
    }
}

/// Everything that there is in the zones, and what is in none of them: name, type.
fn questions(zones: &[Arc<Zone>]) -> Vec<(Vec<u8>, Rtype)> {
    let mut questions = Vec::new();
    for node in zones.iter().flat_map(|zone| zone.nodes().collect::<Vec<_>>()) {
        let name = node.name().as_wire().to_vec();
        let below = [b"\x01x", name.as_slice()].concat();
        let types = node.rrsets().map(RrSet::rtype).chain([Rtype::ANY, Rtype::A, Rtype::DS]);
        for rtype in types.collect::<Vec<_>>() {
            questions.push((name.clone(), rtype));
            questions.push((below.clone(), rtype));
        }
    }
    questions.retain(|(name, _)| name.len() <= 255);
    questions
}

/// The worst of all data files.
fn worst(edns: bool, by: fn(&Ratio) -> f64) -> (Ratio, Vec<Arc<Zone>>) {
    let (mut worst, mut of) = (Ratio::default(), Vec::new());
    for (file, zones) in subjects() {
        let (snapshot, mut worker) = (snapshot(zones.clone(), None), Worker::new(1));
        for (name, rtype) in questions(&zones) {
            let name = NameRef::from_wire(&name).expect("a name");
            let query = packet(name, rtype, edns);
            let response = ask(&snapshot, &mut worker, &query, 0).expect("a response");
            let ratio = Ratio { query, response, what: format!("{name} {rtype} of {file}.txt") };
            assert!(ratio.payload() <= if edns { BOUND } else { PLAIN_BOUND }, "{ratio}");
            if by(&ratio) > by(&worst) {
                (worst, of) = (ratio, zones.clone());
            }
        }
    }
    (worst, of)
}

#[test]
fn no_response_is_larger_than_the_transport_allows() {
    let (plain, _) = worst(false, Ratio::payload);
    let (edns, _) = worst(true, Ratio::payload);
    println!(
        "worst ratio without EDNS: {plain}\nworst ratio with EDNS:    {edns}\nbounds: {PLAIN_BOUND:.1}, {BOUND:.1}"
    );
    assert!(plain.response <= 512 && edns.response <= 1232);
    assert!(plain.payload() > 1.0 && edns.payload() > plain.payload(), "the zones have large answers");
}

/// A hundred thousand forged queries within ten seconds, each the worst there is.
#[test]
fn what_rate_limiting_leaves_of_the_worst() {
    const SECONDS: u64 = 10;
    const EACH: u64 = 10_000;
    let (worst, zones) = worst(true, Ratio::payload);
    for (slip, at_most) in [(0, 1.0), (1, 2.0), (2, 1.5)] {
        let limit = RateLimit::new(config::RateLimit {
            per_second: NonZeroU32::new(200).expect("not zero"),
            slip,
            ipv4_prefix: 24,
            ipv6_prefix: 56,
            allow: Vec::new(),
            dry_run: false,
            table_size: 1024,
        });
        let snapshot = snapshot(zones.clone(), Some(limit));
        let mut worker = Worker::new(1).with_rates(Arc::new(RateTable::new(1024, [1; 16])));
        let sent: usize =
            (0..SECONDS * EACH).filter_map(|n| ask(&snapshot, &mut worker, &worst.query, n * 1000 / EACH)).sum();
        let ratio = sent as f64 / (worst.query.len() as u64 * SECONDS * EACH) as f64;
        println!(
            "with [rate_limit], slip = {slip}, at {EACH} forged queries a second: {ratio:.2} instead of {:.1}",
            worst.payload()
        );
        assert!(ratio <= at_most, "slip = {slip}: {ratio:.2}");
    }
}
