//! The cryptography, from aws-lc-rs or ring.

#[cfg(feature = "aws-lc-rs")]
mod p521;
pub(super) mod small_rsa;

use std::sync::{Arc, OnceLock};

use rustls::crypto::CryptoProvider;

#[cfg(all(not(feature = "aws-lc-rs"), not(feature = "ring")))]
compile_error!("TLS needs cryptography: enable the feature `aws-lc-rs` or `ring`");

/// Returns the provider.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    PROVIDER.get_or_init(|| Arc::new(make_provider())).clone()
}

#[cfg(feature = "aws-lc-rs")]
fn make_provider() -> CryptoProvider {
    let mut provider = rustls::crypto::aws_lc_rs::default_provider();
    // Last: a client offers the group but sends no key share for it, and a server follows the
    // client's preference.
    provider.kx_groups.push(&p521::Secp521r1);
    provider
}

#[cfg(not(feature = "aws-lc-rs"))]
fn make_provider() -> CryptoProvider {
    rustls::crypto::ring::default_provider()
}
