//! What the socket behind a local one tells, and how that is passed on.

use std::rc::Weak;

use super::{
    LocalSocketError, LocalSocketErrorKind, LocalSocketNode, LocalSocketState,
    socket::not_connected,
};
use crate::socket::{SocketErrorKind, SocketState};

impl LocalSocketNode {
    /// Has the inner socket tell this one what becomes of it.
    pub(super) fn listen_to_inner(&self) {
        /// A slot that calls a function of the node.
        fn slot<T: 'static>(
            this: &Weak<LocalSocketNode>,
            call: impl Fn(&LocalSocketNode, &T) + 'static,
        ) -> impl Fn(&T) + 'static {
            let this = this.clone();
            move |value| {
                if let Some(node) = this.upgrade() {
                    call(&node, value);
                }
            }
        }
        let (inner, this) = (&self.inner, &self.this);
        inner.state_changed.connect(slot(this, |node, state| node.on_inner_state(*state)));
        inner.error_occurred.connect(slot(this, |node, kind| node.on_inner_error(*kind)));
        inner.connected.connect(slot(this, |node, ()| node.connected.emit(())));
        inner.disconnected.connect(slot(this, |node, ()| node.disconnected.emit(())));
        inner.about_to_close.connect(slot(this, |node, ()| node.base.about_to_close.emit(())));
        inner.read_channel_finished.connect(slot(this, |node, ()| {
            node.base.read_channel_finished.emit(());
        }));
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
        let error = LocalSocketError::from(kind);
        self.base.set_error_string(error.text());
        self.emit_error(error.kind());
    }

    pub(super) fn change_state(&self, state: LocalSocketState) {
        self.state.set(state);
        self.state_changed.emit(state);
    }

    pub(super) fn emit_error(&self, kind: LocalSocketErrorKind) {
        self.error.emit(kind);
        self.error_occurred.emit(kind);
    }

    pub(super) fn last_error(&self) -> LocalSocketError {
        match self.inner.error() {
            SocketErrorKind::Unknown => not_connected(),
            kind => kind.into(),
        }
    }

    /// What `close()` of the device does here.
    pub(super) fn close_socket(&self) {
        if self.attempt.borrow().is_some() {
            // There is nothing that the inner socket could close.
            self.drop_attempt();
            self.inner.abort();
        }
        self.inner.close();
        self.forget_names();
        self.base.close_device();
    }

    fn forget_names(&self) {
        self.server_name.take();
        self.full_server_name.take();
    }
}
