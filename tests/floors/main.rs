//! Holds the floors of the house: a room imports only from lower floors, the lower rooms know no socket, clock, async,
//! file system or logs, and only `net` is unsafe.
//!
//! Reads the sources as text (`source`). The rules are tested below against planted violations, so that this test is
//! known to be able to fail.
#![allow(clippy::unwrap_used, reason = "a test that cannot read the sources should fail where it stands")]

mod source;

use source::{Token, lex, paths, without_tests};
use std::fs;
use std::path::Path;

/// The floors, ground first; rooms of one floor stand beside each other.
const FLOORS: &[&[&str]] = &[
    &["base"],
    &["wire"],
    &["zone", "geo"],
    &["health"],
    &["steer"],
    &["config"],
    &["snapshot"],
    &["answer"],
    &["net", "probe"],
    &["control"],
    &["admin"],
    &["demo"],
    &["cli"],
];
/// The highest room that must be pure.
const HIGHEST_PURE: &str = "answer";
/// The one room that may be unsafe.
const UNSAFE_ROOM: &str = "net";
/// Crates that do input, output or logging.
const IMPURE_CRATES: &[&str] = &["tokio", "reqwest", "tracing", "socket2", "libc", "hyper", "notify"];
/// Parts of std that do.
const IMPURE_STD: &[[&str; 2]] = &[["std", "fs"], ["std", "thread"], ["std", "env"], ["std", "process"]];
/// Names that are impure wherever they were imported from.
const IMPURE_NAMES: &[&str] =
    &["TcpStream", "TcpListener", "UdpSocket", "UnixStream", "UnixListener", "Instant", "SystemTime", "async"];

#[test]
fn the_house_keeps_its_floors() {
    let mut sources = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", &mut sources);
    assert!(sources.len() > 10, "no sources found");
    let violations: Vec<String> = sources.iter().flat_map(|(path, text)| check(path, text)).collect();
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

/// Every source under `folder`, with its path relative to `src`.
fn collect(folder: &Path, prefix: &str, into: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let (path, name) = entry.map(|e| (e.path(), e.file_name().into_string().unwrap())).unwrap();
        if path.is_dir() {
            collect(&path, &format!("{prefix}{name}/"), into);
        } else if name.ends_with(".rs") {
            into.push((format!("{prefix}{name}"), fs::read_to_string(&path).unwrap()));
        }
    }
}

/// The violations of one file; `path` is relative to `src`.
fn check(path: &str, text: &str) -> Vec<String> {
    let tokens = lex(text);
    let mut found = Vec::new();
    let place = Place::of(path);
    if place.room != UNSAFE_ROOM {
        found.extend(unsafe_tokens(&tokens));
    }
    if let Some(floor) = place.floor() {
        found.extend(imports(&place, floor, &tokens));
        if floor <= floor_of(HIGHEST_PURE).unwrap() && !place.is_test {
            found.extend(impurities(&without_tests(&tokens)));
        }
    } else if !place.is_root() {
        found.push((1, format!("`{}` has no floor", place.room)));
    }
    found.into_iter().map(|(line, what)| format!("src/{path}:{line}: {what}")).collect()
}

/// A violation: line and what is wrong.
type Found = (usize, String);

/// Where a file stands.
struct Place<'p> {
    room: &'p str,
    /// Modules between the file's own and the crate root, plus one: 1 is `crate::room`.
    depth: usize,
    is_test: bool,
}

impl<'p> Place<'p> {
    fn of(path: &'p str) -> Self {
        let parts: Vec<&str> = path.trim_end_matches(".rs").split('/').collect();
        let modules = parts.iter().filter(|p| **p != "mod").count();
        let is_test = parts.iter().any(|p| *p == "tests" || p.ends_with("_tests"));
        Self { room: parts[0], depth: modules, is_test }
    }

    fn floor(&self) -> Option<usize> {
        floor_of(self.room)
    }

    /// `lib.rs` and `main.rs` stand above all floors.
    fn is_root(&self) -> bool {
        self.depth == 1 && matches!(self.room, "lib" | "main")
    }
}

fn floor_of(room: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&room))
}

/// `unsafe`, and the lint's name, which only an `allow` needs.
fn unsafe_tokens(tokens: &[Token]) -> Vec<Found> {
    let bad = tokens.iter().filter(|t| matches!(t.text.as_str(), "unsafe" | "unsafe_code"));
    bad.map(|t| (t.line, format!("`{}` outside `{UNSAFE_ROOM}`", t.text))).collect()
}

/// Paths that lead to a room not on a lower floor.
fn imports(place: &Place<'_>, floor: usize, tokens: &[Token]) -> Vec<Found> {
    let mut found = Vec::new();
    for path in paths(tokens) {
        let Some(room) = path.room(place.depth) else { continue };
        let fault = match floor_of(room) {
            _ if room == place.room => continue,
            Some(other) if other < floor => continue,
            Some(other) if other == floor => "which is on the same floor",
            Some(_) => "which is on a higher floor",
            None => "which is no room",
        };
        found.push((path.line, format!("`{}` uses `{room}`, {fault}", place.room)));
    }
    found
}

/// What a pure room must not mention.
fn impurities(tokens: &[Token]) -> Vec<Found> {
    let mut found = Vec::new();
    for path in paths(tokens) {
        let segments: Vec<&str> = path.segments.iter().map(String::as_str).collect();
        let of_crate = IMPURE_CRATES.contains(&segments[0]) && (path.imported || segments.len() > 1);
        let of_std = IMPURE_STD.iter().any(|bad| segments.starts_with(bad));
        let named = segments.iter().any(|s| IMPURE_NAMES.contains(s));
        if of_crate || of_std || named {
            found.push((path.line, format!("`{}` in a pure room", segments.join("::"))));
        }
    }
    found
}

/// Asserts what `check` says of a planted file: the parts after `src/`, or nothing.
fn planted(path: &str, text: &str, expected: &[&str]) {
    let expected: Vec<String> = expected.iter().map(|e| format!("src/{path}:{e}")).collect();
    assert_eq!(check(path, text), expected, "{text}");
}

#[test]
fn lower_floors_are_open() {
    planted("geo/mod.rs", "use crate::{base::Prefix, wire};\nfn f() { crate::base::g() }", &[]);
    planted("cli/serve.rs", "use crate::control; use super::super::net;", &[]);
    planted("lib.rs", "pub mod base; use crate::cli;", &[]);
    planted("base/ids.rs", "use crate::base::Id; pub(crate) struct X; pub(in crate::base) struct Y;", &[]);
}

#[test]
fn the_same_floor_and_higher_ones_are_closed() {
    planted("geo/mod.rs", "\nuse crate::zone::Zone;", &["2: `geo` uses `zone`, which is on the same floor"]);
    planted("base/ids.rs", "fn f() { crate::cli::g() }", &["1: `base` uses `cli`, which is on a higher floor"]);
    planted("base/ids.rs", "use crate::Prefix;", &["1: `base` uses `Prefix`, which is no room"]);
    planted("wire/a.rs", "use crate::*;", &["1: `wire` uses `*`, which is no room"]);
    planted(
        "wire/a.rs",
        "macro_rules! m { () => { $crate::geo::x() } }",
        &["1: `wire` uses `geo`, which is on a higher floor"],
    );
}

#[test]
fn use_trees_are_written_out() {
    planted(
        "health/a.rs",
        "use crate::{base::{Id, Ttl as T},\n steer::{decide, Plan},\n config as c, wire::*};",
        &[
            "2: `health` uses `steer`, which is on a higher floor",
            "2: `health` uses `steer`, which is on a higher floor",
            "3: `health` uses `config`, which is on a higher floor",
        ],
    );
    planted(
        "steer/a.rs",
        "use std::{time::{Duration, Instant}, fs::{self}};",
        &["1: `std::time::Instant` in a pure room", "1: `std::fs::self` in a pure room"],
    );
}

#[test]
fn super_is_counted() {
    let fault = ["1: `zone` uses `geo`, which is on the same floor"];
    planted("zone/mod.rs", "use super::geo::X;", &fault);
    planted("zone/parse.rs", "use super::geo::X;", &[]);
    planted("zone/parse.rs", "use super::super::geo::X;", &fault);
    planted("zone/parse.rs", "use super::{super::{geo::X, base::Y}, z};", &fault);
    planted("zone/parse/lex.rs", "use super::super::geo::X;", &[]);
    planted("zone/parse/mod.rs", "use super::super::geo::X;", &fault);
    planted("zone/mod.rs", "mod inner { use super::geo::X; fn f() {} } use self::geo::Y;", &[]);
    planted("zone/mod.rs", "mod inner { fn f() {} use super::super::geo::X; }", &fault);
    planted("zone/mod.rs", "mod inner { fn f() {} } use super::geo::X;", &fault);
    planted("zone/parse.rs", "use super::super as root;", &["1: `zone` uses `crate`, which is no room"]);
}

#[test]
fn comments_strings_and_lifetimes_are_no_code() {
    let innocent = r###"
        //! crate::cli::x and unsafe
        /* crate::cli /* std::fs */ async */
        const A: &str = "crate::cli \" unsafe";
        const B: &str = r#"unsafe " std::fs"#;
        const C: (char, char, u8) = ('"', '\'', b'\'');
        fn f<'async>(_: &'async str, r#unsafe_: u8) -> &'static [u8] { b"tokio::x" }
    "###;
    planted("base/a.rs", innocent, &[]);
    planted("base/a.rs", &format!("{innocent}fn g() {{ std::fs::read() }}"), &["8: `std::fs::read` in a pure room"]);
}

#[test]
fn pure_rooms_know_no_world() {
    for (text, name) in [
        ("use std::net::TcpStream;", "std::net::TcpStream"),
        ("use std::net; fn f() { net::UdpSocket::bind() }", "net::UdpSocket::bind"),
        ("fn f() { std::thread::spawn(g) }", "std::thread::spawn"),
        ("fn f() { ::std::fs::read(p) }", "std::fs::read"),
        ("fn now() -> std::time::SystemTime { x }", "std::time::SystemTime"),
        ("use tokio;", "tokio"),
        ("fn f() { tracing::info!() }", "tracing::info"),
        ("async fn f() {}", "async"),
    ] {
        planted("answer/a.rs", text, &[&format!("1: `{name}` in a pure room")]);
        planted("net/a.rs", text, &[]);
    }
    planted("answer/a.rs", "use std::net::{IpAddr, SocketAddr}; use std::time::Duration; let tracing = 1;", &[]);
}

#[test]
fn unit_tests_may_touch_the_world_but_not_higher_floors() {
    let read = "fn f() { std::fs::read() }";
    planted("geo/a.rs", &format!("#[cfg(test)] mod tests {{ {read} }}"), &[]);
    planted(
        "geo/a.rs",
        &format!("#[cfg(test)] use std::{{fs}}; #[cfg(test)] mod tests; {read}"),
        &["1: `std::fs::read` in a pure room"],
    );
    planted("geo/tests.rs", read, &[]);
    planted(
        "geo/a.rs",
        "#[cfg(test)] mod tests { use crate::cli; }",
        &["1: `geo` uses `cli`, which is on a higher floor"],
    );
}

#[test]
fn only_net_is_unsafe() {
    let text = "#![allow(unsafe_code)]\nfn f() { unsafe { g() } }";
    planted("net/sys.rs", text, &[]);
    let fault = ["1: `unsafe_code` outside `net`", "2: `unsafe` outside `net`"];
    for path in ["base/ids.rs", "cli/run.rs", "main.rs"] {
        planted(path, text, &fault);
    }
}

#[test]
fn every_room_has_a_floor() {
    planted("cellar/mod.rs", "", &["1: `cellar` has no floor"]);
    planted("util.rs", "", &["1: `util` has no floor"]);
}
