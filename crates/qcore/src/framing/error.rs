//! The errors of framing.

use std::{borrow::Cow, error::Error, fmt, io, sync::Arc};

use crate::io_device::{DeviceError, DeviceErrorKind};

/// The kind of a [`FrameError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FrameErrorKind {
    /// The message is longer than the limit of the codec, or than the limit of the device's read
    /// buffer.
    TooLong,
    /// The bytes are not a message of this codec, or the codec cannot encode the message.
    Invalid,
    /// The stream has ended in the middle of a message.
    Incomplete,
    /// The device is full, and its [`write_flow`](crate::QIODevice::write_flow) makes it refuse
    /// more bytes. Nothing was sent.
    Full,
    /// The device failed.
    Device,
    /// The codec has called the [`Framed`](super::Framed) that uses it.
    Busy,
}

/// The error of receiving or sending a message.
///
/// # Examples
///
/// ```
/// use qcore::framing::{FrameError, FrameErrorKind};
///
/// let error = FrameError::new(FrameErrorKind::Invalid, "the first byte must be 7");
/// assert_eq!(error, FrameErrorKind::Invalid);
/// assert_eq!(error.to_string(), "the first byte must be 7");
/// assert_eq!(FrameError::from(FrameErrorKind::TooLong).to_string(), "the message is too long");
/// ```
///
/// An error may carry another one, which [`source`](Error::source) returns: the error of a codec of
/// your own, that of `serde_json`, or a [`DeviceError`].
///
/// ```
/// use std::{error::Error, num::ParseIntError};
/// use qcore::framing::{FrameError, FrameErrorKind};
///
/// let cause = "x".parse::<u8>().unwrap_err();
/// let error = FrameError::with_source(FrameErrorKind::Invalid, cause.clone());
/// assert_eq!(error.to_string(), cause.to_string());
/// assert_eq!(error.source().unwrap().downcast_ref::<ParseIntError>(), Some(&cause));
/// ```
#[derive(Clone, Debug)]
pub struct FrameError {
    kind: FrameErrorKind,
    text: Cow<'static, str>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl FrameError {
    /// Creates an error for a codec of your own.
    #[must_use]
    pub fn new(kind: FrameErrorKind, text: impl Into<String>) -> Self {
        FrameError { kind, text: Cow::Owned(text.into()), source: None }
    }

    /// Creates an error from another one, with the same text.
    #[must_use]
    pub fn with_source(
        kind: FrameErrorKind,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        let source = source.into();
        FrameError { kind, text: Cow::Owned(source.to_string()), source: Some(source.into()) }
    }

    /// Returns the kind of the error.
    #[must_use]
    pub fn kind(&self) -> FrameErrorKind {
        self.kind
    }
}

impl From<FrameErrorKind> for FrameError {
    fn from(kind: FrameErrorKind) -> Self {
        FrameError {
            kind,
            text: Cow::Borrowed(match kind {
                FrameErrorKind::TooLong => "the message is too long",
                FrameErrorKind::Invalid => "the message is invalid",
                FrameErrorKind::Incomplete => "the stream has ended in the middle of a message",
                FrameErrorKind::Full => "too many bytes wait to be sent",
                FrameErrorKind::Device => "device error",
                FrameErrorKind::Busy => "the codec is at work",
            }),
            source: None,
        }
    }
}

impl From<DeviceError> for FrameError {
    fn from(error: DeviceError) -> Self {
        let kind = match error.kind() {
            DeviceErrorKind::Full => FrameErrorKind::Full,
            _ => FrameErrorKind::Device,
        };
        FrameError::with_source(kind, error)
    }
}

/// Compares the kinds and the texts.
impl PartialEq for FrameError {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.text == other.text
    }
}

impl Eq for FrameError {}

impl PartialEq<FrameErrorKind> for FrameError {
    fn eq(&self, kind: &FrameErrorKind) -> bool {
        self.kind == *kind
    }
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for FrameError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.source {
            Some(source) => Some(&**source),
            None => None,
        }
    }
}

impl From<FrameError> for io::Error {
    fn from(error: FrameError) -> Self {
        let kind = match error.kind {
            FrameErrorKind::TooLong | FrameErrorKind::Invalid => io::ErrorKind::InvalidData,
            FrameErrorKind::Incomplete => io::ErrorKind::UnexpectedEof,
            FrameErrorKind::Full => io::ErrorKind::WouldBlock,
            FrameErrorKind::Device => io::ErrorKind::Other,
            FrameErrorKind::Busy => io::ErrorKind::ResourceBusy,
        };
        io::Error::new(kind, error)
    }
}
