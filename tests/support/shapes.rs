//! The shapes of answers, one list for the bench, the instruction counts and the test of allocations.

use std::sync::Arc;

use hickory_proto::op::Message;
use hickory_proto::serialize::binary::BinDecodable;
use windrose::answer::Transport;
use windrose::snapshot::{Cookies, Loaded};
use windrose::wire::{Rtype, Secret, Secrets};

use super::{Engine, healthy, load, query, repository};

/// A query, and what it gets.
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    pub(crate) query: Vec<u8>,
    pub(crate) transport: Transport,
    /// Response code, the three sections' records, and TC.
    gives: &'static str,
}

/// Every shape, each checked to be what its name says.
pub(crate) fn shapes(engine: &mut Engine) -> Vec<Shape> {
    let shapes = list(engine);
    for Shape { name, query, transport, gives } in &shapes {
        let given = engine.ask(query, *transport).map_or_else(|| "nothing".into(), told);
        assert_eq!(given, *gives, "{name}");
    }
    shapes
}

/// What is loaded for them, with cookies of a known secret.
pub(crate) fn loaded() -> Arc<Loaded> {
    let loaded = load(&repository("tests/support/shapes/windrose.toml"));
    let mut loaded = Arc::into_inner(loaded).expect("nobody else has it");
    let secrets = Secrets::new(Secret::new([7; 16]), []);
    loaded.service.cookies = Some(Cookies { secrets, ephemeral: false, require: false });
    Arc::new(loaded)
}

/// An engine that answers them.
pub(crate) fn engine() -> Engine {
    Engine::new(healthy(loaded()), 1)
}

fn list(engine: &mut Engine) -> Vec<Shape> {
    let germany = Some(([53, 0, 1, 0].into(), 24));
    let www = || ask("www", Rtype::A);
    let udp = |name, query, gives| Shape { name, query, transport: Transport::Udp, gives };
    let tcp = |name, query, gives| Shape { name, query, transport: Transport::Tcp, gives };
    vec![
        udp("static", ask("ns1", Rtype::A), "NoError 1/0/0"),
        udp("static, several records", ask("several", Rtype::A), "NoError 8/0/0"),
        udp("static, additional records", query("example.org", Rtype::NS, None), "NoError 2/0/4"),
        udp("static, EDNS", edns(ask("ns1", Rtype::A), &[]), "NoError 1/0/1"),
        udp("static, EDNS options", edns(ask("ns1", Rtype::A), OPTIONS), "NoError 1/0/1"),
        tcp("static, TCP", ask("ns1", Rtype::A), "NoError 1/0/0"),
        udp("no such name", ask("nothing", Rtype::A), "NXDomain 0/1/0"),
        udp("no such type", ask("ns1", Rtype::MX), "NoError 0/1/0"),
        udp("wildcard", ask("any.wild", Rtype::A), "NoError 1/0/0"),
        udp("referral", ask("host.lab", Rtype::A), "NoError 0/1/1"),
        udp("CNAME chain", ask("one", Rtype::A), "NoError 3/0/0"),
        udp("DNAME", ask("host.old", Rtype::A), "NoError 3/0/0"),
        udp("ANY", ask("www", Rtype::ANY), "NoError 1/0/0"),
        udp("truncated", ask("large", Rtype::TXT), "NoError 0/0/0 TC"),
        tcp("large, TCP", ask("large", Rtype::TXT), "NoError 4/0/0"),
        udp("steered", www(), "NoError 1/0/0"),
        udp("steered, client subnet", query("www.example.org", Rtype::A, germany), "NoError 1/0/1"),
        tcp("steered, TCP", www(), "NoError 1/0/0"),
        udp("steered, sticky", ask("sticky", Rtype::A), "NoError 1/0/0"),
        udp("steered, CNAME", ask("cdn", Rtype::A), "NoError 1/0/0"),
        udp("steered, behind a CNAME", ask("alias", Rtype::A), "NoError 2/0/0"),
        udp("steered, hints", ask("www", Rtype::HTTPS), "NoError 1/0/0"),
        udp("cookie, new", edns(www(), &[&[0, 10, 0, 8], CLIENT_COOKIE].concat()), "NoError 1/0/1"),
        udp("cookie, valid", edns(www(), &[&[0, 10, 0, 24], &*cookie(engine)].concat()), "NoError 1/0/1"),
        udp("cookie, foreign", edns(www(), &[&[0, 10, 0, 24], &[1; 24][..]].concat()), "NoError 1/0/1"),
        udp("cookie, malformed", edns(www(), &[0, 10, 0, 1, 1]), "FormErr 0/0/1"),
        udp("CHAOS", chaos("version.bind"), "NoError 1/0/0"),
        udp("refused", query("www.example.net", Rtype::A, None), "Refused 0/0/0"),
        udp("refused, EDNS", edns(query("www.example.net", Rtype::A, None), &[]), "Refused 0/0/1"),
        udp("malformed", ask("ns1", Rtype::A)[..20].to_vec(), "FormErr 0/0/0"),
        udp("dropped", vec![0x80; 40], "nothing"),
    ]
}

/// The name server identifier, keepalive and padding.
const OPTIONS: &[u8] = &[0, 3, 0, 0, 0, 11, 0, 0, 0, 12, 0, 0];

const CLIENT_COOKIE: &[u8] = b"client!!";

/// A cookie of this engine for that client.
fn cookie(engine: &mut Engine) -> Vec<u8> {
    let query = edns(ask("ns1", Rtype::A), &[&[0, 10, 0, 8], CLIENT_COOKIE].concat());
    let response = engine.ask(&query, Transport::Udp).expect("a response");
    response.last_chunk::<24>().expect("a cookie at the end").to_vec()
}

fn ask(name: &str, rtype: Rtype) -> Vec<u8> {
    query(&format!("{name}.example.org"), rtype, None)
}

/// The same with EDNS and its options.
fn edns(mut query: Vec<u8>, options: &[u8]) -> Vec<u8> {
    query[11] = 1;
    query.extend([0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, options.len() as u8]);
    query.extend(options);
    query
}

fn chaos(name: &str) -> Vec<u8> {
    let mut query = query(name, Rtype::TXT, None);
    *query.last_mut().expect("the class") = 3;
    query
}

fn told(response: &[u8]) -> String {
    let message = Message::from_bytes(response).expect("a response that another implementation can read");
    let [answer, authority, additional] = [6, 8, 10].map(|at| u16::from_be_bytes([response[at], response[at + 1]]));
    let cut = if message.truncation { " TC" } else { "" };
    format!("{:?} {answer}/{authority}/{additional}{cut}", message.response_code)
}
