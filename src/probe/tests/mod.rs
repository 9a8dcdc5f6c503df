//! Probes against real origins, and the poller over many targets.

mod origin;
mod outcomes;
mod polling;

use std::sync::Arc;
use std::time::Duration;

use crate::health::{Check, CheckKind, HttpCheck, StatusRange};

/// The name that checks ask for.
const HOST: &str = "www.example.com";

/// A check of that kind with short times.
fn check(kind: CheckKind) -> Check {
    Check {
        kind,
        interval: Duration::from_millis(1000),
        timeout: Duration::from_millis(200),
        fall: 2,
        rise: 2,
        recheck: Duration::from_millis(50),
    }
}

/// Asks for `/healthz?x=1` and expects a 2xx, from an origin that this authority vouches for.
fn http(ca_pem: Option<Arc<[u8]>>) -> HttpCheck {
    HttpCheck {
        host: HOST.to_owned(),
        path: "/healthz?x=1".to_owned(),
        expect_status: vec![StatusRange { first: 200, last: 299 }],
        expect_body: None,
        ca_pem,
    }
}
