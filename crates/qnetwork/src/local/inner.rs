//! Signals of the inner socket, translated for the outer one.

use std::rc::Rc;

use super::{
    error::{LocalSocketError, LocalSocketErrorKind},
    socket::LocalSocketNode,
    state::LocalSocketState,
};
use crate::socket::{CloseReason, SocketErrorKind, SocketState, TellsEnd};

impl LocalSocketNode {
    /// Connects the signals of the inner socket to this one.
    pub(super) fn listen_to_inner(self: &Rc<Self>) {
        let inner = &self.inner;
        inner.state_changed.connect_to(self, |node, state| node.on_inner_state(*state));
        inner.error_occurred.connect_to(self, |node, kind| node.on_inner_error(*kind));
        inner.connected.connect_to(self, |node, ()| node.connected.emit(()));
        inner.disconnected.connect_to(self, |node, ()| node.disconnected.emit(()));
        inner.closed.connect_to(self, |node, reason| node.on_inner_closed(reason));
        inner.about_to_close.connect_to(self, |node, ()| node.base.about_to_close.emit(()));
        inner.read_channel_finished.connect_to(self, |node, ()| {
            node.base.read_channel_finished.emit(());
        });
    }

    fn on_inner_state(&self, state: SocketState) {
        let state = match state {
            SocketState::Unconnected => LocalSocketState::Unconnected,
            SocketState::Connecting => LocalSocketState::Connecting,
            SocketState::Connected => LocalSocketState::Connected,
            SocketState::Closing => LocalSocketState::Closing,
            _ => return,
        };
        if state == LocalSocketState::Unconnected {
            self.forget_names();
        }
        if self.state.get() != state {
            self.change_state(state);
        }
    }

    fn on_inner_error(&self, kind: SocketErrorKind) {
        // An error that does not end the connection holds nothing back.
        let _held = self.inner.closure().is_held().then(|| self.hold_closed());
        let error = LocalSocketError::from(kind);
        self.base.set_error_string(error.text());
        self.emit_error(error.kind());
    }

    pub(super) fn change_state(&self, state: LocalSocketState) {
        self.state.set(state);
        self.state_changed.emit(state);
    }

    pub(super) fn emit_error(&self, kind: LocalSocketErrorKind) {
        let held = self.hold_closed();
        self.error.emit(kind);
        let _held = held.for_last();
        self.error_occurred.emit(kind);
    }

    pub(super) fn last_error(&self) -> LocalSocketError {
        match self.inner.error() {
            SocketErrorKind::Unknown => LocalSocketError::not_connected(),
            kind => kind.into(),
        }
    }

    /// Closes the connection, as part of the device's `close()`.
    pub(super) fn close_socket(&self) {
        let _held = self.hold_closed();
        if self.attempt.borrow().is_some() {
            // The inner socket has no connection to close yet.
            self.drop_attempt();
            self.inner.abort();
        }
        self.inner.close();
        self.forget_names();
        self.base.close_device();
        self.end_attempt();
    }

    fn on_inner_closed(&self, reason: &CloseReason) {
        self.closure.end_with(reason.clone());
        self.tell_closed();
    }

    /// Notes the end of an attempt to connect of which the inner socket did not know.
    pub(super) fn end_attempt(&self) {
        // The inner socket still tells the end that it knows of.
        let told = self.inner.closure().is_told();
        if told && self.state.get() == LocalSocketState::Unconnected {
            self.closure.end();
            self.tell_closed();
        }
    }

    fn forget_names(&self) {
        self.server_name.take();
        self.full_server_name.take();
    }
}
