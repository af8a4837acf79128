//! [`DeviceStream`]: a device for tasks.
//!
//! The bytes stay in the buffers of the device. A stream connects slots to the device's signals,
//! and the slots wake the waiting task. So slots and tasks may read and write the same device, and
//! the device has all bytes itself when it begins to encrypt.

mod awaiting;
#[cfg(feature = "futures")]
mod futures;
mod reading;
mod writing;

use std::{
    cell::{Cell, RefCell},
    fmt,
    rc::Rc,
    task::{Context, Poll},
};

pub use self::{reading::ReadHalf, writing::WriteHalf};
use super::{Chunk, DeviceError, DeviceErrorKind, FilledBuf, QIODevice};
use crate::signal::{Connection, ScopedConnection, until::Bell};

impl QIODevice {
    /// Creates a stream, with which a task reads from the device and writes to it.
    ///
    /// Every device has streams: sockets, encrypted or not, and devices of your own. The stream
    /// keeps the device alive. If a device has several streams, each byte goes to only one of them.
    ///
    /// # Examples
    ///
    /// ```
    /// use qcore::{OpenMode, QBuffer, block_on};
    ///
    /// let buffer = QBuffer::new();
    /// buffer.set_data(b"one\ntwo\nthr");
    /// buffer.open(OpenMode::READ_ONLY)?;
    /// let mut stream = buffer.stream();
    /// let lines = block_on(async {
    ///     let mut lines = Vec::new();
    ///     while let Some(line) = stream.read_line().await? {
    ///         lines.push(line);
    ///     }
    ///     Ok::<_, qcore::DeviceError>(lines)
    /// });
    /// assert_eq!(lines.unwrap()?, [&b"one\n"[..], b"two\n", b"thr"]);
    /// # Ok::<(), qcore::DeviceError>(())
    /// ```
    #[must_use]
    pub fn stream(&self) -> DeviceStream {
        DeviceStream::new(self)
    }
}

/// Further functions of a device for a [`DeviceStream`], which [`DeviceBackend`] does not have.
///
/// A backend returns it from
/// [`stream_device`](super::DeviceBackend::stream_device). All functions have defaults.
///
/// [`DeviceBackend`]: super::DeviceBackend
pub trait StreamDevice {
    /// Returns whether [`write_chunk`](QIODevice::write_chunk) always takes all bytes. The default
    /// is `false`.
    fn keeps_chunks(&self) -> bool {
        false
    }

    /// Passes on as many written bytes as possible without waiting. The default does nothing.
    fn flush(&self, device: &QIODevice) {
        let _ = device;
    }

    /// Returns whether written bytes can be passed on, now or later. It is `false` once the
    /// connection has ended or is closing, or its sending half is closed. A stream then refuses to
    /// write. The default is `true`: then the end shows only in an error of writing.
    fn can_send(&self) -> bool {
        true
    }

    /// Returns whether no more bytes will arrive. Those in the read buffer can still be read. The
    /// default is `false`: then the end shows only in an error of reading.
    fn has_ended(&self) -> bool {
        false
    }

    /// Returns the error that has ended the stream, or why it has not begun; `None` if the other
    /// end has closed it in order. The default is `None`.
    fn stream_error(&self) -> Option<DeviceError> {
        None
    }

    /// Returns whether the stream was cut off: the connection was reset, or has ended without the
    /// closing message of its protocol. Reading then fails with
    /// [`Closed`](DeviceErrorKind::Closed), because bytes may be missing. The default is `false`.
    fn is_cut_off(&self) -> bool {
        false
    }

    /// Returns whether written bytes were lost, because the connection has ended before they were
    /// passed on. Flushing then fails. The default is `false`.
    fn has_lost(&self) -> bool {
        false
    }

    /// Connects `wake` to the signal with which the device tells that its connection has ended and
    /// nothing is left to be sent. A task may wait for that although
    /// [`read_channel_finished`](super::DeviceNode::read_channel_finished) was emitted before. The
    /// default connects nothing.
    fn connect_closed(&self, wake: Box<dyn Fn()>) -> Connection {
        drop(wake);
        Connection::default()
    }

    /// A stream of the device was created. The default does nothing.
    fn stream_opened(&self) {}

    /// A stream of the device was dropped, both halves of it. The default does nothing.
    fn stream_dropped(&self) {}

    /// Writes the closing message of the protocol. The stream sends this message before it calls
    /// [`shut_down_writing`](StreamDevice::shut_down_writing). The default does nothing.
    fn prepare_shutdown(&self, device: &QIODevice) {
        let _ = device;
    }

    /// Closes the sending half of the connection. The other end can still send. The device has
    /// passed on all written bytes before. The default does nothing.
    ///
    /// # Errors
    ///
    /// The error of the device.
    fn shut_down_writing(&self, device: &QIODevice) -> Result<(), DeviceError> {
        let _ = device;
        Ok(())
    }
}

/// A device without more than its backend.
struct Plain;

impl StreamDevice for Plain {}

/// Reads and writes a [`QIODevice`] in tasks. [`QIODevice::stream`] creates it.
///
/// Reading waits until there is something to read, and returns no bytes at the end of the stream.
/// Writing waits while too many bytes have not been sent, see
/// [`set_write_limit`](WriteHalf::set_write_limit). While the signals of the device are blocked,
/// both wait.
///
/// A stream belongs to one connection: a socket that connects again needs a new stream.
///
/// With the feature `futures`, the stream implements `AsyncRead`, `AsyncBufRead` and `AsyncWrite`
/// of the crate `futures-io`, as do both halves.
///
/// # The end
///
/// [`shutdown`](DeviceStream::shutdown) sends all written bytes and then closes the sending half of
/// the connection. The task can still read. If the other end closes its sending half, reading
/// returns 0, and a `QTcpSocket` with a stream stays connected, so that the task can still write. A
/// `QSslSocket` does the same when TLS's closing message arrives. A `QTcpSocket` that was opened
/// with [`OpenMode::UNBUFFERED`](crate::OpenMode::UNBUFFERED) disconnects instead. The socket
/// disconnects when both halves are closed, or when the stream is dropped. When a stream is
/// dropped, it sends as many bytes as the operating system takes immediately. If it was the last
/// owner of its socket, the other bytes are lost. So call `shutdown` at the end of a task that
/// writes.
///
/// # Examples
///
/// ```
/// use qcore::{DeviceError, QIODevice};
///
/// /// Sends everything back.
/// async fn echo(device: QIODevice) -> Result<(), DeviceError> {
///     let mut stream = device.stream();
///     let mut buffer = [0; 4096];
///     loop {
///         match stream.read(&mut buffer).await? {
///             0 => return stream.shutdown().await,
///             count => stream.write_all(&buffer[..count]).await?,
///         }
///     }
/// }
/// ```
pub struct DeviceStream {
    reader: ReadHalf,
    writer: WriteHalf,
}

impl DeviceStream {
    fn new(device: &QIODevice) -> Self {
        let core = Core::new(device);
        DeviceStream { reader: ReadHalf::new(core.clone()), writer: WriteHalf::new(core) }
    }

    /// Returns the device.
    #[must_use]
    pub fn device(&self) -> &QIODevice {
        &self.reader.core.device
    }

    /// Returns the two halves, which two tasks may use at the same time. Each of them keeps the
    /// device alive.
    ///
    /// # Examples
    ///
    /// ```
    /// use qcore::{OpenMode, QBuffer, block_on, spawn_local};
    ///
    /// let buffer = QBuffer::new();
    /// buffer.open(OpenMode::READ_WRITE)?;
    /// let (mut reader, mut writer) = buffer.stream().split();
    /// let writing = spawn_local(async move { writer.write_all(b"hello").await });
    /// block_on(writing).unwrap().unwrap()?;
    /// assert_eq!(reader.device().size(), 5);
    /// # let _ = &mut reader;
    /// # Ok::<(), qcore::DeviceError>(())
    /// ```
    #[must_use]
    pub fn split(self) -> (ReadHalf, WriteHalf) {
        (self.reader, self.writer)
    }

    /// Reads the available bytes, as many as fit into `buffer`; see [`ReadHalf::read`].
    ///
    /// # Errors
    ///
    /// Those of [`ReadHalf::read`].
    pub async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, DeviceError> {
        self.reader.read(buffer).await
    }

    /// Waits for bytes and lends them; see [`ReadHalf::fill_buf`].
    ///
    /// # Errors
    ///
    /// Those of [`ReadHalf::fill_buf`].
    pub async fn fill_buf(&mut self) -> Result<FilledBuf<'_>, DeviceError> {
        self.reader.fill_buf().await
    }

    /// Polls for bytes and lends them; see [`ReadHalf::poll_fill_buf`].
    ///
    /// # Errors
    ///
    /// Those of [`ReadHalf::fill_buf`].
    pub fn poll_fill_buf(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<FilledBuf<'_>, DeviceError>> {
        self.reader.poll_fill_buf(context)
    }

    /// Fills `buffer`; see [`ReadHalf::read_exact`].
    ///
    /// # Errors
    ///
    /// Those of [`ReadHalf::read_exact`].
    pub async fn read_exact(&mut self, buffer: &mut [u8]) -> Result<(), DeviceError> {
        self.reader.read_exact(buffer).await
    }

    /// Reads a line; see [`ReadHalf::read_line`].
    ///
    /// # Errors
    ///
    /// Those of [`ReadHalf::read_until`].
    pub async fn read_line(&mut self) -> Result<Option<Vec<u8>>, DeviceError> {
        self.reader.read_line().await
    }

    /// Reads up to and including a certain byte; see [`ReadHalf::read_until`].
    ///
    /// # Errors
    ///
    /// Those of [`ReadHalf::read_until`].
    pub async fn read_until(&mut self, byte: u8) -> Result<Option<Vec<u8>>, DeviceError> {
        self.reader.read_until(byte).await
    }

    /// Reads everything up to the end of the stream; see [`ReadHalf::read_to_end`].
    ///
    /// # Errors
    ///
    /// Those of [`ReadHalf::read_to_end`].
    pub async fn read_to_end(&mut self, max_size: usize) -> Result<Vec<u8>, DeviceError> {
        self.reader.read_to_end(max_size).await
    }

    /// Sets the maximum length of a line; see [`ReadHalf::set_max_line_size`].
    pub fn set_max_line_size(&mut self, size: usize) {
        self.reader.set_max_line_size(size);
    }

    /// Writes as much as the limit allows; see [`WriteHalf::write`].
    ///
    /// # Errors
    ///
    /// Those of [`WriteHalf::write`].
    pub async fn write(&mut self, data: &[u8]) -> Result<usize, DeviceError> {
        self.writer.write(data).await
    }

    /// Writes all of `data`; see [`WriteHalf::write_all`].
    ///
    /// # Errors
    ///
    /// Those of [`WriteHalf::write`].
    pub async fn write_all(&mut self, data: &[u8]) -> Result<(), DeviceError> {
        self.writer.write_all(data).await
    }

    /// Waits until everything was sent; see [`WriteHalf::flush`].
    ///
    /// # Errors
    ///
    /// Those of [`WriteHalf::flush`].
    pub async fn flush(&mut self) -> Result<(), DeviceError> {
        self.writer.flush().await
    }

    /// Sends all written bytes and closes the sending half; see [`WriteHalf::shutdown`].
    ///
    /// # Errors
    ///
    /// Those of [`WriteHalf::flush`].
    pub async fn shutdown(&mut self) -> Result<(), DeviceError> {
        self.writer.shutdown().await
    }

    /// Sets at how many unsent bytes a writing task waits; see [`WriteHalf::set_write_limit`].
    pub fn set_write_limit(&mut self, bytes: usize) {
        self.writer.set_write_limit(bytes);
    }

    /// Reads without a copy; see [`ReadHalf::read_chunk`].
    ///
    /// # Errors
    ///
    /// Those of [`ReadHalf::read`].
    pub async fn read_chunk(&mut self) -> Result<Vec<u8>, DeviceError> {
        self.reader.read_chunk().await
    }

    /// Writes without a copy; see [`WriteHalf::write_chunk`].
    ///
    /// # Errors
    ///
    /// Those of [`WriteHalf::write`].
    pub async fn write_chunk(&mut self, data: impl Into<Chunk>) -> Result<(), DeviceError> {
        self.writer.write_chunk(data).await
    }
}

/// For streams of messages.
impl DeviceStream {
    pub(crate) fn waiting(&self) -> &Rc<Waiting> {
        &self.reader.core.tasks
    }

    /// Begins to look at the device.
    pub(crate) fn begin(&self) -> Result<(), DeviceError> {
        self.reader.begin()
    }

    /// The device has nothing to read. Waits for more, or returns why no more will come.
    pub(crate) fn conclude(
        &self,
        context: &Context<'_>,
        read: Result<usize, DeviceError>,
    ) -> Poll<Result<usize, DeviceError>> {
        self.reader.conclude(context, read)
    }

    /// Waits until the limit allows to write.
    pub(crate) fn poll_room(&mut self, context: &Context<'_>) -> Poll<Result<(), DeviceError>> {
        self.writer.poll_room(context)
    }

    #[cfg(feature = "futures")]
    pub(crate) fn poll_flush(&mut self, context: &Context<'_>) -> Poll<Result<(), DeviceError>> {
        self.writer.poll_flush(context)
    }

    #[cfg(feature = "futures")]
    pub(crate) fn poll_shutdown(&mut self, context: &Context<'_>) -> Poll<Result<(), DeviceError>> {
        self.writer.poll_shutdown(context)
    }
}

impl fmt::Debug for DeviceStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceStream").field("device", self.device()).finish_non_exhaustive()
    }
}

/// What both halves share.
struct Core {
    device: QIODevice,
    tasks: Rc<Waiting>,
    /// The slots that wake the tasks.
    slots: RefCell<Option<Slots>>,
}

/// The slots that wake the tasks of a stream.
struct Slots {
    _connections: [ScopedConnection; 6],
    /// Whether somebody has disconnected one of them.
    cut: Rc<Cell<bool>>,
}

/// What a slot of a stream owns. Dropping it tells the stream that its slot was disconnected.
struct Slot {
    tasks: Rc<Waiting>,
    cut: Rc<Cell<bool>>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.cut.set(true);
        self.tasks.ring_both();
    }
}

/// The tasks that wait, one for each direction.
#[derive(Default)]
pub(crate) struct Waiting {
    reader: Bell,
    writer: Bell,
    /// Whether the device has emitted `read_channel_finished`.
    finished: Cell<bool>,
}

impl Core {
    fn new(device: &QIODevice) -> Rc<Self> {
        let tasks = Rc::new(Waiting::default());
        let slots = RefCell::new(Some(Slots::new(device, &tasks)));
        let core = Core { device: device.clone(), tasks, slots };
        core.with_stream_device(|stream, _| stream.stream_opened());
        Rc::new(core)
    }

    /// Connects the slots again if somebody has disconnected them, as
    /// [`disconnect_all`](crate::Signal::disconnect_all) does.
    fn connect_again(&self) {
        let is_cut = self.slots.borrow().as_ref().is_some_and(|slots| slots.cut.get());
        if !is_cut || self.device.is_deleted() {
            return;
        }
        drop(self.slots.take());
        let slots = Slots::new(&self.device, &self.tasks);
        let before = self.slots.replace(Some(slots));
        drop(before);
    }

    /// Calls `f` with what the device can do for streams.
    fn with_stream_device<T>(&self, f: impl FnOnce(&dyn StreamDevice, &QIODevice) -> T) -> T {
        let backend = self.device.backend();
        f(backend.stream_device().unwrap_or(&Plain), &self.device)
    }

    /// Returns an error if the device is not open in this direction.
    fn check(&self, open: bool, otherwise: DeviceErrorKind) -> Result<(), DeviceError> {
        if !self.device.is_open() {
            return Err(DeviceErrorKind::NotOpen.into());
        }
        if open { Ok(()) } else { Err(otherwise.into()) }
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        self.with_stream_device(|stream, _| stream.stream_dropped());
    }
}

impl Slots {
    fn new(device: &QIODevice, tasks: &Rc<Waiting>) -> Self {
        let cut = Rc::new(Cell::new(false));
        let slot = || Slot { tasks: tasks.clone(), cut: cut.clone() };
        let [reads, ends, over, closes, leaves, dies] = [(); 6].map(|()| slot());
        let backend = device.backend();
        let stream = backend.stream_device().unwrap_or(&Plain);
        let connections = [
            device.ready_read.connect(move |()| reads.tasks.reader.ring()).scoped(),
            device
                .read_channel_finished
                .connect(move |()| {
                    ends.tasks.finished.set(true);
                    ends.tasks.ring_both();
                })
                .scoped(),
            stream.connect_closed(Box::new(move || over.tasks.ring_both())).scoped(),
            device.about_to_close.connect(move |()| closes.tasks.ring_both()).scoped(),
            device.handed_over.connect(move |()| leaves.tasks.ring_both()).scoped(),
            device.destroyed.connect(move |_| dies.tasks.ring_both()).scoped(),
        ];
        Slots { _connections: connections, cut }
    }
}

impl Waiting {
    /// Wakes the task that reads.
    pub(crate) fn ring(&self) {
        self.reader.ring();
    }

    fn ring_both(&self) {
        self.reader.ring();
        self.writer.ring();
    }
}
