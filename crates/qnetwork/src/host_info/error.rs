//! [`HostInfoError`]: why a look-up failed.

use std::{error::Error, fmt, io};

qcore::numbered! {
    /// The kinds of [`HostInfoError`], with Qt's numbers.
    ///
    /// Qt's `NoError` has no value here: [`QHostInfo::error`](crate::QHostInfo::error) returns
    /// `None`.
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::HostInfoErrorKind;
    ///
    /// assert_eq!(i32::from(HostInfoErrorKind::HostNotFound), 1);
    /// ```
    #[doc(alias = "QHostInfo::HostInfoError")]
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum HostInfoErrorKind {
        /// There is no host of that name, or it has no address.
        HostNotFound = 1,
        /// The look-up failed for another reason.
        #[doc(alias = "UnknownError")]
        Unknown = 2,
    }
}

/// Why a look-up failed: its kind and Qt's text.
///
/// [`QHostInfo::result`](crate::QHostInfo::result) returns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostInfoError {
    kind: HostInfoErrorKind,
    text: String,
}

impl HostInfoError {
    pub(super) fn new(kind: HostInfoErrorKind, text: &str) -> Self {
        HostInfoError { kind, text: text.to_owned() }
    }

    /// Returns the kind of the error.
    #[must_use]
    pub fn kind(&self) -> HostInfoErrorKind {
        self.kind
    }
}

impl From<HostInfoErrorKind> for HostInfoError {
    fn from(kind: HostInfoErrorKind) -> Self {
        let text = match kind {
            HostInfoErrorKind::HostNotFound => "Host not found",
            HostInfoErrorKind::Unknown => "Unknown error",
        };
        HostInfoError::new(kind, text)
    }
}

impl PartialEq<HostInfoErrorKind> for HostInfoError {
    fn eq(&self, kind: &HostInfoErrorKind) -> bool {
        self.kind == *kind
    }
}

impl fmt::Display for HostInfoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for HostInfoError {}

impl From<HostInfoError> for io::Error {
    fn from(error: HostInfoError) -> Self {
        let kind = match error.kind {
            HostInfoErrorKind::HostNotFound => io::ErrorKind::NotFound,
            HostInfoErrorKind::Unknown => io::ErrorKind::Other,
        };
        io::Error::new(kind, error)
    }
}
