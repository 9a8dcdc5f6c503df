//! Whatever RDATA a zone can hold prints to text that parses to the same RDATA.

use proptest::prelude::*;

use super::read_files;
use crate::wire::Rtype;
use crate::zone::fields::Field;
use crate::zone::layout::{LAYOUTS, Layout};
use crate::zone::{RdataText, is_valid};

fn string(min: usize, max: usize) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), min..=max).prop_map(|octets| counted(&octets))
}

/// Octets with their length in front.
fn counted(octets: &[u8]) -> Vec<u8> {
    [&[octets.len() as u8], octets].concat()
}

fn a_name() -> impl Strategy<Value = Vec<u8>> {
    let label = prop::collection::vec(any::<u8>(), 1..=20).prop_map(|label| counted(&label));
    prop::collection::vec(label, 0..8).prop_map(|labels| [&labels.concat()[..], &[0]].concat())
}

/// Windows of types in order, without zeros at their end.
fn bitmap() -> impl Strategy<Value = Vec<u8>> {
    let bits =
        (prop::collection::vec(any::<u8>(), 0..32), 1..=u8::MAX).prop_map(|(bits, last)| [bits, vec![last]].concat());
    let windows = prop::collection::btree_map(any::<u8>(), bits, 0..4);
    windows.prop_map(|windows| {
        windows.iter().flat_map(|(number, bits)| [&[*number][..], &counted(bits)].concat()).collect()
    })
}

fn prefix() -> impl Strategy<Value = Vec<u8>> {
    let address = |family: u8, width: u8| {
        (0..=width * 8, any::<bool>(), prop::collection::vec(any::<u8>(), 0..usize::from(width)), 1..=u8::MAX).prop_map(
            move |(prefix, negated, octets, last)| {
                let address = if octets.is_empty() { octets } else { [octets, vec![last]].concat() };
                [&[0, family, prefix, address.len() as u8 | u8::from(negated) << 7], &address[..]].concat()
            },
        )
    };
    prop_oneof![address(1, 4), address(2, 16)]
}

fn location() -> impl Strategy<Value = Vec<u8>> {
    let size = || prop_oneof![Just(0u8), (1..=9u8, 0..=9u8).prop_map(|(digit, exponent)| digit << 4 | exponent)];
    let angle = |degrees: u32| (-(degrees as i64)..=degrees.into()).prop_map(|angle| ((1i64 << 31) + angle) as u32);
    let angles = (angle(90 * 3_600_000), angle(180 * 3_600_000));
    ([size(), size(), size()], angles, any::<u32>()).prop_map(|(sizes, (latitude, longitude), altitude)| {
        let numbers = [latitude, longitude, altitude].map(u32::to_be_bytes).concat();
        [&[0], &sizes[..], &numbers].concat()
    })
}

/// Parameters that need no others.
fn params() -> impl Strategy<Value = Vec<u8>> {
    let octets = |width: usize| prop::collection::vec(any::<u8>(), width..=width);
    let many = move |width| prop::collection::vec(octets(width), 1..3).prop_map(|list| list.concat());
    let param = prop_oneof![
        (Just(1), prop::collection::vec(string(1, 20), 1..4).prop_map(|list| list.concat())),
        (Just(3), octets(2)),
        (Just(4), many(4)),
        (Just(5), many(3)),
        (Just(6), many(16)),
        (Just(7), Just(b"/q{?dns}".to_vec())),
        (Just(8), Just(Vec::new())),
        (9..u16::MAX, prop::collection::vec(any::<u8>(), 0..30)),
    ];
    prop::collection::vec(param, 0..5).prop_map(|list| {
        let all: std::collections::BTreeMap<u16, Vec<u8>> = list.into_iter().collect();
        let one = |(key, value): (&u16, &Vec<u8>)| {
            [&key.to_be_bytes()[..], &(value.len() as u16).to_be_bytes(), value].concat()
        };
        all.iter().flat_map(one).collect()
    })
}

fn identity() -> impl Strategy<Value = Vec<u8>> {
    let octets = || prop::collection::vec(any::<u8>(), 1..30);
    (any::<u8>(), octets(), octets()).prop_map(|(algorithm, tag, key)| {
        [&[tag.len() as u8, algorithm, 0, key.len() as u8], &tag[..], &key[..]].concat()
    })
}

fn field(field: Field) -> BoxedStrategy<Vec<u8>> {
    let octets = |least: u8, most: usize| prop::collection::vec(any::<u8>(), least.into()..=most).boxed();
    match field {
        Field::Name | Field::Host | Field::Service => a_name().boxed(),
        Field::Names => prop::collection::vec(a_name(), 0..4).prop_map(|names| names.concat()).boxed(),
        Field::U8 | Field::Algorithm | Field::GatewayType => octets(1, 1),
        Field::U16 | Field::Covered | Field::CertType => octets(2, 2),
        Field::U32 | Field::Period | Field::Time | Field::Ipv4 => octets(4, 4),
        Field::Locator => octets(8, 8),
        Field::Ipv6 => octets(16, 16),
        Field::Eui(len) => octets(len, len.into()),
        Field::Str | Field::Salt => string(0, 255).boxed(),
        Field::HashedName => string(1, 255).boxed(),
        Field::MayStr => prop_oneof![Just(Vec::new()), string(0, 255)].boxed(),
        Field::Strs => prop::collection::vec(string(0, 255), 1..4).prop_map(|strings| strings.concat()).boxed(),
        Field::Tag => "[a-zA-Z0-9]{1,15}".prop_map(|tag| counted(tag.as_bytes())).boxed(),
        Field::Text(least) => octets(least, 300),
        Field::Hex(least) | Field::Base64(least) => octets(least, 64),
        Field::Digest(_) => Just(Vec::new()).boxed(),
        Field::Dialled => "[0-9]{4,15}".prop_map(|digits| counted(digits.as_bytes())).boxed(),
        Field::Types => bitmap().boxed(),
        Field::Prefixes => prop::collection::vec(prefix(), 0..4).prop_map(|items| items.concat()).boxed(),
        Field::Location => location().boxed(),
        Field::HostIdentity => identity().boxed(),
        Field::Params => params().boxed(),
        Field::Gateway | Field::GatewayKey => Just(Vec::new()).boxed(),
    }
}

/// Type and algorithm of a gateway with what they ask for.
fn gateway() -> impl Strategy<Value = Vec<u8>> {
    let octets = |least, most| prop::collection::vec(any::<u8>(), least..=most);
    let gateway = prop_oneof![
        (Just(0u8), Just(Vec::new())),
        (Just(1), octets(4, 4)),
        (Just(2), octets(16, 16)),
        (Just(3), a_name()),
    ];
    let key = prop_oneof![(Just(0u8), Just(Vec::new())), (1..=u8::MAX, octets(1, 40))];
    (any::<u8>(), gateway, key).prop_map(|(precedence, (kind, gateway), (algorithm, key))| {
        [&[precedence, kind, algorithm], &gateway[..], &key].concat()
    })
}

/// A digest with what stands in front of it: one of SHA-384 or of a type that is not known.
fn digest(layout: &'static Layout) -> impl Strategy<Value = (Rtype, Vec<u8>)> {
    let sha_384 = if layout.rtype == Rtype::ZONEMD { 1 } else { 4 };
    let octets = |len| prop::collection::vec(any::<u8>(), len);
    let ahead = layout.fields[..layout.fields.len() - 2].iter().map(|&one| field(one)).collect::<Vec<_>>();
    let digest = prop_oneof![(Just(sha_384), octets(48..=48)), (5..=u8::MAX, octets(12..=64))];
    (ahead, digest).prop_map(|(ahead, (kind, digest))| (layout.rtype, [&ahead.concat()[..], &[kind], &digest].concat()))
}

fn rdata_of(layout: &'static Layout) -> BoxedStrategy<(Rtype, Vec<u8>)> {
    if layout.rtype == Rtype::IPSECKEY {
        return gateway().prop_map(|rdata| (Rtype::IPSECKEY, rdata)).boxed();
    }
    if let [.., Field::Digest(_)] = layout.fields {
        return digest(layout).boxed();
    }
    let fields: Vec<_> = layout.fields.iter().map(|&one| field(one)).collect();
    fields.prop_map(|fields| (layout.rtype, fields.concat())).boxed()
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

/// RDATA of a type with a layout, cut or changed in a place.
fn damaged() -> impl Strategy<Value = (Rtype, Vec<u8>)> {
    (known(), any::<prop::sample::Index>(), any::<u8>(), 0..3u8).prop_map(|((rtype, mut rdata), at, octet, kind)| {
        let at = at.index(rdata.len() + 1);
        match kind {
            0 => rdata.truncate(at),
            1 if at < rdata.len() => rdata[at] = octet,
            _ => rdata.insert(at, octet),
        }
        (rtype, rdata)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn damaged_rdata((rtype, rdata) in damaged()) {
        match read_back(rtype, &rdata) {
            Ok(again) => prop_assert_eq!(again, rdata),
            Err(errors) => prop_assert!(!is_valid(rtype, &rdata), "{:?}", errors),
        }
    }

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
