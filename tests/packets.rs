//! Any octets may arrive: a million packets, half of them mutations of valid queries, never panic, and every response
//! is one that hickory-proto can read.

mod support;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::serialize::binary::BinDecodable;
use support::{Engine, healthy, query, shipped};
use windrose::answer::Transport;
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
