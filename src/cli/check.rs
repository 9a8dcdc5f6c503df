//! `windrose check`: every mistake of a configuration, without serving it.

use std::path::Path;

use crate::config::report;
use crate::control;

use super::{FAILED, OK};

/// Loads a configuration and prints what there is to say.
#[allow(clippy::print_stdout, reason = "the command's output")]
pub(super) fn run(config: &Path) -> u8 {
    let (report, code) = match control::load(config) {
        Ok((setup, report)) => {
            let (zones, names) = (setup.loaded.zones.iter().count(), setup.loaded.steering.names.len());
            println!("{} can be served: {zones} zones, {names} steered names", config.display());
            (report, OK)
        }
        Err(report) => (report, FAILED),
    };
    let colour = std::io::IsTerminal::is_terminal(&std::io::stdout());
    print!("{}", report::render_all(&report.sources, &report.diagnostics, colour));
    code
}
