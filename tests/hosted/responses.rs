//! What becomes of responses on their way through hickory-server.

use std::sync::Arc;

use hickory_proto::op::{Message, ResponseCode};
use windrose::base::{FileId, Sources};
use windrose::health::Board;
use windrose::net::Transport;
use windrose::snapshot::{Loaded, Snapshot, Zones};
use windrose::wire::Rtype;
use windrose::zone;

use crate::lab::Lab;
use crate::support::{self, query};

pub(crate) fn dropped() {
    let lab = Lab::new();
    let hosted = lab.dns();
    let mut client = lab.connect_plainly(&hosted);
    assert!(client.is_ignored(&query("drop.example.com", Rtype::A, None)));
    assert_eq!(client.message("ns1.example.com", Rtype::A).answers.len(), 1);
}

pub(crate) fn panicked() {
    let lab = Lab::new();
    let hosted = lab.dns();
    let mut client = lab.connect_plainly(&hosted);
    for _ in 0..3 {
        assert!(client.is_ignored(&query("panic.example.com", Rtype::A, None)));
    }
    assert_eq!(client.message("ns1.example.com", Rtype::A).answers.len(), 1);
}

pub(crate) fn unreadable() {
    let lab = Lab::new();
    let hosted = lab.dns();
    let subnet = Some(("192.0.2.0".parse().unwrap(), 24));
    let response = lab.connect_plainly(&hosted).ask(&query("garbage.example.com", Rtype::A, subnet));
    let message = Message::from_vec(&response).unwrap();
    assert_eq!(message.response_code, ResponseCode::ServFail);
    assert_eq!(message.queries[0].name().to_string(), "garbage.example.com.");
    assert!(message.edns.is_some());
}

/// The response must be what the engine gave, but for compression.
pub(crate) fn case_and_order() {
    let lab = Lab::new();
    let hosted = lab.dns();
    let mut client = lab.connect_plainly(&hosted);
    let mut engine = support::Engine::new(support::healthy(support::shipped()), 1);
    for (name, rtype) in [
        ("wWw.ExAmPlE.cOm", Rtype::TXT),
        ("sTATIC.example.COM", Rtype::A),
        ("eXample.com", Rtype::MX),
        ("ExAmple.com", Rtype::NS),
        ("aNy.WILD.example.com", Rtype::A),
        ("Nothing.Example.com", Rtype::A),
        ("x.LAB.example.com", Rtype::A),
        ("example.ORG", Rtype::A),
    ] {
        for subnet in [None, Some(("133.11.0.0".parse().unwrap(), 24))] {
            let query = query(name, rtype, subnet);
            let found = Message::from_vec(&client.ask(&query)).unwrap();
            let direct = engine.ask(&query, Transport::Tcp).unwrap();
            let direct = Message::from_vec(direct).unwrap();
            // the text shows case, which names that are compared do not
            assert_eq!(format!("{found}"), format!("{direct}"));
            assert_eq!(found.edns, direct.edns);
        }
    }
}

/// RDATA that hickory would refuse, or write in another form, if it looked at them.
const ODD: &str = "$TTL 60\n@ SOA ns1 h 1 2 3 4 5\n@ NS ns1\nns1 A 192.0.2.1\n\
                   empty TYPE65280 \\# 0\n\
                   private TYPE65281 \\# 3 010203\n\
                   https TYPE65 \\# 15 0001 00 0004 0004 c0000201 fffe 0000\n\
                   tlsa TYPE52 \\# 4 03 ff ff 00\n\
                   naptr TYPE35 \\# 9 0001 0002 0121 00 00 00\n\
                   caa CAA 255 issue \";;=\"\n\
                   txt TXT \"\" \"\\255\"\n\
                   srv SRV 0 0 1 Srv.EXAMPLE.com.\n";

pub(crate) fn rdata() {
    let lab = Lab::with(odd());
    let hosted = lab.dns();
    let (mut client, mut engine) = (lab.connect_plainly(&hosted), support::Engine::new(odd(), 1));
    for (name, rtype) in [
        ("empty", 65280),
        ("private", 65281),
        ("https", 65),
        ("tlsa", 52),
        ("naptr", 35),
        ("caa", 257),
        ("txt", 16),
        ("srv", 33),
    ] {
        let query = query(&format!("{name}.example.com"), Rtype(rtype), None);
        let response = client.ask(&query);
        let direct = engine.ask(&query, Transport::Tcp).unwrap();
        assert_eq!(rdata_of(&response, &query), rdata_of(direct, &query), "{name}");
    }
}

/// A snapshot of the zone above.
fn odd() -> Snapshot {
    let mut sources = Sources::default();
    let file = sources.add("odd", ODD.as_bytes().to_vec());
    let mut no_includes = |_: &mut Sources, _: &str, _: FileId| Err(String::new());
    let (builder, found) = zone::parse(&mut sources, file, &"example.com".parse().unwrap(), &mut no_includes);
    assert!(found.is_empty(), "{}", sources.one_line(&found[0]));
    let (zone, _) = builder.finish().unwrap_or_else(|errors| panic!("{}", sources.one_line(&errors[0])));
    let loaded = Loaded { zones: Zones::new(vec![Arc::new(zone)]), ..Loaded::default() };
    Snapshot::build(Arc::new(loaded), Board::default(), 1)
}

/// The only answer's octets from its type on; the owner before it is a pointer, or repeats the question.
fn rdata_of<'r>(response: &'r [u8], query: &[u8]) -> &'r [u8] {
    let owner = &query[12..query.len() - 4];
    let answer = &response[query.len()..];
    answer.strip_prefix(owner).or_else(|| answer.strip_prefix(&[0xc0, 12])).expect("one answer")
}

pub(crate) fn many_at_once() {
    let lab = Lab::new();
    let hosted = lab.dns();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut client = lab.connect_plainly(&hosted);
                for _ in 0..50 {
                    assert_eq!(client.message("www.example.com", Rtype::A).answers.len(), 1);
                }
            });
        }
    });
}
