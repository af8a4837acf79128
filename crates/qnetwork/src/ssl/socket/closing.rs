//! Ending a connection, and preparing the next one.

use std::{net::SocketAddr, os::fd::OwnedFd};

use mio::net::TcpStream;
use qcore::{OpenMode, internals::DeviceInternals, object::Node};

use super::SslSocketNode;
use crate::{
    address::NetworkLayerProtocol,
    socket::{CloseReason, SocketError, SocketState, TellsEnd},
    ssl::{kinds::SslMode, session::Session},
};

impl SslSocketNode {
    /// Clears the state of the previous connection.
    pub(super) fn init(&self) {
        self.drop_session();
        self.base.closure().renew();
        self.mode.set(SslMode::Unencrypted);
        let flags = &self.flags;
        for flag in [
            &flags.auto_start,
            &flags.encrypted,
            &flags.ignore_all,
            &flags.paused,
            &flags.pending_close,
            &flags.close_missed,
            &flags.shut_down,
            &flags.peer_closed,
            &flags.told_end,
            &flags.start_failed,
            &flags.has_lost,
            &flags.tickets_wait,
        ] {
            flag.set(false);
        }
        self.tickets.set(0);
        self.ready_reads.set(0);
        self.base.forget_end_of_reading();
        self.base.clear_buffer();
        self.write_buffer.borrow_mut().clear(self.base.pool());
        self.configuration.borrow_mut().forget();
    }

    pub(super) fn connect_plain(
        &self,
        host_name: String,
        port: u16,
        mode: OpenMode,
        protocol: NetworkLayerProtocol,
    ) {
        if !self.is_free() {
            // The connection stays as it is, encrypted or not. The inner socket logs the warning.
            self.inner.connect_to_host_with_mode(host_name, port, mode, protocol);
            return;
        }
        if !self.tell_end_now("connectToHost") {
            return;
        }
        if !self.is_free() {
            self.inner.connect_to_host_with_mode(host_name, port, mode, protocol);
            return;
        }
        if !self.flags.initialized.replace(false) {
            self.init();
        }
        self.inner.set_proxy(self.base.proxy());
        self.inner.set_protocol_tag(self.base.protocol_tag());
        self.base.open_device(mode);
        self.base.set_channel_counts(0, 0);
        self.inner.connect_to_host_with_mode(host_name, port, mode, protocol);
    }

    /// Emits `closed` for the previous connection, whose mode and cause are still known. Returns
    /// `false` if the socket was deleted, before or by a slot.
    pub(super) fn tell_end_now(&self, function: &str) -> bool {
        // The inner socket passes its reason on to this one.
        self.inner.tell_closed_now();
        self.base.tell_closed_now();
        let is_alive = !self.life().is_dying();
        if !is_alive {
            qcore::q_warning!("QSslSocket::{function}() called on a socket that was deleted");
        }
        is_alive
    }

    /// Returns whether the socket has no connection and is not connecting.
    pub(super) fn is_free(&self) -> bool {
        matches!(self.inner.state(), SocketState::Unconnected | SocketState::Bound)
    }

    pub(super) fn take_over(
        &self,
        descriptor: OwnedFd,
        state: SocketState,
        mode: OpenMode,
    ) -> Result<(), SocketError> {
        self.inner.tell_closed_now();
        self.base.tell_closed_now();
        self.base.refuse_deleted("setSocketDescriptor")?;
        self.init();
        if let Err(error) = self.inner.set_socket_descriptor_with_state(descriptor, state, mode) {
            self.base.set_error(&error);
            // The previous connection must not continue without its session.
            let _held = self.base.hold_closed();
            self.inner.abort();
            return Err(error);
        }
        let is_closed = self.inner.state() == SocketState::Unconnected;
        if is_closed && state != SocketState::Unconnected {
            // A slot of the previous connection's last signals has closed this one.
            return Ok(());
        }
        self.on_taken_over(state, mode);
        Ok(())
    }

    /// Takes over a connection that a server has accepted.
    pub(in crate::ssl) fn adopt(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
    ) -> Result<(), SocketError> {
        self.inner.adopt(stream, peer)?;
        self.on_taken_over(SocketState::Connected, OpenMode::READ_WRITE);
        Ok(())
    }

    pub(super) fn on_taken_over(&self, state: SocketState, mode: OpenMode) {
        self.base.clear_error();
        self.base.set_socket_state(state);
        self.base.open_device(mode);
        self.base.mirror(&self.inner);
    }

    pub(super) fn disconnect(&self) {
        let state = self.base.state();
        if state == SocketState::Unconnected {
            return;
        }
        if self.is_plain() {
            self.inner.disconnect_from_host();
            return;
        }
        if self.base.is_reading_ended() {
            // The other end has closed first.
            self.base.closure().note(CloseReason::Remote);
        }
        self.inner.limit_closing(None);
        if matches!(state, SocketState::HostLookup | SocketState::Connecting) {
            self.flags.pending_close.set(true);
            return;
        }
        if state != SocketState::Closing {
            let number = self.session_number.get();
            self.base.change_state(SocketState::Closing);
            let is_closing = self.base.state() == SocketState::Closing;
            if !is_closing || self.session_number.get() != number {
                // A slot has ended the connection, and may have begun another one.
                return;
            }
        }
        if self.flags.paused.replace(false) {
            // The program closes the socket instead of deciding about the errors.
            self.drop_session();
            self.drop_unsent();
        }
        // A logger may close the socket while rustls works on the session, which cannot say goodbye
        // then. The socket closes when rustls has finished.
        if self.flags.encrypted.get() && self.note_missed() {
            self.flags.close_missed.set(true);
            return;
        }
        if !self.write_buffer.borrow().is_empty() {
            self.flags.pending_close.set(true);
            return;
        }
        self.say_goodbye();
        self.inner.disconnect_from_host();
    }

    /// Returns whether the connection was closed before either end had sent TLS's closing message.
    /// An attacker on the network can close it like that, and bytes may be missing. A connection
    /// that is not encrypted was cut off if it was reset.
    #[cfg(feature = "tasks")]
    pub(super) fn is_cut_off(&self) -> bool {
        use crate::socket::SocketErrorKind;
        if !self.flags.encrypted.get() {
            return self.base.has_ended() && self.inner.is_cut_off();
        }
        !self.has_goodbye()
            && self.base.has_ended()
            && self.base.last_error() == SocketErrorKind::RemoteHostClosed
    }

    /// Returns whether one of the ends has sent TLS's closing message.
    pub(super) fn has_goodbye(&self) -> bool {
        self.flags.shut_down.get() || self.flags.peer_closed.get()
    }

    /// Tells the peer that no more data follows.
    pub(super) fn say_goodbye(&self) {
        // As in Qt, a peer that has closed gets no message, unless a stream was still sending.
        let is_needless = self.flags.peer_closed.get() && !self.base.is_reading_ended();
        if !self.flags.encrypted.get() || is_needless || self.flags.shut_down.replace(true) {
            return;
        }
        // A session that cannot send the message has ended anyway.
        let _ = self.with_session(Session::close);
        self.flags.tickets_wait.set(false);
        self.transmit();
    }

    pub(super) fn abort_connection(&self) {
        let _held = self.base.hold_closed();
        self.inner.abort();
        self.close_socket();
    }

    /// Closes the connection, as part of the device's `close()`.
    pub(super) fn close_socket(&self) {
        let _held = self.base.hold_closed();
        if self.inner.bytes_to_write() > 0 || !self.write_buffer.borrow().is_empty() {
            self.flush_all();
        }
        self.inner.close();
        self.base.close_device();
        if self.base.state() != SocketState::Unconnected {
            self.disconnect();
        }
        self.base.clear_buffer();
        self.drop_unsent();
    }

    /// Drops written data that was not encrypted.
    pub(super) fn drop_unsent(&self) {
        let mut buffer = self.write_buffer.borrow_mut();
        self.flags.has_lost.set(self.flags.has_lost.get() || !buffer.is_empty());
        buffer.clear(self.base.pool());
    }

    pub(super) fn drop_session(&self) {
        self.session_number.set(self.session_number.get().wrapping_add(1));
        self.flags.inherited.set(false);
        let session = self.session.take();
        if let Some(session) = session {
            session.recycle();
        }
    }

    /// Sets and emits an error.
    pub(super) fn fail(&self, error: &SocketError) {
        self.base.set_error(error);
        self.base.emit_error();
    }
}
