//! TLS in front of connections, with certificates that can be replaced.

use super::Limits;
use super::hosted::Certificate;
use super::https::Service;
use super::server::Stop;
use rustls::crypto::aws_lc_rs;
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, SupportedProtocolVersion};
use std::io;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// What is spoken behind TLS on a listener for connections; TLS 1.2 and 1.3.
#[derive(Clone, Debug)]
pub enum Encrypted {
    /// DNS over TLS (RFC 7858).
    Tls(Arc<Certificate>),
    /// DNS over HTTPS (RFC 8484): HTTP/2 and HTTP/1.1, GET and POST.
    Https(Arc<Certificate>),
}

/// What a listener of a thread speaks.
pub(super) enum Speaks {
    Plain,
    Tls(TlsAcceptor),
    Https(TlsAcceptor, Service),
}

impl Encrypted {
    /// What accepts such connections.
    pub(super) fn acceptor(&self) -> io::Result<TlsAcceptor> {
        let (certificate, alpn): (_, &[&[u8]]) = match self {
            Self::Tls(certificate) => (certificate, &[b"dot"]),
            Self::Https(certificate) => (certificate, &[b"h2", b"http/1.1"]),
        };
        let config = server_config(Arc::clone(certificate), alpn, &[&TLS13, &TLS12])?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

/// TLS with aws-lc-rs, which is named so that nothing depends on what else the process has chosen.
pub(super) fn server_config(
    certificate: Arc<Certificate>,
    alpn: &[&[u8]],
    versions: &[&'static SupportedProtocolVersion],
) -> io::Result<ServerConfig> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_cert_resolver(certificate);
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    Ok(config)
}

/// The handshake, in the time that it may take.
pub(super) async fn shake_hands(
    acceptor: &TlsAcceptor,
    stream: TcpStream,
    stop: &Stop,
    limits: &Limits,
) -> io::Result<TlsStream<TcpStream>> {
    let mut stop = stop.clone();
    tokio::select! {
        biased;
        () = stop.signalled() => Err(io::ErrorKind::ConnectionAborted.into()),
        stream = tokio::time::timeout(limits.query, acceptor.accept(stream)) => stream?,
    }
}
