//! The origins of all endpoints, on one port.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::ops::Range;
use std::sync::Arc;

use super::ca::{CaError, DemoCa};
use super::origin::{HostTls, Mode, Origin};
use super::script::{Names, What};
use super::sites::{Site, names};

/// Where ports are looked for: above those that need privileges, below those that systems give to clients, so that no
/// client takes the port of an origin while it is stopped.
const PORTS: Range<u16> = 20_000..30_000;
/// How many ports are tried. A port is free unless something else listens there on one of a few loopback addresses.
const ATTEMPTS: usize = 32;

/// The origins of all endpoints.
pub struct Fleet {
    port: u16,
    origins: Vec<(Site, Origin)>,
}

/// Why the origins cannot run.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// No certificate.
    #[error(transparent)]
    Ca(#[from] CaError),
    /// No address or port.
    #[error(transparent)]
    Listen(#[from] io::Error),
}

impl Fleet {
    /// Starts an origin for each site, all on one free port.
    ///
    /// # Errors
    /// [`FleetError`]; on systems without 127.1.0.1 it says so.
    pub async fn start(sites: Vec<Site>, ca: &DemoCa) -> Result<Self, FleetError> {
        let mut tls = HashMap::new();
        for site in &sites {
            if !tls.contains_key(&site.host) {
                tls.insert(site.host.clone(), Arc::new(HostTls::new(ca, &site.host)?));
            }
        }
        let mut attempts = ATTEMPTS;
        loop {
            attempts -= 1;
            let port = fastrand::u16(PORTS);
            match start_all(&sites, port, &tls).await {
                Ok(origins) => return Ok(Self { port, origins: sites.into_iter().zip(origins).collect() }),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse && attempts > 0 => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The port of all origins.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Each endpoint, with how its origin behaves.
    pub fn sites(&self) -> impl Iterator<Item = (&Site, Mode)> {
        self.origins.iter().map(|(site, origin)| (site, origin.mode()))
    }

    /// How the origin of an endpoint behaves; none if it has no origin.
    #[must_use]
    pub fn mode(&self, pool: &str, endpoint: &str) -> Option<Mode> {
        self.sites().find(|(site, _)| site.pool == pool && site.endpoint == endpoint).map(|(_, mode)| mode)
    }

    /// The names that a script may use.
    #[must_use]
    pub fn names(&self) -> Names {
        let sites: Vec<Site> = self.sites().map(|(site, _)| site.clone()).collect();
        names(&sites)
    }

    /// Has these origins behave so from now on, and says how many they are.
    ///
    /// # Errors
    /// If one that was stopped cannot have its address again. The others of `what` are turned all the same.
    pub async fn turn(&mut self, what: &What, mode: Mode) -> io::Result<usize> {
        let (mut turned, mut failed) = (0, None);
        for (_, origin) in self.origins.iter_mut().filter(|(site, _)| what.includes(site)) {
            match origin.turn(mode).await {
                Ok(()) => turned += 1,
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(turned), Err)
    }
}

impl What {
    fn includes(&self, site: &Site) -> bool {
        match self {
            Self::All => true,
            Self::Region(name) => site.region == *name,
            Self::Endpoint(name) => site.endpoint == *name,
        }
    }
}

async fn start_all(sites: &[Site], port: u16, tls: &HashMap<String, Arc<HostTls>>) -> io::Result<Vec<Origin>> {
    let mut origins = Vec::with_capacity(sites.len());
    for site in sites {
        let greeting = format!("{} of pool {}, region {}, at {}", site.endpoint, site.pool, site.region, site.ip);
        let address = SocketAddr::new(site.ip.into(), port);
        origins.push(Origin::start(address, greeting, Arc::clone(&tls[&site.host])).await?);
    }
    Ok(origins)
}

/// An address of `ip` that is free for UDP and TCP at this moment: the `preferred` port, or another.
///
/// # Errors
/// If `ip` is not this machine's, or no port was found.
pub fn free_dns_address(ip: IpAddr, preferred: u16) -> io::Result<SocketAddr> {
    let ports = std::iter::once(preferred).chain(std::iter::repeat_with(|| fastrand::u16(PORTS)).take(ATTEMPTS));
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for port in ports {
        let address = SocketAddr::new(ip, port);
        match UdpSocket::bind(address).and_then(|_udp| TcpListener::bind(address)) {
            Ok(_) => return Ok(address),
            Err(error) => last = error,
        }
    }
    Err(io::Error::new(last.kind(), format!("no free port at {ip}: {last}")))
}
