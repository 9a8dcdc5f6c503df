//! A zone being made: its lines, and the names worth asking about.

use std::fmt::Write;

use fastrand::Rng;

use crate::names::Name;

/// A zone, as a master file and as names to ask.
pub(crate) struct Zone {
    pub(crate) origin: Name,
    /// Owners and what follows them.
    pub(crate) lines: Vec<(String, String)>,
    /// Owners and targets.
    pub(crate) names: Vec<Known>,
    subject: &'static str,
}

/// A name worth asking about.
pub(crate) struct Known {
    pub(crate) name: Name,
    /// The situation it stands for.
    pub(crate) subject: &'static str,
    /// The types that it has.
    pub(crate) types: Vec<u16>,
}

/// TTLs; that of an RRset follows from its owner and type, so that its records agree.
const TTLS: [u32; 6] = [60, 300, 3600, 7200, 86_400, 0];

impl Zone {
    /// A zone with SOA and two name servers, one of them with an address.
    pub(crate) fn new(origin: &str, rng: &mut Rng) -> Self {
        let mut zone = Self::bare(origin, rng);
        zone.add("@", "NS ns1");
        zone.add("@", "NS ns.elsewhere.invalid.");
        zone.add("ns1", "A 192.0.2.53");
        zone
    }

    /// A zone of an SOA alone.
    pub(crate) fn bare(origin: &str, rng: &mut Rng) -> Self {
        let origin = Name::parse(origin, &Name::default());
        let mut zone = Self { lines: Vec::new(), names: Vec::new(), subject: "apex", origin };
        let (ttl, minimum) = (rng.u32(0..8) * 900, rng.u32(0..8) * 900);
        let serial = rng.u32(..);
        let soa = format!("{ttl} IN SOA ns1 host\\.master {serial} 7200 3600 1209600 {minimum}");
        zone.lines.push(("@".to_owned(), soa));
        zone.know("@").types.push(6);
        zone
    }

    /// What follows is about this.
    pub(crate) fn subject(&mut self, subject: &'static str) {
        self.subject = subject;
    }

    /// Adds a record: owner, then type and RDATA. Names in them are relative to the zone.
    pub(crate) fn add(&mut self, owner: &str, data: &str) {
        let (rtype, rdata) = data.split_once(' ').unwrap_or((data, ""));
        let key = owner.to_ascii_lowercase();
        let hash = key.bytes().chain(rtype.bytes()).fold(7u32, |sum, octet| sum * 31 % 65_521 + u32::from(octet));
        let ttl = TTLS[hash as usize % TTLS.len()];
        self.lines.push((owner.to_owned(), format!("{ttl} IN {rtype} {rdata}")));
        let code = rtype.parse::<windrose::wire::Rtype>().expect("a type").0;
        let types = &mut self.know(owner).types;
        if !types.contains(&code) {
            types.push(code);
        }
        if matches!(rtype, "NS" | "CNAME" | "DNAME" | "MX" | "SRV" | "PTR") {
            self.name(rdata.rsplit(' ').next().expect("a target"));
        }
    }

    /// A name to ask about, relative to the zone.
    pub(crate) fn name(&mut self, name: &str) {
        self.know(name);
    }

    fn know(&mut self, name: &str) -> &mut Known {
        let name = Name::parse(name, &self.origin);
        assert!(name.fits(), "{name} is no name");
        let at = self.names.iter().position(|known| known.name == name).unwrap_or_else(|| {
            self.names.push(Known { name, subject: self.subject, types: Vec::new() });
            self.names.len() - 1
        });
        &mut self.names[at]
    }

    /// A relative name as an absolute one.
    pub(crate) fn absolute(&self, name: &str) -> Name {
        Name::parse(name, &self.origin)
    }

    /// The master file.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("$ORIGIN {}\n", self.origin);
        self.lines.iter().for_each(|(owner, data)| writeln!(text, "{owner} {data}").expect("a string takes all"));
        text
    }

    /// The lines that a query about a name touches: those of owners above, at and just below it.
    pub(crate) fn lines_about(&self, name: &Name) -> Vec<String> {
        let touches = |(owner, data): &&(String, String)| {
            let owner = self.absolute(owner);
            let above = Name(owner.0.iter().skip_while(|label| *label == b"*").cloned().collect());
            name.is_within(&above) && (above.0.len() > self.origin.0.len() || data.contains(" SOA "))
                || owner.is_within(name) && owner.0.len() <= name.0.len() + 1
        };
        self.lines.iter().filter(touches).map(|(owner, data)| format!("{owner} {data}")).collect()
    }
}

/// RDATA in the form that every type can have (RFC 3597 §5).
pub(crate) fn hex(octets: &[u8]) -> String {
    let digits: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    format!("\\# {} {digits}", octets.len()).trim_end().to_owned()
}
