//! Handing a connection over, with its TLS session.

use qcore::{
    OpenMode,
    internals::{DetachedBytes, DeviceInternals, handed_over},
    object::Node,
};

use super::SslSocketNode;
use crate::{
    socket::{
        AttachError, DetachedSocket, SocketError, SocketErrorKind, SocketState, TellsEnd,
        not_connected,
    },
    ssl::{
        configuration::QSslConfiguration,
        error::QSslError,
        kinds::SslMode,
        session::{DetachedSession, Session},
    },
};

/// What an encrypted connection takes along.
struct Encrypted {
    session: DetachedSession,
    mode: SslMode,
    configuration: QSslConfiguration,
    verify_name: String,
    errors: Vec<QSslError>,
    tickets: u32,
    tickets_wait: bool,
    /// Plain text that was not read.
    unread: DetachedBytes,
    /// Plain text that was not encrypted.
    unsent: DetachedBytes,
}

impl SslSocketNode {
    pub(super) fn detach_connection(&self) -> Result<DetachedSocket, SocketError> {
        self.base.refuse_deleted("detach")?;
        if self.base.state() != SocketState::Connected {
            return Err(not_connected());
        }
        let mut connection = if self.is_plain() {
            let mut connection = self.inner.take_connection()?;
            connection.prepend_unread(self.base.detach_buffer());
            connection
        } else {
            self.take_encrypted()?
        };
        connection.set_mode(self.base.open_mode());
        self.base.lend_ends(&mut connection);
        self.base.forget_ends();
        self.base.set_open_mode(OpenMode::NOT_OPEN);
        handed_over(&self.base).emit(());
        self.base.change_state(SocketState::Unconnected);
        Ok(connection)
    }

    fn take_encrypted(&self) -> Result<DetachedSocket, SocketError> {
        let flags = &self.flags;
        let closes = flags.pending_close.get() || flags.shut_down.get();
        let can_leave = self.session.borrow().as_ref().is_some_and(|session| session.can_leave());
        if closes || (flags.encrypted.get() && !can_leave) {
            return Err(not_connected());
        }
        if !flags.encrypted.get() {
            let text = "A connection cannot leave its socket during a TLS handshake";
            return Err(SocketError::new(SocketErrorKind::UnsupportedSocketOperation, text));
        }
        let mut connection = self.inner.take_connection()?;
        if let Some(session) = self.session.take() {
            connection.set_needed_extra(Encrypted {
                session: session.detach(),
                mode: self.mode.get(),
                configuration: self.configuration.borrow().clone(),
                verify_name: self.verify_name.borrow().clone(),
                errors: self.errors.borrow().clone(),
                tickets: self.tickets.get(),
                tickets_wait: flags.tickets_wait.get(),
                unread: self.base.detach_buffer(),
                unsent: self.write_buffer.borrow_mut().detach(),
            });
        }
        self.init();
        Ok(connection)
    }

    pub(super) fn attach_connection(
        &self,
        mut connection: DetachedSocket,
    ) -> Result<(), AttachError> {
        if let Err(error) = self.base.refuse_deleted("attach") {
            return Err(AttachError::new(error, connection));
        }
        let _held = self.base.hold_closed();
        let mode = connection.mode();
        let encrypted = connection.take_extra::<Encrypted>();
        if let Err(failed) = self.inner.put_connection(connection.without_text_mode()) {
            let error = failed.error().clone();
            let mut connection = failed.into_detached();
            connection.set_mode(mode);
            if let Some(encrypted) = encrypted {
                connection.set_needed_extra(*encrypted);
            }
            return Err(AttachError::new(error, connection));
        }
        let before = self.base.state();
        self.init();
        self.on_taken_over(SocketState::Connected, mode);
        self.base.set_peer_name(self.inner.peer_name());
        self.base.limit_reading(self.inner.read_buffer_size());
        if let Some(encrypted) = encrypted {
            self.put_encrypted(*encrypted);
        }
        if before != SocketState::Connected {
            self.base.state_changed.emit(SocketState::Connected);
        }
        Ok(())
    }

    fn put_encrypted(&self, encrypted: Encrypted) {
        let flags = &self.flags;
        self.mode.set(encrypted.mode);
        self.configuration.replace(encrypted.configuration);
        self.verify_name.replace(encrypted.verify_name);
        self.errors.replace(encrypted.errors);
        self.tickets.set(encrypted.tickets);
        flags.tickets_wait.set(encrypted.tickets_wait);
        flags.encrypted.set(true);
        self.base.attach_buffer(encrypted.unread);
        self.write_buffer.borrow_mut().attach(encrypted.unsent);
        flags.inherited.set(true);
        // What a proxy's engine has received belongs to the session.
        let received = self.inner.take_buffer();
        let session = Session::attach(encrypted.session, &received, self.base.pool().clone());
        self.session.replace(Some(Box::new(session)));
        // The next turn announces, decrypts and encrypts.
        let node = self.this.clone();
        self.life().dispatcher().post(move || {
            if let Some(node) = node.upgrade() {
                node.transmit();
            }
        });
    }
}
