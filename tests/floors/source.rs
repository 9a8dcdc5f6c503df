//! Rust as text: every path of a source, without comments and strings, `use` trees written out.
//!
//! Not a parser: it knows as much of Rust as the floors need, and nothing of macros that put paths together.

/// A path of the source; that of a `use` tree is one of its branches, written out.
pub(crate) struct SourcePath {
    pub(crate) line: usize,
    pub(crate) segments: Vec<String>,
    /// Inline modules around it.
    nesting: usize,
    /// It stands in a `use`.
    pub(crate) imported: bool,
}

impl SourcePath {
    /// The room that a path leads to from a module of the given depth; `None`: it stays inside or leads elsewhere.
    pub(crate) fn room(&self, depth: usize) -> Option<&str> {
        let mut level = match self.segments[0].as_str() {
            "crate" => 0,
            "self" | "super" => depth + self.nesting,
            _ => return None,
        };
        for segment in &self.segments {
            match segment.as_str() {
                "crate" | "self" => {}
                "super" => level = level.saturating_sub(1),
                room => return (level == 0).then_some(room),
            }
        }
        // `use super::super as root`: the crate root itself. A lone `crate` is a visibility.
        (level == 0 && self.segments.len() > 1).then_some("crate")
    }
}

/// Every path, single names included.
pub(crate) fn paths(tokens: &[Token]) -> Vec<SourcePath> {
    let text = |at: usize| tokens.get(at).map_or("", |t| t.text.as_str());
    let before = |at: usize, n: usize| at.checked_sub(n).map_or("", text);
    let (mut found, mut end) = (Vec::new(), 0);
    for (at, nesting) in inline_modules(tokens).into_iter().enumerate() {
        let rooted = before(at, 1) == "::";
        // As in `Vec::<u8>::new`: the rest of a path that was interrupted.
        let continues = rooted && (is_name(before(at, 2)) || before(at, 2) == ">");
        if at < end || continues || !is_name(text(at)) {
            continue;
        }
        let imported = before(at, if rooted { 2 } else { 1 }) == "use";
        let mut branches = Vec::new();
        end = expand(tokens, at, &[], &mut branches);
        found.extend(branches.into_iter().map(|(line, segments)| SourcePath { line, segments, nesting, imported }));
    }
    found
}

/// Writes out the path or `use` tree at `at`, and returns where it ends.
fn expand(tokens: &[Token], mut at: usize, prefix: &[String], into: &mut Vec<(usize, Vec<String>)>) -> usize {
    let mut segments = prefix.to_vec();
    let text = |at: usize| tokens.get(at).map_or("", |t| t.text.as_str());
    loop {
        let line = tokens.get(at).map_or(0, |t| t.line);
        if text(at) == "{" {
            at += 1;
            while at < tokens.len() && text(at) != "}" {
                // Anything else between branches is a comma or an alias.
                let begins = is_name(text(at)) && text(at - 1) != "as" && text(at) != "as";
                at = if begins || matches!(text(at), "*" | "{") { expand(tokens, at, &segments, into) } else { at + 1 };
            }
            return at + 1;
        }
        segments.push(text(at).to_owned());
        at += 1;
        let goes_on = text(at) == "::" && (is_name(text(at + 1)) || matches!(text(at + 1), "{" | "*"));
        if !goes_on {
            into.push((line, segments));
            return at;
        }
        at += 1;
    }
}

/// For each token, how many inline modules it stands in.
fn inline_modules(tokens: &[Token]) -> Vec<usize> {
    let mut open: Vec<bool> = Vec::new();
    let mut nesting = Vec::with_capacity(tokens.len());
    for (at, token) in tokens.iter().enumerate() {
        match token.text.as_str() {
            "{" => open.push(at >= 2 && tokens[at - 2].text == "mod" && is_name(&tokens[at - 1].text)),
            "}" => drop(open.pop()),
            _ => {}
        }
        nesting.push(open.iter().filter(|is_module| **is_module).count());
    }
    nesting
}

/// Leaves out every item under `#[cfg(test)]`: what a unit test does, the server does not.
pub(crate) fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let mark = ["#", "[", "cfg", "(", "test", ")", "]"];
        if tokens[at..].iter().map(|t| t.text.as_str()).take(mark.len()).eq(mark) {
            at = end_of_item(tokens, at + mark.len());
        } else {
            kept.push(tokens[at].clone());
            at += 1;
        }
    }
    kept
}

/// Where the item at `at` ends: after its block, or its semicolon.
fn end_of_item(tokens: &[Token], mut at: usize) -> usize {
    let (mut depth, mut is_use) = (0_usize, false);
    while at < tokens.len() {
        match tokens[at].text.as_str() {
            "use" if depth == 0 => is_use = true,
            "{" | "(" | "[" => depth += 1,
            ")" | "]" => depth = depth.saturating_sub(1),
            "}" => {
                depth = depth.saturating_sub(1);
                if depth == 0 && !is_use {
                    return at + 1;
                }
            }
            ";" if depth == 0 => return at + 1,
            _ => {}
        }
        at += 1;
    }
    at
}

/// A name, a number, `::` or one other character; comments, strings, characters and lifetimes are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) line: usize,
    pub(crate) text: String,
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

pub(crate) fn lex(source: &str) -> Vec<Token> {
    let chars: Vec<char> = source.chars().collect();
    let (mut at, mut line, mut tokens) = (0, 1, Vec::new());
    while at < chars.len() {
        let end = skip_literal(&chars, at).unwrap_or_else(|| {
            let end = token_end(&chars, at);
            if !chars[at].is_whitespace() {
                let text: String = chars[at..end].iter().collect();
                tokens.push(Token { line, text: text.trim_start_matches("r#").to_owned() });
            }
            end
        });
        line += chars[at..end].iter().filter(|c| **c == '\n').count();
        at = end;
    }
    tokens
}

fn token_end(chars: &[char], at: usize) -> usize {
    let in_word = |c: &char| c.is_alphanumeric() || *c == '_';
    let word = |from: usize| from + chars[from..].iter().take_while(|c| in_word(c)).count();
    match chars[at..] {
        ['r', '#', c, ..] if in_word(&c) => word(at + 2),
        [':', ':', ..] => at + 2,
        [c, ..] if in_word(&c) => word(at),
        _ => at + 1,
    }
}

/// The end of the comment, string, character or lifetime that begins at `at`.
fn skip_literal(chars: &[char], at: usize) -> Option<usize> {
    match chars[at..] {
        ['/', '/', ..] => Some(at + chars[at..].iter().take_while(|c| **c != '\n').count()),
        ['/', '*', ..] => Some(skip_block_comment(chars, at)),
        ['\'', '\\', ..] => Some(skip_quoted(chars, at, '\'')),
        ['\'', _, '\'', ..] => Some(at + 3),
        ['\'', ..] => Some(token_end(chars, at + 1).min(chars.len())),
        ['"', ..] => Some(skip_quoted(chars, at, '"')),
        ['b' | 'c', '"', ..] => Some(skip_quoted(chars, at + 1, '"')),
        ['b', '\'', ..] => Some(skip_quoted(chars, at + 1, '\'')),
        ['r', '"' | '#', ..] => skip_raw(chars, at + 1),
        ['b' | 'c', 'r', '"' | '#', ..] => skip_raw(chars, at + 2),
        _ => None,
    }
}

/// Block comments nest.
fn skip_block_comment(chars: &[char], mut at: usize) -> usize {
    let mut depth = 0;
    while at < chars.len() {
        match chars[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn skip_quoted(chars: &[char], mut at: usize, quote: char) -> usize {
    at += 1;
    while at < chars.len() && chars[at] != quote {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(chars.len())
}

/// A raw string, whose hashes begin at `at`; `None`: a raw name.
fn skip_raw(chars: &[char], at: usize) -> Option<usize> {
    let hashes = chars[at..].iter().take_while(|c| **c == '#').count();
    if chars.get(at + hashes) != Some(&'"') {
        return None;
    }
    let mut close = at + hashes + 1;
    while close < chars.len() {
        let rest = &chars[close + 1..];
        if chars[close] == '"' && rest.iter().take_while(|c| **c == '#').count() >= hashes {
            return Some(close + 1 + hashes);
        }
        close += 1;
    }
    Some(close)
}
