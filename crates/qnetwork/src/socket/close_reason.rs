//! Why a connection has ended.

use std::fmt;

use super::timeout_kind::TimeoutKind;
use crate::common::{SocketError, SocketErrorKind};

/// Why a connection has ended: the value of the signal
/// [`closed`](super::AbstractSocketNode::closed).
///
/// If there are several causes, the first one is the reason. For example, if the other end closes,
/// and a slot of [`error_occurred`](super::AbstractSocketNode::error_occurred) then calls `abort`,
/// the reason is [`Remote`](Self::Remote).
///
/// # Examples
///
/// A client that connects again unless somebody has closed the connection on purpose:
///
/// ```
/// use qcore::QCoreApplication;
/// use qnetwork::{CloseReason, QTcpSocket, SocketErrorKind};
///
/// let app = QCoreApplication::new();
/// let socket = QTcpSocket::new();
/// socket.closed.connect_to(&app, |app, reason| {
///     match reason {
///         CloseReason::Local | CloseReason::Remote => println!("done"),
///         CloseReason::TimedOut(kind) => println!("took too long: {kind:?}"),
///         reason => println!("failed: {reason}"),
///     }
///     assert_eq!(reason.error().unwrap(), &SocketErrorKind::ConnectionRefused);
///     app.quit();
/// });
/// socket.connect_to_host("127.0.0.1", 1); // nobody listens there
/// app.exec();
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseReason {
    /// This end has closed or aborted the connection, has deleted the socket, or has given the
    /// socket another descriptor.
    Local,
    /// The other end has closed the connection in order. All bytes that it sent have arrived.
    Remote,
    /// The connection was cut off, so bytes may be missing. The other end has reset it, or a
    /// connection with TLS has ended without TLS's closing message.
    Reset,
    /// The socket could not connect.
    ConnectFailed(SocketError),
    /// The connection has failed after it was made.
    Failed(SocketError),
    /// The TLS handshake has failed, or one end has refused the certificate of the other.
    TlsRefused(SocketError),
    /// A [time-out](crate::QAbstractSocket::set_timeout) of the socket has expired.
    TimedOut(TimeoutKind),
}

impl CloseReason {
    /// Returns the error that has ended the connection, if the reason has one.
    #[must_use]
    pub fn error(&self) -> Option<&SocketError> {
        match self {
            Self::ConnectFailed(error) | Self::Failed(error) | Self::TlsRefused(error) => {
                Some(error)
            }
            Self::Local | Self::Remote | Self::Reset | Self::TimedOut(_) => None,
        }
    }

    /// Returns whether the connection was made and one of its ends has closed it:
    /// [`Local`](Self::Local) or [`Remote`](Self::Remote).
    #[must_use]
    pub fn is_orderly(&self) -> bool {
        matches!(self, Self::Local | Self::Remote)
    }

    /// Returns the reason of a connection that an error has ended after it was made.
    pub(crate) fn of_error(error: &SocketError, is_reset: bool) -> Self {
        match error.kind() {
            SocketErrorKind::RemoteHostClosed if is_reset => Self::Reset,
            SocketErrorKind::RemoteHostClosed => Self::Remote,
            _ => Self::Failed(error.clone()),
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str("this end has closed the connection"),
            Self::Remote => f.write_str("the other end has closed the connection"),
            Self::Reset => f.write_str("the connection was cut off"),
            Self::ConnectFailed(error) => write!(f, "cannot connect: {error}"),
            Self::Failed(error) => write!(f, "the connection has failed: {error}"),
            Self::TlsRefused(error) => write!(f, "TLS was refused: {error}"),
            Self::TimedOut(kind) => kind.fmt(f),
        }
    }
}
