use proptest::prelude::*;

use super::*;
use crate::wire::{Message, Name};

/// The name at `at` of a message, and the offset behind it. Every pointer must lead backwards.
fn name_at(message: &[u8], mut at: usize) -> (String, usize) {
    let (mut text, mut end) = (String::new(), None);
    loop {
        match message[at] {
            0 => return (text, end.unwrap_or(at + 1)),
            pointer if pointer >= 0xc0 => {
                let target = usize::from(u16::from_be_bytes([pointer & 0x3f, message[at + 1]]));
                assert!(target < at, "a pointer forwards");
                end = end.or(Some(at + 2));
                at = target;
            }
            len => {
                let label = &message[at + 1..=at + usize::from(len)];
                text += &(String::from_utf8_lossy(label).to_ascii_lowercase() + ".");
                at += usize::from(len) + 1;
            }
        }
    }
}

fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

/// Owner and target of each NS record of a message without OPT.
fn records(message: &[u8]) -> Vec<(String, String)> {
    let mut at = name_at(message, HEADER_LEN).1 + 4;
    let mut records = Vec::new();
    while at < message.len() {
        let (owner, fixed) = name_at(message, at);
        let len = usize::from(u16::from_be_bytes([message[fixed + 8], message[fixed + 9]]));
        let (target, end) = name_at(message, fixed + 10);
        assert_eq!(end, fixed + 10 + len);
        records.push((owner, target));
        at = end;
    }
    records
}

/// A message with these NS records behind a question.
fn message(body: &Body, question: &Name) -> Vec<u8> {
    let mut out = vec![0; 70_000];
    let raw = [question.as_ref().as_wire(), &[0, 2, 0, 1]].concat();
    let mut message = Message::new(&mut out, Some(&raw)).expect("room");
    message.put_sections(&body.sections()).expect("room");
    let len = message.len();
    out[..len].to_vec()
}

fn any_name() -> impl Strategy<Value = String> {
    let label = prop::sample::select(vec!["a", "B", "cc", "example", "a-label-that-is-longer"]);
    prop::collection::vec(label, 0..6).prop_map(|labels| labels.join(".") + ".")
}

/// As [`name_at`] gives it: the root is nothing.
fn lower(text: &str) -> String {
    text.strip_prefix('.').unwrap_or(text).to_ascii_lowercase()
}

proptest! {
    /// Whatever is written reads the same behind every question that ends in what was shared.
    #[test]
    fn names_survive_compression(
        pairs in prop::collection::vec((any_name(), any_name()), 0..60),
        shared in any_name(),
        fronts in prop::collection::vec("[a-c]{1,9}", 1..4),
    ) {
        let mut body = Body::default();
        body.start(65_535);
        body.share(name(&shared).as_ref());
        for (owner, target) in &pairs {
            let (owner, target) = (name(owner), name(target));
            let written = body.record(Section::Answer, Owner::Name(owner.as_ref()), Rtype::NS, 1, target.as_ref().as_wire());
            prop_assert!(written.is_ok());
        }
        let expected: Vec<_> = pairs.iter().map(|(owner, target)| (lower(owner), lower(target))).collect();
        for front in &fronts {
            let question = name(&format!("{front}.{}", lower(&shared)));
            prop_assert_eq!(&records(&message(&body, &question)), &expected);
        }
    }
}

#[test]
fn far_names_are_not_pointed_at() {
    let mut body = Body::default();
    body.start(65_535);
    body.share(name("example.").as_ref());
    let names: Vec<Name> = (0..1_800).map(|n| name(&format!("name-number-{n}.example."))).collect();
    for target in &names {
        body.record(Section::Answer, Owner::Question, Rtype::NS, 1, target.as_ref().as_wire()).expect("room");
    }
    let question = name(&format!("{}.example.", ["x"; 120].join(".")));
    let read = records(&message(&body, &question));
    assert!(read.iter().zip(&names).all(|((_, target), name)| *target == name.to_string()) && read.len() == 1_800);
}

#[test]
fn what_is_rolled_back_leaves_no_trace() {
    let mut body = Body::default();
    body.start(190);
    let (short, long) = (name("a.example."), name(&format!("{}.example.", "b".repeat(60))));
    let put = |body: &mut Body, target: &Name| {
        body.record(Section::Answer, Owner::Question, Rtype::NS, 1, target.as_ref().as_wire())
    };
    put(&mut body, &short).expect("room");
    let (mark, before) = (body.mark(), format!("{:?}", body.sections()));
    put(&mut body, &long).expect("room");
    put(&mut body, &name("c.d.net.")).expect("room");
    assert_eq!(put(&mut body, &name(&format!("{}.org.", "e".repeat(63)))), Err(Full));
    body.roll_back(mark);
    assert_eq!(format!("{:?}", body.sections()), before);
    put(&mut body, &name(&format!("x.{}.example.", "b".repeat(60)))).expect("room");
    let read = records(&message(&body, &name("q.")));
    assert_eq!(read[1].1, format!("x.{}.example.", "b".repeat(60)), "nothing points at what was rolled back");
}

#[test]
fn nothing_of_the_query_before_is_shared() {
    let mut body = Body::default();
    body.start(500);
    body.share(name("old.example.").as_ref());
    body.start(500);
    let target = name("old.example.");
    body.record(Section::Answer, Owner::Question, Rtype::NS, 1, target.as_ref().as_wire()).expect("room");
    assert_eq!(records(&message(&body, &name("q."))), [("q.".to_owned(), "old.example.".to_owned())]);
}
