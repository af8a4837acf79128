//! Signals and calls of the inner socket.

use std::rc::Rc;

use qcore::internals::DeviceInternals;

use super::SslSocketNode;
use crate::{
    engine::{Engine, Outcome},
    socket::{CloseReason, Outer, SocketState, TellsEnd},
    ssl::kinds::SslMode,
};

/// The minimum size of a read, if there is any room.
const PIECE: usize = 4096;
/// How many bytes to read at once when there is no session, so that they are discarded.
const DROPPED: usize = 4096;
/// How many times to read and discard data before closing a connection. If the peer continues to
/// send, the kernel resets the connection.
const DRAINS: usize = 16;

impl SslSocketNode {
    /// Connects the signals of the inner socket to this one.
    pub(super) fn listen_to_inner(self: &Rc<Self>) {
        let inner = &self.inner;
        inner.host_found.connect_to(self, |node, ()| node.base.host_found.emit(()));
        inner.connected.connect_to(self, |node, ()| node.on_connected());
        inner.state_changed.connect_to(self, |node, state| node.base.change_state(*state));
        inner.error_occurred.connect_to(self, |node, _| node.on_inner_error());
        inner.disconnected.connect_to(self, |node, ()| node.on_disconnected());
        inner.closed.connect_to(self, |node, reason| node.on_inner_closed(reason));
        inner.read_channel_finished.connect_to(self, |node, ()| node.on_read_channel_finished());
        inner.proxy_authentication_required.connect_to(self, |node, asked| {
            node.base.proxy_authentication_required.emit(asked.clone());
        });
    }

    fn on_connected(&self) {
        self.base.mirror(&self.inner);
        self.base
            .set_channel_counts(self.base.is_readable().into(), self.base.is_writable().into());
        let held = self.base.hold_closed();
        if self.flags.auto_start.get() {
            self.start_encryption(SslMode::Client);
        }
        let held = held.for_last();
        self.base.connected.emit(());
        drop(held);
        if !self.flags.auto_start.get() && self.flags.pending_close.replace(false) {
            self.disconnect();
        }
    }

    fn on_inner_error(&self) {
        let error = self.inner.last_error();
        let held = self.base.hold_closed();
        if self.session.borrow().is_some() {
            // Data that arrived before the error is processed first.
            self.transmit();
        }
        // The guard stays if the error ends the connection.
        let ends = self.inner.closure().is_held();
        let _held = if ends { Some(held) } else { held.for_last() };
        self.fail(&error);
    }

    fn on_disconnected(&self) {
        self.drop_session();
        self.base.disconnected.emit(());
        if self.base.state() == SocketState::Unconnected {
            self.base.forget_ends();
        }
    }

    fn on_read_channel_finished(&self) {
        if self.flags.told_end.get() {
            return;
        }
        #[cfg(feature = "tasks")]
        if self.inner.is_reading_ended() {
            // A stream keeps the connection, which is not encrypted.
            self.flags.told_end.set(true);
            self.base.end_reading();
        }
        self.base.read_channel_finished.emit(());
    }

    fn on_inner_closed(&self, reason: &CloseReason) {
        let encrypts = self.mode.get() != SslMode::Unencrypted;
        let reason = match reason {
            // TCP has ended in order, but TLS has not.
            CloseReason::Remote if encrypts && !self.has_goodbye() => CloseReason::Reset,
            reason => reason.clone(),
        };
        self.base.closure().end_with(reason);
        self.base.tell_closed();
    }
}

impl Outer for SslSocketNode {
    fn room(&self) -> Option<usize> {
        if self.mode.get() == SslMode::Unencrypted {
            return None;
        }
        if self.flags.paused.get() || self.flags.starting.get() {
            return Some(0);
        }
        if self.is_paused() && self.flags.encrypted.get() {
            return Some(0);
        }
        let session = self.session.borrow();
        let Some(session) = session.as_ref() else {
            if self.note_missed() {
                return Some(0);
            }
            // Without a session the socket still reads, to find the end of the stream, and discards
            // the data.
            return Some(DROPPED);
        };
        let limit = self.base.read_buffer_size();
        let room = if limit > 0 && self.flags.encrypted.get() {
            match limit.saturating_sub(self.base.held_len()) {
                0 => 0,
                // A session decrypts whole records, so reading byte by byte would not help.
                room => room.max(PIECE),
            }
        } else {
            usize::MAX
        };
        Some(room.min(session.room()))
    }

    fn is_paused(&self) -> bool {
        self.base.is_reading_paused()
    }

    #[cfg(feature = "tasks")]
    fn has_stream(&self) -> bool {
        let may_send = self.flags.encrypted.get() && self.may_send();
        self.base.has_stream() && (may_send || self.is_plain())
    }

    #[cfg(feature = "tasks")]
    fn keeps_sending(&self) -> bool {
        if self.is_plain() {
            return true;
        }
        self.transmit();
        self.base.is_reading_ended() && self.may_send()
    }

    fn receive(&self, engine: &Rc<dyn Engine>, room: usize) -> Outcome {
        // The session is not borrowed during the read, because engines log.
        match self.with_session(|session| session.receive(room, |data| engine.read(data))) {
            Some(outcome) => outcome,
            None => engine.read(&mut [0; DROPPED][..room.min(DROPPED)]),
        }
    }

    fn on_ready_read(&self) {
        if self.mode.get() == SslMode::Unencrypted {
            self.emit_ready_read();
            return;
        }
        let number = self.session_number.get();
        self.transmit();
        if self.session_number.get() != number && self.session.borrow().is_some() {
            // A slot has started another session. The inner socket does not nest calls of this
            // function, so data for the new session was not processed yet.
            self.post_flush();
        }
    }

    fn on_bytes_written(&self, count: usize) {
        if self.mode.get() == SslMode::Unencrypted {
            self.emit_bytes_written(count);
        } else {
            self.encrypted_bytes_written.emit(count);
        }
        if self.base.state() == SocketState::Closing && self.write_buffer.borrow().is_empty() {
            self.disconnect();
        }
    }

    fn abort(&self) {
        self.abort_connection();
    }

    fn watches_writing(&self) -> bool {
        self.base.bytes_written.is_connected()
            || self.base.channel_bytes_written.is_connected()
            || self.encrypted_bytes_written.is_connected()
    }

    fn before_writing(&self) {
        if self.flags.encrypted.get() && !self.write_buffer.borrow().is_empty() {
            self.transmit();
        }
    }

    /// Reads data that only the session needs, for example a server's tickets. If a connection is
    /// closed with unread data, the kernel resets it and drops data that was not sent yet.
    fn before_closing(&self, engine: &Rc<dyn Engine>) {
        if !self.flags.encrypted.get() {
            return;
        }
        for _ in 0..DRAINS {
            if !matches!(engine.read(&mut [0; DROPPED]), Outcome::Moved(_)) {
                return;
            }
        }
    }
}
