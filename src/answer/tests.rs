//! Sections do not depend on the question in front of them: what was composed for one name answers every other name
//! that gets the same answer. (Where a chain may lead back to the question, as from a wildcard to itself, names that a
//! wildcard covers do not get the same answer.)

use std::sync::Arc;

use proptest::prelude::*;

use super::compose::Composer;
use super::resolve::{Asker, Resolver};
use super::{Meta, Reply, Transport, Worker, respond};
use crate::base::{Now, Sources};
use crate::snapshot::{Loaded, Snapshot, Zones};
use crate::wire::{Body, Header, Message, Name, Query, QueryBuf};
use crate::zone;

const ZONE: &str = "$TTL 60\n@ SOA ns1 hostmaster 1 7200 3600 1209600 300\n@ NS ns1\n@ NS ns.sub\nns1 A 192.0.2.53\n\
    *.wild MX 10 mail.wild\n*.wild MX 20 a.b.wild\n*.cname CNAME x.y.host.cname\nhost.cname TXT a\n*.alias CNAME ns1\nd DNAME wild\n\
    sub NS ns.sub\nsub NS ns1\nns.sub A 192.0.2.54\nsub DS 1 8 2 abababababababababababababababababababababababababababababababab\n*.far CNAME far.far.example.net.\n";

fn snapshot() -> Snapshot {
    let mut sources = Sources::default();
    let file = sources.add("example.zone", ZONE.into());
    let origin = "example".parse().expect("a name");
    let (builder, found) = zone::parse(&mut sources, file, &origin, &mut |_, _, _| Err("none".into()));
    assert!(found.iter().all(|finding| !finding.is_error()), "{found:?}");
    let (zone, _) = builder.finish().expect("a sound zone");
    Snapshot {
        loaded: Arc::new(Loaded { zones: Zones::new(vec![Arc::new(zone)]), ..Loaded::default() }),
        ..Snapshot::default()
    }
}

fn packet(name: &Name, rtype: u16) -> Vec<u8> {
    let mut packet = vec![1, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    packet.extend(name.as_ref().as_wire());
    packet.extend(rtype.to_be_bytes());
    packet.extend([0, 1]);
    packet
}

fn meta() -> Meta {
    Meta::new("192.0.2.1:4242".parse().expect("an address"), [127, 0, 0, 1].into(), Transport::Tcp, 65535)
}

/// The sections that answer a query: octets, patches, counts.
fn composed(snap: &Snapshot, query: &Query<'_>) -> Box<Body> {
    let mut composer = Composer::new(Box::default(), &query.question, None, &meta(), 65535);
    let asker = Asker { snap, edns: None, located: None, meta: &meta(), now: Now::default() };
    let resolver = Resolver { loaded: &snap.loaded, question: &query.question, known: None, asker: Some(asker) };
    assert!(resolver.resolve(&mut composer, &mut Worker::new(1)).is_ok());
    composer.body
}

fn answered(snap: &Snapshot, packet: &[u8]) -> Vec<u8> {
    let mut out = vec![0; 65535];
    match respond(snap, packet, &meta(), Now::default(), &mut Worker::new(1), &mut out) {
        Reply::Send(len) => out[..len].to_vec(),
        Reply::Drop => Vec::new(),
    }
}

/// What `first` is answered with, put behind the question of `second`, must be what `second` is answered with.
fn must_fit(first: &str, second: &str, rtype: u16) {
    let snap = snapshot();
    let [first, second] = [first, second].map(|name| packet(&name.parse().expect("a name"), rtype));
    let header = Header::parse(&second).expect("a header");
    let mut buffer = QueryBuf::default();
    buffer.read(&first, &Header::parse(&first).expect("a header"));
    let query = buffer.query(&first).expect("a query");
    let kept = composed(&snap, &query);
    let expected = answered(&snap, &second);
    let mut out = vec![0; 65535];
    let mut message = Message::new(&mut out, Some(&second[12..])).expect("room");
    message.put_sections(&kept.sections()).expect("room");
    let rcode = crate::wire::Rcode(u16::from(expected[3] & 15));
    let len = message.finish(&header, rcode, expected[2] & 4 != 0, false);
    assert_eq!(out[..len], expected, "{first:?} {second:?}");
}

#[test]
fn answers_fit_the_names_that_share_them() {
    for rtype in [1, 2, 5, 15, 39] {
        must_fit("q.wild.example", "a.longer.name.WILD.example", rtype);
        must_fit("y.cname.example", "x.y.cname.example", rtype);
        must_fit("x.alias.example", "ns1.alias.EXAMPLE", rtype);
        must_fit("far.far.example", "b.far.example", rtype);
        must_fit("absent.example", "also.absent.example", rtype);
        must_fit("sub.example", "ns.Sub.example", rtype);
        must_fit("ns1.example", "NS1.example", rtype);
    }
}

proptest! {
    #[test]
    fn a_wildcards_answer_fits_every_name(first in "[a-c](\\.[a-z]{1,3}){0,3}", second in "[a-c](\\.[a-z]{1,9}){0,9}", rtype in 1..65_u16) {
        for below in ["wild", "cname", "alias", "far", "none"] {
            let [first, second] = [&first, &second].map(|front| format!("{front}.{below}.example"));
            must_fit(&first, &second, rtype);
        }
    }
}
