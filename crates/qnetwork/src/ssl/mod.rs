//! TLS: sockets, servers, certificates, keys and configurations.
//!
//! * `kinds.rs` has the small enumerations: protocols, modes, options
//! * `certificate/` and `key/` read certificates and keys
//! * `verify/` finds the errors of a chain of certificates. It uses no socket and no clock.
//!   `verification.rs` verifies with the default configuration
//! * `ocsp/` checks what a server sends about the revocation of its certificate
//! * `tls.rs` converts a configuration for rustls. `session.rs` is one end of a TLS connection and
//!   does no I/O
//! * `reason.rs` says why a session has failed
//! * `socket/` has [`QSslSocket`], `server.rs` has [`QSslServer`]
//!
//! * `signature.rs` checks that a handshake is signed with the key of the peer's certificate
//!
//! Only `crypto/` knows which crate provides the cryptography.

mod certificate;
mod cipher;
mod configuration;
mod crypto;
mod error;
#[cfg(fuzzing)]
pub(crate) mod fuzz;
mod key;
mod kinds;
mod ocsp;
mod pem;
mod reason;
mod server;
mod session;
mod signature;
mod socket;
mod system_certificates;
mod tls;
mod verification;
mod verify;

pub use self::{
    certificate::{
        ExtensionValue, HashAlgorithm, InfoAttribute, QSslCertificate, QSslCertificateExtension,
        SslCertificateError, SslCertificateErrorKind, SubjectInfo,
    },
    cipher::QSslCipher,
    configuration::QSslConfiguration,
    error::{QSslError, SslErrorKind},
    key::{QSslKey, SslKeyError, SslKeyErrorKind},
    kinds::{
        AlternativeNameEntryType, EncodingFormat, KeyAlgorithm, KeyType,
        NextProtocolNegotiationStatus, PatternSyntax, PeerVerifyMode, SslMode, SslOptions,
        SslProtocol,
    },
    ocsp::{OcspCertificateStatus, OcspRevocationReason, QOcspResponse},
    server::{QSslServer, SslServerNode},
    socket::{QSslSocket, SslSocketNode},
};
