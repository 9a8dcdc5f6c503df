//! A listener: start and stop.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hickory_server::Server;
use rustls::crypto::aws_lc_rs;
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, SupportedProtocolVersion};
use tokio::net::{TcpListener, UdpSocket};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{Certificate, Handler, listen};
use crate::net::Responder;

/// How long a handshake may take, and how long a connection may be idle (RFC 7766 §6.2.3).
const IDLE: Duration = Duration::from_secs(10);
/// Responses that may wait to be written to a TCP connection. It takes its queries one after the other, so there are few.
const WAITING: usize = 32;
/// Where HTTPS is asked (RFC 8484 §4.1.1; the path is what most resolvers are configured with).
const HTTPS_PATH: &str = "/dns-query";

/// What a listener speaks.
#[derive(Clone, Debug)]
pub enum Protocol {
    /// UDP and TCP, on one port.
    Dns,
    /// DNS over TLS (RFC 7858), TLS 1.2 and 1.3.
    Tls(Arc<Certificate>),
    /// DNS over QUIC (RFC 9250).
    Quic(Arc<Certificate>),
    /// DNS over HTTPS (RFC 8484): HTTP/2, POST to `/dns-query`.
    Https(Arc<Certificate>),
}

/// A listener that is served. Dropping it stops it, without waiting; others are not touched.
#[derive(Debug)]
pub struct Hosted {
    address: SocketAddr,
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
        let workers = runtime.metrics().num_workers();
        let mut server = Server::new(Handler::new(address.ip(), workers, make_responder));
        let address = register(&mut server, address, protocol)?;
        let (stop, signal) = oneshot::channel();
        let task = runtime.spawn(serve(server, signal));
        Ok(Self { address, stop, task })
    }

    /// The address, with the port that was chosen where port 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether it still serves: a socket that the system has given up ends it, which hickory-server logs.
    pub fn is_serving(&self) -> bool {
        !self.task.is_finished()
    }

    /// Stops: nothing more is accepted, connections are closed. Returns when the sockets are, or after `grace`.
    pub async fn stop(self, grace: Duration) {
        let Self { stop, mut task, .. } = self;
        drop(stop);
        if tokio::time::timeout(grace, &mut task).await.is_err() {
            task.abort();
        }
    }
}

/// Serves until the signal, or until the sockets have failed.
async fn serve<R: Responder>(mut server: Server<Handler<R>>, signal: oneshot::Receiver<()>) {
    tokio::select! {
        _ = signal => {}
        // what failed was logged where it failed
        _ = server.block_until_done() => {}
    }
    let _ = server.shutdown_gracefully().await;
}

/// Opens the sockets and hands them to the server.
fn register<R: Responder>(
    server: &mut Server<Handler<R>>,
    address: SocketAddr,
    protocol: Protocol,
) -> io::Result<SocketAddr> {
    match protocol {
        Protocol::Dns => {
            let (udp, tcp) = listen::both(address)?;
            let address = tcp.local_addr()?;
            server.register_socket(UdpSocket::from_std(udp)?);
            server.register_listener(TcpListener::from_std(tcp)?, IDLE, WAITING);
            Ok(address)
        }
        Protocol::Tls(certificate) => {
            let listener = TcpListener::from_std(listen::stream(address, "TLS")?)?;
            let address = listener.local_addr()?;
            let config = tls(certificate, b"dot", &[&TLS13, &TLS12])?;
            server.register_tls_listener_with_tls_config(listener, IDLE, config)?;
            Ok(address)
        }
        Protocol::Https(certificate) => {
            let listener = TcpListener::from_std(listen::stream(address, "HTTPS")?)?;
            let address = listener.local_addr()?;
            let config = tls(certificate, b"h2", &[&TLS13, &TLS12])?;
            // any host name: the certificate says which are ours
            server.register_https_listener_with_tls_config(listener, IDLE, config, None, HTTPS_PATH.into())?;
            Ok(address)
        }
        Protocol::Quic(certificate) => {
            let socket = UdpSocket::from_std(listen::datagram(address, "QUIC")?)?;
            let address = socket.local_addr()?;
            // RFC 9001 §4.2: no earlier version
            let config = tls(certificate, b"doq", &[&TLS13])?;
            server.register_quic_listener_and_tls_config(socket, IDLE, config).map_err(io::Error::other)?;
            Ok(address)
        }
    }
}

/// TLS with aws-lc-rs, which is named so that nothing depends on what else the process has chosen.
fn tls(
    certificate: Arc<Certificate>,
    alpn: &[u8],
    versions: &[&'static SupportedProtocolVersion],
) -> io::Result<Arc<ServerConfig>> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_cert_resolver(certificate);
    config.alpn_protocols = vec![alpn.to_vec()];
    Ok(Arc::new(config))
}
