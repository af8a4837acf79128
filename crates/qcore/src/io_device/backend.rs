//! What a device does that others do in another way.

use super::{Chunk, DeviceError, DeviceErrorKind, OpenMode, QIODevice};
use crate::time::QDeadlineTimer;

/// The virtual functions of a [`QIODevice`]: what a class derived from it, or a device of your own,
/// brings along.
///
/// They are reached from any handle, also a mere `&QIODevice`. The device is given to those that
/// may want to call what they replace.
///
/// # Examples
///
/// A device that gives the letters of the alphabet, again and again:
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
/// A device around another one, that counts what passes:
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
/// let inner = QIODevice::clone(&buffer);
/// let device = QIODevice::new(Metered { inner, traffic: traffic.clone() });
/// device.open(OpenMode::READ_WRITE | OpenMode::UNBUFFERED)?;
/// device.write("hello\nworld\n")?;
/// buffer.reset()?;
/// assert_eq!(device.read_line(), b"hello\n");
/// assert_eq!((traffic.read.get(), traffic.written.get()), (6, 12));
/// # Ok::<(), DeviceError>(())
/// ```
pub trait DeviceBackend {
    /// The name of the class, for messages.
    fn class_name(&self) -> &'static str;

    /// Reads from the device itself, behind what is in the read buffer. `Ok(0)` is nothing now;
    /// [`DeviceErrorKind::Closed`] is nothing ever again.
    ///
    /// With an empty `data` it is told that the read buffer has just been read empty: a device that
    /// stopped for want of room goes on. What is returned then counts for nothing.
    ///
    /// # Errors
    ///
    /// Whatever keeps the device from reading.
    fn read_data(&self, device: &QIODevice, data: &mut [u8]) -> Result<usize, DeviceError>;

    /// Writes to the device itself, all of `data` or as much as it takes.
    ///
    /// # Errors
    ///
    /// Whatever keeps the device from writing.
    fn write_data(&self, device: &QIODevice, data: &[u8]) -> Result<usize, DeviceError>;

    /// [`write_data`](DeviceBackend::write_data) for bytes that a sequential device may keep as
    /// they are. By default it writes them.
    ///
    /// # Errors
    ///
    /// Whatever keeps the device from writing.
    fn write_chunk(&self, device: &QIODevice, data: Chunk) -> Result<usize, DeviceError> {
        self.write_data(device, &data)
    }

    /// Whether the device is a stream, without positions and a size. By default it is not.
    fn is_sequential(&self) -> bool {
        false
    }

    /// Opens the device at its beginning; [`QIODevice::open_device`] is what this stands for.
    ///
    /// # Errors
    ///
    /// Whatever keeps the device from being opened.
    fn open(&self, device: &QIODevice, mode: OpenMode) -> Result<(), DeviceError> {
        device.open_device(mode);
        Ok(())
    }

    /// The size of a device that is not sequential.
    fn size(&self) -> i64 {
        0
    }

    /// Moves to where [`read_data`](DeviceBackend::read_data) and
    /// [`write_data`](DeviceBackend::write_data) go on, in a device that is not sequential.
    ///
    /// # Errors
    ///
    /// If there is no such position.
    fn seek(&self, device: &QIODevice, position: i64) -> Result<(), DeviceError> {
        let _ = (device, position);
        Ok(())
    }

    /// Whether there is a whole line behind the read buffer.
    fn can_read_line(&self, device: &QIODevice) -> bool {
        let _ = device;
        false
    }

    /// What [`QIODevice::peek`] returns, for a device that need not read for it; by default,
    /// `None`, it reads.
    fn peek(&self, device: &QIODevice, max_size: usize) -> Option<Vec<u8>> {
        let _ = (device, max_size);
        None
    }

    /// What [`QIODevice::peek_into`] returns, for a device that need not read for it. By default it
    /// is [`peek`](DeviceBackend::peek).
    fn peek_into(&self, device: &QIODevice, data: &mut [u8]) -> Option<usize> {
        let own = self.peek(device, data.len())?;
        let count = own.len().min(data.len());
        data[..count].copy_from_slice(&own[..count]);
        Some(count)
    }

    /// Reads what a line has behind the read buffer: up to `data.len()` bytes, the last of them the
    /// first `\n`, if there is one. Returns how many there were.
    ///
    /// By default it is [`QIODevice::read_line_data`], which takes byte after byte from the read
    /// buffer and, where that is empty, from the device. It is not called for a sequential device
    /// during a transaction. After a call that does not come to the default, a device that is not
    /// sequential is moved to its position by [`seek`](DeviceBackend::seek) before it is used
    /// again.
    ///
    /// # Errors
    ///
    /// Whatever keeps the device from reading; [`DeviceErrorKind::Closed`] at the end.
    #[doc(alias = "readLineData")]
    fn read_line_data(&self, device: &QIODevice, data: &mut [u8]) -> Result<usize, DeviceError> {
        device.read_line_data(data)
    }

    /// What can be read beyond the read buffer of a sequential device.
    fn bytes_available(&self) -> usize {
        0
    }

    /// What was written and is not yet on its way.
    fn bytes_to_write(&self) -> usize {
        0
    }

    /// Waits, with no loop, until there is something new to read. By default it fails at once.
    ///
    /// # Errors
    ///
    /// What went wrong; [`DeviceErrorKind::TimedOut`] for the deadline.
    fn wait_for_ready_read(
        &self,
        device: &QIODevice,
        deadline: QDeadlineTimer,
    ) -> Result<(), DeviceError> {
        let _ = (device, deadline);
        Err(DeviceErrorKind::Unsupported.into())
    }

    /// Waits, with no loop, until something of what was written is on its way. By default it fails
    /// at once.
    ///
    /// # Errors
    ///
    /// As [`wait_for_ready_read`](DeviceBackend::wait_for_ready_read).
    fn wait_for_bytes_written(
        &self,
        device: &QIODevice,
        deadline: QDeadlineTimer,
    ) -> Result<(), DeviceError> {
        let _ = (device, deadline);
        Err(DeviceErrorKind::Unsupported.into())
    }

    /// Closes the device; [`QIODevice::close_device`] is what this stands for.
    fn close(&self, device: &QIODevice) {
        device.close_device();
    }
}

/// A device that has no class yet, or has lost it.
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
