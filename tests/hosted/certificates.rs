//! Reading certificates, and replacing one.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::version::{TLS12, TLS13};
use windrose::net::hosted::{CertificateError, certified_key, expiry};
use windrose::wire::Rtype;

use crate::lab::{HOST, Lab, Pair, connect};

pub(crate) fn mistakes() {
    let (pair, other) = (Pair::new(), Pair::new());
    let read = |cert: &str, key: &str| certified_key(cert.as_bytes(), key.as_bytes()).map(drop).unwrap_err();
    assert!(matches!(read(&pair.key, &pair.key), CertificateError::NoCertificate));
    assert!(matches!(read("", &pair.key), CertificateError::NoCertificate));
    assert!(matches!(read(&pair.cert, &pair.cert), CertificateError::NoKey));
    assert!(matches!(read(&pair.cert, &other.key), CertificateError::Mismatch));
    let damaged = pair.cert.replacen("MII", "AAA", 1);
    assert!(matches!(read(&damaged, &pair.key), CertificateError::Certificate(_)));
    let damaged = pair.key.replacen("MI", "AA", 1);
    assert!(matches!(read(&pair.cert, &damaged), CertificateError::Key(_)));
    let cut = &pair.cert[..pair.cert.len() / 2];
    assert!(matches!(read(cut, &pair.key), CertificateError::Certificate(_)));
    let chain = other.cert.clone() + &pair.cert;
    assert!(read(&chain, &pair.key).to_string().contains("order"));
}

#[allow(clippy::disallowed_methods, reason = "certificates end by the calendar")]
pub(crate) fn expiry_is_known() {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new([HOST.to_owned()]).unwrap();
    params.not_after = time::OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap();
    let cert = params.self_signed(&key).unwrap().pem();
    let certified = certified_key(cert.as_bytes(), key.serialize_pem().as_bytes()).unwrap();
    assert!(SystemTime::now() > UNIX_EPOCH + Duration::from_secs(1_700_000_000), "expired, and no error");
    assert_eq!(expiry(&certified), Some(1_700_000_000));
}

pub(crate) fn replaced() {
    let lab = Lab::new();
    let hosted = lab.tls();
    let mut standing = lab.connect(&hosted);
    assert_eq!(standing.message("ns1.example.com", Rtype::A).answers.len(), 1);
    let new = Pair::new();
    lab.certificate.replace(new.certified());
    assert_eq!(standing.message("ns1.example.com", Rtype::A).answers.len(), 1);
    let trusted = vec![lab.pair.der(), new.der()];
    let stream = lab.runtime.block_on(connect(hosted.address(), trusted, &["dot"], rustls::DEFAULT_VERSIONS)).unwrap();
    assert_eq!(stream.get_ref().1.peer_certificates().unwrap(), [new.der()]);
    assert_eq!(standing.message("ns1.example.com", Rtype::A).answers.len(), 1);
}

pub(crate) fn negotiated() {
    let lab = Lab::new();
    let (tls, https) = (lab.tls(), lab.https());
    let connect = |to, alpn: &[&str], version| {
        let versions = [version];
        let connecting = connect(to, vec![lab.pair.der()], alpn, &versions);
        let stream = lab.runtime.block_on(connecting).ok()?;
        Some(stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec))
    };
    for version in [&TLS12, &TLS13] {
        assert_eq!(connect(tls.address(), &["h2", "dot"], version), Some(Some(b"dot".to_vec())));
        assert_eq!(connect(https.address(), &["http/1.1", "h2"], version), Some(Some(b"h2".to_vec())));
        assert_eq!(connect(https.address(), &["http/1.1"], version), Some(Some(b"http/1.1".to_vec())));
        // RFC 7858 asks for no protocol to be named
        assert_eq!(connect(tls.address(), &[], version), Some(None));
        assert_eq!(connect(tls.address(), &["h2"], version), None);
        assert_eq!(connect(https.address(), &["dot"], version), None);
    }
}
