//! What no case of `tests/behaviour` can show: padding, and messages without room.

use super::*;
use crate::wire::{Secret, Secrets};

/// NSID, a first cookie, keepalive and padding.
const QUERY: &[u8] = &[0, 3, 0, 0, 0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 11, 0, 0, 0, 12, 0, 1, 0];

fn service(nsid: usize) -> Service {
    let secrets = Secrets::new(Secret::new([7; 16]), []);
    let cookies = Some(Cookies { secrets, ephemeral: false, require: false });
    Service { nsid: vec![b'x'; nsid].into(), cookies, keepalive: 100, ..Service::default() }
}

fn edns(octets: &[u8]) -> EdnsQuery {
    EdnsQuery::parse(1232, 0, octets).expect("well-formed")
}

fn meta(transport: Transport) -> Meta {
    let source = "192.0.2.1:53".parse().expect("an address");
    Meta::new(source, "192.0.2.53".parse().expect("an address"), transport, 65_535)
}

/// Codes and lengths of what is written where `room` octets are left behind `before`.
fn written(transport: Transport, ede: Option<Ede>, before: usize, room: usize) -> Vec<(u16, usize)> {
    let mut out = vec![0xff; room];
    let (edns, service, meta) = (edns(QUERY), service(4), meta(transport));
    let len = Options::new(&edns, &service, &meta, Now::default()).write(0, ede, before, &mut out);
    let (mut rest, mut found) = (&out[..len], Vec::new());
    while let [c0, c1, l0, l1, tail @ ..] = rest {
        let (code, data) = (u16::from_be_bytes([*c0, *c1]), usize::from(u16::from_be_bytes([*l0, *l1])));
        assert!(code != OPTION_PADDING || tail[..data].iter().all(|&octet| octet == 0));
        found.push((code, data));
        rest = &tail[data..];
    }
    found
}

#[test]
fn each_transport_has_its_options() {
    let codes = |transport| -> Vec<u16> { written(transport, None, 100, 1000).iter().map(|&(code, _)| code).collect() };
    assert_eq!(codes(Transport::Udp), [OPTION_NSID, OPTION_COOKIE]);
    assert_eq!(codes(Transport::Tcp), [OPTION_NSID, OPTION_COOKIE, OPTION_KEEPALIVE]);
    assert_eq!(codes(Transport::Tls), [OPTION_NSID, OPTION_COOKIE, OPTION_KEEPALIVE, OPTION_PADDING]);
    assert_eq!(codes(Transport::Quic), [OPTION_NSID, OPTION_COOKIE, OPTION_PADDING]);
    assert_eq!(codes(Transport::Https), [OPTION_NSID, OPTION_COOKIE, OPTION_PADDING]);
}

#[test]
fn padded_messages_are_whole_blocks() {
    for before in 0..2000 {
        let options = written(Transport::Quic, None, before, 1000);
        let len: usize = options.iter().map(|(_, data)| HEAD + data).sum();
        assert!((before + len).is_multiple_of(PADDING_BLOCK), "{before} + {len}");
        assert!(options.last().is_some_and(|&(code, data)| code == OPTION_PADDING && data < PADDING_BLOCK));
    }
}

#[test]
fn padding_ends_where_the_message_must() {
    // NSID takes 8 octets, the cookie 28
    assert_eq!(written(Transport::Quic, None, 100, 40).last(), Some(&(OPTION_PADDING, 0)));
    assert_eq!(written(Transport::Quic, None, 100, 50).last(), Some(&(OPTION_PADDING, 10)));
}

#[test]
fn an_error_loses_its_text_before_it_is_left_out() {
    let ede = Some(Ede { code: 20, text: "twenty octets of text" });
    let ede_len = |room| {
        let found = written(Transport::Udp, ede, 100, room);
        found.iter().find(|&&(code, _)| code == OPTION_EDE).map(|&(_, len)| len)
    };
    assert_eq!(ede_len(36 + 4 + 2 + 21), Some(23));
    assert_eq!(ede_len(36 + 4 + 2 + 20), Some(2));
    assert_eq!(ede_len(36 + 4 + 2), Some(2));
    assert_eq!(ede_len(36 + 4 + 1), None);
}

#[test]
fn what_is_reserved_is_what_is_written_at_most() {
    for transport in Transport::ALL {
        let (edns, service, meta) = (edns(QUERY), service(20), meta(transport));
        let options = Options::new(&edns, &service, &meta, Now::default());
        let mut out = [0; 1000];
        let before = PADDING_BLOCK * 2 - options.max_len(); // so that padding adds nothing
        assert_eq!(options.write(0, None, before, &mut out), options.max_len(), "{transport:?}");
    }
}

#[test]
fn the_smallest_response_has_room_for_all_of_it() {
    let service = service(crate::wire::MAX_NSID);
    let mut data = QUERY.to_vec();
    data.extend([0, 8, 0, 20, 0, 2, 128, 0]);
    data.extend([1; 16]);
    let (edns, meta) = (edns(&data), meta(Transport::Tls));
    let options = Options::new(&edns, &service, &meta, Now::default());
    let (header, question, opt) = (12, 255 + 4, 11);
    assert!(header + question + opt + options.max_len() <= 512);
}
