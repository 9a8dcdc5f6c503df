//! The data files: `README.md` describes them.

use std::path::Path;

/// The zone that the blocks are read in.
const GROUND: &str = "@ SOA ns1 hostmaster 1 7200 900 1209600 300\n@ NS ns1\nns1 A 192.0.2.1\n";
const TTL: &str = "$TTL 3600\n";

/// The ground as a zone of its own.
pub(crate) const GROUND_ZONE: &str =
    "$TTL 3600\n@ SOA ns1 hostmaster 1 7200 900 1209600 300\n@ NS ns1\nns1 A 192.0.2.1\n";

/// A block of a file.
pub(crate) struct Block {
    /// File and line, with what the first comment says.
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

    /// How many lines the ground has.
    pub(crate) fn lines_before(&self) -> usize {
        self.ground.lines().count()
    }
}

/// The blocks of `valid.txt`: a record each, and `TYPE hex`.
pub(crate) fn valid() -> Vec<Block> {
    blocks("valid.txt", b"", b"= ")
}

/// The blocks of `structure.txt`: pieces of zones, and their records.
pub(crate) fn structure() -> Vec<Block> {
    blocks("structure.txt", b"----", b"= ")
}

/// The blocks of `broken.txt`: pieces of zones, and the place of the mistake.
pub(crate) fn broken() -> Vec<Block> {
    blocks("broken.txt", b"", b"! ")
}

fn blocks(file: &str, between: &[u8], mark: &[u8]) -> Vec<Block> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/zonefile").join(file);
    let text = std::fs::read(path).unwrap_or_default();
    let lines: Vec<&[u8]> = text.split(|&octet| octet == b'\n').collect();
    let mut at = 1;
    let mut found = Vec::new();
    for block in lines.split(|&line| line == between) {
        if block.iter().any(|line| line.starts_with(mark)) {
            found.push(block_of(file, at, block, mark));
        }
        at += block.len() + 1;
    }
    found
}

fn block_of(file: &str, at: usize, lines: &[&[u8]], mark: &[u8]) -> Block {
    let text = |line: &[u8]| String::from_utf8_lossy(line).into_owned();
    let settings: Vec<String> =
        lines.iter().take_while(|line| line.starts_with(b": ")).map(|line| text(line)).collect();
    let is = |setting: &str| settings.iter().any(|line| line[2..].split_whitespace().any(|word| word == setting));
    let (body, expected) = lines[settings.len()..]
        .split_at(lines[settings.len()..].iter().position(|line| line.starts_with(mark)).expect("a mark"));
    let first = body.first().map(|line| text(line)).unwrap_or_default();
    let expected = expected.iter().filter_map(|line| line.strip_prefix(mark).map(text)).collect();
    // a line with a backslash alone stands for an empty one
    let body: Vec<&[u8]> = body.iter().map(|&line| if line == b"\\" { b"" } else { line }).collect();
    let end: &[u8] = if is("crlf") { b"\r\n" } else { b"\n" };
    let mut zone = body.join(end);
    if !is("no-end") {
        zone.extend_from_slice(end);
    }
    Block {
        title: format!("{file}:{at}: {first}"),
        ground: ground(&zone, is("no-ground"), is("no-ttl")),
        text: zone,
        expected,
    }
}

/// The ground, without its SOA record where the block brings its own.
fn ground(text: &[u8], none: bool, no_ttl: bool) -> String {
    let own =
        text.split(|&octet| octet == b'\n').any(|line| line.starts_with(b"@ SOA") || line.starts_with(b"example. SOA"));
    let lines = GROUND.lines().filter(|line| !own || !line.contains(" SOA "));
    match (none, no_ttl) {
        (true, _) => String::new(),
        (_, true) => lines.map(|line| format!("{line}\n")).collect(),
        _ => [TTL.to_owned()].into_iter().chain(lines.map(|line| format!("{line}\n"))).collect(),
    }
}

/// Hexadecimal digits as octets.
pub(crate) fn octets(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("digits")).collect()
}

/// Octets as hexadecimal digits.
pub(crate) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
