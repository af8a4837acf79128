//! TLS.
//!
//! * `kinds.rs` has the small enumerations: protocols, modes, options
//! * `certificate/` and `key/` have what identifies the ends of a connection
//! * `verify/` says what is wrong with a chain of certificates. It knows no socket and no clock
//!
//! Whatever the cryptography, it is reached by [`provider`] alone.

mod kinds;
mod session;
mod tls;

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

pub use self::kinds::{
    AlternativeNameEntryType, EncodingFormat, KeyAlgorithm, KeyType, NextProtocolNegotiationStatus,
    PeerVerifyMode, SslMode, SslOptions, SslProtocol,
};

#[cfg(all(not(feature = "aws-lc-rs"), not(feature = "ring")))]
compile_error!("TLS needs cryptography: enable the feature `aws-lc-rs` or `ring`");

/// The cryptography.
#[allow(dead_code)]
pub(crate) fn provider() -> Arc<CryptoProvider> {
    use std::sync::OnceLock;
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    #[cfg(feature = "aws-lc-rs")]
    use rustls::crypto::aws_lc_rs::default_provider;
    #[cfg(not(feature = "aws-lc-rs"))]
    use rustls::crypto::ring::default_provider;
    PROVIDER.get_or_init(|| Arc::new(default_provider())).clone()
}
