//! [`ThreadPoolError`]: why a task has no result.

use std::{error::Error, fmt, io};

/// The kind of a [`ThreadPoolError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ThreadPoolErrorKind {
    /// The work has panicked.
    Panicked,
    /// [`QThreadPool::clear`](super::QThreadPool::clear) has dropped the work before it began.
    Cancelled,
    /// The operating system has no thread, or no file descriptors, for the task.
    NoThread,
}

/// The error of a [`ThreadPoolTask`](super::ThreadPoolTask): the reason why it has no result.
///
/// # Examples
///
/// ```
/// use qcore::{QThreadPool, ThreadPoolErrorKind};
///
/// let app = qcore::QCoreApplication::new();
/// let task = QThreadPool::global_instance().run(|| panic!("no luck"));
/// task.finished.connect_to(&app, |app, result: &Result<(), _>| {
///     let error = result.as_ref().unwrap_err();
///     assert_eq!(error.kind(), ThreadPoolErrorKind::Panicked);
///     assert_eq!(error.to_string(), "the task has panicked: no luck");
///     app.quit();
/// });
/// app.exec();
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadPoolError {
    kind: ThreadPoolErrorKind,
    /// The text of the panic, or of the operating system's error.
    text: String,
}

impl ThreadPoolError {
    pub(super) fn panicked(text: String) -> Self {
        ThreadPoolError { kind: ThreadPoolErrorKind::Panicked, text }
    }

    pub(super) fn cancelled() -> Self {
        ThreadPoolError { kind: ThreadPoolErrorKind::Cancelled, text: String::new() }
    }

    pub(super) fn no_thread(error: &io::Error) -> Self {
        ThreadPoolError { kind: ThreadPoolErrorKind::NoThread, text: error.to_string() }
    }

    /// Returns the kind of the error.
    #[must_use]
    pub fn kind(&self) -> ThreadPoolErrorKind {
        self.kind
    }
}

impl PartialEq<ThreadPoolErrorKind> for ThreadPoolError {
    fn eq(&self, kind: &ThreadPoolErrorKind) -> bool {
        self.kind == *kind
    }
}

impl fmt::Display for ThreadPoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            ThreadPoolErrorKind::Panicked => write!(f, "the task has panicked: {}", self.text),
            ThreadPoolErrorKind::Cancelled => f.write_str("the task was cancelled"),
            ThreadPoolErrorKind::NoThread => {
                write!(f, "there is no thread for the task: {}", self.text)
            }
        }
    }
}

impl Error for ThreadPoolError {}

impl From<ThreadPoolError> for io::Error {
    fn from(error: ThreadPoolError) -> Self {
        let kind = match error.kind {
            ThreadPoolErrorKind::Panicked | ThreadPoolErrorKind::Cancelled => io::ErrorKind::Other,
            ThreadPoolErrorKind::NoThread => io::ErrorKind::OutOfMemory,
        };
        io::Error::new(kind, error)
    }
}
