//! Reads master files (RFC 1035 §5): directives, owner, TTL and class left out or given, one record an entry.

use crate::base::{Diagnostic, FileId, Sources, Span, Ttl};
use crate::wire::{Class, Name, NameBuf, Rtype};

use super::builder::ZoneBuilder;
use super::lexer::{Entry, Lexer, Token};
use super::rdata::{self, Piece};

/// Adds the file that `$INCLUDE` names to the sources, or says why it cannot.
pub type Loader<'a> = dyn FnMut(&mut Sources, &str) -> Result<FileId, String> + 'a;

/// Files within files within files: more is a loop.
const MAX_INCLUDES: usize = 16;

/// After so many errors a file is given up: it is of another kind.
const MAX_ERRORS: usize = 100;

/// Reads a zone from a file. Goes on after errors, so that one run reports them all; a zone with errors is not to be used.
pub fn parse(
    sources: &mut Sources,
    file: FileId,
    origin: &Name,
    load: &mut Loader<'_>,
) -> (ZoneBuilder, Vec<Diagnostic>) {
    let mut parser = Parser {
        zone: ZoneBuilder::new(origin.clone()),
        found: Vec::new(),
        load,
        default_ttl: None,
        last_ttl: None,
        owner: None,
        depth: 0,
        rdata: Vec::new(),
    };
    parser.file(sources, file, NameBuf::copy(origin.as_ref()));
    (parser.zone, parser.found)
}

struct Parser<'a, 'l> {
    zone: ZoneBuilder,
    found: Vec<Diagnostic>,
    load: &'a mut Loader<'l>,
    /// `$TTL` (RFC 2308 §4).
    default_ttl: Option<Ttl>,
    last_ttl: Option<Ttl>,
    /// The owner of the entry before.
    owner: Option<NameBuf>,
    depth: usize,
    /// The RDATA of the record at hand.
    rdata: Vec<u8>,
}

/// The file that is being read.
struct Here<'b> {
    bytes: &'b [u8],
    file: FileId,
    origin: NameBuf,
}

impl Here<'_> {
    fn text(&self, token: &Token) -> &[u8] {
        &self.bytes[token.text.clone()]
    }

    /// The place of a token; a quoted one begins at its quote.
    fn span(&self, token: &Token) -> Span {
        let quote = usize::from(token.quoted);
        Span::new(self.file, token.text.start - quote..token.text.end + quote)
    }

    /// The place behind an entry's last token.
    fn end(&self, tokens: &[Token]) -> Span {
        let end = tokens.last().map_or(0, |token| self.span(token).end as usize);
        Span::new(self.file, end..end)
    }

    fn is(&self, token: &Token, word: &str) -> bool {
        !token.quoted && self.text(token).eq_ignore_ascii_case(word.as_bytes())
    }
}

/// A directive that reads another file, to be done once this file's bytes are not borrowed.
struct Include {
    name: String,
    span: Span,
    origin: NameBuf,
}

impl Parser<'_, '_> {
    fn file(&mut self, sources: &mut Sources, file: FileId, origin: NameBuf) {
        let bytes = sources.take(file);
        let mut here = Here { bytes: &bytes, file, origin };
        let mut lexer = Lexer::new(&bytes);
        let mut entry = Entry::default();
        while self.found.len() < MAX_ERRORS {
            match lexer.next(&mut entry) {
                Ok(false) => break,
                Ok(true) => {
                    let include = self.entry(&mut here, &entry).unwrap_or_else(|error| {
                        self.found.push(error);
                        None
                    });
                    if let Some(include) = include {
                        self.include(sources, include);
                    }
                }
                Err(error) => {
                    let span = Span::new(file, error.at..error.at + 1);
                    self.found.push(Diagnostic::error(span, error.message).hint(error.hint));
                }
            }
        }
        sources.restore(file, bytes);
    }

    fn include(&mut self, sources: &mut Sources, include: Include) {
        if self.depth == MAX_INCLUDES {
            let message = format!("files are included {MAX_INCLUDES} deep");
            self.found.push(Diagnostic::error(include.span, message).hint("does a file include itself?"));
            return;
        }
        match (self.load)(sources, &include.name) {
            Ok(file) => {
                // RFC 1035 §5.1: what the file changes ends with it
                let before = (self.owner.clone(), self.default_ttl, self.last_ttl);
                self.depth += 1;
                self.file(sources, file, include.origin);
                self.depth -= 1;
                (self.owner, self.default_ttl, self.last_ttl) = before;
            }
            Err(error) => self.found.push(Diagnostic::error(include.span, error)),
        }
    }

    fn entry(&mut self, here: &mut Here<'_>, entry: &Entry) -> Result<Option<Include>, Diagnostic> {
        let tokens = &entry.tokens;
        let first = here.text(&tokens[0]);
        if first.first() == Some(&b'$') && !entry.blank && !tokens[0].quoted {
            return self.directive(here, tokens);
        }
        let tokens = if entry.blank {
            tokens
        } else {
            self.owner = Some(name(here, &tokens[0])?);
            &tokens[1..]
        };
        if self.owner.is_none() {
            let error = Diagnostic::error(here.span(&tokens[0]), "the first record has no owner name");
            return Err(error.hint("begin the line with a name, or with @ for the zone itself"));
        }
        self.record(here, &entry.tokens, tokens)?;
        Ok(None)
    }

    fn directive(&mut self, here: &mut Here<'_>, tokens: &[Token]) -> Result<Option<Include>, Diagnostic> {
        let directive = here.text(&tokens[0]).to_ascii_uppercase();
        let most = if directive == b"$INCLUDE" { 3 } else { 2 };
        let missing = |what: &str| Diagnostic::error(here.end(tokens), format!("expected {what}, but the entry ends"));
        if let Some(extra) = tokens.get(most) {
            return Err(Diagnostic::error(here.span(extra), "nothing more was expected"));
        }
        match directive.as_slice() {
            b"$ORIGIN" => {
                here.origin = name(here, tokens.get(1).ok_or_else(|| missing("a domain name"))?)?;
            }
            b"$TTL" => {
                let token = tokens.get(1).ok_or_else(|| missing("a TTL"))?;
                self.default_ttl = Some(ttl(here, token).ok_or_else(|| bad_ttl(here, token))?);
            }
            b"$INCLUDE" => {
                let token = tokens.get(1).ok_or_else(|| missing("the name of a file"))?;
                let origin = tokens.get(2).map(|origin| name(here, origin)).transpose()?;
                let include = Include {
                    name: String::from_utf8_lossy(here.text(token)).into_owned(),
                    span: here.span(token),
                    origin: origin.unwrap_or_else(|| here.origin.clone()),
                };
                return Ok(Some(include));
            }
            _ => {
                let message = format!("unknown directive \"{}\"", String::from_utf8_lossy(here.text(&tokens[0])));
                let error = Diagnostic::error(here.span(&tokens[0]), message);
                return Err(error.hint("known are $ORIGIN, $TTL and $INCLUDE; a name that begins with $ is written \\$"));
            }
        }
        Ok(None)
    }

    /// `[TTL] [class] type RDATA`, TTL and class in either order.
    fn record(&mut self, here: &Here<'_>, whole: &[Token], tokens: &[Token]) -> Result<(), Diagnostic> {
        let (mut own_ttl, mut class, mut at) = (None, None, 0);
        while let Some(token) = tokens.get(at).filter(|token| !token.quoted) {
            if class.is_none() && let Ok(given) = as_str(here.text(token)).parse::<Class>() {
                class = Some((given, token));
            } else if own_ttl.is_none() && here.text(token)[0].is_ascii_digit() {
                own_ttl = Some(ttl(here, token).ok_or_else(|| bad_ttl(here, token))?);
            } else {
                break;
            }
            at += 1;
        }
        if let Some((_, token)) = class.filter(|&(class, _)| class != Class::IN) {
            let error = Diagnostic::error(here.span(token), "only class IN is served");
            return Err(error.hint("leave the class out, or write IN"));
        }
        let token = tokens.get(at).ok_or_else(|| Diagnostic::error(here.end(whole), "expected a record type, but the entry ends"))?;
        let rtype = self.rtype(here, token)?;
        self.rdata(here, whole, rtype, &tokens[at + 1..])?;
        let ttl = self.ttl(rtype, own_ttl).ok_or_else(|| {
            Diagnostic::error(here.span(token), "the record has no TTL").hint("put $TTL 3600 at the top of the file")
        })?;
        self.last_ttl = Some(ttl);
        let owner = self.owner.as_ref().expect("was looked at before");
        self.zone.add(owner.as_ref(), rtype, ttl, &self.rdata, here.span(&whole[0]));
        Ok(())
    }

    fn rtype(&self, here: &Here<'_>, token: &Token) -> Result<Rtype, Diagnostic> {
        let text = as_str(here.text(token));
        let error = |message: String, hint: &str| Err(Diagnostic::error(here.span(token), message).hint(hint));
        match text.parse::<Rtype>() {
            _ if token.quoted => error("expected a record type, found a quoted text".into(), "write the type without quotes"),
            Err(_) => {
                let message = format!("unknown record type \"{}\"", String::from_utf8_lossy(here.text(token)));
                error(message, "types without a name here are written TYPE65280 \\# LENGTH HEX (RFC 3597)")
            }
            Ok(rtype) if rtype.is_meta() || rtype == Rtype(0) => error(format!("{rtype} is not a type of records"), "remove the entry"),
            Ok(rtype) => Ok(rtype),
        }
    }

    fn rdata(&mut self, here: &Here<'_>, whole: &[Token], rtype: Rtype, tokens: &[Token]) -> Result<(), Diagnostic> {
        // longer than any ordinary record; what does not fit goes to the heap
        let mut few = [Piece { text: b"", quoted: false }; 12];
        let many: Vec<Piece<'_>>;
        let piece = |token: &Token| Piece { text: &here.bytes[token.text.clone()], quoted: token.quoted };
        let pieces = if tokens.len() <= few.len() {
            few.iter_mut().zip(tokens).for_each(|(slot, token)| *slot = piece(token));
            &few[..tokens.len()]
        } else {
            many = tokens.iter().map(piece).collect();
            &many[..]
        };
        self.rdata.clear();
        rdata::from_text(rtype, pieces, here.origin.as_ref(), &mut self.rdata).map_err(|error| {
            let span = tokens.get(error.token).map_or_else(|| here.end(whole), |token| here.span(token));
            Diagnostic::error(span, error.message)
        })
    }

    /// The record's own TTL, else `$TTL`, else that of the record before (RFC 1035 §5.1); for an SOA that comes first its
    /// MINIMUM.
    fn ttl(&self, rtype: Rtype, own: Option<Ttl>) -> Option<Ttl> {
        let minimum = || {
            let octets = self.rdata.last_chunk::<4>().filter(|_| rtype == Rtype::SOA)?;
            Some(Ttl::from_secs(u32::from_be_bytes(*octets)))
        };
        own.or(self.default_ttl).or(self.last_ttl).or_else(minimum)
    }
}

/// Text of tokens that must be ASCII; anything else becomes what no type or class is called.
fn as_str(text: &[u8]) -> &str {
    std::str::from_utf8(text).unwrap_or_default()
}

fn name(here: &Here<'_>, token: &Token) -> Result<NameBuf, Diagnostic> {
    rdata::name(here.text(token), here.origin.as_ref()).map_err(|error| {
        let text = String::from_utf8_lossy(here.text(token)).into_owned();
        Diagnostic::error(here.span(token), format!("\"{text}\" is not a domain name: {error}"))
    })
}

fn ttl(here: &Here<'_>, token: &Token) -> Option<Ttl> {
    let seconds = rdata::period(here.text(token))?;
    (seconds <= Ttl::MAX.secs()).then(|| Ttl::from_secs(seconds))
}

fn bad_ttl(here: &Here<'_>, token: &Token) -> Diagnostic {
    let text = String::from_utf8_lossy(here.text(token)).into_owned();
    let message = format!("expected a TTL, found \"{text}\"");
    Diagnostic::error(here.span(token), message).hint("seconds up to 2147483647, or a period such as 1h30m")
}
