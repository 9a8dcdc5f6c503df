//! The sockets of a server: opened and closed as the configuration changes, the others untouched.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use crate::config::{Host, Listener, Main, Protocol, Tcp};
use crate::control::Certificates;
use crate::net::hosted::{self, Certificate, Hosted};
use crate::net::{self, Encrypted, Listening};
use tokio::runtime::{Handle, Runtime};

use super::answerer::Answerers;

/// How long connections of a listener that is closed may take to write what they have.
const CLOSE_GRACE: Duration = Duration::from_secs(1);

/// The open listeners, and the threads that serve them.
pub(super) struct Listeners {
    answerers: Answerers,
    threads: net::Running,
    limits: Tcp,
    /// The threads of hickory-server. Started first, as threads inherit the priority of those that start them.
    hosting: Hosting,
    certificates: HashMap<String, Arc<Certificate>>,
    open: Vec<Open>,
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
    limits: Tcp,
    certificates: Certificates,
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
    /// Starts the threads.
    pub(super) fn start(answerers: Answerers, limits: Tcp) -> io::Result<Self> {
        let options = net::Options { tcp: limits, ..net::Options::default() };
        let threads = net::Running::start(options, || answerers.make())?;
        let hosting = Hosting::start()?;
        Ok(Self { answerers, threads, limits, hosting, certificates: HashMap::new(), open: Vec::new() })
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
                Protocol::Tls(_) | Protocol::Https(_) => false,
                Protocol::Quic(_) => true,
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
        Ok(Prepared { wanted, limits: main.tcp, certificates, ready })
    }

    /// Serves what was prepared, closes what is no longer wanted, then opens what that was in the way of.
    pub(super) async fn switch(&mut self, prepared: Prepared) -> Switched {
        let mut switched = Switched::default();
        let Prepared { wanted, limits, certificates, ready } = prepared;
        if limits != self.limits {
            self.limits = limits;
            self.threads.set_limits(limits);
            switched.changes.push("setting [tcp] changed, for connections from now on".to_owned());
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

    /// Forgets hosted listeners that have given their sockets up, so that the next reload opens them again; what is to
    /// be said of each, and what is open still.
    pub(super) fn drop_failed(&mut self) -> Option<Switched> {
        let failed = |open: &mut Open| matches!(&open.serving, Serving::Hosted(hosted) if !hosted.is_serving());
        let error = |open: Open| {
            let (address, protocol) = (open.address, &open.what.listener.protocol);
            format!("no longer listening on {address} ({protocol}): its socket has failed; reload to open it again")
        };
        let errors: Vec<String> = self.open.extract_if(.., failed).map(error).collect();
        let open = self.open.iter().map(|open| (open.what.listener.clone(), open.address)).collect();
        (!errors.is_empty()).then(|| Switched { open, errors, ..Switched::default() })
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
        let hosted = match &what.listener.protocol {
            Protocol::Dns if !what.hosted => return self.threads.bind(&[address]).map(Ready::Native),
            Protocol::Tls(name) => {
                let encrypted = Encrypted::Tls(certificate(name)?);
                return self.threads.bind_encrypted(address, encrypted).map(Ready::Native);
            }
            Protocol::Https(name) => {
                let encrypted = Encrypted::Https(certificate(name)?);
                return self.threads.bind_encrypted(address, encrypted).map(Ready::Native);
            }
            Protocol::Dns => hosted::Protocol::Dns,
            Protocol::Quic(name) => hosted::Protocol::Quic(certificate(name)?),
        };
        Hosted::start(address, hosted, &self.hosting.handle, || self.answerers.make()).map(Ready::Hosted)
    }

    fn serve(&mut self, what: Wanted, ready: Ready, switched: &mut Switched) {
        let (address, serving) = match ready {
            Ready::Hosted(hosted) => (hosted.address(), Serving::Hosted(hosted)),
            Ready::Native(bound) => match self.threads.serve(bound) {
                Ok(listening) => (listening.addresses()[0], Serving::Native(listening)),
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

/// A runtime of their own for the hosted listeners, so that these delay neither datagrams nor probes.
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
