//! Listeners over the shipped configuration with everything up, certificates for them, and a client of DNS over TLS and TCP.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::op::Message;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use windrose::answer::{Reply, Worker, respond};
use windrose::base::Now;
use windrose::net::hosted::{Certificate, Hosted, Protocol, certified_key};
use windrose::net::{Encrypted, Limits, Listening, Meta, Options, Responder, Running};
use windrose::snapshot::Snapshot;
use windrose::wire::Rtype;

use crate::support;

/// The name in every certificate.
pub(crate) const HOST: &str = "dns.example.com";
/// How long a response may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long what gets no response is waited for.
const SILENCE: Duration = Duration::from_millis(300);

/// A certificate and its key, in PEM.
pub(crate) struct Pair {
    pub(crate) cert: String,
    pub(crate) key: String,
}

impl Pair {
    pub(crate) fn new() -> Self {
        let made = rcgen::generate_simple_self_signed([HOST.to_owned()]).unwrap();
        Self { cert: made.cert.pem(), key: made.signing_key.serialize_pem() }
    }

    pub(crate) fn certified(&self) -> rustls::sign::CertifiedKey {
        certified_key(self.cert.as_bytes(), self.key.as_bytes()).unwrap()
    }

    pub(crate) fn der(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.cert.as_bytes()).unwrap()
    }
}

/// The engine; names with certain labels get other treatment.
pub(crate) struct Engine {
    snapshot: Arc<Snapshot>,
    worker: Worker,
}

impl Responder for Engine {
    fn start_batch(&mut self) {}

    fn respond(&mut self, query: &[u8], meta: &Meta, out: &mut [u8]) -> Option<usize> {
        let asks = |label: &[u8]| query.windows(label.len()).any(|window| window == label);
        assert!(!asks(b"\x05panic"), "the query asks for it");
        if asks(b"\x04drop") {
            return None;
        }
        if asks(b"\x07garbage") {
            // a header that announces what does not follow
            out[..12].copy_from_slice(&[query[0], query[1], 0x80, 0, 0, 1, 0, 9, 0, 0, 0, 0]);
            return Some(12);
        }
        match respond(&self.snapshot, query, meta, Now::default(), &mut self.worker, out) {
            Reply::Send(len) => Some(len),
            Reply::Drop => None,
        }
    }
}

pub(crate) struct Lab {
    pub(crate) runtime: Runtime,
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) pair: Pair,
    pub(crate) certificate: Arc<Certificate>,
}

impl Lab {
    pub(crate) fn new() -> Self {
        Self::with(support::healthy(support::shipped()))
    }

    pub(crate) fn with(snapshot: Snapshot) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let pair = Pair::new();
        let certificate = Arc::new(Certificate::new(pair.certified()));
        Self { runtime, snapshot: Arc::new(snapshot), pair, certificate }
    }

    fn engine(&self) -> impl Fn() -> Engine + use<> {
        let snapshot = Arc::clone(&self.snapshot);
        move || Engine { snapshot: Arc::clone(&snapshot), worker: Worker::new(1) }
    }

    /// hickory-server on an address.
    pub(crate) fn try_start(&self, address: SocketAddr, protocol: Protocol) -> std::io::Result<Hosted> {
        Hosted::start(address, protocol, self.runtime.handle(), self.engine())
    }

    /// hickory-server over UDP and TCP.
    pub(crate) fn dns(&self) -> Hosted {
        self.try_start("127.0.0.1:0".parse().unwrap(), Protocol::Dns).unwrap()
    }

    /// TLS or HTTPS on an address.
    pub(crate) fn try_encrypted(&self, address: SocketAddr, by: Encrypted, limits: Limits) -> std::io::Result<Served> {
        let running = Running::start(Options { threads: 2, limits, ..Options::default() }, self.engine())?;
        let listening = running.serve(running.bind_encrypted(address, by)?)?;
        Ok(Served { listening, running })
    }

    pub(crate) fn tls(&self) -> Served {
        let by = Encrypted::Tls(Arc::clone(&self.certificate));
        self.try_encrypted("127.0.0.1:0".parse().unwrap(), by, Limits::default()).unwrap()
    }

    pub(crate) fn https(&self) -> Served {
        self.limited_https(Limits::default())
    }

    pub(crate) fn limited_https(&self, limits: Limits) -> Served {
        let by = Encrypted::Https(Arc::clone(&self.certificate));
        self.try_encrypted("127.0.0.1:0".parse().unwrap(), by, limits).unwrap()
    }

    /// A client of DNS over TLS that trusts the lab's certificate.
    pub(crate) fn connect(&self, to: &Served) -> Client<'_> {
        let connecting = connect(to.address(), vec![self.pair.der()], &["dot"], rustls::DEFAULT_VERSIONS);
        Client { stream: Box::new(self.runtime.block_on(connecting).unwrap()), runtime: &self.runtime }
    }

    /// A client over TCP.
    pub(crate) fn connect_plainly(&self, to: &Hosted) -> Client<'_> {
        let stream = self.runtime.block_on(TcpStream::connect(to.address())).unwrap();
        Client { stream: Box::new(stream), runtime: &self.runtime }
    }
}

/// A listener of our own for TLS or HTTPS.
pub(crate) struct Served {
    pub(crate) listening: Listening,
    pub(crate) running: Running,
}

impl Served {
    pub(crate) fn address(&self) -> SocketAddr {
        self.listening.addresses()[0]
    }
}

/// Connects with TLS, offering protocols and versions, trusting certificates.
pub(crate) async fn connect(
    address: SocketAddr,
    trusted: Vec<CertificateDer<'static>>,
    alpn: &[&str],
    versions: &[&'static SupportedProtocolVersion],
) -> std::io::Result<TlsStream<TcpStream>> {
    connect_over(TcpStream::connect(address).await?, trusted, alpn, versions).await
}

/// The same over a connection that stands.
pub(crate) async fn connect_over(
    stream: TcpStream,
    trusted: Vec<CertificateDer<'static>>,
    alpn: &[&str],
    versions: &[&'static SupportedProtocolVersion],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(trusted);
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(HOST).unwrap(), stream).await
}

/// A connection, encrypted or not.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A connection that carries DNS messages.
pub(crate) struct Client<'l> {
    stream: Box<dyn Stream>,
    runtime: &'l Runtime,
}

impl Client<'_> {
    /// The response's octets.
    pub(crate) fn ask(&mut self, query: &[u8]) -> Vec<u8> {
        self.try_ask(query, PATIENCE).expect("a response")
    }

    /// Whether a query gets no response.
    pub(crate) fn is_ignored(&mut self, query: &[u8]) -> bool {
        self.try_ask(query, SILENCE).is_none()
    }

    fn try_ask(&mut self, query: &[u8], patience: Duration) -> Option<Vec<u8>> {
        let stream = &mut self.stream;
        self.runtime.block_on(async { tokio::time::timeout(patience, exchange(&mut **stream, query)).await.ok()?.ok() })
    }

    /// The response to a question.
    pub(crate) fn message(&mut self, name: &str, rtype: Rtype) -> Message {
        let response = self.ask(&support::query(name, rtype, None));
        Message::from_vec(&response).unwrap()
    }

    /// Whether the other side has closed the connection, or does so soon.
    pub(crate) fn is_closed(&mut self) -> bool {
        let stream = &mut self.stream;
        self.runtime.block_on(async {
            let read = tokio::time::timeout(PATIENCE, stream.read_u8()).await;
            read.is_ok_and(|read| read.is_err())
        })
    }
}

async fn exchange(stream: &mut dyn Stream, query: &[u8]) -> std::io::Result<Vec<u8>> {
    let len = u16::try_from(query.len()).unwrap();
    stream.write_all(&[&len.to_be_bytes(), query].concat()).await?;
    let mut response = vec![0; stream.read_u16().await?.into()];
    stream.read_exact(&mut response).await?;
    Ok(response)
}
