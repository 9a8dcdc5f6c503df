//! Opening a listener's sockets, and saying what to do where that fails.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use crate::net::bind::explain;

/// Connections that wait to be accepted. The kernel caps it at `net.core.somaxconn`.
const BACKLOG: i32 = 1024;
/// Octets asked for the buffers of a datagram socket: a burst waits there, and QUIC packets are large.
const BUFFER: usize = 1 << 20;
/// Attempts to find a port that is free for UDP and TCP alike, where port 0 asks for any.
const PORT_ATTEMPTS: usize = 32;

/// A listening socket for connections; `what` is served there, in the words of an error.
pub(super) fn stream(address: SocketAddr, what: &str) -> io::Result<std::net::TcpListener> {
    let open = || {
        let socket = prepare(address, Type::STREAM)?;
        // connections of the server before this one may still be in TIME_WAIT
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        Ok(socket.into())
    };
    open().map_err(|error| explain(&error, address, what))
}

/// A socket for datagrams.
pub(super) fn datagram(address: SocketAddr, what: &str) -> io::Result<std::net::UdpSocket> {
    let open = || {
        let socket = prepare(address, Type::DGRAM)?;
        let _ = socket.set_recv_buffer_size(BUFFER);
        let _ = socket.set_send_buffer_size(BUFFER);
        socket.bind(&address.into())?;
        Ok(socket.into())
    };
    open().map_err(|error| explain(&error, address, what))
}

/// Sockets for UDP and TCP on one port.
pub(super) fn both(address: SocketAddr) -> io::Result<(std::net::UdpSocket, std::net::TcpListener)> {
    let attempt = || -> io::Result<_> {
        let stream = stream(address, "TCP")?;
        Ok((datagram(stream.local_addr()?, "UDP")?, stream))
    };
    let mut last = attempt();
    for _ in 1..PORT_ATTEMPTS {
        match last {
            Err(error) if address.port() == 0 && error.kind() == ErrorKind::AddrInUse => last = attempt(),
            _ => break,
        }
    }
    last
}

/// Waits until nothing has a socket for datagrams there any more. A QUIC endpoint keeps its own until it has told every
/// client of the end and their packets on the way have come, and tells nobody when.
pub(super) async fn closed(address: SocketAddr) {
    while datagram(address, "").is_err_and(|error| error.kind() == ErrorKind::AddrInUse) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn prepare(address: SocketAddr, style: Type) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), style, None)?;
    socket.set_nonblocking(true)?;
    if address.is_ipv6() {
        // IPv4 has listeners of its own; a mapped address would be one client in two forms
        socket.set_only_v6(true)?;
    }
    Ok(socket)
}
