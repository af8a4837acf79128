//! Devices: what can be read from and written to.
//!
//! A [`QIODevice`] has a read buffer, which its class fills, and the functions to take bytes from
//! it; what is written goes to its class at once. The class is behind a [`DeviceBackend`].
//!
//! ```text
//!   backend fills ──► read buffer ──► read(), read_line(), peek(), ...       write() ──► backend
//! ```

mod backend;
mod buffer;
pub(crate) mod byte_queue;
mod channels;
mod chunk;
mod error;
mod lines;
mod open_mode;
pub(crate) mod pool;
mod reading;
mod sink;
mod std_io;
mod transaction;

use std::{
    borrow::Cow,
    cell::{Cell, OnceCell, Ref, RefCell},
    fmt,
    rc::{Rc, Weak},
};

pub use self::{
    backend::DeviceBackend,
    buffer::{BufferNode, QBuffer},
    chunk::Chunk,
    error::{DeviceError, DeviceErrorKind},
    open_mode::OpenMode,
};
use self::{
    backend::NoBackend,
    byte_queue::ByteQueue,
    pool::{BufferPool, SMALL},
};
use crate::{
    classes::{Handle, Life, Node, Object},
    object::QObject,
    signal::Signal,
    time::QDeadlineTimer,
};

crate::class! {
    /// A device that bytes are read from and written to: the base class of all sockets.
    ///
    /// Reading takes what there is and never waits. A device is sequential, a stream like a socket;
    /// or it has positions and a size, like [`QBuffer`]. One of your own is made of a
    /// [`DeviceBackend`]. Stands for Qt's [QIODevice](https://doc.qt.io/qt-5/qiodevice.html).
    ///
    /// # End of data
    ///
    /// [`read_into`](QIODevice::read_into) tells the three cases apart: `Ok(0)` is nothing now,
    /// [`DeviceErrorKind::Closed`] is the end of a stream that was read to its end, and
    /// [`DeviceErrorKind::NotOpen`] a closed device. The functions that return bytes return those
    /// that there are, none in all three cases.
    ///
    /// # Examples
    ///
    /// ```
    /// use qcore::{OpenMode, QBuffer, QIODevice};
    ///
    /// /// Works with a buffer, a socket, or a device of one's own.
    /// fn copy_lines(from: &QIODevice, to: &QIODevice) -> Result<usize, qcore::DeviceError> {
    ///     let mut count = 0;
    ///     while from.can_read_line() {
    ///         to.write(from.read_line())?;
    ///         count += 1;
    ///     }
    ///     Ok(count)
    /// }
    ///
    /// let (from, to) = (QBuffer::new(), QBuffer::new());
    /// from.set_data(b"one\ntwo\nthr");
    /// from.open(OpenMode::READ_ONLY)?;
    /// to.open(OpenMode::WRITE_ONLY)?;
    /// assert_eq!(copy_lines(&from, &to)?, 2);
    /// assert_eq!(to.data(), b"one\ntwo\n");
    /// # Ok::<(), qcore::DeviceError>(())
    /// ```
    pub struct QIODevice(DeviceNode): QObject = base
}

/// The signals of a [`QIODevice`].
pub struct DeviceNode {
    /// There is something new to read. Not emitted while a slot of it is running.
    #[doc(alias = "readyRead")]
    pub ready_read: Signal<()>,
    /// The device has passed on so many of the bytes that were written to it.
    ///
    /// A socket has passed them to the operating system. A `QSslSocket` has encrypted them: they
    /// may wait in the process for the operating system still, as with Qt. Its
    /// `encrypted_bytes_written` tells when that has taken them, and `unsent_bytes()` of every
    /// socket how many wait.
    #[doc(alias = "bytesWritten")]
    pub bytes_written: Signal<i64>,
    /// There is something new to read on a channel, whose number is the argument. Also emitted
    /// while a slot of it is running. [`QBuffer`] does not emit it, as Qt's does not.
    #[doc(alias = "channelReadyRead")]
    pub channel_ready_read: Signal<i32>,
    /// So many bytes, the second argument, written to a channel, the first, have been passed on, as
    /// [`bytes_written`](Self::bytes_written) has it. [`QBuffer`] does not emit it.
    #[doc(alias = "channelBytesWritten")]
    pub channel_bytes_written: Signal<(i32, i64)>,
    /// The device is about to close.
    #[doc(alias = "aboutToClose")]
    pub about_to_close: Signal<()>,
    /// There will be no more to read than there is.
    #[doc(alias = "readChannelFinished")]
    pub read_channel_finished: Signal<()>,
    base: QObject,
    mode: Cell<OpenMode>,
    /// How many channels there are for reading and for writing.
    channels: Cell<(i32, i32)>,
    current_channels: Cell<(i32, i32)>,
    buffer: RefCell<ByteQueue>,
    pool: Rc<BufferPool>,
    /// Where the next byte is read or written; always 0 in a sequential device.
    pos: Cell<i64>,
    /// Where the backend is: at the end of the buffer, if nothing has moved it.
    device_pos: Cell<i64>,
    /// Whether a line was read by the function that a device may have another one for.
    read_line_data_called: Cell<bool>,
    /// How much was read since a transaction began: that stays in the buffer of a sequential
    /// device.
    transaction: Cell<Option<usize>>,
    /// Where a transaction began in another.
    transaction_pos: Cell<i64>,
    error_string: RefCell<Cow<'static, str>>,
    backend: OnceCell<Backend>,
}

/// Where the virtual functions are.
enum Backend {
    /// In the node of a derived class, which embeds this one.
    Derived(Weak<dyn DeviceBackend>),
    /// In what the user gave.
    Owned(Rc<dyn DeviceBackend>),
}

impl Node for DeviceNode {
    fn life(&self) -> &Rc<Life> {
        Object::life(&self.base)
    }
}

impl DeviceNode {
    fn make(life: &Rc<Life>) -> Rc<DeviceNode> {
        Rc::new(DeviceNode {
            ready_read: Signal::in_life(life),
            bytes_written: Signal::in_life(life),
            channel_ready_read: Signal::in_life(life),
            channel_bytes_written: Signal::in_life(life),
            about_to_close: Signal::in_life(life),
            read_channel_finished: Signal::in_life(life),
            base: QObject::embed(life),
            mode: Cell::default(),
            channels: Cell::default(),
            current_channels: Cell::default(),
            buffer: RefCell::default(),
            pool: life.dispatcher().local::<BufferPool>(),
            pos: Cell::new(0),
            device_pos: Cell::new(0),
            read_line_data_called: Cell::new(false),
            transaction: Cell::new(None),
            transaction_pos: Cell::new(0),
            error_string: RefCell::default(),
            backend: OnceCell::new(),
        })
    }
}

impl QIODevice {
    /// A device of your own making, not open.
    #[must_use]
    pub fn new(backend: impl DeviceBackend + 'static) -> Self {
        let node = DeviceNode::make(&Life::new());
        let _ = node.backend.set(Backend::Owned(Rc::new(backend)));
        QIODevice(Handle::new(node))
    }

    /// The device part of a new object of a derived class, to be embedded in that class's node.
    /// [`set_backend`](QIODevice::set_backend) has to follow.
    #[must_use]
    pub fn embed(life: &Rc<Life>) -> Self {
        QIODevice(Handle::embed(DeviceNode::make(life)))
    }

    /// Gives the device its virtual functions. Only the first call counts.
    pub fn set_backend(&self, backend: Weak<dyn DeviceBackend>) {
        let _ = self.0.backend.set(Backend::Derived(backend));
    }

    fn backend(&self) -> Rc<dyn DeviceBackend> {
        let backend = match self.0.backend.get() {
            Some(Backend::Derived(backend)) => backend.upgrade(),
            Some(Backend::Owned(backend)) => Some(backend.clone()),
            None => None,
        };
        backend.unwrap_or_else(|| Rc::new(NoBackend))
    }

    // ---- state

    /// How the device is open.
    #[doc(alias = "openMode")]
    #[must_use]
    pub fn open_mode(&self) -> OpenMode {
        self.0.mode.get()
    }

    /// Whether the device is open.
    #[doc(alias = "isOpen")]
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.open_mode().is_empty()
    }

    /// Whether the device is open for reading.
    #[doc(alias = "isReadable")]
    #[must_use]
    pub fn is_readable(&self) -> bool {
        self.open_mode().contains(OpenMode::READ_ONLY)
    }

    /// Whether the device is open for writing.
    #[doc(alias = "isWritable")]
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.open_mode().contains(OpenMode::WRITE_ONLY)
    }

    /// Whether carriage returns are left out of what is read.
    #[doc(alias = "isTextModeEnabled")]
    #[must_use]
    pub fn is_text_mode_enabled(&self) -> bool {
        self.open_mode().contains(OpenMode::TEXT)
    }

    /// Turns the leaving out of carriage returns on or off, while the device is open.
    #[doc(alias = "setTextModeEnabled")]
    pub fn set_text_mode_enabled(&self, enabled: bool) {
        if !self.is_open() {
            self.warn("setTextModeEnabled", "The device is not open");
            return;
        }
        let mut mode = self.open_mode();
        mode.set(OpenMode::TEXT, enabled);
        self.0.mode.set(mode);
    }

    /// The text of the last error, "Unknown error" if there was none.
    #[doc(alias = "errorString")]
    #[must_use]
    pub fn error_string(&self) -> String {
        let text = self.0.error_string.borrow();
        if text.is_empty() { "Unknown error".to_owned() } else { text.clone().into_owned() }
    }

    /// Whether the device is a stream, without positions and a size.
    #[doc(alias = "isSequential")]
    #[must_use]
    pub fn is_sequential(&self) -> bool {
        self.backend().is_sequential()
    }

    /// How many bytes can be read now.
    #[doc(alias = "bytesAvailable")]
    #[must_use]
    pub fn bytes_available(&self) -> usize {
        let backend = self.backend();
        if backend.is_sequential() && self.current_read_channel() != 0 {
            0
        } else if backend.is_sequential() {
            self.buffered().saturating_add(backend.bytes_available())
        } else {
            usize::try_from(backend.size().saturating_sub(self.pos())).unwrap_or(0)
        }
    }

    /// The size of the device; of a sequential one, how many bytes can be read now.
    #[must_use]
    pub fn size(&self) -> i64 {
        let backend = self.backend();
        if backend.is_sequential() { self.bytes_available() as i64 } else { backend.size() }
    }

    /// Where the next byte is read or written; 0 in a sequential device.
    ///
    /// It is negative where [`unget_char`](QIODevice::unget_char) has put something before the
    /// beginning.
    #[must_use]
    pub fn pos(&self) -> i64 {
        self.0.pos.get()
    }

    /// Moves to a position.
    ///
    /// # Errors
    ///
    /// [`DeviceErrorKind::NotOpen`], [`InvalidArgument`](DeviceErrorKind::InvalidArgument) for a
    /// position that is none or a sequential device; each with a warning in the log as Qt's.
    pub fn seek(&self, position: i64) -> Result<(), DeviceError> {
        let backend = self.backend();
        if backend.is_sequential() {
            self.warn("seek", "Cannot call seek on a sequential device");
            return Err(DeviceErrorKind::InvalidArgument.into());
        }
        if !self.is_open() {
            self.warn("seek", "The device is not open");
            return Err(DeviceErrorKind::NotOpen.into());
        }
        if position < 0 {
            crate::q_warning!("{}::seek: Invalid pos: {position}", backend.class_name());
            return Err(DeviceErrorKind::InvalidArgument.into());
        }
        backend.seek(self, position)?;
        self.seek_buffer(position);
        self.0.device_pos.set(position);
        Ok(())
    }

    /// Moves in what is buffered, or drops it; not in the device.
    fn seek_buffer(&self, position: i64) {
        let ahead = position - self.pos();
        if (0..self.buffer_len() as i64).contains(&ahead) {
            self.0.buffer.borrow_mut().consume(ahead as usize, &self.0.pool);
        } else {
            self.clear_buffer();
        }
        self.0.pos.set(position);
    }

    /// Moves to the beginning.
    ///
    /// # Errors
    ///
    /// As [`seek`](QIODevice::seek).
    pub fn reset(&self) -> Result<(), DeviceError> {
        self.seek(0)
    }

    /// Opens the device.
    ///
    /// # Errors
    ///
    /// What the device says. A socket is opened by connecting it.
    pub fn open(&self, mode: OpenMode) -> Result<(), DeviceError> {
        if self.is_deleted() {
            return Err(DeviceErrorKind::NotOpen.into());
        }
        self.backend().open(self, mode)
    }

    /// How many bytes were written to the device and have not been passed on:
    /// [`bytes_written`](DeviceNode::bytes_written) has not told of them.
    ///
    /// With a `QSslSocket` that encrypts these are the bytes that are not encrypted yet, as with
    /// Qt. It encrypts all that is written as soon as the loop runs, and any number of encrypted
    /// bytes may then wait for the other end to read. Who has to know how much waits asks
    /// `unsent_bytes()`, which every socket has.
    #[doc(alias = "bytesToWrite")]
    #[must_use]
    pub fn bytes_to_write(&self) -> usize {
        self.backend().bytes_to_write()
    }

    /// Closes the device. Emits [`about_to_close`](DeviceNode::about_to_close) first, if it was
    /// open; what was not read is dropped.
    pub fn close(&self) {
        self.backend().close(self);
    }

    // ---- waiting

    /// Waits, with no loop, until there is something new to read, at most until a deadline:
    /// milliseconds, -1 being for ever, or a `Duration`.
    ///
    /// What this does is the device's affair: a
    /// [socket](https://doc.qt.io/qt-5/qabstractsocket.html) waits, a [`QBuffer`] cannot.
    ///
    /// # Errors
    ///
    /// What went wrong; [`DeviceErrorKind::TimedOut`] for the deadline,
    /// [`DeviceErrorKind::Unsupported`] at once for a device that cannot wait.
    ///
    /// ```
    /// use qcore::{DeviceErrorKind, OpenMode, QBuffer};
    ///
    /// let buffer = QBuffer::new();
    /// buffer.open(OpenMode::READ_ONLY)?;
    /// let error = buffer.wait_for_ready_read(-1).unwrap_err();
    /// assert_eq!(error, DeviceErrorKind::Unsupported);
    /// # Ok::<(), qcore::DeviceError>(())
    /// ```
    #[doc(alias = "waitForReadyRead")]
    pub fn wait_for_ready_read(
        &self,
        deadline: impl Into<QDeadlineTimer>,
    ) -> Result<(), DeviceError> {
        self.backend().wait_for_ready_read(self, deadline.into())
    }

    /// Waits, with no loop, until something of what was written is on its way, at most until a
    /// deadline: milliseconds, -1 being for ever, or a `Duration`.
    ///
    /// # Errors
    ///
    /// As [`wait_for_ready_read`](QIODevice::wait_for_ready_read).
    #[doc(alias = "waitForBytesWritten")]
    pub fn wait_for_bytes_written(
        &self,
        deadline: impl Into<QDeadlineTimer>,
    ) -> Result<(), DeviceError> {
        self.backend().wait_for_bytes_written(self, deadline.into())
    }

    // ---- writing

    /// Writes `data`. Returns how much of it was taken; a device with a buffer takes all of it.
    ///
    /// # Errors
    ///
    /// [`DeviceErrorKind::NotOpen`] or [`NotWritable`](DeviceErrorKind::NotWritable), with a
    /// warning in the log as Qt's; else what the device says.
    pub fn write(&self, data: impl AsRef<[u8]>) -> Result<usize, DeviceError> {
        self.check_writable("write")?;
        self.check_write_channel()?;
        let backend = self.backend();
        if backend.is_sequential() {
            return backend.write_data(self, data.as_ref());
        }
        if self.0.device_pos.get() != self.pos() {
            self.seek(self.pos())?;
        }
        let count = backend.write_data(self, data.as_ref())?;
        if self.is_open() {
            self.0.pos.set(self.pos() + count as i64);
            self.0.device_pos.set(self.0.device_pos.get() + count as i64);
            // What was read ahead is what has been written now.
            self.0.buffer.borrow_mut().consume(count, &self.0.pool);
        }
        Ok(count)
    }

    /// [`write`](QIODevice::write) for bytes that can be given away or shared, see [`Chunk`]. A
    /// device with a write buffer, like a socket, keeps them as they are, without a copy, and
    /// announces them as a whole.
    ///
    /// # Errors
    ///
    /// As [`write`](QIODevice::write).
    ///
    /// # Examples
    ///
    /// ```
    /// use qcore::{OpenMode, QBuffer};
    ///
    /// let device = QBuffer::new();
    /// device.open(OpenMode::WRITE_ONLY)?;
    /// device.write_chunk("HTTP/1.1 200 OK\r\n")?;
    /// device.write_chunk(format!("Content-Length: {}\r\n\r\n", 0))?;
    /// assert!(device.data().ends_with(b"0\r\n\r\n"));
    /// # Ok::<(), qcore::DeviceError>(())
    /// ```
    #[doc(alias = "write")]
    pub fn write_chunk(&self, data: impl Into<Chunk>) -> Result<usize, DeviceError> {
        let (data, backend) = (data.into(), self.backend());
        if !backend.is_sequential() {
            return self.write(&*data);
        }
        self.check_writable("write")?;
        self.check_write_channel()?;
        backend.write_chunk(self, data)
    }

    /// Writes one byte.
    ///
    /// # Errors
    ///
    /// As [`write`](QIODevice::write).
    #[doc(alias = "putChar")]
    pub fn put_char(&self, byte: u8) -> Result<(), DeviceError> {
        match self.write([byte])? {
            0 => Err(DeviceErrorKind::Device.into()),
            _ => Ok(()),
        }
    }

    fn check_writable(&self, function: &str) -> Result<(), DeviceError> {
        if self.is_writable() {
            return Ok(());
        }
        if self.is_open() {
            self.warn(function, "ReadOnly device");
            Err(DeviceErrorKind::NotWritable.into())
        } else {
            self.warn(function, "device not open");
            Err(DeviceErrorKind::NotOpen.into())
        }
    }

    fn warn(&self, function: &str, text: &str) {
        crate::q_warning!("QIODevice::{function} ({}): {text}", self.backend().class_name());
    }

    // ---- for derived classes

    /// Opens the base part: sets the mode, and drops what was buffered and the error text. A
    /// transaction goes on, as Qt's does, if the device was open.
    pub fn open_device(&self, mode: OpenMode) {
        self.0.mode.set(mode);
        self.reset_channel_counts();
        self.set_error_string("");
        self.clear_buffer();
        let at_end = mode.contains(OpenMode::APPEND) && !self.is_sequential();
        self.0.pos.set(if at_end { self.backend().size() } else { 0 });
        if self.0.device_pos.get() != 0 {
            // Where the device is now is not known: it is moved before it is used.
            self.0.device_pos.set(i64::MIN);
        }
    }

    /// Closes the base part: emits [`about_to_close`](DeviceNode::about_to_close), then drops what
    /// was not read. The text of the last error stays. Does nothing if the device is not open.
    pub fn close_device(&self) {
        if !self.is_open() {
            return;
        }
        self.0.about_to_close.emit(());
        self.0.mode.set(OpenMode::NOT_OPEN);
        self.reset_channel_counts();
        self.clear_buffer();
        self.0.transaction.set(None);
        self.0.pos.set(0);
    }

    /// Sets the open mode, and the channels that go with it.
    #[doc(alias = "setOpenMode")]
    pub fn set_open_mode(&self, mode: OpenMode) {
        self.0.mode.set(mode);
        self.reset_channel_counts();
    }

    /// Sets the text of the last error; an empty one is none.
    #[doc(alias = "setErrorString")]
    pub fn set_error_string(&self, text: impl Into<Cow<'static, str>>) {
        let before = self.0.error_string.replace(text.into());
        drop(before);
    }

    /// Adds to the read buffer.
    pub fn append_to_buffer(&self, data: &[u8]) {
        let mut buffer = self.0.buffer.borrow_mut();
        // Chunks are filled: a chunk for each byte that comes by itself would take thousands.
        buffer.append(data, SMALL, &self.0.pool);
    }

    /// Adds a whole buffer to the read buffer, without a copy.
    pub fn append_chunk(&self, data: impl Into<Chunk>) {
        self.0.buffer.borrow_mut().append_chunk(data);
    }

    /// Drops the read buffer.
    pub fn clear_buffer(&self) {
        self.0.buffer.borrow_mut().clear(&self.0.pool);
    }

    /// Takes the read buffer, with what a transaction has read, and ends the transaction.
    #[must_use]
    pub fn take_buffer(&self) -> Vec<u8> {
        self.0.transaction.set(None);
        self.0.buffer.borrow_mut().take_all(&self.0.pool)
    }

    /// How much is in the read buffer, what a transaction has read included.
    #[must_use]
    pub fn buffer_len(&self) -> usize {
        self.0.buffer.borrow().len()
    }

    /// Where buffers come from.
    pub(crate) fn buffer_pool(&self) -> &Rc<BufferPool> {
        &self.0.pool
    }

    fn buffer(&self) -> Ref<'_, ByteQueue> {
        self.0.buffer.borrow()
    }
}

impl fmt::Debug for DeviceNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceNode")
            .field("mode", &self.mode.get())
            .field("buffered", &self.buffer.borrow().len())
            .finish_non_exhaustive()
    }
}
