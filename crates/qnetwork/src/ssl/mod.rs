//! TLS.
//!
//! * `kinds.rs` has the small enumerations: protocols, modes, options
//! * `certificate/` and `key/` have what identifies the ends of a connection
//! * `verify/` says what is wrong with a chain of certificates. It knows no socket and no clock
//! * `tls.rs` makes of a configuration what rustls needs, `session.rs` is one end of a connection without a socket
//! * `reason.rs` says why a session has failed
//! * `socket/` has [`QSslSocket`], `server.rs` [`QSslServer`]
//!
//! * `signature.rs` finds out whether a handshake was signed with the key of the other end's
//!   certificate
//!
//! Whatever the cryptography, it is reached by `crypto/` alone.

mod certificate;
mod cipher;
mod configuration;
mod crypto;
mod error;
mod key;
mod kinds;
mod reason;
mod server;
mod session;
mod signature;
mod socket;
mod tls;
mod verify;

use std::sync::Arc;

pub(crate) use self::crypto::provider;
pub use self::{
    certificate::{
        CertificateParseError, ExtensionValue, HashAlgorithm, InfoAttribute, PatternSyntax,
        QSslCertificate, QSslCertificateExtension, SubjectInfo,
    },
    cipher::QSslCipher,
    configuration::QSslConfiguration,
    error::{QSslError, SslError},
    key::{KeyError, QSslKey},
    kinds::{
        AlternativeNameEntryType, EncodingFormat, KeyAlgorithm, KeyType,
        NextProtocolNegotiationStatus, PeerVerifyMode, SslMode, SslOptions, SslProtocol,
    },
    server::{QSslServer, SslServerNode},
    socket::{QSslSocket, SslSocketNode},
};

/// The certificates that the system trusts. Read once; those that cannot be read are left out.
pub(crate) fn system_ca_certificates() -> Arc<[QSslCertificate]> {
    use std::sync::OnceLock;
    static CERTIFICATES: OnceLock<Arc<[QSslCertificate]>> = OnceLock::new();
    let load = || {
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            log::warn!("QSslSocket: the system's certificates cannot be read: {error}");
        }
        let parse = |der: &rustls::pki_types::CertificateDer<'_>| {
            QSslCertificate::try_new(der, EncodingFormat::Der).ok()
        };
        found.certs.iter().filter_map(parse).collect()
    };
    CERTIFICATES.get_or_init(load).clone()
}
