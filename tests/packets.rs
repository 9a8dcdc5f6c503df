//! Any octets may arrive: a million packets, half of them mutations of valid queries, never panic, and every response
//! is one that hickory-proto can read.

mod support;

use std::sync::Arc;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::serialize::binary::BinDecodable;
use support::shapes::{self, Shape};
use support::{Engine, composing, healthy, load, query, repository, shipped};
use windrose::answer::{AHEAD, Meta, Transport};
use windrose::snapshot::Loaded;
use windrose::wire::Rtype;

/// Ten times as many with `WINDROSE_LONG` set.
const PACKETS: usize = 1_000_000;

fn valid(random: &mut fastrand::Rng) -> Vec<u8> {
    const NAMES: [&str; 9] = [
        "www.example.com",
        "example.com",
        "eu.www.example.com",
        "nothing.example.com",
        "ns1.example.com",
        "static.example.com",
        "a.b.c.example.com",
        "example.net",
        "WwW.eXample.CoM",
    ];
    let name = NAMES[random.usize(..NAMES.len())];
    let rtype = [1, 28, 2, 5, 6, 15, 16, 33, 255, 65, 43, 257, 252][random.usize(..13)];
    let subnet = match random.u8(..4) {
        0 => None,
        1 => Some(([0x2a, 0, random.u8(..), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0].into(), 24)),
        _ => Some(([random.u8(..), random.u8(..), random.u8(..), 0].into(), 24)),
    };
    query(name, Rtype(rtype), subnet)
}

/// Changes anything anywhere, or what a query may well differ in: its first label, its type, its last octets.
fn mutate(random: &mut fastrand::Rng, packet: &mut Vec<u8>) {
    loop {
        let len = packet.len().max(1);
        let at = random.usize(..len);
        match random.u8(..12) {
            0 => packet.truncate(at),
            1 => packet.insert(at.min(packet.len()), random.u8(..)),
            2 => packet.extend_from_within(at.min(packet.len())..),
            3 => set(packet, at, random.u8(..)),
            4..=5 => {
                let flipped = packet.get(at).copied().unwrap_or(0) ^ 1 << random.u8(..8);
                set(packet, at, flipped);
            }
            6..=7 => set(packet, 13 + at % 3, random.u8(..)),
            8..=9 => {
                let name = packet.iter().skip(12).position(|&octet| octet == 0).unwrap_or(0);
                set(packet, 12 + name + 2, random.u8(..));
            }
            _ => set(packet, len - 1 - at % 3, random.u8(..)),
        }
        if random.bool() {
            return; // one change mostly, so that many packets get past the first check
        }
    }
}

fn set(packet: &mut [u8], at: usize, octet: u8) {
    if let Some(place) = packet.get_mut(at) {
        *place = octet;
    }
}

/// Whether a response came from the zones and not from a check before them.
fn is_answer(message: &Message) -> bool {
    matches!(message.metadata.response_code, ResponseCode::NoError | ResponseCode::NXDomain)
}

type Asked = (Vec<u8>, Meta);

/// Queries of clients everywhere, valid ones mostly.
fn batch(random: &mut fastrand::Rng, shapes: &[Shape], engine: &mut Engine) -> Vec<Asked> {
    let len = random.usize(1..=AHEAD);
    let query = |_| {
        let shape = &shapes[random.usize(..shapes.len())];
        let mut query = if random.bool() { valid(random) } else { shape.query.clone() };
        if random.u8(..4) == 0 {
            mutate(random, &mut query);
        }
        engine.source.set_ip([random.u8(1..224), random.u8(..), random.u8(..), 1].into());
        (query, engine.meta(if random.u8(..8) > 0 { Transport::Udp } else { Transport::Tcp }))
    };
    (0..len).map(query).collect()
}

/// Asks the same of three engines with the same draws; returns how many responses there were, and how many by client.
fn compare(engines: [Engine; 3], shapes: &[Shape], random: &mut fastrand::Rng) -> (u32, u32) {
    let [mut ready, mut ahead, mut composing] = engines;
    let (mut sent, mut personal) = (0, 0);
    for _ in 0..10_000 {
        let queries = batch(random, shapes, &mut ready);
        ahead.read_ahead(&queries);
        for (at, (query, meta)) in queries.iter().enumerate() {
            let expected = composing.ask_by(query, meta);
            assert_eq!(ready.ask_by(query, meta), expected, "made ready: {query:02x?} {meta:?}");
            assert_eq!(ahead.ask_ahead(at, query, meta), expected, "read ahead: {query:02x?} {meta:?}");
            let scoped = |response: &[u8]| response.windows(3).any(|option| option == [0, 8, 0]);
            (sent, personal) =
                (sent + u32::from(expected.is_some()), personal + u32::from(expected.is_some_and(scoped)));
        }
    }
    (sent, personal)
}

#[test]
fn however_a_query_is_answered_the_response_is_the_same() {
    let mut random = fastrand::Rng::with_seed(5);
    let shapes = shapes::shapes(&mut shapes::engine());
    let shipped = || load(&repository("config/windrose.toml"));
    let engines = |load: &dyn Fn() -> Arc<Loaded>| {
        let mut without = load();
        let ready = load();
        Arc::get_mut(&mut without).expect("nobody else has it").service = ready.service.clone(); // secrets of cookies
        [Arc::clone(&ready), ready, composing(without)].map(|loaded| Engine::new(healthy(loaded), 6))
    };
    for engines in [engines(&shipped), engines(&shapes::loaded)] {
        let (sent, personal) = compare(engines, &shapes, &mut random);
        println!("{sent} responses, {personal} of them with Client Subnet");
        assert!(sent > 50_000 && personal > 10_000, "most queries are answered, and many by client");
    }
}

#[test]
fn no_packet_panics_and_every_response_can_be_read() {
    let mut engine = Engine::new(healthy(shipped()), 3);
    let mut random = fastrand::Rng::with_seed(4);
    let (mut answered, mut responses) = (0u32, 0u32);
    let packets = if std::env::var_os("WINDROSE_LONG").is_some() { 10 * PACKETS } else { PACKETS };
    for round in 0..packets {
        let packet = if round % 2 == 0 {
            let mut packet = valid(&mut random);
            mutate(&mut random, &mut packet);
            packet
        } else {
            let mut packet: Vec<u8> = (0..random.usize(..80)).map(|_| random.u8(..)).collect();
            if let Some(flags) = packet.get_mut(2).filter(|_| random.bool()) {
                *flags &= 0x07; // let half of them pass as queries
            }
            packet
        };
        let transport = if random.bool() { Transport::Udp } else { Transport::Tcp };
        let Some(response) = engine.ask(&packet, transport) else { continue };
        if let Ok(message) = Message::from_bytes(response) {
            answered += u32::from(is_answer(&message));
        } else {
            panic!("hickory-proto cannot read the response {response:02x?} to {packet:02x?}");
        }
        assert!(transport == Transport::Tcp || response.len() <= 1232);
        responses += 1;
    }
    println!("{packets} packets: {responses} responses, {answered} from the answer stage");
    assert!(answered > 100_000, "only {answered} packets reached the answer stage");
}
