//! Handing over a connection that is not encrypted yet.

use qcore::{OpenMode, internals::DeviceInternals};

use super::SslSocketNode;
use crate::socket::{
    AttachError, DetachedSocket, SocketError, SocketErrorKind, SocketState, not_connected,
};

impl SslSocketNode {
    pub(super) fn detach_connection(&self) -> Result<DetachedSocket, SocketError> {
        if self.base.state() != SocketState::Connected {
            return Err(not_connected());
        }
        if !self.is_plain() {
            let text = "An encrypted connection cannot leave its socket, because its TLS session \
                        cannot";
            return Err(SocketError::new(SocketErrorKind::UnsupportedSocketOperation, text));
        }
        self.base.refuse_deleted("detach")?;
        let mut connection = self.inner.take_connection()?;
        connection.set_mode(self.base.open_mode());
        connection.prepend_unread(self.base.detach_buffer());
        self.base.lend_ends(&mut connection);
        self.base.forget_ends();
        self.base.set_open_mode(OpenMode::NOT_OPEN);
        self.base.change_state(SocketState::Unconnected);
        Ok(connection)
    }

    pub(super) fn attach_connection(&self, connection: DetachedSocket) -> Result<(), AttachError> {
        if let Err(error) = self.base.refuse_deleted("attach") {
            return Err(AttachError::new(error, connection));
        }
        let mode = connection.mode();
        if let Err(failed) = self.inner.put_connection(connection.without_text_mode()) {
            let error = failed.error().clone();
            let mut connection = failed.into_socket();
            connection.set_mode(mode);
            return Err(AttachError::new(error, connection));
        }
        let before = self.base.state();
        self.init();
        self.on_taken_over(SocketState::Connected, mode);
        self.base.set_peer_name(self.inner.peer_name());
        self.base.limit_reading(self.inner.read_buffer_size());
        if before != SocketState::Connected {
            self.base.state_changed.emit(SocketState::Connected);
        }
        Ok(())
    }
}
