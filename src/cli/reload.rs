//! `windrose reload`: makes a running server load its files anew, and says how that went.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the command's output")]

use std::path::Path;

use crate::control::Reloaded;

use super::client::Client;
use super::{FAILED, OK, asking};

/// Prints what changed, or what is wrong.
pub(super) fn run(config: &Path) -> u8 {
    match asking(async { Client::of(config)?.post::<Reloaded>("/v1/reload").await }) {
        Ok(reloaded) => {
            reloaded.diagnostics.iter().for_each(|line| eprintln!("{line}"));
            reloaded.changes.iter().for_each(|line| println!("{line}"));
            match (reloaded.taken, reloaded.changes.is_empty()) {
                (true, true) => println!("the files were loaded anew; nothing has changed"),
                (true, false) => println!("the files were loaded anew"),
                (false, _) => eprintln!("the reload is refused; what was served before is served on"),
            }
            if reloaded.taken { OK } else { FAILED }
        }
        Err(why) => {
            eprintln!("{why}");
            FAILED
        }
    }
}
