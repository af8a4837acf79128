//! What is wrong with the other end, and what is to come of it.

use std::time::SystemTime;

use qcore::{internals::DeviceInternals, object::Node};

use super::{QSslSocket, SslSocketNode};
use crate::{
    PauseModes, PeerVerifyMode, SocketError, SocketErrorKind, SocketState, SslMode,
    ssl::{EncodingFormat, QSslCertificate, QSslError, SslError, session::Session, verify},
};

impl QSslSocket {
    /// The errors that [`ssl_errors`](SslSocketNode::ssl_errors) has told last.
    #[doc(alias = "sslHandshakeErrors")]
    #[must_use]
    pub fn ssl_handshake_errors(&self) -> Vec<QSslError> {
        self.errors.borrow().clone()
    }

    /// Ignores all errors of the other end's certificate: those that were just told, in a slot of
    /// [`ssl_errors`](SslSocketNode::ssl_errors), and those to come on this connection. The next
    /// call of [`connect_to_host_encrypted`](QSslSocket::connect_to_host_encrypted) ends that.
    ///
    /// Whoever ignores errors talks to anybody. Where it is known what is wrong, name it:
    /// [`ignore_ssl_errors_with`](QSslSocket::ignore_ssl_errors_with). Better still is to say whom
    /// to trust: [`set_ssl_configuration`](QSslSocket::set_ssl_configuration).
    #[doc(alias = "ignoreSslErrors")]
    pub fn ignore_ssl_errors(&self) {
        self.flags.ignore_all.set(true);
    }

    /// Ignores errors that are among these, on this connection and on those that follow. All errors
    /// that there are have to be; an error counts as the same if its certificate is the same, too.
    ///
    /// As long as there is such a list, [`ignore_ssl_errors`](QSslSocket::ignore_ssl_errors) counts
    /// for nothing.
    #[doc(alias = "ignoreSslErrors")]
    pub fn ignore_ssl_errors_with(&self, errors: impl Into<Vec<QSslError>>) {
        let errors = errors.into();
        self.ignored.replace(errors);
    }
}

/// Which connection it is that is judged, and its state: a slot may change both.
#[derive(Clone, Copy)]
struct Judged {
    number: u32,
    state: SocketState,
}

impl SslSocketNode {
    /// Looks at who the other end is, and tells what is wrong. Returns whether to go on.
    pub(super) fn judge(&self) -> bool {
        let judged = Judged { number: self.session_number.get(), state: self.base.state() };
        let court = Court::assemble(self);
        let verdict = self.tell_errors(judged);
        drop(court);
        let is_same = self.session_number.get() == judged.number;
        if !verdict && is_same && !self.flags.paused.get() {
            // A slot has closed the connection. What is still to be written cannot be: Qt waits for
            // it for ever.
            self.drop_session();
            self.write_buffer.borrow_mut().clear(self.base.pool());
            self.inner.disconnect_from_host();
        }
        verdict && is_same
    }

    fn tell_errors(&self, judged: Judged) -> bool {
        let mode = self.verify_mode();
        let errors = self.find_errors(mode);
        // Those of the chain come last in the list; but they are told first.
        let of_leaf = errors.iter().take_while(|error| is_of_leaf(error.error())).count();
        for error in errors[of_leaf..].iter().chain(&errors[..of_leaf]) {
            self.peer_verify_error.emit(error.clone());
            if !self.is_judged(judged) {
                return false;
            }
        }
        self.errors.replace(errors.clone());
        errors.is_empty() || self.ask(errors, mode, judged)
    }

    /// Tells all errors, and looks whether they are to be ignored.
    fn ask(&self, errors: Vec<QSslError>, mode: PeerVerifyMode, judged: Judged) -> bool {
        self.ssl_errors.emit(errors);
        // A slot may have ended this connection, which is told as a refusal all the same, as with
        // Qt; but if it has begun another one, that is not what was judged.
        let is_another = self.session_number.get() != judged.number && !self.is_over();
        if self.life().is_dead() || is_another {
            return false;
        }
        if mode == PeerVerifyMode::Verify && !self.are_ignored() {
            let pauses = self.base.pause_mode().contains(PauseModes::PAUSE_ON_SSL_ERRORS);
            if pauses && self.is_judged(judged) {
                self.flags.paused.set(true);
                self.with_session(Session::settle);
            } else {
                self.refuse();
            }
            return false;
        }
        self.is_judged(judged)
    }

    /// Whether it is still this connection that is judged.
    fn is_judged(&self, judged: Judged) -> bool {
        self.session_number.get() == judged.number && self.base.state() == judged.state
    }

    /// Whether there is no connection, or none for long.
    fn is_over(&self) -> bool {
        matches!(self.inner.state(), SocketState::Unconnected | SocketState::Closing)
    }

    fn refuse(&self) {
        let text = self.errors.borrow().first().map(QSslError::error_string).unwrap_or_default();
        self.fail(&SocketError::new(SocketErrorKind::SslHandshakeFailed, text));
        // What the session has to say is not to be said.
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

    /// What happens to the errors.
    fn verify_mode(&self) -> PeerVerifyMode {
        match (self.configuration.borrow().peer_verify_mode(), self.mode.get()) {
            (PeerVerifyMode::Auto, SslMode::Server) => PeerVerifyMode::Query,
            (PeerVerifyMode::Auto, _) => PeerVerifyMode::Verify,
            (mode, _) => mode,
        }
    }

    /// Notes the other end's certificates, its own first.
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

    /// All that is wrong, in Qt's order: what has to do with the other end's own certificate, then
    /// the chain.
    fn find_errors(&self, mode: PeerVerifyMode) -> Vec<QSslError> {
        let chain = self.note_peer();
        let is_client = self.mode.get() == SslMode::Client;
        if chain.is_empty() && mode != PeerVerifyMode::Verify {
            return Vec::new();
        }
        let configuration = self.configuration.borrow().clone();
        let trusts = mode != PeerVerifyMode::None && !chain.is_empty();
        let trusted = if trusts { configuration.trusted_certificates() } else { Vec::new() };
        let name = self.peer_name();
        let mut errors = verify::verify(&verify::Request {
            chain: &chain,
            trusted: &trusted,
            host: is_client.then_some(&name),
            purpose: if is_client { verify::Purpose::Server } else { verify::Purpose::Client },
            depth: usize::try_from(configuration.peer_verify_depth()).unwrap_or(0),
            now: SystemTime::now(),
        });
        if mode == PeerVerifyMode::None {
            errors.retain(|error| is_of_leaf(error.error()));
        }
        errors
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
        self.inner.resume_reading();
        self.transmit();
    }
}

/// Sits while errors are told: the session sends nothing meanwhile; one that a slot begins does. If
/// a slot panics there is no verdict, and the connection ends.
struct Court<'a> {
    node: &'a SslSocketNode,
    before: Option<u32>,
}

impl<'a> Court<'a> {
    fn assemble(node: &'a SslSocketNode) -> Self {
        let before = node.flags.judging.replace(Some(node.session_number.get()));
        Court { node, before }
    }
}

impl Drop for Court<'_> {
    fn drop(&mut self) {
        let node = self.node;
        node.flags.judging.set(self.before);
        if std::thread::panicking() {
            node.drop_session();
            let this = node.this.clone();
            node.life().dispatcher().post(move || {
                if let Some(node) = this.upgrade() {
                    node.inner.abort();
                }
            });
        }
    }
}

/// Whether an error is one that is looked for when the chain was verified already.
fn is_of_leaf(error: SslError) -> bool {
    use SslError::{CertificateBlacklisted, HostNameMismatch, NoPeerCertificate};
    matches!(error, CertificateBlacklisted | HostNameMismatch | NoPeerCertificate)
}
