//! The certificates that the system trusts.

use std::sync::{Arc, OnceLock};

use rustls_native_certs::ErrorKind;

use super::{certificate::QSslCertificate, kinds::EncodingFormat};
use crate::sys;

/// Returns the certificates that the system trusts. It omits those that cannot be read.
///
/// They are read once. If descriptors, memory or the certificates themselves were missing, the next
/// call reads them again.
pub(super) fn system_ca_certificates() -> Arc<[QSslCertificate]> {
    static CERTIFICATES: OnceLock<Arc<[QSslCertificate]>> = OnceLock::new();
    if let Some(certificates) = CERTIFICATES.get() {
        return certificates.clone();
    }
    // Not inside `get_or_init`, because the warning may run a message handler that asks for the
    // certificates too.
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
    matches!(&error.kind, ErrorKind::Io { inner, .. } if sys::is_shortage(inner))
}
