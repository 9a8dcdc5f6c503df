//! The HTTP clients that probes share: one for each set of roots, told by each request where to connect.
//!
//! A client of its own for each target would parse the roots anew (2.5 ms and 115 KiB each). So the URL bears the check's
//! host, from which SNI, the Host header and the certificate's name follow, and the address travels beside it as the
//! [`Flight`] of the task.

use std::cell::Cell;
use std::collections::HashMap;
use std::error::Error;
use std::future::ready;
use std::iter::once;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONNECTION, HeaderMap, HeaderValue};
use reqwest::{Client, redirect, retry};
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use tower::util::MapResponseLayer;

use crate::health::Phase;

tokio::task_local! {
    /// The request that this task has under way.
    pub(super) static FLIGHT: Flight;
}

/// One request: where its connection goes, and how far it has come.
pub(super) struct Flight {
    to: SocketAddr,
    phase: Cell<Phase>,
}

impl Flight {
    /// A request that is about to connect.
    pub(super) const fn new(to: SocketAddr) -> Self {
        Self { to, phase: Cell::new(Phase::Connect) }
    }

    /// Notes how far the task's request has come.
    pub(super) fn enter(phase: Phase) {
        // Outside of a probe there is nothing to note.
        let _ = FLIGHT.try_with(|flight| flight.phase.set(phase));
    }

    /// How far the task's request has come.
    pub(super) fn phase() -> Phase {
        FLIGHT.try_with(|flight| flight.phase.get()).unwrap_or(Phase::Connect)
    }
}

/// Whom a client trusts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Trust {
    /// Nobody: it does not speak TLS.
    Nobody,
    /// The system's roots.
    System,
    /// These certificates (PEM).
    Only(Arc<[u8]>),
}

/// The clients in use, made at first need and dropped with their last target.
#[derive(Default)]
pub(super) struct Clients {
    clients: Mutex<HashMap<Trust, Weak<Client>>>,
}

impl Clients {
    /// The client of that trust.
    pub(super) fn get(&self, trust: &Trust) -> Result<Arc<Client>, Box<dyn Error>> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(trust).and_then(Weak::upgrade) {
            return Ok(client);
        }
        let client = Arc::new(build(trust)?);
        clients.retain(|_, client| client.strong_count() > 0);
        clients.insert(trust.clone(), Arc::downgrade(&client));
        Ok(client)
    }
}

/// Makes a client that does exactly what it is told: no pool, proxy, redirect or second attempt.
fn build(trust: &Trust) -> Result<Client, Box<dyn Error>> {
    let close = HeaderMap::from_iter([(CONNECTION, HeaderValue::from_static("close"))]);
    let client = Client::builder()
        .tls_backend_preconfigured(tls_config(trust)?)
        .tls_info(true)
        .dns_resolver(FlightAddress)
        .connector_layer(MapResponseLayer::new(connected))
        .http1_only()
        .user_agent(concat!("windrose-probe/", env!("CARGO_PKG_VERSION")))
        .default_headers(close)
        .referer(false)
        .no_proxy()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .pool_max_idle_per_host(0);
    Ok(client.build()?)
}

/// TLS without resumption: a resumed handshake does not verify the certificate again.
fn tls_config(trust: &Trust) -> Result<ClientConfig, Box<dyn Error>> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let builder = match trust {
        Trust::Nobody => builder.with_root_certificates(RootCertStore::empty()),
        Trust::System => builder.with_platform_verifier()?,
        Trust::Only(pem) => builder.with_root_certificates(roots(pem)?),
    };
    let mut config = builder.with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// The certificates of a PEM file.
fn roots(pem: &[u8]) -> Result<RootCertStore, Box<dyn Error>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        roots.add(certificate?)?;
    }
    if roots.is_empty() { Err("no certificate in the CA file".into()) } else { Ok(roots) }
}

/// Notes that a connection stands.
fn connected<T>(connection: T) -> T {
    Flight::enter(Phase::Response);
    connection
}

/// Resolves every name to the address of the task's flight.
struct FlightAddress;

impl Resolve for FlightAddress {
    fn resolve(&self, _: Name) -> Resolving {
        let address = FLIGHT.try_with(|flight| Box::new(once(flight.to)) as Addrs);
        Box::pin(ready(address.map_err(Into::into)))
    }
}
