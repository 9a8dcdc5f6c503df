//! Datagrams in batches: recvmmsg(2), sendmmsg(2), and a poll with a timeout shorter than a millisecond. Linux.
#![allow(unsafe_code, reason = "std has no calls for several datagrams")]

use std::io;
use std::mem::{size_of, zeroed};
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::time::Duration;

use libc::{iovec, mmsghdr, sockaddr_in};

/// Datagrams a call.
pub(crate) const BATCH: usize = 64;
/// Octets a datagram may have.
pub(crate) const ROOM: usize = 2048;

/// Room for a batch of datagrams. The headers point into the other boxes, which never move.
pub(crate) struct Batch {
    data: Box<[[u8; ROOM]; BATCH]>,
    _names: Box<[sockaddr_in; BATCH]>,
    vectors: Box<[iovec; BATCH]>,
    headers: Box<[mmsghdr; BATCH]>,
    /// Room for when a datagram arrived: the head of a control message, and the time.
    stamps: Box<[[u64; 8]; BATCH]>,
    named: bool,
}

impl Batch {
    /// `named`: remember who sent a datagram and send it back there; for sockets that are not connected. IPv4.
    pub(crate) fn new(named: bool) -> Self {
        let mut data = Box::new([[0; ROOM]; BATCH]);
        // SAFETY: all three are plain C structures, for which all zeros is a value.
        let (names, vectors, headers) = unsafe { (zeroed(), zeroed(), zeroed()) };
        let mut names: Box<[sockaddr_in; BATCH]> = Box::new(names);
        let mut vectors: Box<[iovec; BATCH]> = Box::new(vectors);
        let mut headers: Box<[mmsghdr; BATCH]> = Box::new(headers);
        for at in 0..BATCH {
            vectors[at].iov_base = data[at].as_mut_ptr().cast();
            let header = &mut headers[at].msg_hdr;
            header.msg_iov = &raw mut vectors[at];
            header.msg_iovlen = 1;
            if named {
                header.msg_name = (&raw mut names[at]).cast();
            }
        }
        Self { data, _names: names, vectors, headers, stamps: Box::new([[0; 8]; BATCH]), named }
    }

    /// Receives what is there, or with `wait` at least one datagram. Returns how many; none where there is nothing.
    pub(crate) fn receive(&mut self, socket: &UdpSocket, wait: bool) -> io::Result<usize> {
        for at in 0..BATCH {
            self.vectors[at].iov_len = ROOM;
            let header = &mut self.headers[at].msg_hdr;
            header.msg_namelen = if self.named { size_of::<sockaddr_in>() as u32 } else { 0 };
            header.msg_control = self.stamps[at].as_mut_ptr().cast();
            header.msg_controllen = size_of_val(&self.stamps[at]);
        }
        let flags = if wait { libc::MSG_WAITFORONE } else { libc::MSG_DONTWAIT };
        let (headers, none) = (self.headers.as_mut_ptr(), std::ptr::null_mut());
        // SAFETY: BATCH headers are there; what they point to lives as long as `self` and has the lengths just written.
        let got = unsafe { libc::recvmmsg(socket.as_raw_fd(), headers, BATCH as u32, flags, none) };
        count(got)
    }

    /// The datagram at a place, as it was received.
    pub(crate) fn received(&self, at: usize) -> &[u8] {
        &self.data[at][..self.headers[at].msg_len as usize]
    }

    /// When the datagram at a place arrived, by the clock of the system, if its socket [tells](stamp_arrivals).
    pub(crate) fn arrived(&self, at: usize) -> Option<Duration> {
        let header = &self.headers[at].msg_hdr;
        // SAFETY: the kernel wrote `msg_controllen` octets of control messages into `stamps`, which is aligned for them and
        // lives as long as `self`; CMSG_FIRSTHDR gives null where there is none.
        unsafe {
            let message = libc::CMSG_FIRSTHDR(header).as_ref()?;
            if (message.cmsg_level, message.cmsg_type) != (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) {
                return None;
            }
            let time = libc::CMSG_DATA(message).cast::<libc::timespec>().read_unaligned();
            Some(Duration::new(time.tv_sec as u64, time.tv_nsec as u32))
        }
    }

    /// The datagram at a place, to be changed and sent with this many octets.
    pub(crate) fn resize(&mut self, at: usize, octets: usize) -> &mut [u8] {
        self.vectors[at].iov_len = octets.min(ROOM);
        &mut self.data[at][..octets.min(ROOM)]
    }

    /// Sends the datagrams from `first` to before `end`; returns how many were taken.
    pub(crate) fn send(&mut self, socket: &UdpSocket, first: usize, end: usize) -> io::Result<usize> {
        let headers = &mut self.headers[first..end];
        headers.iter_mut().for_each(|header| header.msg_hdr.msg_controllen = 0);
        // SAFETY: the slice's headers point to boxes of `self`, with lengths that `resize` kept within them.
        let sent = unsafe { libc::sendmmsg(socket.as_raw_fd(), headers.as_mut_ptr(), headers.len() as u32, 0) };
        count(sent)
    }
}

/// How many; nothing to do is none, and so is a refusal that ICMP brought from a datagram before.
fn count(result: libc::c_int) -> io::Result<usize> {
    usize::try_from(result).or_else(|_| {
        let error = io::Error::last_os_error();
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::ConnectionRefused | io::ErrorKind::Interrupted => Ok(0),
            _ => Err(error),
        }
    })
}

/// Sleeps until one of the sockets can be read, or so long.
pub(crate) fn sleep_until_readable<'s>(sockets: impl Iterator<Item = &'s UdpSocket>, most: Duration) {
    let of = |socket: &UdpSocket| libc::pollfd { fd: socket.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let mut polled: Vec<libc::pollfd> = sockets.map(of).collect();
    let time = libc::timespec { tv_sec: most.as_secs() as libc::time_t, tv_nsec: most.subsec_nanos().into() };
    // SAFETY: the vector and the time live over the call; no signal mask is given.
    unsafe { libc::ppoll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, &raw const time, std::ptr::null()) };
}

/// Has the kernel note when datagrams arrive, as long as this process may not look at once.
pub(crate) fn stamp_arrivals(socket: &UdpSocket) -> io::Result<()> {
    let on: libc::c_int = 1;
    let (level, size) = (libc::SOL_SOCKET, size_of_val(&on) as libc::socklen_t);
    // SAFETY: the kernel reads an `int` from a live local.
    let done =
        unsafe { libc::setsockopt(socket.as_raw_fd(), level, libc::SO_TIMESTAMPNS, (&raw const on).cast(), size) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Lets sleeps end when they should, and not up to 50 µs later (PR_SET_TIMERSLACK of prctl(2)), nor behind the turn of what else
/// has this CPU: with turns of 0.1 ms it comes first (sched_setattr(2); from Linux 6.12 on).
pub(crate) fn wake_on_time() {
    // SAFETY: no pointers; it changes only this thread.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1) };
    // SAFETY: the attributes are integers, for which all zeroes are a value; the kernel writes and reads a live local of the
    // size told; 0 is this thread.
    unsafe {
        let mut attributes: libc::sched_attr = zeroed();
        let size = size_of::<libc::sched_attr>();
        if libc::syscall(libc::SYS_sched_getattr, 0, &raw mut attributes, size, 0) == 0 {
            attributes.sched_runtime = 100_000;
            libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0);
        }
    }
}
