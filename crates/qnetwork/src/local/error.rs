//! What can go wrong at a local socket.

use std::{borrow::Cow, error::Error, fmt, io};

use qcore::DeviceError;

use crate::socket::{SocketError, SocketErrorKind};

qcore::numbered! {
    /// What kind of failure a [`LocalSocketError`] is: Qt's list.
    #[doc(alias = "QLocalSocket::LocalSocketError")]
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum LocalSocketErrorKind {
        /// There is a file of that name, but nobody listens there.
        #[doc(alias = "ConnectionRefusedError")]
        ConnectionRefused = 0,
        /// The other end has closed the connection. A client need not take this for a failure.
        #[doc(alias = "PeerClosedError")]
        PeerClosed = 1,
        /// There is no server of that name.
        #[doc(alias = "ServerNotFoundError")]
        ServerNotFound = 2,
        /// The program may not connect there.
        #[doc(alias = "SocketAccessError")]
        SocketAccess = 3,
        /// The system is out of something.
        #[doc(alias = "SocketResourceError")]
        SocketResource = 4,
        /// It took too long.
        #[doc(alias = "SocketTimeoutError")]
        SocketTimeout = 5,
        /// What was sent was larger than the system sends.
        #[doc(alias = "DatagramTooLargeError")]
        DatagramTooLarge = 6,
        /// The connection failed.
        #[doc(alias = "ConnectionError")]
        Connection = 7,
        /// The system cannot do that.
        #[doc(alias = "UnsupportedSocketOperationError")]
        UnsupportedSocketOperation = 10,
        /// The socket is in a state in which that cannot be done.
        #[doc(alias = "OperationError")]
        Operation = 19,
        /// None of these; also where there was no error yet.
        #[doc(alias = "UnknownSocketError")]
        #[default]
        Unknown = -1,
    }
}

impl LocalSocketErrorKind {
    /// What the inner socket calls this.
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

/// A failure at a local socket: its kind, and Qt's text for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalSocketError {
    kind: LocalSocketErrorKind,
    text: Cow<'static, str>,
}

impl LocalSocketError {
    /// The failure of a function, which its text names.
    pub(super) fn new(kind: LocalSocketErrorKind, function: &str) -> Self {
        let text = format!("{function}: {}", kind.text()).into();
        LocalSocketError { kind, text }
    }

    /// Returns the error of a call that needs a connection.
    pub(super) fn not_connected() -> Self {
        SocketErrorKind::Operation.into()
    }

    /// What kind of failure it was.
    #[must_use]
    pub fn kind(&self) -> LocalSocketErrorKind {
        self.kind
    }

    pub(super) fn text(&self) -> Cow<'static, str> {
        self.text.clone()
    }
}

/// The class, where no function is to be named.
pub(super) const CLASS: &str = "QLocalSocket";

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
