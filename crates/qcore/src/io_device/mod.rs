//! Devices: objects that a program reads bytes from and writes bytes to.
//!
//! A [`QIODevice`] has a read buffer, which its backend fills, and functions that take bytes from
//! that buffer. Written bytes go directly to the backend. The backend is a [`DeviceBackend`].
//!
//! ```text
//!   backend fills ──► read buffer ──► read(), read_line(), peek(), ...       write() ──► backend
//! ```

mod backend;
mod buffer;
pub(crate) mod byte_queue;
mod channels;
mod chunk;
pub(crate) mod class;
#[cfg(feature = "tasks")]
mod device_stream;
mod error;
mod flow;
mod lending;
mod lines;
mod open_mode;
pub(crate) mod pool;
mod reading;
mod sink;
mod std_io;
#[cfg(all(test, target_pointer_width = "64"))]
mod tests;
mod transaction;
mod watch;

use std::{
    cell::{Cell, OnceCell, Ref, RefCell},
    fmt,
    rc::{Rc, Weak},
};

#[cfg(feature = "tasks")]
pub(crate) use self::device_stream::Waiting;
#[cfg(feature = "tasks")]
pub use self::device_stream::{DeviceStream, ReadHalf, StreamDevice, WriteHalf};
pub use self::{
    backend::DeviceBackend,
    buffer::{BufferNode, QBuffer},
    chunk::Chunk,
    error::{DeviceError, DeviceErrorKind},
    flow::{WhenFull, WriteFlow},
    lending::FilledBuf,
    open_mode::OpenMode,
};
use self::{
    backend::NoBackend,
    byte_queue::{ByteQueue, DetachedBytes},
    pool::{Block, BufferPool, SMALL},
    watch::ReadWatch,
};
use crate::{
    classes::{Class, Handle, Life, Node, Object},
    object::QObject,
    signal::Signal,
    time::QDeadlineTimer,
};

crate::library_class! {
    /// A device: a program reads bytes from it and writes bytes to it. It is the base class of all
    /// sockets.
    ///
    /// Reading returns the bytes that the device has now and never waits. A device is either
    /// sequential, which means a stream like a socket, or it has positions and a size, like
    /// [`QBuffer`]. Implement [`DeviceBackend`] to make a device of your own.
    /// [`cast`](QObject::cast) returns a handle of the derived class, for example of a [`QBuffer`].
    /// Stands for Qt's [QIODevice](https://doc.qt.io/qt-5/qiodevice.html).
    ///
    /// # End of data
    ///
    /// [`read_into`](QIODevice::read_into) distinguishes three cases. `Ok(0)` means that there is
    /// nothing to read now. [`DeviceErrorKind::Closed`] means that the stream has ended and all of
    /// it has been read. [`DeviceErrorKind::NotOpen`] means that the device is closed. The
    /// functions that return bytes return none in all three cases.
    ///
    /// # Examples
    ///
    /// ```
    /// use qcore::{OpenMode, QBuffer, QIODevice};
    ///
    /// /// Works with a buffer, a socket, or a device of your own.
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
    pub struct QIODevice(DeviceNode): QObject = base;
    virtual (QIODevice, <QObject as Class>::Virtual)
}

/// The object behind a [`QIODevice`], with its signals.
pub struct DeviceNode {
    /// Emitted when there is new data to read. Not emitted while one of its own slots runs.
    #[doc(alias = "readyRead")]
    pub ready_read: Signal<()>,
    /// Emitted when the device has passed on bytes written to it. The argument is their number.
    ///
    /// A socket has passed them to the operating system. A `QSslSocket` has encrypted them; as in
    /// Qt, they may still wait in the process for the operating system. Its
    /// `encrypted_bytes_written` is emitted when the system has taken them. `unsent_bytes()`, which
    /// every socket has, returns how many bytes wait.
    #[doc(alias = "bytesWritten")]
    pub bytes_written: Signal<usize>,
    /// Emitted when a channel has new data to read. The argument is the channel's number. Also
    /// emitted while one of its own slots runs. [`QBuffer`] does not emit it, as in Qt.
    #[doc(alias = "channelReadyRead")]
    pub channel_ready_read: Signal<i32>,
    /// Emitted when the device has passed on bytes written to a channel, as for
    /// [`bytes_written`](Self::bytes_written). The arguments are the channel's number and the
    /// number of bytes. [`QBuffer`] does not emit it.
    #[doc(alias = "channelBytesWritten")]
    pub channel_bytes_written: Signal<(i32, usize)>,
    /// Emitted before the device closes.
    #[doc(alias = "aboutToClose")]
    pub about_to_close: Signal<()>,
    /// Emitted when no further data will arrive.
    #[doc(alias = "readChannelFinished")]
    pub read_channel_finished: Signal<()>,
    /// The device is closed, because its connection goes on in another object. It wakes those that
    /// wait for the device. Qt has no such signal.
    pub(crate) handed_over: Signal<()>,
    base: QObject,
    mode: Cell<OpenMode>,
    /// The numbers of channels for reading and for writing.
    channels: Cell<(u16, u16)>,
    buffer: RefCell<ByteQueue>,
    pool: Rc<BufferPool>,
    /// The position of the next read or write; always 0 in a sequential device.
    pos: Cell<i64>,
    /// The backend's position. It is at the end of the read buffer unless something has moved it.
    device_pos: Cell<i64>,
    /// Whether the default `read_line_data` has run. A backend may override it.
    read_line_data_called: Cell<bool>,
    /// Whether the slots of `ready_read` are running.
    is_announcing: Cell<bool>,
    /// Whether the backend fills the read buffer by itself, and wants no call when it is empty.
    is_fed: Cell<bool>,
    /// How often bytes of the read buffer were lent and returned: odd while they are lent.
    lendings: Cell<u32>,
    /// How many bytes of the read buffer are lent.
    lent: Cell<usize>,
    /// The node of a derived class, or a part of it.
    backend: OnceCell<Weak<dyn DeviceBackend>>,
    extras: OnceCell<Box<Extras>>,
}

/// Parts that few devices have.
#[derive(Default)]
struct Extras {
    current_channels: Cell<(i32, i32)>,
    /// How many bytes were read since the transaction began. In a sequential device they stay in
    /// the buffer.
    transaction: Cell<Option<usize>>,
    /// The position at which a transaction began, in a device with positions.
    transaction_pos: Cell<i64>,
    error_string: Cell<Option<Box<str>>>,
    /// The backend that the device owns.
    backend: OnceCell<Backend>,
    /// What limits written bytes.
    flow: OnceCell<WriteFlow>,
    /// What happens to unread bytes.
    watch: OnceCell<ReadWatch>,
    /// Those who wait for bytes that are lent.
    waiters: lending::Waiters,
}

/// The object that implements the functions that are virtual in Qt, if the device owns it.
enum Backend {
    /// The backend that the user passed to [`QIODevice::new`].
    Owned(Rc<dyn DeviceBackend>),
    /// In a class of the user's; of several derived from each other, in the most derived one.
    Class(Box<RefCell<Rc<dyn DeviceBackend>>>),
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
            handed_over: Signal::in_life(life),
            base: QObject::embed(life),
            mode: Cell::default(),
            channels: Cell::default(),
            buffer: RefCell::default(),
            pool: life.dispatcher().local::<BufferPool>(),
            pos: Cell::new(0),
            device_pos: Cell::new(0),
            read_line_data_called: Cell::new(false),
            is_announcing: Cell::new(false),
            is_fed: Cell::new(false),
            lendings: Cell::new(0),
            lent: Cell::new(0),
            backend: OnceCell::new(),
            extras: OnceCell::new(),
        })
    }
}

impl DeviceNode {
    /// Returns the number of bytes in the read buffer.
    pub(crate) fn buffer_len(&self) -> usize {
        self.buffer.borrow().len()
    }
}

impl QIODevice {
    /// Creates a device with a backend of your own. It is not open.
    #[must_use]
    pub fn new(backend: impl DeviceBackend + 'static) -> Self {
        let device = Self::without_backend();
        let _ = device.extras().backend.set(Backend::Owned(Rc::new(backend)));
        device
    }

    /// A device without a backend, not open: what a class of your own is
    /// [derived](crate::class!#devices) from. The class implements [`DeviceBackend`].
    #[must_use]
    pub fn without_backend() -> Self {
        QIODevice(Handle::new(DeviceNode::make(&Life::new())))
    }

    /// A class overrides the virtual functions.
    fn override_backend(&self, backend: Rc<dyn DeviceBackend>) {
        if self.0.backend.get().is_some() {
            return;
        }
        let class = || Backend::Class(Box::new(RefCell::new(backend.clone())));
        let place = self.extras().backend.get_or_init(class);
        if let Backend::Class(place) = place {
            let before = place.replace(backend);
            drop(before);
        }
    }

    /// Creates the device part of a new object of a derived class, to be embedded in that class's
    /// node. The class then has to call [`set_backend`](QIODevice::set_backend).
    #[must_use]
    pub fn embed(life: &Rc<Life>) -> Self {
        QIODevice(Handle::embed(DeviceNode::make(life)))
    }

    /// Sets the device's virtual functions. Only the first call has an effect.
    pub fn set_backend(&self, backend: Weak<dyn DeviceBackend>) {
        if self.owned_backend().is_none() {
            let _ = self.0.backend.set(backend);
        }
    }

    fn extras(&self) -> &Extras {
        self.0.extras.get_or_init(Box::default)
    }

    fn backend(&self) -> Rc<dyn DeviceBackend> {
        let backend = match self.0.backend.get() {
            Some(derived) => derived.upgrade(),
            None => self.owned_backend(),
        };
        backend.unwrap_or_else(|| Rc::new(NoBackend))
    }

    fn owned_backend(&self) -> Option<Rc<dyn DeviceBackend>> {
        match self.0.extras.get()?.backend.get()? {
            Backend::Owned(backend) => Some(backend.clone()),
            Backend::Class(backend) => Some(backend.borrow().clone()),
        }
    }

    // ---- state

    /// Returns the mode in which the device is open.
    #[doc(alias = "openMode")]
    #[must_use]
    pub fn open_mode(&self) -> OpenMode {
        self.0.mode.get()
    }

    /// Returns whether the device is open.
    #[doc(alias = "isOpen")]
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.open_mode().is_empty()
    }

    /// Returns whether the device is open for reading.
    #[doc(alias = "isReadable")]
    #[must_use]
    pub fn is_readable(&self) -> bool {
        self.open_mode().contains(OpenMode::READ_ONLY)
    }

    /// Returns whether the device is open for writing.
    #[doc(alias = "isWritable")]
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.open_mode().contains(OpenMode::WRITE_ONLY)
    }

    /// Returns whether reading removes carriage returns.
    #[doc(alias = "isTextModeEnabled")]
    #[must_use]
    pub fn is_text_mode_enabled(&self) -> bool {
        self.open_mode().contains(OpenMode::TEXT)
    }

    /// Sets whether reading removes carriage returns. The device must be open: otherwise the
    /// function logs a warning and does nothing.
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

    /// Returns the text of the last error, "Unknown error" if there was none.
    #[doc(alias = "errorString")]
    #[must_use]
    pub fn error_string(&self) -> String {
        let text = self.0.extras.get().and_then(|extras| extras.error_string.take());
        let copy = text.as_deref().unwrap_or("Unknown error").to_owned();
        if text.is_some() {
            self.extras().error_string.set(text);
        }
        copy
    }

    /// Returns whether the device is a stream, without positions and a size.
    #[doc(alias = "isSequential")]
    #[must_use]
    pub fn is_sequential(&self) -> bool {
        self.backend().is_sequential()
    }

    /// Returns the number of bytes that can be read now.
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

    /// Returns the size of the device in bytes; for a sequential device, the number of bytes that
    /// can be read now.
    #[must_use]
    pub fn size(&self) -> i64 {
        let backend = self.backend();
        if backend.is_sequential() { self.bytes_available() as i64 } else { backend.size() }
    }

    /// Returns the position of the next read or write; 0 in a sequential device.
    ///
    /// It is negative if [`unget_char`](QIODevice::unget_char) has put bytes before the beginning.
    #[must_use]
    pub fn pos(&self) -> i64 {
        self.0.pos.get()
    }

    /// Moves to a position, in bytes from the beginning.
    ///
    /// # Errors
    ///
    /// [`DeviceErrorKind::NotOpen`] if the device is closed.
    /// [`InvalidArgument`](DeviceErrorKind::InvalidArgument) for an invalid position or a
    /// sequential device. Each comes with Qt's warning in the log.
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

    /// Moves inside the read buffer, or drops the buffer. Does not move the backend.
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
    /// The same as [`seek`](QIODevice::seek).
    pub fn reset(&self) -> Result<(), DeviceError> {
        self.seek(0)
    }

    /// Opens the device.
    ///
    /// A device of its own class may emit signals before it returns: a `QLocalSocket` connects, and
    /// emits `state_changed`, and `connected`, or `error_occurred` and `closed`.
    ///
    /// # Errors
    ///
    /// The device's own error. Sockets are opened by connecting them, not with this function.
    pub fn open(&self, mode: OpenMode) -> Result<(), DeviceError> {
        if self.is_deleted() {
            return Err(DeviceErrorKind::NotOpen.into());
        }
        self.backend().open(self, mode)
    }

    /// Returns the number of written bytes that have not been passed on: those that
    /// [`bytes_written`](DeviceNode::bytes_written) has not reported.
    ///
    /// For an encrypted `QSslSocket` these are the bytes that are not encrypted yet, as in Qt. The
    /// socket encrypts all written bytes as soon as the loop runs, and any number of encrypted
    /// bytes may then wait for the peer to read. [`unsent_bytes`](QIODevice::unsent_bytes) returns
    /// how many bytes wait in all.
    #[doc(alias = "bytesToWrite")]
    #[must_use]
    pub fn bytes_to_write(&self) -> usize {
        self.backend().bytes_to_write()
    }

    /// Returns how many written bytes wait in this process for the operating system to take them.
    ///
    /// A program that may write faster than the other end reads should limit this number, for
    /// example with [`write_flow`](QIODevice::write_flow). For a `QSslSocket` the number includes
    /// bytes that [`bytes_to_write`](QIODevice::bytes_to_write) does not count: bytes that are
    /// encrypted and not sent, with those that encryption adds. For other sockets the two numbers
    /// differ only by bytes that were sent and that [`bytes_written`](DeviceNode::bytes_written)
    /// has not reported yet. Neither number includes bytes that the system has taken and the other
    /// end has not received. Qt has no such function.
    ///
    /// The number is 0 for a device that passes on bytes immediately, such as a `QUdpSocket` or a
    /// [`QBuffer`].
    #[must_use]
    pub fn unsent_bytes(&self) -> usize {
        self.backend().unsent_bytes()
    }

    /// Closes the device and drops unread data.
    ///
    /// An open device emits [`about_to_close`](DeviceNode::about_to_close) before it returns. A
    /// socket also emits the signals of its function for disconnecting: `state_changed`,
    /// [`read_channel_finished`](DeviceNode::read_channel_finished), `disconnected` and `closed`.
    /// If it is encrypted, it first sends its unsent bytes, and emits
    /// [`bytes_written`](DeviceNode::bytes_written) and `encrypted_bytes_written`.
    pub fn close(&self) {
        self.backend().close(self);
    }

    // ---- waiting

    /// Waits until there is new data to read, without running an event loop.
    ///
    /// `deadline` limits the wait: milliseconds, where -1 means for ever, or a `Duration`. The
    /// device decides how to wait: a [socket](https://doc.qt.io/qt-5/qabstractsocket.html) can, a
    /// [`QBuffer`] cannot.
    ///
    /// Like the loop, the function emits the signals of the device before it returns.
    ///
    /// # Errors
    ///
    /// [`DeviceErrorKind::TimedOut`] when the deadline passes. [`DeviceErrorKind::Unsupported`] at
    /// once if the device cannot wait. Otherwise the device's own error.
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

    /// Waits until the device has passed on some of the written data, without running an event
    /// loop.
    ///
    /// `deadline` limits the wait: milliseconds, where -1 means for ever, or a `Duration`.
    ///
    /// Like the loop, the function emits the signals of the device before it returns.
    ///
    /// # Errors
    ///
    /// The same as [`wait_for_ready_read`](QIODevice::wait_for_ready_read).
    #[doc(alias = "waitForBytesWritten")]
    pub fn wait_for_bytes_written(
        &self,
        deadline: impl Into<QDeadlineTimer>,
    ) -> Result<(), DeviceError> {
        self.backend().wait_for_bytes_written(self, deadline.into())
    }

    // ---- writing

    /// Writes `data`. Returns how many bytes the device took; a device with a write buffer takes
    /// all.
    ///
    /// A connected UDP socket emits [`bytes_written`](DeviceNode::bytes_written) before it returns.
    /// Other devices of this library emit it later, from the event loop.
    ///
    /// # Errors
    ///
    /// [`DeviceErrorKind::NotOpen`] or [`NotWritable`](DeviceErrorKind::NotWritable), with Qt's
    /// warning in the log. [`Full`](DeviceErrorKind::Full) if the program has chosen
    /// [`WhenFull::Refuse`] and the device is full. Otherwise the device's own error.
    pub fn write(&self, data: impl AsRef<[u8]>) -> Result<usize, DeviceError> {
        self.check_writable("write")?;
        self.check_write_channel()?;
        let backend = self.backend();
        if backend.is_sequential() {
            return match self.flow_in_use() {
                None => backend.write_data(self, data.as_ref()),
                Some(flow) => flow.write(self, || backend.write_data(self, data.as_ref())),
            };
        }
        if self.0.device_pos.get() != self.pos() {
            self.seek(self.pos())?;
        }
        let count = backend.write_data(self, data.as_ref())?;
        if self.is_open() {
            self.0.pos.set(self.pos() + count as i64);
            self.0.device_pos.set(self.0.device_pos.get() + count as i64);
            // The write has replaced as many of the bytes that the buffer had read ahead.
            self.0.buffer.borrow_mut().consume(count, &self.0.pool);
        }
        Ok(count)
    }

    /// Writes bytes that the caller gives away or shares, see [`Chunk`]. A device with a write
    /// buffer, like a socket, keeps them without a copy, and `bytes_written` reports them in one
    /// piece.
    ///
    /// Emits [`bytes_written`](DeviceNode::bytes_written) before it returns where
    /// [`write`](QIODevice::write) does.
    ///
    /// # Errors
    ///
    /// The same as [`write`](QIODevice::write).
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
        match self.flow_in_use() {
            None => backend.write_chunk(self, data),
            Some(flow) => flow.write(self, || backend.write_chunk(self, data)),
        }
    }

    /// Writes `head` to a sequential device, and behind it `data` as
    /// [`write_chunk`](QIODevice::write_chunk) does. A device that refuses takes neither.
    pub(crate) fn write_with_chunk(&self, head: &[u8], data: Chunk) -> Result<usize, DeviceError> {
        self.check_writable("write")?;
        self.check_write_channel()?;
        let backend = self.backend();
        let write = || match backend.write_data(self, head)? {
            count if count < head.len() => Ok(count),
            count => Ok(count + backend.write_chunk(self, data)?),
        };
        match self.flow_in_use() {
            None => write(),
            Some(flow) => flow.write(self, write),
        }
    }

    /// Writes one byte.
    ///
    /// Emits [`bytes_written`](DeviceNode::bytes_written) before it returns where
    /// [`write`](QIODevice::write) does.
    ///
    /// # Errors
    ///
    /// The same as [`write`](QIODevice::write).
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

    /// Opens the base part: sets the mode, and clears the read buffer and the error text. If the
    /// device was open already, a transaction continues, as in Qt.
    pub fn open_device(&self, mode: OpenMode) {
        self.0.mode.set(mode);
        self.reset_channel_counts();
        self.set_error_string("");
        self.clear_buffer();
        self.forget_fullness();
        let at_end = mode.contains(OpenMode::APPEND) && !self.is_sequential();
        self.0.pos.set(if at_end { self.backend().size() } else { 0 });
        if self.0.device_pos.get() != 0 {
            // The backend's position is unknown now, so it is moved before its next use.
            self.0.device_pos.set(i64::MIN);
        }
    }

    /// Closes the base part: emits [`about_to_close`](DeviceNode::about_to_close) before it
    /// returns, and then drops unread data. The text of the last error stays. Does nothing if the
    /// device is not open.
    pub fn close_device(&self) {
        if !self.is_open() {
            return;
        }
        self.0.about_to_close.emit(());
        self.0.mode.set(OpenMode::NOT_OPEN);
        self.reset_channel_counts();
        self.clear_buffer();
        self.forget_fullness();
        self.take_transaction();
        self.0.pos.set(0);
    }

    /// Sets the open mode and the numbers of channels that belong to it.
    #[doc(alias = "setOpenMode")]
    pub fn set_open_mode(&self, mode: OpenMode) {
        self.0.mode.set(mode);
        self.reset_channel_counts();
    }

    /// Sets the text of the last error. An empty text means that there is none.
    #[doc(alias = "setErrorString")]
    pub fn set_error_string(&self, text: impl Into<String>) {
        let text = Some(text.into()).filter(|text| !text.is_empty());
        if text.is_some() || self.0.extras.get().is_some() {
            self.extras().error_string.set(text.map(String::into_boxed_str));
        }
    }

    /// Appends a copy of `data` to the read buffer.
    pub fn append_to_buffer(&self, data: impl AsRef<[u8]>) {
        let data = data.as_ref();
        let mut buffer = self.0.buffer.borrow_mut();
        // Fills up chunks: with a chunk for each append, single bytes would take thousands of bytes
        // each.
        buffer.append(data, SMALL, &self.0.pool);
    }

    /// Appends a whole buffer to the read buffer, without a copy.
    pub fn append_chunk(&self, data: impl Into<Chunk>) {
        self.0.buffer.borrow_mut().append_chunk(data);
    }

    /// Appends a block to the read buffer, without a copy.
    pub(crate) fn append_block(&self, block: Block) {
        self.0.buffer.borrow_mut().append_block(block);
    }

    /// Returns the block that the first bytes of the read buffer are in to the pool, if the bytes
    /// are few.
    pub(crate) fn return_first_block(&self) {
        self.0.buffer.borrow_mut().return_block(&self.0.pool);
    }

    /// Sets whether the backend fills the read buffer by itself, and wants no call when that buffer
    /// is empty.
    #[inline]
    pub(crate) fn note_fed(&self, is_fed: bool) {
        self.0.is_fed.set(is_fed);
    }

    /// Drops the content of the read buffer.
    pub fn clear_buffer(&self) {
        self.recall();
        self.0.buffer.borrow_mut().clear(&self.0.pool);
    }

    /// Takes the content of the read buffer, including bytes read in a transaction, and ends the
    /// transaction.
    #[must_use]
    pub fn take_buffer(&self) -> Vec<u8> {
        self.recall();
        self.take_transaction();
        self.0.buffer.borrow_mut().take_all(&self.0.pool)
    }

    /// Returns the number of bytes in the read buffer, including those read in a transaction.
    #[must_use]
    pub fn buffer_len(&self) -> usize {
        self.0.buffer.borrow().len()
    }

    /// Ends the transaction and replaces the content of the read buffer. Returns the previous
    /// content.
    pub(crate) fn exchange_buffer(&self, bytes: DetachedBytes) -> DetachedBytes {
        self.recall();
        self.take_transaction();
        let mut buffer = self.0.buffer.borrow_mut();
        let before = buffer.detach();
        buffer.attach(bytes);
        before
    }

    /// Returns the pool that the buffers come from.
    pub(crate) fn buffer_pool(&self) -> &Rc<BufferPool> {
        &self.0.pool
    }

    fn buffer(&self) -> Ref<'_, ByteQueue> {
        self.0.buffer.borrow()
    }
}

impl fmt::Debug for DeviceNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let buffered = self.buffer.borrow().len();
        f.debug_struct("DeviceNode")
            .field("mode", &self.mode.get())
            .field("buffered", &buffered)
            .finish_non_exhaustive()
    }
}
