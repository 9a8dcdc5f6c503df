//! Domain names as labels, apart from Windrose's own: read from master-file text, written as octets and as text.

use std::fmt;

/// A name: its labels, without the root's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Name(pub(crate) Vec<Vec<u8>>);

/// The longest name in octets (RFC 1035 §2.3.4).
pub(crate) const MAX_NAME: usize = 255;
/// The longest label in octets.
pub(crate) const MAX_LABEL: usize = 63;

impl Name {
    /// Reads a name; one without a final dot is taken below `origin`.
    pub(crate) fn parse(text: &str, origin: &Self) -> Self {
        if text == "@" {
            return origin.clone();
        }
        let mut labels = vec![Vec::new()];
        let mut octets = text.bytes();
        while let Some(octet) = octets.next() {
            match octet {
                b'.' => labels.push(Vec::new()),
                b'\\' => labels.last_mut().expect("one at least").push(escaped(&mut octets)),
                octet => labels.last_mut().expect("one at least").push(octet),
            }
        }
        let absolute = labels.pop_if(|label| label.is_empty()).is_some();
        labels.retain(|label| !label.is_empty()); // the root is one dot
        if !absolute {
            labels.extend_from_slice(&origin.0);
        }
        Self(labels)
    }

    /// The octets of a message.
    pub(crate) fn wire(&self) -> Vec<u8> {
        let mut wire = Vec::with_capacity(self.len());
        for label in &self.0 {
            wire.push(label.len() as u8);
            wire.extend_from_slice(label);
        }
        wire.push(0);
        wire
    }

    /// How many octets those are.
    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(|label| label.len() + 1).sum::<usize>() + 1
    }

    /// Whether a message can hold it.
    pub(crate) fn fits(&self) -> bool {
        self.len() <= MAX_NAME && self.0.iter().all(|label| (1..=MAX_LABEL).contains(&label.len()))
    }

    /// Whether it is `other` or below it.
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        let Some(cut) = self.0.len().checked_sub(other.0.len()) else { return false };
        self.0[cut..].iter().zip(&other.0).all(|(ours, theirs)| ours.eq_ignore_ascii_case(theirs))
    }

    /// The name below it with one more label.
    pub(crate) fn child(&self, label: &[u8]) -> Self {
        let mut labels = vec![label.to_vec()];
        labels.extend_from_slice(&self.0);
        Self(labels)
    }

    /// The name without its first label; the root has none.
    pub(crate) fn parent(&self) -> Option<Self> {
        Some(Self(self.0.get(1..)?.to_vec()))
    }
}

/// What follows a backslash: an octet in decimal, or the octet itself.
fn escaped(octets: &mut std::str::Bytes<'_>) -> u8 {
    let rest = octets.clone();
    let digits: Vec<u8> = rest.take(3).take_while(u8::is_ascii_digit).collect();
    if digits.len() < 3 {
        return octets.next().expect("an octet after the backslash");
    }
    octets.nth(2);
    digits.iter().fold(0u16, |value, digit| value * 10 + u16::from(digit - b'0')) as u8
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for label in &self.0 {
            for &octet in label {
                match octet {
                    b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'*' => write!(f, "{}", octet as char)?,
                    _ => write!(f, "\\{octet:03}")?,
                }
            }
            f.write_str(".")?;
        }
        if self.0.is_empty() { f.write_str(".") } else { Ok(()) }
    }
}
