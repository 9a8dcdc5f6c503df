//! Messages that are no ordinary queries: other opcodes, counts that are wrong, octets too many or too few.

use fastrand::Rng;

use crate::queries::{Query, thorough};
use crate::zone::Zone;

/// How a query is spoilt.
type Spoil = fn(&mut Vec<u8>, &mut Rng);

/// The ways, each with a name that excuses go by.
const WAYS: [(&str, Spoil); 17] = [
    ("opcode", |message, rng| message[2] |= [1, 2, 3, 6, 15][rng.usize(..5)] << 3),
    ("response", |message, _| message[2] |= 0x80),
    ("aa-and-tc", |message, _| message[2] |= 0x06),
    ("rcode", |message, rng| message[3] |= rng.u8(1..16)),
    ("no-question", |message, _| {
        message.truncate(12);
        message[4..12].copy_from_slice(&[0; 8]);
    }),
    ("two-questions", |message, _| {
        let question = message[12..].to_vec();
        message.extend(question);
        message[5] = 2;
    }),
    ("question-missing", |message, _| message.truncate(12)),
    ("header-cut", |message, rng| message.truncate(rng.usize(2..12))),
    ("question-cut", |message, rng| message.truncate(rng.usize(13..message.len()))),
    ("trailing-octets", |message, _| message.extend([0, 1, 2])),
    ("answer-announced", |message, _| message[7] = 1),
    ("authority-announced", |message, _| message[9] = 1),
    ("additional-announced", |message, _| message[11] = 1),
    ("label-of-64", |message, _| message[12] = 0x40),
    ("pointer", |message, _| message.splice(12.., [0xc0, 12, 0, 1, 0, 1]).for_each(drop)),
    ("two-opts", |message, _| {
        message[11] = 2;
        message.extend([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
        message.extend([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
    }),
    ("opt-cut", |message, _| {
        message[11] = 1;
        message.extend([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 9, 0, 3, 0, 0]);
    }),
];

/// A few messages of each kind.
pub(crate) fn mangled(zones: &[Zone], rng: &mut Rng, each: usize) -> Vec<Query> {
    // servers agree about these, so that what differs comes from the spoiling
    let hosts: Vec<Query> = thorough(zones, rng).filter(|query| query.subject == "hosts").collect();
    let mut messages = Vec::new();
    for (way, spoil) in WAYS {
        for _ in 0..each {
            let mut query = hosts[rng.usize(..hosts.len())].clone();
            (query.edns, query.tcp, query.subject) = (None, false, way);
            let mut octets = query.octets(0);
            spoil(&mut octets, rng);
            query.raw = Some(octets);
            messages.push(query);
        }
    }
    messages
}
