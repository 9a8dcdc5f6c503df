//! A TLS client that says what it saw.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::demo::DemoCa;

pub(super) const HOST: &str = "www.example.com";
/// How long a client waits before it calls a server silent.
pub(super) const PATIENCE: Duration = Duration::from_millis(300);

/// What a client sees of an origin.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Refused,
    Reset,
    Silence,
    Expired,
    WrongName,
    UnknownCa,
    Page(u16, String),
    Other(String),
}

impl From<io::Error> for Seen {
    fn from(error: io::Error) -> Self {
        let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match (error.kind(), tls) {
            (io::ErrorKind::ConnectionRefused, _) => Self::Refused,
            (io::ErrorKind::ConnectionReset, _) => Self::Reset,
            (_, Some(rustls::Error::InvalidCertificate(reason))) => match reason {
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => Self::WrongName,
                CertificateError::UnknownIssuer => Self::UnknownCa,
                other => Self::Other(other.to_string()),
            },
            _ => Self::Other(error.to_string()),
        }
    }
}

/// Asks for a page by TLS and HTTP written by hand.
pub(super) async fn look_for(address: SocketAddr, ca: &DemoCa, path: &str) -> Seen {
    match tokio::time::timeout(PATIENCE, request(address, ca, path)).await {
        Ok(Ok(seen)) => seen,
        Ok(Err(error)) => error.into(),
        Err(_) => Seen::Silence,
    }
}

pub(super) async fn look(address: SocketAddr, ca: &DemoCa) -> Seen {
    look_for(address, ca, "/healthz").await
}

async fn request(address: SocketAddr, ca: &DemoCa, path: &str) -> io::Result<Seen> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca.pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let connector = TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth()));
    let stream = TcpStream::connect(address).await?;
    let mut stream = connector.connect(ServerName::try_from(HOST).unwrap(), stream).await?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n").as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    Ok(Seen::Page(head["HTTP/1.1 ".len()..][..3].parse().unwrap(), body.to_owned()))
}

/// A page, as [`look`] sees it.
pub(super) fn page(status: u16, body: &str) -> Seen {
    Seen::Page(status, body.to_owned())
}
