//! The sockets of a server: opened and closed as the configuration changes, the others untouched.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tracing::{error, info};

use crate::config::{Host, Listener, Main};
use crate::net::{self, Listening};

use super::answerer::Answerers;

/// How long connections of a listener that is closed may take to write what they have.
const CLOSE_GRACE: Duration = Duration::from_secs(1);

/// The open listeners, and the threads that serve them.
pub(super) struct Listeners {
    threads: net::Running,
    open: Vec<Open>,
}

/// A listener that is served.
struct Open {
    what: Wanted,
    address: SocketAddr,
    serving: Listening,
}

/// What tells one listener from another.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wanted {
    listener: Listener,
    host: Host,
}

/// New listeners that are open and not served yet.
pub(super) struct Prepared {
    wanted: Vec<Wanted>,
    bound: Vec<(Wanted, net::Bound)>,
}

impl Listeners {
    /// Starts the threads.
    pub(super) fn start(answerers: &Answerers) -> io::Result<Self> {
        let answerers = answerers.clone();
        Ok(Self { threads: net::Running::start(net::Options::default(), || answerers.make())?, open: Vec::new() })
    }

    /// What went wrong in the sockets.
    pub(super) fn gauge(&self) -> net::Gauge {
        self.threads.gauge()
    }

    /// Opens what a configuration adds, as far as nothing that it removes is in the way. Nothing else changes.
    pub(super) fn prepare(&self, main: &Main) -> io::Result<Prepared> {
        let wanted = |listener: &Listener| Wanted { listener: listener.clone(), host: main.server.host };
        let wanted: Vec<Wanted> = main.server.listen.iter().map(wanted).collect();
        let new = wanted.iter().filter(|wanted| !self.open.iter().any(|open| open.what == **wanted));
        let free = new.filter(|new| !self.open.iter().any(|open| in_the_way(open, new)));
        let bound = free.map(|new| Ok((new.clone(), self.bind(new)?))).collect::<io::Result<_>>()?;
        Ok(Prepared { wanted, bound })
    }

    /// Serves what was prepared, closes what is no longer wanted, then opens what that was in the way of.
    pub(super) async fn switch(&mut self, prepared: Prepared) -> Vec<(Listener, SocketAddr)> {
        let Prepared { wanted, bound } = prepared;
        for (what, bound) in bound {
            self.serve(what, bound);
        }
        let (stays, gone) = self.open.drain(..).partition(|open| wanted.contains(&open.what));
        self.open = stays;
        for Open { what, address, serving } in gone {
            serving.close(CLOSE_GRACE).await;
            info!("no longer listening on {address} ({})", what.listener.protocol);
        }
        let missing: Vec<Wanted> =
            wanted.iter().filter(|wanted| !self.open.iter().any(|open| open.what == **wanted)).cloned().collect();
        for what in missing {
            match self.bind(&what) {
                Ok(bound) => self.serve(what, bound),
                Err(error) => error!("{error}; reload once that is mended"),
            }
        }
        let place = |what: &Wanted| self.open.iter().find(|open| open.what == *what);
        wanted.iter().filter_map(place).map(|open| (open.what.listener.clone(), open.address)).collect()
    }

    /// Stops taking queries and answers those in hand; blocks for the grace at most.
    pub(super) fn stop(self, grace: Duration) {
        self.threads.stop(grace);
    }

    fn bind(&self, what: &Wanted) -> io::Result<net::Bound> {
        self.threads.bind(&[what.listener.address])
    }

    fn serve(&mut self, what: Wanted, bound: net::Bound) {
        match self.threads.serve(bound) {
            Ok(listening) => {
                let address = listening.addresses()[0];
                info!("listening on {address} ({})", what.listener.protocol);
                self.open.push(Open { what, address, serving: listening });
            }
            Err(error) => error!("cannot serve {}: {error}", what.listener),
        }
    }
}

/// Whether a listener that is open keeps a new one from being opened: it is closed first, then.
fn in_the_way(open: &Open, new: &Wanted) -> bool {
    open.what.listener.overlaps(&new.listener)
}
