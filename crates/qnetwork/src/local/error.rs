//! Errors of local sockets.

use std::{borrow::Cow, error::Error, fmt, io};

use qcore::DeviceError;

use crate::socket::{SocketError, SocketErrorKind};

qcore::numbered! {
    /// The kinds of a [`LocalSocketError`]. They are Qt's.
    #[doc(alias = "QLocalSocket::LocalSocketError")]
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum LocalSocketErrorKind {
        /// The server's file exists, but nobody listens there.
        #[doc(alias = "ConnectionRefusedError")]
        ConnectionRefused = 0,
        /// The peer has closed the connection. A client need not treat this as a failure.
        #[doc(alias = "PeerClosedError")]
        PeerClosed = 1,
        /// There is no server of that name.
        #[doc(alias = "ServerNotFoundError")]
        ServerNotFound = 2,
        /// The process may not connect to the server.
        #[doc(alias = "SocketAccessError")]
        SocketAccess = 3,
        /// The system has run out of a resource, such as descriptors.
        #[doc(alias = "SocketResourceError")]
        SocketResource = 4,
        /// The operation took too long.
        #[doc(alias = "SocketTimeoutError")]
        SocketTimeout = 5,
        /// The datagram is larger than the system can send.
        #[doc(alias = "DatagramTooLargeError")]
        DatagramTooLarge = 6,
        /// The connection failed.
        #[doc(alias = "ConnectionError")]
        Connection = 7,
        /// The system does not support the operation.
        #[doc(alias = "UnsupportedSocketOperationError")]
        UnsupportedSocketOperation = 10,
        /// The operation is not permitted in the socket's state.
        #[doc(alias = "OperationError")]
        Operation = 19,
        /// Another error, or no error yet.
        #[doc(alias = "UnknownSocketError")]
        #[default]
        Unknown = -1,
    }
}

impl LocalSocketErrorKind {
    /// Returns the kind that the inner socket uses for this error.
    pub(super) fn of_socket(self) -> SocketErrorKind {
        match self {
            Self::ConnectionRefused => SocketErrorKind::ConnectionRefused,
            Self::PeerClosed => SocketErrorKind::RemoteHostClosed,
            Self::ServerNotFound => SocketErrorKind::HostNotFound,
            Self::SocketAccess => SocketErrorKind::SocketAccess,
            Self::SocketResource => SocketErrorKind::SocketResource,
            Self::SocketTimeout => SocketErrorKind::SocketTimeout,
            Self::DatagramTooLarge => SocketErrorKind::DatagramTooLarge,
            Self::Connection => SocketErrorKind::Network,
            Self::UnsupportedSocketOperation => SocketErrorKind::UnsupportedSocketOperation,
            Self::Operation => SocketErrorKind::Operation,
            Self::Unknown => SocketErrorKind::Unknown,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::ConnectionRefused => "Connection refused",
            Self::PeerClosed => "Remote closed",
            Self::ServerNotFound => "Invalid name",
            Self::SocketAccess => "Socket access error",
            Self::SocketResource => "Socket resource error",
            Self::SocketTimeout => "Socket operation timed out",
            Self::DatagramTooLarge => "Datagram too large",
            Self::Connection => "Connection error",
            Self::UnsupportedSocketOperation => "The socket operation is not supported",
            Self::Operation => "Operation not permitted when socket is in this state",
            Self::Unknown => "Unknown error",
        }
    }
}

impl From<SocketErrorKind> for LocalSocketErrorKind {
    fn from(kind: SocketErrorKind) -> Self {
        match kind {
            SocketErrorKind::ConnectionRefused => Self::ConnectionRefused,
            SocketErrorKind::RemoteHostClosed => Self::PeerClosed,
            SocketErrorKind::HostNotFound => Self::ServerNotFound,
            SocketErrorKind::SocketAccess => Self::SocketAccess,
            SocketErrorKind::SocketResource => Self::SocketResource,
            SocketErrorKind::SocketTimeout => Self::SocketTimeout,
            SocketErrorKind::DatagramTooLarge => Self::DatagramTooLarge,
            SocketErrorKind::Network => Self::Connection,
            SocketErrorKind::UnsupportedSocketOperation => Self::UnsupportedSocketOperation,
            SocketErrorKind::Operation => Self::Operation,
            _ => Self::Unknown,
        }
    }
}

/// An error of a local socket: its kind, and Qt's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalSocketError {
    kind: LocalSocketErrorKind,
    text: Cow<'static, str>,
}

impl LocalSocketError {
    /// Creates the error of a function. The text names the function.
    pub(super) fn new(kind: LocalSocketErrorKind, function: &str) -> Self {
        let text = format!("{function}: {}", kind.text()).into();
        LocalSocketError { kind, text }
    }

    /// Returns the error of a call that needs a connection.
    pub(super) fn not_connected() -> Self {
        SocketErrorKind::Operation.into()
    }

    /// Returns the kind of the error.
    #[must_use]
    pub fn kind(&self) -> LocalSocketErrorKind {
        self.kind
    }

    pub(super) fn text(&self) -> Cow<'static, str> {
        self.text.clone()
    }
}

/// The class, for texts that name no function.
pub(super) const CLASS: &str = "QLocalSocket";

/// Creates an error with Qt's text for its kind.
impl From<LocalSocketErrorKind> for LocalSocketError {
    fn from(kind: LocalSocketErrorKind) -> Self {
        Self::new(kind, CLASS)
    }
}

impl From<SocketErrorKind> for LocalSocketError {
    fn from(kind: SocketErrorKind) -> Self {
        Self::new(kind.into(), CLASS)
    }
}

impl PartialEq<LocalSocketErrorKind> for LocalSocketError {
    fn eq(&self, kind: &LocalSocketErrorKind) -> bool {
        self.kind == *kind
    }
}

impl fmt::Display for LocalSocketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for LocalSocketError {}

impl From<LocalSocketError> for SocketError {
    fn from(error: LocalSocketError) -> Self {
        SocketError::new(error.kind.of_socket(), error.text)
    }
}

impl From<LocalSocketError> for DeviceError {
    fn from(error: LocalSocketError) -> Self {
        SocketError::from(error).into()
    }
}

impl From<LocalSocketError> for io::Error {
    fn from(error: LocalSocketError) -> Self {
        let kind = io::Error::from(SocketError::from(error.clone())).kind();
        io::Error::new(kind, error)
    }
}
