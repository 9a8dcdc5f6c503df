//! What a probe ended in, and why it failed.

use std::fmt;

use crate::base::Millis;

/// What one probe ended in.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The target answered as its check expects.
    Success {
        /// From the start of the probe to the answer.
        latency: Millis,
        /// When the certificate it showed expires, in seconds since 1970-01-01 UTC.
        certificate_expiry: Option<u64>,
    },
    /// It did not.
    Failure(Reason),
    /// The node could not ask: no verdict on the target.
    OwnTrouble(String),
}

/// Why a probe failed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// An HTTP status that the check does not expect.
    Status(u16),
    /// Nothing listens.
    Refused,
    /// The connection was reset.
    Reset,
    /// The probe took too long.
    Timeout(Phase),
    /// No route leads there.
    Unreachable,
    /// The certificate has expired.
    TlsExpired,
    /// The certificate is not valid yet.
    TlsNotYetValid,
    /// The certificate bears another name.
    TlsWrongName,
    /// No trusted authority issued the certificate.
    TlsUntrusted,
    /// TLS failed otherwise.
    TlsOther(String),
    /// The body lacks the expected text.
    Body,
    /// The connection was closed early, or what came was not HTTP.
    Closed,
    /// Anything else.
    Other(String),
}

/// How far a probe had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// No connection yet: TCP, and TLS where the check has it.
    Connect,
    /// Connected, and no answer yet.
    Response,
    /// Reading the body.
    Body,
}

impl Phase {
    const ALL: [Self; 3] = [Self::Connect, Self::Response, Self::Body];

    /// A stable word for state files and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Response => "response",
            Self::Body => "body",
        }
    }
}

impl Reason {
    /// A stable word for state files and metrics.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Status(_) => "status",
            Self::Refused => "refused",
            Self::Reset => "reset",
            Self::Timeout(_) => "timeout",
            Self::Unreachable => "unreachable",
            Self::TlsExpired => "tls_expired",
            Self::TlsNotYetValid => "tls_not_yet_valid",
            Self::TlsWrongName => "tls_wrong_name",
            Self::TlsUntrusted => "tls_untrusted",
            Self::TlsOther(_) => "tls_other",
            Self::Body => "body",
            Self::Closed => "closed",
            Self::Other(_) => "other",
        }
    }

    /// What [`as_str`](Self::as_str) leaves out; empty where that is nothing.
    #[must_use]
    pub fn detail(&self) -> String {
        match self {
            Self::Status(status) => status.to_string(),
            Self::Timeout(phase) => phase.as_str().to_owned(),
            Self::TlsOther(text) | Self::Other(text) => text.clone(),
            _ => String::new(),
        }
    }

    /// The reason that [`as_str`](Self::as_str) and [`detail`](Self::detail) describe; one that this version does not know
    /// becomes [`Other`](Self::Other).
    #[must_use]
    pub fn from_parts(code: &str, detail: &str) -> Self {
        const PLAIN: [Reason; 9] = [
            Reason::Refused,
            Reason::Reset,
            Reason::Unreachable,
            Reason::TlsExpired,
            Reason::TlsNotYetValid,
            Reason::TlsWrongName,
            Reason::TlsUntrusted,
            Reason::Body,
            Reason::Closed,
        ];
        let reason = match code {
            "status" => detail.parse().ok().map(Self::Status),
            "timeout" => Phase::ALL.into_iter().find(|phase| phase.as_str() == detail).map(Self::Timeout),
            "tls_other" => Some(Self::TlsOther(detail.to_owned())),
            "other" => Some(Self::Other(detail.to_owned())),
            _ => PLAIN.into_iter().find(|reason| reason.as_str() == code),
        };
        reason.unwrap_or_else(|| Self::Other(format!("{code} {detail}")))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(out, "status {status}"),
            Self::Refused => out.write_str("connection refused"),
            Self::Reset => out.write_str("connection reset"),
            Self::Timeout(Phase::Connect) => out.write_str("timeout while connecting"),
            Self::Timeout(Phase::Response) => out.write_str("timeout while waiting for the response"),
            Self::Timeout(Phase::Body) => out.write_str("timeout while reading the body"),
            Self::Unreachable => out.write_str("no route"),
            Self::TlsExpired => out.write_str("certificate expired"),
            Self::TlsNotYetValid => out.write_str("certificate not yet valid"),
            Self::TlsWrongName => out.write_str("certificate for another name"),
            Self::TlsUntrusted => out.write_str("certificate from an unknown authority"),
            Self::TlsOther(text) => write!(out, "TLS: {text}"),
            Self::Body => out.write_str("expected text missing from the body"),
            Self::Closed => out.write_str("connection closed or not HTTP"),
            Self::Other(text) => out.write_str(text),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Success { latency, .. } => write!(out, "ok in {:.1} ms", latency.0),
            Self::Failure(reason) => write!(out, "{reason}"),
            Self::OwnTrouble(text) => write!(out, "not probed: {text}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_name_every_reason() {
        let reasons = [
            Reason::Status(503),
            Reason::Refused,
            Reason::Reset,
            Reason::Timeout(Phase::Connect),
            Reason::Timeout(Phase::Response),
            Reason::Timeout(Phase::Body),
            Reason::Unreachable,
            Reason::TlsExpired,
            Reason::TlsNotYetValid,
            Reason::TlsWrongName,
            Reason::TlsUntrusted,
            Reason::TlsOther("no shared cipher".into()),
            Reason::Body,
            Reason::Closed,
            Reason::Other("odd".into()),
        ];
        for reason in reasons {
            assert_eq!(Reason::from_parts(reason.as_str(), &reason.detail()), reason);
        }
        assert_eq!(Reason::from_parts("status", "x"), Reason::Other("status x".into()));
    }
}
