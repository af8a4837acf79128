//! [`WorkerError`].

use std::{error::Error, fmt, io};

/// The kind of a [`WorkerError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WorkerErrorKind {
    /// The function that creates the worker's server has panicked, or a slot has panicked.
    Panicked,
    /// The function has returned a server that listens itself, or that has workers of its own.
    InvalidServer,
    /// The program has deleted the worker's server.
    ServerDeleted,
    /// The program has ended the loop of the worker's thread.
    LoopEnded,
}

/// The reason why a worker of a [`QTcpServer`](crate::QTcpServer) has ended before the listening
/// server.
///
/// # Examples
///
/// ```
/// use std::{cell::RefCell, rc::Rc};
/// use qnetwork::{QHostAddress, QTcpServer, WorkerErrorKind};
///
/// let server = QTcpServer::new();
/// server.set_workers(1, || -> QTcpServer { panic!("no routes") });
/// let errors = Rc::new(RefCell::new(Vec::new()));
/// server.worker_failed.connect_to(&errors, |errors, error| {
///     errors.borrow_mut().push(error.clone());
/// });
/// server.listen(QHostAddress::LocalHost, 0)?;
/// assert!(qcore::wait_until(5000, || !errors.borrow().is_empty()));
/// assert_eq!(errors.borrow()[0], WorkerErrorKind::Panicked);
/// assert_eq!(errors.borrow()[0].to_string(), "worker 0 has panicked: no routes");
/// # Ok::<(), qnetwork::SocketError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerError {
    kind: WorkerErrorKind,
    worker: usize,
    /// The text of the worker's panic.
    text: String,
}

impl WorkerError {
    pub(super) fn new(kind: WorkerErrorKind, worker: usize) -> Self {
        WorkerError { kind, worker, text: String::new() }
    }

    pub(super) fn panicked(worker: usize, text: &str) -> Self {
        WorkerError { kind: WorkerErrorKind::Panicked, worker, text: text.to_owned() }
    }

    /// Returns the kind of the error.
    #[must_use]
    pub fn kind(&self) -> WorkerErrorKind {
        self.kind
    }

    /// Returns which worker has ended. The first one has the number 0.
    #[must_use]
    pub fn worker(&self) -> usize {
        self.worker
    }
}

impl PartialEq<WorkerErrorKind> for WorkerError {
    fn eq(&self, kind: &WorkerErrorKind) -> bool {
        self.kind == *kind
    }
}

impl fmt::Display for WorkerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let WorkerError { worker, text, .. } = self;
        match self.kind {
            WorkerErrorKind::Panicked => write!(f, "worker {worker} has panicked: {text}"),
            WorkerErrorKind::InvalidServer => {
                write!(f, "the server of worker {worker} listens itself or has workers")
            }
            WorkerErrorKind::ServerDeleted => {
                write!(f, "the server of worker {worker} has been deleted")
            }
            WorkerErrorKind::LoopEnded => write!(f, "the loop of worker {worker} has ended"),
        }
    }
}

impl Error for WorkerError {}

impl From<WorkerError> for io::Error {
    fn from(error: WorkerError) -> Self {
        io::Error::other(error)
    }
}
