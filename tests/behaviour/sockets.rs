//! Asks a server over real sockets, for running the cases against one that already serves a subject's zones.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

/// How long a response may take; a query that must be dropped takes this long.
const PATIENCE: Duration = Duration::from_millis(500);

/// Sends a query; none if no response comes.
pub(crate) fn ask(server: SocketAddr, query: &[u8], tcp: bool) -> Option<Vec<u8>> {
    if tcp { over_tcp(server, query) } else { over_udp(server, query) }.ok()
}

fn over_udp(server: SocketAddr, query: &[u8]) -> std::io::Result<Vec<u8>> {
    let any = if server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(any)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.connect(server)?;
    socket.send(query)?;
    let mut response = vec![0; 65_535];
    let len = socket.recv(&mut response)?;
    response.truncate(len);
    Ok(response)
}

fn over_tcp(server: SocketAddr, query: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&server, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(&[&(query.len() as u16).to_be_bytes(), query].concat())?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut response = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut response)?;
    Ok(response)
}
