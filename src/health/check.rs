//! What a check is.

use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::FixedState;

/// How to probe, and what makes a verdict of it. Equal checks of one address and port are one target.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Check {
    /// What a probe does.
    pub kind: CheckKind,
    /// From the start of a probe to the start of the next.
    pub interval: Duration,
    /// How long a probe may take in all.
    pub timeout: Duration,
    /// Consecutive failures that turn up into down.
    pub fall: u32,
    /// Consecutive successes that turn down into up.
    pub rise: u32,
    /// From the end of a failure to the next probe, while failures are counted.
    pub recheck: Duration,
}

/// What a probe does.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CheckKind {
    /// Nothing: the target is up.
    None,
    /// A TCP connection is accepted.
    Tcp,
    /// An HTTP request is answered as expected.
    Http(HttpCheck),
    /// The same over TLS, with a certificate that verifies.
    Https(HttpCheck),
}

/// What is asked of an HTTP origin, and what it must say.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HttpCheck {
    /// SNI, Host header, and the name that the certificate must bear. A DNS name, never an address.
    pub host: String,
    /// Path and query.
    pub path: String,
    /// Statuses that count as success.
    pub expect_status: Vec<StatusRange>,
    /// Text that the first 64 KiB of the body must contain.
    pub expect_body: Option<String>,
    /// Certificates (PEM) to trust instead of the system's roots.
    pub ca_pem: Option<Arc<[u8]>>,
}

/// A range of HTTP statuses, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StatusRange {
    /// The lowest.
    pub first: u16,
    /// The highest.
    pub last: u16,
}

/// What is probed: keeps a target's state across reloads, and makes equal targets one.
#[derive(Clone, Debug)]
pub struct ProbeKey {
    /// How.
    pub check: Arc<Check>,
    /// Where.
    pub addr: IpAddr,
    /// At which port; 0 for [`CheckKind::None`].
    pub port: u16,
    /// Hash of all this: a check may hold certificates, and ten thousand targets are looked up for each snapshot.
    hash: u64,
}

impl ProbeKey {
    /// A target.
    #[must_use]
    pub fn new(check: Arc<Check>, addr: IpAddr, port: u16) -> Self {
        let hash = FixedState::with_seed(0).hash_one((&check, addr, port));
        Self { check, addr, port, hash }
    }
}

impl PartialEq for ProbeKey {
    fn eq(&self, other: &Self) -> bool {
        let check = || Arc::ptr_eq(&self.check, &other.check) || self.check == other.check;
        self.hash == other.hash && self.addr == other.addr && self.port == other.port && check()
    }
}

impl Eq for ProbeKey {}

impl Hash for ProbeKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl fmt::Display for ProbeKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} ", SocketAddr::new(self.addr, self.port))?;
        match &self.check.kind {
            CheckKind::None => out.write_str("none"),
            CheckKind::Tcp => out.write_str("tcp"),
            CheckKind::Http(http) => write!(out, "http {}", http.host),
            CheckKind::Https(http) => write!(out, "https {}", http.host),
        }
    }
}
