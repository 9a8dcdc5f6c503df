//! What a server says of itself, whatever is asked: its identifier, its cookies, how long it keeps connections.

use crate::wire::Secrets;

/// Settings that responses are made by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// The name server identifier (RFC 5001), at most [`MAX_NSID`](crate::wire::MAX_NSID) octets; empty: NSID is not answered.
    pub nsid: Box<[u8]>,
    /// What `version.bind` and `version.server` are answered, at most 255 octets; empty: they are refused.
    pub version: Box<str>,
    /// What `id.server` and `hostname.bind` are answered, likewise (RFC 4892).
    pub identity: Box<str>,
    /// DNS cookies; none: the option is ignored.
    pub cookies: Option<Cookies>,
    /// How long an idle connection is kept, in units of 100 ms (RFC 7828 §3.1); zero: not announced.
    pub keepalive: u16,
}

/// DNS cookies (RFC 7873).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cookies {
    /// What they are made and verified with.
    pub secrets: Secrets,
    /// Whether the secret was made up at the start and nobody else knows it.
    pub ephemeral: bool,
    /// Whether a large answer over UDP takes a valid server cookie.
    pub require: bool,
}

impl Service {
    /// Keeps a made-up secret of an earlier load in use: clients hold cookies of it.
    pub fn inherit(&mut self, earlier: &Self) {
        if let (Some(cookies), Some(earlier)) = (&mut self.cookies, &earlier.cookies)
            && cookies.ephemeral
            && earlier.ephemeral
        {
            cookies.secrets = earlier.secrets.clone();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Secret;

    #[test]
    fn a_secret_that_was_made_up_outlives_a_reload_and_one_from_a_file_does_not() {
        let service = |octet, ephemeral| {
            let secrets = Secrets::new(Secret::new([octet; 16]), []);
            Service { cookies: Some(Cookies { secrets, ephemeral, require: true }), ..Service::default() }
        };
        let after = |mut new: Service, old: &Service| {
            new.inherit(old);
            new
        };
        assert_eq!(after(service(2, true), &service(1, true)), service(1, true));
        assert_eq!(after(service(2, false), &service(1, true)), service(2, false));
        assert_eq!(after(service(2, true), &service(1, false)), service(2, true));
        assert_eq!(after(service(2, true), &Service::default()), service(2, true));
        assert_eq!(after(Service::default(), &service(1, true)), Service::default());
    }
}
