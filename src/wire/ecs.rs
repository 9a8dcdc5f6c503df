//! EDNS Client Subnet (RFC 7871 §6).

use std::net::IpAddr;

/// The option of a query: whose answer is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientSubnet {
    /// The address, zero beyond the source length.
    pub addr: IpAddr,
    /// SOURCE PREFIX-LENGTH.
    pub source: u8,
}

/// The option's octets break a rule of RFC 7871; the answer is FORMERR (§7.1.2, §11.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed Client Subnet option")]
pub struct EcsError;

impl ClientSubnet {
    /// Reads the data of a query's option.
    ///
    /// # Errors
    /// Family not 1 or 2, an address of the wrong length, bits beyond SOURCE, SCOPE not 0, SOURCE beyond the family.
    #[inline]
    pub fn parse(data: &[u8]) -> Result<Self, EcsError> {
        let &[f0, f1, source, scope, ref octets @ ..] = data else { return Err(EcsError) };
        let width = match u16::from_be_bytes([f0, f1]) {
            1 => 32,
            2 => 128,
            _ => return Err(EcsError),
        };
        if scope != 0 || source > width || octets.len() != usize::from(source).div_ceil(8) {
            return Err(EcsError);
        }
        let spare = octets.len() * 8 - usize::from(source);
        if spare > 0 && octets[octets.len() - 1].trailing_zeros() < spare as u32 {
            return Err(EcsError);
        }
        let addr = if width == 32 { IpAddr::from(filled::<4>(octets)) } else { IpAddr::from(filled::<16>(octets)) };
        Ok(Self { addr, source })
    }

    /// Writes the option for a response: family, SOURCE and address as asked, SCOPE as decided. Returns its length; what is
    /// behind is zero, or the old octets.
    #[inline]
    pub fn write(&self, scope: u8, out: &mut [u8; 20]) -> usize {
        let family: u8 = if self.addr.is_ipv4() { 1 } else { 2 };
        let (head, octets) = out.split_at_mut(4);
        head.copy_from_slice(&[0, family, self.source, scope]);
        match self.addr {
            IpAddr::V4(v4) => octets[..4].copy_from_slice(&v4.octets()),
            IpAddr::V6(v6) => octets.copy_from_slice(&v6.octets()),
        }
        4 + usize::from(self.source).div_ceil(8)
    }
}

/// So many octets, zero beyond those that are given.
fn filled<const N: usize>(octets: &[u8]) -> [u8; N] {
    std::array::from_fn(|at| octets.get(at).copied().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(data: &[u8]) -> Option<(String, u8)> {
        ClientSubnet::parse(data).ok().map(|ecs| (ecs.addr.to_string(), ecs.source))
    }

    #[test]
    fn valid_options() {
        assert_eq!(parse(&[0, 1, 24, 0, 192, 0, 2]), Some(("192.0.2.0".into(), 24)));
        assert_eq!(parse(&[0, 1, 25, 0, 192, 0, 2, 128]), Some(("192.0.2.128".into(), 25)));
        assert_eq!(parse(&[0, 1, 0, 0]), Some(("0.0.0.0".into(), 0)));
        assert_eq!(parse(&[0, 2, 32, 0, 0x20, 1, 0x0d, 0xb8]), Some(("2001:db8::".into(), 32)));
    }

    #[test]
    fn every_broken_rule_is_refused() {
        for broken in [
            &[0, 1, 24][..],                                                    // no scope
            &[0, 3, 24, 0, 192, 0, 2],                                          // family
            &[0, 0, 0, 0],                                                      // family
            &[0, 1, 24, 0, 192, 0],                                             // too short
            &[0, 1, 24, 0, 192, 0, 2, 0],                                       // too long
            &[0, 1, 23, 0, 192, 0, 3],                                          // a bit beyond SOURCE
            &[0, 1, 24, 8, 192, 0, 2],                                          // SCOPE in a query
            &[0, 1, 33, 0, 192, 0, 2, 0, 0],                                    // SOURCE > 32
            &[0, 2, 129, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], // SOURCE > 128
        ] {
            assert_eq!(ClientSubnet::parse(broken), Err(EcsError), "{broken:?}");
        }
    }

    #[test]
    fn writes_what_it_read_with_a_scope() {
        let ecs = ClientSubnet::parse(&[0, 1, 20, 0, 192, 0, 0x20]).expect("valid");
        let mut out = [0; 20];
        let len = ecs.write(17, &mut out);
        assert_eq!(out[..len], [0, 1, 20, 17, 192, 0, 0x20]);
    }
}
