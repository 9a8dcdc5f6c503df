//! Reads a master file (RFC 1035 §5): owners, TTLs, classes, types; directives are in `directives`. After an error it goes on at the next
//! line.

use super::builder::{Lost, ZoneBuilder};
use super::head::{Head, TTL_CLASS_OR_TYPE};
use super::lexer::{Lexer, Token};
use super::rdata;
use crate::base::{Diagnostic, FileId, Sources, Span, Ttl};
use crate::wire::{Class, Name, NameBuf, Rtype};

/// Fetches a file that `$INCLUDE` names: gets the name as it is written and the file that includes it, adds the
/// file to the sources, and gives back its id, or says why it cannot.
pub type Loader<'l> = dyn FnMut(&mut Sources, &str, FileId) -> Result<FileId, String> + 'l;

/// How many errors are reported before the rest of the text is left alone.
const MAX_ERRORS: usize = 100;

/// How deep files may include files.
const MAX_DEPTH: usize = 16;

/// Reads a zone from a master file and those it includes. Does not stop at errors: what could be read is in the
/// builder.
pub fn parse(
    sources: &mut Sources,
    file: FileId,
    origin: &Name,
    load: &mut Loader<'_>,
) -> (ZoneBuilder, Vec<Diagnostic>) {
    let mut parser = Parser::new(file, origin);
    let mut place = Place { file, at: 0 };
    while !parser.is_full() {
        match parser.read_file(place, &sources.get(place.file).bytes) {
            Some(include) => place = parser.enter(include, sources, load),
            None => match parser.leave() {
                Some(back) => place = back,
                None => break,
            },
        }
    }
    (parser.builder, parser.errors)
}

/// A line start in a file.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) file: FileId,
    pub(super) at: usize,
}

/// What to come back to after an included file (RFC 1035 §5.1: its `$ORIGIN` is not ours).
struct Frame {
    place: Place,
    origin: Name,
    owner: Owner,
}

/// Whose records the lines that begin with a blank are.
#[derive(Clone)]
#[expect(clippy::large_enum_variant, reason = "there is one a file; a boxed name would be an allocation a record")]
enum Owner {
    /// No record came yet.
    None,
    /// Reported already; the lines that follow it are not blamed again.
    Unreadable,
    Known(NameBuf),
}

/// An `$INCLUDE` that was met.
pub(super) struct Include {
    pub(super) name: String,
    pub(super) span: Span,
    pub(super) origin: Option<Name>,
    pub(super) back: Place,
}

/// What has been read so far, and what the next line depends on.
pub(super) struct Parser {
    pub(super) builder: ZoneBuilder,
    errors: Vec<Diagnostic>,
    frames: Vec<Frame>,
    pub(super) origin: Name,
    owner: Owner,
    /// Of `$TTL` (RFC 2308 §4).
    pub(super) default_ttl: Option<Ttl>,
    /// Of the record before (RFC 1035 §5.1).
    last_ttl: Option<Ttl>,
    pub(super) rdata: Vec<u8>,
    /// The type of the record that is being read, once it is known.
    reading: Option<Rtype>,
}

impl Parser {
    fn new(file: FileId, origin: &Name) -> Self {
        Self {
            builder: ZoneBuilder::new(origin, Some(Span::start_of(file))),
            errors: Vec::new(),
            frames: Vec::new(),
            origin: origin.clone(),
            owner: Owner::None,
            default_ttl: None,
            last_ttl: None,
            rdata: Vec::new(),
            reading: None,
        }
    }

    /// Reads on until the end of the file, or until another file is to be read first.
    fn read_file(&mut self, place: Place, bytes: &[u8]) -> Option<Include> {
        if u32::try_from(bytes.len()).is_err() {
            self.report(
                Diagnostic::error(Span::start_of(place.file), "the file is larger than 4 GiB")
                    .hint("split it into several zones"),
            );
            return None;
        }
        if place.at == 0 {
            self.builder.expect_records(bytes.iter().filter(|&&octet| octet == b'\n').count());
        }
        let mut lexer = Lexer::new(place.file, bytes, place.at);
        while !self.is_full() && lexer.start_line() {
            let line = self.line(&mut lexer);
            lexer.warnings.drain(..).for_each(|warning| self.builder.warn(warning));
            match line {
                Ok(None) => {}
                Ok(Some(include)) => return Some(include),
                Err(error) => match lexer.skip_line() {
                    Ok(()) => self.report(error),
                    Err(unclosed) if lexer.open_quote() => {
                        self.report(error);
                        self.report(unclosed);
                        self.note_lost_somewhere();
                    }
                    Err(unclosed) => self.report_unclosed(error, unclosed),
                },
            }
        }
        None
    }

    fn enter(&mut self, include: Include, sources: &mut Sources, load: &mut Loader<'_>) -> Place {
        let loaded = if self.frames.len() < MAX_DEPTH {
            load(sources, &include.name, include.back.file)
                .map_err(|reason| (reason, "relative paths start at the file that holds them"))
        } else {
            Err((format!("files include one another more than {MAX_DEPTH} deep"), "see which of them includes itself"))
        };
        match loaded {
            Ok(file) => {
                let origin = include.origin.unwrap_or_else(|| self.origin.clone());
                let origin = std::mem::replace(&mut self.origin, origin);
                self.frames.push(Frame { place: include.back, origin, owner: self.owner.clone() });
                Place { file, at: 0 }
            }
            Err((reason, hint)) => {
                self.note_lost_somewhere();
                let message = format!("cannot include `{}`: {reason}", include.name);
                self.report(Diagnostic::error(include.span, message).hint(hint));
                include.back
            }
        }
    }

    fn leave(&mut self) -> Option<Place> {
        let frame = self.frames.pop()?;
        (self.origin, self.owner) = (frame.origin, frame.owner);
        Some(frame.place)
    }

    fn report(&mut self, error: Diagnostic) {
        if self.is_full() {
            return;
        }
        self.errors.push(error);
        if self.is_full() {
            let message = format!("{MAX_ERRORS} errors in this zone: what follows was not read");
            let place = self.errors.last().and_then(|last| last.span);
            self.errors.push(Diagnostic {
                span: place,
                ..Diagnostic::error_nowhere(message).hint("mend these first, and check again")
            });
        }
    }

    /// Reports a parenthesis that is never closed, and an error of its record unless it follows from that.
    fn report_unclosed(&mut self, error: Diagnostic, unclosed: Diagnostic) {
        if error.span.zip(unclosed.span).is_some_and(|(error, unclosed)| error.start < unclosed.start) {
            self.report(error);
        }
        self.report(unclosed);
        self.note_lost_somewhere();
    }

    fn is_full(&self) -> bool {
        self.errors.len() >= MAX_ERRORS
    }

    /// One entry, which may be nothing, a directive, or a record.
    fn line(&mut self, lexer: &mut Lexer<'_>) -> Result<Option<Include>, Diagnostic> {
        let Some(first) = lexer.next()? else { return Ok(None) };
        if first.word().is_some_and(|word| word.starts_with(b"$")) {
            return self.directive(first, lexer);
        }
        self.reading = None;
        self.record(first, lexer).map(|()| None).map_err(|error| {
            self.note_lost();
            with_hint(error, RECORD_HINT)
        })
    }

    /// Notes that a record could not be read.
    fn note_lost(&mut self) {
        let owner = match &self.owner {
            Owner::Known(owner) => Some(owner.as_ref().to_name()),
            Owner::None | Owner::Unreadable => None,
        };
        self.builder.lost.push(Lost { owner, rtype: self.reading });
    }

    /// Notes that records of any name and type may be missing.
    pub(super) fn note_lost_somewhere(&mut self) {
        self.builder.lost.push(Lost { owner: None, rtype: None });
    }

    fn record<'s>(&mut self, first: Token<'s>, lexer: &mut Lexer<'s>) -> Result<(), Diagnostic> {
        let looks_like_comment = first.text.starts_with(b"#") && !lexer.indented();
        self.whole_record(first, lexer).map_err(|error| match looks_like_comment {
            // a name may begin so, but what follows it is no record
            true => Diagnostic::error(first.span, "a comment begins with `;` in a zone file, not with `#`")
                .hint("write ; instead"),
            false => error,
        })
    }

    fn whole_record<'s>(&mut self, first: Token<'s>, lexer: &mut Lexer<'s>) -> Result<(), Diagnostic> {
        let token = if lexer.indented() {
            first
        } else {
            self.owner = Owner::Unreadable;
            let owner = self.name(first)?;
            lexer.warnings.extend(class_as_owner(first));
            lexer.warnings.extend(rdata::doubled(first, owner.as_ref(), self.origin.as_ref()));
            self.owner = Owner::Known(owner);
            lexer.expect(TTL_CLASS_OR_TYPE)?
        };
        let head = Head::read(token, lexer)?;
        self.last_ttl = head.ttl.or(self.last_ttl);
        self.reading = Some(head.rtype);
        rdata::read(head.rtype, head.type_token, lexer, self.origin.as_ref(), &mut self.rdata)?;
        let ttl = self.ttl(&head)?;
        if let Some(comment) = lexer.glued_comment().filter(|_| head.rtype == Rtype::TXT) {
            let warning = Diagnostic::warning(comment, "a comment begins here, so the text ends before it");
            self.builder.warn(warning.hint("put the text in quotes if the semicolon belongs to it"));
        }
        match &self.owner {
            Owner::Known(owner) => {
                let inside = owner.as_ref().is_within(self.builder.origin().as_ref());
                let span = if inside { head.type_token.span } else { first.span };
                self.builder.add(owner.as_ref(), head.rtype, ttl, &self.rdata, span);
            }
            Owner::Unreadable => {}
            Owner::None => {
                self.owner = Owner::Unreadable;
                return Err(Diagnostic::error(
                    first.span,
                    "this line begins with a blank, and no owner comes before it",
                )
                .hint("begin the line with the owner, or with @ for the origin"));
            }
        }
        Ok(())
    }

    /// A name, or `@` for the origin.
    pub(super) fn name(&self, token: Token<'_>) -> Result<NameBuf, Diagnostic> {
        if token.is_at_sign() {
            return Ok(NameBuf::lowercase(self.origin.as_ref()));
        }
        rdata::read_name(token, self.origin.as_ref())
    }

    /// The TTL written, else that of `$TTL`, else the last one; for an SOA its MINIMUM (RFC 2308 §4, RFC 1035 §5.1).
    /// That there is none is said once.
    pub(super) fn ttl(&mut self, head: &Head<'_>) -> Result<Ttl, Diagnostic> {
        let minimum = || (head.rtype == Rtype::SOA).then(|| soa_minimum(&self.rdata)).flatten();
        let ttl = head.ttl.or(self.default_ttl).or(self.last_ttl).or_else(minimum);
        self.last_ttl = ttl.or(Some(Ttl::ZERO));
        ttl.ok_or_else(|| {
            Diagnostic::error(head.type_token.span, "no TTL here, none before, and no $TTL")
                .hint("put a line such as `$TTL 1h` at the top")
        })
    }
}

pub(super) fn with_hint(error: Diagnostic, hint: &str) -> Diagnostic {
    if error.hint.is_some() { error } else { error.hint(hint) }
}

const RECORD_HINT: &str = "a record looks like `www 300 IN A 192.0.2.1`; TTL and class may be left out";

/// A line that has lost the blank at its start: its class is read as the owner.
fn class_as_owner(token: Token<'_>) -> Option<Diagnostic> {
    token.keyword().and_then(|word| word.parse::<Class>().ok())?;
    let message = format!("the owner of this record is a name that reads like a class: `{}`", token.shown());
    let hint = "if the owner above is meant, begin the line with a blank; if it is a name, write it in full with a dot at its end";
    Some(Diagnostic::warning(token.span, message).hint(hint))
}

/// The last four octets of an SOA's RDATA.
fn soa_minimum(rdata: &[u8]) -> Option<Ttl> {
    rdata.last_chunk().map(|&octets| Ttl::from_secs(u32::from_be_bytes(octets)))
}
