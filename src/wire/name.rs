//! Domain names, held as uncompressed wire octets (RFC 1035 §3.1), compared without regard to ASCII case (RFC 4343).

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use super::hash::{CHUNK, ChunkHash, last_chunk, lowercase_chunk};

/// The longest name in octets, root label included.
pub const MAX_NAME: usize = 255;

const MAX_LABEL: usize = 63;

/// A borrowed name: whole wire octets, root label included. Holds only valid names.
#[derive(Clone, Copy)]
pub struct NameRef<'a>(&'a [u8]);

/// An owned name.
#[derive(Clone)]
pub struct Name(Box<[u8]>);

/// A name in a buffer of its own, for use where nothing may be allocated.
#[derive(Clone)]
pub struct NameBuf {
    /// One more than a name has, so that it consists of whole chunks.
    octets: [u8; MAX_NAME + 1],
    len: u8,
}

/// Why a text is no domain name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// A label has more than 63 octets.
    #[error("a label is longer than 63 octets")]
    LabelTooLong,
    /// The name has more than 255 octets.
    #[error("the name is longer than 255 octets")]
    TooLong,
    /// Two dots in a row, a dot in front, or no text.
    #[error("a label is empty")]
    EmptyLabel,
    /// A backslash followed by neither three digits up to 255 nor another character.
    #[error("a backslash must be followed by a character or by three digits up to 255")]
    BadEscape,
    /// A name without a dot at its end where none is allowed.
    #[error("the name is relative, and nothing says to what")]
    Relative,
}

impl<'a> NameRef<'a> {
    /// The root.
    pub const ROOT: NameRef<'static> = NameRef(&[0]);

    /// The name that starts `octets`, uncompressed; none if there is none.
    #[must_use]
    pub fn from_wire(octets: &'a [u8]) -> Option<Self> {
        let mut at = 0;
        loop {
            match octets.get(at)? {
                0 => break,
                &len if usize::from(len) <= MAX_LABEL => at += usize::from(len) + 1,
                _ => return None,
            }
        }
        if at < MAX_NAME { Some(Self(&octets[..=at])) } else { None }
    }

    /// Octets that are known to be a name: they were one before. Others make names that methods may panic on.
    #[must_use]
    pub(crate) fn of_whole(octets: &'a [u8]) -> Self {
        debug_assert!(Self::from_wire(octets).is_some_and(|name| name.0.len() == octets.len()), "a whole name");
        Self(octets)
    }

    /// The wire octets, root label included.
    #[must_use]
    pub const fn as_wire(self) -> &'a [u8] {
        self.0
    }

    /// The labels from the left, without the root.
    pub fn labels(self) -> impl Iterator<Item = &'a [u8]> + Clone {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let (&len, tail) = rest.split_first()?;
            if len == 0 {
                return None;
            }
            let (label, tail) = tail.split_at(usize::from(len));
            rest = tail;
            Some(label)
        })
    }

    /// How many labels there are, the root not counted.
    #[must_use]
    pub fn label_count(self) -> usize {
        self.labels().count()
    }

    /// Whether this is the root.
    #[must_use]
    pub const fn is_root(self) -> bool {
        self.0.len() == 1
    }

    /// Without the leftmost label; none for the root.
    #[must_use]
    pub fn parent(self) -> Option<Self> {
        if self.is_root() { None } else { Some(Self(&self.0[usize::from(self.0[0]) + 1..])) }
    }

    /// This name and its ancestors down to the root.
    pub fn ancestors(self) -> impl Iterator<Item = Self> {
        std::iter::successors(Some(self), |name| name.parent())
    }

    /// Whether this name is `other` or below it.
    #[must_use]
    pub fn is_within(self, other: NameRef<'_>) -> bool {
        let Some(cut) = self.0.len().checked_sub(other.0.len()) else { return false };
        let mut rest = self;
        while rest.0.len() > other.0.len() {
            let Some(parent) = rest.parent() else { return false };
            rest = parent;
        }
        rest.0.len() == other.0.len() && self.0[cut..].eq_ignore_ascii_case(other.0)
    }

    /// Whether the leftmost label is `*` (RFC 4592 §2.1.1).
    #[must_use]
    pub fn is_wildcard(self) -> bool {
        self.0.starts_with(&[1, b'*'])
    }

    /// A copy of its own.
    #[must_use]
    pub fn to_name(self) -> Name {
        Name(self.0.into())
    }
}

impl Ord for NameRef<'_> {
    /// Canonical order (RFC 4034 §6.1): by labels from the right, as lowercased octets.
    fn cmp(&self, other: &Self) -> Ordering {
        let (mut own, mut others) = ([0u8; 128], [0u8; 128]);
        let (own, others) = (label_starts(self.0, &mut own), label_starts(other.0, &mut others));
        for (&a, &b) in own.iter().rev().zip(others.iter().rev()) {
            let (a, b) = (label_at(self.0, a), label_at(other.0, b));
            let lower = |label: &[u8], at: usize| label[at].to_ascii_lowercase();
            let differ =
                (0..a.len().min(b.len())).map(|at| lower(a, at).cmp(&lower(b, at))).find(|order| order.is_ne());
            let order = differ.unwrap_or_else(|| a.len().cmp(&b.len()));
            if order.is_ne() {
                return order;
            }
        }
        own.len().cmp(&others.len())
    }
}

/// Where each label of a name begins, the root left out.
fn label_starts<'b>(octets: &[u8], starts: &'b mut [u8; 128]) -> &'b [u8] {
    let (mut at, mut count) = (0, 0);
    while octets[at] != 0 {
        starts[count] = at as u8; // at most 254
        count += 1;
        at += usize::from(octets[at]) + 1;
    }
    &starts[..count]
}

fn label_at(octets: &[u8], start: u8) -> &[u8] {
    let start = usize::from(start);
    &octets[start + 1..start + 1 + usize::from(octets[start])]
}

impl PartialOrd for NameRef<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for NameRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        // length octets are below 64 and so have no case
        self.0.eq_ignore_ascii_case(other.0)
    }
}

impl Eq for NameRef<'_> {}

impl Hash for NameRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for octet in self.0 {
            state.write_u8(octet.to_ascii_lowercase());
        }
    }
}

impl fmt::Display for NameRef<'_> {
    /// Master-file form with a dot at the end (RFC 1035 §5.1).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() {
            return f.write_str(".");
        }
        for label in self.labels() {
            for &octet in label {
                match octet {
                    b'.' | b'\\' | b'"' | b';' | b'(' | b')' | b'@' | b'$' => write!(f, "\\{}", char::from(octet))?,
                    0x21..=0x7e => write!(f, "{}", char::from(octet))?,
                    _ => write!(f, "\\{octet:03}")?,
                }
            }
            f.write_str(".")?;
        }
        Ok(())
    }
}

impl fmt::Debug for NameRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Name {
    /// The root.
    #[must_use]
    pub fn root() -> Self {
        NameRef::ROOT.to_name()
    }

    /// Reads master-file text (RFC 1035 §5.1, escapes included); a name without a dot at its end is put under `origin`.
    ///
    /// # Errors
    /// What is wrong with the text. `@` alone is not special here.
    pub fn parse(text: &[u8], origin: Option<NameRef<'_>>) -> Result<Self, NameError> {
        NameBuf::parse(text, origin).map(|name| name.as_ref().to_name())
    }

    /// The name, borrowed.
    #[must_use]
    pub fn as_ref(&self) -> NameRef<'_> {
        NameRef(&self.0)
    }
}

impl Default for NameBuf {
    /// The root.
    fn default() -> Self {
        Self { octets: [0; MAX_NAME + 1], len: 1 }
    }
}

impl NameBuf {
    /// As [`Name::parse`], without allocating.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &[u8], origin: Option<NameRef<'_>>) -> Result<Self, NameError> {
        let mut name = Self::default();
        if text == b"." {
            name.len = 1;
            return Ok(name);
        }
        if text.is_empty() {
            return Err(NameError::EmptyLabel);
        }
        let (mut at, mut start, mut open) = (0, 0, false);
        let mut end = 1; // one past the label being filled; its length octet is at `start`
        while at < text.len() {
            let octet = match text[at] {
                b'.' => {
                    name.close_label(start, end)?;
                    (start, end, open, at) = (end, end + 1, false, at + 1);
                    continue;
                }
                b'\\' => unescape(text, &mut at)?,
                octet => {
                    at += 1;
                    octet
                }
            };
            *name.octets.get_mut(end).ok_or(NameError::TooLong)? = octet;
            (end, open) = (end + 1, true);
        }
        let suffix = if open {
            name.close_label(start, end)?;
            start = end;
            origin.ok_or(NameError::Relative)?
        } else {
            NameRef::ROOT
        };
        let end = start + suffix.0.len();
        name.octets[..MAX_NAME].get_mut(start..end).ok_or(NameError::TooLong)?.copy_from_slice(suffix.0);
        name.len = end as u8; // at most 255
        Ok(name)
    }

    fn close_label(&mut self, start: usize, end: usize) -> Result<(), NameError> {
        match end - start - 1 {
            0 => Err(NameError::EmptyLabel),
            len if len > MAX_LABEL => Err(NameError::LabelTooLong),
            len => {
                *self.octets.get_mut(start).ok_or(NameError::TooLong)? = len as u8;
                Ok(())
            }
        }
    }

    /// A copy of a name, lowercased.
    #[must_use]
    pub fn lowercase(name: NameRef<'_>) -> Self {
        let mut copy = Self::default();
        copy.set_lowercase(name, name.0);
        copy
    }

    /// Becomes a copy of the name that `octets` end in, lowercased. Returns its [hash](super::hash_name).
    pub(super) fn set_lowercase(&mut self, name: NameRef<'_>, octets: &[u8]) -> u64 {
        self.len = name.0.len() as u8; // at most 255
        let mut hash = ChunkHash::new(name.0.len());
        let (chunks, rest) = name.0.as_chunks();
        let mut out = self.octets.as_chunks_mut::<CHUNK>().0.iter_mut();
        let mut put = |chunk: u128, out: &mut [u8; CHUNK]| {
            let chunk = lowercase_chunk(chunk);
            *out = chunk.to_le_bytes();
            hash.add(chunk);
        };
        for (chunk, out) in chunks.iter().zip(&mut out) {
            put(u128::from_le_bytes(*chunk), out);
        }
        if let (false, Some(out)) = (rest.is_empty(), out.next()) {
            put(last_chunk(octets, rest.len()), out);
        }
        hash.0
    }

    /// A name below `old` put below `new`, by DNAME substitution (RFC 6672 §2.2); none where it gets too long.
    ///
    /// The labels in front keep their case. `name` must be below `old`.
    #[must_use]
    pub fn substituted(name: NameRef<'_>, old: NameRef<'_>, new: NameRef<'_>) -> Option<Self> {
        let prefix = &name.0[..name.0.len().checked_sub(old.0.len())?];
        let len = u8::try_from(prefix.len() + new.0.len()).ok()?;
        let mut name = Self { len, ..Self::default() };
        name.octets[..prefix.len()].copy_from_slice(prefix);
        name.octets[prefix.len()..usize::from(len)].copy_from_slice(new.0);
        Some(name)
    }

    /// The name, borrowed.
    #[must_use]
    pub fn as_ref(&self) -> NameRef<'_> {
        NameRef(&self.octets[..usize::from(self.len)])
    }
}

/// The octet that the escape at `at` stands for; moves `at` behind it.
fn unescape(text: &[u8], at: &mut usize) -> Result<u8, NameError> {
    let &next = text.get(*at + 1).ok_or(NameError::BadEscape)?;
    if !next.is_ascii_digit() {
        *at += 2;
        return Ok(next);
    }
    let digits = text.get(*at + 1..*at + 4).ok_or(NameError::BadEscape)?;
    let mut value = 0u16;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return Err(NameError::BadEscape);
        }
        value = value * 10 + u16::from(digit - b'0');
    }
    *at += 4;
    u8::try_from(value).map_err(|_| NameError::BadEscape)
}

impl std::str::FromStr for Name {
    type Err = NameError;

    /// An absolute name; the dot at the end may be left out.
    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::parse(text.as_bytes(), Some(NameRef::ROOT))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_ref().cmp(&other.as_ref())
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.as_ref() == other.as_ref()
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_ref().hash(state);
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.as_ref(), f)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for NameBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.as_ref(), f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(text: &str) -> Name {
        text.parse().expect("a name")
    }

    /// The example of RFC 4034 §6.1.
    #[test]
    fn canonical_order() {
        let sorted = [
            "example",
            "a.example",
            "yljkjljk.a.example",
            "Z.a.example",
            "zABC.a.EXAMPLE",
            "z.example",
            "\\001.z.example",
            "*.z.example",
            "\\200.z.example",
        ];
        assert!(sorted.map(name).is_sorted());
    }

    #[test]
    fn texts_that_are_no_names() {
        let parse = |text: &str| text.parse::<Name>();
        assert_eq!(parse("a..b"), Err(NameError::EmptyLabel));
        assert_eq!(parse(".a"), Err(NameError::EmptyLabel));
        assert_eq!(parse(""), Err(NameError::EmptyLabel));
        assert_eq!(parse("a\\25"), Err(NameError::BadEscape));
        assert_eq!(parse("a\\256"), Err(NameError::BadEscape));
        assert_eq!(parse("a\\"), Err(NameError::BadEscape));
        assert_eq!(parse(&"a".repeat(64)), Err(NameError::LabelTooLong));
        assert!(parse(&"a".repeat(63)).is_ok());
        assert_eq!(parse(&["a".repeat(63).as_str(); 4].join(".")), Err(NameError::TooLong));
        let longest = [vec!["a".repeat(63); 3], vec!["a".repeat(61)]].concat().join(".");
        assert_eq!(parse(&longest).expect("255 octets").as_ref().as_wire().len(), 255);
        assert_eq!(parse(&format!("{longest}a")), Err(NameError::TooLong));
        assert_eq!(Name::parse(b"www", None), Err(NameError::Relative));
    }

    #[test]
    fn within() {
        assert!(name("a.Example").as_ref().is_within(name("eXample").as_ref()));
        assert!(name("example").as_ref().is_within(NameRef::ROOT));
        assert!(!name("anexample").as_ref().is_within(name("example").as_ref()));
        assert!(!name("example").as_ref().is_within(name("a.example").as_ref()));
        // a label that holds the octets of a shorter name
        assert!(!name("a\\007example").as_ref().is_within(name("example").as_ref()));
    }

    proptest! {
        #[test]
        fn prints_what_it_parses(labels in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..20), 0..8)) {
            let mut wire: Vec<u8> = labels.iter().flat_map(|l| [&[l.len() as u8][..], l].concat()).collect();
            wire.push(0);
            let name = NameRef::from_wire(&wire).expect("valid");
            prop_assert_eq!(name.label_count(), labels.len());
            let text = name.to_string();
            let again = Name::parse(text.as_bytes(), None).expect("absolute");
            prop_assert_eq!(again.as_ref().as_wire(), name.as_wire());
        }

        #[test]
        fn never_panics(text in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Name::parse(&text, Some(NameRef::ROOT));
            let _ = NameRef::from_wire(&text);
        }

        #[test]
        fn order_agrees_with_equality(a in "[aAbB*.]{1,8}", b in "[aAbB*.]{1,8}") {
            if let (Ok(a), Ok(b)) = (a.parse::<Name>(), b.parse::<Name>()) {
                prop_assert_eq!(a == b, a.cmp(&b).is_eq());
                prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            }
        }
    }
}
