//! TLS.
//!
//! * `kinds.rs` has the small enumerations: protocols, modes, options
//! * `certificate/` and `key/` have what identifies the ends of a connection
//! * `verify/` says what is wrong with a chain of certificates. It knows no socket and no clock
//! * `tls.rs` makes of a configuration what rustls needs, `session.rs` is one end of a connection
//!   without a socket
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
#[cfg(fuzzing)]
pub(crate) mod fuzz;
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

/// The certificates that the system trusts. Those that cannot be read are left out.
///
/// They are read once, unless something was missing that may be there the next time: descriptors,
/// memory, or the certificates themselves.
pub(crate) fn system_ca_certificates() -> Arc<[QSslCertificate]> {
    use std::sync::OnceLock;
    static CERTIFICATES: OnceLock<Arc<[QSslCertificate]>> = OnceLock::new();
    if let Some(certificates) = CERTIFICATES.get() {
        return certificates.clone();
    }
    // Not in the lock's own function: a warning goes to the program, which may ask for them, too.
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        qcore::q_warning!("QSslSocket: the system's certificates cannot be read: {error}");
    }
    let parse = |der: &rustls::pki_types::CertificateDer<'_>| {
        QSslCertificate::try_new(der, EncodingFormat::Der).ok()
    };
    let certificates: Arc<[_]> = found.certs.iter().filter_map(parse).collect();
    if certificates.is_empty() || found.errors.iter().any(is_shortage) {
        return certificates;
    }
    CERTIFICATES.get_or_init(|| certificates).clone()
}

fn is_shortage(error: &rustls_native_certs::Error) -> bool {
    use rustls_native_certs::ErrorKind;
    matches!(&error.kind, ErrorKind::Io { inner, .. } if crate::sys::is_shortage(inner))
}
