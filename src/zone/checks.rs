//! What a zone must be, seen as a whole: one SOA at its apex, CNAMEs alone, RRsets that fit a message.

use super::compile::Compiler;
use super::compiled::Soa;
use super::layout::is_valid;
use crate::base::{Diagnostic, Severity, Ttl};
use crate::wire::Rtype;

/// What a message of 65535 octets can hold beside its header and the shortest question.
const MAX_RRSET: usize = 65535 - 12 - 5;

/// Types that may stand beside a CNAME: those of DNSSEC (RFC 4034 §3, RFC 2181 §10.1).
const BESIDE_CNAME: [Rtype; 3] = [Rtype::RRSIG, Rtype::NSEC, Rtype(25)];

impl Compiler<'_> {
    /// Checks the records of one owner, sorted by type: a CNAME has nothing beside it (RFC 1034 §3.6.2).
    pub(super) fn check_cname(&mut self, records: &[u32]) {
        let types = |record: &u32| self.record(*record).rtype;
        let Some(&cname) = records.iter().find(|record| types(record) == Rtype::CNAME) else { return };
        let is_other = |rtype| rtype != Rtype::CNAME && !BESIDE_CNAME.contains(&rtype);
        let Some(&other) = records.iter().find(|record| is_other(types(record))) else { return };
        // whichever of the two came second is the surprise
        let at = self.record(cname.max(other)).span();
        let message = format!("a CNAME beside {} records of the same name", types(&other));
        self.fail(Diagnostic::error(at, message).hint("a name with a CNAME has no other records (RFC 1034 §3.6.2)"));
    }

    /// Checks an RRset that was made of `records`, the different ones of which take `size` octets in a message.
    pub(super) fn check_rrset(&mut self, records: &[u32], unique: &[u32], node: u32, size: usize) {
        let first = self.record(records[0]);
        if size > MAX_RRSET {
            let message = format!("the {} records of this name fit no message: {size} octets", first.rtype);
            self.fail(Diagnostic::error(first.span(), message).hint("take some out: a message has 65535 octets"));
        }
        if let (&[_, second, ..], Rtype::CNAME | Rtype::DNAME | Rtype::SOA) = (unique, first.rtype) {
            let message = format!("a second {} record of the same name", first.rtype);
            self.fail(Diagnostic::error(self.record(second).span(), message).hint("keep one of the two"));
        }
        if first.rtype == Rtype::SOA && node != 0 {
            let message = format!("an SOA record that is not at the apex {}", self.builder.origin);
            self.fail(Diagnostic::error(first.span(), message).hint("take it out, or make it a zone of its own"));
        }
    }

    /// Checks the records of the apex, which is the first node, and takes from its SOA what is needed later.
    pub(super) fn check_apex(&mut self) -> Option<Soa> {
        let apex = &self.rrsets[..self.rrsets_of_apex()];
        let find = |rtype| apex.iter().position(|rrset| rrset.rtype == rtype);
        let (soa, ns, origin) = (find(Rtype::SOA), find(Rtype::NS), &self.builder.origin);
        let lost = |rtype| self.builder.may_lack(origin.as_ref(), Some(rtype));
        if ns.is_none() && !lost(Rtype::NS) {
            let warning = self.builder.of_zone(format!("the zone {origin} has no NS records at its apex"));
            let warning = warning.hint("write `@ NS name.` for each of its name servers");
            self.warn(Diagnostic { severity: Severity::Warning, ..warning });
        }
        let Some(soa) = soa else {
            if !lost(Rtype::SOA) {
                let error = self.builder.of_zone(format!("the zone {origin} has no SOA record at its apex"));
                self.fail(error.hint("begin with one: `@ SOA ns1 hostmaster 1 7200 900 1209600 300`"));
            }
            return None;
        };
        let read = self.read_soa(soa);
        if read.is_none() {
            self.fail(self.builder.of_zone("the RDATA of the SOA record is malformed").hint("write it in text form"));
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
