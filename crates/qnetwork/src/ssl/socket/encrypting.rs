//! The beginning of a session, and its handshake.

use std::net::{IpAddr, Ipv4Addr};

use qcore::{OpenMode, internals::DeviceInternals};
use rustls::{
    ProtocolVersion,
    pki_types::{DnsName, ServerName},
};

use super::SslSocketNode;
use crate::{
    NetworkLayerProtocol, QHostAddress, SocketError, SocketErrorKind, SocketState, SslMode,
    host_info,
    ssl::{reason, session::Session, tls},
};

impl SslSocketNode {
    pub(super) fn connect_encrypted(
        &self,
        host_name: String,
        port: u16,
        peer_name: &str,
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
            self.verify_name.replace(peer_name.to_owned());
        }
        if self.check_protocol("connectToHostEncrypted").is_err() {
            return;
        }
        if self.is_free() {
            self.init();
            self.flags.auto_start.set(true);
            self.flags.initialized.set(true);
        } else if looking_up {
            // The call is refused, but what it was for is done to the connection that will be, as
            // with Qt.
            self.flags.auto_start.set(true);
        }
        self.connect_plain(host_name, port, mode, protocol);
    }

    /// Whether the protocol is one that is spoken; it is an error if not.
    pub(super) fn check_protocol(&self, function: &str) -> Result<(), SocketError> {
        if !tls::versions(self.configuration.borrow().protocol()).is_empty() {
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
        // What was written is still to go out, encrypted, if a slot has asked for the end before
        // this begins.
        let is_last_wish = state == SocketState::Closing && self.flags.pending_close.get();
        if state != SocketState::Connected && !is_last_wish {
            qcore::q_warning!("QSslSocket::{function}: cannot start handshake when not connected");
            return;
        }
        if self.check_protocol(function).is_err() {
            return;
        }
        self.mode.set(mode);
        self.tell_mode(mode);
        if self.mode.get() != mode || self.inner.state() != SocketState::Connected {
            // A slot has ended it.
            return;
        }
        match self.make_session(mode) {
            Ok(session) => {
                self.drop_session();
                self.session.replace(Some(Box::new(session)));
                self.take_plain_bytes();
                self.transmit();
            }
            Err(error) => {
                self.fail(&error);
                let text = "Unable to init SSL Context: ";
                self.fail(&SocketError::new(SocketErrorKind::SslInternal, text));
            }
        }
    }

    /// Tells of the mode. What comes to a loop that a slot runs is not read: it is for the session
    /// to come.
    fn tell_mode(&self, mode: SslMode) {
        struct Told<'a>(&'a SslSocketNode);
        impl Drop for Told<'_> {
            fn drop(&mut self) {
                self.0.flags.starting.set(false);
                self.0.inner.resume_reading();
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
                Session::server(config, pool)
            }
            _ => {
                let config = tls::client_config(&configuration)?;
                Session::client(config, self.server_name(), pool)
            }
        };
        session.map_err(|error| tls::bad_configuration(&error))
    }

    /// The server's name, as it is told to the server. An address is not told.
    fn server_name(&self) -> ServerName<'static> {
        let name = self.peer_name();
        let address = name.parse::<QHostAddress>().ok();
        if let Some(address) = address.and_then(|address| address.to_ip_addr()) {
            return ServerName::IpAddress(address.into());
        }
        let ascii = host_info::ace::to_ace(&name).unwrap_or_default();
        match DnsName::try_from(ascii.trim_end_matches('.').to_owned()) {
            Ok(name) => ServerName::DnsName(name),
            // Something has to be there, and this is not told.
            Err(_) => ServerName::IpAddress(IpAddr::from(Ipv4Addr::UNSPECIFIED).into()),
        }
    }

    /// The name that the other end is to have.
    pub(super) fn peer_name(&self) -> String {
        let name = self.verify_name.borrow().clone();
        if name.is_empty() { self.base.peer_name() } else { name }
    }

    /// What was received before encryption began, and not read, is a part of it: whoever is between
    /// the ends could have put it in.
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

    /// The handshake is over.
    pub(super) fn on_encrypted(&self) {
        if let Some(session) = &*self.session.borrow() {
            let common = session.common();
            self.configuration.borrow_mut().learn_session(common);
            // Sent by themselves they would keep the first data waiting until the other end, which
            // need not answer them, confirms their arrival: 40 ms.
            let is_last = common.protocol_version() == Some(ProtocolVersion::TLSv1_3);
            self.flags.tickets_wait.set(is_last && self.mode.get() == SslMode::Server);
        }
        self.flags.encrypted.set(true);
        let number = self.session_number.get();
        self.encrypted.emit(());
        if self.session_number.get() == number
            && self.flags.auto_start.get()
            && self.flags.pending_close.replace(false)
        {
            self.disconnect();
        }
    }

    /// The handshake has failed, or what comes after it: the other end says what makes no sense, or
    /// refuses.
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
        self.fail_for_good(&SocketError::new(SocketErrorKind::SslHandshakeFailed, text));
        self.abort_connection();
    }

    /// Tells the other end why this one gives up, at once: the connection is about to be aborted.
    fn send_alert(&self) {
        let Some(alert) = self.with_session(Session::alert).flatten() else { return };
        let _told = Failing::begin(self);
        // If there is no telling it any more the connection is over anyway.
        if self.inner.accept_chunk(alert.into()).is_ok() {
            self.inner.flush();
        }
    }

    /// Tells of an error that ends the session; it moves nothing meanwhile.
    fn fail_for_good(&self, error: &SocketError) {
        let _told = Failing::begin(self);
        self.fail(error);
    }

    /// What comes cannot be decrypted any more, or the other end has ended the session by an alert.
    /// In Qt the connection stays, and cannot even be closed, until the other end closes it; here
    /// it ends, and the other end is told.
    fn on_broken(&self, error: &rustls::Error) {
        let number = self.session_number.get();
        // First of all: a slot that is told of the error may close the connection.
        if let Some(alert) = self.with_session(Session::alert).flatten() {
            // If there is no telling it any more the connection is over anyway.
            let _ = self.inner.accept_chunk(alert.into());
        }
        if self.session_number.get() != number {
            return;
        }
        let text = format!("Error while reading: {}", reason::of(error));
        self.fail_for_good(&SocketError::new(SocketErrorKind::SslInternal, text));
        if self.session_number.get() != number {
            return;
        }
        if let rustls::Error::AlertReceived(_) = error {
            // It has closed with that, whether its end of the stream has come or not.
            self.fail_for_good(&SocketError::remote_host_closed());
            if self.session_number.get() != number {
                return;
            }
        }
        self.drop_session();
        self.inner.disconnect_from_host();
    }
}

/// While there is one the session that has failed moves nothing. One that a slot begins does.
struct Failing<'a> {
    node: &'a SslSocketNode,
    before: Option<u32>,
}

impl<'a> Failing<'a> {
    fn begin(node: &'a SslSocketNode) -> Self {
        let before = node.flags.failing.replace(Some(node.session_number.get()));
        Failing { node, before }
    }
}

impl Drop for Failing<'_> {
    fn drop(&mut self) {
        self.node.flags.failing.set(self.before);
    }
}
