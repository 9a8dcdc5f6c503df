//! HTTPS origins on loopback addresses, each of which can be stopped and broken.

use std::convert::Infallible;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use super::ca::{Authority, DemoError};
use super::prepare::Planned;

/// How an origin behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// As it should.
    Serving,
    /// Nothing listens: connections are refused.
    Stopped,
    /// Connections are accepted and nothing follows.
    Hang,
    /// Connections are accepted and reset.
    Reset,
    /// Every request is answered with status 500.
    Status500,
    /// The certificate has expired.
    Expired,
    /// The certificate is for another name.
    WrongName,
    /// The certificate is by an authority that nobody trusts.
    UnknownCa,
}

/// How the modes are called in scripts and in the table.
pub(super) const MODES: [(&str, Mode); 8] = [
    ("serving", Mode::Serving),
    ("stopped", Mode::Stopped),
    ("hang", Mode::Hang),
    ("reset", Mode::Reset),
    ("500", Mode::Status500),
    ("expired", Mode::Expired),
    ("wrong-name", Mode::WrongName),
    ("unknown-ca", Mode::UnknownCa),
];

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MODES.iter().find(|(_, mode)| mode == self).map_or("", |(name, _)| name))
    }
}

/// How long a hanging connection is kept: longer than any check waits.
const HANG: Duration = Duration::from_secs(60);
/// Connections that one origin keeps at a time; the oldest give way.
const CONNECTIONS: usize = 256;

/// One endpoint's HTTPS server.
pub struct Origin {
    /// The region it stands in.
    pub region: String,
    /// The endpoint's name.
    pub endpoint: String,
    /// Where it listens.
    pub addr: SocketAddr,
    mode: watch::Sender<Mode>,
    servers: Arc<Servers>,
    task: Option<JoinHandle<()>>,
}

/// A TLS server for each state of certificate.
struct Servers {
    good: Arc<ServerConfig>,
    expired: Arc<ServerConfig>,
    wrong_name: Arc<ServerConfig>,
    unknown_ca: Arc<ServerConfig>,
}

/// The origins of the demo.
pub struct Origins {
    /// In the order of the configuration.
    pub origins: Vec<Origin>,
}

/// Attempts to find a port that is free at every address.
const PORT_ATTEMPTS: usize = 20;

impl Origins {
    /// Starts an origin for every planned endpoint, all at one port that is free.
    ///
    /// # Errors
    /// Where certificates cannot be made or sockets not be opened.
    pub async fn start(planned: &[Planned], host: &str, authority: &Authority) -> Result<Self, DemoError> {
        let stranger = Authority::new("an authority that nobody trusts")?;
        let servers = Arc::new(Servers {
            good: authority.server(host, 2020, 2100)?,
            expired: authority.server(host, 2020, 2021)?,
            wrong_name: authority.server("another-name.example.net", 2020, 2100)?,
            unknown_ca: stranger.server(host, 2020, 2100)?,
        });
        let listeners = listeners(planned).await?;
        let origin = |(planned, listener): (&Planned, TcpListener)| {
            let addr = listener.local_addr().map_err(|error| failed("cannot read a socket's address", error))?;
            let (mode, _) = watch::channel(Mode::Serving);
            let (region, endpoint) = (planned.region.clone(), planned.endpoint.clone());
            let mut origin = Origin { region, endpoint, addr, mode, servers: Arc::clone(&servers), task: None };
            origin.run(listener);
            Ok(origin)
        };
        let origins: Result<Vec<Origin>, DemoError> = planned.iter().zip(listeners).map(origin).collect();
        Ok(Self { origins: origins? })
    }

    /// The port of all of them.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.origins.first().map_or(0, |origin| origin.addr.port())
    }

    /// What commands may name: regions, endpoints, `all`.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for name in self.origins.iter().flat_map(|origin| [&origin.region, &origin.endpoint]) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        names.push("all".into());
        names
    }

    /// Changes how a region, an endpoint or all behave.
    ///
    /// # Errors
    /// Where a stopped one cannot listen again.
    pub async fn set(&mut self, what: &str, mode: Mode) -> Result<(), DemoError> {
        let named = |origin: &&mut Origin| what == "all" || origin.region == what || origin.endpoint == what;
        for origin in self.origins.iter_mut().filter(named) {
            origin.set(mode).await?;
        }
        Ok(())
    }
}

fn failed(what: impl Into<String>, error: std::io::Error) -> DemoError {
    DemoError::Io { what: what.into(), error }
}

async fn listeners(planned: &[Planned]) -> Result<Vec<TcpListener>, DemoError> {
    let mut last = None;
    for _ in 0..PORT_ATTEMPTS {
        match listeners_at_one_port(planned).await {
            Ok(listeners) => return Ok(listeners),
            Err((addr, error)) => last = Some((addr, error)),
        }
    }
    let (addr, error) = last.ok_or(DemoError::Shipped("endpoint to start an origin for"))?;
    let hint = "the demo needs the addresses 127.1.0.1 to 127.3.0.2, which Linux has and other systems may not";
    Err(failed(format!("cannot listen on {addr} ({hint})"), error))
}

async fn listeners_at_one_port(planned: &[Planned]) -> Result<Vec<TcpListener>, (IpAddr, std::io::Error)> {
    let (mut listeners, mut port) = (Vec::new(), 0);
    for planned in planned {
        let bound = TcpListener::bind((planned.address, port)).await;
        let listener = bound.map_err(|error| (planned.address, error))?;
        port = listener.local_addr().map_err(|error| (planned.address, error))?.port();
        listeners.push(listener);
    }
    Ok(listeners)
}

impl Origin {
    /// How it behaves.
    #[must_use]
    pub fn mode(&self) -> Mode {
        *self.mode.borrow()
    }

    /// Changes how it behaves, for new connections; old ones end.
    ///
    /// # Errors
    /// Where it was stopped and cannot listen again.
    pub async fn set(&mut self, mode: Mode) -> Result<(), DemoError> {
        if let Some(task) = self.task.take() {
            task.abort();
            let _ = task.await; // aborted: ends in an error by design
        }
        self.mode.send_replace(mode);
        if mode != Mode::Stopped {
            let listener = TcpListener::bind(self.addr).await;
            self.run(listener.map_err(|error| failed(format!("cannot listen on {} again", self.addr), error))?);
        }
        Ok(())
    }

    fn run(&mut self, listener: TcpListener) {
        let (mode, servers) = (self.mode(), Arc::clone(&self.servers));
        let greeting: Arc<str> = format!("{} in {}\n", self.endpoint, self.region).into();
        self.task = Some(tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let Ok((stream, _)) = listener.accept().await else {
                    tokio::time::sleep(Duration::from_millis(100)).await; // out of descriptors, as a rule
                    continue;
                };
                while connections.try_join_next().is_some() {}
                if connections.len() < CONNECTIONS {
                    connections.spawn(connection(stream, mode, Arc::clone(&servers), Arc::clone(&greeting)));
                }
            }
        }));
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

async fn connection(stream: TcpStream, mode: Mode, servers: Arc<Servers>, greeting: Arc<str>) {
    let server = match mode {
        Mode::Hang => return tokio::time::sleep(HANG).await,
        Mode::Reset => return reset(&stream),
        Mode::Stopped => return,
        Mode::Serving | Mode::Status500 => &servers.good,
        Mode::Expired => &servers.expired,
        Mode::WrongName => &servers.wrong_name,
        Mode::UnknownCa => &servers.unknown_ca,
    };
    // a client that does not like the certificate hangs up, and that is the demo's business
    let Ok(stream) = TlsAcceptor::from(Arc::clone(server)).accept(stream).await else { return };
    let service = service_fn(move |request| respond(request, mode, Arc::clone(&greeting)));
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// Closes with RST instead of FIN.
fn reset(stream: &TcpStream) {
    let _ = socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

async fn respond(
    request: Request<Incoming>,
    mode: Mode,
    greeting: Arc<str>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (status, body) = match (mode, request.uri().path()) {
        (Mode::Status500, _) => (StatusCode::INTERNAL_SERVER_ERROR, Bytes::from_static(b"broken\n")),
        (_, "/healthz") => (StatusCode::OK, Bytes::from_static(b"ok\n")),
        _ => (StatusCode::OK, Bytes::copy_from_slice(greeting.as_bytes())),
    };
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    Ok(response)
}
