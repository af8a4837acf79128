//! [`StreamError`]: why reading a message failed.

use std::{error::Error, fmt, io};

use super::StreamStatus;

/// The kind of a [`StreamError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StreamErrorKind {
    /// There was less data than the message needs. The status is
    /// [`StreamStatus::ReadPastEnd`].
    ReadPastEnd,
    /// The data was invalid. The status is [`StreamStatus::ReadCorruptData`].
    ReadCorruptData,
    /// A write failed. The status is [`StreamStatus::WriteFailed`].
    WriteFailed,
    /// There was no transaction to commit. The status is unchanged.
    NoTransaction,
}

/// Why a transaction of a [`QDataStream`](super::QDataStream) could not be committed.
///
/// # Examples
///
/// ```
/// use qcore::{QDataStream, stream::{StreamErrorKind, StreamStatus}};
///
/// let mut stream = QDataStream::from_bytes(*b"\x01");
/// let error = stream.transaction(|stream| stream.read_uint16()).unwrap_err();
/// assert_eq!(error, StreamErrorKind::ReadPastEnd);
/// assert_eq!(error.to_string(), "the end of the data was reached");
/// assert_eq!(stream.status(), StreamStatus::ReadPastEnd);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamError {
    kind: StreamErrorKind,
}

impl StreamError {
    /// Returns the kind of the error.
    #[must_use]
    pub fn kind(&self) -> StreamErrorKind {
        self.kind
    }
}

impl From<StreamErrorKind> for StreamError {
    fn from(kind: StreamErrorKind) -> Self {
        StreamError { kind }
    }
}

impl PartialEq<StreamErrorKind> for StreamError {
    fn eq(&self, kind: &StreamErrorKind) -> bool {
        self.kind == *kind
    }
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            StreamErrorKind::ReadPastEnd => "the end of the data was reached",
            StreamErrorKind::ReadCorruptData => "the data is corrupt",
            StreamErrorKind::WriteFailed => "the data could not be written",
            StreamErrorKind::NoTransaction => "no transaction in progress",
        })
    }
}

impl Error for StreamError {}

impl From<StreamError> for io::Error {
    fn from(error: StreamError) -> Self {
        let kind = match error.kind {
            StreamErrorKind::ReadPastEnd => io::ErrorKind::UnexpectedEof,
            StreamErrorKind::ReadCorruptData => io::ErrorKind::InvalidData,
            StreamErrorKind::WriteFailed => io::ErrorKind::Other,
            StreamErrorKind::NoTransaction => io::ErrorKind::InvalidInput,
        };
        io::Error::new(kind, error)
    }
}

impl StreamStatus {
    /// Returns the error that the status stands for.
    pub(super) fn result(self) -> Result<(), StreamError> {
        match self {
            StreamStatus::Ok => Ok(()),
            StreamStatus::ReadPastEnd => Err(StreamErrorKind::ReadPastEnd.into()),
            StreamStatus::ReadCorruptData => Err(StreamErrorKind::ReadCorruptData.into()),
            StreamStatus::WriteFailed => Err(StreamErrorKind::WriteFailed.into()),
        }
    }
}
