//! Checks of kind `tcp`: the target accepts a connection.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::reason;
use super::target::{Probe, Running};
use crate::health::{Outcome, Phase, Reason};

/// Connects, and closes at once.
pub(super) struct TcpProbe {
    /// Where.
    pub(super) to: SocketAddr,
    /// How long that may take.
    pub(super) timeout: Duration,
}

impl Probe for TcpProbe {
    fn run(&self) -> Running<'_> {
        Box::pin(async {
            let start = Instant::now();
            match timeout(self.timeout, TcpStream::connect(self.to)).await {
                Ok(Ok(_)) => Outcome::Success { latency: start.elapsed().into(), certificate_expiry: None },
                Ok(Err(error)) => reason::of_io(&error, self.to, Phase::Connect),
                Err(_) => Outcome::Failure(Reason::Timeout(Phase::Connect)),
            }
        })
    }
}
