//! Devices: what can be read from and written to.
//!
//! A [`QIODevice`] has a read buffer, which its class fills, and the functions to take bytes from it;
//! what is written goes to its class at once. The class is behind a [`DeviceBackend`].
//!
//! ```text
//!   backend fills ──► read buffer ──► read(), read_line(), peek(), ...       write() ──► backend
//! ```

mod backend;
mod byte_queue;
mod error;
mod open_mode;
mod reading;

use std::{
    borrow::Cow,
    cell::{Cell, OnceCell, Ref, RefCell},
    fmt,
    rc::{Rc, Weak},
};

use self::backend::NoBackend;
pub use self::{
    backend::DeviceBackend,
    byte_queue::{BufferPool, ByteQueue, SCRATCH},
    error::{DeviceError, DeviceErrorKind},
    open_mode::OpenMode,
};
use crate::{
    QObject, Signal, class,
    object::{Handle, Life, Node, Object},
};

class! {
    /// A device that bytes are read from and written to: the base class of all sockets.
    ///
    /// Reading takes what there is and never waits. Stands for Qt's
    /// [QIODevice](https://doc.qt.io/qt-5/qiodevice.html); the devices of this library so far are
    /// sequential ones.
    ///
    /// # End of data
    ///
    /// [`read_into`](QIODevice::read_into) tells the three cases apart: `Ok(0)` is nothing now,
    /// [`DeviceErrorKind::Closed`] is the end of a stream that was read to its end, and
    /// [`DeviceErrorKind::NotOpen`] a closed device. The functions that return bytes return those
    /// that there are, none in all three cases.
    pub struct QIODevice(DeviceNode): QObject = base
}

/// The signals of a [`QIODevice`].
pub struct DeviceNode {
    /// There is something new to read. Not emitted while a slot of it is running.
    #[doc(alias = "readyRead")]
    pub ready_read: Signal<()>,
    /// So many bytes have been handed to the operating system.
    #[doc(alias = "bytesWritten")]
    pub bytes_written: Signal<i64>,
    /// The device is about to close.
    #[doc(alias = "aboutToClose")]
    pub about_to_close: Signal<()>,
    /// There will be no more to read than there is.
    #[doc(alias = "readChannelFinished")]
    pub read_channel_finished: Signal<()>,
    base: QObject,
    mode: Cell<OpenMode>,
    buffer: RefCell<ByteQueue>,
    pool: Rc<BufferPool>,
    /// How much was read since a transaction began.
    transaction: Cell<Option<usize>>,
    error_string: RefCell<Cow<'static, str>>,
    backend: OnceCell<Weak<dyn DeviceBackend>>,
}

impl Node for DeviceNode {
    fn life(&self) -> &Rc<Life> {
        Object::life(&self.base)
    }
}

impl QIODevice {
    /// The device part of a new object of a derived class, to be embedded in that class's node.
    /// [`set_backend`](QIODevice::set_backend) has to follow.
    #[must_use]
    pub fn embed(life: &Rc<Life>) -> Self {
        QIODevice(Handle::embed(Rc::new(DeviceNode {
            ready_read: Signal::in_life(life),
            bytes_written: Signal::in_life(life),
            about_to_close: Signal::in_life(life),
            read_channel_finished: Signal::in_life(life),
            base: QObject::embed(life),
            mode: Cell::default(),
            buffer: RefCell::default(),
            pool: life.dispatcher().local::<BufferPool>(),
            transaction: Cell::new(None),
            error_string: RefCell::default(),
            backend: OnceCell::new(),
        })))
    }

    /// Gives the device its virtual functions. Only the first call counts.
    pub fn set_backend(&self, backend: Weak<dyn DeviceBackend>) {
        let _ = self.0.backend.set(backend);
    }

    fn backend(&self) -> Rc<dyn DeviceBackend> {
        let backend = self.0.backend.get().and_then(Weak::upgrade);
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

    /// How many bytes can be read now.
    #[doc(alias = "bytesAvailable")]
    #[must_use]
    pub fn bytes_available(&self) -> usize {
        self.buffered() + self.backend().bytes_available()
    }

    /// How many bytes were written to the device and are not yet on their way.
    #[doc(alias = "bytesToWrite")]
    #[must_use]
    pub fn bytes_to_write(&self) -> usize {
        self.backend().bytes_to_write()
    }

    /// Closes the device. Emits [`about_to_close`](DeviceNode::about_to_close) first, if it was open;
    /// what was not read is dropped.
    pub fn close(&self) {
        self.backend().close(self);
    }

    // ---- writing

    /// Writes `data`. Returns how much of it was taken; a device with a buffer takes all of it.
    ///
    /// # Errors
    ///
    /// [`DeviceErrorKind::NotOpen`] or [`NotWritable`](DeviceErrorKind::NotWritable), with a warning
    /// in the log as Qt's; else what the device says.
    pub fn write(&self, data: impl AsRef<[u8]>) -> Result<usize, DeviceError> {
        self.check_writable("write")?;
        self.backend().write_data(self, data.as_ref())
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
        log::warn!("QIODevice::{function} ({}): {text}", self.backend().class_name());
    }

    // ---- for derived classes

    /// Opens the base part: sets the mode, and drops what was buffered and the error text.
    pub fn open_device(&self, mode: OpenMode) {
        self.0.mode.set(mode);
        self.clear_buffer();
        self.0.transaction.set(None);
        self.set_error_string("");
    }

    /// Closes the base part: emits [`about_to_close`](DeviceNode::about_to_close), then drops what was
    /// not read. Does nothing if the device is not open.
    pub fn close_device(&self) {
        if !self.is_open() {
            return;
        }
        self.0.about_to_close.emit(());
        self.open_device(OpenMode::NOT_OPEN);
    }

    /// Sets the open mode and nothing else.
    #[doc(alias = "setOpenMode")]
    pub fn set_open_mode(&self, mode: OpenMode) {
        self.0.mode.set(mode);
    }

    /// Sets the text of the last error; an empty one is none.
    #[doc(alias = "setErrorString")]
    pub fn set_error_string(&self, text: impl Into<Cow<'static, str>>) {
        let before = self.0.error_string.replace(text.into());
        drop(before);
    }

    /// Adds to the read buffer. A `Vec` that is most of [`SCRATCH`] long becomes part of it as it is.
    pub fn append_to_buffer(&self, data: &[u8]) {
        let mut buffer = self.0.buffer.borrow_mut();
        buffer.append(data, 0, &self.0.pool);
    }

    /// Adds a whole buffer to the read buffer, without a copy.
    pub fn append_chunk(&self, data: Vec<u8>) {
        self.0.buffer.borrow_mut().append_chunk(data);
    }

    /// Drops the read buffer.
    pub fn clear_buffer(&self) {
        self.0.buffer.borrow_mut().clear(&self.0.pool);
    }

    /// How much is in the read buffer, what a transaction has read included.
    #[must_use]
    pub fn buffer_len(&self) -> usize {
        self.0.buffer.borrow().len()
    }

    /// Where buffers come from.
    #[must_use]
    pub fn pool(&self) -> &Rc<BufferPool> {
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
