//! The end of a connection.

use qcore::{OpenMode, internals::DeviceInternals};

use super::{AbstractSocketNode, Ends, QAbstractSocket, SocketState};

impl QAbstractSocket {
    /// Closes the connection, after everything was written.
    ///
    /// If there is nothing to write the socket is unconnected when this returns; else it is
    /// [`Closing`](SocketState::Closing) until then. While it is still connecting, it goes on to do
    /// so, sends what was written, and closes. The socket stays open as a device: what was not read
    /// can be read.
    #[doc(alias = "disconnectFromHost")]
    pub fn disconnect_from_host(&self) {
        match self.class() {
            Some(class) => class.disconnect_from_host(),
            None => self.disconnect(),
        }
    }

    /// Closes the connection at once. What was not written is lost.
    pub fn abort(&self) {
        match self.class() {
            Some(class) => class.abort(),
            None => self.abort_connection(),
        }
    }
}

impl AbstractSocketNode {
    pub(super) fn abort_connection(&self) {
        self.clear_write_queue();
        self.close_write_channel();
        if self.state.get() == SocketState::Unconnected {
            return;
        }
        self.stop_connect_timer();
        self.flags.abort_called.set(true);
        self.close_socket();
    }

    /// What `close()` of the device does here.
    pub(crate) fn close_socket(&self) {
        self.base.close_device();
        if self.state.get() != SocketState::Unconnected {
            self.disconnect();
        }
    }

    pub(super) fn disconnect(&self) {
        let state = self.state.get();
        if state == SocketState::Unconnected {
            return;
        }
        let aborting = self.flags.abort_called.get();
        if !aborting && matches!(state, SocketState::Connecting | SocketState::HostLookup) {
            self.flags.pending_close.set(true);
            return;
        }
        if aborting {
            self.cancel_lookup();
        } else {
            if state != SocketState::Closing {
                self.change_state(SocketState::Closing);
                if self.state.get() != SocketState::Closing {
                    // A slot has aborted it.
                    return;
                }
            }
            if self.engine().is_some() && !self.write_queue.borrow().is_empty() {
                self.request_write();
                return;
            }
        }
        self.finish();
    }

    /// The connection is no more: says so.
    fn finish(&self) {
        let before = self.state.get();
        self.cancel_lookup();
        self.stop_connect_timer();
        if before == SocketState::Closing
            && !self.flags.abort_called.get()
            && let (Some(outer), Some(engine)) = (self.outer(), self.engine())
        {
            outer.before_closing(&engine);
        }
        self.release_engine();
        self.change_state(SocketState::Unconnected);
        // A slot may have begun to connect anew; as Qt's, these come all the same.
        self.base.read_channel_finished.emit(());
        if matches!(before, SocketState::Connected | SocketState::Closing) {
            self.disconnected.emit(());
        }
        if self.state.get() == SocketState::Unconnected {
            self.ends.replace(Ends::default());
            self.peer_name.replace(String::new());
            self.clear_write_queue();
            self.close_write_channel();
        }
    }

    /// What was received can still be read, but nothing be written.
    fn close_write_channel(&self) {
        self.base.set_channel_counts(self.base.read_channel_count(), 0);
    }

    pub(super) fn release_engine(&self) {
        self.drop_engine();
        self.descriptor.set(-1);
    }

    /// Lets go of the engine, while its descriptor's number is still told.
    pub(super) fn drop_engine(&self) {
        let engine = self.engine.borrow_mut().take();
        self.flags.write_requested.set(false);
        self.flags.read_paused.set(false);
        self.flags.unread.set(false);
        drop(engine);
    }

    pub(super) fn clear_write_queue(&self) {
        self.write_queue.borrow_mut().clear(self.base.pool());
    }

    /// The object dies.
    pub(crate) fn destroy(&self) {
        if self.state.get() != SocketState::Unconnected {
            self.abort_connection();
        }
        // A slot may have begun to connect anew.
        self.cancel_lookup();
        self.stop_connect_timer();
        self.release_engine();
        self.clear_write_queue();
        self.base.clear_buffer();
        self.base.set_open_mode(OpenMode::NOT_OPEN);
        self.state.set(SocketState::Unconnected);
    }
}
