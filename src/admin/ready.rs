//! Whether the server answers, asked as a client would ask.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::timeout;

use crate::config::Protocol;
use crate::control::Handle;

/// A server that takes longer is not ready.
const PATIENCE: Duration = Duration::from_secs(1);

/// Asks every DNS listener over UDP for the SOA of a zone that is served.
///
/// # Errors
/// What did not answer, for the operator.
pub(super) async fn ready(handle: &Handle) -> Result<(), String> {
    let snapshot = handle.control.published().load_full();
    let name = snapshot.loaded.zones.iter().next().map_or_else(|| vec![0], |zone| zone.origin().as_wire().to_vec());
    let listeners = handle.serving.listeners();
    if listeners.is_empty() {
        return Err("nothing is listened on".to_owned());
    }
    for (_, address) in listeners.iter().filter(|(listener, _)| listener.protocol == Protocol::Dns) {
        let asked = timeout(PATIENCE, ask(reachable(*address), &name)).await;
        let asked = asked.unwrap_or_else(|_| Err(io::Error::other("no response within a second")));
        asked.map_err(|error| format!("{address}: {error}"))?;
    }
    Ok(())
}

/// One query over UDP; any response to it will do.
async fn ask(server: SocketAddr, name: &[u8]) -> io::Result<()> {
    let any: IpAddr = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(server).await?;
    let id = fastrand::u16(..).to_be_bytes();
    let header = [id[0], id[1], 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    let query = [&header, name, &[0, 6, 0, 1]].concat();
    socket.send(&query).await?;
    let mut response = [0; 1232];
    loop {
        let len = socket.recv(&mut response).await?;
        if len >= 12 && response[..2] == id && response[2] & 0x80 != 0 {
            return Ok(());
        }
    }
}

/// Where a listener on all addresses is reached from here.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
