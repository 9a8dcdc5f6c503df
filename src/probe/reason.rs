//! From an error to an outcome, by its type and number, never by its text.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::iter::successors;
use std::net::SocketAddr;

use rustls::CertificateError;
use socket2::{Domain, Socket, Type};

use crate::health::{Outcome, Phase, Reason};

/// What an error says of the target, or of the node itself; none where it is neither of the network nor of TLS.
pub(super) fn outcome_of(error: &(dyn Error + 'static), to: SocketAddr, phase: Phase) -> Option<Outcome> {
    let causes = || successors(Some(error), |&error| cause_of(error));
    if let Some(error) = causes().find_map(<dyn Error>::downcast_ref::<rustls::Error>) {
        return Some(Outcome::Failure(of_tls(error)));
    }
    let deepest = causes().filter_map(<dyn Error>::downcast_ref::<io::Error>).last()?;
    Some(of_io(deepest, to, phase))
}

/// What lies under an error. An `io::Error` hides what it wraps from `source`, and rustls' errors are wrapped twice.
fn cause_of<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>() {
        Some(io) => io.get_ref().map(|inner| inner as &(dyn Error + 'static)),
        None => error.source(),
    }
}

/// What an error of a socket says.
pub(super) fn of_io(error: &io::Error, to: SocketAddr, phase: Phase) -> Outcome {
    if is_own_trouble(error, to) {
        return Outcome::OwnTrouble(error.to_string());
    }
    Outcome::Failure(match error.kind() {
        ErrorKind::ConnectionRefused => Reason::Refused,
        ErrorKind::ConnectionReset => Reason::Reset,
        ErrorKind::TimedOut => Reason::Timeout(phase),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => Reason::Unreachable,
        ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted => Reason::Closed,
        _ => Reason::Other(error.to_string()),
    })
}

/// Whether the node could not even ask. A router's ICMP makes `ENETUNREACH` too, so that one counts only where the node
/// itself has no route. `EAFNOSUPPORT` is a kernel without IPv6.
fn is_own_trouble(error: &io::Error, to: SocketAddr) -> bool {
    match error.raw_os_error() {
        Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::EADDRNOTAVAIL | libc::EAFNOSUPPORT) => true,
        Some(libc::ENETUNREACH) => has_no_route(to),
        _ => false,
    }
}

/// Looks the route up: a UDP `connect` sends nothing.
fn has_no_route(to: SocketAddr) -> bool {
    let connected =
        Socket::new(Domain::for_address(to), Type::DGRAM, None).and_then(|socket| socket.connect(&to.into()));
    connected.is_err_and(|error| error.raw_os_error() == Some(libc::ENETUNREACH))
}

/// What an error of TLS says.
fn of_tls(error: &rustls::Error) -> Reason {
    let rustls::Error::InvalidCertificate(certificate) = error else {
        return Reason::TlsOther(error.to_string());
    };
    match certificate {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => Reason::TlsExpired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Reason::TlsNotYetValid,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => Reason::TlsWrongName,
        CertificateError::UnknownIssuer => Reason::TlsUntrusted,
        other => Reason::TlsOther(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a socket's error number makes of a probe of the loopback.
    fn of_errno(errno: i32) -> Outcome {
        of_io(&io::Error::from_raw_os_error(errno), ([127, 0, 0, 1], 443).into(), Phase::Connect)
    }

    #[test]
    fn the_nodes_own_trouble_is_no_verdict() {
        for errno in [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::EADDRNOTAVAIL, libc::EAFNOSUPPORT] {
            assert!(matches!(of_errno(errno), Outcome::OwnTrouble(_)), "{errno}");
        }
    }

    #[test]
    fn an_unreachable_network_is_a_failure_where_a_route_exists() {
        assert_eq!(of_errno(libc::ENETUNREACH), Outcome::Failure(Reason::Unreachable));
        assert_eq!(of_errno(libc::EHOSTUNREACH), Outcome::Failure(Reason::Unreachable));
        assert_eq!(of_errno(libc::ETIMEDOUT), Outcome::Failure(Reason::Timeout(Phase::Connect)));
    }

    #[test]
    fn a_wrapped_cause_is_found() {
        let tls = rustls::Error::InvalidCertificate(CertificateError::Revoked);
        let wrapped = io::Error::other(io::Error::new(ErrorKind::InvalidData, tls));
        let outcome = outcome_of(&wrapped, ([127, 0, 0, 1], 443).into(), Phase::Connect);
        assert!(matches!(outcome, Some(Outcome::Failure(Reason::TlsOther(_)))), "{outcome:?}");
    }
}
