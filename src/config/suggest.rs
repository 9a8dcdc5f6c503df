//! "Did you mean".

/// The hint for a word that is not among the known ones: the nearest of them, or all where there are few.
pub(super) fn did_you_mean<'k>(word: &str, known: impl Iterator<Item = &'k str> + Clone) -> Option<String> {
    let near = |candidate: &str| strsim::damerau_levenshtein(&word.to_lowercase(), &candidate.to_lowercase());
    let best = known.clone().map(|candidate| (near(candidate), candidate)).min()?;
    if best.0 <= 1 + word.chars().count() / 4 {
        return Some(format!("did you mean \"{}\"?", best.1));
    }
    let mut all: Vec<_> = known.map(|word| format!("\"{word}\"")).collect();
    all.sort();
    all.dedup();
    let shown = if all.len() > 12 { return None } else { all.join(", ") };
    Some(format!("known here: {shown}"))
}
