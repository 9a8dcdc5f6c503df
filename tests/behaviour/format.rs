//! Reads a data file (README.md beside this file describes the format) and finds every mistake in it.

use super::adapter::Setting;
use super::query::{Ask, Transport};
use super::text::{self, Word};

/// A data file: zones, and what is asked of them.
pub(crate) struct Subject {
    /// The file's stem.
    pub(crate) name: String,
    /// How the server is set up besides.
    pub(crate) setting: Setting,
    /// Origins and master files.
    pub(crate) zones: Vec<(String, String)>,
    /// In order of the file.
    pub(crate) cases: Vec<Case>,
}

/// A query and the response it must get.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// Where it stands, from 1.
    pub(crate) line: usize,
    /// What it shows.
    pub(crate) title: String,
    /// The query.
    pub(crate) ask: Ask,
    /// The response; none where there must be none.
    pub(crate) expected: Option<Response>,
}

/// A response as it must be.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    /// With the upper bits from EDNS.
    pub(crate) rcode: u16,
    /// AA, TC, RD and CD.
    pub(crate) flags: Flags,
    /// Twelve octets and nothing else.
    pub(crate) header_only: bool,
    /// Answer, authority and additional; none where anything may stand.
    pub(crate) sections: [Option<Vec<Record>>; 3],
    /// The OPT record.
    pub(crate) opt: Option<Opt>,
}

/// The flags that may be set in a response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags {
    pub(crate) authoritative: bool,
    pub(crate) truncated: bool,
    pub(crate) recursion_desired: bool,
    pub(crate) checking_disabled: bool,
}

/// A record of class IN.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Record {
    /// Wire octets in lower case.
    pub(crate) owner: Vec<u8>,
    pub(crate) rtype: u16,
    pub(crate) ttl: u32,
    /// Names in it uncompressed and in lower case.
    pub(crate) rdata: Vec<u8>,
}

/// An OPT record of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Opt {
    pub(crate) size: u16,
    pub(crate) version: u8,
    /// DO is 0x8000; all other bits must be clear.
    pub(crate) flags: u16,
    /// The data of the Client Subnet option.
    pub(crate) client_subnet: Option<Vec<u8>>,
    /// INFO-CODEs (RFC 8914).
    pub(crate) errors: Vec<u16>,
    /// The other options: code and data, in order of code.
    pub(crate) others: Vec<(u16, Vec<u8>)>,
}

/// A mistake in a data file: where, and what is wrong.
pub(crate) type Problem = (usize, String);

/// Reads a file's text.
pub(crate) fn parse(name: &str, file: &str) -> Result<Subject, Vec<Problem>> {
    let mut reader = Reader::default();
    for (number, line) in (1..).zip(file.lines()) {
        if let Err(problem) = reader.line(number, line) {
            reader.problems.push((number, problem));
        }
    }
    reader.close_case();
    if reader.cases.is_empty() && reader.problems.is_empty() {
        reader.problems.push((1, "no cases".into()));
    }
    reader.problems.sort();
    if reader.problems.is_empty() {
        Ok(Subject { name: name.into(), setting: reader.setting, zones: reader.zones, cases: reader.cases })
    } else {
        Err(reader.problems)
    }
}

#[derive(Default)]
struct Reader {
    setting: Setting,
    zones: Vec<(String, String)>,
    shorthands: Vec<(String, String)>,
    cases: Vec<Case>,
    draft: Option<Draft>,
    problems: Vec<Problem>,
    /// What the case before cites.
    cited: Citation,
}

/// RFC and section, the first of a case.
type Citation = (u32, Vec<u32>);

/// A case of which not all lines are read.
struct Draft {
    line: usize,
    title: String,
    ask: Option<Ask>,
    expected: Option<Option<Response>>,
}

impl Reader {
    fn line(&mut self, number: usize, line: &str) -> Result<(), String> {
        if line.trim().is_empty() || line.starts_with('#') {
            return Ok(());
        }
        let line = repeat(line)?;
        if let Some(text) = line.strip_prefix('|') {
            return self.continuation(text.strip_prefix(' ').unwrap_or(text));
        }
        let (keyword, rest) = line.split_once(' ').unwrap_or((&line, ""));
        match keyword {
            "zone" => self.zone(rest),
            "let" => self.shorthand(rest),
            "server" => self.server(rest),
            "case" => {
                self.close_case();
                let title = self.title(rest)?;
                self.draft = Some(Draft { line: number, title, ask: None, expected: None });
                Ok(())
            }
            _ => {
                let rest = self.expand(rest)?;
                let words = text::words(&rest)?;
                let draft = self.draft.as_mut().ok_or_else(|| format!("{keyword:?} outside of a case"))?;
                draft.line_of_case(keyword, &words)
            }
        }
    }

    fn continuation(&mut self, text: &str) -> Result<(), String> {
        match &mut self.draft {
            Some(Draft { ask: Some(ask), expected: None, .. }) => ask.add_octets(&text::words(text)?),
            Some(_) => Err("octets belong behind `ask raw`".into()),
            None => {
                let (_, zone) = self.zones.last_mut().ok_or("zone text before the first `zone`")?;
                zone.push_str(text);
                zone.push('\n');
                Ok(())
            }
        }
    }

    fn zone(&mut self, rest: &str) -> Result<(), String> {
        let [origin] = &text::words(rest)?[..] else { return Err("`zone` takes an origin".into()) };
        if self.draft.is_some() || !self.cases.is_empty() {
            return Err("zones stand in front of the cases".into());
        }
        text::name(&origin.text)?;
        self.zones.push((origin.text.clone(), String::new()));
        Ok(())
    }

    fn server(&mut self, rest: &str) -> Result<(), String> {
        if self.draft.is_some() || !self.cases.is_empty() {
            return Err("`server` stands in front of the cases".into());
        }
        for word in text::words(rest)? {
            let (key, value) = word.text.split_once('=').unwrap_or((&word.text, ""));
            let bad = |_| format!("{}: not a number that fits", word.text);
            match key {
                "nsid" => self.setting.nsid = value.into(),
                "version" => self.setting.version = value.into(),
                "identity" => self.setting.identity = value.into(),
                "secret" => {
                    let octets = text::hex(value)?.try_into().map_err(|_| "a secret has 16 octets")?;
                    self.setting.secrets.push(octets);
                }
                "require" if value.is_empty() => self.setting.require = true,
                "keepalive" => self.setting.keepalive = value.parse().map_err(bad)?,
                "time" => self.setting.time = value.parse().map_err(bad)?,
                "from" => self.setting.from = value.parse().map_err(|_| format!("{value}: not an address"))?,
                _ => return Err(format!("unknown part {:?} of `server`", word.text)),
            }
        }
        Ok(())
    }

    fn shorthand(&mut self, rest: &str) -> Result<(), String> {
        let (name, text) = rest.split_once('=').ok_or("`let NAME = RECORD`")?;
        self.shorthands.push((name.trim().into(), text.trim().into()));
        Ok(())
    }

    fn expand<'t>(&'t self, rest: &'t str) -> Result<std::borrow::Cow<'t, str>, String> {
        let Some(name) = rest.trim_start().strip_prefix('$') else { return Ok(rest.into()) };
        let name = name.split_whitespace().next().unwrap_or_default();
        let found = self.shorthands.iter().find(|(known, _)| known == name);
        found.map(|(_, text)| text.into()).ok_or_else(|| format!("no `let {name} = …`"))
    }

    fn title(&mut self, rest: &str) -> Result<String, String> {
        let (title, citation) = rest.split_at(rest.find("RFC ").ok_or("a case must cite its RFC")?);
        let digits = citation[4..].find(|c: char| !c.is_ascii_digit()).unwrap_or(0);
        if digits == 0 || !citation[4 + digits..].starts_with(" §") {
            return Err("a citation is `RFC NUMBER §SECTION`".into());
        }
        let section =
            citation[4 + digits + " §".len()..].split(|c: char| !c.is_ascii_alphanumeric() && c != '.').next();
        let cited =
            (citation[4..4 + digits].parse().unwrap_or(0), section.unwrap_or_default().split('.').map(part).collect());
        if std::mem::replace(&mut self.cited, cited.clone()) > cited {
            return Err("cases stand in the order of RFC and section".into());
        }
        match title.trim() {
            "" => Err("a case must have a title".into()),
            title if self.cases.iter().any(|case| case.title == title) => Err(format!("a second case {title:?}")),
            title => Ok(title.into()),
        }
    }

    fn close_case(&mut self) {
        let Some(draft) = self.draft.take() else { return };
        let line = draft.line;
        match draft.finish() {
            Ok(case) => self.cases.push(case),
            Err(problem) => self.problems.push((line, problem)),
        }
    }
}

impl Draft {
    fn line_of_case(&mut self, keyword: &str, words: &[Word]) -> Result<(), String> {
        let section = ["answer", "authority", "additional"].iter().position(|name| *name == keyword);
        match (keyword, section) {
            ("ask", _) if self.ask.is_none() => self.ask = Some(Ask::parse(words, self.line as u16)?),
            ("expect", _) if self.ask.is_some() && self.expected.is_none() => self.expected = Some(expect(words)?),
            ("ask" | "expect", _) => return Err("a case is one `case`, one `ask`, one `expect`, in that order".into()),
            ("opt", _) => self.response()?.opt = Some(opt(words)?),
            (_, Some(section)) => self.response()?.put(section, words)?,
            _ => return Err(format!("unknown keyword {keyword:?}")),
        }
        Ok(())
    }

    fn response(&mut self) -> Result<&mut Response, String> {
        self.expected.as_mut().and_then(Option::as_mut).ok_or_else(|| "there is no response to describe".into())
    }

    fn finish(self) -> Result<Case, String> {
        let ask = self.ask.ok_or("the case lacks its `ask`")?;
        let expected = self.expected.ok_or("the case lacks its `expect`")?;
        if let Some(response) = &expected {
            response.agree_with(&ask)?;
        }
        Ok(Case { line: self.line, title: self.title, ask, expected })
    }
}

impl Response {
    fn put(&mut self, section: usize, words: &[Word]) -> Result<(), String> {
        let section = &mut self.sections[section];
        match (words, &mut *section) {
            ([any], Some(records)) if any.text == "*" && records.is_empty() => *section = None,
            (_, Some(records)) => records.push(record(words)?),
            (_, None) => return Err("the section may hold anything already".into()),
        }
        Ok(())
    }

    /// Finds what the query alone shows to be a mistake.
    fn agree_with(&self, ask: &Ask) -> Result<(), String> {
        let empty = self.sections.iter().all(|section| section.as_ref().is_some_and(Vec::is_empty));
        if self.header_only && !(empty && self.opt.is_none()) {
            return Err("a header alone has no records".into());
        }
        if self.flags.recursion_desired != ask.flag(2, 0x01) {
            return Err("RD is copied from the query: `expect` must show it".into());
        }
        if self.flags.truncated && ask.transport != Transport::Udp {
            return Err("a truncated response is for +udp only".into());
        }
        match ask.edns {
            Some(true) if self.opt.is_none() && !matches!(self.rcode, 1 | 4) => {
                Err("EDNS is answered with `opt`".into())
            }
            Some(false) if self.opt.is_some() => Err("without EDNS in the query there is no `opt`".into()),
            _ => Ok(()),
        }
    }
}

/// A part of a section's number; those of an appendix come last.
fn part(text: &str) -> u32 {
    text.parse().unwrap_or_else(|_| 1000 + text.bytes().next().map_or(0, u32::from))
}

const RCODES: &[(&str, u16)] = &[
    ("NOERROR", 0),
    ("FORMERR", 1),
    ("SERVFAIL", 2),
    ("NXDOMAIN", 3),
    ("NOTIMP", 4),
    ("REFUSED", 5),
    ("YXDOMAIN", 6),
    ("NOTAUTH", 9),
    ("BADVERS", 16),
    ("BADCOOKIE", 23),
];

fn expect(words: &[Word]) -> Result<Option<Response>, String> {
    let [rcode, flags @ ..] = words else { return Err("`expect` takes a response code, or `drop`".into()) };
    if rcode.text == "drop" && flags.is_empty() {
        return Ok(None);
    }
    let known = RCODES.iter().find(|(mnemonic, _)| *mnemonic == rcode.text);
    let &(_, rcode) = known.ok_or_else(|| format!("unknown response code {}", rcode.text))?;
    let sections = [const { Some(Vec::new()) }; 3];
    let mut response = Response { rcode, flags: Flags::default(), header_only: false, sections, opt: None };
    for flag in flags {
        let place = match flag.text.as_str() {
            "aa" => &mut response.flags.authoritative,
            "tc" => &mut response.flags.truncated,
            "rd" => &mut response.flags.recursion_desired,
            "cd" => &mut response.flags.checking_disabled,
            "header-only" => &mut response.header_only,
            other => return Err(format!("unknown flag {other:?}")),
        };
        if std::mem::replace(place, true) {
            return Err(format!("{:?} twice", flag.text));
        }
    }
    Ok(Some(response))
}

fn record(words: &[Word]) -> Result<Record, String> {
    let [owner, ttl, rtype, rdata @ ..] = words else { return Err("a record is OWNER TTL TYPE RDATA".into()) };
    let rtype = text::rtype(&rtype.text)?;
    Ok(Record {
        owner: text::name(&owner.text)?.to_ascii_lowercase(),
        rtype,
        ttl: ttl.text.parse().map_err(|_| format!("{}: not a TTL", ttl.text))?,
        rdata: text::rdata(rtype, rdata)?,
    })
}

fn opt(words: &[Word]) -> Result<Opt, String> {
    let (mut size, mut version) = (None, None);
    let (mut flags, mut client_subnet, mut errors, mut others) = (0, None, Vec::new(), Vec::new());
    for word in words {
        let (key, value) = word.text.split_once('=').unwrap_or((&word.text, ""));
        let bad = |_| format!("{}: not a number that fits", word.text);
        match key {
            "size" => size = Some(value.parse().map_err(bad)?),
            "version" => version = Some(value.parse().map_err(bad)?),
            "do" if value.is_empty() => flags = 0x8000,
            "ecs" => client_subnet = Some(super::query::client_subnet(value)?),
            "ede" => errors.push(value.parse().map_err(bad)?),
            "nsid" => others.push((3, value.as_bytes().to_vec())),
            "cookie" => others.push((10, text::hex(value)?)),
            "keepalive" => others.push((11, value.parse::<u16>().map_err(bad)?.to_be_bytes().to_vec())),
            _ => return Err(format!("unknown part {:?} of `opt`", word.text)),
        }
    }
    let (size, version) = size.zip(version).ok_or("`opt` takes size= and version=")?;
    others.sort();
    Ok(Opt { size, version, flags, client_subnet, errors, others })
}

/// Writes out `{text*N}`: the text N times.
fn repeat(line: &str) -> Result<String, String> {
    let Some((head, rest)) = line.split_once('{') else { return Ok(line.into()) };
    let (inner, tail) = rest.split_once('}').ok_or("`{` without `}`")?;
    let (text, times) = inner.rsplit_once('*').ok_or("repetition is `{text*N}`")?;
    let times: usize = times.parse().map_err(|_| format!("{times}: not a number"))?;
    Ok(format!("{head}{}{}", text.repeat(times), repeat(tail)?))
}
