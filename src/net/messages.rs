//! Many datagrams with one system call: recvmmsg(2) and sendmmsg(2). Linux.
//!
//! The arrays that the kernel reads and writes are made once and stay where they are. What it changes in them is set back
//! before they are used again, for those messages alone that it did change.
#![allow(unsafe_code)]

use super::sys::{self, Control, Storage};
use libc::{c_uint, iovec, mmsghdr, msghdr};
use std::io;
use std::mem::{size_of, zeroed};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::{self, NonNull};
use std::slice;

/// The most datagrams at a time. Larger makes the first of them wait for the last, and more buffers than a core's nearest
/// cache holds.
pub(super) const WIDTH: usize = 64;
/// The longest query looked at. Real ones have less than 512 octets, signed updates some more.
const LONGEST_QUERY: usize = 4096;
/// Room for a response; what may be sent of it is `UDP_PAYLOAD`, which no path fragments.
const RESPONSE: usize = 1280;
/// From one query to the next: not a power of two, or all of them would begin in the same few lines of the cache.
const QUERY_STRIDE: usize = LONGEST_QUERY + 64;
/// The same of responses.
const RESPONSE_STRIDE: usize = RESPONSE + 64;

/// Room for a batch of queries and their responses.
pub(super) struct Messages {
    queries: Array<u8>,
    responses: Array<u8>,
    /// Who sent each query. The kernel writes them, and reads them for the responses.
    names: Array<Storage>,
    /// Packet info of each query, and behind those of each response; none where the socket does not give any.
    controls: Option<Array<Control>>,
    /// The octets of each query, and behind those of each response.
    data: Array<iovec>,
    /// Each query, and behind those each response.
    headers: Array<mmsghdr>,
    /// How many queries there are, and how many responses.
    received: usize,
    answered: usize,
}

/// What is known of a query that was received.
pub(super) struct Origin {
    /// It was longer than there is room for.
    pub(super) truncated: bool,
    /// Who sent it.
    pub(super) source: SocketAddr,
    /// Where it was sent to, if the socket tells.
    pub(super) local: Option<IpAddr>,
}

impl Messages {
    /// Room for a socket's messages, with packet info where it gives any.
    pub(super) fn new(packet_info: bool) -> Self {
        // SAFETY: both are integers and pointers, for which all zeroes are a value.
        let (no_data, no_header) = unsafe { (zeroed::<iovec>(), zeroed::<mmsghdr>()) };
        let messages = Self {
            queries: Array::new(WIDTH * QUERY_STRIDE, || 0),
            responses: Array::new(WIDTH * RESPONSE_STRIDE, || 0),
            names: Array::new(WIDTH, Storage::empty),
            controls: packet_info.then(|| Array::new(2 * WIDTH, Control::empty)),
            data: Array::new(2 * WIDTH, || no_data),
            headers: Array::new(2 * WIDTH, || no_header),
            received: 0,
            answered: 0,
        };
        for at in 0..WIDTH {
            let query = iovec { iov_base: messages.queries.at(at * QUERY_STRIDE).cast(), iov_len: LONGEST_QUERY };
            let response = iovec { iov_base: messages.responses.at(at * RESPONSE_STRIDE).cast(), iov_len: 0 };
            messages.set_up(at, query);
            messages.set_up(WIDTH + at, response);
            messages.reset(at);
        }
        messages
    }

    fn set_up(&self, at: usize, data: iovec) {
        // SAFETY: `at` is below the length of both arrays, which nothing else refers to.
        unsafe {
            self.data.at(at).write(data);
            let header = &mut (*self.headers.at(at)).msg_hdr;
            header.msg_iov = self.data.at(at);
            header.msg_iovlen = 1;
        }
    }

    /// Makes the header of a query ready for the kernel.
    fn reset(&self, at: usize) {
        // SAFETY: `at` is below the length of the arrays; no reference to a header is alive outside of a method.
        let header = unsafe { &mut (*self.headers.at(at)).msg_hdr };
        header.msg_name = self.names.at(at).cast();
        header.msg_namelen = size_of::<Storage>() as libc::socklen_t;
        if let Some(controls) = &self.controls {
            header.msg_control = controls.at(at).cast();
            header.msg_controllen = size_of::<Control>();
        }
    }

    /// Receives up to `width` datagrams; waits for the first, as long as the socket's timeout says, unless told not to.
    /// Returns how many there are.
    pub(super) fn receive(&mut self, socket: BorrowedFd<'_>, width: usize, wait: bool) -> io::Result<usize> {
        (0..self.received).for_each(|at| self.reset(at));
        (self.received, self.answered) = (0, 0);
        let flags = if wait { libc::MSG_WAITFORONE } else { libc::MSG_DONTWAIT };
        let count = width.min(WIDTH) as c_uint;
        // SAFETY: the first `WIDTH` headers are set up, their pointers are to arrays that live as long as `self` and have
        // the lengths named; nothing else refers to them now.
        let received =
            unsafe { libc::recvmmsg(socket.as_raw_fd(), self.headers.at(0), count, flags as _, ptr::null_mut()) };
        self.received = usize::try_from(received).map_err(|_| io::Error::last_os_error())?;
        Ok(self.received)
    }

    /// Where a query came from; none where what was received is no datagram but the end of the socket.
    #[inline]
    pub(super) fn origin(&self, at: usize) -> Option<Origin> {
        assert!(at < self.received, "that many were received");
        // SAFETY: `at` is below `WIDTH`. The kernel wrote both and is done with them; who changes them borrows `self` for it.
        let (header, name) = unsafe { (&(*self.headers.at(at)).msg_hdr, &*self.names.at(at)) };
        let source = if header.msg_namelen == 0 { None } else { name.address() };
        Some(Origin { truncated: header.msg_flags & libc::MSG_TRUNC != 0, source: source?, local: self.local(header) })
    }

    /// Where a query was sent to, if the socket tells.
    fn local(&self, header: &msghdr) -> Option<IpAddr> {
        self.controls.as_ref().and_then(|_| sys::local_address(header))
    }

    /// A query that was received.
    pub(super) fn query(&self, at: usize) -> &[u8] {
        assert!(at < self.received, "that many were received");
        // SAFETY: `at` is below `WIDTH`. The kernel wrote the length and the first `msg_len` octets of the query's buffer, and
        // is done with them; who changes them borrows `self` for it.
        unsafe {
            let len = ((*self.headers.at(at)).msg_len as usize).min(LONGEST_QUERY);
            slice::from_raw_parts(self.queries.at(at * QUERY_STRIDE), len)
        }
    }

    /// A query that was received, and room for its response.
    pub(super) fn exchange(&mut self, at: usize) -> (&[u8], &mut [u8]) {
        let response = self.responses.at(self.answered * RESPONSE_STRIDE);
        let query = self.query(at);
        // SAFETY: `at` returned the beginning of a response's place. Query and response are different arrays, borrowed as
        // `self` is.
        (query, unsafe { slice::from_raw_parts_mut(response, RESPONSE) })
    }

    /// Notes that the response to a query is written, so many octets of it. It leaves from where the query was sent to.
    pub(super) fn answer(&mut self, at: usize, len: usize) {
        assert!(at < self.received && self.answered < WIDTH, "one response a query");
        let slot = WIDTH + self.answered;
        self.answered += 1;
        // SAFETY: `at` and `slot` are below the lengths of the arrays; no other reference to them is alive.
        unsafe {
            (*self.data.at(slot)).iov_len = len.min(RESPONSE);
            let query: *const msghdr = &raw const (*self.headers.at(at)).msg_hdr;
            let response = &mut (*self.headers.at(slot)).msg_hdr;
            (response.msg_name, response.msg_namelen) = ((*query).msg_name, (*query).msg_namelen);
            (response.msg_control, response.msg_controllen) = (ptr::null_mut(), 0);
            if let (Some(controls), Some(local)) = (&self.controls, self.local(&*query)) {
                response.msg_control = controls.at(slot).cast();
                response.msg_controllen = size_of::<Control>();
                sys::put_source(response, local);
            }
        }
    }

    /// How many responses there are.
    pub(super) const fn answered(&self) -> usize {
        self.answered
    }

    /// Sends the responses from one on; returns how many the kernel took. An error is that of the first.
    pub(super) fn send(&mut self, socket: BorrowedFd<'_>, from: usize) -> io::Result<usize> {
        assert!(from < self.answered, "there is something to send");
        let count = (self.answered - from) as c_uint; // at most `WIDTH`
        // SAFETY: these headers were filled by `answer`; their pointers are to arrays that live as long as `self`.
        let sent = unsafe {
            libc::sendmmsg(socket.as_raw_fd(), self.headers.at(WIDTH + from), count, libc::MSG_DONTWAIT as _)
        };
        usize::try_from(sent).map_err(|_| io::Error::last_os_error())
    }
}

/// An array that the kernel is given pointers into: it is only ever reached through them, so that none of them ends with
/// a reference.
struct Array<T> {
    start: NonNull<T>,
    len: usize,
}

impl<T> Array<T> {
    fn new(len: usize, make: impl FnMut() -> T) -> Self {
        let items: Box<[T]> = std::iter::repeat_with(make).take(len).collect();
        let start = NonNull::from(Box::leak(items)).cast();
        Self { start, len }
    }

    fn at(&self, index: usize) -> *mut T {
        assert!(index < self.len, "within the array");
        // SAFETY: `start` is the beginning of an array of `len` items.
        unsafe { self.start.as_ptr().add(index) }
    }
}

impl<T> Drop for Array<T> {
    fn drop(&mut self) {
        // SAFETY: `new` leaked a box of just this.
        drop(unsafe { Box::from_raw(ptr::slice_from_raw_parts_mut(self.start.as_ptr(), self.len)) });
    }
}
