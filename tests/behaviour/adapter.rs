//! The one place that knows the server.

use std::sync::Arc;

use windrose::answer::{Meta, Reply, Transport, Worker, respond};
use windrose::base::{FileId, Now, Sources};
use windrose::health::Board;
use windrose::snapshot::{Loaded, Snapshot, Zones};
use windrose::zone::{self, Zone};

/// Answers a query from static zones (origin and master file each), in process; none if the query gets no response.
/// Called from several threads at once, and once or twice for each case of a file with the same zones.
pub(crate) fn ask(zones: &[(String, String)], query: &[u8], tcp: bool) -> Option<Vec<u8>> {
    let zones = zones.iter().map(|(origin, text)| Arc::new(compile(origin, text))).collect();
    let loaded = Loaded { zones: Zones::new(zones), ..Loaded::default() };
    let snapshot = Snapshot::build(Arc::new(loaded), Board::default(), 1);
    let (transport, limit) = if tcp { (Transport::Tcp, 65_535) } else { (Transport::Udp, 1232) };
    let source = "192.0.2.53:5353".parse().expect("an address");
    let local = "127.0.0.1".parse().expect("an address");
    let mut out = vec![0; 65_535];
    let meta = Meta::new(source, local, transport, limit);
    match respond(&snapshot, query, &meta, Now::default(), &mut Worker::new(0), &mut out) {
        Reply::Send(len) => {
            out.truncate(len);
            Some(out)
        }
        Reply::Drop => None,
    }
}

fn compile(origin: &str, text: &str) -> Zone {
    let mut sources = Sources::default();
    let file = sources.add(origin, text.as_bytes().to_vec());
    let origin = origin.parse().expect("a zone's name");
    let mut no_includes = |_: &mut Sources, _: &str, _: FileId| Err(String::from("no includes here"));
    let (builder, found) = zone::parse(&mut sources, file, &origin, &mut no_includes);
    assert!(found.is_empty(), "{}", sources.one_line(&found[0]));
    builder.finish().unwrap_or_else(|errors| panic!("{}", sources.one_line(&errors[0]))).0
}
