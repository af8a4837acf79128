//! The standard library's traits for devices.

use std::io::{self, Read, Write};

use super::{DeviceErrorKind, QIODevice};

/// Reads what there is. Where there is nothing now but may be later, the error is
/// [`WouldBlock`](io::ErrorKind::WouldBlock); at the end it is `Ok(0)`.
///
/// Only for `&QIODevice`: on the classes derived from it, these methods would stand in the way of
/// Qt's of the same names.
///
/// ```
/// use std::io::{BufRead, BufReader};
/// use qcore::{OpenMode, QBuffer, QIODevice};
///
/// let buffer = QBuffer::new();
/// buffer.set_data("one\ntwo");
/// buffer.open(OpenMode::READ_ONLY)?;
/// let device: &QIODevice = &buffer;
/// let lines: Vec<_> = BufReader::new(device).lines().collect::<Result<_, _>>()?;
/// assert_eq!(lines, ["one", "two"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl Read for &QIODevice {
    fn read(&mut self, data: &mut [u8]) -> io::Result<usize> {
        match self.read_into(data) {
            Ok(0) if !data.is_empty() && self.is_sequential() => {
                Err(io::ErrorKind::WouldBlock.into())
            }
            Err(error) if error == DeviceErrorKind::Closed => Ok(0),
            other => Ok(other?),
        }
    }
}

/// Writes as [`QIODevice::write`] does. Flushing does nothing: the loop does it.
impl Write for &QIODevice {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        Ok(QIODevice::write(self, data)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
