//! Sends many queries and gathers the responses: over UDP a window at a time, over TCP one after the other in a connection.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

/// How many datagrams are under way at once: their responses fit a socket's buffer.
const WINDOW: usize = 48;
/// How often what is lost is asked again.
const ATTEMPTS: usize = 6;
/// How long a response may take on a busy machine.
const PATIENCE: Duration = Duration::from_millis(1500);
/// The same where it is no wonder that none comes.
const SOON: (usize, Duration) = (2, Duration::from_millis(700));

/// A server's sockets, for one thread.
pub(crate) struct Client {
    server: SocketAddr,
    udp: UdpSocket,
    tcp: Option<TcpStream>,
    buffer: Vec<u8>,
    attempts: usize,
}

impl Client {
    pub(crate) fn new(server: SocketAddr) -> Self {
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        udp.connect(server).unwrap();
        udp.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { server, udp, tcp: None, buffer: vec![0; 65_535], attempts: ATTEMPTS }
    }

    /// One that soon takes silence for the response.
    pub(crate) fn impatient(server: SocketAddr) -> Self {
        let client = Self { attempts: SOON.0, ..Self::new(server) };
        client.udp.set_read_timeout(Some(SOON.1)).unwrap();
        client
    }

    /// The responses over UDP, in order; none where none came. The queries' first two octets must be their numbers.
    pub(crate) fn over_udp(&mut self, queries: &[&[u8]]) -> Vec<Option<Vec<u8>>> {
        let mut responses = vec![None; queries.len()];
        for start in (0..queries.len()).step_by(WINDOW) {
            let window: Vec<usize> = (start..queries.len().min(start + WINDOW)).collect();
            for _ in 0..self.attempts {
                self.ask_missing(queries, &window, &mut responses);
                if window.iter().all(|&at| responses[at].is_some()) {
                    break;
                }
            }
        }
        responses
    }

    fn ask_missing(&mut self, queries: &[&[u8]], window: &[usize], responses: &mut [Option<Vec<u8>>]) {
        let missing: Vec<usize> = window.iter().copied().filter(|&at| responses[at].is_none()).collect();
        for &at in &missing {
            self.udp.send(queries[at]).unwrap();
        }
        let mut wanted = missing.len();
        while wanted > 0 {
            let Ok(len) = self.udp.recv(&mut self.buffer) else { return };
            let response = &self.buffer[..len];
            let answered = missing.iter().find(|&&at| response.starts_with(&queries[at][..2]));
            if let Some(&at) = answered.filter(|&&at| responses[at].is_none()) {
                responses[at] = Some(response.to_vec());
                wanted -= 1;
            }
        }
    }

    /// The responses over TCP, in order.
    pub(crate) fn over_tcp(&mut self, queries: &[&[u8]]) -> Vec<Option<Vec<u8>>> {
        let mut responses = vec![None; queries.len()];
        for start in (0..queries.len()).step_by(WINDOW) {
            let window: Vec<usize> = (start..queries.len().min(start + WINDOW)).collect();
            for _ in 0..ATTEMPTS {
                let missing: Vec<usize> = window.iter().copied().filter(|&at| responses[at].is_none()).collect();
                if missing.is_empty() {
                    break;
                }
                if self.pipeline(queries, &missing, &mut responses).is_err() {
                    self.tcp = None; // closed by the server: the rest is asked over a new one
                }
            }
        }
        responses
    }

    fn pipeline(
        &mut self,
        queries: &[&[u8]],
        missing: &[usize],
        responses: &mut [Option<Vec<u8>>],
    ) -> std::io::Result<()> {
        if self.tcp.is_none() {
            let stream = TcpStream::connect_timeout(&self.server, PATIENCE)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_nodelay(true)?;
            self.tcp = Some(stream);
        }
        let stream = self.tcp.as_mut().expect("connected above");
        let mut frames = Vec::new();
        for &at in missing {
            frames.extend((queries[at].len() as u16).to_be_bytes());
            frames.extend_from_slice(queries[at]);
        }
        stream.write_all(&frames)?;
        for _ in missing {
            let mut len = [0; 2];
            stream.read_exact(&mut len)?;
            let response = &mut self.buffer[..usize::from(u16::from_be_bytes(len))];
            stream.read_exact(response)?;
            let answered = missing.iter().find(|&&at| response.starts_with(&queries[at][..2]));
            if let Some(&at) = answered {
                responses[at] = Some(response.to_vec());
            }
        }
        Ok(())
    }
}
