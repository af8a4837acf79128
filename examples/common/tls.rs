//! Certificates and keys from files.

use std::{fs, path::Path};

use qnetwork::{
    EncodingFormat, KeyAlgorithm, QSslCertificate, QSslConfiguration, QSslKey, SslKeyErrorKind,
};

/// A certificate for localhost, for trying. Its key is public.
pub const TRIAL_CERTIFICATE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/conformance/certs/good-ec.crt");
/// The key of [`TRIAL_CERTIFICATE`].
pub const TRIAL_KEY: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/conformance/certs/good-ec.key");

/// Returns the certificates in a PEM file.
///
/// # Errors
///
/// If the file cannot be read or contains no certificate.
pub fn certificates(path: impl AsRef<Path>) -> Result<Vec<QSslCertificate>, String> {
    let path = path.as_ref();
    QSslCertificate::from_path(path, EncodingFormat::Pem)
        .map_err(|error| format!("{}: {error}", path.display()))
}

/// Returns the private key in a PEM file, with any algorithm.
///
/// # Errors
///
/// If the file cannot be read or contains no usable key.
pub fn private_key(path: impl AsRef<Path>) -> Result<QSslKey, String> {
    let path = path.as_ref();
    let said = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let pem = fs::read(path).map_err(|error| said(&error))?;
    let mut result = Err(SslKeyErrorKind::NoPemBlock.into());
    // Ed25519 keys are opaque.
    for algorithm in [KeyAlgorithm::Ec, KeyAlgorithm::Rsa, KeyAlgorithm::Opaque] {
        result = QSslKey::try_new(&pem, algorithm, EncodingFormat::Pem);
        if !result.as_ref().is_err_and(|error| *error == SslKeyErrorKind::OtherAlgorithm) {
            break;
        }
    }
    result.map_err(|error| said(&error))
}

/// Returns the configuration of a TLS server: its certificate with its issuers' certificates, and
/// its key.
///
/// # Errors
///
/// If a file cannot be read or does not contain what it should.
pub fn server_configuration(certificate: &str, key: &str) -> Result<QSslConfiguration, String> {
    let mut configuration = QSslConfiguration::default_configuration();
    configuration.set_local_certificate_chain(certificates(certificate)?);
    configuration.set_private_key(private_key(key)?);
    Ok(configuration)
}
