//! What RDATA of each type consists of: the one table that reading, checking, comparing and printing follow.

use super::fields::Field::{self, *};
use super::fields::{OF_KEYS, OF_ZONES};
use crate::wire::{NameRef, Rtype};

/// A type's fields, and how its RDATA is written, for hints.
pub(super) struct Layout {
    pub(super) rtype: Rtype,
    pub(super) fields: &'static [Field],
    pub(super) example: &'static str,
}

/// A field of RDATA with its octets.
#[derive(Clone, Copy)]
pub(super) struct Part<'r> {
    pub(super) field: Field,
    /// The RDATA in front of it.
    pub(super) before: &'r [u8],
    pub(super) octets: &'r [u8],
}

const fn row(rtype: Rtype, fields: &'static [Field], example: &'static str) -> Layout {
    Layout { rtype, fields, example }
}

const DIGEST: &[Field] = &[U16, Algorithm, U8, Digest(&OF_KEYS)];
const CERTIFICATE: &[Field] = &[U8, U8, U8, Hex(1)];
const KEY: &[Field] = &[U16, U8, Algorithm, Base64(1)];
const SERVICE: &[Field] = &[U16, Service, Params];

/// The types that can be written in a form of their own, in order of code. Others are written as RFC 3597 has it.
pub(super) static LAYOUTS: &[Layout] = &[
    row(Rtype::A, &[Ipv4], "192.0.2.1"),
    row(Rtype::NS, &[Host], "ns1.example.com."),
    row(Rtype::MD, &[Name], "mail.example.com."),
    row(Rtype::MF, &[Name], "mail.example.com."),
    row(Rtype::CNAME, &[Name], "www.example.com."),
    row(
        Rtype::SOA,
        &[Name, Name, U32, Period, Period, Period, Period],
        "ns1.example.com. hostmaster.example.com. 1 2h 15m 2w 5m",
    ),
    row(Rtype::MB, &[Name], "mail.example.com."),
    row(Rtype::MG, &[Name], "member.example.com."),
    row(Rtype::MR, &[Name], "new.example.com."),
    row(Rtype::PTR, &[Name], "host.example.com."),
    row(Rtype::HINFO, &[Str, Str], "\"cpu\" \"os\""),
    row(Rtype::MINFO, &[Name, Name], "admin.example.com. errors.example.com."),
    row(Rtype::MX, &[U16, Host], "10 mail.example.com."),
    row(Rtype::TXT, &[Strs], "\"some text\""),
    row(Rtype::RP, &[Name, Name], "admin.example.com. about.example.com."),
    row(Rtype::AFSDB, &[U16, Host], "1 afs.example.com."),
    row(Rtype::X25, &[Dialled], "311061700956"),
    row(Rtype::ISDN, &[Str, MayStr], "150862028003217 004"),
    row(Rtype::RT, &[U16, Host], "10 relay.example.com."),
    row(Rtype::NSAP_PTR, &[Name], "host.example.com."),
    row(Rtype::KEY, KEY, "256 3 13 mdsswUyr…"),
    row(Rtype::PX, &[U16, Name, Name], "10 net2.it. prmd-net2.admd-p400.c-it."),
    row(Rtype::GPOS, &[Str, Str, Str], "-32.6882 116.8652 10.0"),
    row(Rtype::AAAA, &[Ipv6], "2001:db8::1"),
    row(Rtype::LOC, &[Location], "52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m"),
    row(Rtype::SRV, &[U16, U16, U16, Host], "0 5 5060 sip.example.com."),
    row(Rtype::NAPTR, &[U16, U16, Str, Str, Str, Name], "100 50 \"s\" \"SIP+D2U\" \"\" _sip._udp.example.com."),
    row(Rtype::KX, &[U16, Host], "10 kx.example.com."),
    row(Rtype::CERT, &[CertType, U16, Algorithm, Base64(1)], "PKIX 12345 RSASHA256 MIIB…"),
    row(Rtype::DNAME, &[Name], "example.net."),
    row(Rtype::APL, &[Prefixes], "1:192.0.2.0/24 !2:2001:db8::/32"),
    row(Rtype::DS, DIGEST, "60485 5 1 2bb183af5f22588179a53b0a98631fad1a292118"),
    row(Rtype::SSHFP, &[U8, U8, Hex(1)], "4 2 123456789abcdef6…"),
    row(Rtype::IPSECKEY, &[U8, GatewayType, U8, Gateway, GatewayKey], "10 1 2 192.0.2.38 AQNR…"),
    row(
        Rtype::RRSIG,
        &[Covered, Algorithm, U8, U32, Time, Time, U16, Name, Base64(1)],
        "A 13 2 3600 20300101000000 20291201000000 12345 example.com. oJB1…",
    ),
    row(Rtype::NSEC, &[Name, Types], "host.example.com. A MX RRSIG NSEC"),
    row(Rtype::DNSKEY, KEY, "257 3 13 mdsswUyr…"),
    row(Rtype::DHCID, &[Base64(4)], "AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA="),
    row(Rtype::NSEC3, &[U8, U8, U16, Salt, HashedName, Types], "1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr A RRSIG"),
    row(Rtype::NSEC3PARAM, &[U8, U8, U16, Salt], "1 0 0 -"),
    row(Rtype::TLSA, CERTIFICATE, "3 1 1 d2abde240d7cd3ee…"),
    row(Rtype::SMIMEA, CERTIFICATE, "3 1 1 d2abde240d7cd3ee…"),
    row(Rtype::HIP, &[HostIdentity, Names], "2 200100107b1a74df365639cc39f1d578 AwEAAbda… rvs.example.com."),
    row(Rtype::NINFO, &[Strs], "\"some text\""),
    row(Rtype::RKEY, KEY, "0 3 13 mdsswUyr…"),
    row(Rtype::TALINK, &[Name, Name], "before.example.com. behind.example.com."),
    row(Rtype::CDS, DIGEST, "60485 5 1 2bb183af5f22588179a53b0a98631fad1a292118"),
    row(Rtype::CDNSKEY, KEY, "257 3 13 mdsswUyr…"),
    row(Rtype::OPENPGPKEY, &[Base64(1)], "mQENBFVH…"),
    row(Rtype::CSYNC, &[U32, U16, Types], "2026010101 3 A NS AAAA"),
    row(Rtype::ZONEMD, &[U32, U8, U8, Digest(&OF_ZONES)], "2026010101 1 240 c220b8a6ed5728a971902f7e"),
    row(Rtype::SVCB, SERVICE, "1 svc.example.com. alpn=h2 port=8443"),
    row(Rtype::HTTPS, SERVICE, "1 . alpn=h3,h2 ipv4hint=192.0.2.1"),
    row(Rtype::SPF, &[Strs], "\"v=spf1 -all\""),
    row(Rtype::NID, &[U16, Locator], "10 0014:4fff:ff20:ee64"),
    row(Rtype::L32, &[U16, Ipv4], "10 192.0.2.1"),
    row(Rtype::L64, &[U16, Locator], "10 2001:0db8:1140:1000"),
    row(Rtype::LP, &[U16, Name], "10 l64.example.com."),
    row(Rtype::EUI48, &[Eui(6)], "00-00-5e-00-53-2a"),
    row(Rtype::EUI64, &[Eui(8)], "00-00-5e-ef-10-00-00-2a"),
    row(Rtype::URI, &[U16, U16, Text(1)], "10 1 \"https://www.example.com/\""),
    row(Rtype::CAA, &[U8, Tag, Text(0)], "0 issue \"ca.example.net\""),
    row(Rtype::AVC, &[Strs], "\"app-name=x\""),
    row(Rtype::RESINFO, &[Strs], "\"qnamemin\" \"exterr=15\""),
    row(Rtype::WALLET, &[Strs], "\"currency\" \"address\""),
    row(Rtype::TA, DIGEST, "60485 5 1 2bb183af5f22588179a53b0a98631fad1a292118"),
    row(Rtype::DLV, DIGEST, "60485 5 1 2bb183af5f22588179a53b0a98631fad1a292118"),
];

/// The codes below this have their place in [`PLACES`]; the rest is searched.
const DENSE: usize = 264;

/// One more than where a code's layout is in [`LAYOUTS`]; zero for none.
static PLACES: [u8; DENSE] = {
    let (mut places, mut at) = ([0; DENSE], 0);
    while at < LAYOUTS.len() {
        if (LAYOUTS[at].rtype.0 as usize) < DENSE {
            places[LAYOUTS[at].rtype.0 as usize] = at as u8 + 1;
        }
        at += 1;
    }
    places
};

impl Layout {
    /// The layout of a type that has one.
    pub(super) fn of(rtype: Rtype) -> Option<&'static Self> {
        match PLACES.get(usize::from(rtype.0)) {
            Some(&place) => LAYOUTS.get(usize::from(place).checked_sub(1)?),
            None => LAYOUTS.binary_search_by_key(&rtype, |layout| layout.rtype).ok().map(|at| &LAYOUTS[at]),
        }
    }

    /// The fields of RDATA; none in place of the first that the octets do not fit, and at the end for what is left over.
    pub(super) fn parts<'r>(&self, rdata: &'r [u8]) -> impl Iterator<Item = Option<Part<'r>>> + use<'r> {
        let mut at = 0;
        let mut fields = self.fields.iter();
        std::iter::from_fn(move || {
            let (before, rest) = rdata.split_at(at);
            let Some(&field) = fields.next() else {
                at = rdata.len();
                return (!rest.is_empty()).then_some(None);
            };
            let Some(octets) = field.len_in(before, rest).and_then(|len| rest.get(..len)) else {
                (at, fields) = (rdata.len(), [].iter());
                return Some(None);
            };
            at += octets.len();
            Some(Some(Part { field, before, octets }))
        })
    }

    /// Whether RDATA fits.
    pub(super) fn fits(&self, rdata: &[u8]) -> bool {
        self.parts(rdata).all(|part| part.is_some())
    }
}

/// Whether octets are well-formed uncompressed RDATA of a type. Any octets are, of types without a layout (RFC 3597).
#[must_use]
pub fn is_valid(rtype: Rtype, rdata: &[u8]) -> bool {
    rdata.len() <= usize::from(u16::MAX) && Layout::of(rtype).is_none_or(|layout| layout.fits(rdata))
}

/// The names in RDATA whose addresses a client of the record needs: of NS, MX, SRV, SVCB and HTTPS (not in AliasMode,
/// whose target may have such a record instead), AFSDB, RT, KX. Not the root, which says there is no such host or, in
/// SVCB, that the owner is meant.
pub fn targets(rtype: Rtype, rdata: &[u8]) -> impl Iterator<Item = NameRef<'_>> {
    let parts = Layout::of(rtype).into_iter().flat_map(move |layout| layout.parts(rdata));
    parts.flatten().filter_map(Part::target)
}

impl<'r> Part<'r> {
    /// The name, if clients need its addresses.
    fn target(self) -> Option<NameRef<'r>> {
        let is_host = match self.field {
            Host => true,
            Service => self.before != [0, 0], // AliasMode has priority 0
            _ => false,
        };
        let name = if is_host { NameRef::from_wire(self.octets) } else { None };
        name.filter(|name| !name.is_root())
    }
}

/// Appends RDATA with the names in it lowercased, so that equal data are equal octets (RFC 4034 §6.2).
pub(super) fn canonical_into(rtype: Rtype, rdata: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(rdata);
    let Some(layout) = Layout::of(rtype).filter(|layout| layout.fits(rdata)) else { return };
    for part in layout.parts(rdata).flatten().filter(|part| part.field.is_name()) {
        let at = start + part.before.len();
        out[at..at + part.octets.len()].make_ascii_lowercase();
    }
}
