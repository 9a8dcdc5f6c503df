//! Listeners of hickory-server over the engine: every protocol, certificates, stopping, and how responses differ from
//! those of our own sockets.
//!
//! What needs `kdig` is ignored without it and says so; with `WINDROSE_REQUIRE_TOOLS` set it fails.
#![allow(clippy::unwrap_used, reason = "a test that fails should fail where it stands")]

mod behaviour;
#[path = "../support/mod.rs"]
mod support;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    let trials = vec![Trial::test("behaviour::as_listed", behaviour::as_listed)];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
