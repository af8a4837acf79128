//! [`DeviceBackend`]: the virtual functions of a device.

use std::rc::Rc;

#[cfg(feature = "tasks")]
use super::StreamDevice;
use super::{Chunk, DeviceError, DeviceErrorKind, OpenMode, QIODevice};
use crate::{signal::Connection, time::QDeadlineTimer};

/// The virtual functions of a [`QIODevice`]. A class derived from it implements them, and so does a
/// device of your own.
///
/// They are reached from any handle, even from a `&QIODevice`. The functions get the device as an
/// argument if they may need to call the default that they replace.
///
/// # Examples
///
/// A device that returns the letters of the alphabet in an endless sequence:
///
/// ```
/// use std::cell::Cell;
/// use qcore::{DeviceError, DeviceErrorKind, OpenMode, QIODevice, io_device::DeviceBackend};
///
/// struct Alphabet(Cell<u8>);
///
/// impl DeviceBackend for Alphabet {
///     fn class_name(&self) -> &'static str {
///         "Alphabet"
///     }
///
///     fn is_sequential(&self) -> bool {
///         true
///     }
///
///     fn read_data(&self, _: &QIODevice, data: &mut [u8]) -> Result<usize, DeviceError> {
///         for byte in data.iter_mut() {
///             *byte = b'a' + self.0.get() % 26;
///             self.0.set((self.0.get() + 1) % 26);
///         }
///         Ok(data.len())
///     }
///
///     fn write_data(&self, _: &QIODevice, _: &[u8]) -> Result<usize, DeviceError> {
///         Err(DeviceErrorKind::NotWritable.into())
///     }
/// }
///
/// let device = QIODevice::new(Alphabet(Cell::new(0)));
/// device.open(OpenMode::READ_ONLY)?;
/// assert_eq!(device.peek(2), b"ab");
/// assert_eq!(device.read(3), b"abc");
/// device.unget_char(b'C');
/// assert_eq!(device.read(3), b"Cde");
/// # Ok::<(), DeviceError>(())
/// ```
///
/// A device around another one, which counts the bytes that pass through it:
///
/// ```
/// use std::{cell::Cell, rc::Rc};
/// use qcore::{DeviceError, OpenMode, QBuffer, QIODevice, io_device::DeviceBackend};
///
/// #[derive(Default)]
/// struct Traffic {
///     read: Cell<usize>,
///     written: Cell<usize>,
/// }
///
/// struct Metered {
///     inner: QIODevice,
///     traffic: Rc<Traffic>,
/// }
///
/// impl DeviceBackend for Metered {
///     fn class_name(&self) -> &'static str {
///         "Metered"
///     }
///
///     fn is_sequential(&self) -> bool {
///         true
///     }
///
///     fn bytes_available(&self) -> usize {
///         self.inner.bytes_available()
///     }
///
///     fn read_data(&self, _: &QIODevice, data: &mut [u8]) -> Result<usize, DeviceError> {
///         let count = self.inner.read_into(data)?;
///         self.traffic.read.set(self.traffic.read.get() + count);
///         Ok(count)
///     }
///
///     fn write_data(&self, _: &QIODevice, data: &[u8]) -> Result<usize, DeviceError> {
///         let count = self.inner.write(data)?;
///         self.traffic.written.set(self.traffic.written.get() + count);
///         Ok(count)
///     }
/// }
///
/// let (buffer, traffic) = (QBuffer::new(), Rc::new(Traffic::default()));
/// buffer.open(OpenMode::READ_WRITE)?;
/// let inner = QIODevice::from(&buffer);
/// let device = QIODevice::new(Metered { inner, traffic: traffic.clone() });
/// device.open(OpenMode::READ_WRITE | OpenMode::UNBUFFERED)?;
/// device.write("hello\nworld\n")?;
/// buffer.reset()?;
/// assert_eq!(device.read_line(), b"hello\n");
/// assert_eq!((traffic.read.get(), traffic.written.get()), (6, 12));
/// # Ok::<(), DeviceError>(())
/// ```
pub trait DeviceBackend {
    /// Returns the class name for messages.
    fn class_name(&self) -> &'static str;

    /// Reads from the device itself: the bytes that follow those in the read buffer. `Ok(0)` means
    /// that there is nothing now, [`DeviceErrorKind::Closed`] that nothing will follow.
    ///
    /// A call with an empty `data` tells the device that the read buffer has just become empty. A
    /// device that stopped because the buffer was full continues then. The result of such a call is
    /// ignored.
    ///
    /// # Errors
    ///
    /// The reason why the device cannot read.
    #[doc(alias = "readData")]
    fn read_data(&self, device: &QIODevice, data: &mut [u8]) -> Result<usize, DeviceError>;

    /// Returns whether the backend puts all bytes into the read buffer by itself, as a socket does.
    /// Then `read_data` returns no bytes. It only hears that the caller wants more.
    #[doc(hidden)]
    fn fills_buffer(&self) -> bool {
        false
    }

    /// Writes to the device itself: all of `data`, or as much as it takes. Returns the number of
    /// bytes.
    ///
    /// # Errors
    ///
    /// The reason why the device cannot write.
    #[doc(alias = "writeData")]
    fn write_data(&self, device: &QIODevice, data: &[u8]) -> Result<usize, DeviceError>;

    /// Writes bytes that a sequential device may keep without a copy. By default it calls
    /// [`write_data`](DeviceBackend::write_data).
    ///
    /// # Errors
    ///
    /// The reason why the device cannot write.
    fn write_chunk(&self, device: &QIODevice, data: Chunk) -> Result<usize, DeviceError> {
        self.write_data(device, &data)
    }

    /// Returns whether the device is a stream, without positions and a size. The default is
    /// `false`.
    fn is_sequential(&self) -> bool {
        false
    }

    /// Opens the device at its beginning. By default it calls [`QIODevice::open_device`].
    ///
    /// # Errors
    ///
    /// The reason why the device cannot be opened.
    fn open(&self, device: &QIODevice, mode: OpenMode) -> Result<(), DeviceError> {
        device.open_device(mode);
        Ok(())
    }

    /// Returns the size in bytes of a device that is not sequential. The default is 0.
    fn size(&self) -> i64 {
        0
    }

    /// Moves a device that is not sequential: sets the position at which
    /// [`read_data`](DeviceBackend::read_data) and [`write_data`](DeviceBackend::write_data)
    /// continue.
    ///
    /// # Errors
    ///
    /// If there is no such position.
    fn seek(&self, device: &QIODevice, position: i64) -> Result<(), DeviceError> {
        let _ = (device, position);
        Ok(())
    }

    /// Returns whether there is a whole line after the bytes in the read buffer. The default is
    /// `false`.
    fn can_read_line(&self, device: &QIODevice) -> bool {
        let _ = device;
        false
    }

    /// Returns the result of [`QIODevice::peek`], if the device can look at bytes without reading
    /// them. With `None`, the default, [`QIODevice::peek`] reads.
    fn peek(&self, device: &QIODevice, max_size: usize) -> Option<Vec<u8>> {
        let _ = (device, max_size);
        None
    }

    /// Copies the result of [`QIODevice::peek_into`] to `data` and returns its length, if the
    /// device can look at bytes without reading them. By default it calls
    /// [`peek`](DeviceBackend::peek).
    fn peek_into(&self, device: &QIODevice, data: &mut [u8]) -> Option<usize> {
        let own = self.peek(device, data.len())?;
        let count = own.len().min(data.len());
        data[..count].copy_from_slice(&own[..count]);
        Some(count)
    }

    /// Reads the part of a line that follows the bytes in the read buffer: at most `data.len()`
    /// bytes, up to and including the first `\n`. Returns the number of bytes.
    ///
    /// By default it calls [`QIODevice::read_line_data`], which reads byte by byte from the read
    /// buffer and, when that is empty, from the device. In a sequential device it is not called
    /// during a transaction. If an implementation does not call the default, a device that is not
    /// sequential is moved to its position with [`seek`](DeviceBackend::seek) before its next use.
    ///
    /// # Errors
    ///
    /// The reason why the device cannot read; [`DeviceErrorKind::Closed`] at the end.
    #[doc(alias = "readLineData")]
    fn read_line_data(&self, device: &QIODevice, data: &mut [u8]) -> Result<usize, DeviceError> {
        device.read_line_data(data)
    }

    /// Returns how many bytes a sequential device has besides those in the read buffer. The default
    /// is 0.
    fn bytes_available(&self) -> usize {
        0
    }

    /// Returns how many written bytes have not been passed on yet. The default is 0.
    fn bytes_to_write(&self) -> usize {
        0
    }

    /// Returns how many written bytes wait in this process. It differs from
    /// [`bytes_to_write`](DeviceBackend::bytes_to_write), the default, if bytes also wait
    /// elsewhere, for example in an encrypted form.
    fn unsent_bytes(&self) -> usize {
        self.bytes_to_write()
    }

    /// Connects `wake` to the signals of the device that are emitted when fewer bytes are unsent.
    /// By default this is [`bytes_written`](super::DeviceNode::bytes_written).
    fn connect_sent(&self, device: &QIODevice, wake: Rc<dyn Fn()>) -> [Connection; 2] {
        [device.bytes_written.connect(move |_| wake()), Connection::default()]
    }

    /// Returns how many bytes the device puts into its read buffer at most, 0 if there is no limit.
    /// The default is 0.
    #[doc(alias = "readBufferSize")]
    fn read_buffer_size(&self) -> usize {
        0
    }

    /// Waits until there is new data to read, without running an event loop. By default it fails at
    /// once.
    ///
    /// # Errors
    ///
    /// [`DeviceErrorKind::TimedOut`] when the deadline passes. Otherwise the device's own error.
    fn wait_for_ready_read(
        &self,
        device: &QIODevice,
        deadline: QDeadlineTimer,
    ) -> Result<(), DeviceError> {
        let _ = (device, deadline);
        Err(DeviceErrorKind::Unsupported.into())
    }

    /// Waits until the device has passed on some of the written data, without running an event
    /// loop. By default it fails at once.
    ///
    /// # Errors
    ///
    /// The same as [`wait_for_ready_read`](DeviceBackend::wait_for_ready_read).
    fn wait_for_bytes_written(
        &self,
        device: &QIODevice,
        deadline: QDeadlineTimer,
    ) -> Result<(), DeviceError> {
        let _ = (device, deadline);
        Err(DeviceErrorKind::Unsupported.into())
    }

    /// Returns what the device can do for a [`DeviceStream`](super::DeviceStream) beyond the
    /// functions of this trait. The default is `None`: then the stream makes do with them.
    #[cfg(feature = "tasks")]
    fn stream_device(&self) -> Option<&dyn StreamDevice> {
        None
    }

    /// Closes the device. By default it calls [`QIODevice::close_device`].
    fn close(&self, device: &QIODevice) {
        device.close_device();
    }
}

/// The backend of a device whose class has not been set or is gone.
pub(super) struct NoBackend;

impl DeviceBackend for NoBackend {
    fn class_name(&self) -> &'static str {
        "QIODevice"
    }

    fn is_sequential(&self) -> bool {
        true
    }

    fn read_data(&self, _: &QIODevice, _: &mut [u8]) -> Result<usize, DeviceError> {
        Err(DeviceErrorKind::Closed.into())
    }

    fn write_data(&self, _: &QIODevice, _: &[u8]) -> Result<usize, DeviceError> {
        Err(DeviceErrorKind::Closed.into())
    }
}
