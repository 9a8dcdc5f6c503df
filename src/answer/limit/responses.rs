//! Whole responses under a limit: what each kind of answer becomes, what is counted, who is spared.

use std::num::NonZeroU32;
use std::sync::Arc;

use crate::answer::{Counters, Meta, RateTable, Reply, Transport, Worker, respond};
use crate::base::{Mono, Now, Sources};
use crate::config;
use crate::snapshot::{Cookies, Loaded, RateLimit, Service, Snapshot, Zones};
use crate::wire::{Name, Secret, Secrets};
use crate::zone;

const ZONE: &str = "$TTL 60\n@ SOA ns1 hostmaster 1 7200 3600 1209600 300\n@ NS ns1\nns1 A 192.0.2.53\nwww A 192.0.2.1\n\
    *.wild A 192.0.2.2\nd DNAME wild\nsub NS ns.sub\nns.sub A 192.0.2.54\n";

/// Responses a second.
const RATE: usize = 5;

struct Lab {
    snapshot: Snapshot,
    worker: Worker,
    transport: Transport,
    port: u16,
}

impl Lab {
    fn new(slip: u32, dry_run: bool) -> Self {
        let mut sources = Sources::default();
        let file = sources.add("example.zone", ZONE.into());
        let origin = "example".parse().expect("a name");
        let (builder, _) = zone::parse(&mut sources, file, &origin, &mut |_, _, _| Err("none".into()));
        let (zone, _) = builder.finish().expect("a sound zone");
        let settings = config::RateLimit {
            per_second: NonZeroU32::new(RATE as u32).expect("not zero"),
            slip,
            ipv4_prefix: 24,
            ipv6_prefix: 56,
            allow: Vec::new(),
            dry_run,
            table_size: 64,
        };
        let secrets = Secrets::new(Secret::new([7; 16]), []);
        let service =
            Service { cookies: Some(Cookies { secrets, ephemeral: false, require: false }), ..Service::default() };
        let zones = Zones::new(vec![Arc::new(zone)]);
        let rate_limit = Some(RateLimit::new(settings));
        let loaded = Arc::new(Loaded { zones, rate_limit, service, ..Loaded::default() });
        let worker = Worker::new(1).with_rates(Arc::new(RateTable::new(64, [1; 16])));
        Self { snapshot: Snapshot { loaded, ..Snapshot::default() }, worker, transport: Transport::Udp, port: 4242 }
    }

    fn ask(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        let source = ([192, 0, 2, 7], self.port).into();
        let meta = Meta::new(source, [127, 0, 0, 1].into(), self.transport, 1232);
        let (mut out, now) = (vec![0; 1232], Now { wall: 1000, mono: Mono(1000) });
        match respond(&self.snapshot, packet, &meta, now, &mut self.worker, &mut out) {
            Reply::Send(len) => Some(out[..len].to_vec()),
            Reply::Drop => None,
        }
    }

    /// Responses to packets that come at once: full ones, and the others.
    fn flood(&mut self, packets: impl IntoIterator<Item = Vec<u8>>) -> (usize, Vec<Vec<u8>>) {
        let responses: Vec<_> = packets.into_iter().filter_map(|packet| self.ask(&packet)).collect();
        let (cut, full): (Vec<_>, Vec<_>) = responses.into_iter().partition(|response| response[2] & 2 != 0);
        (full.len(), cut)
    }

    /// Dropped, slipped, excused.
    fn counted(&self) -> [u64; 3] {
        let Counters { rate_dropped, rate_slipped, rate_excused, .. } = &**self.worker.counters;
        [rate_dropped.get(), rate_slipped.get(), rate_excused.get()]
    }
}

fn packet(name: &str, options: &[u8]) -> Vec<u8> {
    let name: Name = name.parse().expect("a name");
    let mut packet = vec![1, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, u8::from(!options.is_empty())];
    packet.extend(name.as_ref().as_wire());
    packet.extend([0, 1, 0, 1]);
    if !options.is_empty() {
        packet.extend([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, options.len() as u8]);
        packet.extend(options);
    }
    packet
}

/// A cookie option: the client's half and what it got from the server.
fn cookie(server: &[u8]) -> Vec<u8> {
    [&[0, 10, 0, 8 + server.len() as u8], &[1; 8][..], server].concat()
}

#[test]
fn each_kind_of_answer_has_its_rate_and_slips_empty() {
    let mut lab = Lab::new(2, false);
    // the part in front is another each time where it makes no difference to the answer
    for (name, varies) in [
        ("www", false),
        ("a.wild", true),
        ("a.d", true),
        ("b.sub", true),
        ("absent", true),
        ("www.elsewhere.test.", true),
    ] {
        let name = if name.ends_with('.') { name.to_owned() } else { format!("{name}.example") };
        let one = |n: usize| packet(&if varies { format!("x{n}{name}") } else { name.clone() }, &[]);
        let (full, cut) = lab.flood((0..RATE + 20).map(one));
        assert_eq!((full, cut.len()), (RATE, 10), "{name}");
        assert!(cut.iter().all(|response| response[6..12] == [0; 6]), "{name}: sections are empty");
    }
    assert_eq!(lab.counted(), [60, 60, 0]);
}

#[test]
fn a_flood_of_types_has_one_rate() {
    for name in ["www.example", "a.wild.example", "absent.example"] {
        let mut lab = Lab::new(0, false);
        let typed = |rtype: u8| {
            let mut packet = packet(name, &[]);
            let at = packet.len() - 3;
            packet[at] = rtype;
            packet
        };
        // A, ANY and types that nobody has
        assert_eq!(lab.flood([1, 255].into_iter().chain(200..240).map(typed)).0, RATE, "{name}");
    }
}

#[test]
fn a_network_that_is_flooded_gets_other_answers() {
    let mut lab = Lab::new(0, false);
    for name in ["example", "wild.example", "elsewhere.test"] {
        lab.flood((0..RATE + 20).map(|n| packet(&format!("x{n}.{name}"), &[])));
    }
    let others = ["www.example", "ns1.example", "a.sub.example", "a.d.example"];
    assert_eq!(lab.flood(others.map(|name| packet(name, &[]))).0, others.len());
}

#[test]
fn nothing_is_sent_to_port_0() {
    let mut lab = Lab::new(1, false);
    lab.port = 0;
    assert!(lab.ask(&packet("www.example", &[])).is_none() && lab.ask(&[0; 12]).is_none());
    assert_eq!((lab.worker.counters.dropped.get(), lab.counted()), (2, [0, 0, 0]));
}

#[test]
fn what_cannot_be_read_is_dropped_and_counted_so() {
    let mut lab = Lab::new(1, false);
    let (full, cut) = lab.flood((0..RATE + 20).map(|_| packet("www.example", &[])[..14].to_vec()));
    assert_eq!((full, cut.len(), lab.counted()), (RATE, 0, [20, 0, 0]));
}

#[test]
fn a_dry_run_counts_and_sends() {
    let mut lab = Lab::new(2, true);
    let (full, cut) = lab.flood((0..RATE + 20).map(|_| packet("www.example", &[])));
    assert_eq!((full, cut.len(), lab.counted()), (RATE + 20, 0, [0, 0, 20]));
}

#[test]
fn no_transport_but_udp_is_limited() {
    let mut lab = Lab::new(2, false);
    lab.flood((0..RATE + 20).map(|_| packet("www.example", &[])));
    let before = lab.counted();
    for transport in Transport::ALL.into_iter().filter(|transport| *transport != Transport::Udp) {
        lab.transport = transport;
        let (full, cut) = lab.flood((0..RATE + 20).map(|_| packet("www.example", &[])));
        assert_eq!((full, cut.len()), (RATE + 20, 0), "{}", transport.name());
    }
    assert_eq!(lab.counted(), before);
}

#[test]
fn a_valid_cookie_lifts_the_limit_with_and_without_a_question() {
    let mut lab = Lab::new(2, false);
    let first = lab.ask(&packet("www.example", &cookie(&[]))).expect("a response");
    let valid = cookie(&first[first.len() - 16..]);
    let bare = |options: &[u8]| {
        let mut packet = packet(".", options);
        packet[5] = 0;
        packet.drain(12..17); // the question
        packet
    };
    for options in [cookie(&[]), cookie(&[9; 16])] {
        assert!(lab.flood((0..RATE + 20).map(|_| packet("www.example", &options))).0 <= RATE, "{options:?}");
        assert!(lab.flood((0..RATE + 20).map(|_| bare(&options))).0 <= RATE, "{options:?}");
    }
    let before = lab.counted();
    assert_eq!(lab.flood((0..RATE + 20).map(|_| packet("www.example", &valid))).0, RATE + 20);
    assert_eq!(lab.flood((0..RATE + 20).map(|_| bare(&valid))).0, RATE + 20);
    assert_eq!(lab.counted(), before);
}
