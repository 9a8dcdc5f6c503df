//! A response's octets as hickory's types, and whether they fit.

use hickory_proto::op::{Edns, Header, HeaderCounts, Metadata};
use hickory_proto::rr::rdata::NULL;
use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder, BinEncoder, DecodeError};
use hickory_server::zone_handler::{MessageResponse, MessageResponseBuilder, Queries};

use crate::wire::{OPTION_PADDING, PADDING_BLOCK, RdataShape, Rtype};

/// A response of the engine, as hickory-server takes it.
pub(super) struct Reply {
    metadata: Metadata,
    /// The question with its own octets, case included.
    question: Queries,
    answers: Vec<Record>,
    authorities: Vec<Record>,
    additionals: Vec<Record>,
    edns: Option<Edns>,
    /// Whether the engine padded it, which is done anew: what hickory makes of it has another length.
    pads: bool,
}

impl Reply {
    /// Reads a response.
    pub(super) fn read(octets: &[u8]) -> Result<Self, DecodeError> {
        let mut decoder = BinDecoder::new(octets);
        let Header { metadata, counts } = Header::read(&mut decoder)?;
        let HeaderCounts { queries, answers, authorities, additionals } = counts;
        let mut reply = Self {
            metadata,
            question: Queries::read(&mut decoder, queries.into())?,
            answers: records(&mut decoder, answers)?,
            authorities: records(&mut decoder, authorities)?,
            additionals: records(&mut decoder, additionals)?,
            edns: None,
            pads: false,
        };
        if let Some(at) = reply.additionals.iter().position(|record| record.record_type() == RecordType::OPT) {
            let mut edns = Edns::from(&reply.additionals.remove(at));
            reply.pads = edns.option(EdnsCode::Padding).is_some();
            edns.options_mut().remove(EdnsCode::Padding);
            reply.metadata.merge_response_code(edns.rcode_high());
            reply.edns = Some(edns);
        }
        Ok(reply)
    }

    /// Makes sure that what hickory makes of it, which is larger than what was read, is no larger than that. Left to
    /// itself, hickory drops OPT first.
    pub(super) fn fit(&mut self, limit: u16) {
        if self.metadata.authoritative && !self.fits(limit) {
            // these only save the client a query; elsewhere they may be glue, which it needs (RFC 9471 §2.1)
            self.additionals.clear();
        }
        if !self.fits(limit) {
            for section in [&mut self.answers, &mut self.authorities, &mut self.additionals] {
                section.clear();
            }
            self.metadata.truncation = true;
        }
    }

    /// Pads to whole blocks what the engine had padded, as far as there is room.
    pub(super) fn pad(&mut self, limit: u16) {
        let Some(len) = self.len(limit).filter(|_| self.pads) else { return };
        let unpadded = len + 4; // the option's code and length
        let padded = unpadded.next_multiple_of(PADDING_BLOCK).min(limit.into());
        let padding = padded.checked_sub(unpadded).map(|zeros| EdnsOption::Unknown(OPTION_PADDING, vec![0; zeros]));
        if let (Some(edns), Some(padding)) = (&mut self.edns, padding) {
            edns.options_mut().insert(padding);
        }
    }

    fn fits(&self, limit: u16) -> bool {
        self.len(limit).is_some()
    }

    /// Octets of what hickory makes of it; none if that is cut short.
    fn len(&self, limit: u16) -> Option<usize> {
        let mut octets = Vec::with_capacity(512);
        let mut encoder = BinEncoder::new(&mut octets);
        encoder.set_max_size(limit);
        let written = self.response().destructive_emit(&mut encoder).ok()?;
        (written.truncation == self.metadata.truncation).then_some(octets.len())
    }

    /// The response to send.
    pub(super) fn response<'a>(
        &'a self,
    ) -> MessageResponse<
        'a,
        'a,
        impl Iterator<Item = &'a Record> + Send + 'a,
        impl Iterator<Item = &'a Record> + Send + 'a,
        impl Iterator<Item = &'a Record> + Send + 'a,
        impl Iterator<Item = &'a Record> + Send + 'a,
    > {
        let builder = MessageResponseBuilder::new(&self.question, self.edns.as_ref());
        builder.build(self.metadata, &self.answers, &self.authorities, [], &self.additionals)
    }
}

fn records(decoder: &mut BinDecoder<'_>, count: u16) -> Result<Vec<Record>, DecodeError> {
    (0..count).map(|_| record(decoder)).collect()
}

/// Reads a record. RDATA without names that may be compressed are kept as octets, whatever hickory knows of the type: it
/// would refuse what is not as it expects, and write some of it anew in another form.
fn record(decoder: &mut BinDecoder<'_>) -> Result<Record, DecodeError> {
    let start = u16::try_from(decoder.index()).unwrap_or(u16::MAX);
    let name = Name::read(decoder)?;
    let rtype = RecordType::read(decoder)?;
    let opaque = RdataShape::of(Rtype(rtype.into())) == RdataShape::Opaque;
    if rtype == RecordType::OPT || !opaque {
        let mut whole = decoder.clone(start);
        let record = Record::read(&mut whole)?;
        *decoder = whole;
        return Ok(record);
    }
    let class = DNSClass::read(decoder)?;
    let ttl = decoder.read_u32()?.unverified();
    let length = decoder.read_u16()?.unverified();
    let octets = decoder.read_vec(length.into())?.unverified();
    let rdata = if octets.is_empty() { NULL::new() } else { NULL::with(octets) };
    let data = RData::Unknown { code: rtype, rdata };
    let mut record = Record::from_rdata(name, ttl, data);
    record.dns_class = class;
    Ok(record)
}
