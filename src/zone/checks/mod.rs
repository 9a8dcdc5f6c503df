//! What a zone must be, seen as a whole: one SOA at its apex, CNAMEs alone, RRsets that fit a message.
//!
//! `places` looks at each name by what is above it, as the names are compiled; `targets`, once all names are there, at
//! those that records lead to. `findings` collects what they say, and counts what is too much to be said.

mod findings;
mod places;
mod targets;

pub(super) use findings::{Findings, Kind};
pub(super) use places::DnameAbove;
pub(super) use targets::Deferred;

use super::compile::Compiler;
use super::compiled::Soa;
use super::layout::is_valid;
use crate::base::{Diagnostic, Severity, Ttl};
use crate::wire::Rtype;

/// What a message of 65535 octets can hold beside its header and a question, less the name asked for.
const MAX_RRSET: usize = 65535 - 12 - 4;

/// Types that may stand beside a CNAME: those of DNSSEC (RFC 4034 §3, RFC 2181 §10.1).
const BESIDE_CNAME: [Rtype; 3] = [Rtype::RRSIG, Rtype::NSEC, Rtype::KEY];

impl Compiler<'_> {
    /// Checks the records of one owner, sorted by type: a CNAME has nothing beside it (RFC 1034 §3.6.2).
    pub(super) fn check_cname(&mut self, records: &[u32]) {
        let types = |record: &u32| self.record(*record).rtype;
        let Some(&cname) = records.iter().find(|record| types(record) == Rtype::CNAME) else { return };
        let is_other = |rtype| rtype != Rtype::CNAME && !BESIDE_CNAME.contains(&rtype);
        let Some(&other) = records.iter().find(|record| is_other(types(record))) else { return };
        // whichever of the two came second is the surprise
        let (at, other) = (self.record(cname.max(other)).span(), types(&other));
        self.findings.add(Kind::BesideCname, || {
            let message = format!("a CNAME beside {other} records of the same name");
            Diagnostic::error(at, message).hint("a name with a CNAME has no other records (RFC 1034 §3.6.2)")
        });
    }

    /// Checks an RRset that was made of `records`, the different ones of which take `size` octets in a message.
    pub(super) fn check_rrset(&mut self, records: &[u32], unique: &[u32], node: u32, size: usize) {
        let first = self.record(records[0]);
        let (rtype, span) = (first.rtype, first.span());
        if size > MAX_RRSET - self.name(node).as_wire().len() {
            self.findings.add(Kind::TooLarge, || {
                let message = format!("the {rtype} records of this name fit no message: {size} octets");
                Diagnostic::error(span, message).hint("take some out: a message has 65535 octets")
            });
        }
        if let (&[_, second, ..], Rtype::CNAME | Rtype::DNAME | Rtype::SOA) = (unique, rtype) {
            let second = self.record(second).span();
            self.findings.add(Kind::Second, || {
                Diagnostic::error(second, format!("a second {rtype} record of the same name"))
                    .hint("keep one of the two")
            });
        }
        if rtype == Rtype::SOA && node != 0 {
            self.findings.add(Kind::SoaElsewhere, || {
                let message = format!("an SOA record that is not at the apex {}", self.builder.origin);
                Diagnostic::error(span, message).hint("take it out, or make it a zone of its own")
            });
        }
    }

    /// Checks the records of the apex, which is the first node, and takes from its SOA what is needed later.
    pub(super) fn check_apex(&mut self) -> Option<Soa> {
        let apex = &self.rrsets[..self.rrsets_of_apex()];
        let find = |rtype| apex.iter().position(|rrset| rrset.rtype == rtype);
        let (soa, ns, origin) = (find(Rtype::SOA), find(Rtype::NS), &self.builder.origin);
        let lost = |rtype| self.builder.may_lack(origin.as_ref(), Some(rtype));
        if ns.is_none() && soa.is_some() && !lost(Rtype::NS) {
            let warning = self.builder.of_zone(format!("the zone {origin} has no NS records at its apex"));
            let warning = warning.hint("write `@ NS name.` for each of its name servers");
            self.findings.add(Kind::Apex, || Diagnostic { severity: Severity::Warning, ..warning });
        }
        let Some(soa) = soa else {
            if !lost(Rtype::SOA) {
                let error = self.builder.of_zone(format!("the zone {origin} has no SOA record at its apex"));
                let hint = match &self.builder.other_zone {
                    Some(other) => format!("there is one of {other}: is that the zone's name?"),
                    None => "begin with one: `@ SOA ns1 hostmaster 1 7200 900 1209600 300`".to_owned(),
                };
                self.findings.add(Kind::Apex, || error.hint(hint));
            }
            return None;
        };
        let read = self.read_soa(soa);
        if read.is_none() {
            let error = self.builder.of_zone("the RDATA of the SOA record is malformed").hint("write it in text form");
            self.findings.add(Kind::Apex, || error);
        }
        read
    }

    fn read_soa(&self, at: usize) -> Option<Soa> {
        let rrset = &self.rrsets[at];
        let (len, rest) = self.rdata[rrset.rdata_at as usize..].split_first_chunk()?;
        let rdata = rest.get(..usize::from(u16::from_be_bytes(*len))).filter(|rdata| is_valid(Rtype::SOA, rdata))?;
        let &[serial, _, _, _, minimum] = rdata.last_chunk::<20>()?.as_chunks::<4>().0 else { return None };
        let minimum = Ttl::from_secs(u32::from_be_bytes(minimum));
        let serial = u32::from_be_bytes(serial);
        Some(Soa { rrset: at as u32, serial, negative_ttl: rrset.ttl.min(minimum) })
    }
}
