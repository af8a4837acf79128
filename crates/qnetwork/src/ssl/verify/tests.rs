use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{Purpose, Request, verify};
use crate::{EncodingFormat, QSslCertificate, SslError};

fn load(name: &str) -> Vec<QSslCertificate> {
    let path = format!("{}/../../tests/conformance/certs/{name}", env!("CARGO_MANIFEST_DIR"));
    let chain = QSslCertificate::from_data(std::fs::read(path).unwrap(), EncodingFormat::Pem);
    assert!(!chain.is_empty(), "{name}");
    chain
}

/// The middle of 2026.
fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_782_000_000)
}

fn errors(chain: &[QSslCertificate], host: &str) -> Vec<(SslError, bool)> {
    let found = verify(&Request {
        chain,
        trusted: &load("ca.crt"),
        host: Some(host),
        purpose: Purpose::Server,
        depth: 0,
        now: now(),
    });
    found.iter().map(|error| (error.error(), error.certificate() == &chain[0])).collect()
}

#[test]
fn the_certificates_of_the_scenarios() {
    assert_eq!(errors(&load("good.crt"), "localhost"), []);
    assert_eq!(errors(&load("good-ec.crt"), "127.0.0.1"), []);
    assert_eq!(errors(&load("chain.crt"), "localhost"), []);
    assert_eq!(errors(&load("good.crt"), "other"), [(SslError::HostNameMismatch, true)]);
    assert_eq!(errors(&load("expired.crt"), "localhost"), [(SslError::CertificateExpired, true)]);
    assert_eq!(
        errors(&load("notyet.crt"), "localhost"),
        [(SslError::CertificateNotYetValid, true)]
    );
    assert_eq!(
        errors(&load("selfsigned.crt"), "localhost"),
        [(SslError::SelfSignedCertificate, true)]
    );
    assert_eq!(
        errors(&load("chain-missing.crt"), "localhost"),
        [
            (SslError::UnableToGetLocalIssuerCertificate, true),
            (SslError::UnableToVerifyFirstCertificate, true)
        ]
    );
}
