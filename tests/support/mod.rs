//! What several test binaries need: the shipped configuration as a snapshot, queries as bytes, responses decoded by
//! hickory-proto.
#![allow(dead_code, reason = "each test binary uses its own part")]

pub(crate) mod shapes;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use hickory_proto::op::Message;
use hickory_proto::serialize::binary::BinDecodable;
use windrose::answer::{Meta, RateTable, Reply, Transport, Worker, read_ahead, respond, respond_ahead};
use windrose::base::Now;
use windrose::config;
use windrose::health::{Board, TargetView};
use windrose::snapshot::{Answers, Loaded, RateLimit, Snapshot};
use windrose::wire::{Name, Rtype};

/// A file of the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// What the shipped configuration loads; loaded once.
pub(crate) fn shipped() -> Arc<Loaded> {
    static SHIPPED: LazyLock<Arc<Loaded>> = LazyLock::new(|| load(&repository("config/windrose.toml")));
    Arc::clone(&SHIPPED)
}

/// What a configuration loads; panics with the report where it has errors.
pub(crate) fn load(config: &Path) -> Arc<Loaded> {
    match windrose::control::load(config) {
        Ok((setup, _)) => setup.loaded,
        Err(report) => {
            let lines: Vec<String> = report.diagnostics.iter().map(|found| report.sources.one_line(found)).collect();
            panic!("{}", lines.join("\n"));
        }
    }
}

/// The same with one response a second to a network for each kind of answer.
pub(crate) fn limited(loaded: Arc<Loaded>) -> Arc<Loaded> {
    let mut loaded = Arc::into_inner(loaded).expect("nobody else has it");
    loaded.rate_limit = Some(RateLimit::new(config::RateLimit {
        per_second: NonZeroU32::MIN,
        slip: 2,
        ipv4_prefix: 24,
        ipv6_prefix: 56,
        allow: Vec::new(),
        dry_run: false,
        table_size: 1000,
    }));
    Arc::new(loaded)
}

/// The same without answers made ready: all are composed.
pub(crate) fn composing(loaded: Arc<Loaded>) -> Arc<Loaded> {
    let mut loaded = Arc::into_inner(loaded).expect("nobody else has it");
    loaded.answers = Answers::default();
    Arc::new(loaded)
}

/// A board on which everything is up.
pub(crate) fn all_up(loaded: &Loaded) -> Board {
    Board { targets: loaded.steering.targets.iter().map(|_| TargetView::unprobed()).collect() }
}

/// A snapshot in which everything is up.
pub(crate) fn healthy(loaded: Arc<Loaded>) -> Snapshot {
    let board = all_up(&loaded);
    Snapshot::build(loaded, board, 1)
}

/// A query, with Client Subnet if one is given.
pub(crate) fn query(name: &str, rtype: Rtype, subnet: Option<(IpAddr, u8)>) -> Vec<u8> {
    let name: Name = name.parse().expect("a name");
    let mut query = vec![0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, u8::from(subnet.is_some())];
    query.extend(name.as_ref().as_wire());
    query.extend(rtype.0.to_be_bytes());
    query.extend([0, 1]);
    if let Some((addr, source)) = subnet {
        let octets = match addr {
            IpAddr::V4(v4) => v4.octets().to_vec(),
            IpAddr::V6(v6) => v6.octets().to_vec(),
        };
        let octets = &octets[..usize::from(source).div_ceil(8)];
        let len = octets.len() as u8 + 4;
        query.extend([0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, len + 4, 0, 8, 0, len]);
        query.extend([0, if addr.is_ipv4() { 1 } else { 2 }, source, 0]);
        query.extend(octets);
    }
    query
}

/// A query's way through the engine, without sockets.
pub(crate) struct Engine {
    pub(crate) snapshot: Snapshot,
    pub(crate) worker: Worker,
    pub(crate) source: SocketAddr,
    pub(crate) now: Now,
    out: Vec<u8>,
}

impl Engine {
    /// An engine whose draws follow from a seed, asked by a resolver that no database can place.
    pub(crate) fn new(snapshot: Snapshot, seed: u64) -> Self {
        let source = "127.0.0.1:5353".parse().expect("an address");
        let mut worker = Worker::new(seed);
        worker.follow(&snapshot.loaded);
        Self { snapshot, worker, source, now: Now::default(), out: vec![0; 65_535] }
    }

    /// The same with a table of rates.
    pub(crate) fn limited(mut self) -> Self {
        self.worker = self.worker.with_rates(Arc::new(RateTable::new(1000, [1; 16])));
        self
    }

    /// The response's bytes; none if there is none.
    pub(crate) fn ask(&mut self, query: &[u8], transport: Transport) -> Option<&[u8]> {
        self.ask_by(query, &self.meta(transport))
    }

    /// The same to a client of its own.
    pub(crate) fn ask_by(&mut self, query: &[u8], meta: &Meta) -> Option<&[u8]> {
        let len = self.respond(query, meta).sent()?;
        Some(&self.out[..len])
    }

    /// What a transport would know.
    pub(crate) fn meta(&self, transport: Transport) -> Meta {
        let local = Ipv4Addr::new(127, 0, 0, 53).into();
        let limit = if transport == Transport::Udp { 1232 } else { 65_535 };
        Meta::new(self.source, local, transport, limit)
    }

    /// `respond` alone, to be measured.
    #[inline]
    pub(crate) fn respond(&mut self, query: &[u8], meta: &Meta) -> Reply {
        respond(&self.snapshot, query, meta, self.now, &mut self.worker, &mut self.out)
    }

    /// Reads queries ahead.
    pub(crate) fn read_ahead(&mut self, queries: &[(Vec<u8>, Meta)]) {
        let queries = queries.iter().map(|(query, meta)| (&query[..], meta));
        read_ahead(&self.snapshot, queries, &mut self.worker, &());
    }

    /// The response to the `at`th of them; none if there is none.
    pub(crate) fn ask_ahead(&mut self, at: usize, query: &[u8], meta: &Meta) -> Option<&[u8]> {
        let Self { snapshot, worker, now, out, .. } = self;
        let len = respond_ahead(snapshot, at, query, meta, *now, worker, out).sent()?;
        Some(&out[..len])
    }

    /// The response over UDP, decoded.
    pub(crate) fn message(&mut self, query: &[u8]) -> Message {
        let response = self.ask(query, Transport::Udp).expect("a response");
        Message::from_bytes(response).expect("a response that another implementation can read")
    }
}
