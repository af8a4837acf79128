//! The certificates of the TLS servers: those of the conformance tests.

use std::{fs, path::Path};

use qnetwork::{EncodingFormat, KeyAlgorithm, QSslCertificate, QSslConfiguration, QSslKey};

/// Configurations that all threads share.
pub(super) struct Certificates {
    server: QSslConfiguration,
    client: QSslConfiguration,
}

impl Certificates {
    /// Reads the certificates.
    pub(super) fn read() -> Result<Self, String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance/certs");
        let read = |name: &str| {
            let path = folder.join(name);
            fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))
        };
        let certificates = |name: &str| {
            QSslCertificate::from_data(read(name)?, EncodingFormat::Pem)
                .map_err(|error| format!("{name}: {error}"))
        };
        let key = QSslKey::new(read("good-ec.key")?, KeyAlgorithm::Ec, EncodingFormat::Pem);
        let mut server = QSslConfiguration::new();
        server.set_local_certificate_chain(certificates("good-ec.crt")?);
        server.set_private_key(key);
        let mut client = QSslConfiguration::new();
        client.set_ca_certificates(certificates("ca.crt")?);
        Ok(Certificates { server, client })
    }

    pub(super) fn serving(&self) -> QSslConfiguration {
        self.server.clone()
    }

    pub(super) fn trusting(&self) -> QSslConfiguration {
        self.client.clone()
    }
}
