//! Writes the response that a case expects, to see that the check accepts it, and nothing else.

use std::collections::HashMap;

use super::check::check;
use super::format::{Case, Opt, Record, Response};

/// Sees that the expected response passes the check and that every response changed in one place fails it.
pub(crate) fn prove(case: &Case) -> Result<(), String> {
    let tcp = case.ask.transport == super::query::Transport::Tcp;
    let Some(expected) = &case.expected else {
        let refused = check(case, None, tcp).is_ok() && check(case, Some(&[0; 12]), tcp).is_err();
        return if refused { Ok(()) } else { Err("the check takes a response for a drop".into()) };
    };
    check(case, Some(&write(case, expected)), tcp)
        .map_err(|problem| format!("the expected response fails: {problem}"))?;
    for (change, changed) in changes(expected) {
        if check(case, Some(&write(case, &changed)), tcp).is_ok() {
            return Err(format!("the check does not see: {change}"));
        }
    }
    if check(case, None, tcp).is_ok() { Err("the check takes silence for a response".into()) } else { Ok(()) }
}

/// The response changed in one place, in every way that the check must see.
fn changes(expected: &Response) -> Vec<(&'static str, Response)> {
    let mut changes = Vec::new();
    let mut change = |name, edit: &dyn Fn(&mut Response)| {
        let mut changed = expected.clone();
        edit(&mut changed);
        changes.push((name, changed));
    };
    change("AA", &|r| r.flags.authoritative ^= true);
    change("TC", &|r| r.flags.truncated ^= true);
    change("RD", &|r| r.flags.recursion_desired ^= true);
    change("CD", &|r| r.flags.checking_disabled ^= true);
    change("rcode", &|r| r.rcode ^= 7);
    for (at, section) in expected.sections.iter().enumerate() {
        let Some(records) = section else { continue };
        for (name, edit) in edits(records.is_empty(), expected.header_only) {
            change(name, &|r| r.sections[at].iter_mut().for_each(edit));
        }
    }
    if expected.opt.is_some() {
        change("no OPT", &|r| r.opt = None);
        change("DO", &|r| r.opt.iter_mut().for_each(|opt| opt.flags ^= 0x8000));
        change("an EDNS flag", &|r| r.opt.iter_mut().for_each(|opt| opt.flags ^= 0x0001));
        change("an EDE", &|r| r.opt.iter_mut().for_each(|opt| opt.errors.push(3)));
        change("an option", &|r| r.opt.iter_mut().for_each(|opt| opt.others.push((65_001, vec![1]))));
        change("no option", &|r| {
            r.opt.iter_mut().for_each(|opt| {
                let missing = opt.others.pop().is_none();
                opt.version ^= u8::from(missing); // something must change
            });
        });
        change("ECS", &|r| r.opt.iter_mut().for_each(|opt| opt.client_subnet = Some(vec![0, 1, 8, 8, 10])));
    }
    changes
}

type Edit = (&'static str, fn(&mut Vec<Record>));

/// The changes of a section.
fn edits(empty: bool, header_only: bool) -> impl Iterator<Item = Edit> {
    let more: [Edit; 1] = [("a foreign record", |records| records.push(foreign()))];
    let other: [Edit; 5] = [
        ("a missing record", |records| drop(records.pop())),
        ("a record twice", |records| records.push(records[0].clone())),
        ("a TTL", |records| records[0].ttl ^= 1),
        ("a type", |records| records[0].rtype = foreign().rtype),
        ("RDATA", |records| records[0].rdata[1] ^= 1),
    ];
    more.into_iter().filter(move |_| !header_only).chain(other.into_iter().filter(move |_| !empty))
}

fn foreign() -> Record {
    Record { owner: vec![1, b'x', 0], rtype: 65_300, ttl: 1, rdata: vec![1, 2, 3] }
}

/// The response in octets.
fn write(case: &Case, response: &Response) -> Vec<u8> {
    let sent = &case.ask.packet;
    let flags = response.flags;
    let bits = [(flags.authoritative, 4), (flags.truncated, 2), (flags.recursion_desired, 1)];
    let mut octets = vec![0; 12];
    octets[..2].copy_from_slice(&sent[..2]);
    octets[2] = 0x80 | sent[2] & 0x78 | bits.iter().map(|&(set, bit)| u8::from(set) * bit).sum::<u8>();
    octets[3] = u8::from(flags.checking_disabled) << 4 | (response.rcode & 0x0f) as u8;
    let mut names = HashMap::new();
    if let Some(question) = case.ask.question().filter(|_| !response.header_only && sent[4..6] != [0, 0]) {
        octets[5] = 1;
        put_name(&mut octets, &mut names, &question[..question.len() - 4].to_ascii_lowercase());
        octets.truncate(12);
        octets.extend(question);
    }
    for (at, section) in response.sections.iter().enumerate() {
        let records = section.as_deref().unwrap_or_default();
        octets[7 + at * 2] = records.len() as u8;
        records.iter().for_each(|record| put_record(&mut octets, &mut names, record, case.ask.class()));
    }
    if let Some(opt) = &response.opt {
        octets[11] += 1;
        put_opt(&mut octets, opt, (response.rcode >> 4) as u8);
    }
    octets
}

fn put_opt(octets: &mut Vec<u8>, opt: &Opt, rcode: u8) {
    let client_subnet = opt.client_subnet.iter().map(|data| (8_u16, data.clone()));
    let errors = opt.errors.iter().map(|code| (15, code.to_be_bytes().to_vec()));
    let mut options = Vec::new();
    for (code, data) in client_subnet.chain(errors).chain(opt.others.iter().cloned()) {
        options.extend([code.to_be_bytes(), (data.len() as u16).to_be_bytes()].concat());
        options.extend(data);
    }
    octets.extend([0, 0, 41]);
    octets.extend(opt.size.to_be_bytes());
    octets.extend([rcode, opt.version]);
    octets.extend(opt.flags.to_be_bytes());
    octets.extend((options.len() as u16).to_be_bytes());
    octets.extend(options);
}

fn put_record(octets: &mut Vec<u8>, names: &mut HashMap<Vec<u8>, u16>, record: &Record, class: u16) {
    put_name(octets, names, &record.owner);
    octets.extend(record.rtype.to_be_bytes());
    octets.extend(class.to_be_bytes());
    octets.extend(record.ttl.to_be_bytes());
    let start = octets.len() + 2;
    octets.extend([0, 0]);
    put_rdata(octets, names, record);
    let length = (octets.len() - start) as u16;
    octets[start - 2..start].copy_from_slice(&length.to_be_bytes());
}

/// Appends RDATA, its names compressed in the types of RFC 1035 alone (RFC 3597 §4).
fn put_rdata(octets: &mut Vec<u8>, names: &mut HashMap<Vec<u8>, u16>, record: &Record) {
    let (plain, count) = match record.rtype {
        2 | 5 | 12 => (0, 1),
        6 => (0, 2),
        15 => (2, 1),
        _ => (record.rdata.len(), 0),
    };
    let (plain, mut rest) = record.rdata.split_at(plain);
    octets.extend(plain);
    for _ in 0..count {
        let mut end = 0;
        while rest[end] != 0 {
            end += usize::from(rest[end]) + 1;
        }
        put_name(octets, names, &rest[..=end]);
        rest = &rest[end + 1..];
    }
    octets.extend(rest);
}

/// Appends a name, compressed against the names before it.
fn put_name(octets: &mut Vec<u8>, names: &mut HashMap<Vec<u8>, u16>, name: &[u8]) {
    let mut rest = name;
    while rest[0] != 0 {
        if let Some(pointer) = names.get(rest) {
            return octets.extend((0xc000 | pointer).to_be_bytes());
        }
        names.insert(rest.to_vec(), octets.len() as u16);
        let (label, tail) = rest.split_at(usize::from(rest[0]) + 1);
        octets.extend(label);
        rest = tail;
    }
    octets.push(0);
}
