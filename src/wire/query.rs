//! Reads a query. Allocates nothing, follows no compression pointer, and takes any octets.

use super::edns::EdnsQuery;
use super::name::{NameBuf, NameRef};
use super::types::{Class, Opcode, Rtype};

/// Octets of the message header (RFC 1035 §4.1.1).
pub const HEADER_LEN: usize = 12;

/// The fixed part of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The requester's number for it.
    pub id: u16,
    /// QR: set in responses.
    pub response: bool,
    /// What is asked for.
    pub opcode: Opcode,
    /// RD, copied into the response.
    pub recursion_desired: bool,
    /// How many records the four sections claim to hold.
    pub counts: [u16; 4],
}

impl Header {
    /// Reads a header; none if there are fewer than twelve octets.
    #[inline]
    #[must_use]
    pub fn parse(message: &[u8]) -> Option<Self> {
        let &[i0, i1, f0, _, q0, q1, a0, a1, n0, n1, r0, r1] = message.first_chunk::<HEADER_LEN>()?;
        Some(Self {
            id: u16::from_be_bytes([i0, i1]),
            response: f0 & 0x80 != 0,
            opcode: Opcode(f0 >> 3 & 0x0f),
            recursion_desired: f0 & 1 != 0,
            counts: [[q0, q1], [a0, a1], [n0, n1], [r0, r1]].map(u16::from_be_bytes),
        })
    }
}

/// The question of a query.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The name, lowercased.
    pub name: NameRef<'a>,
    /// Its [`hash`](super::hash_name).
    pub hash: u64,
    /// The type.
    pub rtype: Rtype,
    /// The class.
    pub class: Class,
    /// The whole question as sent, case included, to be copied into the response.
    pub raw: &'a [u8],
}

/// A query that could be read to its end.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// The question.
    pub question: Question<'a>,
    /// EDNS, if the query has an OPT record.
    pub edns: Option<&'a EdnsQuery>,
}

/// What was read of a query.
#[derive(Clone, Debug, Default)]
pub struct QueryBuf {
    /// The name, lowercased.
    name: NameBuf,
    /// Its hash.
    hash: u64,
    /// Octets of the question; none if it could not be read.
    question: usize,
    edns: Option<EdnsQuery>,
    /// Whether there was nothing that could not be read.
    sound: bool,
}

/// What could not be read, and as much of the query as the response to that needs.
#[derive(Clone, Copy, Debug)]
pub struct Malformed<'a> {
    /// The question, if that much could be read.
    pub question: Option<Question<'a>>,
    /// EDNS, if an OPT record could be read.
    pub edns: Option<&'a EdnsQuery>,
}

impl QueryBuf {
    /// Reads what follows the header of a standard query.
    #[inline]
    pub fn read(&mut self, message: &[u8], header: &Header) {
        (self.question, self.edns, self.sound) = (0, None, false);
        let octets = message.get(HEADER_LEN..).filter(|_| header.counts[0] == 1);
        if octets.and_then(|octets| self.read_question(message, octets)).is_none() {
            return;
        }
        let mut reader = Reader { message, at: HEADER_LEN + self.question, edns: &mut self.edns };
        // most have no other record, or OPT alone
        self.sound = (header.counts == [1, 0, 0, 0] || reader.find_opt(header).is_some()) && reader.at == message.len();
    }

    #[inline]
    fn read_question(&mut self, message: &[u8], octets: &[u8]) -> Option<()> {
        let name = NameRef::from_wire(octets)?;
        let end = name.as_wire().len() + QUESTION_TAIL;
        octets.get(..end)?;
        self.hash = self.name.set_lowercase(name, &message[..HEADER_LEN + name.as_wire().len()]);
        self.question = end;
        Some(())
    }

    /// What was read of this message.
    ///
    /// # Errors
    /// [`Malformed`] where the answer must be FORMERR: not exactly one question, a name that is no uncompressed name, a
    /// record that runs over the end, two OPT records or one not at the root (RFC 6891 §6.1.1), octets behind the last
    /// record.
    #[inline]
    pub fn query<'a>(&'a self, message: &'a [u8]) -> Result<Query<'a>, Malformed<'a>> {
        let edns = self.edns.as_ref();
        match self.question(message) {
            Some(question) if self.sound => Ok(Query { question, edns }),
            question => Err(Malformed { question, edns }),
        }
    }

    #[inline]
    fn question<'a>(&'a self, message: &'a [u8]) -> Option<Question<'a>> {
        let raw = message.get(HEADER_LEN..HEADER_LEN + self.question)?;
        let &[t0, t1, c0, c1] = raw.last_chunk::<QUESTION_TAIL>()?;
        let (rtype, class) = (Rtype(u16::from_be_bytes([t0, t1])), Class(u16::from_be_bytes([c0, c1])));
        Some(Question { name: self.name.as_ref(), hash: self.hash, rtype, class, raw })
    }

    /// The hash of the name that was asked for; anything if none was.
    #[must_use]
    pub const fn hash(&self) -> u64 {
        self.hash
    }

    /// EDNS, if an OPT record could be read.
    #[must_use]
    pub const fn edns(&self) -> Option<&EdnsQuery> {
        self.edns.as_ref()
    }
}

/// Octets of type and class.
const QUESTION_TAIL: usize = 4;

/// Reads a query without a question, which only asks for a server cookie (RFC 7873 §5.4); none if it is anything else.
#[must_use]
pub fn parse_cookie_request<'a>(message: &[u8], header: &Header, buffer: &'a mut QueryBuf) -> Option<&'a EdnsQuery> {
    let edns = &mut buffer.edns;
    *edns = None;
    let mut reader = Reader { message, at: HEADER_LEN, edns };
    if header.counts[0] != 0 || reader.find_opt(header).is_none() || reader.at != message.len() {
        return None;
    }
    edns.as_ref().filter(|edns| edns.cookie.is_some())
}

struct Reader<'a, 'e> {
    message: &'a [u8],
    at: usize,
    /// The OPT record, once it is found.
    edns: &'e mut Option<EdnsQuery>,
}

impl<'a> Reader<'a, '_> {
    /// Passes over every record; none where one is broken.
    fn find_opt(&mut self, header: &Header) -> Option<()> {
        let [_, answers, authorities, additionals] = header.counts;
        for _ in 0..u32::from(answers) + u32::from(authorities) {
            let (rtype, ..) = self.record()?;
            if rtype == Rtype::OPT {
                return None; // it stands in the additional section (RFC 6891 §6.1.1)
            }
        }
        for _ in 0..additionals {
            let at_root = self.message.get(self.at) == Some(&0);
            let (rtype, class, ttl, data) = self.record()?;
            if rtype == Rtype::OPT {
                if self.edns.is_some() || !at_root {
                    return None;
                }
                EdnsQuery::parse_into(self.edns, class, ttl, data)?;
            }
        }
        Some(())
    }

    fn record(&mut self) -> Option<(Rtype, u16, u32, &'a [u8])> {
        self.skip_name()?;
        let &[t0, t1, c0, c1, l0, l1, l2, l3, d0, d1] = self.message.get(self.at..)?.first_chunk::<10>()?;
        let start = self.at + 10;
        let end = start + usize::from(u16::from_be_bytes([d0, d1]));
        let data = self.message.get(start..end)?;
        self.at = end;
        let ttl = u32::from_be_bytes([l0, l1, l2, l3]);
        Some((Rtype(u16::from_be_bytes([t0, t1])), u16::from_be_bytes([c0, c1]), ttl, data))
    }

    /// A pointer ends a name and is not followed: nothing here needs to know where it leads.
    fn skip_name(&mut self) -> Option<()> {
        loop {
            match *self.message.get(self.at)? {
                0 => {
                    self.at += 1;
                    return Some(());
                }
                len @ 1..=63 => self.at += usize::from(len) + 1,
                192.. => {
                    self.at += 2;
                    return Some(());
                }
                _ => return None,
            }
        }
    }
}
