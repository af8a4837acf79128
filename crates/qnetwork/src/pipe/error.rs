//! [`PipeError`].

use std::{error::Error, fmt, io};

use qcore::DeviceError;

/// The kind of a [`PipeError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PipeErrorKind {
    /// The first device has failed: reading from it, or, in a pipe with two directions, writing to
    /// it.
    First,
    /// The second device has failed: writing to it, or, in a pipe with two directions, reading from
    /// it.
    Second,
    /// The program has [stopped](super::Pipe::stop) the pipe.
    Stopped,
}

/// Why a [`Pipe`](super::Pipe) has ended before the streams of its devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipeError {
    kind: PipeErrorKind,
    cause: Option<DeviceError>,
}

impl PipeError {
    pub(super) fn first(cause: DeviceError) -> Self {
        PipeError { kind: PipeErrorKind::First, cause: Some(cause) }
    }

    pub(super) fn second(cause: DeviceError) -> Self {
        PipeError { kind: PipeErrorKind::Second, cause: Some(cause) }
    }

    /// Returns the error of the pipe in the other direction, in which the devices have the other
    /// numbers.
    pub(super) fn mirrored(mut self) -> Self {
        self.kind = match self.kind {
            PipeErrorKind::First => PipeErrorKind::Second,
            PipeErrorKind::Second => PipeErrorKind::First,
            PipeErrorKind::Stopped => PipeErrorKind::Stopped,
        };
        self
    }

    /// Returns the kind of the error.
    #[must_use]
    pub fn kind(&self) -> PipeErrorKind {
        self.kind
    }

    /// Returns the error of the device; `None` if the program has stopped the pipe.
    #[must_use]
    pub fn device_error(&self) -> Option<&DeviceError> {
        self.cause.as_ref()
    }
}

impl From<PipeErrorKind> for PipeError {
    fn from(kind: PipeErrorKind) -> Self {
        PipeError { kind, cause: None }
    }
}

impl PartialEq<PipeErrorKind> for PipeError {
    fn eq(&self, kind: &PipeErrorKind) -> bool {
        self.kind == *kind
    }
}

impl fmt::Display for PipeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let which = match self.kind {
            PipeErrorKind::First => "the first device has failed",
            PipeErrorKind::Second => "the second device has failed",
            PipeErrorKind::Stopped => "the pipe was stopped",
        };
        match &self.cause {
            Some(cause) => write!(f, "{which}: {cause}"),
            None => f.write_str(which),
        }
    }
}

impl Error for PipeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_ref().map(|cause| cause as _)
    }
}

impl From<PipeError> for io::Error {
    fn from(error: PipeError) -> Self {
        let kind = match &error.cause {
            Some(cause) => io::Error::from(cause.clone()).kind(),
            None => io::ErrorKind::Interrupted,
        };
        io::Error::new(kind, error)
    }
}
