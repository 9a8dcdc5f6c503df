//! Asks the engine itself: a synthesized query, one real response.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use hickory_proto::op::Message;
use hickory_proto::rr::Record;
use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};
use hickory_proto::serialize::binary::{BinDecodable, BinEncodable, BinEncoder, NameEncoding};

use super::facts::{AnswerFacts, RecordFacts};
use super::{ExplainError, Question};
use crate::answer::{Meta, Reply, Transport, Worker, respond};
use crate::base::Now;
use crate::snapshot::Snapshot;
use crate::wire::{OPTION_CLIENT_SUBNET, Rtype};
use crate::zone::RdataText;

/// One response.
pub(super) struct Response {
    message: Message,
}

/// A record of the answer section.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) rdata: Vec<u8>,
    pub(super) ttl: u32,
    /// In lowercase.
    pub(super) owner: Vec<u8>,
    pub(super) rtype: Rtype,
}

/// Asks over TCP, so that nothing is cut.
pub(super) fn ask(
    snapshot: &Snapshot,
    question: &Question,
    resolver: IpAddr,
    now: Now,
) -> Result<Response, ExplainError> {
    let local: IpAddr = if resolver.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() };
    let meta = Meta::new(SocketAddr::new(resolver, 53), local, Transport::Tcp, usize::from(u16::MAX));
    let mut worker = Worker::new(now.wall ^ now.mono.0);
    let mut out = vec![0; usize::from(u16::MAX)];
    let Reply::Send(len) = respond(snapshot, &query(question), &meta, now, &mut worker, &mut out) else {
        return Err(ExplainError::Unreadable("there is none".into()));
    };
    let message = Message::from_bytes(&out[..len]).map_err(|error| ExplainError::Unreadable(error.to_string()))?;
    Ok(Response { message })
}

fn query(question: &Question) -> Vec<u8> {
    let mut query = vec![0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1];
    query.extend(question.name.as_ref().as_wire());
    query.extend(question.rtype.0.to_be_bytes());
    query.extend([0, 1]); // IN
    let option = question.client.map(|client| {
        let (family, octets) = match client.addr() {
            IpAddr::V4(v4) => (1, v4.octets().to_vec()),
            IpAddr::V6(v6) => (2, v6.octets().to_vec()),
        };
        let mut data = vec![0, family, client.len(), 0];
        data.extend(&octets[..usize::from(client.len()).div_ceil(8)]);
        data
    });
    query.extend([0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0]); // OPT, 1232 octets, nothing set
    let data_len = option.as_ref().map_or(0, |data| data.len() + 4) as u16; // 24 octets at most
    query.extend(data_len.to_be_bytes());
    if let Some(data) = option {
        query.extend(OPTION_CLIENT_SUBNET.to_be_bytes());
        query.extend((data.len() as u16).to_be_bytes());
        query.extend(data);
    }
    query
}

impl Response {
    /// As the standards write it: `NOERROR`, `SERVFAIL`.
    pub(super) fn rcode(&self) -> String {
        let code = u16::from(self.message.metadata.response_code);
        match code {
            0 => "NOERROR".into(),
            1 => "FORMERR".into(),
            2 => "SERVFAIL".into(),
            3 => "NXDOMAIN".into(),
            4 => "NOTIMP".into(),
            5 => "REFUSED".into(),
            other => format!("RCODE{other}"),
        }
    }

    pub(super) fn scope(&self) -> Option<u8> {
        match self.message.edns.as_ref()?.option(EdnsCode::Subnet)? {
            EdnsOption::Subnet(subnet) => Some(subnet.scope_prefix()),
            _ => None,
        }
    }

    /// The records of the answer section behind so many CNAMEs, as owner, type, TTL and RDATA, in order of RDATA.
    pub(super) fn answers(&self, aliases: usize) -> Result<Vec<Answered>, ExplainError> {
        let last = self.message.answers.iter().skip(aliases);
        let answered = |record: &Record| {
            let (owner, rtype) = (emitted(&record.name)?.to_ascii_lowercase(), Rtype(record.record_type().into()));
            Ok(Answered { rdata: rdata(record)?, ttl: record.ttl, owner, rtype })
        };
        let mut all = last.map(answered).collect::<Result<Vec<_>, ExplainError>>()?;
        all.sort_by(|a, b| a.rdata.cmp(&b.rdata));
        Ok(all)
    }

    /// The TTL of the SOA in the authority section, of a negative answer.
    pub(super) fn negative_ttl(&self) -> Option<u32> {
        let soa = |record: &&Record| u16::from(record.record_type()) == Rtype::SOA.0;
        self.message.authorities.iter().find(soa).map(|record| record.ttl)
    }

    pub(super) fn facts(&self) -> Result<AnswerFacts, ExplainError> {
        let message = &self.message;
        let mut records = Vec::new();
        for (section, all) in
            [("answer", &message.answers), ("authority", &message.authorities), ("additional", &message.additionals)]
        {
            for record in all {
                records.push(record_facts(section, record)?);
            }
        }
        Ok(AnswerFacts {
            rcode: self.rcode(),
            authoritative: message.metadata.authoritative,
            errors: self.extended_errors(),
            records,
            scope: self.scope(),
            variants: Vec::new(),
        })
    }

    /// RFC 8914 §2: a code in two octets, then a text.
    fn extended_errors(&self) -> Vec<String> {
        const EDE: u16 = 15;
        let Some(edns) = &self.message.edns else { return Vec::new() };
        let errors = edns.options().as_ref().iter().filter(|(code, _)| u16::from(*code) == EDE);
        let text = |(_, option): &(EdnsCode, EdnsOption)| {
            let EdnsOption::Unknown(_, data) = option else { return String::new() };
            let (code, text) = data.split_at(data.len().min(2));
            let code = code.iter().fold(0, |code, &octet| code << 8 | u32::from(octet));
            // the names of RFC 8914 §4 that responses here carry
            let name = match code {
                0 => " (Other)",
                18 => " (Prohibited)",
                20 => " (Not Authoritative)",
                _ => "",
            };
            format!("{code}{name} {}", String::from_utf8_lossy(text)).trim_end().to_owned()
        };
        errors.map(text).collect()
    }
}

fn record_facts(section: &str, record: &Record) -> Result<RecordFacts, ExplainError> {
    let rtype = Rtype(record.record_type().into());
    Ok(RecordFacts {
        section: section.into(),
        name: record.name.to_string(),
        ttl: record.ttl,
        rtype: rtype.to_string(),
        data: RdataText { rtype, rdata: &rdata(record)? }.to_string(),
    })
}

fn rdata(record: &Record) -> Result<Vec<u8>, ExplainError> {
    emitted(&record.data)
}

/// As octets, with whole names.
fn emitted(part: &impl BinEncodable) -> Result<Vec<u8>, ExplainError> {
    let mut octets = Vec::new();
    let mut encoder = BinEncoder::new(&mut octets);
    encoder.set_name_encoding(NameEncoding::Uncompressed);
    part.emit(&mut encoder).map_err(|error| ExplainError::Unreadable(error.to_string()))?;
    Ok(octets)
}
