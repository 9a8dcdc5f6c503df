//! The sockets of a server: opened and closed as the configuration changes, the others untouched.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use crate::config::{Host, Listener, Main, Protocol, Tcp, UdpMode};
use crate::control::Certificates;
use crate::net::hosted::{self, Certificate, Hosted};
use crate::net::{self, Encrypted, Limits, Listening};
use tokio::runtime::{Handle, Runtime};
use tracing::warn;

use super::answerer::Answerers;

/// How long connections of a listener that is closed may take to write what they have.
const CLOSE_GRACE: Duration = Duration::from_secs(1);

/// Connections that are taken however few descriptors there are.
const LEAST_CONNECTIONS: usize = 512;

/// The open listeners, and the threads that serve them.
pub(super) struct Listeners {
    answerers: Answerers,
    threads: net::Running,
    /// The threads of hickory-server. Started first, as threads inherit the priority of those that start them.
    hosting: Hosting,
    certificates: HashMap<String, Arc<Certificate>>,
    open: Vec<Open>,
    /// How many files the process may have open.
    descriptors: u64,
    limits: Limits,
}

/// A listener that is served.
struct Open {
    what: Wanted,
    address: SocketAddr,
    serving: Serving,
}

enum Serving {
    Native(Listening),
    Hosted(Hosted),
}

/// What tells one listener from another.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wanted {
    listener: Listener,
    /// Whether hickory-server serves it.
    hosted: bool,
}

/// New listeners that are open; those of our own sockets are not served yet.
pub(super) struct Prepared {
    wanted: Vec<Wanted>,
    certificates: Certificates,
    limits: Limits,
    ready: Vec<(Wanted, Ready)>,
}

enum Ready {
    Native(net::Bound),
    Hosted(Hosted),
}

/// What a switch came to.
#[derive(Default)]
pub(super) struct Switched {
    /// What is open now.
    pub(super) open: Vec<(Listener, SocketAddr)>,
    /// What changed, a line each.
    pub(super) changes: Vec<String>,
    /// What should be open and is not.
    pub(super) errors: Vec<String>,
}

impl Listeners {
    /// Starts the threads of a process that may have so many files open.
    pub(super) fn start(answerers: Answerers, main: &Main, descriptors: u64) -> io::Result<Self> {
        let limits = limits(&main.tcp, descriptors);
        let udp = if main.server.udp == UdpMode::Plain { net::Udp::Plain } else { net::Udp::Batch };
        let of_threads = answerers.clone();
        let buffers = net::Buffers { receive: main.server.udp_receive_buffer, send: main.server.udp_send_buffer };
        let options = net::Options { udp, buffers, pin: main.server.pin_threads, limits, ..net::Options::default() };
        let threads = net::Running::start(options, move || of_threads.make())?;
        let (hosting, certificates) = (Hosting::start()?, HashMap::new());
        Ok(Self { answerers, threads, hosting, certificates, open: Vec::new(), descriptors, limits })
    }

    /// Takes leave of listeners that gave their sockets up, a line each.
    pub(super) fn lost(&mut self) -> Vec<String> {
        let serves = |open: &Open| !matches!(&open.serving, Serving::Hosted(hosted) if !hosted.is_serving());
        let (serving, lost): (Vec<_>, Vec<_>) = self.open.drain(..).partition(serves);
        self.open = serving;
        let line = |open: &Open| {
            self.threads.gauge().count_lost_listener();
            let Open { what, address, .. } = open;
            format!(
                "{address} ({}) is not served any more: its socket failed; a reload opens it again",
                what.listener.protocol
            )
        };
        lost.iter().map(line).collect()
    }

    /// What is open.
    pub(super) fn open_now(&self) -> Vec<(Listener, SocketAddr)> {
        self.open.iter().map(|open| (open.what.listener.clone(), open.address)).collect()
    }

    /// What went wrong in the sockets.
    pub(super) fn gauge(&self) -> net::Gauge {
        self.threads.gauge()
    }

    /// Opens what a configuration adds, as far as nothing that it removes is in the way. What is open stays as it is.
    pub(super) fn prepare(&mut self, main: &Main, certificates: Certificates) -> io::Result<Prepared> {
        let wanted = |listener: &Listener| Wanted {
            listener: listener.clone(),
            hosted: match listener.protocol {
                Protocol::Dns => main.server.host == Host::Hickory,
                Protocol::Quic(_) => true,
                Protocol::Tls(_) | Protocol::Https(_) => false,
            },
        };
        let wanted: Vec<Wanted> = main.server.listen.iter().map(wanted).collect();
        let mut ready = Vec::new();
        for new in wanted.iter().filter(|wanted| !self.is_open(wanted)).cloned().collect::<Vec<_>>() {
            if !self.open.iter().any(|open| open.what.listener.overlaps(&new.listener)) {
                let opened = self.open(&new, &certificates)?;
                ready.push((new, opened));
            } else {
                // what is in the way is closed for it: at least the address must be one of this host
                UdpSocket::bind((new.listener.address.ip(), 0)).map_err(|error| {
                    io::Error::new(error.kind(), format!("cannot listen on {}: {error}", new.listener.address))
                })?;
            }
        }
        Ok(Prepared { wanted, certificates, limits: limits(&main.tcp, self.descriptors), ready })
    }

    /// Serves what was prepared, closes what is no longer wanted, then opens what that was in the way of.
    pub(super) async fn switch(&mut self, prepared: Prepared) -> Switched {
        let mut switched = Switched::default();
        let Prepared { wanted, certificates, limits, ready } = prepared;
        if limits != self.limits {
            self.threads.set_limits(limits);
            self.limits = limits;
            switched.changes.push("[tcp] changed: it holds for connections that come from now on".to_owned());
        }
        for (name, key) in &certificates {
            if self.certificates.get(name).is_some_and(|certificate| certificate.replace((**key).clone())) {
                switched.changes.push(format!("certificate {name} is another one now"));
            }
        }
        for (what, ready) in ready {
            self.serve(what, ready, &mut switched);
        }
        self.close_all_but(&wanted, &mut switched).await;
        for what in wanted.iter().filter(|wanted| !self.is_open(wanted)).cloned().collect::<Vec<_>>() {
            match self.open(&what, &certificates) {
                Ok(ready) => self.serve(what, ready, &mut switched),
                Err(error) => switched.errors.push(format!("{error}; reload once that is mended")),
            }
        }
        let place = |what: &Wanted| self.open.iter().find(|open| open.what == *what);
        switched.open =
            wanted.iter().filter_map(place).map(|open| (open.what.listener.clone(), open.address)).collect();
        switched
    }

    /// Stops taking queries and answers those in hand; blocks for the grace at most.
    pub(super) fn stop(self, grace: Duration) {
        let Self { threads, open, .. } = self;
        drop(open);
        threads.stop(grace);
    }

    fn is_open(&self, wanted: &Wanted) -> bool {
        self.open.iter().any(|open| open.what == *wanted)
    }

    fn open(&mut self, what: &Wanted, certificates: &Certificates) -> io::Result<Ready> {
        let address = what.listener.address;
        let mut certificate = |name: &str| {
            let key = certificates.get(name).ok_or_else(|| io::Error::other(format!("no certificate {name}")))?;
            let known = self.certificates.entry(name.to_owned());
            Ok::<_, io::Error>(Arc::clone(known.or_insert_with(|| Arc::new(Certificate::new((**key).clone())))))
        };
        let protocol = match &what.listener.protocol {
            Protocol::Dns if what.hosted => hosted::Protocol::Dns,
            Protocol::Quic(name) => hosted::Protocol::Quic(certificate(name)?),
            Protocol::Dns => return self.threads.bind(&[address]).map(Ready::Native),
            Protocol::Tls(name) => {
                let by = Encrypted::Tls(certificate(name)?);
                return self.threads.bind_encrypted(address, by).map(Ready::Native);
            }
            Protocol::Https(name) => {
                let by = Encrypted::Https(certificate(name)?);
                return self.threads.bind_encrypted(address, by).map(Ready::Native);
            }
        };
        Hosted::start(address, protocol, &self.hosting.handle, || self.answerers.make()).map(Ready::Hosted)
    }

    fn serve(&mut self, what: Wanted, ready: Ready, switched: &mut Switched) {
        let (address, serving) = match ready {
            Ready::Hosted(hosted) => (hosted.address(), Serving::Hosted(hosted)),
            Ready::Native(bound) => match self.threads.serve(bound) {
                Ok(listening) => {
                    listening.shortfalls().iter().for_each(|line| warn!("{line}"));
                    (listening.addresses()[0], Serving::Native(listening))
                }
                Err(error) => return switched.errors.push(format!("cannot serve {}: {error}", what.listener)),
            },
        };
        let by = if what.hosted && what.listener.protocol == Protocol::Dns { ", by hickory-server" } else { "" };
        switched.changes.push(format!("listening on {address} ({}{by})", what.listener.protocol));
        self.open.push(Open { what, address, serving });
    }

    async fn close_all_but(&mut self, wanted: &[Wanted], switched: &mut Switched) {
        let (stays, gone) = self.open.drain(..).partition(|open| wanted.contains(&open.what));
        self.open = stays;
        for Open { what, address, serving } in gone {
            match serving {
                Serving::Native(listening) => listening.close(CLOSE_GRACE).await,
                Serving::Hosted(hosted) => hosted.stop(CLOSE_GRACE).await,
            }
            switched.changes.push(format!("no longer listening on {address} ({})", what.listener.protocol));
        }
    }
}

/// What connections are allowed: no more than leave half of the descriptors to probes, files and sockets.
fn limits(tcp: &Tcp, descriptors: u64) -> Limits {
    let room = usize::try_from(descriptors / 2).unwrap_or(usize::MAX).max(LEAST_CONNECTIONS);
    if tcp.max_connections > room && tcp.max_connections != Tcp::default().max_connections {
        warn!(
            "max_connections is {}, but the system allows {descriptors} open files: {room} connections are taken; \
             raise the limit (systemd: LimitNOFILE)",
            tcp.max_connections
        );
    }
    Limits {
        idle: tcp.idle_timeout,
        query: tcp.query_timeout,
        write: tcp.write_timeout,
        connections: tcp.max_connections.min(room),
        per_source: tcp.max_connections_per_source,
    }
}

/// A runtime of their own for the hosted listeners, so that handshakes delay neither datagrams nor probes.
struct Hosting {
    runtime: Option<Runtime>,
    handle: Handle,
}

impl Hosting {
    fn start() -> io::Result<Self> {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.thread_name("windrose-hosted").enable_all().build()?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }
}

impl Drop for Hosting {
    /// In the background, as a runtime cannot be waited for inside another.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
