//! Packet info: which of our addresses a datagram was sent to, so that the reply leaves from the same one (RFC 3542 §6;
//! ip(7)). Without it a reply from a wildcard socket leaves from whatever address routing prefers, and the client drops
//! it. Linux.
#![allow(unsafe_code)]

use libc::{
    c_int, c_void, cmsghdr, in_pktinfo, in6_pktinfo, iovec, msghdr, sockaddr_in, sockaddr_in6, sockaddr_storage,
};
use std::io;
use std::mem::{size_of, size_of_val, zeroed};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::ops::Range;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

use crate::base::Fetch;

/// Raises the number of descriptors this process may have to what the system allows it, and returns that. Every TCP
/// connection and every probe takes one, and the usual limit of 1,024 is little for both.
///
/// # Errors
/// What the system says; the limit is then as it was.
pub fn raise_descriptor_limit() -> io::Result<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is a live local of the type that the call fills.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } != 0 {
        return Err(io::Error::last_os_error());
    }
    limit.rlim_cur = limit.rlim_max;
    // SAFETY: `limit` is a live local; the kernel only reads it.
    if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(limit.rlim_cur)
}

/// Lets the C library map what is large on its own, so that it goes back to the system whole when it is freed. Left to itself it
/// takes the size of what was freed last for small, and puts the next such thing among all others.
pub fn keep_large_memory_apart() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: no pointers are passed, and it may be called at any time on any thread (mallopt(3)).
    let _ = unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, 1 << 20) };
}

/// Gives memory that was freed back to the system, as far as the C library keeps it: loading takes far more than serving.
pub fn give_back_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: no pointers are passed, and it may be called at any time on any thread (malloc_trim(3)).
    let _ = unsafe { libc::malloc_trim(0) };
}

/// Lets what will be written between these addresses lie in huge pages, as far as it fills any. Best effort. It is for what
/// queries look up all the time.
pub fn prefer_huge_pages(range: Range<usize>) {
    #[cfg(target_os = "linux")]
    advise(range, libc::MADV_HUGEPAGE);
    #[cfg(not(target_os = "linux"))]
    let _ = range;
}

/// Moves what lies between these addresses into huge pages, as far as it fills any and is not there yet. Best effort; what is
/// there does not change. It is for the time before queries are answered: moving a page takes some milliseconds, in which
/// nothing else runs on the processor.
pub fn move_to_huge_pages(range: Range<usize>) {
    #[cfg(target_os = "linux")]
    advise(range, libc::MADV_COLLAPSE);
    #[cfg(not(target_os = "linux"))]
    let _ = range;
}

#[cfg(target_os = "linux")]
fn advise(range: Range<usize>, advice: c_int) {
    use crate::base::HUGE_PAGE;
    let (start, end) = (range.start.next_multiple_of(HUGE_PAGE), range.end / HUGE_PAGE * HUGE_PAGE);
    if start < end {
        // SAFETY: no advice that is given here changes what memory holds or whether it is there; addresses without memory
        // are refused.
        let _ = unsafe { libc::madvise(start as *mut c_void, end - start, advice) };
    }
}

/// Brings memory into the cache by the instruction that there is for it. Does nothing on processors for which Rust has none.
#[derive(Clone, Copy, Debug)]
pub struct Prefetch;

impl Fetch for Prefetch {
    #[inline]
    fn fetch<T>(&self, thing: &T) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the instruction changes nothing but the cache, and may be given any address.
        unsafe {
            std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(ptr::from_ref(thing).cast());
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = thing;
    }
}

/// The nice value of threads behind those that serve queries: where processors are short, one such thread gets a tenth of
/// what a serving thread gets. Much less would let probes time out under a flood, and take down what is up.
const NICE: libc::c_int = 10;

/// Puts the calling thread behind those that serve queries: it gets a smaller share, and does not interrupt them where it
/// has something to do, but waits until their turn is over, some milliseconds (`SCHED_BATCH`, sched(7)). Its share stays its
/// own. Best effort; only Linux knows it of a single thread.
///
/// Threads that it starts are as it is.
pub fn lower_priority() {
    #[cfg(target_os = "linux")]
    {
        let priority: c_int = 0;
        // Not by the C library: that of musl has only a stub for it.
        // SAFETY: the kernel reads a `sched_param`, which is one `int`, from a live local; 0 is the calling thread.
        let _ = unsafe { libc::syscall(libc::SYS_sched_setscheduler, 0, libc::SCHED_BATCH, &raw const priority) };
        // SAFETY: no pointers are passed; 0 is the calling thread (setpriority(2), "C library/kernel differences").
        unsafe {
            // of a server that was started with less, all threads have that
            let started = libc::getpriority(libc::PRIO_PROCESS, 0);
            let _ = libc::setpriority(libc::PRIO_PROCESS, 0, NICE.max(started));
        }
    }
}

/// The shortest turn that a thread can ask for (`sched_runtime` of a thread that is not of a real-time policy, Linux 6.12).
#[cfg(target_os = "linux")]
const SHORT_TURN: u64 = 100_000;

/// Lets the calling thread take short turns on its processor, 0.1 ms: who asks for less at a time gets it sooner, in front of
/// others that are busy there (earliest eligible virtual deadline first, sched(7)). What it gets in all stays the same. Best
/// effort: an older Linux passes over it.
#[cfg(target_os = "linux")]
pub(super) fn take_short_turns() {
    if let Some(mut attributes) = scheduling().filter(|now| now.sched_policy == libc::SCHED_OTHER as u32) {
        attributes.sched_runtime = SHORT_TURN;
        // SAFETY: the kernel reads a `sched_attr`, which tells its own size, from a live local; 0 is the calling thread.
        let _ = unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) };
    }
}

/// How the calling thread is scheduled.
#[cfg(target_os = "linux")]
pub(super) fn scheduling() -> Option<libc::sched_attr> {
    // SAFETY: it is integers, for which all zeroes are a value.
    let mut attributes: libc::sched_attr = unsafe { zeroed() };
    let size = size_of_val(&attributes) as libc::c_uint;
    // SAFETY: the kernel writes at most `size` octets into a live local; 0 is the calling thread.
    let done = unsafe { libc::syscall(libc::SYS_sched_getattr, 0, &raw mut attributes, size, 0) };
    (done == 0).then_some(attributes)
}

/// A datagram that was received.
#[derive(Debug)]
pub(super) struct Datagram {
    /// Octets in the buffer.
    pub(super) len: usize,
    /// It was longer than the buffer.
    pub(super) truncated: bool,
    /// Who sent it.
    pub(super) source: SocketAddr,
    /// Where it was sent to, as an address that a reply can leave from.
    pub(super) local: Option<IpAddr>,
}

/// Receives a datagram; `WouldBlock` where there is none.
pub(super) fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<Datagram> {
    let mut name = Storage::empty();
    let mut control = Control::empty();
    let mut data = iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    let mut message = header(&mut name, &mut data);
    message.msg_control = ptr::from_mut(&mut control).cast();
    message.msg_controllen = size_of::<Control>();
    // SAFETY: every pointer in `message` is to a live local (or to `buffer`), exclusively borrowed, with its own length.
    let received = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut message, libc::MSG_DONTWAIT) };
    let len = usize::try_from(received).map_err(|_| io::Error::last_os_error())?;
    let truncated = message.msg_flags & libc::MSG_TRUNC != 0;
    let source = name.address().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?;
    Ok(Datagram { len, truncated, source, local: local_address(&message) })
}

/// Sends a datagram, from `local` if given; `WouldBlock` where the send buffer is full.
pub(super) fn send(socket: BorrowedFd<'_>, bytes: &[u8], to: SocketAddr, local: Option<IpAddr>) -> io::Result<()> {
    let mut name = Storage::empty();
    let length = name.fill(to);
    let mut control = Control::empty();
    let mut data = iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    let mut message = header(&mut name, &mut data);
    message.msg_namelen = length;
    if let Some(local) = local {
        message.msg_control = ptr::from_mut(&mut control).cast();
        message.msg_controllen = size_of::<Control>();
        put_source(&mut message, local);
    }
    // SAFETY: every pointer in `message` is to a live local or to `bytes`, with its own length; the kernel only reads.
    let sent = unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const message, libc::MSG_DONTWAIT) };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Asks for the local address of each datagram received.
pub(super) fn enable_packet_info(socket: BorrowedFd<'_>, v6: bool) -> io::Result<()> {
    if v6 {
        set(socket, libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO, 1)
    } else {
        set(socket, libc::IPPROTO_IP, libc::IP_PKTINFO, 1)
    }
}

/// Sends datagrams that no router may fragment into pieces which an attacker could replace, and never lets a forged
/// "fragmentation needed" lower the path MTU (RFC 9715 §3.1): they stay below what any common link carries. It also spares
/// the kernel the choice of an identification for each IPv4 packet (RFC 6864 §4.1).
pub(super) fn ignore_path_mtu(socket: BorrowedFd<'_>, v6: bool) -> io::Result<()> {
    if v6 {
        set(socket, libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER, libc::IPV6_PMTUDISC_PROBE)
    } else {
        set(socket, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, libc::IP_PMTUDISC_PROBE)
    }
}

/// How many datagrams the kernel has dropped that came for a socket, modulo 2^32: for want of room in its receive buffer, or
/// (rare, as interfaces look first) with a wrong checksum. None where the system does not tell (Linux does since 4.12).
pub(super) fn dropped(socket: BorrowedFd<'_>) -> Option<u32> {
    #[cfg(target_os = "linux")]
    {
        let mut info = [0_u32; libc::SK_MEMINFO_DROPS as usize + 1];
        let mut length = size_of_val(&info) as libc::socklen_t;
        let (level, option, pointer) = (libc::SOL_SOCKET, libc::SO_MEMINFO, ptr::from_mut(&mut info).cast());
        // SAFETY: `pointer` and `length` describe `info`, which lives through the call and holds any numbers.
        let result = unsafe { libc::getsockopt(socket.as_raw_fd(), level, option, pointer, &raw mut length) };
        (result == 0 && length as usize == size_of_val(&info)).then_some(info[libc::SK_MEMINFO_DROPS as usize])
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = socket;
        None
    }
}

/// Waits until a datagram can be sent, or until the patience is over.
#[cfg(target_os = "linux")]
pub(super) fn wait_writable(socket: BorrowedFd<'_>, patience: std::time::Duration) {
    let mut wanted = libc::pollfd { fd: socket.as_raw_fd(), events: libc::POLLOUT, revents: 0 };
    let millis = c_int::try_from(patience.as_millis()).unwrap_or(c_int::MAX);
    // SAFETY: the pointer is to one live `pollfd`. Whatever comes of it, the caller tries to send.
    let _ = unsafe { libc::poll(&raw mut wanted, 1, millis) };
}

/// Sets an option that is an `int`.
fn set(socket: BorrowedFd<'_>, level: c_int, option: c_int, value: c_int) -> io::Result<()> {
    let (pointer, length) = (ptr::from_ref(&value).cast::<c_void>(), size_of_val(&value) as libc::socklen_t);
    // SAFETY: `pointer` and `length` describe `value`, which lives through the call.
    let result = unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, pointer, length) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Room for one packet-info message of either family, aligned as `cmsghdr` must be.
#[repr(C, align(8))]
pub(super) struct Control([u8; 64]);

impl Control {
    pub(super) fn empty() -> Self {
        Self([0; 64])
    }
}

/// A socket address of either family.
#[repr(transparent)]
pub(super) struct Storage(sockaddr_storage);

impl Storage {
    pub(super) fn empty() -> Self {
        // SAFETY: `sockaddr_storage` is plain integers, for which all zeroes are a value.
        Self(unsafe { zeroed() })
    }

    /// Writes an address and returns its length.
    fn fill(&mut self, address: SocketAddr) -> libc::socklen_t {
        let place = ptr::from_mut(&mut self.0);
        match address {
            SocketAddr::V4(address) => {
                let address = sockaddr_in {
                    sin_family: libc::AF_INET as libc::sa_family_t,
                    sin_port: address.port().to_be(),
                    sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(address.ip().octets()) },
                    sin_zero: [0; 8],
                };
                // SAFETY: `sockaddr_storage` is made to be large and aligned enough for every socket address.
                unsafe { place.cast::<sockaddr_in>().write(address) };
                size_of::<sockaddr_in>() as libc::socklen_t
            }
            SocketAddr::V6(address) => {
                let address = sockaddr_in6 {
                    sin6_family: libc::AF_INET6 as libc::sa_family_t,
                    sin6_port: address.port().to_be(),
                    sin6_flowinfo: 0,
                    sin6_addr: libc::in6_addr { s6_addr: address.ip().octets() },
                    sin6_scope_id: address.scope_id(),
                };
                // SAFETY: as above.
                unsafe { place.cast::<sockaddr_in6>().write(address) };
                size_of::<sockaddr_in6>() as libc::socklen_t
            }
        }
    }

    /// Reads the address that the kernel wrote.
    #[inline]
    pub(super) fn address(&self) -> Option<SocketAddr> {
        let place = ptr::from_ref(&self.0);
        match c_int::from(self.0.ss_family) {
            libc::AF_INET => {
                // SAFETY: `sockaddr_storage` is large and aligned enough, every bit pattern is a `sockaddr_in`.
                let address = unsafe { place.cast::<sockaddr_in>().read() };
                Some(SocketAddrV4::new(to_v4(address.sin_addr), u16::from_be(address.sin_port)).into())
            }
            libc::AF_INET6 => {
                // SAFETY: as above, for `sockaddr_in6`.
                let address = unsafe { place.cast::<sockaddr_in6>().read() };
                let (ip, port) = (Ipv6Addr::from(address.sin6_addr.s6_addr), u16::from_be(address.sin6_port));
                // The scope is what makes a link-local client reachable; the flow label is the client's own.
                Some(SocketAddrV6::new(ip, port, 0, address.sin6_scope_id).into())
            }
            _ => None,
        }
    }
}

/// A message header without control data. The pointers in it must outlive it.
fn header(name: &mut Storage, data: &mut iovec) -> msghdr {
    // SAFETY: `msghdr` is integers and pointers, for which all zeroes are a value.
    let mut message: msghdr = unsafe { zeroed() };
    message.msg_name = ptr::from_mut(&mut name.0).cast();
    message.msg_namelen = size_of::<sockaddr_storage>() as libc::socklen_t;
    message.msg_iov = ptr::from_mut(data);
    message.msg_iovlen = 1;
    message
}

/// The local address among the control messages of a received datagram. A multicast address is none: nothing may be
/// sent from it.
pub(super) fn local_address(message: &msghdr) -> Option<IpAddr> {
    // SAFETY: `message` was filled by `recvmsg`, and its control buffer is alive.
    let mut next = unsafe { libc::CMSG_FIRSTHDR(message) };
    while !next.is_null() {
        // SAFETY: the macros return only pointers to whole headers within the control buffer, which is aligned for them.
        let (kind, data) = unsafe { (((*next).cmsg_level, (*next).cmsg_type), libc::CMSG_DATA(next)) };
        match kind {
            (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
                // SAFETY: the kernel wrote an `in_pktinfo` as this message's data; it need not be aligned.
                let info = unsafe { data.cast::<in_pktinfo>().read_unaligned() };
                return Some(to_v4(info.ipi_spec_dst).into());
            }
            (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
                // SAFETY: the kernel wrote an `in6_pktinfo` as this message's data; it need not be aligned.
                let info = unsafe { data.cast::<in6_pktinfo>().read_unaligned() };
                return Some(Ipv6Addr::from(info.ipi6_addr.s6_addr).into()).filter(|a: &IpAddr| !a.is_multicast());
            }
            // SAFETY: `next` came from these macros over this message.
            _ => next = unsafe { libc::CMSG_NXTHDR(message, next) },
        }
    }
    None
}

/// Says where a datagram is to leave from. Its control buffer must be a [`Control`].
pub(super) fn put_source(message: &mut msghdr, local: IpAddr) {
    match local {
        IpAddr::V4(address) => put(message, libc::IPPROTO_IP, libc::IP_PKTINFO, from_v4(address)),
        IpAddr::V6(address) => put(message, libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, from_v6(address)),
    }
}

/// Writes the one control message of a datagram to send.
fn put<T: Copy>(message: &mut msghdr, level: c_int, kind: c_int, value: T) {
    let size = size_of::<T>() as u32;
    // SAFETY: CMSG_SPACE only computes.
    let space = unsafe { libc::CMSG_SPACE(size) } as usize;
    assert!(space <= message.msg_controllen, "Control is larger than either packet info");
    message.msg_controllen = space;
    // SAFETY: the control buffer is a live, zeroed, aligned `Control` with room for a header and a `T`, checked above,
    // so CMSG_FIRSTHDR is not null and CMSG_DATA points at `size` octets of it.
    unsafe {
        let first: *mut cmsghdr = libc::CMSG_FIRSTHDR(message);
        (*first).cmsg_level = level;
        (*first).cmsg_type = kind;
        (*first).cmsg_len = libc::CMSG_LEN(size) as _;
        libc::CMSG_DATA(first).cast::<T>().write_unaligned(value);
    }
}

/// Packet info that names the source only: the interface is for routing to choose.
fn from_v4(address: Ipv4Addr) -> in_pktinfo {
    let none = libc::in_addr { s_addr: 0 };
    in_pktinfo {
        ipi_ifindex: 0,
        ipi_spec_dst: libc::in_addr { s_addr: u32::from_ne_bytes(address.octets()) },
        ipi_addr: none,
    }
}

/// The same for IPv6; a link-local reply finds its interface by the destination's scope.
fn from_v6(address: Ipv6Addr) -> in6_pktinfo {
    in6_pktinfo { ipi6_addr: libc::in6_addr { s6_addr: address.octets() }, ipi6_ifindex: 0 }
}

fn to_v4(address: libc::in_addr) -> Ipv4Addr {
    Ipv4Addr::from(address.s_addr.to_ne_bytes())
}
