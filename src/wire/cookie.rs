//! DNS cookies: the option of a query (RFC 7873) and server cookies that any server with the same secret understands
//! (RFC 9018).
//!
//! A server cookie is 16 octets: version, three reserved ones, a timestamp, and SipHash-2-4 over the client cookie, the
//! eight octets before it and the client's address. Nothing is kept for a client. Time and secrets are arguments.

use std::fmt;
use std::net::IpAddr;

use siphasher::sip::SipHasher24;

/// Octets of a client cookie (RFC 7873 §4).
pub const CLIENT_COOKIE: usize = 8;
/// Octets of a server cookie as it is made here (RFC 9018 §4).
pub const SERVER_COOKIE: usize = 16;

/// How old a cookie may be (RFC 9018 §4.3), in seconds.
const PAST: u32 = 3600;
/// How far ahead of our clock it may be made: another server's clock may be fast.
const FUTURE: u32 = 300;
/// From which age on a valid one is replaced, so that a client that keeps asking never holds an expired one.
const RENEW: u32 = 1800;
/// The version octet (RFC 9018 §4.1).
const VERSION: u8 = 1;

/// The COOKIE option of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryCookie {
    /// The client's own cookie, which comes back as it is.
    pub client: [u8; CLIENT_COOKIE],
    /// The server cookie, if there is one.
    pub server: Option<ServerCookie>,
}

/// A server cookie that came with a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerCookie {
    /// One as long as ours are.
    Ours([u8; SERVER_COOKIE]),
    /// One of another length, which cannot be ours.
    Foreign,
}

/// The option's length is none that RFC 7873 §4 knows; the answer is FORMERR (§5.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed COOKIE option")]
pub struct CookieError;

impl QueryCookie {
    /// Reads the data of a query's option: 8 octets of the client and none or 8 to 32 of the server.
    ///
    /// # Errors
    /// Any other length.
    pub fn parse(data: &[u8]) -> Result<Self, CookieError> {
        let (&client, server) = data.split_first_chunk().ok_or(CookieError)?;
        let server = match (server.len(), server.first_chunk()) {
            (0, _) => None,
            (SERVER_COOKIE, Some(&ours)) => Some(ServerCookie::Ours(ours)),
            (8..=32, _) => Some(ServerCookie::Foreign),
            _ => return Err(CookieError),
        };
        Ok(Self { client, server })
    }
}

/// What a server cookie is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The client had it from us, or from a server that shares a secret with us.
    Valid {
        /// Whether it is to be replaced all the same: it is half an hour old, or of a secret on its way out.
        renew: bool,
    },
    /// There is none.
    Missing,
    /// It was made for another client, with another secret, or too long ago.
    Invalid,
}

/// A secret that server cookies are made with (RFC 9018 §4.4).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Secret([u8; 16]);

impl Secret {
    /// The secret of these octets.
    #[must_use]
    pub const fn new(octets: [u8; 16]) -> Self {
        Self(octets)
    }

    /// The hash that ends a server cookie which starts with `head`.
    fn hash(&self, client: &[u8; CLIENT_COOKIE], head: &[u8; 8], source: IpAddr) -> [u8; 8] {
        let mut input = [0; 32];
        input[..8].copy_from_slice(client);
        input[8..16].copy_from_slice(head);
        let len = match source {
            IpAddr::V4(v4) => {
                input[16..20].copy_from_slice(&v4.octets());
                20
            }
            IpAddr::V6(v6) => {
                input[16..].copy_from_slice(&v6.octets());
                32
            }
        };
        SipHasher24::new_with_key(&self.0).hash(&input[..len]).to_le_bytes()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The secrets of a server: one makes cookies, all are accepted (RFC 9018 §5).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Secrets {
    active: Secret,
    others: Box<[Secret]>,
}

impl Secrets {
    /// The secret that makes cookies, and those that are accepted besides: the one before it, or the one to come.
    #[must_use]
    pub fn new(active: Secret, others: impl Into<Box<[Secret]>>) -> Self {
        Self { active, others: others.into() }
    }

    /// Makes a server cookie. `now` is seconds since 1970, of which RFC 9018 §4.3 takes the lower 32 bits.
    #[must_use]
    pub fn make(&self, client: &[u8; CLIENT_COOKIE], source: IpAddr, now: u32) -> [u8; SERVER_COOKIE] {
        let [t0, t1, t2, t3] = now.to_be_bytes();
        let head = [VERSION, 0, 0, 0, t0, t1, t2, t3];
        let mut cookie = [0; SERVER_COOKIE];
        cookie[..8].copy_from_slice(&head);
        cookie[8..].copy_from_slice(&self.active.hash(client, &head, source));
        cookie
    }

    /// Judges the server cookie of a query. The reserved octets may hold anything: they are hashed (RFC 9018 §4.2).
    #[must_use]
    pub fn verify(&self, cookie: &QueryCookie, source: IpAddr, now: u32) -> Verdict {
        let server = match &cookie.server {
            None => return Verdict::Missing,
            Some(ServerCookie::Foreign) => return Verdict::Invalid,
            Some(ServerCookie::Ours(server)) => server,
        };
        let Some((head, hash)) = server.split_first_chunk::<8>() else { return Verdict::Invalid };
        let &[version, _, _, _, t0, t1, t2, t3] = head;
        let age = now.wrapping_sub(u32::from_be_bytes([t0, t1, t2, t3])); // RFC 1982
        if version != VERSION || !(age <= PAST || age.wrapping_neg() <= FUTURE) {
            return Verdict::Invalid;
        }
        let made_with = |secret: &Secret| secret.hash(&cookie.client, head, source) == *hash;
        if made_with(&self.active) {
            return Verdict::Valid { renew: (RENEW..=PAST).contains(&age) };
        }
        if self.others.iter().any(made_with) { Verdict::Valid { renew: true } } else { Verdict::Invalid }
    }

    /// The server cookie of the response: the one that came if it may stay in use, else a new one.
    #[must_use]
    pub fn answer(&self, cookie: &QueryCookie, verdict: Verdict, source: IpAddr, now: u32) -> [u8; SERVER_COOKIE] {
        match (verdict, cookie.server) {
            (Verdict::Valid { renew: false }, Some(ServerCookie::Ours(server))) => server,
            _ => self.make(&cookie.client, source, now),
        }
    }
}

#[cfg(test)]
#[path = "cookie_tests.rs"]
mod tests;
