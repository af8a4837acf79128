//! The cryptography, of whichever crate it is.

pub(super) mod small_rsa;

use std::sync::{Arc, OnceLock};

use rustls::crypto::CryptoProvider;

#[cfg(all(not(feature = "aws-lc-rs"), not(feature = "ring")))]
compile_error!("TLS needs cryptography: enable the feature `aws-lc-rs` or `ring`");

/// The cryptography.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    PROVIDER.get_or_init(|| Arc::new(make_provider())).clone()
}

#[cfg(feature = "aws-lc-rs")]
fn make_provider() -> CryptoProvider {
    rustls::crypto::aws_lc_rs::default_provider()
}

#[cfg(not(feature = "aws-lc-rs"))]
fn make_provider() -> CryptoProvider {
    rustls::crypto::ring::default_provider()
}
