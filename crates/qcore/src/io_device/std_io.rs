//! `std::io::Read` and `std::io::Write` for devices.

use std::io::{self, Read, Write};

use super::{DeviceErrorKind, QIODevice};

/// Reads the bytes that are there. If a sequential device has nothing to read now, the error is
/// [`WouldBlock`](io::ErrorKind::WouldBlock). At the end the result is `Ok(0)`.
///
/// The traits are implemented for `&QIODevice` only: on the derived classes their methods would
/// hide Qt's methods of the same names.
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

/// Writes as [`QIODevice::write`] does. `flush` does nothing: the event loop sends the data.
impl Write for &QIODevice {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        Ok(QIODevice::write(self, data)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
