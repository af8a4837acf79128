//! Moving data between the inner socket, the session and the buffers.

use std::{cell::Cell, io::IoSlice};

use qcore::{
    DeviceError,
    internals::{DeviceInternals, announce},
    io_device::{Chunk, DeviceErrorKind},
    object::Node,
};

use super::{SslSocketNode, Work, encrypting::LostByPanic};
use crate::{
    socket::{CloseReason, Held, Outer, SocketError, SocketErrorKind, SocketState, TellsEnd},
    ssl::{
        kinds::{SslMode, SslOptions},
        reason,
        session::{News, Session},
    },
};

/// Plain text is encrypted in blocks of this size.
const BLOCK: usize = 32 * 1024;
/// Like Qt, the socket emits `ready_read` for each portion of this size.
const PORTION: usize = 4096;
/// The maximum number of rounds before the loop serves other sources. A session with data to
/// decrypt needs one round for each record; a session whose slots always write would need rounds
/// for ever.
const ROUNDS: u32 = 256;

impl SslSocketNode {
    /// Returns whether data passes through without encryption.
    pub(super) fn is_plain(&self) -> bool {
        self.mode.get() == SslMode::Unencrypted && !self.flags.auto_start.get()
    }

    // ---- the device

    pub(super) fn bytes_to_write(&self) -> usize {
        match self.mode.get() {
            SslMode::Unencrypted => self.inner.bytes_to_write(),
            _ => self.write_buffer.borrow().len(),
        }
    }

    /// Returns how many bytes wait to be sent, encrypted or not.
    pub(super) fn unsent_bytes(&self) -> usize {
        // Session tickets that wait for the first data do not count.
        let output = match self.flags.tickets_wait.get() {
            true => 0,
            false => self.session.borrow().as_ref().map_or(0, |session| session.output_len()),
        };
        // After the end, what was written waits for nothing.
        let written = match self.base.state() {
            SocketState::Unconnected => 0,
            _ => self.write_buffer.borrow().len(),
        };
        written + output + self.inner.unsent_bytes()
    }

    /// Returns whether written bytes can be sent, now or later.
    #[cfg(feature = "tasks")]
    pub(super) fn can_send(&self) -> bool {
        use SocketState::{Closing, Unconnected};
        let is_open = !matches!(self.base.state(), Unconnected | Closing);
        is_open && !self.flags.shut_down.get() && (!self.is_plain() || self.inner.can_send())
    }

    /// Returns whether there is something left to be sent, or may be: this end has not sent its
    /// closing message, or not all of it.
    #[cfg(feature = "tasks")]
    pub(super) fn may_send(&self) -> bool {
        !self.flags.shut_down.get() || self.unsent_bytes() > 0
    }

    /// Returns whether the connection has ended before everything was sent.
    #[cfg(feature = "tasks")]
    pub(super) fn has_lost(&self) -> bool {
        let is_over = self.base.state() == SocketState::Unconnected && !self.is_plain();
        self.flags.has_lost.get()
            || self.inner.has_lost()
            || (is_over && !self.write_buffer.borrow().is_empty())
    }

    /// Provides more data when the read buffer is empty.
    pub(super) fn supply(&self, data: &mut [u8]) -> Result<usize, DeviceError> {
        if self.is_plain() {
            if data.is_empty() && !self.inner.is_readable() {
                // Reading nothing from a socket that is not open needs no warning.
                return Ok(0);
            }
            return self.inner.read_into(data);
        }
        if self.base.state() != SocketState::Connected || self.base.is_reading_ended() {
            return Err(SocketError::remote_host_closed().into());
        }
        // Reading may have stopped because the buffer was full.
        self.inner.read_on();
        Ok(0)
    }

    pub(super) fn accept(&self, data: &[u8]) -> Result<usize, DeviceError> {
        if self.is_plain() {
            return self.inner.enqueue(data);
        }
        self.check_alive()?;
        self.write_buffer.borrow_mut().append(data, BLOCK, self.base.pool());
        self.call_for_encryption();
        Ok(data.len())
    }

    pub(super) fn accept_chunk(&self, data: Chunk) -> Result<usize, DeviceError> {
        if self.is_plain() {
            return self.inner.enqueue(data);
        }
        self.check_alive()?;
        let count = data.len();
        self.write_buffer.borrow_mut().append_chunk(data);
        self.call_for_encryption();
        Ok(count)
    }

    fn check_alive(&self) -> Result<(), DeviceError> {
        if self.life().is_dead() { Err(DeviceErrorKind::NotOpen.into()) } else { Ok(()) }
    }

    /// Asks the loop to encrypt the write buffer: in the next turn, as in Qt; or at the end of this
    /// turn, if no slot can see the difference.
    fn call_for_encryption(&self) {
        if !self.flags.encrypted.get() || self.flags.flush_posted.get() {
            return;
        }
        if !Outer::watches_writing(self) && !self.flags.pending_close.get() {
            self.inner.schedule();
            return;
        }
        self.post_flush();
    }

    pub(super) fn post_flush(&self) {
        if self.flags.flush_posted.replace(true) {
            return;
        }
        let node = self.this.clone();
        self.life().dispatcher().post(move || {
            if let Some(node) = node.upgrade()
                && node.flags.flush_posted.replace(false)
            {
                node.flush_all();
                if node.flags.close_missed.replace(false) {
                    node.disconnect();
                }
            }
        });
    }

    pub(super) fn flush_all(&self) -> bool {
        if self.mode.get() != SslMode::Unencrypted {
            self.flags.tickets_wait.set(false);
            self.transmit();
        }
        self.inner.flush()
    }

    // ---- the session

    /// Returns whether this is still the current session.
    fn is_session(&self, number: u32) -> bool {
        self.session_number.get() == number
    }

    /// Calls `work` with the session, if there is one. Meanwhile the socket has no session, because
    /// rustls logs, and the program's logger may use the socket.
    pub(super) fn with_session<T>(&self, work: impl FnOnce(&mut Session) -> T) -> Option<T> {
        let number = self.session_number.get();
        let Some(mut session) = self.session.take() else {
            self.note_missed();
            return None;
        };
        // The program's logger may panic.
        let _lost = LostByPanic::new(self);
        let _working = Working { node: self, before: self.flags.work.replace(Work::Running) };
        let done = work(&mut session);
        if self.is_session(number) {
            self.session.replace(Some(session));
        }
        Some(done)
    }

    /// The session is wanted, but the socket has none. Returns whether rustls is working on it.
    /// Then the socket reads and transmits after that.
    pub(super) fn note_missed(&self) -> bool {
        let is_working = self.flags.work.get() != Work::Idle;
        if is_working {
            self.flags.work.set(Work::Missed);
        }
        is_working
    }

    /// Encrypts written data, sends the output, processes received data, and emits signals.
    pub(super) fn transmit(&self) {
        let flags = &self.flags;
        let number = self.session_number.get();
        if flags.muted.get() == Some(number) || flags.paused.get() {
            return;
        }
        if flags.inherited.replace(false) && self.base.buffer_len() > 0 && !self.is_paused() {
            self.emit_ready_read();
            if !self.is_session(number) {
                return;
            }
        }
        for _ in 0..ROUNDS {
            let mut moved = false;
            if flags.encrypted.get() {
                moved |= self.encrypt_written();
                if !self.is_session(number) {
                    return;
                }
                moved |= self.send_output();
            }
            let Some(news) = self.with_session(Session::advance) else { return };
            if !self.is_session(number) {
                return;
            }
            match news {
                News::Blocked => {
                    self.tell_tickets();
                    if !self.is_session(number) {
                        return;
                    }
                    moved |= self.send_output();
                    if !moved || !flags.encrypted.get() {
                        return;
                    }
                }
                News::Peer => {
                    if !self.judge() {
                        return;
                    }
                }
                News::Encrypted => self.on_encrypted(),
                News::Data => self.deliver(number),
                News::Closed => {
                    self.on_peer_closed();
                    return;
                }
                News::Failed(error) => {
                    self.on_failed(&error);
                    return;
                }
            }
            if !self.is_session(number) {
                return;
            }
        }
        self.post_flush();
    }

    /// Handles the peer's closing message. Nothing more will arrive, but the peer can receive. If
    /// the socket has a stream, the connection is kept for sending, as without TLS. It ends when
    /// both ends have sent the whole message.
    fn on_peer_closed(&self) {
        self.flags.peer_closed.set(true);
        #[cfg(feature = "tasks")]
        let has_stream = self.base.has_stream()
            && self.flags.encrypted.get()
            && self.base.state() == SocketState::Connected
            && !self.inner.closure().is_held();
        #[cfg(feature = "tasks")]
        if has_stream {
            self.base.end_reading();
            if self.may_send() {
                self.flags.told_end.set(true);
                self.base.read_channel_finished.emit(());
                return;
            }
        }
        let number = self.session_number.get();
        let _held = self.base.hold_closed();
        self.tell_peer_closed();
        #[cfg(feature = "tasks")]
        if has_stream && self.is_session(number) {
            self.disconnect();
        }
        #[cfg(not(feature = "tasks"))]
        let _ = number;
    }

    /// Emits the error that reports the peer's closing message.
    fn tell_peer_closed(&self) {
        self.base.closure().note(CloseReason::Remote);
        let text = "The TLS/SSL connection has been closed";
        self.fail(&SocketError::new(SocketErrorKind::RemoteHostClosed, text));
    }

    /// A stream was created. The peer may have closed before.
    #[cfg(feature = "tasks")]
    pub(super) fn on_stream_opened(&self) {
        self.base.on_stream_opened();
        if self.flags.peer_closed.get() && self.base.state() == SocketState::Connected {
            self.base.end_reading();
        }
    }

    /// A stream was dropped. If it was the last one, and only streams have kept the connection, the
    /// connection ends.
    #[cfg(feature = "tasks")]
    pub(super) fn on_stream_dropped(&self) {
        if !self.base.remove_stream() {
            return;
        }
        if self.is_plain() {
            self.inner.on_last_stream_dropped();
        } else if self.base.is_reading_ended() && self.base.state() == SocketState::Connected {
            let number = self.session_number.get();
            let _held = self.base.hold_closed();
            self.tell_peer_closed();
            if self.is_session(number) {
                self.disconnect();
            }
        }
    }

    /// Closes the sending half. Everything was sent, and the closing message with it.
    #[cfg(feature = "tasks")]
    pub(super) fn close_half(&self) -> Result<(), SocketError> {
        self.inner.shut_down_writing()?;
        if self.base.is_reading_ended() && self.base.state() == SocketState::Connected {
            // Both halves are closed now.
            self.disconnect();
        }
        Ok(())
    }

    /// Encrypts the write buffer and emits `bytes_written`. Returns whether there was any data.
    fn encrypt_written(&self) -> bool {
        match self.encrypt_buffer() {
            Ok(0) => false,
            Ok(total) => {
                self.emit_bytes_written(total);
                true
            }
            Err(error) => {
                self.drop_unsent();
                self.fail(&error);
                false
            }
        }
    }

    /// Encrypts the write buffer into the inner socket's buffer. Nothing is borrowed while rustls
    /// works.
    fn encrypt_buffer(&self) -> Result<usize, SocketError> {
        if self.write_buffer.borrow().is_empty() {
            return Ok(0);
        }
        let encrypt = |session: &mut Session| {
            let mut buffer = self.write_buffer.take();
            let mut total = 0;
            while !buffer.is_empty() {
                let mut block = [IoSlice::new(&[])];
                buffer.slices(0, &mut block);
                let count = block[0].len().min(BLOCK);
                session.encrypt(&block[0][..count]).map_err(|error| {
                    let text = format!("Unable to write data: {}", reason::of(&error));
                    SocketError::new(SocketErrorKind::SslInternal, text)
                })?;
                buffer.consume(count, self.base.pool());
                total += count;
                self.flags.tickets_wait.set(false);
                if let Some(output) = session.take_output() {
                    // If the inner socket is closed, it reports that itself.
                    let _ = self.inner.enqueue(output);
                }
            }
            Ok(total)
        };
        self.with_session(encrypt).unwrap_or(Ok(0))
    }

    /// Moves the session's output to the inner socket.
    fn send_output(&self) -> bool {
        if self.flags.tickets_wait.get() {
            return false;
        }
        let output = self.session.borrow_mut().as_mut().and_then(|session| session.take_output());
        match output {
            None => false,
            Some(output) => {
                if let Err(error) = self.inner.enqueue(output) {
                    let text = error.to_string();
                    self.fail(&SocketError::new(SocketErrorKind::Unknown, text));
                }
                true
            }
        }
    }

    /// Moves plain text to the read buffer in portions, and emits `ready_read` for each.
    fn deliver(&self, number: u32) {
        while self.is_session(number) {
            {
                let mut session = self.session.borrow_mut();
                let Some(session) = &mut *session else { return };
                let portion = session.plain().len().min(PORTION);
                if portion == 0 {
                    return;
                }
                if self.base.is_readable() {
                    self.base.append_to_buffer(&session.plain()[..portion]);
                }
                session.consume(portion);
            }
            // What was received before a pause goes into the buffer, and is announced after it.
            if self.base.is_readable() && !self.is_paused() {
                self.emit_ready_read();
            }
        }
    }

    /// Reads again, and makes the loop emit `ready_read` for the bytes in the buffers.
    pub(super) fn on_resumed(&self) {
        self.inner.reopen();
        let has_unread = |node: &Self| {
            node.base.buffer_len() > 0 || (node.is_plain() && node.inner.buffer_len() > 0)
        };
        if !has_unread(self) {
            return;
        }
        let (node, mark) = (self.this.clone(), self.inner.closure().mark());
        self.life().dispatcher().post(move || {
            if let Some(node) = node.upgrade()
                && node.inner.closure().is_at(mark)
                && !node.is_paused()
                && has_unread(&node)
            {
                node.emit_ready_read();
            }
        });
    }

    /// Emits `ready_read`. If one of its slots is running, which waits for data, the signal comes
    /// when that slot has returned.
    pub(super) fn emit_ready_read(&self) {
        self.ready_reads.set(self.ready_reads.get().wrapping_add(1));
        let taps = self.base.channel_ready_read.is_connected();
        let held = taps.then(|| self.base.hold_closed());
        let (running, missed) = (&self.flags.in_ready_read, &self.flags.missed_ready_read);
        if running.replace(true) {
            missed.set(true);
        } else {
            let _ended = Ended(running);
            let number = self.session_number.get();
            loop {
                missed.set(false);
                announce(&self.base);
                let unread = self.base.buffer_len() > 0 && !self.is_paused();
                if !missed.get() || !unread || self.session_number.get() != number {
                    break;
                }
            }
        }
        let _held = held.and_then(Held::for_last);
        self.base.channel_ready_read.emit(0);
    }

    /// Emits `bytes_written`, unless one of its slots is running.
    pub(super) fn emit_bytes_written(&self, count: usize) {
        let taps = self.base.channel_bytes_written.is_connected();
        let held = taps.then(|| self.base.hold_closed());
        let running = &self.flags.in_bytes_written;
        if !running.replace(true) {
            let _ended = Ended(running);
            self.base.bytes_written.emit(count);
        }
        let _held = held.and_then(Held::for_last);
        self.base.channel_bytes_written.emit((0, count));
    }

    /// Emits a signal for each new session ticket, if the program wants it.
    fn tell_tickets(&self) {
        let received =
            self.session.borrow().as_ref().map_or(0, |session| session.tickets_received());
        if received <= self.tickets.get() {
            return;
        }
        let before = self.tickets.replace(received);
        let options = self.configuration.borrow().options();
        if options.contains(SslOptions::DISABLE_SESSION_PERSISTENCE) {
            return;
        }
        let number = self.session_number.get();
        for _ in before..received {
            self.new_session_ticket_received.emit(());
            if !self.is_session(number) {
                return;
            }
        }
    }
}

/// Marks that rustls works on the session. Dropping it makes the socket do what it has missed.
struct Working<'a> {
    node: &'a SslSocketNode,
    before: Work,
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        if self.node.flags.work.replace(self.before) == Work::Missed {
            self.node.inner.read_on();
            self.node.post_flush();
        }
    }
}

/// Clears a flag when an emission ends, also by a panic.
struct Ended<'a>(&'a Cell<bool>);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}
