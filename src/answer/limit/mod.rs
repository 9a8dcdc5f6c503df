//! Response rate limiting: a forged source address must not make this server flood whoever owns it.
//!
//! Over UDP, each client network has a bucket for each kind of answer and the name that the answer belongs to
//! ([`Kind`]): for what exists the name asked, for what a wildcard makes or a delegation covers that wildcard or
//! delegation, for what does not exist the zone, for an error nothing. That is the part of the question that all
//! questions with the same answer share. So names made up at random share one bucket, as they do for NSD and Knot, and a
//! resolver that asks for many names is not slowed. Over the rate, most responses are dropped, and every `slip`-th is
//! sent as an empty one with TC, which lets a real client come back over TCP.
//!
//! Who came over a connection, or shows a valid server cookie (RFC 7873), is no forged source and is never limited.

mod table;

use std::net::IpAddr;

use crate::base::Mono;
use crate::snapshot::RateLimit;

pub use table::RateTable;

use table::Rate;

/// What kind of answer a response is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Records of a name that exists, or that it has none of the type: by the name.
    Name = 1,
    /// What a wildcard makes: by what the wildcard is below.
    Wildcard = 2,
    /// What a DNAME makes: by its owner.
    Dname = 3,
    /// A referral: by the delegation point.
    Referral = 4,
    /// A name that does not exist: by its zone.
    NxDomain = 5,
    /// Anything else, such as an error: by nothing.
    Other = 6,
    /// A query that has no question to answer: by nothing. Never slips: who sent it would not ask again over TCP.
    Unread = 7,
}

/// What becomes of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is within the rate.
    Send,
    /// It is replaced by an empty one with TC.
    Slip,
    /// It is not sent.
    Drop,
}

/// What a response is counted as: its kind, and the name in wire form that goes with it.
pub(super) type Bucket<'a> = (Kind, &'a [u8]);

/// Responses over the rate that one thread met, by a part of the bucket's hash: with one count for all, floods that take
/// turns could leave every drop to the same network, whose real clients would never learn to come over TCP.
#[derive(Debug)]
pub(super) struct Over([u32; 256]);

impl Over {
    pub(super) const fn new() -> Self {
        Self([0; 256])
    }

    /// Counts one; whether it is the `slip`-th.
    fn slips(&mut self, hash: u64, slip: u32) -> bool {
        let count = &mut self.0[usize::from((hash >> 32) as u8)]; // the table uses the bits below and above
        *count = count.wrapping_add(1);
        count.is_multiple_of(slip)
    }
}

/// Judges a response to an address that may be forged. `over` counts the responses over the rate, of this thread.
pub(super) fn judge(
    limit: &RateLimit,
    table: &RateTable,
    source: IpAddr,
    (kind, name): Bucket<'_>,
    now: Mono,
    over: &mut Over,
) -> Verdict {
    let Some(network) = limit.network(source) else { return Verdict::Send };
    let hash = match network.addr() {
        IpAddr::V4(v4) => table.hash(&[&[kind as u8, 4], &v4.octets(), name]),
        IpAddr::V6(v6) => table.hash(&[&[kind as u8, 6], &v6.octets(), name]),
    };
    if table.take(hash, Rate::per_second(limit.settings.per_second), now) {
        return Verdict::Send;
    }
    let slip = limit.settings.slip;
    if slip == 0 || kind == Kind::Unread {
        return Verdict::Drop;
    }
    if over.slips(hash, slip) { Verdict::Slip } else { Verdict::Drop }
}

#[cfg(test)]
mod responses;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Prefix;
    use crate::config;

    fn limit(slip: u32) -> RateLimit {
        allowing(slip, Vec::new())
    }

    fn allowing(slip: u32, allow: Vec<Prefix>) -> RateLimit {
        let per_second = 10.try_into().expect("not zero");
        let (ipv4_prefix, ipv6_prefix) = (24, 56);
        RateLimit::new(config::RateLimit {
            per_second,
            slip,
            ipv4_prefix,
            ipv6_prefix,
            allow,
            dry_run: false,
            table_size: 64,
        })
    }

    fn judged(limit: &RateLimit, table: &RateTable, source: &str, kind: Kind, name: &[u8], over: &mut Over) -> Verdict {
        judge(limit, table, source.parse::<IpAddr>().expect("an address"), (kind, name), Mono(1_000), over)
    }

    /// Uses up a bucket; whether the responses before were sent.
    fn empty(limit: &RateLimit, table: &RateTable, source: &str) -> bool {
        (0..10).all(|_| judged(limit, table, source, Kind::Name, b"\x01a\x00", &mut Over::new()) == Verdict::Send)
    }

    #[test]
    fn networks_kinds_and_names_are_apart() {
        let (limit, table) = (limit(0), RateTable::new(4096, [1; 16]));
        assert!(empty(&limit, &table, "192.0.2.1"));
        let verdict = |source, kind, name: &[u8]| judged(&limit, &table, source, kind, name, &mut Over::new());
        assert_eq!(verdict("192.0.2.1", Kind::Name, b"\x01a\x00"), Verdict::Drop);
        assert_eq!(verdict("192.0.2.255", Kind::Name, b"\x01a\x00"), Verdict::Drop, "the same /24");
        assert_eq!(verdict("192.0.3.1", Kind::Name, b"\x01a\x00"), Verdict::Send);
        assert_eq!(verdict("192.0.2.1", Kind::Wildcard, b"\x01a\x00"), Verdict::Send);
        assert_eq!(verdict("192.0.2.1", Kind::Name, b"\x01b\x00"), Verdict::Send);
        assert!(empty(&limit, &table, "2001:db8:0:12::1"));
        assert_eq!(verdict("2001:db8:0:ff:ffff::", Kind::Name, b"\x01a\x00"), Verdict::Drop, "the same /56");
        assert_eq!(verdict("2001:db8:0:100::1", Kind::Name, b"\x01a\x00"), Verdict::Send);
    }

    #[test]
    fn every_second_slips() {
        let table = RateTable::new(64, [1; 16]);
        for (slip, sent) in [(0, 0), (1, 100), (2, 50), (5, 20)] {
            let limit = limit(slip);
            empty(&limit, &table, "192.0.2.1");
            let mut over = Over::new();
            let slips = (0..100)
                .filter(|_| judged(&limit, &table, "192.0.2.1", Kind::Name, b"\x01a\x00", &mut over) == Verdict::Slip);
            assert_eq!(slips.count(), sent, "slip = {slip}");
        }
    }

    #[test]
    fn floods_that_take_turns_all_slip() {
        let (limit, table) = (limit(2), RateTable::new(4096, [1; 16]));
        let (mut over, mut slips) = (Over::new(), [0; 2]);
        for _ in 0..110 {
            for (source, slips) in ["192.0.2.1", "198.51.100.1"].into_iter().zip(&mut slips) {
                let verdict = judged(&limit, &table, source, Kind::Name, b"\x01a\x00", &mut over);
                *slips += usize::from(verdict == Verdict::Slip);
            }
        }
        assert_eq!(slips, [50, 50]);
    }

    #[test]
    fn allowed_networks_have_no_rate() {
        let limit = allowing(2, vec!["192.0.2.0/24".parse().expect("a prefix")]);
        let table = RateTable::new(64, [1; 16]);
        assert!((0..20).all(|_| empty(&limit, &table, "192.0.2.1")));
        assert!(empty(&limit, &table, "192.0.3.1") && !empty(&limit, &table, "192.0.3.1"));
    }
}
