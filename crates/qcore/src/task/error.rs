//! The errors of tasks.

use std::{any::Any, error::Error, fmt, io, sync::Mutex};

use crate::panics::text_of;

/// The kind of a [`JoinError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JoinErrorKind {
    /// The task was aborted, its owner has died, or its loop has ended.
    Aborted,
    /// The task has panicked.
    Panicked,
}

/// The error that awaiting a [`JoinHandle`](super::JoinHandle) returns if the task has no output.
///
/// # Examples
///
/// ```
/// use qcore::{block_on, spawn_local};
///
/// let task = spawn_local(async { std::panic::panic_any(7) });
/// let error = block_on(task).unwrap().unwrap_err();
/// assert_eq!(error.to_string(), "the task panicked: (no message)");
/// assert_eq!(error.into_panic().unwrap().downcast_ref(), Some(&7));
/// ```
pub struct JoinError {
    kind: JoinErrorKind,
    text: String,
    /// In a mutex, which makes the error `Sync`.
    payload: Mutex<Option<Box<dyn Any + Send>>>,
}

impl JoinError {
    pub(super) fn panicked(payload: Box<dyn Any + Send>) -> Self {
        let text = text_of(&*payload).to_owned();
        JoinError { kind: JoinErrorKind::Panicked, text, payload: Mutex::new(Some(payload)) }
    }

    /// Returns the kind of the error.
    #[must_use]
    pub fn kind(&self) -> JoinErrorKind {
        self.kind
    }

    /// Returns the payload of the panic, for
    /// [`resume_unwind`](std::panic::resume_unwind); `None` if the task was aborted.
    #[must_use]
    pub fn into_panic(self) -> Option<Box<dyn Any + Send>> {
        self.payload.into_inner().ok().flatten()
    }
}

impl From<JoinErrorKind> for JoinError {
    fn from(kind: JoinErrorKind) -> Self {
        JoinError { kind, text: String::new(), payload: Mutex::new(None) }
    }
}

impl PartialEq<JoinErrorKind> for JoinError {
    fn eq(&self, kind: &JoinErrorKind) -> bool {
        self.kind == *kind
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            JoinErrorKind::Aborted => f.write_str("the task was aborted"),
            JoinErrorKind::Panicked => write!(f, "the task panicked: {}", self.text),
        }
    }
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinError").field("kind", &self.kind).field("text", &self.text).finish()
    }
}

impl Error for JoinError {}

/// Declares an error that is nothing but its kind.
macro_rules! plain_error {
    (
        $(#[$attribute:meta])* $name:ident,
        $(#[$kind_attribute:meta])* $kind:ident {
            $($(#[$value_attribute:meta])* $value:ident: $text:literal, $io:ident;)*
        }
    ) => {
        $(#[$kind_attribute])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $kind {
            $($(#[$value_attribute])* $value,)*
        }

        $(#[$attribute])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name {
            kind: $kind,
        }

        impl $name {
            /// Returns the kind of the error.
            #[must_use]
            pub fn kind(&self) -> $kind {
                self.kind
            }
        }

        impl From<$kind> for $name {
            fn from(kind: $kind) -> Self {
                $name { kind }
            }
        }

        impl PartialEq<$kind> for $name {
            fn eq(&self, kind: &$kind) -> bool {
                self.kind == *kind
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self.kind {
                    $($kind::$value => $text,)*
                })
            }
        }

        impl Error for $name {}

        impl From<$name> for io::Error {
            fn from(error: $name) -> Self {
                let kind = match error.kind {
                    $($kind::$value => io::ErrorKind::$io,)*
                };
                io::Error::new(kind, error)
            }
        }
    };
}

plain_error! {
    /// The error of [`block_on`](super::block_on) if it returns before the future is done.
    ///
    /// # Examples
    ///
    /// ```
    /// use qcore::{QCoreApplication, QTimer, block_on, task::{BlockOnErrorKind, sleep}};
    ///
    /// let app = QCoreApplication::new();
    /// QTimer::single_shot_to(1, &app, |app| app.quit());
    /// let error = block_on(sleep(-1)).unwrap_err();
    /// assert_eq!(error, BlockOnErrorKind::Quit);
    /// ```
    BlockOnError,
    /// The kind of a [`BlockOnError`].
    BlockOnErrorKind {
        /// The application has quit, see [`QCoreApplication::quit`](crate::QCoreApplication::quit).
        Quit: "the application quits", Interrupted;
        /// The thread is ending, and its loop has ended.
        LoopEnded: "the event loop has ended", BrokenPipe;
    }
}

plain_error! {
    /// The error of [`timeout`](super::timeout()) if the deadline passes before the future is done.
    ///
    /// # Examples
    ///
    /// ```
    /// use qcore::{block_on, task::{TimeoutErrorKind, sleep, timeout}};
    ///
    /// let error = block_on(timeout(1, sleep(-1))).unwrap().unwrap_err();
    /// assert_eq!(error, TimeoutErrorKind::TimedOut);
    /// let error = std::io::Error::from(error); // with `?`, too
    /// assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    /// ```
    TimeoutError,
    /// The kind of a [`TimeoutError`].
    TimeoutErrorKind {
        /// The time was over.
        TimedOut: "the time was over", TimedOut;
    }
}
