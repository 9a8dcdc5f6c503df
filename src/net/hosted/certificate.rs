//! Certificates that can be replaced while they are in use, and reading them from PEM.

use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use x509_parser::prelude::{FromDer, X509Certificate};

/// The certificate of one or more listeners. What connects from a replacement on sees the new one; connections that
/// stand go on.
#[derive(Debug)]
pub struct Certificate {
    current: ArcSwap<CertifiedKey>,
}

impl Certificate {
    /// A certificate to begin with.
    #[must_use]
    pub fn new(key: CertifiedKey) -> Self {
        Self { current: ArcSwap::from_pointee(key) }
    }

    /// Puts a certificate in its place; returns whether it is another one.
    pub fn replace(&self, key: CertifiedKey) -> bool {
        let old = self.current.swap(Arc::new(key));
        old.cert != self.current.load().cert
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

/// Why two files are no certificate to serve with.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The first file has no certificate.
    #[error("there is no certificate in the file: a PEM section \"CERTIFICATE\" is needed, the server's own first")]
    NoCertificate,
    /// The first file is damaged.
    #[error("the file of the certificate cannot be read: {0}")]
    Certificate(String),
    /// The second file has no key that can be used as it is.
    #[error("there is no private key in the file: a PEM section \"PRIVATE KEY\" is needed, without a passphrase")]
    NoKey,
    /// The second file is damaged, or its key is of a kind that TLS has no use for.
    #[error("the private key cannot be used: {0}")]
    Key(String),
    /// Each file is good by itself.
    #[error(
        "the private key does not belong to the certificate: they are of different pairs, or the chain's order is wrong"
    )]
    Mismatch,
}

/// Reads a certificate with its chain, and its private key. Whether it has expired is not asked.
///
/// # Errors
/// [`CertificateError`] where there is none, or the two do not belong together.
pub fn certified_key(cert_pem: &[u8], key_pem: &[u8]) -> Result<CertifiedKey, CertificateError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(cert_pem).collect();
    let chain = chain.map_err(|error| CertificateError::Certificate(described(&error)))?;
    let own = chain.first().ok_or(CertificateError::NoCertificate)?;
    X509Certificate::from_der(own).map_err(|error| CertificateError::Certificate(error.to_string()))?;
    let key = PrivateKeyDer::from_pem_slice(key_pem).map_err(|error| match error {
        pem::Error::NoItemsFound => CertificateError::NoKey,
        error => CertificateError::Key(described(&error)),
    })?;
    CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider()).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => CertificateError::Mismatch,
        rustls::Error::InvalidCertificate(error) => CertificateError::Certificate(error.to_string()),
        rustls::Error::General(text) => CertificateError::Key(text),
        error => CertificateError::Key(error.to_string()),
    })
}

/// What is wrong with a PEM file. The crate's own text shows octets as numbers, and a line of a key must not be shown.
fn described(error: &pem::Error) -> String {
    match error {
        pem::Error::MissingSectionEnd { .. } => "a PEM section has no end; is the file whole?".to_owned(),
        pem::Error::IllegalSectionStart { .. } => "a line starts a PEM section and is none".to_owned(),
        pem::Error::Base64Decode(_) => "a PEM section is not Base64".to_owned(),
        error => error.to_string(),
    }
}

/// When the certificate expires, in seconds since 1970-01-01 UTC.
#[must_use]
pub fn expiry(key: &CertifiedKey) -> Option<u64> {
    let (_, certificate) = X509Certificate::from_der(key.cert.first()?).ok()?;
    certificate.validity().not_after.timestamp().try_into().ok()
}
