//! The data files: `README.md` describes them.

use std::path::Path;

/// The zone that the blocks are read in.
pub(crate) const GROUND: &str = "$TTL 3600\n@ SOA ns1 hostmaster 1 7200 900 1209600 300\n@ NS ns1\nns1 A 192.0.2.1\n";

/// The longest title, in characters.
const MAX_TITLE: usize = 100;

/// A block of a file.
pub(crate) struct Block {
    /// File and line, with what the first line says.
    pub(crate) title: String,
    pub(crate) text: Vec<u8>,
    /// What comes in front of the text.
    pub(crate) ground: String,
    /// The lines behind the text that say what to expect.
    pub(crate) expected: Vec<String>,
}

impl Block {
    /// The text in its zone.
    pub(crate) fn zone(&self) -> Vec<u8> {
        [self.ground.as_bytes(), &self.text].concat()
    }
}

/// A file's form: what stands between blocks, and in front of what is expected.
struct Form {
    file: &'static str,
    between: &'static [u8],
    mark: &'static [u8],
}

/// The blocks of `valid.txt`: a record each, and `TYPE hex`.
pub(crate) fn valid() -> Vec<Block> {
    blocks(&Form { file: "valid.txt", between: b"", mark: b"= " })
}

/// The blocks of `structure.txt`: pieces of zones, and their records.
pub(crate) fn structure() -> Vec<Block> {
    blocks(&Form { file: "structure.txt", between: b"----", mark: b"= " })
}

/// The blocks of `broken.txt`: pieces of zones, and the place of the mistake.
pub(crate) fn broken() -> Vec<Block> {
    blocks(&Form { file: "broken.txt", between: b"", mark: b"! " })
}

fn blocks(form: &Form) -> Vec<Block> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/zonefile").join(form.file);
    let text = std::fs::read(path).expect("the file with the data");
    let text = text.strip_suffix(b"\n").unwrap_or(&text);
    let lines: Vec<&[u8]> = text.split(|&octet| octet == b'\n').collect();
    let mut at = 1;
    let mut found = Vec::new();
    for block in lines.split(|&line| line == form.between) {
        found.extend((!block.is_empty()).then(|| block_of(form, at, block)));
        at += block.len() + 1;
    }
    found
}

fn block_of(form: &Form, at: usize, lines: &[&[u8]]) -> Block {
    let is_setting = |line: &&[u8]| line.starts_with(b": ");
    let (settings, lines) = lines.split_at(lines.iter().position(|line| !is_setting(line)).unwrap_or(lines.len()));
    let end = lines.iter().position(|line| line.starts_with(form.mark)).unwrap_or(lines.len());
    let (body, expected) = lines.split_at(end);
    let is = |setting: &[u8]| settings.iter().any(|line| &line[2..] == setting);
    let line_end: &[u8] = if is(b"crlf") { b"\r\n" } else { b"\n" };
    let mut text = body.join(line_end);
    if !is(b"no-end") {
        text.extend_from_slice(line_end);
    }
    let shown = |line: &[u8]| String::from_utf8_lossy(line).into_owned();
    let title = format!("{}:{at} {}", form.file, body.first().map(|line| shown(line)).unwrap_or_default());
    Block {
        title: title.chars().take(MAX_TITLE).collect::<String>().replace(' ', "_"),
        ground: if is(b"no-ground") { String::new() } else { ground(body) },
        text,
        expected: expected.iter().filter_map(|line| line.strip_prefix(form.mark).map(shown)).collect(),
    }
}

/// The ground, without its SOA record where the block brings its own.
fn ground(lines: &[&[u8]]) -> String {
    let own = lines.iter().any(|line| line.starts_with(b"@ SOA"));
    GROUND.lines().filter(|line| !own || !line.contains(" SOA ")).flat_map(|line| [line, "\n"]).collect()
}

/// Hexadecimal digits as octets.
pub(crate) fn octets(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("digits")).collect()
}

/// Octets as hexadecimal digits.
pub(crate) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
