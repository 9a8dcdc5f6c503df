//! A certificate authority that lives as long as the demo.

use std::io;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// Why the demo cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// A certificate could not be made.
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// A certificate could not be used.
    #[error("cannot use a certificate: {0}")]
    Tls(#[from] rustls::Error),
    /// A socket or a file.
    #[error("{what}: {error}")]
    Io {
        /// What was tried.
        what: String,
        /// What came of it.
        error: io::Error,
    },
    /// The shipped files are not as the demo expects them.
    #[error("the shipped configuration has no {0}")]
    Shipped(&'static str),
}

/// An authority that signs certificates for the origins.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    /// A new one, with a key of its own.
    ///
    /// # Errors
    /// Where no key or certificate can be made.
    pub fn new(name: &str) -> Result<Self, DemoError> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Ok(Self(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?))
    }

    /// Its certificate, for `ca_file`.
    #[must_use]
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A TLS server that presents a certificate for a host name, good from one year to another.
    ///
    /// # Errors
    /// Where the certificate cannot be made or used.
    pub fn server(&self, host: &str, from: i32, until: i32) -> Result<Arc<ServerConfig>, DemoError> {
        let mut params = CertificateParams::new([host.to_owned()])?;
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.0)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)?;
        Ok(Arc::new(config))
    }
}
