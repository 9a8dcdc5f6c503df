//! What responses are made by besides zones: the settings, and the secrets of cookies from their file.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use aws_lc_rs::rand;

use crate::base::{Diagnostic, Span};
use crate::config::{self, Main};
use crate::snapshot::{Cookies, Service};
use crate::wire::{Secret, Secrets};

use super::report::Report;
use super::shown::{reason, shown};

/// Reads what the main file says of it. `paths` has a path for every file of the report's sources.
pub(super) fn service(main: &Main, folder: &Path, report: &mut Report, paths: &mut Vec<PathBuf>) -> Service {
    let cookies = main.cookies.enabled.then(|| cookies(&main.cookies, folder, report, paths)).flatten();
    let keepalive = main.tcp.idle_timeout.as_millis() / 100;
    Service {
        nsid: main.server.nsid.clone().unwrap_or_default(),
        version: main.server.version.clone().unwrap_or_default().into(),
        identity: main.server.identity.clone().unwrap_or_default().into(),
        cookies,
        keepalive: u16::try_from(keepalive).unwrap_or(u16::MAX),
    }
}

fn cookies(
    settings: &config::Cookies,
    folder: &Path,
    report: &mut Report,
    paths: &mut Vec<PathBuf>,
) -> Option<Cookies> {
    let mut secrets = match &settings.secret_file {
        Some((name, span)) => read(folder.join(name), *span, report, paths)?,
        None => vec![made_up(report)?],
    };
    if secrets.is_empty() {
        return None;
    }
    let others = secrets.split_off(1);
    let secrets = Secrets::new(secrets[0], others);
    Some(Cookies { secrets, ephemeral: settings.secret_file.is_none(), require: settings.require })
}

fn read(path: PathBuf, span: Span, report: &mut Report, paths: &mut Vec<PathBuf>) -> Option<Vec<Secret>> {
    let bytes = report.files.read(&path).map_err(|error| {
        let message = format!("cannot read {}: {}", shown(&path), reason(&error));
        let error = Diagnostic::error(span, message);
        report.diagnostics.push(error.hint("relative paths start at the file that holds them"));
    });
    let bytes = bytes.ok()?;
    if std::fs::metadata(&path).is_ok_and(|file| file.permissions().mode() & 0o004 != 0) {
        let message = format!("everybody can read the secrets in {}", shown(&path));
        let warning = Diagnostic::warning(span, message);
        report.diagnostics.push(warning.hint(format!("chmod o-r {}", shown(&path))));
    }
    let file = report.sources.add(shown(&path), masked(&bytes));
    paths.push(path);
    Some(config::cookie_secrets(file, &bytes, &mut report.diagnostics))
}

/// The text as findings show it: secrets belong on no screen and in no log.
fn masked(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|&byte| if byte.is_ascii_whitespace() { byte } else { b'*' }).collect()
}

fn made_up(report: &mut Report) -> Option<Secret> {
    let mut octets = [0; 16];
    let made = rand::fill(&mut octets);
    if made.is_err() {
        report.diagnostics.push(Diagnostic::error_nowhere("the system has no random numbers for cookies"));
    }
    made.ok().map(|()| Secret::new(octets))
}
