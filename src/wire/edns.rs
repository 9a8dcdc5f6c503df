//! EDNS (RFC 6891).

use super::ecs::{ClientSubnet, EcsError};

/// Option code of Client Subnet (RFC 7871 §6).
pub const OPTION_CLIENT_SUBNET: u16 = 8;
/// Option code of Extended DNS Errors (RFC 8914 §2).
pub const OPTION_EDE: u16 = 15;

/// The largest UDP payload sent or announced: what crosses every common path unfragmented (DNS flag day 2020).
pub const UDP_PAYLOAD: u16 = 1232;

/// What the OPT record of a query says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EdnsQuery {
    /// The requester's UDP payload size, as sent.
    pub payload: u16,
    /// The version asked for.
    pub version: u8,
    /// Whether DNSSEC records are wanted.
    pub dnssec_ok: bool,
    /// Client Subnet, if there is one.
    pub client_subnet: Option<Result<ClientSubnet, EcsError>>,
}

impl EdnsQuery {
    /// Reads an OPT record's class, TTL and data; none if the options run over the end (FORMERR).
    #[must_use]
    pub fn parse(class: u16, ttl: u32, data: &[u8]) -> Option<Self> {
        let [_, version, flags, _] = ttl.to_be_bytes();
        let mut client_subnet = None;
        let mut rest = data;
        while !rest.is_empty() {
            let &[c0, c1, l0, l1, ref tail @ ..] = rest else { return None };
            let (value, tail) = tail.split_at_checked(usize::from(u16::from_be_bytes([l0, l1])))?;
            if u16::from_be_bytes([c0, c1]) == OPTION_CLIENT_SUBNET {
                // a second one is malformed rather than a choice
                let parsed = ClientSubnet::parse(value);
                client_subnet = Some(if client_subnet.is_some() { Err(EcsError) } else { parsed });
            }
            rest = tail;
        }
        Some(Self { payload: class, version, dnssec_ok: flags & 0x80 != 0, client_subnet })
    }
}
