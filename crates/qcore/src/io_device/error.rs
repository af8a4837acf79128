//! The errors of devices.

use std::{borrow::Cow, error::Error, fmt, io};

/// The kind of a [`DeviceError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DeviceErrorKind {
    /// The device is not open.
    NotOpen,
    /// The device was not opened for reading.
    NotReadable,
    /// The device was not opened for writing.
    NotWritable,
    /// All data has been read and no more will follow. Qt returns -1 at the end of a stream.
    Closed,
    /// An argument is invalid.
    InvalidArgument,
    /// The deadline passed.
    TimedOut,
    /// There is more data than the caller allows.
    TooLong,
    /// The device is full, and the program has made it [refuse](super::WhenFull::Refuse) more
    /// bytes. It has taken none.
    Full,
    /// The device does not support the operation, for example waiting.
    Unsupported,
    /// The next bytes of the device are [lent](super::FilledBuf).
    Busy,
    /// The device itself failed.
    Device,
}

/// Why reading from a device or writing to it failed.
///
/// # Examples
///
/// ```
/// use qcore::{DeviceError, DeviceErrorKind, QBuffer};
///
/// let buffer = QBuffer::new();
/// let error = buffer.write("early").unwrap_err();
/// assert_eq!(error, DeviceErrorKind::NotOpen);
/// assert_eq!(error.to_string(), "device not open");
/// // With `?` it becomes an `io::Error`, too.
/// let error = std::io::Error::from(DeviceError::from(DeviceErrorKind::Closed));
/// assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceError {
    kind: DeviceErrorKind,
    text: Cow<'static, str>,
}

impl DeviceError {
    /// Creates an error for a device of your own.
    #[must_use]
    pub fn new(kind: DeviceErrorKind, text: impl Into<String>) -> Self {
        DeviceError { kind, text: Cow::Owned(text.into()) }
    }

    /// Returns the kind of the error.
    #[must_use]
    pub fn kind(&self) -> DeviceErrorKind {
        self.kind
    }
}

impl From<DeviceErrorKind> for DeviceError {
    fn from(kind: DeviceErrorKind) -> Self {
        DeviceError {
            kind,
            text: Cow::Borrowed(match kind {
                DeviceErrorKind::NotOpen => "device not open",
                DeviceErrorKind::NotReadable => "device not open for reading",
                DeviceErrorKind::NotWritable => "device not open for writing",
                DeviceErrorKind::Closed => "the end was reached",
                DeviceErrorKind::InvalidArgument => "invalid argument",
                DeviceErrorKind::TimedOut => "the time was over",
                DeviceErrorKind::TooLong => "there is more data than allowed",
                DeviceErrorKind::Full => "too many bytes wait to be sent",
                DeviceErrorKind::Unsupported => "the device cannot do this",
                DeviceErrorKind::Busy => "the next bytes are lent",
                DeviceErrorKind::Device => "device error",
            }),
        }
    }
}

impl PartialEq<DeviceErrorKind> for DeviceError {
    fn eq(&self, kind: &DeviceErrorKind) -> bool {
        self.kind == *kind
    }
}

impl fmt::Display for DeviceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for DeviceError {}

impl From<DeviceError> for io::Error {
    fn from(error: DeviceError) -> Self {
        let kind = match error.kind {
            DeviceErrorKind::NotOpen => io::ErrorKind::NotConnected,
            DeviceErrorKind::Closed => io::ErrorKind::UnexpectedEof,
            DeviceErrorKind::InvalidArgument => io::ErrorKind::InvalidInput,
            DeviceErrorKind::NotReadable | DeviceErrorKind::NotWritable => {
                io::ErrorKind::PermissionDenied
            }
            DeviceErrorKind::TimedOut => io::ErrorKind::TimedOut,
            DeviceErrorKind::TooLong => io::ErrorKind::InvalidData,
            DeviceErrorKind::Full => io::ErrorKind::WouldBlock,
            DeviceErrorKind::Unsupported => io::ErrorKind::Unsupported,
            DeviceErrorKind::Busy => io::ErrorKind::ResourceBusy,
            DeviceErrorKind::Device => io::ErrorKind::Other,
        };
        io::Error::new(kind, error)
    }
}
