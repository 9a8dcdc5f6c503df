//! What was made ready at load is what the composer would write now: the same queries to a snapshot with ready answers
//! and to one without, octet by octet.

use std::sync::Arc;

use libtest_mimic::Failed;
use windrose::answer::{Meta, Reply, Transport, Worker, prepare, respond};
use windrose::base::{Now, Sources};
use windrose::snapshot::{Answers, Loaded, Snapshot, Zones};
use windrose::wire::{NameRef, Rtype, UDP_PAYLOAD, hash_name};
use windrose::zone;

use crate::generate::Universe;
use crate::queries::Query;

/// Asks both snapshots everything. Returns how many answers were ready.
pub(crate) fn ready_is_composed(universe: &Universe, asked: &[Query]) -> Result<usize, Failed> {
    let (ready, composed) = (snapshot(universe, true), snapshot(universe, false));
    assert!(!ready.loaded.answers.is_empty() && composed.loaded.answers.is_empty());
    let (mut first, mut second) = (vec![0; 65_535], vec![0; 65_535]);
    let mut count = 0;
    for query in asked {
        let octets = query.octets(0x1234);
        let transport = if query.tcp { Transport::Tcp } else { Transport::Udp };
        let limit = if query.tcp { 65_535 } else { UDP_PAYLOAD.into() };
        let meta = Meta::new("192.0.2.1:5353".parse().unwrap(), "192.0.2.53".parse().unwrap(), transport, limit);
        let was = answer(&ready, &octets, &meta, &mut first);
        let is = answer(&composed, &octets, &meta, &mut second);
        if was != is {
            return Err(format!("{octets:02x?}\nready:    {was:02x?}\ncomposed: {is:02x?}").into());
        }
        let lowercased = octets.get(12..).unwrap_or_default().to_ascii_lowercase();
        let place = NameRef::from_wire(&lowercased)
            .and_then(|name| ready.loaded.answers.place(name, hash_name(name.as_wire())));
        count += usize::from(place.is_some_and(|place| place.ready(Rtype(query.rtype), false).is_some()));
    }
    Ok(count)
}

fn answer<'o>(snapshot: &Snapshot, query: &[u8], meta: &Meta, out: &'o mut [u8]) -> &'o [u8] {
    match respond(snapshot, query, meta, Now::default(), &mut Worker::new(1), out) {
        Reply::Send(len) => &out[..len],
        Reply::Drop => &[],
    }
}

fn snapshot(universe: &Universe, ready: bool) -> Snapshot {
    let zones = universe.zones.iter().map(|zone| {
        let mut sources = Sources::default();
        let file = sources.add("zone", zone.text().into_bytes());
        let origin = zone.origin.to_string().parse().unwrap();
        let (builder, _) = zone::parse(&mut sources, file, &origin, &mut |_, _, _| Err("no files".into()));
        Arc::new(builder.finish().expect("a sound zone").0)
    });
    let mut loaded = Loaded { zones: Zones::new(zones.collect()), ..Loaded::default() };
    loaded.answers = if ready { prepare(&loaded, drop) } else { Answers::default() };
    Snapshot { loaded: Arc::new(loaded), ..Snapshot::default() }
}
