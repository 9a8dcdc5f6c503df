//! Whatever RDATA a zone can hold prints to text that parses to the same RDATA.

use proptest::prelude::*;

use super::read_files;
use crate::wire::Rtype;
use crate::zone::layout::{Field, LAYOUTS, Layout};
use crate::zone::{RdataText, is_valid};

fn string(max: usize) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..=max).prop_map(|octets| [&[octets.len() as u8], &octets[..]].concat())
}

fn field(field: Field) -> BoxedStrategy<Vec<u8>> {
    let octets = |range| prop::collection::vec(any::<u8>(), range);
    match field {
        Field::Name => prop::collection::vec(prop::collection::vec(any::<u8>(), 1..=20), 0..8)
            .prop_map(|labels| labels.iter().flat_map(|l| [&[l.len() as u8], &l[..]].concat()).chain([0]).collect())
            .boxed(),
        Field::U8 => octets(1..=1).boxed(),
        Field::U16 => octets(2..=2).boxed(),
        Field::U32 | Field::Period | Field::Ipv4 => octets(4..=4).boxed(),
        Field::Ipv6 => octets(16..=16).boxed(),
        Field::Str => string(255).boxed(),
        Field::Strs => prop::collection::vec(string(255), 1..4).prop_map(|strings| strings.concat()).boxed(),
        Field::Tag => "[a-zA-Z0-9]{1,15}".prop_map(|tag| [&[tag.len() as u8], tag.as_bytes()].concat()).boxed(),
        Field::Text => octets(0..=300).boxed(),
        Field::Hex => octets(1..=64).boxed(),
    }
}

fn rdata_of(layout: &'static Layout) -> impl Strategy<Value = (Rtype, Vec<u8>)> {
    let fields: Vec<_> = layout.fields.iter().map(|&one| field(one)).collect();
    fields.prop_map(|fields| (layout.rtype, fields.concat()))
}

fn known() -> impl Strategy<Value = (Rtype, Vec<u8>)> {
    (0..LAYOUTS.len()).prop_flat_map(|at| rdata_of(&LAYOUTS[at]))
}

/// Any type that a zone can hold, with octets that may or may not suit it.
fn any_type() -> impl Strategy<Value = (Rtype, Vec<u8>)> {
    let code = prop_oneof![1..300u16, any::<u16>()].prop_map(Rtype);
    let code = code.prop_filter("types that no zone holds", |rtype| !rtype.is_meta() && rtype.0 != 0);
    (code, prop::collection::vec(any::<u8>(), 0..40))
}

fn read_back(rtype: Rtype, rdata: &[u8]) -> Result<Vec<u8>, Vec<String>> {
    let text = format!("@ 5 {rtype} {}\n", RdataText { rtype, rdata });
    let (builder, errors) = read_files(text.as_bytes(), &[]);
    match builder.records.as_slice() {
        [record] if errors.is_empty() => Ok(builder.rdata_of(record).to_vec()),
        _ => Err(errors),
    }
}

#[test]
fn the_table_is_sorted() {
    assert!(LAYOUTS.iter().map(|layout| layout.rtype).is_sorted());
}

#[test]
fn every_example_parses() {
    for layout in LAYOUTS {
        let text = format!("@ 5 {} {}\n", layout.rtype, layout.example.replace('…', ""));
        assert!(read_files(text.as_bytes(), &[]).1.is_empty(), "{text}");
    }
}

proptest! {
    #[test]
    fn types_with_a_layout((rtype, rdata) in known()) {
        prop_assert!(is_valid(rtype, &rdata));
        prop_assert_eq!(read_back(rtype, &rdata), Ok(rdata));
    }

    #[test]
    fn any_type_and_octets((rtype, rdata) in any_type()) {
        match read_back(rtype, &rdata) {
            Ok(again) => prop_assert_eq!(again, rdata),
            Err(errors) => prop_assert!(!is_valid(rtype, &rdata), "{:?}", errors),
        }
    }
}
