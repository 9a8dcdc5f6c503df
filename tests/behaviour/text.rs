//! Names, types and RDATA as text, read into wire octets. A reader of its own for the types that most cases have, so that
//! these share no mistake with the zone parser; what that makes of the others, `tests/zonefile` holds against octets.

/// One word of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    /// As written, escapes included, quotes removed.
    pub(crate) text: String,
    /// Whether it stood in quotes.
    pub(crate) quoted: bool,
}

/// Splits a line at blanks; quotes hold blanks, a backslash takes the next character, `#` before a word starts a comment.
pub(crate) fn words(line: &str) -> Result<Vec<Word>, String> {
    let mut words = Vec::new();
    let mut chars = line.chars().peekable();
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        let quoted = match chars.peek() {
            None | Some('#') => return Ok(words),
            Some('"') => chars.next().is_some(),
            Some(_) => false,
        };
        let mut text = String::new();
        loop {
            match chars.next_if(|&c| quoted || !(c.is_whitespace() || c == '"')) {
                None if quoted => return Err("a quote is not closed".into()),
                None => break,
                Some('"') => break, // an unquoted word ends before a quote
                Some('\\') => text.extend(std::iter::once('\\').chain(chars.next())),
                Some(c) => text.push(c),
            }
        }
        words.push(Word { text, quoted });
    }
}

/// A name in wire octets. All names are absolute; the dot at the end may be left out.
pub(crate) fn name(text: &str) -> Result<Vec<u8>, String> {
    let mut wire = Vec::new();
    if text != "." {
        let mut label = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (octet, tail) = octet(rest)?;
            let dot = rest.starts_with('.');
            if dot || tail.is_empty() {
                label.extend((!dot).then_some(octet));
                put_label(&mut wire, &label).map_err(|problem| format!("{text}: {problem}"))?;
                label.clear();
            } else {
                label.push(octet);
            }
            rest = tail;
        }
        if wire.is_empty() {
            return Err("a name is missing".into());
        }
    }
    wire.push(0);
    if wire.len() > 255 { Err(format!("{text}: {} octets are too many", wire.len())) } else { Ok(wire) }
}

fn put_label(wire: &mut Vec<u8>, label: &[u8]) -> Result<(), &'static str> {
    match label.len() {
        0 => return Err("an empty label"),
        len @ 1..=63 => wire.push(len as u8),
        _ => return Err("a label of more than 63 octets"),
    }
    wire.extend_from_slice(label);
    Ok(())
}

/// The first octet that a text stands for, and the text behind it: `\DDD`, `\X`, or the character itself.
fn octet(text: &str) -> Result<(u8, &str), String> {
    let single = |text: &str| match text.as_bytes() {
        [first, ..] if first.is_ascii() => Ok(*first),
        _ => Err(format!("{text:?}: only ASCII; write other octets as \\DDD")),
    };
    let Some(escaped) = text.strip_prefix('\\') else { return Ok((single(text)?, &text[1..])) };
    match escaped.split_at_checked(3).filter(|(digits, _)| digits.bytes().all(|b| b.is_ascii_digit())) {
        Some((digits, tail)) => Ok((digits.parse().map_err(|_| format!("\\{digits} is no octet"))?, tail)),
        None => Ok((single(escaped)?, &escaped[1..])),
    }
}

/// The octets that a word stands for.
fn octets(mut text: &str) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    while !text.is_empty() {
        let (octet, tail) = octet(text)?;
        out.push(octet);
        text = tail;
    }
    Ok(out)
}

/// Hexadecimal digits.
pub(crate) fn hex(text: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<u8> = text
        .chars()
        .map(|c| c.to_digit(16).map(|d| d as u8).ok_or_else(|| format!("{text}: not hexadecimal")))
        .collect::<Result<_, _>>()?;
    if !digits.len().is_multiple_of(2) {
        return Err(format!("{text}: an odd number of digits"));
    }
    Ok(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

const TYPES: &[(&str, u16)] = &[
    ("A", 1),
    ("NS", 2),
    ("CNAME", 5),
    ("SOA", 6),
    ("PTR", 12),
    ("HINFO", 13),
    ("MX", 15),
    ("TXT", 16),
    ("AAAA", 28),
    ("SRV", 33),
    ("NAPTR", 35),
    ("DNAME", 39),
    ("DS", 43),
    ("RRSIG", 46),
    ("NSEC", 47),
    ("DNSKEY", 48),
    ("NSEC3PARAM", 51),
    ("CDS", 59),
    ("CDNSKEY", 60),
    ("CSYNC", 62),
    ("ZONEMD", 63),
    ("SVCB", 64),
    ("HTTPS", 65),
    ("IXFR", 251),
    ("AXFR", 252),
    ("ANY", 255),
    ("CAA", 257),
];

/// A type's code: a mnemonic or `TYPEnnn` (RFC 3597 §5).
pub(crate) fn rtype(text: &str) -> Result<u16, String> {
    let known = TYPES.iter().find(|(mnemonic, _)| *mnemonic == text).map(|&(_, code)| code);
    let numbered = || text.strip_prefix("TYPE").and_then(|digits| digits.parse().ok());
    known.or_else(numbered).ok_or_else(|| format!("unknown type {text}"))
}

/// RDATA in wire octets, names in it uncompressed and in lower case.
pub(crate) fn rdata(rtype: u16, words: &[Word]) -> Result<Vec<u8>, String> {
    let mut fields = Fields { words: words.iter(), out: Vec::new() };
    match (rtype, words) {
        (_, [generic, length, digits @ ..]) if generic.text == "\\#" => {
            let digits: String = digits.iter().map(|word| word.text.as_str()).collect();
            return hex(&digits).and_then(|data| {
                if length.text == data.len().to_string() { Ok(data) } else { Err("wrong length after \\#".into()) }
            });
        }
        (1, _) => fields.address::<std::net::Ipv4Addr, 4>(std::net::Ipv4Addr::octets)?,
        (28, _) => fields.address::<std::net::Ipv6Addr, 16>(std::net::Ipv6Addr::octets)?,
        (2 | 5 | 12 | 39, _) => fields.name()?,
        (6, _) => {
            fields.name()?;
            fields.name()?;
            (0..5).try_for_each(|_| fields.number::<u32, 4>(u32::to_be_bytes))?;
        }
        (15, _) => {
            fields.number(u16::to_be_bytes)?;
            fields.name()?;
        }
        (33, _) => {
            (0..3).try_for_each(|_| fields.number::<u16, 2>(u16::to_be_bytes))?;
            fields.name()?;
        }
        (43, _) => {
            fields.number(u16::to_be_bytes)?;
            fields.number(u8::to_be_bytes)?;
            fields.number(u8::to_be_bytes)?;
            fields.hex()?;
        }
        (257, _) => {
            fields.number(u8::to_be_bytes)?;
            fields.string()?;
            fields.rest_octets()?;
        }
        (13, _) => (0..2).try_for_each(|_| fields.string())?,
        (16, [_, ..]) => (0..words.len()).try_for_each(|_| fields.string())?,
        _ => return super::adapter::rdata(rtype, words),
    }
    if fields.words.next().is_some() { Err("more RDATA than the type has".into()) } else { Ok(fields.out) }
}

struct Fields<'w> {
    words: std::slice::Iter<'w, Word>,
    out: Vec<u8>,
}

impl<'w> Fields<'w> {
    fn next(&mut self) -> Result<&'w str, String> {
        self.words.next().map(|word| word.text.as_str()).ok_or_else(|| "RDATA ends early".into())
    }

    fn name(&mut self) -> Result<(), String> {
        let name = name(self.next()?)?;
        self.out.extend(name.to_ascii_lowercase());
        Ok(())
    }

    fn number<T: std::str::FromStr, const N: usize>(&mut self, octets: fn(T) -> [u8; N]) -> Result<(), String> {
        let text = self.next()?;
        let number = text.parse().map_err(|_| format!("{text}: not a number that fits"))?;
        self.out.extend(octets(number));
        Ok(())
    }

    fn address<T: std::str::FromStr, const N: usize>(&mut self, octets: fn(&T) -> [u8; N]) -> Result<(), String> {
        let text = self.next()?;
        let address: T = text.parse().map_err(|_| format!("{text}: not an address of this type"))?;
        self.out.extend(octets(&address));
        Ok(())
    }

    fn hex(&mut self) -> Result<(), String> {
        let octets = hex(self.next()?)?;
        self.out.extend(octets);
        Ok(())
    }

    fn string(&mut self) -> Result<(), String> {
        let octets = octets(self.next()?)?;
        self.out.push(u8::try_from(octets.len()).map_err(|_| "a string of more than 255 octets")?);
        self.out.extend(octets);
        Ok(())
    }

    fn rest_octets(&mut self) -> Result<(), String> {
        let octets = octets(self.next()?)?;
        self.out.extend(octets);
        Ok(())
    }
}
