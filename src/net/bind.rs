//! Opening sockets, and saying what to do where that fails.

#[cfg(target_os = "linux")]
use super::cpus;
use super::{Encrypted, Limits, sys};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::AsFd;

/// Octets asked for each socket buffer where nothing is said (the kernel caps them at `net.core.rmem_max`): some thousand
/// queries that wait out a pause of the thread. Smaller loses bursts, larger only keeps queries until their clients have given up.
const BUFFER: usize = 1 << 20;
/// Octets asked for what a connection has sent and its client not taken. Smaller slows long responses down on long paths;
/// larger is kernel memory for whoever asks and does not read, and without a figure the kernel goes up to megabytes.
const STREAM_BUFFER: usize = 1 << 17;
/// Connections that wait to be accepted, each listener. The kernel caps it at `net.core.somaxconn`.
const BACKLOG: i32 = 1024;
/// Attempts to find a port that is free for UDP and TCP alike, where port 0 asks for any.
const PORT_ATTEMPTS: usize = 32;

/// How to serve; `default()` suits a server of its own.
#[derive(Clone, Debug)]
pub struct Options {
    /// Threads for UDP, as many for TCP, and as many for TLS and HTTPS; each has a socket for every address. At least one.
    pub threads: usize,
    /// How datagrams are taken.
    pub udp: Udp,
    /// The buffers of their sockets.
    pub buffers: Buffers,
    /// Whether each thread for UDP stays on one CPU and is given what comes in there. Only where datagrams are taken in
    /// batches: those threads do nothing else.
    pub pin: bool,
    /// What connections are allowed.
    pub limits: Limits,
}

/// How datagrams are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Udp {
    /// Many with one system call. Only Linux can; elsewhere it is as the other.
    Batch,
    /// One with each system call.
    Plain,
}

/// Octets of datagrams that a socket keeps, its own account of them included; what is not said is as it suits most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Buffers {
    /// Those that wait to be received.
    pub receive: Option<usize>,
    /// Those that wait to be sent.
    pub send: Option<usize>,
}

impl Default for Options {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self { threads, udp: Udp::Batch, buffers: Buffers::default(), pin: false, limits: Limits::default() }
    }
}

/// Sockets that are open and not yet served.
#[derive(Debug, Default)]
pub struct Bound {
    pub(super) addresses: Vec<SocketAddr>,
    /// For each thread, the sockets of all addresses.
    pub(super) udp: Vec<Vec<UdpSocket>>,
    pub(super) tcp: Vec<Vec<TcpListener>>,
    /// The CPU of each thread for UDP; none where they run anywhere.
    pub(super) cpus: Vec<usize>,
    /// Why it does not do that, or not wholly.
    pub(super) unpinned: Option<io::Error>,
    /// What the connections are encrypted by, if they are.
    pub(super) encrypted: Option<Encrypted>,
    /// What the system did not give although it was asked for, a line each.
    pub(super) shortfalls: Vec<String>,
}

impl Bound {
    /// The addresses, in the order given, with the ports that were chosen where port 0 was asked for.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Gives each thread for UDP a CPU, and its sockets what comes in there, as far as the system does.
    pub(super) fn spread(&mut self) {
        #[cfg(target_os = "linux")]
        {
            self.unpinned = self.try_spread().err();
        }
    }

    #[cfg(target_os = "linux")]
    fn try_spread(&mut self) -> io::Result<()> {
        let allowed = cpus::allowed()?;
        self.cpus = allowed.into_iter().cycle().take(self.udp.len()).collect();
        // The program of one socket is that of all that share its address. A single one has nothing to choose from.
        for socket in self.udp.first().filter(|_| self.udp.len() > 1).into_iter().flatten() {
            cpus::steer(socket.as_fd(), &self.cpus)?;
        }
        Ok(())
    }
}

/// Opens UDP and TCP sockets for every address and thread, or none at all.
pub(super) fn bind(addresses: &[SocketAddr], options: &Options) -> io::Result<Bound> {
    let threads = options.threads.max(1);
    let mut bound = Bound::default();
    bound.udp.resize_with(threads, Vec::new);
    bound.tcp.resize_with(threads, Vec::new);
    let mut held = Vec::new();
    for &address in addresses {
        let claim = Claim::any(address)?;
        bound.addresses.push(claim.address);
        // A given port is let go again: a claim to a wildcard would refuse the claim to one address of it.
        held.extend((address.port() == 0).then_some(claim));
    }
    for thread in 0..threads {
        for &address in &bound.addresses {
            bound.udp[thread].push(open(address, Kind::Udp, true)?.into());
            bound.tcp[thread].push(open(address, Kind::Tcp, true)?.into());
        }
    }
    for sockets in &bound.udp {
        sockets.iter().for_each(|socket| options.buffers.ask(socket));
    }
    let short =
        bound.addresses.iter().zip(&bound.udp[0]).filter_map(|(address, udp)| options.buffers.short(*address, udp));
    bound.shortfalls = short.collect();
    for listener in bound.tcp.iter().flatten() {
        listen(listener, Kind::Tcp)?;
    }
    Ok(bound)
}

/// Opens a listener for encrypted connections for every thread, or none at all.
pub(super) fn bind_encrypted(address: SocketAddr, threads: usize, by: Encrypted) -> io::Result<Bound> {
    let kind = match by {
        Encrypted::Tls(_) => Kind::Tls,
        Encrypted::Https(_) => Kind::Https,
    };
    let claim = open(address, kind, false)?;
    let chosen = claim.local_addr()?.as_socket().unwrap_or(address);
    claim.set_reuse_port(true)?;
    // as with UDP and TCP: only a port that was chosen is kept
    let _held = (address.port() == 0).then_some(claim);
    let address = chosen;
    let listeners: Vec<TcpListener> =
        (0..threads.max(1)).map(|_| open(address, kind, true).map(Into::into)).collect::<io::Result<_>>()?;
    listeners.iter().try_for_each(|listener| listen(listener, kind))?;
    let tcp = listeners.into_iter().map(|listener| vec![listener]).collect();
    Ok(Bound { addresses: vec![address], tcp, encrypted: Some(by), ..Bound::default() })
}

impl Buffers {
    /// Asks for what is said. What came of it, [`short`](Self::short) tells.
    fn ask(&self, socket: &UdpSocket) {
        let socket = SockRef::from(socket);
        let _ = self.receive.map(|octets| socket.set_recv_buffer_size(octets));
        let _ = self.send.map(|octets| socket.set_send_buffer_size(octets));
    }

    /// What a socket did not get of it, for the operator.
    fn short(&self, address: SocketAddr, socket: &UdpSocket) -> Option<String> {
        let socket = SockRef::from(socket);
        let receive = short(self.receive, socket.recv_buffer_size(), "receive", "net.core.rmem_max");
        let send = short(self.send, socket.send_buffer_size(), "send", "net.core.wmem_max");
        let short: Vec<String> = receive.into_iter().chain(send).collect();
        (!short.is_empty()).then(|| format!("{address} (UDP): {}", short.join("; ")))
    }
}

fn short(asked: Option<usize>, reported: io::Result<usize>, what: &str, limit: &str) -> Option<String> {
    let asked = asked?;
    // Linux doubles what it is asked for, and says so (socket(7), SO_RCVBUF)
    let given = reported.unwrap_or(0) / if cfg!(target_os = "linux") { 2 } else { 1 };
    let remedy = if cfg!(target_os = "linux") {
        format!("raise {limit} (sysctl -w {limit}={asked}) and restart, or ask for less")
    } else {
        "ask for less".to_owned()
    };
    (given < asked).then(|| format!("udp_{what}_buffer is {asked} octets, but the system gives {given}: {remedy}"))
}

/// That threads could not be pinned, for the operator.
pub(super) fn not_pinned(addresses: &[SocketAddr], error: &io::Error) -> String {
    let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let addresses = addresses.join(", ");
    format!("{addresses} (UDP): pin_threads is not, or not wholly in effect: the system refuses it ({error})")
}

/// Starts listening only when everything is bound: whoever connects is sure to be accepted.
fn listen(listener: &TcpListener, kind: Kind) -> io::Result<()> {
    let address = listener.local_addr()?;
    SockRef::from(listener).listen(BACKLOG).map_err(|e| explain(&e, address, kind.name()))
}

/// A pair of sockets that were opened without sharing: proof that nobody else has the address.
///
/// `SO_REUSEPORT` alone would let a second server of the same user in, silently, and half of the queries would go to it.
/// The pair then agrees to share with the sockets of the threads, which keeps the port until they are open.
struct Claim {
    address: SocketAddr,
    _sockets: [Socket; 2],
}

impl Claim {
    /// Claims `address`; port 0 takes one that is free for both protocols.
    fn any(address: SocketAddr) -> io::Result<Self> {
        let mut last = Self::take(address);
        for _ in 1..PORT_ATTEMPTS {
            match last {
                Err(e) if address.port() == 0 && e.kind() == ErrorKind::AddrInUse => last = Self::take(address),
                _ => break,
            }
        }
        last
    }

    fn take(mut address: SocketAddr) -> io::Result<Self> {
        let tcp = open(address, Kind::Tcp, false)?;
        address.set_port(tcp.local_addr()?.as_socket().map_or(address.port(), |a| a.port()));
        let udp = open(address, Kind::Udp, false)?;
        for socket in [&tcp, &udp] {
            socket.set_reuse_port(true)?;
        }
        Ok(Self { address, _sockets: [tcp, udp] })
    }
}

/// What a socket is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Udp,
    Tcp,
    Tls,
    Https,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Https => "HTTPS",
        }
    }
}

/// Opens and binds a socket; the error names the address and what to do.
fn open(address: SocketAddr, kind: Kind, share: bool) -> io::Result<Socket> {
    try_open(address, kind, share).map_err(|e| explain(&e, address, kind.name()))
}

fn try_open(address: SocketAddr, kind: Kind, share: bool) -> io::Result<Socket> {
    let (style, protocol) = match kind {
        Kind::Udp => (Type::DGRAM, Protocol::UDP),
        Kind::Tcp | Kind::Tls | Kind::Https => (Type::STREAM, Protocol::TCP),
    };
    let socket = Socket::new(Domain::for_address(address), style, Some(protocol))?;
    socket.set_nonblocking(true)?;
    if address.is_ipv6() {
        // IPv4 has sockets of its own; a mapped address would be one client in two forms.
        socket.set_only_v6(true)?;
    }
    match kind {
        Kind::Udp => prepare_udp(&socket, address)?,
        Kind::Tcp | Kind::Tls | Kind::Https => prepare_tcp(&socket)?,
    }
    socket.set_reuse_port(share)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

/// Packet info is needed where a socket has more than one address: what is bound to one replies from it anyway. The rest
/// is best effort.
fn prepare_udp(socket: &Socket, address: SocketAddr) -> io::Result<()> {
    let v6 = address.is_ipv6();
    if address.ip().is_unspecified() {
        sys::enable_packet_info(socket.as_fd(), v6)?;
    }
    let _ = sys::ignore_path_mtu(socket.as_fd(), v6);
    let _ = socket.set_recv_buffer_size(BUFFER);
    let _ = socket.set_send_buffer_size(BUFFER);
    Ok(())
}

/// Accepted connections inherit the buffer.
fn prepare_tcp(socket: &Socket) -> io::Result<()> {
    let _ = socket.set_send_buffer_size(STREAM_BUFFER);
    // Connections of the server before this one may still be in TIME_WAIT.
    socket.set_reuse_address(true)
}

/// An error for the operator: the address, what happened, what to do.
pub(super) fn explain(error: &io::Error, address: SocketAddr, protocol: &str) -> io::Error {
    let hint = match error.kind() {
        ErrorKind::AddrInUse => format!(
            ": something else listens there (`ss -lnp sport = :{}` shows it); stop it or choose another address",
            address.port()
        ),
        ErrorKind::PermissionDenied if address.port() < 1024 => {
            ": a port below 1024 needs the capability CAP_NET_BIND_SERVICE (systemd: \
             AmbientCapabilities=CAP_NET_BIND_SERVICE); grant it or choose a higher port"
                .to_owned()
        }
        ErrorKind::AddrNotAvailable => {
            ": this host has no such address; add it to an interface or choose another".to_owned()
        }
        _ if error.raw_os_error() == Some(libc::EAFNOSUPPORT) => {
            ": this host does not support that address family; leave the address out".to_owned()
        }
        _ => String::new(),
    };
    io::Error::new(error.kind(), format!("cannot listen on {address} ({protocol}): {error}{hint}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bind(addresses: &[SocketAddr], threads: usize) -> io::Result<Bound> {
        super::bind(addresses, &Options { threads, ..Options::default() })
    }

    /// What one listener with these buffers has, as its sockets report it, and its shortfalls.
    fn with(buffers: Buffers) -> (Vec<[usize; 2]>, Vec<String>) {
        let options = Options { threads: 2, buffers, ..Options::default() };
        let bound = super::bind(&["127.0.0.1:0".parse().unwrap()], &options).unwrap();
        let sizes = |socket: &UdpSocket| {
            let socket = SockRef::from(socket);
            [socket.recv_buffer_size().unwrap(), socket.send_buffer_size().unwrap()]
        };
        (bound.udp.iter().flatten().map(sizes).collect(), bound.shortfalls)
    }

    #[test]
    fn every_socket_has_the_buffers_asked_for() {
        let (sizes, short) = with(Buffers { receive: Some(65_536), send: Some(131_072) });
        let doubled = if cfg!(target_os = "linux") { 2 } else { 1 };
        assert_eq!((sizes, short), (vec![[65_536 * doubled, 131_072 * doubled]; 2], vec![]));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_smaller_buffer_than_asked_for_is_told_once_with_the_remedy() {
        let most = |limit: &str| -> usize {
            let text = std::fs::read_to_string(format!("/proc/sys/net/core/{limit}")).unwrap();
            text.trim().parse().unwrap()
        };
        let (receive, send) = (most("rmem_max"), most("wmem_max"));
        let (_, short) = with(Buffers { receive: Some(receive + 1), send: Some(send + 1) });
        let [line] = short.as_slice() else { panic!("{short:?}") };
        for part in [
            format!("udp_receive_buffer is {} octets, but the system gives {receive}:", receive + 1),
            format!("net.core.rmem_max={}", receive + 1),
            format!("udp_send_buffer is {} octets, but the system gives {send}:", send + 1),
            format!("net.core.wmem_max={}", send + 1),
        ] {
            assert!(line.contains(&part), "{line}");
        }
        let (_, short) = with(Buffers { receive: Some(receive), send: None });
        assert_eq!(short, [""; 0]);
        assert_eq!(with(Buffers::default()).1, [""; 0]);
    }

    #[test]
    fn port_zero_gives_one_port_to_both_protocols_and_all_threads() {
        let bound = bind(&["127.0.0.1:0".parse().unwrap(), "[::1]:0".parse().unwrap()], 3).unwrap();
        for (index, address) in bound.addresses().iter().enumerate() {
            assert_ne!(address.port(), 0);
            for thread in 0..3 {
                assert_eq!(bound.udp[thread][index].local_addr().unwrap(), *address);
                assert_eq!(bound.tcp[thread][index].local_addr().unwrap(), *address);
            }
        }
    }

    #[test]
    fn a_second_server_is_refused_with_a_hint() {
        let first = bind(&["127.0.0.1:0".parse().unwrap()], 2).unwrap();
        let error = bind(first.addresses(), 1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        let text = error.to_string();
        assert!(text.contains(&first.addresses()[0].to_string()) && text.contains("something else listens"), "{text}");
    }

    #[test]
    fn udp_alone_in_use_is_noticed_too() {
        let other = UdpSocket::bind("127.0.0.77:0").unwrap(); // where no connection of another test has its port
        let error = bind(&[other.local_addr().unwrap()], 1).unwrap_err();
        assert!(error.to_string().contains("(UDP)"), "{error}");
    }

    #[test]
    fn a_failure_leaves_nothing_open() {
        let free = bind(&["127.0.0.77:0".parse().unwrap()], 1).unwrap().addresses()[0];
        let error = bind(&[free, "192.0.2.1:5300".parse().unwrap()], 1).unwrap_err();
        assert!(error.to_string().contains("no such address"), "{error}");
        bind(&[free], 1).unwrap();
    }

    #[test]
    fn a_wildcard_and_an_address_of_it_may_share_a_port() {
        let both = || {
            let port = bind(&["127.0.0.1:0".parse().unwrap()], 1).unwrap().addresses()[0].port();
            bind(&[SocketAddr::from(([0, 0, 0, 0], port)), SocketAddr::from(([127, 0, 0, 1], port))], 1)
        };
        // another test may take the port in between
        assert!((0..10).any(|_| both().is_ok()));
    }

    #[test]
    fn a_missing_permission_names_the_capability() {
        let error = explain(&ErrorKind::PermissionDenied.into(), "192.0.2.1:53".parse().unwrap(), "UDP");
        assert!(error.to_string().contains("CAP_NET_BIND_SERVICE"), "{error}");
    }
}
