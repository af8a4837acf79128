//! Takes the response out of a handshake.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::{
    DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    pki_types::{CertificateDer, ServerName, UnixTime},
};

use crate::ssl::{crypto::provider, signature::AcceptAny};

/// The response of one connection, as soon as the server has sent it; empty if it has sent none.
#[derive(Clone, Debug, Default)]
pub(in crate::ssl) struct Stapled(Arc<Mutex<Vec<u8>>>);

impl Stapled {
    /// Takes the response.
    pub(in crate::ssl) fn take(&self) -> Vec<u8> {
        let mut response = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *response)
    }

    fn put(&self, response: &[u8]) {
        let response = response.to_vec();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = response;
    }
}

/// A verifier that accepts any certificate, as [`AcceptAny`] does, and keeps the response.
pub(in crate::ssl) fn verifier(stapled: Stapled) -> Arc<dyn ServerCertVerifier> {
    Arc::new(Keeping { accept: AcceptAny(provider()), stapled })
}

#[derive(Debug)]
struct Keeping {
    accept: AcceptAny,
    stapled: Stapled,
}

impl ServerCertVerifier for Keeping {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.stapled.put(ocsp_response);
        self.accept.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        ServerCertVerifier::verify_tls12_signature(&self.accept, message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        ServerCertVerifier::verify_tls13_signature(&self.accept, message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ServerCertVerifier::supported_verify_schemes(&self.accept)
    }
}
