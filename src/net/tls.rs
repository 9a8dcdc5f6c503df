//! What is spoken on a connection, and the beginning of TLS.

use super::hosted::Certificate;
use super::stream::Pipe;
use super::tcp::Guest;
use super::{Responder, Transport};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::version::{TLS12, TLS13};
use std::io;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// What an encrypted listener speaks.
#[derive(Clone, Debug)]
pub enum Encrypted {
    /// DNS over TLS (RFC 7858), TLS 1.2 and 1.3.
    Tls(Arc<Certificate>),
    /// DNS over HTTPS (RFC 8484) at `/dns-query`: GET and POST, HTTP/2 and HTTP/1.1.
    Https(Arc<Certificate>),
}

/// What is spoken on the connections of a listener.
#[derive(Clone)]
pub(super) enum Speak {
    Dns,
    Tls(TlsAcceptor),
    Https(TlsAcceptor),
}

impl Speak {
    pub(super) const fn transport(&self) -> Transport {
        match self {
            Self::Dns => Transport::Tcp,
            Self::Tls(_) => Transport::Tls,
            Self::Https(_) => Transport::Https,
        }
    }

    /// Its name in an error.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Dns => "TCP",
            Self::Tls(_) => "TLS",
            Self::Https(_) => "HTTPS",
        }
    }
}

impl TryFrom<Encrypted> for Speak {
    type Error = io::Error;

    fn try_from(encrypted: Encrypted) -> io::Result<Self> {
        Ok(match encrypted {
            Encrypted::Tls(certificate) => Self::Tls(acceptor(certificate, &["dot"])?),
            Encrypted::Https(certificate) => Self::Https(acceptor(certificate, &["h2", "http/1.1"])?),
        })
    }
}

/// TLS with aws-lc-rs, which is named so that nothing depends on what else the process has chosen.
fn acceptor(certificate: Arc<Certificate>, alpn: &[&str]) -> io::Result<TlsAcceptor> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_cert_resolver(certificate);
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// The handshake; none where the client fails, is too slow, or the server stops.
pub(super) async fn shake_hands<R: Responder>(
    stream: TcpStream,
    acceptor: &TlsAcceptor,
    guest: &Guest<R>,
) -> Option<TlsStream<TcpStream>> {
    let mut stop = guest.desk.stop.clone();
    tokio::select! {
        biased;
        () = stop.signalled() => None,
        shaken = tokio::time::timeout(guest.limits.read_timeout, acceptor.accept(stream)) => shaken.ok()?.ok(),
    }
}

impl Pipe for TlsStream<TcpStream> {
    fn socket(&self) -> &TcpStream {
        self.get_ref().0
    }
}
