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
        CertificateParseError, ExtensionValue, HashAlgorithm, InfoAttribute, QSslCertificate,
        QSslCertificateExtension, SubjectInfo,
    },
    cipher::QSslCipher,
    configuration::QSslConfiguration,
    error::{QSslError, SslError},
    key::{KeyError, QSslKey},
    kinds::{
        AlternativeNameEntryType, EncodingFormat, KeyAlgorithm, KeyType,
        NextProtocolNegotiationStatus, PatternSyntax, PeerVerifyMode, SslMode, SslOptions,
        SslProtocol,
    },
    server::{QSslServer, SslServerNode},
    socket::{QSslSocket, SslSocketNode},
};
