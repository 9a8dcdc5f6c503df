//! A response's octets as hickory's types, and whether they fit.

use hickory_proto::op::Message;
use hickory_proto::rr::Record;
use hickory_proto::serialize::binary::{BinDecoder, BinEncoder, DecodeError};
use hickory_server::zone_handler::{MessageResponse, MessageResponseBuilder, Queries};

use crate::wire::HEADER_LEN;

/// A response of the engine, as hickory-server takes it.
pub(super) struct Reply {
    message: Message,
    /// The question with its own octets, case included.
    question: Queries,
}

impl Reply {
    /// Reads a response.
    pub(super) fn read(octets: &[u8]) -> Result<Self, DecodeError> {
        let message = Message::from_vec(octets)?;
        let mut decoder = BinDecoder::new(octets);
        decoder.read_slice(HEADER_LEN)?;
        let question = Queries::read(&mut decoder, message.queries.len())?;
        Ok(Self { message, question })
    }

    /// Makes sure that what hickory makes of it, which is larger than what was read, is no larger than that: where it is,
    /// records are left out and TC says so (RFC 2181 §9). Left to itself, hickory drops OPT first.
    pub(super) fn fit(&mut self, limit: u16) {
        let mut octets = Vec::with_capacity(512);
        let mut encoder = BinEncoder::new(&mut octets);
        encoder.set_max_size(limit);
        let written = self.response().destructive_emit(&mut encoder);
        if written.is_err() || written.is_ok_and(|info| info.truncation != self.message.truncation) {
            let Message { answers, authorities, additionals, .. } = &mut self.message;
            for section in [answers, authorities, additionals] {
                section.clear();
            }
            self.message.metadata.truncation = true;
        }
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
        let Message { metadata, answers, authorities, additionals, edns, .. } = &self.message;
        let builder = MessageResponseBuilder::new(&self.question, edns.as_ref());
        builder.build(*metadata, answers, authorities, [], additionals)
    }
}
