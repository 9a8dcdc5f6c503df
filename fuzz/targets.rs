//! What is fuzzed, and what must hold: used by the targets of cargo-fuzz, and by the test that replays their corpora.
#![allow(dead_code, reason = "a fuzz target uses one of them")]

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use hickory_proto::op::Message;
use hickory_proto::serialize::binary::BinDecodable;
use windrose::answer::{Meta, Reply, Transport, Worker, respond};
use windrose::base::{Mono, Now, Sources};
use windrose::config::{SteeringBuilder, main_file, report};
use windrose::geo::Fields;
use windrose::health::{Board, TargetView};
use windrose::snapshot::{Loaded, Snapshot, Zones};
use windrose::wire::{ClientSubnet, EdnsQuery};
use windrose::zone::{self, RdataText, Zone, ZoneBuilder};

/// Takes any octets, and panics where something does not hold.
pub(crate) type Target = fn(&[u8]);

/// The targets by name, which is also that of their corpus.
pub(crate) const TARGETS: [(&str, Target); 4] =
    [("packet", packet), ("edns", edns), ("zone", zone_file), ("config", config)];

/// A zone with everything that leads elsewhere, besides the shipped one.
const ZONE: &str = "$TTL 60\n@ SOA ns hostmaster 1 7200 3600 1209600 300\n@ NS ns\n@ NS ns.c\nns A 192.0.2.1\n\
    *.w A 192.0.2.2\n*.w MX 1 a.w\nd DNAME w\n*.e CNAME x.d\nl CNAME l\nc NS ns.c\nns.c AAAA 2001:db8::1\nc DS 1 8 2 abababababababababababababababababababababababababababababababab\n\
    g DNAME g.g\na.b.*.n TXT \"x\"\ns SRV 0 0 1 a.w\nh HTTPS 1 . alpn=h2\no CNAME www.example.com.\n";

/// A query over UDP and one over TCP: never a panic, and every response is one that another implementation can read.
pub(crate) fn packet(data: &[u8]) {
    thread_local!(static ENGINE: RefCell<Engine> = RefCell::new(Engine::new()));
    ENGINE.with_borrow_mut(|engine| engine.ask(data));
}

/// The options of a query that is otherwise sound.
pub(crate) fn edns(data: &[u8]) {
    let (head, options) = data.split_at(data.len().min(6));
    let mut fixed = [0; 6];
    fixed[..head.len()].copy_from_slice(head);
    let [c0, c1, t0, t1, t2, t3] = fixed;
    let options = &options[..options.len().min(60_000)];
    if let Some(edns) = EdnsQuery::parse(u16::from_be_bytes([c0, c1]), u32::from_be_bytes([t0, t1, t2, t3]), options) {
        subnet(edns.client_subnet.and_then(Result::ok).as_ref());
    }
    let mut query = vec![7, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1];
    query.extend(b"\x03www\x07example\x03com\x00\x00\x01\x00\x01\x00\x00\x29");
    query.extend(fixed);
    query.extend((options.len() as u16).to_be_bytes()); // at most 60,000
    query.extend(options);
    packet(&query);
}

/// What was read is written as it came, with a scope.
fn subnet(subnet: Option<&ClientSubnet>) {
    let Some(subnet) = subnet else { return };
    let mut written = [0; 20];
    let len = subnet.write(0, &mut written);
    assert_eq!(ClientSubnet::parse(&written[..len]).as_ref(), Ok(subnet));
}

/// A zone file: findings that can be shown, or a zone whose records, printed, read the same.
pub(crate) fn zone_file(data: &[u8]) {
    let Some(zone) = compiled(data) else { return };
    let printed = printed(&zone);
    let again = compiled(printed.as_bytes()).unwrap_or_else(|| panic!("not read again:\n{printed}"));
    assert_eq!(self::printed(&again), printed);
}

fn compiled(text: &[u8]) -> Option<Zone> {
    let mut sources = Sources::default();
    let builder = parsed(text, &mut sources)?;
    match builder.finish() {
        Ok((zone, found)) => {
            let _ = report::render_all(&sources, &found, false);
            Some(zone)
        }
        Err(found) => {
            let _ = report::render_all(&sources, &found, true);
            None
        }
    }
}

/// None where there are errors.
fn parsed(text: &[u8], sources: &mut Sources) -> Option<ZoneBuilder> {
    let file = sources.add("a.zone", text.to_vec());
    let origin = "example.net".parse().expect("a name");
    let (builder, found) = zone::parse(sources, file, &origin, &mut |_, _, _| Err("there is none".into()));
    let _ = report::render_all(sources, &found, false);
    found.iter().all(|finding| !finding.is_error()).then_some(builder)
}

fn printed(zone: &Zone) -> String {
    use std::fmt::Write;
    let mut text = String::new();
    for node in zone.nodes() {
        for rrset in node.rrsets() {
            let (rtype, ttl) = (rrset.rtype(), rrset.ttl().secs());
            for rdata in rrset.rdatas() {
                let rdata = RdataText { rtype, rdata };
                writeln!(text, "{} {ttl} {rtype} {rdata}", node.name()).expect("a string takes all");
            }
        }
    }
    text
}

/// A main file, or a steering file of a zone: findings that can be shown.
pub(crate) fn config(data: &[u8]) {
    let Some((kind, text)) = data.split_first() else { return };
    let mut sources = Sources::default();
    let mut found = Vec::new();
    if kind % 2 == 0 {
        let file = sources.add("windrose.toml", text.to_vec());
        let _ = main_file(&sources, file, &mut found);
    } else {
        let zone = parsed(ZONE.as_bytes(), &mut sources).expect("a sound zone");
        let file = sources.add("a.toml", text.to_vec());
        let mut builder = SteeringBuilder::new();
        let mut pem = |_: &str| Ok(b"-----BEGIN CERTIFICATE-----\n".to_vec());
        builder.zone(&sources, file, &zone, &mut pem, &mut found);
        let fields = Fields { country: true, subdivision: true, subdivision_names: true, coords: true, asn: true };
        let _ = builder.finish(fields, true, &mut found);
    }
    let _ = report::render_all(&sources, &found, false);
}

struct Engine {
    snapshot: Snapshot,
    worker: Worker,
    out: Vec<u8>,
}

/// The shipped zone and one with everything that leads elsewhere.
pub(crate) fn snapshot() -> Snapshot {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = [root.join("config/windrose.toml"), root.join("../config/windrose.toml")];
    let config = config.iter().find(|path| path.exists()).expect("the shipped configuration");
    let Ok((setup, _)) = windrose::control::load(config) else { panic!("the shipped configuration has errors") };
    let shipped = Arc::into_inner(setup.loaded).expect("nobody else has it");
    let more = Arc::new(compiled(ZONE.as_bytes()).expect("a sound zone"));
    let zones = Zones::new(shipped.zones.iter().cloned().chain([more]).collect());
    let loaded = Arc::new(Loaded { zones, ..shipped });
    let board = Board { targets: loaded.steering.targets.iter().map(|_| TargetView::unprobed()).collect() };
    Snapshot::build(loaded, board, 1)
}

impl Engine {
    fn new() -> Self {
        Self { snapshot: snapshot(), worker: Worker::new(1), out: vec![0; 65_535] }
    }

    fn ask(&mut self, query: &[u8]) {
        for (transport, limit) in [(Transport::Udp, 1232), (Transport::Tcp, 65_535), (Transport::Https, 65_535)] {
            let source = "192.0.2.53:5353".parse().expect("an address");
            let meta = Meta::new(source, "127.0.0.1".parse().expect("an address"), transport, limit);
            let now = Now { wall: 1_800_000_000, mono: Mono(1_000) };
            let reply = respond(&self.snapshot, query, &meta, now, &mut self.worker, &mut self.out);
            let Reply::Send(len) = reply else { continue };
            let response = &self.out[..len];
            assert!(len <= limit && response[..2] == query[..2] && response[2] & 0x80 != 0 && query[2] & 0x80 == 0);
            if let Err(error) = Message::from_bytes(response) {
                panic!("{error}: {response:02x?} to {query:02x?}");
            }
        }
    }
}
