//! Reading in tasks.

use std::{
    fmt,
    future::poll_fn,
    rc::Rc,
    task::{Context, Poll, ready},
};

use super::Core;
use crate::{
    event_loop::proceed,
    io_device::{DeviceError, DeviceErrorKind, FilledBuf, QIODevice},
};

/// How long a line may be by default.
const MAX_LINE: usize = 1 << 20;
/// How much `read_to_end` reads at once.
const PORTION: usize = 16 * 1024;

/// The half of a [`DeviceStream`](super::DeviceStream) that reads.
///
/// # Examples
///
/// ```
/// use qcore::{DeviceError, io_device::ReadHalf};
///
/// async fn count_lines(mut reader: ReadHalf) -> Result<usize, DeviceError> {
///     let mut count = 0;
///     while reader.read_line().await?.is_some() {
///         count += 1;
///     }
///     Ok(count)
/// }
/// ```
pub struct ReadHalf {
    pub(super) core: Rc<Core>,
    max_line: usize,
    /// A copy of bytes of the device, which `AsyncBufRead` lends.
    #[cfg(feature = "futures")]
    pub(super) lent: super::futures::Lent,
}

impl ReadHalf {
    pub(super) fn new(core: Rc<Core>) -> Self {
        ReadHalf {
            core,
            max_line: MAX_LINE,
            #[cfg(feature = "futures")]
            lent: Default::default(),
        }
    }

    /// Returns the device.
    #[must_use]
    pub fn device(&self) -> &QIODevice {
        &self.core.device
    }

    /// Waits until the device has at least one byte, and reads as many as fit into `buffer`.
    /// Returns their number: 0 at the end of the stream, or if `buffer` is empty.
    ///
    /// Cancel safe: a call that is cancelled has read nothing.
    ///
    /// # Errors
    ///
    /// [`NotOpen`](DeviceErrorKind::NotOpen) if the device is closed or dead,
    /// [`NotReadable`](DeviceErrorKind::NotReadable) if it is open for writing only, and the error
    /// that has ended the stream. A socket that is not connected yet has not begun its stream,
    /// which is an error, too: await its `connect()` first. If an encrypted connection ends without
    /// TLS's closing message, the error is [`Closed`](DeviceErrorKind::Closed): an attacker can cut
    /// a stream off in this way.
    pub async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, DeviceError> {
        poll_fn(|context| self.poll_read(context, buffer)).await
    }

    /// Waits until the device has at least one byte, and reads all that it has. Returns no bytes at
    /// the end of the stream.
    ///
    /// If the device received the bytes in one large piece, the function returns that piece without
    /// a copy. [`WriteHalf::write_chunk`](super::WriteHalf::write_chunk) can pass it on, again
    /// without a copy. [`set_read_buffer_size`] of a socket limits how many bytes it has. Without a
    /// limit, a socket whose task rarely reads collects everything that arrives.
    ///
    /// Cancel safe: a call that is cancelled has read nothing.
    ///
    /// [`set_read_buffer_size`]: https://doc.qt.io/qt-5/qabstractsocket.html#setReadBufferSize
    ///
    /// # Errors
    ///
    /// Those of [`read`](ReadHalf::read).
    pub async fn read_chunk(&mut self) -> Result<Vec<u8>, DeviceError> {
        poll_fn(|context| self.poll_chunk(context)).await
    }

    /// Waits until the device has at least one byte, and returns its next bytes as a slice, usually
    /// without a copy. [`consume`](FilledBuf::consume) removes bytes. The slice is empty at the end
    /// of the stream.
    ///
    /// Cancel safe: a call that is cancelled has read nothing.
    ///
    /// # Errors
    ///
    /// Those of [`read`](ReadHalf::read), and of [`QIODevice::fill_buf`].
    ///
    /// # Examples
    ///
    /// ```
    /// use qcore::{DeviceError, io_device::ReadHalf};
    ///
    /// /// Counts the lines up to the end of the stream.
    /// async fn count_lines(mut reader: ReadHalf) -> Result<usize, DeviceError> {
    ///     let mut lines = 0;
    ///     loop {
    ///         let bytes = reader.fill_buf().await?;
    ///         if bytes.is_empty() {
    ///             return Ok(lines);
    ///         }
    ///         lines += bytes.iter().filter(|&&byte| byte == b'\n').count();
    ///         let all = bytes.len();
    ///         bytes.consume(all);
    ///     }
    /// }
    /// ```
    pub async fn fill_buf(&mut self) -> Result<FilledBuf<'_>, DeviceError> {
        #[cfg(feature = "futures")]
        self.lent.clear(&self.core.device);
        let this = &*self;
        poll_fn(|context| this.poll_filled(context)).await
    }

    /// Polls for the next bytes, as [`fill_buf`](ReadHalf::fill_buf) does. It is for adapters to
    /// traits that a program's futures need, as hyper's `Read` is.
    ///
    /// # Errors
    ///
    /// Those of [`fill_buf`](ReadHalf::fill_buf).
    pub fn poll_fill_buf(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<FilledBuf<'_>, DeviceError>> {
        #[cfg(feature = "futures")]
        self.lent.clear(&self.core.device);
        self.poll_filled(context)
    }

    fn poll_filled(&self, context: &Context<'_>) -> Poll<Result<FilledBuf<'_>, DeviceError>> {
        ready!(self.proceed(context));
        self.begin()?;
        let device = &self.core.device;
        let read = match device.fill_buf() {
            Ok(bytes) if !bytes.is_empty() => return Poll::Ready(Ok(bytes)),
            other => other.map(|_| 0),
        };
        self.conclude(context, read).map_ok(|_| FilledBuf::empty(device))
    }

    /// Fills `buffer`.
    ///
    /// Not cancel safe: a cancelled call may have read some bytes into `buffer`, and their number
    /// is lost.
    ///
    /// # Errors
    ///
    /// Those of [`read`](ReadHalf::read); [`Closed`](DeviceErrorKind::Closed) if the stream ends
    /// before `buffer` is full.
    pub async fn read_exact(&mut self, buffer: &mut [u8]) -> Result<(), DeviceError> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read(&mut buffer[filled..]).await? {
                0 => return Err(DeviceErrorKind::Closed.into()),
                count => filled += count,
            }
        }
        Ok(())
    }

    /// Reads a line with its `\n`: [`read_until`](ReadHalf::read_until)`(b'\n')`.
    ///
    /// # Errors
    ///
    /// Those of [`read_until`](ReadHalf::read_until).
    pub async fn read_line(&mut self) -> Result<Option<Vec<u8>>, DeviceError> {
        self.read_until(b'\n').await
    }

    /// Reads up to and including the first `byte`. At the end of the stream it returns the
    /// remaining bytes, which do not end with `byte`, and after that `None`.
    ///
    /// Cancel safe: the bytes stay in the device until all of them have arrived.
    ///
    /// # Errors
    ///
    /// Those of [`read`](ReadHalf::read); [`TooLong`](DeviceErrorKind::TooLong) if the byte is not
    /// among the first [`max_line_size`](ReadHalf::set_max_line_size) bytes or does not fit into
    /// the device's read buffer. The bytes can still be read.
    pub async fn read_until(&mut self, byte: u8) -> Result<Option<Vec<u8>>, DeviceError> {
        let mut searched = 0;
        poll_fn(|context| self.poll_until(context, byte, &mut searched)).await
    }

    /// Reads up to the end of the stream.
    ///
    /// Not cancel safe: the bytes that were read are lost.
    ///
    /// # Errors
    ///
    /// Those of [`read`](ReadHalf::read); [`TooLong`](DeviceErrorKind::TooLong) if there are more
    /// than `max_size` bytes.
    pub async fn read_to_end(&mut self, max_size: usize) -> Result<Vec<u8>, DeviceError> {
        let mut all = Vec::new();
        loop {
            let len = all.len();
            all.resize(len + PORTION, 0);
            let count = self.read(&mut all[len..]).await?;
            all.truncate(len + count);
            if count == 0 {
                return Ok(all);
            }
            if all.len() > max_size {
                return Err(DeviceErrorKind::TooLong.into());
            }
        }
    }

    /// Sets how many bytes [`read_line`](ReadHalf::read_line) and
    /// [`read_until`](ReadHalf::read_until) return at most, 1 MiB by default. It bounds the memory
    /// that the other end can make the program use.
    pub fn set_max_line_size(&mut self, size: usize) {
        self.max_line = size;
    }

    pub(super) fn poll_read(
        &mut self,
        context: &Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<Result<usize, DeviceError>> {
        #[cfg(feature = "futures")]
        self.lent.clear(&self.core.device);
        if buffer.is_empty() {
            return Poll::Ready(Ok(0));
        }
        ready!(self.proceed(context));
        self.begin()?;
        let read = self.core.device.read_into(buffer);
        self.conclude(context, read)
    }

    fn poll_chunk(&mut self, context: &Context<'_>) -> Poll<Result<Vec<u8>, DeviceError>> {
        #[cfg(feature = "futures")]
        self.lent.clear(&self.core.device);
        ready!(self.proceed(context));
        self.begin()?;
        loop {
            let device = &self.core.device;
            if device.is_sequential() && device.bytes_available() == 0 {
                // Only a read tells the end of the stream from a stream that is empty now.
                let more = device.fill();
                self.check()?;
                match more {
                    Ok(1..) => {}
                    ended => return self.conclude(context, ended).map_ok(|_| Vec::new()),
                }
            }
            let data = self.core.device.read_all();
            // The text mode may have removed all bytes.
            if !data.is_empty() || !self.core.device.is_sequential() {
                return Poll::Ready(Ok(data));
            }
            self.check()?;
        }
    }

    /// A device that does not fill its read buffer by itself may have more whenever it is asked.
    /// Then a task that reads has to let others run now and then.
    pub(super) fn proceed(&self, context: &Context<'_>) -> Poll<()> {
        let device = &self.core.device;
        if device.buffered() > 0 {
            return Poll::Ready(());
        }
        let backend = device.backend();
        if backend.is_sequential() && !backend.fills_buffer() {
            return proceed(context);
        }
        Poll::Ready(())
    }

    /// Begins to look at the device. Returns an error if it is not open for reading.
    pub(super) fn begin(&self) -> Result<(), DeviceError> {
        self.core.connect_again();
        self.core.tasks.reader.begin();
        self.check()
    }

    fn check(&self) -> Result<(), DeviceError> {
        self.core.check(self.core.device.is_readable(), DeviceErrorKind::NotReadable)
    }

    /// Returns what the device's answer means for a stream: bytes, the end, an error, or to wait.
    pub(super) fn conclude(
        &self,
        context: &Context<'_>,
        read: Result<usize, DeviceError>,
    ) -> Poll<Result<usize, DeviceError>> {
        let core = &*self.core;
        match read {
            Ok(0) if core.device.is_sequential() && !core.tasks.finished.get() => {
                core.tasks.reader.wait(context)
            }
            Ok(count) => Poll::Ready(Ok(count)),
            Err(error) if error == DeviceErrorKind::Closed => {
                Poll::Ready(core.with_stream_device(|stream, _| match stream.stream_error() {
                    Some(error) => Err(error),
                    None if stream.is_cut_off() => Err(DeviceErrorKind::Closed.into()),
                    None => Ok(0),
                }))
            }
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    fn poll_until(
        &mut self,
        context: &Context<'_>,
        byte: u8,
        searched: &mut usize,
    ) -> Poll<Result<Option<Vec<u8>>, DeviceError>> {
        #[cfg(feature = "futures")]
        self.lent.clear(&self.core.device);
        ready!(self.proceed(context));
        self.begin()?;
        let device = &self.core.device;
        if !device.is_sequential() {
            return Poll::Ready(self.take_until(byte));
        }
        let limit = device.backend().read_buffer_size();
        let max = if limit == 0 { self.max_line } else { self.max_line.min(limit) };
        loop {
            let (start, buffered) = (device.start(), device.buffered());
            // Somebody else may have read meanwhile.
            let from = if *searched > buffered { 0 } else { *searched };
            let found = device.buffer().find(byte, start + from).map(|at| at + 1 - start);
            match found {
                Some(count) if count <= max => return Poll::Ready(Ok(Some(device.read(count)))),
                None if buffered < max => {}
                _ => return Poll::Ready(Err(DeviceErrorKind::TooLong.into())),
            }
            *searched = buffered;
            // Only the device knows whether more bytes follow.
            let more = device.fill();
            self.check()?;
            match more {
                Ok(1..) => {}
                Ok(0) if !self.core.tasks.finished.get() => {
                    return self.core.tasks.reader.wait(context);
                }
                Err(error) if buffered == 0 || error != DeviceErrorKind::Closed => {
                    let end = self.conclude(context, Err(error));
                    return end.map(|end| end.map(|_| None));
                }
                _ if device.buffered() > 0 => {
                    return Poll::Ready(Ok(Some(device.read(device.buffered()))));
                }
                _ => return Poll::Ready(Ok(None)),
            }
        }
    }

    /// Reads from a device with positions, which has all of its bytes now.
    fn take_until(&self, byte: u8) -> Result<Option<Vec<u8>>, DeviceError> {
        let mut taken = Vec::new();
        while let Some(next) = self.core.device.get_char() {
            taken.push(next);
            if next == byte {
                break;
            }
            if taken.len() >= self.max_line {
                taken.iter().rev().for_each(|&byte| self.core.device.unget_char(byte));
                return Err(DeviceErrorKind::TooLong.into());
            }
        }
        Ok(if taken.is_empty() { None } else { Some(taken) })
    }
}

impl fmt::Debug for ReadHalf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadHalf").field("device", self.device()).finish_non_exhaustive()
    }
}
