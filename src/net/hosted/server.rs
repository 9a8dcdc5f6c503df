//! A listener: start and stop.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hickory_server::Server;
use rustls::ServerConfig;
use rustls::version::TLS13;
use tokio::net::{TcpListener, UdpSocket};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{Certificate, Handler, listen};
use crate::net::Responder;
use crate::net::server::REFRESH;
use crate::net::tls::server_config;

/// How long a handshake may take, and how long a connection may be idle (RFC 7766 §6.2.3).
const IDLE: Duration = Duration::from_secs(10);
/// Responses that may wait to be written to a TCP connection. It takes its queries one after the other, so there are few.
const WAITING: usize = 32;

/// What a listener speaks.
#[derive(Clone, Debug)]
pub enum Protocol {
    /// UDP and TCP, on one port.
    Dns,
    /// DNS over QUIC (RFC 9250).
    Quic(Arc<Certificate>),
}

/// A listener that is served. Dropping it stops it, without waiting; others are not touched.
#[derive(Debug)]
pub struct Hosted {
    address: SocketAddr,
    is_quic: bool,
    /// Dropping it is the signal to stop.
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Hosted {
    /// Opens the sockets and serves them on a runtime; `make_responder` is called once for each of its threads.
    ///
    /// # Errors
    /// The sockets cannot be opened: the error names the address and says what to do.
    pub fn start<R: Responder>(
        address: SocketAddr,
        protocol: Protocol,
        runtime: &Handle,
        make_responder: impl Fn() -> R,
    ) -> io::Result<Self> {
        let _inside = runtime.enter();
        let is_quic = matches!(protocol, Protocol::Quic(_));
        let bound = Bound::open(address, protocol)?;
        let address = bound.address()?;
        let workers = runtime.metrics().num_workers();
        let handler = Handler::new(address.ip(), workers, make_responder);
        let refresh = handler.refresher();
        let mut server = Server::new(handler);
        bound.register(&mut server)?;
        let (stop, signal) = oneshot::channel();
        let task = runtime.spawn(serve(server, signal, refresh));
        Ok(Self { address, is_quic, stop, task })
    }

    /// The address, with the port that was chosen where port 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether it still serves: hickory-server gives a socket up where the system says that it is not connected or that
    /// a connection was aborted.
    pub fn is_serving(&self) -> bool {
        !self.task.is_finished()
    }

    /// Stops: nothing more is accepted, connections are closed. Returns when the sockets are, or after `grace`.
    pub async fn stop(self, grace: Duration) {
        let Self { address, is_quic, stop, mut task } = self;
        drop(stop);
        let closed = async {
            let _ = (&mut task).await;
            if is_quic {
                listen::closed(address).await;
            }
        };
        if tokio::time::timeout(grace, closed).await.is_err() {
            task.abort();
        }
    }
}

/// Serves until the signal, or until the sockets have failed.
async fn serve<R: Responder>(mut server: Server<Handler<R>>, signal: oneshot::Receiver<()>, refresh: impl Fn()) {
    let refreshing = async {
        let mut tick = tokio::time::interval(REFRESH);
        loop {
            tick.tick().await;
            refresh();
        }
    };
    tokio::select! {
        _ = signal => {}
        () = refreshing => {}
        // `is_serving` says so
        _ = server.block_until_done() => {}
    }
    let _ = server.shutdown_gracefully().await;
}

/// Open sockets, and how TLS is spoken there.
enum Bound {
    Dns(UdpSocket, TcpListener),
    Quic(UdpSocket, Arc<ServerConfig>),
}

impl Bound {
    fn open(address: SocketAddr, protocol: Protocol) -> io::Result<Self> {
        Ok(match protocol {
            Protocol::Dns => {
                let (udp, tcp) = listen::both(address)?;
                Self::Dns(UdpSocket::from_std(udp)?, TcpListener::from_std(tcp)?)
            }
            Protocol::Quic(certificate) => {
                let socket = UdpSocket::from_std(listen::datagram(address, "QUIC")?)?;
                // RFC 9001 §4.2: no earlier version
                Self::Quic(socket, Arc::new(server_config(certificate, &[b"doq"], &[&TLS13])?))
            }
        })
    }

    fn address(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Dns(_, tcp) => tcp.local_addr(),
            Self::Quic(udp, _) => udp.local_addr(),
        }
    }

    fn register<R: Responder>(self, server: &mut Server<Handler<R>>) -> io::Result<()> {
        match self {
            Self::Dns(udp, tcp) => {
                server.register_socket(udp);
                server.register_listener(tcp, IDLE, WAITING);
                Ok(())
            }
            Self::Quic(udp, config) => {
                server.register_quic_listener_and_tls_config(udp, IDLE, config).map_err(io::Error::other)
            }
        }
    }
}
