//! Which CPU a thread runs on, and which thread's socket is given the datagrams that come in on a CPU. Linux.
#![allow(unsafe_code)]

use libc::{c_ulong, sock_filter, sock_fprog};
use std::io;
use std::mem::size_of_val;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

/// CPUs in one word of a set.
const WORD: usize = c_ulong::BITS as usize;
/// A set of CPUs, larger than the `cpu_set_t` of the C library: as many as Linux can have.
type Set = [c_ulong; 8192 / WORD];

/// The CPUs that the calling thread may run on, in order; at least one.
pub(super) fn allowed() -> io::Result<Vec<usize>> {
    let mut set: Set = [0; _];
    // SAFETY: the size is that of `set`, a live local that holds any bits; 0 is the calling thread.
    if unsafe { libc::sched_getaffinity(0, size_of_val(&set), ptr::from_mut(&mut set).cast()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let cpus: Vec<usize> = (0..set.len() * WORD).filter(|cpu| set[cpu / WORD] >> (cpu % WORD) & 1 == 1).collect();
    if cpus.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(cpus) }
}

/// Lets the calling thread run on this CPU alone.
pub(super) fn pin(cpu: usize) -> io::Result<()> {
    let mut set: Set = [0; _];
    *set.get_mut(cpu / WORD).ok_or(io::ErrorKind::InvalidInput)? = 1 << (cpu % WORD);
    // SAFETY: the size is that of `set`, a live local which the kernel only reads; 0 is the calling thread.
    let result = unsafe { libc::sched_setaffinity(0, size_of_val(&set), ptr::from_ref(&set).cast()) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Has the sockets that share an address, of which this is one, given the datagrams of their CPUs: the first bound those of
/// the first CPU, and so on. What comes in on another CPU goes to the one that its number modulo theirs says.
///
/// Where the port was chosen by the system their order is another, as the socket that found it came first: all are served
/// still, but not on the CPU that they came in on.
pub(super) fn steer(socket: BorrowedFd<'_>, cpus: &[usize]) -> io::Result<()> {
    let mut program = program(cpus);
    let len = u16::try_from(program.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let filter = sock_fprog { len, filter: program.as_mut_ptr() };
    let (level, option, pointer) = (libc::SOL_SOCKET, libc::SO_ATTACH_REUSEPORT_CBPF, ptr::from_ref(&filter).cast());
    let size = size_of_val(&filter) as libc::socklen_t;
    // SAFETY: `pointer` and `size` describe `filter`, which points to the `len` instructions of `program`; both live through
    // the call, and the kernel checks and copies them.
    let result = unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, pointer, size) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Returns the number of the socket for the CPU that it runs on: the CPU's own modulo theirs, and where that is not the
/// socket of a thread on that CPU, a comparison before.
fn program(cpus: &[usize]) -> Vec<sock_filter> {
    let step = |code: u32, k: u32| sock_filter { code: code as u16, jt: 0, jf: 0, k };
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let cpu = (libc::SKF_AD_OFF + libc::SKF_AD_CPU).cast_unsigned();
    let mut program = vec![step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, cpu)];
    for (socket, &cpu) in cpus.iter().enumerate() {
        if cpu % cpus.len() != socket && !cpus[..socket].contains(&cpu) {
            let same = step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, number(cpu));
            program.push(sock_filter { jf: 1, ..same });
            program.push(step(libc::BPF_RET | libc::BPF_K, number(socket)));
        }
    }
    program.push(step(libc::BPF_ALU | libc::BPF_MOD | libc::BPF_K, number(cpus.len())));
    program.push(step(libc::BPF_RET | libc::BPF_A, 0));
    program
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The socket that a program chooses on a CPU, by the few instructions that there are.
    fn chosen(program: &[sock_filter], cpu: u32) -> u32 {
        let (mut at, mut a) = (0, 0);
        loop {
            let sock_filter { code, jt, jf, k } = program[at];
            at += 1;
            match code {
                0x20 => a = cpu,
                0x15 => at += usize::from(if a == k { jt } else { jf }),
                0x94 => a %= k,
                0x06 => return k,
                0x16 => return a,
                _ => panic!("instruction {code:#x}"),
            }
        }
    }

    #[test]
    fn each_cpu_has_its_socket_and_others_are_spread() {
        for (cpus, length) in [(&[0, 1, 2, 3][..], 3), (&[2, 3], 3), (&[1, 2], 7), (&[0, 2, 4, 6], 9), (&[5, 6, 7], 9)]
        {
            let program = program(cpus);
            assert_eq!(program.len(), length, "{cpus:?}");
            for (socket, &cpu) in cpus.iter().enumerate() {
                assert_eq!(chosen(&program, cpu as u32) as usize, socket, "CPU {cpu} of {cpus:?}");
            }
            assert!((0..64).all(|cpu| (chosen(&program, cpu) as usize) < cpus.len()));
        }
    }

    #[test]
    fn of_two_threads_on_a_cpu_the_first_is_given_what_comes_in_there() {
        assert_eq!((0..4).map(|cpu| chosen(&program(&[0, 1, 0, 1]), cpu)).collect::<Vec<_>>(), [0, 1, 2, 3]);
        assert_eq!(chosen(&program(&[3, 3]), 3), 0);
    }

    #[test]
    fn a_thread_stays_where_it_is_pinned() {
        let cpu = *allowed().unwrap().last().unwrap();
        pin(cpu).unwrap();
        assert_eq!(allowed().unwrap(), [cpu]);
        assert_eq!(pin(usize::MAX).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}
