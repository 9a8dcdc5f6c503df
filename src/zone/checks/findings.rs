//! What is found wrong with a zone, the first of each kind in full, the rest as a number.

use std::collections::BTreeMap;

use crate::base::{Diagnostic, Span, grouped};

/// How many findings of a kind are worth reading: with more, it is one mistake that is made again and again.
const SHOWN: u32 = 20;

/// What findings are counted by, with what several of them are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::zone) enum Kind {
    Line,
    Outside,
    Apex,
    BesideCname,
    Second,
    TooLarge,
    SoaElsewhere,
    BelowDname,
    BesideDname,
    Ttl,
    NoAddress,
    NoGlue,
    Alias,
    Occluded,
    Wildcard,
    Misplaced,
    Unsigned,
    Signed,
}

impl Kind {
    const fn plural(self) -> &'static str {
        match self {
            Self::Line => "lines that may not say what is meant",
            Self::Outside => "records outside of the zone",
            Self::Apex => "findings at the apex",
            Self::BesideCname => "names with records beside a CNAME",
            Self::Second => "records that can be there only once",
            Self::TooLarge => "records that fit no message",
            Self::SoaElsewhere => "SOA records that are not at the apex",
            Self::BelowDname => "names below a DNAME",
            Self::BesideDname => "names with NS records beside a DNAME",
            Self::Ttl => "records that differ in TTL",
            Self::NoAddress => "targets without an address",
            Self::NoGlue => "name servers without glue",
            Self::Alias => "targets that are aliases",
            Self::Occluded => "names whose records are hidden by a delegation",
            Self::Wildcard => "names with a `*` that may not do what is meant",
            Self::Misplaced => "records where they mean nothing",
            Self::Unsigned => "signatures that nobody can check",
            Self::Signed => "zones whose signatures are not served",
        }
    }
}

/// Collects findings.
#[derive(Debug, Default)]
pub(in crate::zone) struct Findings {
    list: Vec<Diagnostic>,
    kinds: BTreeMap<Kind, Tally>,
    has_errors: bool,
}

/// The findings of a kind so far.
#[derive(Debug, Default)]
struct Tally {
    count: u32,
    /// The last of those shown, in the order of the text.
    last: Option<Diagnostic>,
}

impl Findings {
    /// Adds a finding, which is not even put into words if there are enough of its kind.
    pub(in crate::zone) fn add(&mut self, kind: Kind, finding: impl FnOnce() -> Diagnostic) {
        let tally = self.kinds.entry(kind).or_default();
        if tally.count >= SHOWN {
            tally.count = tally.count.saturating_add(1);
            return;
        }
        let finding = finding();
        if self.list.contains(&finding) {
            return; // the same line of a $GENERATE
        }
        tally.count += 1;
        self.has_errors |= finding.is_error();
        if tally.last.as_ref().is_none_or(|last| place(last) <= place(&finding)) {
            tally.last = Some(finding.clone());
        }
        self.list.push(finding);
    }

    /// Whether anything found forbids serving.
    pub(in crate::zone) const fn has_errors(&self) -> bool {
        self.has_errors
    }

    /// Those found so far that are shown in full.
    #[cfg(test)]
    pub(in crate::zone) fn shown(&self) -> &[Diagnostic] {
        &self.list
    }

    /// All findings in the order of the text, those of a kind that are not shown as one after the last that is.
    pub(in crate::zone) fn finish(self) -> Vec<Diagnostic> {
        let Self { mut list, kinds, .. } = self;
        list.extend(kinds.into_iter().filter_map(|(kind, tally)| rest(kind, tally)));
        list.sort_by_key(place);
        list
    }
}

fn rest(kind: Kind, Tally { count, last }: Tally) -> Option<Diagnostic> {
    let more = count.checked_sub(SHOWN).filter(|&more| more > 0)?;
    let message = format!("and {} more: {}", grouped(more as usize), kind.plural());
    let hint = "mend those above first, and check again".to_owned();
    last.map(|last| Diagnostic { message, hint: Some(hint), ..last })
}

/// Where a finding is, to report in the order of the text.
fn place(finding: &Diagnostic) -> Option<(u32, u32)> {
    finding.span.map(|Span { file, start, .. }| (file.0, start))
}
