//! Turns an `ask` line into a query packet.

use std::net::IpAddr;

use super::text::{self, Word};

/// A query as it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    /// The packet.
    pub(crate) packet: Vec<u8>,
    /// How it is sent.
    pub(crate) transport: Transport,
    /// Whether it has EDNS; unknown of a packet written in octets.
    pub(crate) edns: Option<bool>,
    /// The UDP payload size asked for.
    bufsize: u16,
}

/// Over what a query is sent; the response must be the same over both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    /// UDP, then TCP.
    Both,
    /// `+udp`
    Udp,
    /// `+tcp`
    Tcp,
}

impl Ask {
    /// Reads `NAME TYPE +option…` or `raw OCTETS…`.
    pub(crate) fn parse(words: &[Word], id: u16) -> Result<Self, String> {
        let end = words.iter().position(|word| word.text.starts_with('+')).unwrap_or(words.len());
        let (what, options) = words.split_at(end);
        match what {
            [raw, octets @ ..] if raw.text == "raw" => Self::raw(octets, options),
            [name, rtype] => Parts::parse(options, id)?.build(&text::name(&name.text)?, text::rtype(&rtype.text)?),
            _ => Err("`ask` takes a name, a type and options, or `raw` and octets".into()),
        }
    }

    fn raw(octets: &[Word], options: &[Word]) -> Result<Self, String> {
        let transport = match options {
            [] => Transport::Both,
            [udp] if udp.text == "+udp" => Transport::Udp,
            [tcp] if tcp.text == "+tcp" => Transport::Tcp,
            _ => return Err("octets take +udp or +tcp and no other option".into()),
        };
        let mut ask = Self { packet: Vec::new(), transport, edns: None, bufsize: 0 };
        ask.add_octets(octets)?;
        Ok(ask)
    }

    /// Appends hexadecimal octets and quoted ones.
    pub(crate) fn add_octets(&mut self, words: &[Word]) -> Result<(), String> {
        if self.edns.is_some() {
            return Err("octets belong behind `ask raw`".into());
        }
        for word in words {
            let octets = if word.quoted { word.text.as_bytes().to_vec() } else { text::hex(&word.text)? };
            self.packet.extend(octets);
        }
        Ok(())
    }

    /// Whether bits of the header are set.
    pub(crate) fn flag(&self, at: usize, bits: u8) -> bool {
        self.packet.get(at).is_some_and(|octet| octet & bits != 0)
    }

    /// The question as sent: name, type and class.
    pub(crate) fn question(&self) -> Option<&[u8]> {
        let octets = self.packet.get(12..)?;
        let mut end = 0;
        loop {
            match *octets.get(end)? {
                0 => return octets.get(..end + 5),
                label @ 1..=63 => end += usize::from(label) + 1,
                _ => return None,
            }
        }
    }

    /// The class of the records of a response; class ANY is answered from class IN.
    pub(crate) fn class(&self) -> u16 {
        let octets = self.question().and_then(|question| question.last_chunk()).copied();
        octets.map(u16::from_be_bytes).filter(|&class| class != 255).unwrap_or(1)
    }

    /// The most octets of a response (RFC 1035 §4.2.1, RFC 6891 §6.2.3 and §6.2.5); 1232 is the server's own.
    pub(crate) fn limit(&self, tcp: bool) -> usize {
        if tcp { 65_535 } else { usize::from(self.bufsize.clamp(512, 1232)) }
    }
}

/// The data of a Client Subnet option (RFC 7871 §6) from `ADDRESS/SOURCE` or `ADDRESS/SOURCE/SCOPE`.
pub(crate) fn client_subnet(text: &str) -> Result<Vec<u8>, String> {
    let bad = || format!("{text}: a subnet is ADDRESS/SOURCE[/SCOPE]");
    let mut parts = text.split('/');
    let address: IpAddr = parts.next().and_then(|part| part.parse().ok()).ok_or_else(bad)?;
    let mut number = || parts.next().map(|part| part.parse::<u8>().map_err(|_| bad())).transpose();
    let (source, scope) = (number()?.ok_or_else(bad)?, number()?.unwrap_or(0));
    let (family, octets) = match address {
        IpAddr::V4(v4) => (1, v4.octets().to_vec()),
        IpAddr::V6(v6) => (2, v6.octets().to_vec()),
    };
    let sent = octets.get(..usize::from(source).div_ceil(8)).ok_or_else(bad)?;
    Ok([&[0, family, source, scope], sent].concat())
}

/// What the options of an `ask` say.
struct Parts {
    id: u16,
    flags: [u8; 2],
    class: u16,
    qdcount: u16,
    edns: bool,
    bufsize: u16,
    version: u8,
    edns_flags: u16,
    options: Vec<u8>,
    trailing: Vec<u8>,
    transport: Transport,
}

impl Parts {
    fn parse(options: &[Word], id: u16) -> Result<Self, String> {
        let mut parts = Self {
            id,
            flags: [0, 0],
            class: 1,
            qdcount: 1,
            edns: false,
            bufsize: 1232,
            version: 0,
            edns_flags: 0,
            options: Vec::new(),
            trailing: Vec::new(),
            transport: Transport::Both,
        };
        for option in options {
            let (key, value) = option.text.split_once('=').unwrap_or((&option.text, ""));
            let known = parts.header_option(key, value)? || parts.edns_option(key, value)?;
            if !known {
                return Err(format!("unknown option {}", option.text));
            }
        }
        Ok(parts)
    }

    fn header_option(&mut self, key: &str, value: &str) -> Result<bool, String> {
        match key {
            "+id" => self.id = number(value)?,
            "+opcode" => self.flags[0] |= (number(value)? as u8) << 3 & 0x78,
            "+rcode" => self.flags[1] |= number(value)? as u8 & 0x0f,
            "+aa" => self.flags[0] |= 0x04,
            "+rd" => self.flags[0] |= 0x01,
            "+ra" => self.flags[1] |= 0x80,
            "+z" => self.flags[1] |= 0x40,
            "+ad" => self.flags[1] |= 0x20,
            "+cd" => self.flags[1] |= 0x10,
            "+qclass" => self.class = class(value)?,
            "+qdcount" => self.qdcount = number(value)?,
            "+trailing" => self.trailing = text::hex(value)?,
            "+tcp" => self.transport = Transport::Tcp,
            "+udp" => self.transport = Transport::Udp,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn edns_option(&mut self, key: &str, value: &str) -> Result<bool, String> {
        match key {
            "+edns" if value.is_empty() => {}
            "+edns" => self.version = u8::try_from(number(value)?).map_err(|_| "an EDNS version is below 256")?,
            "+bufsize" => self.bufsize = number(value)?,
            "+dnssec" => self.edns_flags |= 0x8000,
            "+ednsflags" => self.edns_flags |= number(value)?,
            "+nsid" if value.is_empty() => self.add_option(3, &[]),
            "+cookie" => self.add_option(10, &text::hex(value)?),
            "+keepalive" if value.is_empty() => self.add_option(11, &[]),
            "+padding" => self.add_option(12, &vec![0; usize::from(number(value)?)]),
            "+subnet" => {
                let data = client_subnet(value)?;
                self.add_option(8, &data);
            }
            "+option" => {
                let (code, data) = value.split_once(':').unwrap_or((value, ""));
                let (code, data) = (number(code)?, text::hex(data)?);
                self.add_option(code, &data);
            }
            _ => return Ok(false),
        }
        self.edns = true;
        Ok(true)
    }

    fn add_option(&mut self, code: u16, data: &[u8]) {
        self.options.extend(code.to_be_bytes());
        self.options.extend((data.len() as u16).to_be_bytes());
        self.options.extend(data);
    }

    fn build(self, name: &[u8], rtype: u16) -> Result<Ask, String> {
        let mut packet = Vec::new();
        packet.extend(self.id.to_be_bytes());
        packet.extend(self.flags);
        for count in [self.qdcount, 0, 0, u16::from(self.edns)] {
            packet.extend(count.to_be_bytes());
        }
        packet.extend(name);
        packet.extend(rtype.to_be_bytes());
        packet.extend(self.class.to_be_bytes());
        if self.edns {
            packet.extend([0, 0, 41]);
            packet.extend(self.bufsize.to_be_bytes());
            packet.extend([0, self.version]);
            packet.extend(self.edns_flags.to_be_bytes());
            packet.extend((self.options.len() as u16).to_be_bytes());
            packet.extend(self.options);
        }
        packet.extend(self.trailing);
        let bufsize = if self.edns { self.bufsize } else { 0 };
        Ok(Ask { packet, transport: self.transport, edns: Some(self.edns), bufsize })
    }
}

fn number(text: &str) -> Result<u16, String> {
    let parsed = text.strip_prefix("0x").map_or_else(|| text.parse(), |hex| u16::from_str_radix(hex, 16));
    parsed.map_err(|_| format!("{text:?}: not a number that fits"))
}

fn class(text: &str) -> Result<u16, String> {
    match text {
        "IN" => Ok(1),
        "CH" => Ok(3),
        "HS" => Ok(4),
        "NONE" => Ok(254),
        "ANY" => Ok(255),
        _ => number(text.strip_prefix("CLASS").unwrap_or("")),
    }
}
