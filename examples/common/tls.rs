//! Certificates and keys from files.

use std::{fs, path::Path};

use qnetwork::{
    EncodingFormat, KeyAlgorithm, KeyError, KeyType, QSslCertificate, QSslConfiguration, QSslKey,
};

/// The certificates in a PEM file.
///
/// # Errors
///
/// If it cannot be read or has none.
pub fn certificates(path: impl AsRef<Path>) -> Result<Vec<QSslCertificate>, String> {
    let path = path.as_ref();
    let pem = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let certificates = QSslCertificate::from_data(pem, EncodingFormat::Pem);
    match certificates.is_empty() {
        true => Err(format!("{}: there is no certificate", path.display())),
        false => Ok(certificates),
    }
}

/// The private key in a PEM file, of whatever kind it is.
///
/// # Errors
///
/// If it cannot be read, or has none that can be used.
pub fn private_key(path: impl AsRef<Path>) -> Result<QSslKey, String> {
    let path = path.as_ref();
    let said = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let pem = fs::read(path).map_err(|error| said(&error))?;
    let mut result = Err(KeyError::NoPemBlock);
    // Opaque are keys of Ed25519.
    for algorithm in [KeyAlgorithm::Ec, KeyAlgorithm::Rsa, KeyAlgorithm::Opaque] {
        result = QSslKey::try_new(&pem, algorithm, EncodingFormat::Pem, KeyType::Private, "");
        if result != Err(KeyError::OtherAlgorithm) {
            break;
        }
    }
    result.map_err(|error| said(&error))
}

/// What a server needs to be one of TLS: its certificate, with those of who has issued it, and the
/// key.
///
/// # Errors
///
/// If a file cannot be read, or has not what it should have.
pub fn server_configuration(certificate: &str, key: &str) -> Result<QSslConfiguration, String> {
    let mut configuration = QSslConfiguration::default_configuration();
    configuration.set_local_certificate_chain(certificates(certificate)?);
    configuration.set_private_key(private_key(key)?);
    Ok(configuration)
}
