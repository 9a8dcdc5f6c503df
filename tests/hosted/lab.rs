//! Listeners over the shipped configuration with everything up, certificates for them, and a client of DNS over TLS.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::op::Message;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use windrose::answer::{Reply, Worker, respond};
use windrose::base::Now;
use windrose::net::hosted::{Certificate, Hosted, Protocol, certified_key};
use windrose::net::{Meta, Responder};
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

    pub(crate) fn start(&self, protocol: Protocol) -> Hosted {
        self.try_start("127.0.0.1:0".parse().unwrap(), protocol).unwrap()
    }

    pub(crate) fn try_start(&self, address: SocketAddr, protocol: Protocol) -> std::io::Result<Hosted> {
        let engine = || Engine { snapshot: Arc::clone(&self.snapshot), worker: Worker::new(1) };
        Hosted::start(address, protocol, self.runtime.handle(), engine)
    }

    pub(crate) fn tls(&self) -> Hosted {
        self.start(Protocol::Tls(Arc::clone(&self.certificate)))
    }

    pub(crate) fn https(&self) -> Hosted {
        self.start(Protocol::Https(Arc::clone(&self.certificate)))
    }

    /// A client of DNS over TLS that trusts the lab's certificate.
    pub(crate) fn connect(&self, to: &Hosted) -> Client<'_> {
        let (address, trusted) = (to.address(), vec![self.pair.der()]);
        let connecting = connect(address, trusted, &["dot"], rustls::DEFAULT_VERSIONS);
        Client { stream: self.runtime.block_on(connecting).unwrap(), runtime: &self.runtime }
    }
}

/// Connects with TLS, offering protocols and versions, trusting certificates.
pub(crate) async fn connect(
    address: SocketAddr,
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
    let stream = TcpStream::connect(address).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(HOST).unwrap(), stream).await
}

/// A connection of DNS over TLS.
pub(crate) struct Client<'l> {
    pub(crate) stream: TlsStream<TcpStream>,
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
        self.runtime.block_on(async { tokio::time::timeout(patience, exchange(stream, query)).await.ok()?.ok() })
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

async fn exchange(stream: &mut TlsStream<TcpStream>, query: &[u8]) -> std::io::Result<Vec<u8>> {
    let len = u16::try_from(query.len()).unwrap();
    stream.write_all(&[&len.to_be_bytes(), query].concat()).await?;
    let mut response = vec![0; stream.read_u16().await?.into()];
    stream.read_exact(&mut response).await?;
    Ok(response)
}
