//! One endpoint's HTTPS server, which can be stopped, broken and started again while clients look.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use super::ca::{CaError, DemoCa, Flaw};

/// Connections of one origin at a time; more wait in the listener's queue.
const MAX_CONNECTIONS: usize = 128;
/// How long one connection may last. A probe that is left hanging gives up long before.
const LONGEST_CONNECTION: Duration = Duration::from_secs(60);
/// A pause after a failed `accept`, so that a lack of file descriptors does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Connections that the kernel queues.
const BACKLOG: u32 = 128;

/// How an origin behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Answers with a good certificate: 200.
    #[default]
    Serving,
    /// Does not listen: connections are refused.
    Stopped,
    /// Accepts connections and stays silent.
    Hang,
    /// Resets each connection after the client's first bytes.
    Reset,
    /// Answers each request with this status.
    Status(u16),
    /// Shows a certificate that has expired.
    Expired,
    /// Shows a certificate for another name.
    WrongName,
    /// Shows a certificate of a CA that is not the demo's.
    UnknownCa,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serving => f.pad("serving"),
            Self::Stopped => f.pad("stopped"),
            Self::Hang => f.pad("hang"),
            Self::Reset => f.pad("reset"),
            Self::Status(status) => f.pad(&status.to_string()),
            Self::Expired => f.pad("expired"),
            Self::WrongName => f.pad("wrong-name"),
            Self::UnknownCa => f.pad("unknown-ca"),
        }
    }
}

/// TLS for one host name: a good certificate and one of each flaw. Origins of one host share it.
pub struct HostTls {
    good: TlsAcceptor,
    expired: TlsAcceptor,
    wrong_name: TlsAcceptor,
    unknown_ca: TlsAcceptor,
}

impl HostTls {
    /// New certificates for `host`.
    ///
    /// # Errors
    /// [`CaError`] if the host cannot stand in a certificate.
    pub fn new(ca: &DemoCa, host: &str) -> Result<Self, CaError> {
        let acceptor = |flaw| Ok::<_, CaError>(TlsAcceptor::from(ca.server_config(host, flaw)?));
        Ok(Self {
            good: acceptor(None)?,
            expired: acceptor(Some(Flaw::Expired))?,
            wrong_name: acceptor(Some(Flaw::WrongName))?,
            unknown_ca: acceptor(Some(Flaw::UnknownCa))?,
        })
    }
}

/// One endpoint's HTTPS server. It ends when it is dropped.
pub struct Origin {
    address: SocketAddr,
    greeting: Arc<str>,
    tls: Arc<HostTls>,
    mode: Mode,
    /// None: stopped.
    running: Option<Running>,
}

struct Running {
    listener: Arc<TcpListener>,
    /// Owns the connections: where it ends, they end.
    accepting: JoinHandle<()>,
}

impl Origin {
    /// Listens at `address` and serves; `greeting` is what it says anywhere but at `/healthz`. Port 0 takes a free one.
    ///
    /// # Errors
    /// If the address is taken or not this machine's; the error says so.
    pub async fn start(address: SocketAddr, greeting: impl Into<Arc<str>>, tls: Arc<HostTls>) -> io::Result<Self> {
        let mut origin = Self { address, greeting: greeting.into(), tls, mode: Mode::Stopped, running: None };
        origin.turn(Mode::Serving).await?;
        Ok(origin)
    }

    /// Where it listens, or did before it was stopped.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How it behaves.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Behaves so from now on; connections of before are cut.
    ///
    /// # Errors
    /// If it was stopped and its address cannot be had again; it stays stopped then.
    pub async fn turn(&mut self, mode: Mode) -> io::Result<()> {
        if mode == self.mode {
            return Ok(());
        }
        let listener = self.pause().await;
        self.mode = Mode::Stopped;
        if mode != Mode::Stopped {
            let listener = match listener {
                Some(listener) => listener,
                None => Arc::new(listen(self.address)?),
            };
            self.address = listener.local_addr()?;
            let accepting = tokio::spawn(accept(Arc::clone(&listener), self.conversation(mode)));
            self.running = Some(Running { listener, accepting });
            self.mode = mode;
        }
        Ok(())
    }

    /// Ends all tasks; the listener, not yet closed, is the caller's.
    async fn pause(&mut self) -> Option<Arc<TcpListener>> {
        let mut running = self.running.take()?;
        running.accepting.abort();
        // Only once the task has ended is its hold on the listener gone. An error says that it was aborted.
        let _ = (&mut running.accepting).await;
        Some(Arc::clone(&running.listener))
    }

    fn conversation(&self, mode: Mode) -> Conversation {
        let page = |status| Page { status, greeting: Arc::clone(&self.greeting) };
        match mode {
            Mode::Hang | Mode::Stopped => Conversation::Silence,
            Mode::Reset => Conversation::Reset,
            Mode::Serving => Conversation::Http(self.tls.good.clone(), page(None)),
            Mode::Status(status) => Conversation::Http(self.tls.good.clone(), page(StatusCode::from_u16(status).ok())),
            Mode::Expired => Conversation::Http(self.tls.expired.clone(), page(None)),
            Mode::WrongName => Conversation::Http(self.tls.wrong_name.clone(), page(None)),
            Mode::UnknownCa => Conversation::Http(self.tls.unknown_ca.clone(), page(None)),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Listens with SO_REUSEADDR: connections of the last run that are still closing do not hold the port.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let bound = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    bound().map_err(|error| explain(address, &error))
}

fn explain(address: SocketAddr, error: &io::Error) -> io::Error {
    let ip = address.ip();
    let hint = if error.kind() == io::ErrorKind::AddrNotAvailable && ip.is_loopback() {
        format!(
            "; Linux has all of 127.0.0.0/8 on its loopback interface, other systems need each address added first, \
             for example with: ifconfig lo0 alias {ip} up"
        )
    } else {
        String::new()
    };
    io::Error::new(error.kind(), format!("cannot listen on {address}: {error}{hint}"))
}

async fn accept(listener: Arc<TcpListener>, conversation: Conversation) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        if connections.len() >= MAX_CONNECTIONS {
            connections.join_next().await;
        }
        match listener.accept().await {
            Ok((stream, _)) => {
                let conversation = conversation.clone();
                connections.spawn(tokio::time::timeout(LONGEST_CONNECTION, conversation.hold(stream)));
            }
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// What is done with each connection. Its errors are the client's to notice.
#[derive(Clone)]
enum Conversation {
    Silence,
    Reset,
    Http(TlsAcceptor, Page),
}

impl Conversation {
    async fn hold(self, stream: TcpStream) {
        match self {
            Self::Silence => stay_silent(stream).await,
            Self::Reset => reset(stream).await,
            Self::Http(tls, page) => serve(stream, &tls, page).await,
        }
    }
}

/// Reads and says nothing, until the client gives up.
async fn stay_silent(mut stream: TcpStream) {
    let mut buffer = [0; 1024];
    while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
}

/// Waits for the client's first bytes, so that the reset meets a client that waits and not one still connecting.
async fn reset(mut stream: TcpStream) {
    let _ = stream.read(&mut [0; 1024]).await;
    let _ = stream.set_zero_linger();
}

async fn serve(stream: TcpStream, tls: &TlsAcceptor, page: Page) {
    let _ = stream.set_nodelay(true);
    let Ok(stream) = tls.accept(stream).await else { return };
    let service = service_fn(|request: Request<Incoming>| {
        let response = page.answer(request.uri().path());
        async { Ok::<_, Infallible>(response) }
    });
    // One request a connection: a client that keeps connections would not see a change of mode.
    let _ = http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(stream), service).await;
}

/// What an origin answers.
#[derive(Clone)]
struct Page {
    /// None: 200.
    status: Option<StatusCode>,
    greeting: Arc<str>,
}

impl Page {
    fn answer(&self, path: &str) -> Response<Full<Bytes>> {
        let text = match (self.status, path) {
            (Some(status), _) => format!("{status}\n"),
            (None, "/healthz") => "ok\n".to_owned(),
            (None, _) => format!("{}\n", self.greeting),
        };
        let mut response = Response::new(Full::from(text));
        *response.status_mut() = self.status.unwrap_or_default();
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loopback_address_that_is_not_up_is_explained() {
        let missing = io::Error::from(io::ErrorKind::AddrNotAvailable);
        let text = |address: &str| explain(address.parse().expect("an address"), &missing).to_string();
        let loopback = text("127.1.0.1:20443");
        assert!(loopback.starts_with("cannot listen on 127.1.0.1:20443: "), "{loopback}");
        assert!(
            loopback.contains("other systems") && loopback.ends_with("ifconfig lo0 alias 127.1.0.1 up"),
            "{loopback}"
        );
        assert!(!text("192.0.2.1:20443").contains("alias"));
    }
}
