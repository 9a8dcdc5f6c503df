//! A certificate authority that lives as long as the process: its keys never reach a disk.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::NoServerSessionStorage;
use time::{Duration, OffsetDateTime};

/// How long a good certificate holds. Longer than any alarm about a certificate that runs out soon.
const VALIDITY: Duration = Duration::days(90);
/// How far back dates begin, so that clocks which differ a little agree.
const BACKDATED: Duration = Duration::hours(1);
/// The name in a certificate for another host.
const OTHER_NAME: &str = "other-host.invalid";

/// A certificate authority to be trusted, and one that nobody trusts.
pub struct DemoCa {
    trusted: Authority,
    stranger: Authority,
}

type Authority = CertifiedIssuer<'static, KeyPair>;

/// What is wrong with a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Its last day was yesterday.
    Expired,
    /// It names another host.
    WrongName,
    /// A CA signed it that is not the demo's.
    UnknownCa,
}

/// Why no certificate could be made.
#[derive(Debug, thiserror::Error)]
pub enum CaError {
    /// The host is no DNS name, or the system gives no randomness.
    #[error("no certificate could be made: {0}")]
    Make(#[from] rcgen::Error),
    /// The TLS library refuses what was made.
    #[error("a certificate was refused: {0}")]
    Use(#[from] rustls::Error),
}

impl DemoCa {
    /// Two authorities with new keys.
    ///
    /// # Errors
    /// [`CaError`] if the system gives no randomness.
    pub fn new() -> Result<Self, CaError> {
        Ok(Self { trusted: authority("Windrose demo CA")?, stranger: authority("Windrose demo CA, not trusted")? })
    }

    /// The certificate to trust, in PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        self.trusted.pem()
    }

    /// A certificate and its key for a server of that host name.
    ///
    /// # Errors
    /// [`CaError`] if the host cannot stand in a certificate.
    pub fn issue(
        &self,
        host: &str,
        flaw: Option<Flaw>,
    ) -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), CaError> {
        let key = KeyPair::generate()?;
        let name = if flaw == Some(Flaw::WrongName) { OTHER_NAME } else { host };
        let issuer = if flaw == Some(Flaw::UnknownCa) { &self.stranger } else { &self.trusted };
        let certificate = server_params(name, flaw == Some(Flaw::Expired))?.signed_by(&key, issuer)?;
        Ok((certificate.der().clone(), PrivateKeyDer::Pkcs8(key.serialize_der().into())))
    }

    /// TLS for a server with a new certificate. Sessions are not resumed: each connection sees the certificate again.
    ///
    /// # Errors
    /// [`CaError`], as [`DemoCa::issue`].
    pub fn server_config(&self, host: &str, flaw: Option<Flaw>) -> Result<Arc<ServerConfig>, CaError> {
        let (certificate, key) = self.issue(host, flaw)?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Arc::new(config))
    }
}

fn authority(name: &str) -> Result<Authority, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let now = OffsetDateTime::now_utc();
    // An expired certificate is older than the demo; its CA must not be younger than it.
    (params.not_before, params.not_after) = (now - VALIDITY, now + VALIDITY);
    CertifiedIssuer::self_signed(params, KeyPair::generate()?)
}

fn server_params(name: &str, expired: bool) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new([name.to_owned()])?;
    params.distinguished_name.push(DnType::CommonName, name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let now = OffsetDateTime::now_utc();
    (params.not_before, params.not_after) =
        if expired { (now - Duration::days(30), now - Duration::days(1)) } else { (now - BACKDATED, now + VALIDITY) };
    Ok(params)
}
