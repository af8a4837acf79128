//! Receiving: from the engine to the read buffer, or to the socket that is layered on this one.
//!
//! # Sockets without a read buffer
//!
//! The bytes and the end of the stream stay in the operating system until the program reads. When
//! there is something to read, the socket emits `ready_read` once, and then not again until the
//! program has read something. When the program reads the end of the stream, the socket becomes
//! unconnected, and emits none of Qt's signals for that. All of this is as in Qt.

use std::rc::Rc;

use qcore::{
    DeviceError,
    internals::{DeviceInternals, GIVEN_AWAY, SCRATCH, announce},
};

use super::{
    close_reason::CloseReason,
    node::{AbstractSocketNode, Direction, Held, Outer, QAbstractSocket, TellsEnd},
    state::SocketState,
};
use crate::{
    common::SocketError,
    engine::{Engine, Outcome},
};

impl QAbstractSocket {
    /// Limits the read buffer to `size` bytes. The default, 0, means no limit.
    ///
    /// Bytes that do not fit stay in the operating system's buffer, which slows the sender down.
    ///
    /// # When the socket reads again
    ///
    /// As in Qt, a socket that finds its buffer full stops reading and does not emit `ready_read`
    /// any more. It reads again when
    ///
    /// * the program has emptied the buffer, or has asked for more bytes than were in it;
    /// * the program sets a different limit, and the buffer has room under it;
    /// * the program calls [`wait_for_ready_read`](QAbstractSocket::wait_for_ready_read).
    ///
    /// Reading a part of the buffer is not enough, unless a slot of `ready_read` does so before
    /// more bytes have arrived. So a program that reads a part of the buffer elsewhere, for example
    /// in a slot of a timer, may wait for ever: if it takes 3 bytes of a full buffer of 4, no more
    /// bytes arrive. Such a program has to restart reading by changing the limit:
    ///
    /// ```
    /// use std::{cell::RefCell, rc::Rc};
    /// use qcore::{QCoreApplication, QTimer};
    /// use qnetwork::{QHostAddress, QTcpServer, QTcpSocket};
    ///
    /// /// Takes at most `count` bytes and restarts reading.
    /// fn take(socket: &QTcpSocket, count: usize) -> Vec<u8> {
    ///     let taken = socket.read(count);
    ///     let limit = socket.read_buffer_size();
    ///     socket.set_read_buffer_size(0);
    ///     socket.set_read_buffer_size(limit); // nothing has been read between the two
    ///     taken
    /// }
    ///
    /// let app = QCoreApplication::new();
    /// let server = QTcpServer::new();
    /// server.new_connection.connect_to(&server, |server, ()| {
    ///     server.next_pending_connection().unwrap().write("ten bytes.").unwrap();
    /// });
    /// server.listen(QHostAddress::LocalHost, 0)?;
    ///
    /// let socket = QTcpSocket::new();
    /// socket.set_read_buffer_size(4);
    /// socket.connect_to_host("127.0.0.1", server.server_port());
    /// let (ticker, taken) = (QTimer::new(), Rc::new(RefCell::new(Vec::new())));
    /// ticker.timeout.connect_to(&taken, move |taken, ()| {
    ///     taken.borrow_mut().extend(take(&socket, 3));
    ///     if taken.borrow().len() == 10 {
    ///         QCoreApplication::instance().quit();
    ///     }
    /// });
    /// ticker.start_with_interval(1);
    /// app.exec();
    /// assert_eq!(*taken.borrow(), b"ten bytes.");
    /// # Ok::<(), qnetwork::SocketError>(())
    /// ```
    ///
    /// A program does not need this if its slot of `ready_read` always reads all bytes, and keeps
    /// incomplete data in a buffer of its own.
    #[doc(alias = "setReadBufferSize")]
    pub fn set_read_buffer_size(&self, size: usize) {
        match self.layers.class() {
            Some(class) => class.set_read_buffer_size(size),
            None => self.limit_reading(size),
        }
    }
}

/// Where received bytes go.
enum Sink {
    /// Into the read buffer.
    Buffer,
    /// To the socket that is layered on this one.
    Outer(Rc<dyn Outer>),
    /// Nowhere: they stay with the system until the program reads.
    System,
}

impl AbstractSocketNode {
    pub(crate) fn limit_reading(&self, size: usize) {
        if self.reading.set_limit(size) && (size == 0 || self.base.held_len() < size) {
            self.read_on();
        }
    }

    /// Returns where received bytes go at the moment, and how many bytes have room there.
    fn sink(&self) -> (Sink, usize) {
        if let Some(outer) = self.layers.outer()
            && let Some(room) = outer.room()
        {
            return (Sink::Outer(outer), room);
        }
        if self.is_paused() {
            return (Sink::Buffer, 0);
        }
        if self.reading.is_unbuffered() {
            return (Sink::System, SCRATCH);
        }
        (Sink::Buffer, self.reading.room(self.base.held_len()))
    }

    /// Returns whether there is room for at least one byte more.
    pub(super) fn has_room(&self) -> bool {
        !self.extras.is_tapped() && self.sink().1 > 0
    }

    /// Receives what one read from the engine returns, and emits `ready_read` once. Returns whether
    /// there was anything.
    pub(super) fn receive(&self, engine: &Rc<dyn Engine>) -> bool {
        self.receive_some(engine, true)
    }

    /// Receives for a function that waits, which does not keep to a limit of bytes a second.
    pub(super) fn receive_now_from(&self, engine: &Rc<dyn Engine>) -> bool {
        self.receive_some(engine, false)
    }

    fn receive_some(&self, engine: &Rc<dyn Engine>, is_limited: bool) -> bool {
        if self.current_state() == SocketState::Closing || self.reading.is_ended() {
            return false;
        }
        if self.reading.has_inherited() && !self.is_paused() && self.announce_inherited(engine) {
            return true;
        }
        if self.extras.on_readable() {
            return false;
        }
        let (sink, room) = self.sink();
        if room == 0 {
            // Qt turns its notifier off here. So even if the program takes some bytes out of the
            // buffer, what arrives waits until the program asks for more than is in it.
            self.base.set_fed(false);
            self.reading.set_full(engine.has_more());
            return false;
        }
        #[cfg(feature = "tasks")]
        if self.reading.has_stream() || self.layers.outer().is_some() {
            engine.set_half_open(self.may_keep_sending());
        }
        let max = match is_limited && !matches!(sink, Sink::System) {
            true => self.extras.allow(Direction::Reading, room.min(SCRATCH), &self.this),
            false => room,
        };
        if max == 0 {
            return false;
        }
        let room = room.min(max);
        let (is_buffered, lends) = (matches!(sink, Sink::Buffer), self.lends_blocks(&sink));
        let (outcome, emits) = match sink {
            Sink::Buffer => (self.read_to_buffer(engine, room, lends), self.base.is_readable()),
            Sink::Outer(outer) => (outer.receive(engine, room), true),
            Sink::System => return self.announce_unread(engine),
        };
        let moved = if let Outcome::Moved(count) = outcome { count } else { 0 };
        self.extras.settle(Direction::Reading, is_limited.then_some(max), moved);
        match outcome {
            Outcome::Moved(_) => self.timeouts.note_received(),
            Outcome::WouldBlock => return false,
            Outcome::Failed(error) => {
                #[cfg(feature = "tasks")]
                if self.keeps_sending(engine, &error) {
                    return false;
                }
                // The program's logger may have ended the connection.
                if self.has_engine(engine) {
                    self.on_remote_close(&error);
                }
                return false;
            }
        }
        // Ask before emitting, so that a loop that a slot runs continues to read.
        self.read_again(engine);
        let is_connected = self.current_state() == SocketState::Connected;
        self.base.set_fed(is_connected && is_buffered && !self.reading.is_full());
        if emits {
            let _lent = lends.then(|| Lent(self));
            self.emit_ready_read();
        }
        // A slot may have filled the buffer by a function that waits, which stops reading, and then
        // made room.
        let connected = self.current_state() == SocketState::Connected;
        if connected && self.reading.is_full() && self.has_room() {
            self.read_on();
        }
        true
    }

    /// Returns whether what is read goes into the read buffer as the block that it was read into.
    /// Then a slot of `ready_read` that reads it copies it only once. What the slot leaves is
    /// copied to memory of its size.
    ///
    /// A slot that runs a loop would gather blocks, and so would a program that reads later.
    fn lends_blocks(&self, sink: &Sink) -> bool {
        matches!(sink, Sink::Buffer)
            && self.base.buffer_len() == 0
            && !self.reading.ready_read().is_running()
            && self.with_front(|device| device.ready_read.is_connected())
    }

    /// Reads once into the buffer. A socket that is open only for writing drops the bytes.
    fn read_to_buffer(&self, engine: &Rc<dyn Engine>, room: usize, lends: bool) -> Outcome {
        let pool = self.base.pool();
        let mut block = pool.take_block();
        let outcome = engine.read_to(block.memory_mut(), room);
        if self.base.is_readable() {
            if block.len() >= GIVEN_AWAY || lends && !block.is_empty() {
                self.base.lend_block(block);
                return outcome;
            }
            self.base.append_to_buffer(&*block);
        }
        pool.put_block(block);
        outcome
    }

    /// Makes the loop call the socket again in its next turn if the engine may have more to read.
    pub(super) fn read_again(&self, engine: &Rc<dyn Engine>) {
        if engine.is_readable() {
            engine.read_again();
        }
    }

    /// Emits `ready_read` or calls the outer socket. A slot that runs a loop is not called again
    /// from within that loop, but the socket still emits `channel_ready_read`, as in Qt.
    pub(super) fn emit_ready_read(&self) {
        let emission = self.reading.ready_read();
        if let Some(outer) = self.layers.outer() {
            return emission.run(|| outer.on_ready_read());
        }
        let held = self.base.channel_ready_read.is_connected().then(|| self.hold_closed());
        emission.run(|| self.with_front(announce));
        let _held = held.and_then(Held::for_last);
        self.base.channel_ready_read.emit(0);
    }

    /// Reads again after the program has asked for more than the buffer holds, or the buffer has
    /// got room.
    pub(crate) fn read_on(&self) {
        if self.reading.open()
            && let Some(engine) = self.engine()
        {
            self.read_again(&engine);
        }
    }

    /// Reads for a program that has emptied the read buffer and wants more.
    pub(super) fn read_beyond_buffer(&self, data: &mut [u8]) -> Result<usize, DeviceError> {
        let connected = self.current_state() == SocketState::Connected;
        let Some(engine) = self.engine().filter(|_| connected && !self.reading.is_ended()) else {
            return Err(SocketError::remote_host_closed().into());
        };
        if self.reading.is_unbuffered() {
            return self.read_unbuffered(&engine, data);
        }
        // The loop fills the buffer, but it may have stopped because the buffer was full.
        self.read_on();
        Ok(0)
    }

    /// Returns whether the other end sends no more, while a stream keeps the connection.
    #[cfg(feature = "_tls")]
    pub(crate) fn is_reading_ended(&self) -> bool {
        self.reading.is_ended()
    }

    /// Forgets that the other end sends no more, because another connection begins.
    #[cfg(feature = "_tls")]
    pub(crate) fn forget_end_of_reading(&self) {
        self.reading.take_ended();
    }

    // ---- without a buffer

    /// Emits `ready_read` if there is data or the end of the stream to read, unless the socket has
    /// announced it already. Returns whether there is something to read.
    pub(super) fn announce_unread(&self, engine: &Rc<dyn Engine>) -> bool {
        if self.reading.is_announced() {
            return true;
        }
        if !engine.has_more() {
            return false;
        }
        self.reading.set_announced();
        self.emit_ready_read();
        true
    }

    /// Returns how many bytes the system has for a socket without a read buffer.
    pub(super) fn unbuffered_bytes(&self) -> usize {
        let has_any = self.is_for_datagrams() || self.current_state() == SocketState::Connected;
        if !self.reading.is_unbuffered() || !has_any {
            return 0;
        }
        self.engine().map_or(0, |engine| engine.bytes_available())
    }

    /// Reads from the system, past the buffer.
    fn read_unbuffered(
        &self,
        engine: &Rc<dyn Engine>,
        data: &mut [u8],
    ) -> Result<usize, DeviceError> {
        let mut count = 0;
        if !data.is_empty() {
            match engine.read(data) {
                Outcome::Moved(moved) => {
                    self.timeouts.note_received();
                    count = moved;
                }
                Outcome::WouldBlock => {}
                Outcome::Failed(error) if !self.has_engine(engine) => return Err(error.into()),
                Outcome::Failed(error) => {
                    let was_reset = engine.was_reset();
                    self.closure.note(CloseReason::of_error(&error, was_reset));
                    self.reading.set_reset(was_reset);
                    self.set_error(&error);
                    let mark = self.closure.mark();
                    self.release_engine();
                    if !self.closure.is_at(mark) {
                        return Err(error.into());
                    }
                    self.set_state(SocketState::Unconnected);
                    self.end_connection();
                    // As in Qt, reading emits nothing. The loop emits `closed`.
                    self.tell_later();
                    return Err(error.into());
                }
            }
        }
        self.reading.set_read();
        self.read_again(engine);
        Ok(count)
    }
}

/// A block in the read buffer, while slots of `ready_read` run.
struct Lent<'a>(&'a AbstractSocketNode);

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        self.0.base.return_block();
    }
}
