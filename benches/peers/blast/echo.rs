//! The floor: a server that looks at nothing. It sends every datagram back as a response of a given size.

use std::io;
use std::net::{SocketAddr, UdpSocket};

use crate::batch::Batch;

/// Echoes until it is ended from outside.
pub(crate) fn serve(at: SocketAddr, size: usize) -> io::Result<()> {
    let socket = socket2::Socket::from(UdpSocket::bind(at)?);
    socket.set_recv_buffer_size(1 << 20)?;
    socket.set_send_buffer_size(1 << 20)?;
    let socket = UdpSocket::from(socket);
    let mut batch = Batch::new(true);
    loop {
        let got = batch.receive(&socket, true)?;
        for at in 0..got {
            let octets = batch.received(at).len().max(size);
            if let Some(flags) = batch.resize(at, octets).get_mut(2) {
                *flags |= 0x84; // a response, authoritative
            }
        }
        let mut sent = 0;
        while sent < got {
            sent += batch.send(&socket, sent, got)?.max(1); // one that cannot be sent is left out
        }
    }
}
