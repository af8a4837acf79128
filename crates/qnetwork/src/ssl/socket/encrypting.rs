//! Starting a session, and its handshake.

use std::net::{IpAddr, Ipv4Addr};

use qcore::{OpenMode, internals::DeviceInternals, object::Node};
use rustls::{
    ProtocolVersion,
    pki_types::{DnsName, ServerName},
};

use super::{SslSocketNode, muted::Muted};
use crate::{
    address::{NetworkLayerProtocol, QHostAddress},
    common::{OnPanic, PanicWatch},
    host_info,
    socket::{CloseReason, SocketError, SocketErrorKind, SocketState, TellsEnd},
    ssl::{kinds::SslMode, reason, session::Session, tls},
};

impl SslSocketNode {
    pub(super) fn connect_encrypted(
        &self,
        host_name: String,
        port: u16,
        peer_name: String,
        mode: OpenMode,
        protocol: NetworkLayerProtocol,
    ) {
        if matches!(self.base.state(), SocketState::Connected | SocketState::Connecting) {
            qcore::q_warning!(
                "QSslSocket::connectToHostEncrypted() called when already connecting/connected"
            );
            return;
        }
        let looking_up = self.inner.state() == SocketState::HostLookup;
        if !peer_name.is_empty() && (self.is_free() || looking_up) {
            self.verify_name.replace(peer_name);
        }
        let was_free = self.is_free();
        if was_free && !self.tell_end_now("connectToHostEncrypted") {
            return;
        }
        let held = self.base.hold_closed();
        if let Err(error) = self.check_protocol("connectToHostEncrypted") {
            if was_free {
                self.base.closure().end_with(CloseReason::ConnectFailed(error));
            }
            return;
        }
        drop(held);
        if self.is_free() {
            self.init();
            self.flags.auto_start.set(true);
            self.flags.initialized.set(true);
        } else if looking_up {
            // As in Qt, the call is refused, but it applies to the connection that is being made.
            self.flags.auto_start.set(true);
        }
        self.connect_plain(host_name, port, mode, protocol);
    }

    fn has_no_protocol(&self) -> bool {
        tls::versions(self.configuration.borrow().protocol()).is_empty()
    }

    /// Notes that the handshake cannot start. As in Qt, the connection stays. A time-out for the
    /// handshake ends it.
    fn note_failed_start(&self) {
        self.flags.start_failed.set(true);
        self.inner.note_tls_handshake(true);
    }

    /// Checks that the protocol is supported, and reports an error if not.
    pub(super) fn check_protocol(&self, function: &str) -> Result<(), SocketError> {
        if !self.has_no_protocol() {
            return Ok(());
        }
        let text = "Attempted to use an unsupported protocol.";
        qcore::q_warning!("QSslSocket::{function}: {text}");
        let error = SocketError::new(SocketErrorKind::SslInvalidUserData, text);
        self.fail(&error);
        Err(error)
    }

    pub(super) fn start_encryption(&self, mode: SslMode) {
        let function = match mode {
            SslMode::Server => "startServerEncryption",
            _ => "startClientEncryption",
        };
        if self.mode.get() != SslMode::Unencrypted {
            qcore::q_warning!(
                "QSslSocket::{function}: cannot start handshake on non-plain connection"
            );
            return;
        }
        let state = self.base.state();
        // If a slot has closed the socket before encryption starts, its data must still be sent
        // encrypted.
        let is_last_wish = state == SocketState::Closing && self.flags.pending_close.get();
        if state != SocketState::Connected && !is_last_wish {
            qcore::q_warning!("QSslSocket::{function}: cannot start handshake when not connected");
            return;
        }
        if !self.is_plain() && self.has_no_protocol() {
            self.note_failed_start();
        }
        if self.check_protocol(function).is_err() {
            return;
        }
        self.mode.set(mode);
        let _lost = LostByPanic::new(self);
        let number = self.session_number.get();
        self.tell_mode(mode);
        let is_connected = self.inner.state() == SocketState::Connected;
        if self.session_number.get() != number || self.mode.get() != mode || !is_connected {
            // A slot has ended the connection, or begun another one.
            return;
        }
        match self.make_session(mode) {
            Ok(session) => {
                self.drop_session();
                self.session.replace(Some(Box::new(session)));
                self.inner.note_tls_handshake(true);
                self.take_plain_bytes();
                self.transmit();
            }
            Err(error) => {
                self.note_failed_start();
                let held = self.base.hold_closed();
                self.fail(&error);
                let _held = held.for_last();
                let text = "Unable to init SSL Context: ";
                self.fail(&SocketError::new(SocketErrorKind::SslInternal, text));
            }
        }
    }

    /// Emits `mode_changed`. If a slot runs a loop, arriving data is left for the session.
    fn tell_mode(&self, mode: SslMode) {
        struct Told<'a>(&'a SslSocketNode);
        impl Drop for Told<'_> {
            fn drop(&mut self) {
                self.0.flags.starting.set(false);
                self.0.inner.read_on();
            }
        }
        self.flags.starting.set(true);
        let _told = Told(self);
        self.mode_changed.emit(mode);
    }

    fn make_session(&self, mode: SslMode) -> Result<Session, SocketError> {
        let configuration = self.configuration.borrow().clone();
        let pool = self.base.pool().clone();
        let session = match mode {
            SslMode::Server => {
                let config = tls::server_config(&configuration)?;
                if configuration.ocsp_stapling_enabled() {
                    let text = "Server-side QSslSocket does not support OCSP stapling";
                    return Err(SocketError::new(SocketErrorKind::SslInvalidUserData, text));
                }
                Session::server(config, pool)
            }
            _ => {
                let mut config = tls::client_config(&configuration)?;
                if configuration.ocsp_response().is_some() {
                    let text = "Client-side sockets do not send OCSP responses";
                    return Err(SocketError::new(SocketErrorKind::SslInvalidUserData, text));
                }
                let asks = configuration.ocsp_stapling_enabled();
                let stapled = asks.then(|| tls::stapling(&mut config));
                self.stapled.replace(stapled);
                Session::client(config, self.server_name(), pool)
            }
        };
        session.map_err(|error| tls::bad_configuration(&error))
    }

    /// Returns the server's name, which the client sends to the server. An address is not sent.
    fn server_name(&self) -> ServerName<'static> {
        let name = self.peer_name();
        let address = name.parse::<QHostAddress>().ok();
        if let Some(address) = address.and_then(|address| address.to_ip_addr()) {
            return ServerName::IpAddress(address.into());
        }
        let ascii = host_info::ace::to_ace(&name).unwrap_or_default();
        match DnsName::try_from(ascii.trim_end_matches('.').to_owned()) {
            Ok(name) => ServerName::DnsName(name),
            // rustls requires a name. It does not send this one.
            Err(_) => ServerName::IpAddress(IpAddr::from(Ipv4Addr::UNSPECIFIED).into()),
        }
    }

    /// Returns the name that the peer must have.
    pub(super) fn peer_name(&self) -> String {
        let name = self.verify_name.borrow().clone();
        if name.is_empty() { self.base.peer_name() } else { name }
    }

    /// Gives the session the data that was received before encryption started and was not read. An
    /// attacker on the network could have inserted it.
    fn take_plain_bytes(&self) {
        let mut bytes = self.base.take_buffer();
        bytes.extend(self.inner.take_buffer());
        if !bytes.is_empty()
            && let Some(session) = &mut *self.session.borrow_mut()
        {
            session.receive_all(bytes);
        }
        self.inner.read_anew();
    }

    /// Handles the end of the handshake.
    pub(super) fn on_encrypted(&self) {
        if let Some(session) = &*self.session.borrow() {
            let common = session.common();
            self.configuration.borrow_mut().learn_session(common);
            // Sent alone, the tickets would delay the first data by 40 ms, until the peer, which
            // need not answer them, acknowledges them.
            let is_last = common.protocol_version() == Some(ProtocolVersion::TLSv1_3);
            self.flags.tickets_wait.set(is_last && self.mode.get() == SslMode::Server);
        }
        self.flags.encrypted.set(true);
        self.inner.note_tls_handshake(false);
        let number = self.session_number.get();
        self.encrypted.emit(());
        if self.session_number.get() == number
            && self.flags.auto_start.get()
            && self.flags.pending_close.replace(false)
        {
            self.disconnect();
        }
    }

    /// Handles invalid data from the peer, or its alert, during the handshake or later.
    pub(super) fn on_failed(&self, error: &rustls::Error) {
        if self.flags.encrypted.get() {
            return self.on_broken(error);
        }
        let number = self.session_number.get();
        self.send_alert();
        if self.session_number.get() != number {
            return;
        }
        let text = format!("Error during SSL handshake: {}", reason::of(error));
        let error = SocketError::new(SocketErrorKind::SslHandshakeFailed, text);
        let _held = self.base.hold_closed();
        self.base.closure().note(CloseReason::TlsRefused(error.clone()));
        self.fail_for_good(&error);
        self.abort_connection();
    }

    /// Sends the alert immediately, because the connection is about to be aborted.
    fn send_alert(&self) {
        let Some(alert) = self.with_session(Session::alert).flatten() else { return };
        let _muted = Muted::begin(self);
        // If the alert cannot be sent, the connection has ended anyway.
        if self.inner.enqueue(alert).is_ok() {
            self.inner.flush();
        }
    }

    /// Makes the loop end a connection whose session was lost by a panic.
    fn fail_later(&self) {
        self.drop_session();
        let (this, number) = (self.this.clone(), self.session_number.get());
        self.life().dispatcher().post(move || {
            let Some(node) = this.upgrade() else { return };
            let is_over = node.base.state() == SocketState::Unconnected;
            if node.session_number.get() != number || is_over {
                return;
            }
            let text = "The TLS session was lost by a panic";
            let error = SocketError::new(SocketErrorKind::SslInternal, text);
            let _held = node.base.hold_closed();
            node.base.closure().note(CloseReason::Failed(error.clone()));
            let this = node.this.clone();
            let _abort = OnPanic::new(node.life().dispatcher(), move || {
                if let Some(node) = this.upgrade()
                    && node.session_number.get() == number
                {
                    node.abort_connection();
                }
            });
            node.fail_for_good(&error);
            if node.session_number.get() == number {
                node.abort_connection();
            }
        });
    }

    /// Reports an error that ends the session. Meanwhile the session moves no bytes.
    fn fail_for_good(&self, error: &SocketError) {
        let _muted = Muted::begin(self);
        self.fail(error);
    }

    /// Handles data that cannot be decrypted, and alerts, after the handshake. In Qt the connection
    /// stays open, and not even the program can close it, until the peer closes it. Here it ends,
    /// and the peer gets an alert.
    fn on_broken(&self, error: &rustls::Error) {
        let number = self.session_number.get();
        // Send it first, because a slot of the error may close the connection.
        if let Some(alert) = self.with_session(Session::alert).flatten() {
            // If the alert cannot be sent, the connection has ended anyway.
            let _ = self.inner.enqueue(alert);
        }
        if self.session_number.get() != number {
            return;
        }
        let text = format!("Error while reading: {}", reason::of(error));
        let failure = SocketError::new(SocketErrorKind::SslInternal, text);
        let _held = self.base.hold_closed();
        self.base.closure().note(CloseReason::Failed(failure.clone()));
        self.fail_for_good(&failure);
        if self.session_number.get() != number {
            return;
        }
        if let rustls::Error::AlertReceived(_) = error {
            // With its alert the peer has closed, whether or not its end of the stream has arrived.
            self.fail_for_good(&SocketError::remote_host_closed());
            if self.session_number.get() != number {
                return;
            }
        }
        self.drop_session();
        self.inner.disconnect_from_host();
    }
}

/// Ends the connection if the program's code panics while the session is being made or rustls works
/// on it. The connection cannot go on without its session.
pub(super) struct LostByPanic<'a> {
    node: &'a SslSocketNode,
    panics: PanicWatch,
}

impl<'a> LostByPanic<'a> {
    pub(super) fn new(node: &'a SslSocketNode) -> Self {
        LostByPanic { node, panics: PanicWatch::new() }
    }
}

impl Drop for LostByPanic<'_> {
    fn drop(&mut self) {
        if self.panics.sees_panic() {
            self.node.fail_later();
        }
    }
}
