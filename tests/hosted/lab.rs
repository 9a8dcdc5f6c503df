//! Listeners over the shipped configuration with everything up, certificates for them, and a client of TCP and TLS.

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
use windrose::net::hosted::{self, Certificate, Hosted, certified_key};
use windrose::net::{Encrypted, Listening, Meta, Options, Responder, Running};
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

    pub(crate) fn start(&self, protocol: Protocol) -> Listener {
        self.try_start("127.0.0.1:0".parse().unwrap(), protocol).unwrap()
    }

    pub(crate) fn try_start(&self, address: SocketAddr, protocol: Protocol) -> std::io::Result<Listener> {
        let engine = || Engine { snapshot: Arc::clone(&self.snapshot), worker: Worker::new(1) };
        let certificate = || Arc::clone(&self.certificate);
        let host = |protocol| {
            Hosted::start(address, protocol, self.runtime.handle(), engine)
                .map(|hosted| (hosted.address(), Serving::Hosted(hosted)))
        };
        let serve = |encrypted| {
            let running = Running::start(Options { threads: 2, ..Options::default() }, engine)?;
            let listening = running.serve(running.bind_encrypted(address, encrypted)?)?;
            Ok((listening.addresses()[0], Serving::Own(running, listening)))
        };
        let (address, serving) = match protocol {
            Protocol::Dns => host(hosted::Protocol::Dns),
            Protocol::Quic => host(hosted::Protocol::Quic(certificate())),
            Protocol::Tls => serve(Encrypted::Tls(certificate())),
            Protocol::Https => serve(Encrypted::Https(certificate())),
        }?;
        Ok(Listener { address, protocol, serving })
    }

    /// UDP and TCP of hickory-server.
    pub(crate) fn plain(&self) -> Listener {
        self.start(Protocol::Dns)
    }

    pub(crate) fn tls(&self) -> Listener {
        self.start(Protocol::Tls)
    }

    pub(crate) fn https(&self) -> Listener {
        self.start(Protocol::Https)
    }

    /// A client of TCP, or of TLS that trusts the lab's certificate.
    pub(crate) fn connect(&self, to: &Listener) -> Client<'_> {
        let trusted = vec![self.pair.der()];
        let stream: Box<dyn Stream> = self.runtime.block_on(async {
            match to.protocol {
                Protocol::Dns => Box::new(TcpStream::connect(to.address).await.unwrap()) as Box<dyn Stream>,
                _ => Box::new(connect(to.address, trusted, &["dot"], rustls::DEFAULT_VERSIONS).await.unwrap()),
            }
        });
        Client { stream, runtime: &self.runtime }
    }
}

/// What a listener speaks.
#[derive(Clone, Copy)]
pub(crate) enum Protocol {
    Dns,
    Tls,
    Quic,
    Https,
}

/// A listener that is served, by hickory-server or by our own sockets.
pub(crate) struct Listener {
    address: SocketAddr,
    protocol: Protocol,
    serving: Serving,
}

enum Serving {
    Hosted(Hosted),
    Own(Running, Listening),
}

impl Listener {
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn is_serving(&self) -> bool {
        match &self.serving {
            Serving::Hosted(hosted) => hosted.is_serving(),
            Serving::Own(..) => true,
        }
    }

    pub(crate) async fn stop(self, grace: Duration) {
        match self.serving {
            Serving::Hosted(hosted) => hosted.stop(grace).await,
            Serving::Own(_running, listening) => listening.close(grace).await,
        }
    }
}

/// A connection, encrypted or not.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

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

/// A connection of DNS over TCP or TLS.
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

async fn exchange(stream: &mut impl Stream, query: &[u8]) -> std::io::Result<Vec<u8>> {
    let len = u16::try_from(query.len()).unwrap();
    stream.write_all(&[&len.to_be_bytes(), query].concat()).await?;
    let mut response = vec![0; stream.read_u16().await?.into()];
    stream.read_exact(&mut response).await?;
    Ok(response)
}
