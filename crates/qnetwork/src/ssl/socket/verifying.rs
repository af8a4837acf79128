//! Judging the peer's certificate.

use std::{borrow::Borrow, time::SystemTime};

use qcore::{internals::DeviceInternals, object::Node};

use super::{QSslSocket, SslSocketNode, muted::Muted};
use crate::{
    common::owned,
    socket::{CloseReason, PauseModes, SocketError, SocketErrorKind, SocketState, TellsEnd},
    ssl::{
        certificate::QSslCertificate,
        error::{QSslError, SslErrorKind},
        kinds::{EncodingFormat, PeerVerifyMode, SslMode},
        ocsp::{self, QOcspResponse},
        session::Session,
        verify,
    },
};

impl QSslSocket {
    /// Returns the errors of the last [`ssl_errors`](SslSocketNode::ssl_errors).
    #[doc(alias = "sslHandshakeErrors")]
    #[must_use]
    pub fn ssl_handshake_errors(&self) -> Vec<QSslError> {
        self.errors.borrow().clone()
    }

    /// Returns the OCSP response that the server has sent in the last handshake, if this socket has
    /// [requested it](crate::QSslConfiguration::set_ocsp_stapling_enabled) and the response has one
    /// answer. It may have errors: [`ssl_errors`](SslSocketNode::ssl_errors) reports them.
    #[doc(alias = "ocspResponses")]
    #[must_use]
    pub fn ocsp_responses(&self) -> Vec<QOcspResponse> {
        self.ocsp_responses.borrow().clone()
    }

    /// Ignores all errors of the peer's certificate in this connection. Called in a slot of
    /// [`ssl_errors`](SslSocketNode::ssl_errors), it also ignores the errors that the signal
    /// reports. The next [`connect_to_host_encrypted`](QSslSocket::connect_to_host_encrypted)
    /// cancels this.
    ///
    /// A socket that ignores all errors may be connected to an attacker. If you expect certain
    /// errors, ignore only these with [`ignore_ssl_errors_in`](QSslSocket::ignore_ssl_errors_in).
    /// Better still, trust the right certificate with
    /// [`set_ssl_configuration`](QSslSocket::set_ssl_configuration).
    #[doc(alias = "ignoreSslErrors")]
    pub fn ignore_ssl_errors(&self) {
        self.flags.ignore_all.set(true);
    }

    /// Ignores these errors, for this connection and all later ones. The connection succeeds only
    /// if all its errors are in the list. Two errors are the same if their kinds and certificates
    /// are equal.
    ///
    /// While the list is not empty, [`ignore_ssl_errors`](QSslSocket::ignore_ssl_errors) has no
    /// effect.
    #[doc(alias = "ignoreSslErrors")]
    pub fn ignore_ssl_errors_in(&self, errors: impl IntoIterator<Item: Borrow<QSslError>>) {
        let errors = owned(errors);
        self.ignored.replace(errors);
    }
}

/// The connection that is judged, and its state. A slot may change both.
#[derive(Clone, Copy)]
struct Judged {
    number: u32,
    state: SocketState,
}

impl SslSocketNode {
    /// Verifies the peer's certificate and reports its errors. Returns whether to continue.
    pub(super) fn judge(&self) -> bool {
        let judged = Judged { number: self.session_number.get(), state: self.base.state() };
        let _held = self.base.hold_closed();
        let muted = Muted::begin_verdict(self);
        let verdict = self.tell_errors(judged);
        drop(muted);
        let is_same = self.session_number.get() == judged.number;
        if !verdict && is_same && !self.flags.paused.get() {
            // A slot has closed the connection. Unsent data cannot be sent any more; Qt waits for
            // that for ever.
            self.drop_session();
            self.write_buffer.borrow_mut().clear(self.base.pool());
            self.inner.disconnect_from_host();
        }
        verdict && is_same
    }

    fn tell_errors(&self, judged: Judged) -> bool {
        let mode = self.verify_mode();
        let (errors, failure) = self.find_errors(mode);
        // The errors of the chain come last in the list but are emitted first.
        let of_leaf = errors.iter().take_while(|error| is_of_leaf(error.error())).count();
        for error in errors[of_leaf..].iter().chain(&errors[..of_leaf]) {
            self.peer_verify_error.emit(error.clone());
            if !self.is_judged(judged) {
                return false;
            }
        }
        if let Some(ocsp::Failure(text)) = failure {
            let error = SocketError::new(SocketErrorKind::SslHandshakeFailed, text);
            self.base.closure().note(CloseReason::TlsRefused(error.clone()));
            self.fail(&error);
            if self.session_number.get() == judged.number {
                self.drop_session();
                self.abort_connection();
            }
            return false;
        }
        self.errors.replace(errors.clone());
        errors.is_empty() || self.ask(errors, mode, judged)
    }

    /// Emits `ssl_errors`, and checks whether the program ignores the errors.
    fn ask(&self, errors: Vec<QSslError>, mode: PeerVerifyMode, judged: Judged) -> bool {
        self.ssl_errors.emit(errors);
        // A slot may have ended this connection. As in Qt, the socket then reports that the
        // certificate was refused. A slot may also have started another connection, which was not
        // judged.
        let is_another = self.session_number.get() != judged.number && !self.is_over();
        if self.life().is_dead() || is_another {
            return false;
        }
        if mode == PeerVerifyMode::Verify && !self.are_ignored() {
            let pauses = self.base.pause_mode().contains(PauseModes::PAUSE_ON_SSL_ERRORS);
            if pauses && self.is_judged(judged) {
                self.flags.paused.set(true);
                // The program may ask a user, who may take any time.
                self.inner.note_tls_handshake(false);
                self.with_session(Session::settle);
            } else {
                self.refuse();
            }
            return false;
        }
        self.is_judged(judged)
    }

    /// Returns whether this is still the judged connection.
    fn is_judged(&self, judged: Judged) -> bool {
        self.session_number.get() == judged.number && self.base.state() == judged.state
    }

    /// Returns whether there is no connection, or it is closing.
    fn is_over(&self) -> bool {
        matches!(self.inner.state(), SocketState::Unconnected | SocketState::Closing)
    }

    fn refuse(&self) {
        let text = self.errors.borrow().first().map(QSslError::error_string).unwrap_or_default();
        let error = SocketError::new(SocketErrorKind::SslHandshakeFailed, text);
        let _held = self.base.hold_closed();
        self.base.closure().note(CloseReason::TlsRefused(error.clone()));
        self.fail(&error);
        // The session's answer must not be sent.
        self.drop_session();
        self.inner.disconnect_from_host();
    }

    fn are_ignored(&self) -> bool {
        let ignored = self.ignored.borrow();
        if ignored.is_empty() {
            return self.flags.ignore_all.get();
        }
        self.errors.borrow().iter().all(|error| ignored.contains(error))
    }

    /// Returns how errors are treated.
    fn verify_mode(&self) -> PeerVerifyMode {
        match (self.configuration.borrow().peer_verify_mode(), self.mode.get()) {
            (PeerVerifyMode::Auto, SslMode::Server) => PeerVerifyMode::Query,
            (PeerVerifyMode::Auto, _) => PeerVerifyMode::Verify,
            (mode, _) => mode,
        }
    }

    /// Stores and returns the peer's certificates, its own first.
    fn note_peer(&self) -> Vec<QSslCertificate> {
        let session = self.session.borrow();
        let Some(session) = &*session else { return Vec::new() };
        let chain: Vec<_> = session
            .peer_certificates()
            .iter()
            .map(|certificate| QSslCertificate::new(certificate, EncodingFormat::Der))
            .collect();
        self.configuration.borrow_mut().learn_peer(chain.clone());
        chain
    }

    /// Returns all errors in Qt's order: those of the peer's own certificate, then those of the
    /// chain. With a failure, the list has the errors that Qt finds before it.
    fn find_errors(&self, mode: PeerVerifyMode) -> (Vec<QSslError>, Option<ocsp::Failure>) {
        let chain = self.note_peer();
        let before = self.ocsp_responses.take();
        drop(before);
        let is_client = self.mode.get() == SslMode::Client;
        if chain.is_empty() && mode != PeerVerifyMode::Verify {
            return (Vec::new(), None);
        }
        let configuration = self.configuration.borrow().clone();
        let trusts = mode != PeerVerifyMode::None && !chain.is_empty();
        let trusted = if trusts { configuration.trusted_certificates() } else { Vec::new() };
        let name = self.peer_name();
        let now = SystemTime::now();
        let mut errors = verify::verify(&verify::Request {
            chain: &chain,
            trusted: &trusted,
            host: is_client.then_some(&name),
            purpose: if is_client { verify::Purpose::Server } else { verify::Purpose::Client },
            depth: usize::try_from(configuration.peer_verify_depth()).unwrap_or(0),
            now,
        });
        if mode == PeerVerifyMode::None {
            errors.retain(|error| is_of_leaf(error.error()));
        }
        let stapled = self.stapled.take().map(|stapled| stapled.take());
        if let Some(response) = stapled.filter(|_| mode == PeerVerifyMode::Verify) {
            let request =
                ocsp::Request { response: &response, chain: &chain, trusted: &trusted, now };
            let is_fraud =
                |error: &QSslError| error.error() == SslErrorKind::CertificateBlacklisted;
            match ocsp::check(&request) {
                Ok(checked) => {
                    self.ocsp_responses.replace(checked.responses);
                    let frauds = errors.iter().take_while(|error| is_fraud(error)).count();
                    errors.splice(frauds..frauds, checked.errors);
                }
                Err(failure) => {
                    errors.retain(|error| is_fraud(error) || !is_of_leaf(error.error()));
                    return (errors, Some(failure));
                }
            }
        }
        (errors, None)
    }

    // ---- pausing

    pub(super) fn resume_later(&self) {
        if !self.flags.paused.get() {
            return;
        }
        let node = self.this.clone();
        let number = self.session_number.get();
        self.life().dispatcher().post(move || {
            if let Some(node) = node.upgrade()
                && node.session_number.get() == number
            {
                node.resume_now();
            }
        });
    }

    fn resume_now(&self) {
        if !self.flags.paused.replace(false) {
            return;
        }
        if !self.flags.encrypted.get() && !self.are_ignored() {
            self.refuse();
            return;
        }
        self.inner.note_tls_handshake(!self.flags.encrypted.get());
        self.inner.read_on();
        self.transmit();
    }
}

/// Returns whether Qt finds this error after it has verified the chain.
fn is_of_leaf(error: SslErrorKind) -> bool {
    use SslErrorKind::{
        CertificateBlacklisted, CertificateRevoked, HostNameMismatch, NoPeerCertificate,
        OcspNoResponseFound, OcspStatusUnknown,
    };
    matches!(
        error,
        CertificateBlacklisted | HostNameMismatch | NoPeerCertificate | CertificateRevoked
    ) || (OcspNoResponseFound as i32..=OcspStatusUnknown as i32).contains(&(error as i32))
}
