//! Moving bytes: from the engine to the read buffer, and from the write buffer to the engine.

use std::{
    cell::Cell,
    rc::{Rc, Weak},
};

use qcore::{
    DeviceError, QDeadlineTimer, QIODevice,
    event_loop::{EventSource, Readiness},
    internals::{DeviceInternals, SCRATCH, is_last_turn},
    io_device::{Chunk, DeviceBackend, DeviceErrorKind},
    object::Node,
};

use super::{
    AbstractSocketNode, QAbstractSocket, SocketError, SocketErrorKind, SocketState, class::Outer,
};
use crate::engine::{Engine, Outcome};

/// How much a socket sends in one turn, before others are served. A slot of `bytes_written` that
/// always writes more would otherwise keep the loop for as long as the other end keeps up.
const WRITE_BUDGET: usize = 256 * 1024;

impl QAbstractSocket {
    /// Writes as much of the write buffer as the system takes, now. Returns whether anything was
    /// written.
    ///
    /// There is no need to: the loop does it, for all that was written in a turn together.
    pub fn flush(&self) -> bool {
        match self.class() {
            Some(class) => class.flush(),
            None => self.flush_queue(usize::MAX),
        }
    }

    /// How many bytes wait in this process for the operating system to take them.
    ///
    /// This is the number to look at for whoever writes faster than the other end reads. It counts
    /// what [`bytes_to_write`](qcore::QIODevice::bytes_to_write) of a `QSslSocket` does not count:
    /// the bytes that are encrypted and not sent, with what encryption adds to them. With a plain
    /// socket, also one that goes through a proxy, it differs from `bytes_to_write()` only by bytes
    /// that were sent and have not been announced by `bytes_written` yet. What the system has taken
    /// and the other end has not is in neither number. Qt has no such function.
    ///
    /// A socket for datagrams sends at once: it is 0.
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::{QHostAddress, QTcpServer, QTcpSocket};
    ///
    /// let server = QTcpServer::new();
    /// server.listen(QHostAddress::LocalHost, 0)?;
    /// let socket = QTcpSocket::new();
    /// socket.connect_to_host("127.0.0.1", server.server_port());
    /// socket.wait_for_connected(5000)?;
    ///
    /// socket.write("to be sent").unwrap();
    /// assert_eq!(socket.unsent_bytes(), 10);
    /// socket.flush();
    /// assert_eq!(socket.unsent_bytes(), 0);
    /// # Ok::<(), qnetwork::SocketError>(())
    /// ```
    #[must_use]
    pub fn unsent_bytes(&self) -> usize {
        match self.class() {
            Some(class) => class.unsent_bytes(),
            None => self.write_queue.borrow().unsent(),
        }
    }

    /// Limits the read buffer to `size` bytes; 0 is no limit, the default.
    ///
    /// What does not fit stays with the operating system, which slows the sender down.
    ///
    /// # When reading goes on
    ///
    /// A socket that finds its buffer full stops reading, as Qt's does, and `ready_read` does not
    /// come any more. It goes on when
    ///
    /// * the program has read the buffer empty, or has asked for more than there was;
    /// * the program sets another limit than there was, and the buffer has room under it;
    /// * the program calls [`wait_for_ready_read`](QAbstractSocket::wait_for_ready_read).
    ///
    /// Reading a part of the buffer is not enough, except in a slot of `ready_read` that leaves
    /// room before more has come. A program that takes a part of what there is outside of that
    /// slot, at the pace of a timer for example, would wait for ever: with 4 bytes of 4 in the
    /// buffer it takes 3, and the next ones never come. Such a program has to set the socket
    /// reading again by the second way:
    ///
    /// ```
    /// use std::{cell::RefCell, rc::Rc};
    /// use qcore::{QCoreApplication, QTimer};
    /// use qnetwork::{QHostAddress, QTcpServer, QTcpSocket};
    ///
    /// /// Takes at most `count` bytes, and has the socket fill the room.
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
    /// ticker.start(1);
    /// app.exec();
    /// assert_eq!(*taken.borrow(), b"ten bytes.");
    /// # Ok::<(), qnetwork::SocketError>(())
    /// ```
    ///
    /// A program that keeps what it cannot use yet in a buffer of its own, and reads all in the
    /// slot as long as that has room, does not need this.
    #[doc(alias = "setReadBufferSize")]
    pub fn set_read_buffer_size(&self, size: usize) {
        match self.class() {
            Some(class) => class.set_read_buffer_size(size),
            None => self.limit_reading(size),
        }
    }
}

impl EventSource for AbstractSocketNode {
    fn ready(self: Rc<Self>, ready: Readiness) {
        let _recovery = Recovery(&self);
        let Some(engine) = self.engine() else { return };
        engine.note(ready);
        if self.is_for_datagrams() && self.state.get() != SocketState::Connecting {
            self.on_datagrams(&engine);
            return;
        }
        match self.state.get() {
            SocketState::Connecting => {
                self.on_connecting(&engine);
                return;
            }
            SocketState::Connected | SocketState::Closing => {}
            // What is left of an attempt that was given up.
            _ => return,
        }
        // What a slot writes from here on goes out in another turn: this one may be the last.
        let is_pending = !self.write_queue.borrow().is_empty();
        // With the read buffer full it waits until somebody asks for more, whatever comes.
        if engine.is_readable() && !self.flags.read_paused.get() {
            self.on_readable(&engine);
        }
        if is_pending && ready.contains(Readiness::WRITABLE) && self.has_engine(&engine) {
            self.flush_if_pending();
        }
    }

    fn write_pending(self: Rc<Self>) {
        let _recovery = Recovery(&self);
        if let Some(outer) = self.outer() {
            outer.before_writing();
        }
        self.flags.write_requested.set(false);
        if self.all_out() {
            self.disconnect();
        } else if self.engine().is_some_and(|engine| engine.is_writable()) {
            self.flush_if_pending();
        }
    }
}

/// If a slot panics, what it was called in the middle of is taken up again by the next turn.
struct Recovery<'a>(&'a AbstractSocketNode);

impl Drop for Recovery<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let node = self.0.this.clone();
            self.0.life().dispatcher().post(move || {
                if let Some(node) = node.upgrade() {
                    node.recover();
                }
            });
        }
    }
}

impl AbstractSocketNode {
    fn recover(&self) {
        let linked = matches!(self.state.get(), SocketState::Connected | SocketState::Closing);
        let closes = self.flags.pending_close.get()
            || self.flags.abort_called.get()
            || self.all_out()
            || self.engine().is_none();
        if linked && closes {
            self.flags.pending_close.set(false);
            self.disconnect();
        }
        self.request_write();
        if let Some(engine) = self.engine().filter(|engine| engine.is_readable()) {
            engine.read_again();
        }
    }

    // ---- reading

    pub(crate) fn limit_reading(&self, size: usize) {
        if self.read_limit.replace(size) == size {
            return;
        }
        if size == 0 || self.base.buffer_len() < size {
            self.resume_reading();
        }
    }

    /// The engine may have something to read: reads it and says so, once. Returns whether there was
    /// anything.
    pub(super) fn on_readable(&self, engine: &Rc<dyn Engine>) -> bool {
        if self.state.get() == SocketState::Closing {
            return false;
        }
        if let Some(outer) = self.outer()
            && let Some(room) = outer.room()
        {
            return self.feed(&outer, engine, room);
        }
        if self.is_unbuffered() {
            return self.tell_unread(engine);
        }
        let room = match self.read_limit.get() {
            0 => SCRATCH,
            limit => limit.saturating_sub(self.base.buffer_len()).min(SCRATCH),
        };
        if room == 0 {
            // As Qt's notifier, which is turned off when it finds the buffer full: once it is, even
            // what comes after some bytes were taken waits for somebody to ask.
            self.flags.read_paused.set(engine.has_more());
            return false;
        }
        match self.read_to_buffer(engine, room) {
            Outcome::Moved(_) => {}
            Outcome::WouldBlock => return false,
            Outcome::Failed(error) => {
                self.on_remote_close(&error);
                return false;
            }
        }
        // First of all: a loop that a slot runs is to go on reading.
        self.read_on(engine);
        if self.base.is_readable() {
            self.emit_ready_read();
        }
        let limit = self.read_limit.get();
        if self.state.get() == SocketState::Connected
            && (limit == 0 || self.base.buffer_len() < limit)
        {
            self.resume_reading();
        }
        true
    }

    /// As [`on_readable`](Self::on_readable), for the one that stands over this socket.
    fn feed(&self, outer: &Rc<dyn Outer>, engine: &Rc<dyn Engine>, room: usize) -> bool {
        if room == 0 {
            self.flags.read_paused.set(engine.has_more());
            return false;
        }
        match outer.receive(engine, room) {
            Outcome::Moved(_) => {}
            Outcome::WouldBlock => return false,
            Outcome::Failed(error) => {
                self.on_remote_close(&error);
                return false;
            }
        }
        self.read_on(engine);
        self.emit_ready_read();
        if self.state.get() == SocketState::Connected && outer.room() != Some(0) {
            self.resume_reading();
        }
        true
    }

    /// One read into the buffer. What comes to a socket that is open for writing only is dropped.
    fn read_to_buffer(&self, engine: &Rc<dyn Engine>, room: usize) -> Outcome {
        let pool = self.base.pool();
        let mut scratch = pool.take_scratch();
        let outcome = engine.read(&mut scratch[..room]);
        match outcome {
            Outcome::Moved(count) if self.base.is_readable() => {
                if count >= SCRATCH / 2 {
                    // Rather a new buffer than a copy of this one.
                    scratch.truncate(count);
                    self.base.append_chunk(scratch);
                    return outcome;
                }
                self.base.append_to_buffer(&scratch[..count]);
            }
            _ => {}
        }
        pool.put_scratch(scratch);
        outcome
    }

    /// Has what is left read in the next turn, if there is room for it then.
    fn read_on(&self, engine: &Rc<dyn Engine>) {
        if engine.is_readable() {
            engine.read_again();
        }
    }

    /// Says that there is something to read; but not to a slot that runs a loop of its own in here,
    /// unless it is one for a channel.
    pub(super) fn emit_ready_read(&self) {
        if let Some(outer) = self.outer() {
            return emit_once(&self.flags.in_ready_read, || outer.on_ready_read());
        }
        emit_once(&self.flags.in_ready_read, || {
            self.with_front(|device| device.ready_read.emit(()));
        });
        self.base.channel_ready_read.emit(0);
    }

    /// Somebody wants more than is in the buffer, or there may be more in it.
    pub(crate) fn resume_reading(&self) {
        if !self.flags.read_paused.replace(false) {
            return;
        }
        if let Some(engine) = self.engine()
            && engine.is_readable()
        {
            engine.read_again();
        }
    }

    /// The engine has nothing more to give, and never will.
    pub(super) fn on_remote_close(&self, error: &SocketError) {
        if self.fail(error) {
            self.disconnect();
        }
    }

    /// Tells of an error that ends the connection. The engine is gone by then: what the slots write
    /// goes nowhere. Returns whether the rest is still to be told, and no slot has begun anew.
    fn fail(&self, error: &SocketError) -> bool {
        self.drop_engine();
        self.set_error(error);
        self.emit_error();
        let begins = matches!(self.state.get(), SocketState::HostLookup | SocketState::Connecting);
        self.engine().is_none() && !begins && self.state.get() != SocketState::Unconnected
    }

    // ---- writing

    /// Has the loop call for what is to be written: in the next turn, as a write notifier would; or
    /// at the end of this one, if nobody can tell the difference.
    pub(super) fn request_write(&self) {
        if !self.write_queue.borrow().is_empty() {
            self.call_for_writing();
        }
    }

    /// Whether anybody could tell when bytes are written.
    fn is_watched(&self) -> bool {
        if let Some(outer) = self.outer() {
            return outer.watches_writing();
        }
        self.with_front(|device| device.bytes_written.is_connected())
            || self.base.channel_bytes_written.is_connected()
    }

    pub(crate) fn call_for_writing(&self) {
        if self.flags.write_requested.get() {
            return;
        }
        if let Some(engine) = self.engine() {
            let early = !self.is_watched();
            self.flags.write_requested.set(true);
            engine.request_write(early && self.state.get() == SocketState::Connected);
        }
    }

    /// Writes when the loop says so: so much that others have their turn, too; and all that there
    /// is if this is the loop's last turn.
    fn flush_if_pending(&self) {
        let all = self.write_queue.borrow().unsent();
        let is_last = || is_last_turn(self.life().dispatcher());
        if all > WRITE_BUDGET && is_last() {
            self.flush_queue(all);
        } else if !self.write_queue.borrow().is_empty() {
            self.flush_queue(WRITE_BUDGET);
        }
    }

    /// Sends what is to be written, until the system takes no more or `budget` bytes are out.
    /// Returns whether anything was written.
    pub(crate) fn flush_queue(&self, budget: usize) -> bool {
        let mut written = false;
        let mut sent = 0;
        while let Some(engine) = self.engine() {
            if matches!(self.state.get(), SocketState::Connecting | SocketState::HostLookup) {
                break;
            }
            // A block that has grown since it was sent is sent whole before it is announced, as
            // Qt's.
            let whole = !self.write_queue.borrow().is_partly_sent();
            if whole || !engine.is_writable() || sent >= budget {
                // Borrowed only here: no slot runs before the next line but one.
                let announced = self.write_queue.borrow_mut().announce(self.base.pool());
                if let Some(count) = announced {
                    written = true;
                    self.announce(&engine, count);
                    continue;
                }
                if self.write_queue.borrow().is_empty() || !engine.is_writable() {
                    break;
                }
                if sent >= budget {
                    self.request_write();
                    break;
                }
            }
            let outcome = self.write_queue.borrow().send(|slices| engine.write(slices));
            match outcome {
                Outcome::Moved(count) => {
                    sent += count;
                    self.write_queue.borrow_mut().mark_sent(count);
                }
                // The engine is not writable now; what is out is to be announced first.
                Outcome::WouldBlock => {}
                Outcome::Failed(error) => {
                    self.on_write_error(&error);
                    break;
                }
            }
        }
        written
    }

    /// Says that so many bytes are out, and closes if that was what the socket has waited for.
    fn announce(&self, engine: &Rc<dyn Engine>, count: usize) {
        if self.all_out() || !self.write_queue.borrow().is_empty() {
            // A loop that a slot runs goes on from here.
            self.call_for_writing();
        }
        self.emit_bytes_written(count);
        if self.has_engine(engine) && self.all_out() {
            self.disconnect();
        }
    }

    /// Whether the socket has only waited for its last bytes to go.
    fn all_out(&self) -> bool {
        self.state.get() == SocketState::Closing && self.write_queue.borrow().is_empty()
    }

    fn on_write_error(&self, error: &SocketError) {
        if self.fail(error) {
            self.abort_connection();
        }
    }

    fn emit_bytes_written(&self, count: usize) {
        if let Some(outer) = self.outer() {
            return emit_once(&self.flags.in_bytes_written, || outer.on_bytes_written(count));
        }
        emit_once(&self.flags.in_bytes_written, || {
            self.with_front(|device| device.bytes_written.emit(count));
        });
        self.base.channel_bytes_written.emit((0, count));
    }
}

/// Calls `emit`, unless that is what is going on already.
fn emit_once(running: &Cell<bool>, emit: impl FnOnce()) {
    struct Ended<'a>(&'a Cell<bool>);
    impl Drop for Ended<'_> {
        fn drop(&mut self) {
            self.0.set(false);
        }
    }
    if !running.replace(true) {
        let _ended = Ended(running);
        emit();
    }
}

/// A socket as a device. Apart from the node, whose users are not to meet the backend's functions
/// where they look for the device's.
pub(super) struct SocketDevice {
    pub(super) node: Weak<AbstractSocketNode>,
    pub(super) class_name: &'static str,
}

impl DeviceBackend for SocketDevice {
    fn class_name(&self) -> &'static str {
        self.class_name
    }

    fn is_sequential(&self) -> bool {
        true
    }

    fn bytes_available(&self) -> usize {
        self.node.upgrade().map_or(0, |node| node.unread_bytes())
    }

    fn read_data(&self, _: &QIODevice, data: &mut [u8]) -> Result<usize, DeviceError> {
        match self.node.upgrade() {
            Some(node) => node.supply(data),
            None => Err(DeviceErrorKind::NotOpen.into()),
        }
    }

    fn write_data(&self, _: &QIODevice, data: &[u8]) -> Result<usize, DeviceError> {
        match self.node.upgrade() {
            Some(node) => node.accept(data),
            None => Err(DeviceErrorKind::NotOpen.into()),
        }
    }

    fn write_chunk(&self, _: &QIODevice, data: Chunk) -> Result<usize, DeviceError> {
        match self.node.upgrade() {
            Some(node) => node.accept_chunk(data),
            None => Err(DeviceErrorKind::NotOpen.into()),
        }
    }

    fn bytes_to_write(&self) -> usize {
        self.node.upgrade().map_or(0, |node| node.write_queue.borrow().len())
    }

    fn wait_for_ready_read(
        &self,
        _: &QIODevice,
        deadline: QDeadlineTimer,
    ) -> Result<(), DeviceError> {
        let node = self.node.upgrade().ok_or(DeviceErrorKind::NotOpen)?;
        Ok(QAbstractSocket::from_node(node).wait_for_ready_read(deadline)?)
    }

    fn wait_for_bytes_written(
        &self,
        _: &QIODevice,
        deadline: QDeadlineTimer,
    ) -> Result<(), DeviceError> {
        let node = self.node.upgrade().ok_or(DeviceErrorKind::NotOpen)?;
        Ok(QAbstractSocket::from_node(node).wait_for_bytes_written(deadline)?)
    }

    fn close(&self, _: &QIODevice) {
        if let Some(node) = self.node.upgrade() {
            node.close_socket();
        }
    }
}

impl AbstractSocketNode {
    /// Somebody has read all that there is in the buffer, and wants more.
    pub(crate) fn supply(&self, data: &mut [u8]) -> Result<usize, DeviceError> {
        let Some(engine) = self.engine().filter(|_| self.state.get() == SocketState::Connected)
        else {
            return Err(SocketError::remote_host_closed().into());
        };
        if self.is_unbuffered() {
            return self.read_through(&engine, data);
        }
        // The loop reads, but it may have stopped for want of room.
        self.resume_reading();
        Ok(0)
    }

    /// Takes what is written.
    pub(crate) fn accept(&self, data: &[u8]) -> Result<usize, DeviceError> {
        if self.is_for_datagrams() {
            return self.write_connected(data);
        }
        self.check_linked()?;
        let mut done = 0;
        if self.is_unbuffered() && self.write_queue.borrow().is_empty() {
            done = self.write_through(data)?;
        }
        self.write_queue.borrow_mut().append(&data[done..], self.base.pool());
        self.on_accepted();
        Ok(data.len())
    }

    /// Takes a whole chunk.
    pub(crate) fn accept_chunk(&self, data: Chunk) -> Result<usize, DeviceError> {
        if self.is_unbuffered() {
            return self.accept(&data);
        }
        self.check_linked()?;
        let count = data.len();
        self.write_queue.borrow_mut().append_chunk(data);
        self.on_accepted();
        Ok(count)
    }

    /// Whether there is a connection to write to, or will be one.
    fn check_linked(&self) -> Result<(), DeviceError> {
        if self.state.get() == SocketState::Unconnected || self.is_dead() {
            let error = SocketError::new(SocketErrorKind::Unknown, "Socket is not connected");
            self.set_error(&error);
            return Err(DeviceError::new(DeviceErrorKind::Closed, error.text()));
        }
        Ok(())
    }

    fn on_accepted(&self) {
        if !matches!(self.state.get(), SocketState::HostLookup | SocketState::Connecting) {
            self.request_write();
        }
    }
}
