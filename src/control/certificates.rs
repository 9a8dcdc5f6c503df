//! Reads the certificates that `[tls.NAME]` tables name.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use rustls::sign::CertifiedKey;

use crate::base::{Diagnostic, Span};
use crate::config::{Main, TlsEntry};
use crate::net::hosted::{CertificateError, certified_key, expiry};
use crate::probe::clock;

use super::report::Report;
use super::shown::{reason, shown};

/// A certificate that expires sooner is warned of (two weeks, in seconds).
const SOON: u64 = 14 * 86_400;

/// Certificates with their keys, by the name of their `[tls.NAME]`.
pub type Certificates = BTreeMap<String, Arc<CertifiedKey>>;

/// Reads all of them; what is wrong is reported where the file is named.
pub(super) fn certificates(main: &Main, folder: &Path, report: &mut Report) -> Certificates {
    let mut certificates = Certificates::new();
    for entry in &main.tls {
        if let Some(key) = certificate(entry, folder, report) {
            certificates.insert(entry.name.clone(), Arc::new(key));
        }
    }
    certificates
}

fn certificate(entry: &TlsEntry, folder: &Path, report: &mut Report) -> Option<CertifiedKey> {
    let cert = read(&entry.cert, folder, report);
    let key = read(&entry.key, folder, report);
    match certified_key(&cert?, &key?) {
        Ok(key) => {
            check_expiry(&key, entry, report);
            Some(key)
        }
        Err(error) => {
            let ((_, span), hint) = match error {
                CertificateError::NoCertificate | CertificateError::Certificate(_) => {
                    (&entry.cert, "it must be PEM: the server's certificate first, then those that lead to a root")
                }
                CertificateError::NoKey | CertificateError::Key(_) => {
                    (&entry.key, "it must be PEM, with one private key that is not encrypted")
                }
                CertificateError::Mismatch => (&entry.key, "name the key that this certificate was made for"),
            };
            report.diagnostics.push(Diagnostic::error(*span, error.to_string()).hint(hint));
            None
        }
    }
}

fn read((name, span): &(String, Span), folder: &Path, report: &mut Report) -> Option<Vec<u8>> {
    let path = folder.join(name);
    let bytes = report.files.read(&path);
    let bytes = bytes.map_err(|error| {
        let message = format!("cannot read {}: {}", shown(&path), reason(&error));
        report
            .diagnostics
            .push(Diagnostic::error(*span, message).hint("relative paths start at the file that holds them"));
    });
    bytes.ok()
}

/// An expired certificate is served all the same: queries over other protocols must not suffer for it.
fn check_expiry(key: &CertifiedKey, entry: &TlsEntry, report: &mut Report) {
    let now = clock::now().wall;
    if let Some(expiry) = expiry(key).filter(|&expiry| expiry < now + SOON) {
        let message = match expiry.checked_sub(now) {
            None => format!("certificate \"{}\" has expired", entry.name),
            Some(left) => format!("certificate \"{}\" expires in {} days", entry.name, left / 86_400),
        };
        let warning = Diagnostic::warning(entry.cert.1, message).hint("clients will refuse it; renew it");
        report.diagnostics.push(warning);
    }
}
