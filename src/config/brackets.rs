//! Looks for brackets and quotes of a TOML text that are never closed: a parser notices them lines later, if at all.

/// What was found first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unclosed {
    /// A bracket without its counterpart: where it is, and what would close it.
    Bracket { at: usize, closer: char },
    /// A bracket that closes another kind than the one that is open: where it is, and what was expected.
    Mismatch { at: usize, closer: char },
    /// A quote without its counterpart on the line.
    Quote { at: usize, quote: char },
}

impl Unclosed {
    /// Where it is.
    pub(super) const fn at(self) -> usize {
        match self {
            Self::Bracket { at, .. } | Self::Mismatch { at, .. } | Self::Quote { at, .. } => at,
        }
    }
}

/// Looks through a text. Lines with the header of a table are left to the parser.
pub(super) fn unclosed(text: &str) -> Option<Unclosed> {
    let mut scan = Scan { text, at: 0, open: Vec::new() };
    while scan.at < text.len() {
        if let Some(found) = scan.step() {
            return Some(found);
        }
    }
    scan.open.first().map(|&(at, closer)| Unclosed::Bracket { at, closer })
}

struct Scan<'t> {
    text: &'t str,
    at: usize,
    /// Where each open bracket is, and what closes it.
    open: Vec<(usize, char)>,
}

impl Scan<'_> {
    fn step(&mut self) -> Option<Unclosed> {
        let at = self.at;
        let next = self.text[at..].chars().next()?;
        self.at += next.len_utf8();
        match next {
            '#' => self.skip_line(),
            '[' if self.open.is_empty() && self.starts_line(at) => self.skip_line(),
            '[' => self.open.push((at, ']')),
            '{' => self.open.push((at, '}')),
            ']' | '}' => return self.close(at, next),
            '"' | '\'' => return self.string(at, next),
            _ => {}
        }
        None
    }

    fn starts_line(&self, at: usize) -> bool {
        let line = self.text[..at].rfind('\n').map_or(0, |line_break| line_break + 1);
        self.text[line..at].trim_start_matches('\u{feff}').trim().is_empty()
    }

    fn skip_line(&mut self) {
        self.at += self.text[self.at..].find('\n').unwrap_or(self.text.len() - self.at);
    }

    fn close(&mut self, at: usize, bracket: char) -> Option<Unclosed> {
        match self.open.pop() {
            Some((_, closer)) if closer != bracket => Some(Unclosed::Mismatch { at, closer }),
            _ => None, // one too many is the parser's to report
        }
    }

    /// A string of either kind, on one line or between three quotes.
    fn string(&mut self, at: usize, quote: char) -> Option<Unclosed> {
        let triple = [quote; 3].iter().collect::<String>();
        if self.text[at..].starts_with(&triple) {
            let body = &self.text[at + 3..];
            self.at = body.find(&triple).map_or(self.text.len(), |end| at + 3 + end + 3);
            return None;
        }
        let mut escaped = false;
        for (offset, next) in self.text[at + 1..].char_indices() {
            match next {
                '\n' => break,
                _ if escaped => escaped = false,
                '\\' if quote == '"' => escaped = true,
                _ if next == quote => {
                    self.at = at + 1 + offset + 1;
                    return None;
                }
                _ => {}
            }
        }
        Some(Unclosed::Quote { at, quote })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_is_never_closed() {
        let bracket = |at, closer| Some(Unclosed::Bracket { at, closer });
        let table = [
            ("[a\nb = [1, { c = ']' }] # [\n", None),
            ("a = [1,\n[b]\nc = [2]\n", bracket(4, ']')),
            ("a = { b = [1]\nc = 2\n", bracket(4, '}')),
            ("a = [1, 2}\n", Some(Unclosed::Mismatch { at: 9, closer: ']' })),
            ("a = \"x\nb = 1\n", Some(Unclosed::Quote { at: 4, quote: '"' })),
            ("a = 'x\"\nb = 1\n", Some(Unclosed::Quote { at: 4, quote: '\'' })),
            ("a = \"\"\"\n[ \" '\n\"\"\"\nb = \"\\\"[\"\n", None),
        ];
        for (text, expected) in table {
            assert_eq!(unclosed(text), expected, "{text}");
        }
    }
}
