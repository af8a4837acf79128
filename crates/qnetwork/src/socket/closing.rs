//! The end of a connection.

use std::rc::Rc;

use qcore::{OpenMode, internals::DeviceInternals};

use super::{
    close_reason::CloseReason,
    node::{AbstractSocketNode, QAbstractSocket, TellsEnd},
    state::SocketState,
    timeout_kind::TimeoutKind,
};
use crate::{
    common::{OnPanic, SocketError},
    engine::Engine,
};

impl QAbstractSocket {
    /// Closes the connection once everything has been sent.
    ///
    /// If there is nothing to send, the socket is unconnected when this function returns. Otherwise
    /// it is [`Closing`](SocketState::Closing) until everything has been sent. A socket that is
    /// connecting continues to connect, sends its unsent bytes, and then closes. The socket stays
    /// open as a device: the program can still read received bytes.
    ///
    /// Emits [`state_changed`](AbstractSocketNode::state_changed) before it returns, if the socket
    /// is connected or bound. If there is nothing to send, it also emits
    /// [`read_channel_finished`](qcore::io_device::DeviceNode::read_channel_finished),
    /// [`disconnected`](AbstractSocketNode::disconnected) and
    /// [`closed`](AbstractSocketNode::closed).
    ///
    /// If the other end does not read, the socket stays `Closing` for ever:
    /// [`disconnect_from_host_with_timeout`](QAbstractSocket::disconnect_from_host_with_timeout)
    /// limits it.
    #[doc(alias = "disconnectFromHost")]
    pub fn disconnect_from_host(&self) {
        match self.layers.class() {
            Some(class) => class.disconnect_from_host(),
            None => self.disconnect(),
        }
    }

    /// Closes the connection at once. Unsent bytes are lost.
    ///
    /// Unless the socket is unconnected, it emits
    /// [`about_to_close`](qcore::io_device::DeviceNode::about_to_close),
    /// [`state_changed`](AbstractSocketNode::state_changed),
    /// [`read_channel_finished`](qcore::io_device::DeviceNode::read_channel_finished) and
    /// [`closed`](AbstractSocketNode::closed) before it returns, and
    /// [`disconnected`](AbstractSocketNode::disconnected) if it was connected.
    pub fn abort(&self) {
        match self.layers.class() {
            Some(class) => class.abort(),
            None => self.abort_connection(),
        }
    }
}

impl QAbstractSocket {
    /// Ends the connection because the other end has not answered a heartbeat.
    pub(crate) fn end_for_silence(&self) {
        let carrier = self.layers.class().map_or_else(|| self.clone(), |class| class.carrier());
        let Some(engine) = carrier.engine() else { return };
        let node = self.this.upgrade().expect("a handle keeps its node");
        let _held = node.hold_closed();
        node.closure().note(CloseReason::TimedOut(TimeoutKind::Heartbeat));
        let ends = (self.this.clone(), carrier.this.clone(), Rc::downgrade(&engine));
        let _abort = OnPanic::new(node.dispatcher(), move || {
            if let (Some(node), Some(carrier), Some(engine)) =
                (ends.0.upgrade(), ends.1.upgrade(), ends.2.upgrade())
            {
                node.abort_with(&carrier, &engine);
            }
        });
        node.report(TimeoutKind::Heartbeat.error());
        node.abort_with(&carrier, &engine);
    }

    /// Returns whether the socket would read bytes of its connection if there were any.
    pub(crate) fn listens(&self) -> bool {
        self.layers.class().map_or_else(|| self.reads_now(), |class| class.timed().reads_now())
    }

    /// Begins to note whether bytes arrive.
    pub(crate) fn note_arrivals(&self) {
        match self.layers.class() {
            Some(class) => class.timed().use_timeouts(),
            None => self.use_timeouts(),
        }
    }

    /// Returns whether bytes have arrived since the last call. Bytes without a signal count, too.
    pub(crate) fn take_arrival(&self) -> bool {
        match self.layers.class() {
            Some(class) => class.timed().timeouts.take_heard(),
            None => self.timeouts.take_heard(),
        }
    }
}

impl AbstractSocketNode {
    /// Aborts the connection if `carrier`, which is this socket or its inner one, still has this
    /// engine.
    fn abort_with(&self, carrier: &AbstractSocketNode, engine: &Rc<dyn Engine>) {
        if carrier.has_engine(engine) {
            match self.layers.class() {
                Some(class) => class.abort(),
                None => self.abort_connection(),
            }
        }
    }
}

impl AbstractSocketNode {
    pub(super) fn abort_connection(&self) {
        self.clear_write_buffer();
        self.close_write_channel();
        if self.current_state() == SocketState::Unconnected {
            return;
        }
        let _held = self.hold_closed();
        self.stop_connect_timer();
        self.ending.abort();
        self.close_socket();
    }

    /// Closes the device and the connection: this is `close()` of the device.
    pub(crate) fn close_socket(&self) {
        let _held = self.hold_closed();
        self.base.close_device();
        if self.current_state() != SocketState::Unconnected {
            self.disconnect();
        }
    }

    pub(super) fn disconnect(&self) {
        let state = self.current_state();
        if state == SocketState::Unconnected {
            return;
        }
        let aborting = self.ending.is_aborting();
        if !aborting && self.is_connecting() {
            self.ending.close_when_connected();
            self.limit_closing(None);
            return;
        }
        if aborting {
            self.attempt.cancel_lookup();
        } else {
            self.limit_closing(None);
            if state != SocketState::Closing {
                self.change_state(SocketState::Closing);
                if self.current_state() != SocketState::Closing {
                    // A slot has aborted the connection.
                    return;
                }
            }
            if !self.engine.is_empty() && !self.writing.is_empty() {
                self.schedule();
                return;
            }
        }
        self.finish();
    }

    /// Drops the engine and emits the signals that report the end of the connection.
    fn finish(&self) {
        let _held = self.hold_closed();
        let (before, has_told_end) = (self.current_state(), self.reading.take_ended());
        let mark = self.closure.mark();
        if has_told_end && !self.ending.is_aborting() {
            self.closure.note(CloseReason::Remote);
        }
        self.attempt.cancel_lookup();
        self.stop_connect_timer();
        if before == SocketState::Closing
            && !self.ending.is_aborting()
            && let (Some(outer), Some(engine)) = (self.layers.outer(), self.engine())
        {
            outer.before_closing(&engine);
        }
        self.release_engine();
        if !self.closure.is_at(mark) || self.current_state() != before {
            // The program's logger has ended the connection.
            return;
        }
        self.end_connection();
        self.change_state(SocketState::Unconnected);
        // These come even if a slot has begun to connect again, as in Qt.
        if !has_told_end {
            self.base.read_channel_finished.emit(());
        }
        if matches!(before, SocketState::Connected | SocketState::Closing) {
            self.disconnected.emit(());
        }
        if self.current_state() == SocketState::Unconnected {
            self.attempt.take_peer_name();
            self.ends.forget_addresses();
            self.clear_write_buffer();
            self.close_write_channel();
        }
    }

    // ---- ends that the socket has not asked for

    /// Ends the connection after the other end has closed it, or reading has failed.
    pub(super) fn on_remote_close(&self, error: &SocketError) {
        let _held = self.hold_closed();
        if self.fail(error) {
            self.disconnect();
        }
    }

    pub(super) fn on_write_error(&self, error: &SocketError) {
        let _held = self.hold_closed();
        if self.fail(error) {
            self.abort_connection();
        }
    }

    /// Emits an error that ends the connection. It drops the engine first, so that nothing sends
    /// what the slots write. Returns whether the signals of the end are still to come, that is,
    /// whether no slot has ended the connection or begun another one.
    fn fail(&self, error: &SocketError) -> bool {
        let is_reset = self.engine().is_some_and(|engine| engine.was_reset());
        self.closure.note(CloseReason::of_error(error, is_reset));
        self.reading.set_reset(is_reset);
        let mark = self.closure.mark();
        self.drop_engine();
        if !self.closure.is_at(mark) {
            return false;
        }
        self.set_error(error);
        self.emit_error();
        let over = self.current_state() == SocketState::Unconnected;
        self.engine.is_empty() && !self.is_connecting() && !over
    }

    // ---- the signal that tells the end

    /// A connection begins, or an attempt to connect.
    pub(super) fn begin_connection(&self) {
        self.closure.begin();
        self.reading.set_reset(false);
        self.writing.begin();
        self.timeouts.begin();
        self.start_timeouts();
    }

    /// The connection has ended. `closed` is emitted as soon as the signals about the end are.
    pub(super) fn end_connection(&self) {
        self.closure.end();
        self.timeouts.end(self.dispatcher());
    }

    // ---- steps of closing

    /// Returns whether the socket is looking up its host or connecting to it.
    pub(super) fn is_connecting(&self) -> bool {
        matches!(self.current_state(), SocketState::HostLookup | SocketState::Connecting)
    }

    /// Closes the write channel. The program can still read received bytes.
    fn close_write_channel(&self) {
        self.base.set_channel_counts(self.base.read_channel_count(), 0);
    }

    /// Drops the engine and forgets its descriptor.
    pub(super) fn release_engine(&self) {
        self.drop_engine();
        self.ends.forget_descriptor();
    }

    /// Drops the engine. `socket_descriptor()` still returns the descriptor's number.
    fn drop_engine(&self) {
        self.writing.clear_scheduled();
        self.reading.reset();
        self.base.set_fed(false);
        self.engine.clear();
        self.extras.on_end();
    }

    pub(super) fn clear_write_buffer(&self) {
        self.writing.clear(self.base.pool());
    }

    /// Runs when the object is destroyed: aborts the connection.
    pub(crate) fn destroy(&self) {
        let held = self.hold_closed();
        if self.current_state() != SocketState::Unconnected {
            self.abort_connection();
        }
        // A slot may have begun to connect again.
        self.attempt.cancel_lookup();
        self.stop_connect_timer();
        self.release_engine();
        self.clear_write_buffer();
        self.base.clear_buffer();
        self.base.set_open_mode(OpenMode::NOT_OPEN);
        self.set_state(SocketState::Unconnected);
        self.end_connection();
        drop(held);
        // Slots further up the stack may still hold the signal back.
        self.tell_closed_now();
    }
}
