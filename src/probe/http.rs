//! Checks of kind `http` and `https`: a request is answered as expected.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::tls::TlsInfo;
use reqwest::{Client, Response, Url};
use tokio::time::{Instant, timeout};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::client::{Clients, FLIGHT, Flight, Trust};
use super::reason::outcome_of;
use super::target::{Probe, Running};
use crate::health::{CheckKind, HttpCheck, Outcome, Phase, ProbeKey, Reason};

/// Bytes of a body that are looked at.
const BODY_LIMIT: usize = 64 * 1024;

/// Asks one address for one page.
pub(super) struct HttpProbe {
    client: Arc<Client>,
    url: Url,
    to: SocketAddr,
    timeout: Duration,
    http: HttpCheck,
}

impl HttpProbe {
    /// A probe of that target; an error where the check cannot be run here.
    pub(super) fn new(key: &ProbeKey, http: &HttpCheck, clients: &Clients) -> Result<Self, Box<dyn Error>> {
        let (scheme, trust) = match (&key.check.kind, &http.ca_pem) {
            (CheckKind::Https(_), Some(pem)) => ("https", Trust::Only(Arc::clone(pem))),
            (CheckKind::Https(_), None) => ("https", Trust::System),
            _ => ("http", Trust::Nobody),
        };
        let url = Url::parse(&format!("{scheme}://{}:{}{}", http.host, key.port, http.path))?;
        // The client would connect to an address in the URL itself, not to the target's.
        url.domain().ok_or("the host of a check is a DNS name")?;
        let to = SocketAddr::new(key.addr, key.port);
        Ok(Self { client: clients.get(&trust)?, url, to, timeout: key.check.timeout, http: http.clone() })
    }

    /// The request and what comes back.
    async fn exchange(&self) -> Outcome {
        let start = Instant::now();
        let mut response = match self.client.get(self.url.clone()).send().await {
            Ok(response) => response,
            Err(error) => return self.failed(&error),
        };
        let status = response.status().as_u16();
        if !self.http.expect_status.iter().any(|range| (range.first..=range.last).contains(&status)) {
            return Outcome::Failure(Reason::Status(status));
        }
        if let Some(text) = &self.http.expect_body {
            match body_contains(&mut response, text.as_bytes()).await {
                Ok(true) => {}
                Ok(false) => return Outcome::Failure(Reason::Body),
                Err(error) => return self.failed(&error),
            }
        }
        Outcome::Success { latency: start.elapsed().into(), certificate_expiry: certificate_expiry(&response) }
    }

    /// What an error of the client says; one of neither the network nor TLS is about HTTP itself.
    fn failed(&self, error: &reqwest::Error) -> Outcome {
        outcome_of(error, self.to, Flight::phase()).unwrap_or(Outcome::Failure(Reason::Closed))
    }
}

impl Probe for HttpProbe {
    fn run(&self) -> Running<'_> {
        Box::pin(FLIGHT.scope(Flight::new(self.to), async move {
            let outcome = timeout(self.timeout, self.exchange()).await;
            outcome.unwrap_or_else(|_| Outcome::Failure(Reason::Timeout(Flight::phase())))
        }))
    }
}

/// Whether the first 64 KiB of the body contain a text; reads no further than it must.
async fn body_contains(response: &mut Response, text: &[u8]) -> Result<bool, reqwest::Error> {
    Flight::enter(Phase::Body);
    let (mut body, mut searched) = (Vec::new(), 0);
    loop {
        if contains(&body[searched..], text) {
            return Ok(true);
        }
        searched = (body.len() + 1).saturating_sub(text.len());
        let room = BODY_LIMIT - body.len();
        if room == 0 {
            return Ok(false);
        }
        match response.chunk().await? {
            Some(chunk) => body.extend_from_slice(&chunk[..chunk.len().min(room)]),
            None => return Ok(false),
        }
    }
}

/// Whether some bytes contain others.
fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    wanted.is_empty() || bytes.windows(wanted.len()).any(|window| window == wanted)
}

/// When the certificate of a response expires, in seconds since 1970-01-01 UTC.
fn certificate_expiry(response: &Response) -> Option<u64> {
    let leaf = response.extensions().get::<TlsInfo>()?.peer_certificate()?;
    let (_, certificate) = X509Certificate::from_der(leaf).ok()?;
    certificate.validity().not_after.timestamp().try_into().ok()
}
