//! Class CHAOS: the names by which operators ask a server what it is (RFC 4892).

use crate::snapshot::Service;
use crate::wire::{Class, Full, Owner, Question, Rtype, Section};

use super::compose::Composer;
use super::status::Status;

/// Names that ask which program answers, in wire form.
const VERSION: [&[u8]; 2] = [b"\x07version\x04bind\x00", b"\x07version\x06server\x00"];
/// Names that ask which of several servers behind one address answers (RFC 4892 §3).
const IDENTITY: [&[u8]; 2] = [b"\x08hostname\x04bind\x00", b"\x02id\x06server\x00"];

/// Answers what the operator chose to tell; all else is refused.
pub(super) fn chaos(service: &Service, question: &Question<'_>, composer: &mut Composer<'_>) -> Result<(), Status> {
    let text = match question.name.as_wire() {
        name if VERSION.contains(&name) => &service.version,
        name if IDENTITY.contains(&name) => &service.identity,
        _ => return Err(Status::Prohibited),
    };
    if text.is_empty() || question.rtype != Rtype::TXT {
        return Err(Status::Prohibited);
    }
    composer.authoritative = false; // there is no zone of that class
    put(text.as_bytes(), composer).map_err(|Full| Status::TooLarge)
}

fn put(text: &[u8], composer: &mut Composer<'_>) -> Result<(), Full> {
    let body = &mut composer.body;
    let record = body.open(Section::Answer, Owner::Question, Rtype::TXT, Class::CH, 0)?;
    body.put(&[text.len() as u8])?; // the config takes no more than a string holds
    body.put(text)?;
    body.close(&record);
    Ok(())
}
