//! A case: what to change in the sound configuration, and what is said then.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// A case file, read.
pub(crate) struct Case<'t> {
    /// Everything before the output.
    head: &'t str,
    changes: Vec<Change<'t>>,
    /// The command with its arguments, words apart.
    pub(crate) command: &'t str,
    pub(crate) code: i32,
    pub(crate) output: &'t str,
}

enum Change<'t> {
    /// Texts of a file and what replaces each.
    Edit(&'t str, Vec<(String, String)>),
    /// The whole of a file.
    File(&'t str, String),
    /// The whole of a file, escapes undone.
    Bytes(&'t str, Vec<u8>),
    Remove(&'t str),
}

/// What runs if a case does not say.
pub(crate) const CHECK: &str = "check --config config/windrose.toml";

impl<'t> Case<'t> {
    /// Reads a case file.
    pub(crate) fn parse(text: &'t str) -> Result<Self, String> {
        let at = text.find("\n--- exit").ok_or("no line `--- exit CODE`")? + 1;
        let (head, rest) = text.split_at(at);
        let (exit, output) = rest.split_once('\n').unwrap_or((rest, ""));
        let code = exit.trim_start_matches("--- exit").trim();
        let code = code.parse().unwrap_or(-1);
        let mut sections = head.split("\n--- ");
        if sections.next().is_none_or(|title| title.trim().is_empty()) {
            return Err("a case begins with a sentence that says what it is about".into());
        }
        let (runs, changes): (Vec<_>, Vec<_>) = sections.partition(|section| section.starts_with("run "));
        let command = runs.first().map_or(CHECK, |run| run.trim_start_matches("run ").trim());
        let changes = changes.into_iter().map(change).collect::<Result<_, _>>()?;
        Ok(Self { head, changes, command, code, output })
    }

    /// The case file with another output.
    pub(crate) fn with_output(&self, code: i32, output: &str) -> String {
        format!("{}--- exit {code}\n{output}", self.head)
    }

    /// Writes the sound configuration, changed.
    pub(crate) fn write(&self, base: &Path, folder: &Path) -> Result<(), String> {
        for name in ["config/windrose.toml", "zones/example.com.zone", "zones/example.com.toml"] {
            put(folder, name, &fs::read(base.join(name)).map_err(|error| format!("{name}: {error}"))?);
        }
        for (name, bytes) in super::databases::all() {
            put(folder, name, &bytes);
        }
        self.changes.iter().try_for_each(|change| change.apply(folder))
    }
}

/// Writes a file, its folders too.
pub(crate) fn put(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, bytes).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap(); // whatever the umask says
}

fn change(section: &str) -> Result<Change<'_>, String> {
    let (title, body) = section.split_once('\n').unwrap_or((section, ""));
    let (verb, name) = title.split_once(' ').ok_or_else(|| format!("`{title}` names no file"))?;
    // the line break before the next section belongs to the last line
    let whole = || if body.is_empty() || body.ends_with('\n') { body.to_owned() } else { format!("{body}\n") };
    match verb {
        "edit" => Ok(Change::Edit(name, edits(body)?)),
        "file" => Ok(Change::File(name, whole())),
        "bytes" => Ok(Change::Bytes(name, unescape(&whole())?)),
        "remove" => Ok(Change::Remove(name)),
        _ => Err(format!("`{verb}` is not one of edit, file, bytes, remove, run")),
    }
}

/// Groups of lines `- old` followed by lines `+ new`.
fn edits(body: &str) -> Result<Vec<(String, String)>, String> {
    let mut edits: Vec<(Vec<&str>, Vec<&str>)> = Vec::new();
    for line in body.lines().filter(|line| !line.is_empty()) {
        let text = line.get(2..).unwrap_or_default();
        match (line.as_bytes()[0], edits.last_mut()) {
            (b'-', Some((old, new))) if new.is_empty() => old.push(text),
            (b'-', _) => edits.push((vec![text], Vec::new())),
            (b'+', Some((_, new))) => new.push(text),
            _ => return Err(format!("`{line}` begins with neither - nor +, or nothing is replaced")),
        }
    }
    Ok(edits.into_iter().map(|(old, new)| (old.join("\n"), new.join("\n"))).collect())
}

/// Undoes `\t`, `\r`, `\\` and `\xNN`.
fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((plain, escape)) = rest.split_once('\\') {
        bytes.extend_from_slice(plain.as_bytes());
        let (byte, len) = match escape.as_bytes().first() {
            Some(b't') => (b'\t', 1),
            Some(b'r') => (b'\r', 1),
            Some(b'\\') => (b'\\', 1),
            Some(b'x') => {
                let hex = escape.get(1..3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
                (hex.ok_or("\\x without two digits")?, 3)
            }
            _ => return Err("a backslash begins \\t, \\r, \\\\ or \\xNN".into()),
        };
        bytes.push(byte);
        rest = &escape[len..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(bytes)
}

impl Change<'_> {
    fn apply(&self, folder: &Path) -> Result<(), String> {
        match self {
            Self::Edit(name, edits) => {
                let path = folder.join(name);
                let mut text = fs::read_to_string(&path).map_err(|error| format!("{name}: {error}"))?;
                for (old, new) in edits {
                    if text.matches(old.as_str()).count() != 1 {
                        return Err(format!("`{old}` is not in {name} exactly once"));
                    }
                    text = text.replacen(old.as_str(), new, 1);
                }
                put(folder, name, text.as_bytes());
            }
            Self::File(name, text) => put(folder, name, text.as_bytes()),
            Self::Bytes(name, bytes) => put(folder, name, bytes),
            Self::Remove(name) => fs::remove_file(folder.join(name)).map_err(|error| format!("{name}: {error}"))?,
        }
        Ok(())
    }
}
