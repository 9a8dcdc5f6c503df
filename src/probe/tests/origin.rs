//! Origins to probe: real sockets and real TLS, which answer as they are told.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;

/// What an origin does with a connection.
#[derive(Clone)]
pub(super) enum Manner {
    /// Reads a request, writes these bytes and closes.
    Reply(Vec<u8>),
    /// Reads a request, writes these bytes and waits.
    Stall(Vec<u8>),
    /// Waits without a word, not even of TLS.
    Hang,
    /// Closes at once.
    Close,
    /// Resets at once.
    Reset,
}

/// A reply with that status and body.
pub(super) fn reply(status: &str, body: &str) -> Manner {
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nlocation: http://127.0.0.1:1/\r\n\r\n", body.len());
    Manner::Reply((head + body).into_bytes())
}

/// What an origin was asked: the name in TLS, and the request's head.
type Asked = Arc<Mutex<Vec<(Option<String>, String)>>>;

/// A server on the loopback, until it is dropped.
pub(super) struct Origin {
    pub(super) addr: SocketAddr,
    pub(super) asked: Asked,
    open: Arc<AtomicUsize>,
    task: AbortHandle,
}

impl Origin {
    /// An origin without TLS.
    pub(super) async fn plain(manner: Manner) -> Self {
        Self::start(manner, None).await
    }

    /// An origin with TLS.
    pub(super) async fn tls(manner: Manner, config: ServerConfig) -> Self {
        Self::start(manner, Some(TlsAcceptor::from(Arc::new(config)))).await
    }

    /// Connections that are open now.
    pub(super) fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    async fn start(manner: Manner, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let addr = listener.local_addr().expect("bound");
        let (asked, open) = (Asked::default(), Arc::new(AtomicUsize::new(0)));
        let connection = Connection { manner, tls, asked: Arc::clone(&asked), open: Arc::clone(&open) };
        let accept = async move {
            while let Ok((stream, _)) = listener.accept().await {
                let connection = connection.clone();
                connection.open.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    // The other side may leave at any point.
                    let _ = connection.serve(stream).await;
                    connection.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        };
        Self { addr, asked, open, task: tokio::spawn(accept).abort_handle() }
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Clone)]
struct Connection {
    manner: Manner,
    tls: Option<TlsAcceptor>,
    asked: Asked,
    open: Arc<AtomicUsize>,
}

impl Connection {
    async fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        match (&self.manner, &self.tls) {
            (Manner::Close, _) => Ok(()),
            (Manner::Reset, _) => stream.set_zero_linger(),
            (Manner::Hang, _) => drain(&mut stream).await,
            (Manner::Reply(bytes) | Manner::Stall(bytes), None) => self.answer(stream, None, bytes).await,
            (Manner::Reply(bytes) | Manner::Stall(bytes), Some(tls)) => {
                let stream = tls.accept(stream).await?;
                let name = stream.get_ref().1.server_name().map(str::to_owned);
                self.answer(stream, name, bytes).await
            }
        }
    }

    async fn answer<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        mut stream: S,
        name: Option<String>,
        bytes: &[u8],
    ) -> io::Result<()> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await?);
        }
        self.asked.lock().expect("whole").push((name, String::from_utf8_lossy(&head).into_owned()));
        stream.write_all(bytes).await?;
        stream.flush().await?;
        if matches!(self.manner, Manner::Stall(_)) { drain(&mut stream).await } else { stream.shutdown().await }
    }
}

/// Reads until the other side leaves.
async fn drain<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<()> {
    let mut bytes = [0; 1024];
    while stream.read(&mut bytes).await? > 0 {}
    Ok(())
}

/// A certificate authority of its own.
pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("random bytes");
        Self(CertifiedIssuer::self_signed(params, key).expect("a valid request"))
    }

    /// What a check trusts.
    pub(super) fn pem(&self) -> Arc<[u8]> {
        self.0.pem().into_bytes().into()
    }

    /// TLS with a certificate for a name, valid from one year to another.
    pub(super) fn certify(&self, name: &str, years: (i32, i32)) -> ServerConfig {
        let mut params = CertificateParams::new([name.to_owned()]).expect("a DNS name");
        params.not_before = date_time_ymd(years.0, 1, 1);
        params.not_after = date_time_ymd(years.1, 1, 1);
        let key = KeyPair::generate().expect("random bytes");
        let certificate = params.signed_by(&key, &self.0).expect("a valid request");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions of the provider")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("a matching key")
    }
}
