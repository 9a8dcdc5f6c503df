//! Server cookies against the examples of RFC 9018 appendix A, and the rules of its §4.3.

use super::*;

const ONE: &str = "e5e973e5a6b2a43f48e7dc849e37bfcf";
const OLD: &str = "dd3bdf9344b678b185a6f5cb60fca715";
const NEW: &str = "445536bcd2513298075a5d379663c962";

fn octets<const N: usize>(hex: &str) -> [u8; N] {
    let octet = |at: usize| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).expect("hexadecimal digits");
    assert_eq!(hex.len(), N * 2);
    std::array::from_fn(octet)
}

fn secrets(active: &str, others: &[&str]) -> Secrets {
    let others: Vec<Secret> = others.iter().map(|hex| Secret::new(octets(hex))).collect();
    Secrets::new(Secret::new(octets(active)), others)
}

fn cookie(hex: &str) -> QueryCookie {
    let data: Vec<u8> = (0..hex.len() / 2).flat_map(|at| octets::<1>(&hex[at * 2..at * 2 + 2])).collect();
    QueryCookie::parse(&data).expect("a cookie")
}

/// What the response to a query with this cookie carries, and what its server cookie was worth.
fn exchange(secrets: &Secrets, hex: &str, source: &str, now: u32) -> (String, Verdict) {
    let (cookie, source) = (cookie(hex), source.parse().expect("an address"));
    let verdict = secrets.verify(&cookie, source, now);
    let server = secrets.answer(&cookie, verdict, source, now);
    (cookie.client.iter().chain(&server).map(|octet| format!("{octet:02x}")).collect(), verdict)
}

#[test]
fn a_1_a_new_cookie() {
    let answer = exchange(&secrets(ONE, &[]), "2464c4abcf10c957", "198.51.100.100", 1_559_731_985);
    assert_eq!(answer, ("2464c4abcf10c957010000005cf79f111f8130c3eee29480".into(), Verdict::Missing));
}

#[test]
fn a_2_a_renewed_cookie() {
    let learned = "2464c4abcf10c957010000005cf79f111f8130c3eee29480";
    let answer = exchange(&secrets(ONE, &[]), learned, "198.51.100.100", 1_559_734_385);
    assert_eq!(answer, ("2464c4abcf10c957010000005cf7a871d4a564a1442aca77".into(), Verdict::Valid { renew: true }));
}

/// The RFC calls this cookie valid at 11:38:20, though by its §4.3 it expired at 10:46:25. The answer is the same.
#[test]
fn a_3_reserved_octets_are_hashed_and_not_sent() {
    let learned = "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5";
    let (_, verdict) = exchange(&secrets(ONE, &[]), learned, "203.0.113.203", 1_559_727_985 + 1800);
    assert_eq!(verdict, Verdict::Valid { renew: true });
    let answer = exchange(&secrets(ONE, &[]), learned, "203.0.113.203", 1_559_734_700);
    assert_eq!(answer, ("fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e".into(), Verdict::Invalid));
}

#[test]
fn a_4_ipv6_and_a_secret_that_was_rolled_over() {
    let learned = "22681ab97d52c298010000005cf7c57926556bd0934c72f8";
    let source = "2001:db8:220:1:59de:d0f4:8769:82b8";
    let answer = exchange(&secrets(NEW, &[OLD]), learned, source, 1_559_741_961);
    assert_eq!(answer, ("22681ab97d52c298010000005cf7c609a6bb79d16625507a".into(), Verdict::Valid { renew: true }));
    assert_eq!(exchange(&secrets(NEW, &[]), learned, source, 1_559_741_961).1, Verdict::Invalid);
    // where the new one is staged and not yet active, the cookie stays as it is
    let staged = exchange(&secrets(OLD, &[NEW]), learned, source, 1_559_741_961);
    assert_eq!(staged, (learned.into(), Verdict::Valid { renew: false }));
}

#[test]
fn a_cookie_is_for_its_client_its_version_and_its_time() {
    let (secrets, at) = (secrets(ONE, &[]), 1_559_731_985_u32);
    let learned = "2464c4abcf10c957010000005cf79f111f8130c3eee29480";
    let verdict = |hex: &str, source: &str, now| exchange(&secrets, hex, source, now).1;
    let kept = Verdict::Valid { renew: false };
    for (age, expected) in [
        (0, kept),
        (1799, kept),
        (1800, Verdict::Valid { renew: true }),
        (3600, Verdict::Valid { renew: true }),
        (3601, Verdict::Invalid),
        (-300, kept),
        (-301, Verdict::Invalid),
        (i32::MAX, Verdict::Invalid),
        (i32::MIN, Verdict::Invalid),
    ] {
        assert_eq!(verdict(learned, "198.51.100.100", at.wrapping_add_signed(age)), expected, "{age}");
    }
    assert_eq!(verdict(learned, "198.51.100.101", at), Verdict::Invalid);
    assert_eq!(verdict("2464c4abcf10c958010000005cf79f111f8130c3eee29480", "198.51.100.100", at), Verdict::Invalid);
    assert_eq!(verdict("2464c4abcf10c957020000005cf79f111f8130c3eee29480", "198.51.100.100", at), Verdict::Invalid);
    assert_eq!(verdict("2464c4abcf10c957010000005cf79f111f8130c3eee294", "198.51.100.100", at), Verdict::Invalid);
}

#[test]
fn time_wraps_in_2106() {
    let secrets = secrets(ONE, &[]);
    let (client, source) = ([1; 8], "192.0.2.1".parse().expect("an address"));
    let server = Some(ServerCookie::Ours(secrets.make(&client, source, u32::MAX - 10)));
    let verdict = |now| secrets.verify(&QueryCookie { client, server }, source, now);
    assert_eq!(verdict(100), Verdict::Valid { renew: false });
    assert_eq!(verdict(3600 - 11), Verdict::Valid { renew: true });
    assert_eq!(verdict(3600), Verdict::Invalid);
}

#[test]
fn lengths() {
    let parse = |len: usize| QueryCookie::parse(&vec![7; len]).map(|cookie| cookie.server);
    for len in 0..50 {
        let expected = match len {
            8 => Ok(None),
            24 => Ok(Some(ServerCookie::Ours([7; 16]))),
            16..=40 => Ok(Some(ServerCookie::Foreign)),
            _ => Err(CookieError),
        };
        assert_eq!(parse(len), expected, "{len}");
    }
}
