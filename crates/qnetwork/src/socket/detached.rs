//! A connection between two sockets: [`DetachedSocket`].

use std::{
    any::Any,
    error::Error,
    fmt, io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
};

use qcore::{OpenMode, internals::DetachedBytes};

use super::node::DetachedEnds;
use crate::{
    common::{SocketError, SocketErrorKind},
    sys::Socket,
};

/// A connection that was taken out of its socket and can move to another thread.
///
/// [`QTcpSocket::detach`](crate::QTcpSocket::detach) and
/// [`QLocalSocket::detach`](crate::QLocalSocket::detach) create it, and
/// [`QTcpSocket::attach`](crate::QTcpSocket::attach) and
/// [`QLocalSocket::attach`](crate::QLocalSocket::attach) put it into another socket. Meanwhile the
/// connection stays open, but nobody reads or writes. Bytes that the other end sends wait in the
/// operating system's buffer.
///
/// Dropping this value closes the connection, and its unsent bytes are lost.
pub struct DetachedSocket {
    pub(super) socket: Socket,
    pub(super) mode: OpenMode,
    pub(super) is_unbuffered: bool,
    /// The limit of the read buffer.
    pub(super) limit: usize,
    pub(super) unread: DetachedBytes,
    /// The write buffer, and how many of its bytes were sent but not reported by `bytes_written`.
    pub(super) unsent: (DetachedBytes, usize),
    pub(super) ends: DetachedEnds,
    pub(super) host_name: Box<str>,
    /// What a class that is built on a socket adds.
    extra: Option<Box<dyn Any + Send + Sync>>,
    /// Whether only a socket of that class can continue the connection.
    needs_extra: bool,
}

impl DetachedSocket {
    pub(super) fn new(socket: Socket) -> Self {
        DetachedSocket {
            socket,
            mode: OpenMode::READ_WRITE,
            is_unbuffered: false,
            limit: 0,
            unread: DetachedBytes::default(),
            unsent: (DetachedBytes::default(), 0),
            ends: DetachedEnds::default(),
            host_name: Box::default(),
            extra: None,
            needs_extra: false,
        }
    }

    /// Puts unread bytes in front of all others.
    pub(crate) fn prepend_unread(&mut self, mut first: DetachedBytes) {
        first.append(std::mem::take(&mut self.unread));
        self.unread = first;
    }

    /// Sets the mode in which the next socket is open.
    pub(crate) fn set_mode(&mut self, mode: OpenMode) {
        self.mode = mode;
    }

    pub(crate) fn mode(&self) -> OpenMode {
        self.mode
    }

    /// Removes the text mode: of two devices, only the outer one removes carriage returns.
    pub(crate) fn without_text_mode(mut self) -> Self {
        self.mode.remove(OpenMode::TEXT);
        self
    }

    /// Returns the descriptor alone.
    pub(crate) fn into_descriptor(self) -> OwnedFd {
        self.socket.into()
    }

    pub(crate) fn set_extra(&mut self, extra: impl Any + Send + Sync) {
        self.extra = Some(Box::new(extra));
    }

    /// Sets what a class adds that no other class can do without.
    #[cfg(feature = "_tls")]
    pub(crate) fn set_needed_extra(&mut self, extra: impl Any + Send + Sync) {
        self.set_extra(extra);
        self.needs_extra = true;
    }

    /// Fails if only a socket of a derived class can continue the connection.
    pub(crate) fn check_plain(self) -> Result<Self, AttachError> {
        if !self.needs_extra {
            return Ok(self);
        }
        let text = "Only a QSslSocket can continue an encrypted connection";
        let kind = SocketErrorKind::UnsupportedSocketOperation;
        Err(AttachError::new(SocketError::new(kind, text), self))
    }

    /// Takes what a class has added, if it is a `T`.
    pub(crate) fn take_extra<T: Any>(&mut self) -> Option<Box<T>> {
        if self.extra.as_ref().is_some_and(|extra| extra.is::<T>()) {
            return self.extra.take()?.downcast().ok();
        }
        None
    }
}

impl AsFd for DetachedSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl fmt::Debug for DetachedSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DetachedSocket")
            .field("descriptor", &self.socket.as_raw_fd())
            .finish_non_exhaustive()
    }
}

/// The error of `attach`: the reason, and the connection, which is unchanged.
///
/// With `?` it becomes a [`SocketError`], and the connection closes.
///
/// # Examples
///
/// ```
/// use qcore::{QObject, QTimer};
/// use qnetwork::{DetachedSocket, QTcpSocket};
///
/// /// Tries again every second until the process has a descriptor for this thread's poll.
/// fn attach(socket: QTcpSocket, connection: DetachedSocket) {
///     if let Err(error) = socket.attach(connection) {
///         eprintln!("{error}");
///         let connection = std::cell::Cell::new(Some(error.into_detached()));
///         QTimer::single_shot(1000, move || {
///             if let Some(connection) = connection.take() {
///                 attach(socket.clone(), connection);
///             }
///         });
///     }
/// }
/// ```
pub struct AttachError {
    error: SocketError,
    socket: Box<DetachedSocket>,
}

impl AttachError {
    pub(crate) fn new(error: SocketError, socket: DetachedSocket) -> Self {
        AttachError { error, socket: Box::new(socket) }
    }

    /// Returns the kind of the error.
    #[must_use]
    pub fn kind(&self) -> SocketErrorKind {
        self.error.kind()
    }

    /// Returns the reason.
    #[must_use]
    pub fn error(&self) -> &SocketError {
        &self.error
    }

    /// Returns the connection.
    #[must_use]
    pub fn into_detached(self) -> DetachedSocket {
        *self.socket
    }
}

impl PartialEq<SocketErrorKind> for AttachError {
    fn eq(&self, kind: &SocketErrorKind) -> bool {
        self.error == *kind
    }
}

impl fmt::Debug for AttachError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AttachError").field("error", &self.error).finish_non_exhaustive()
    }
}

impl fmt::Display for AttachError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl Error for AttachError {}

impl From<AttachError> for SocketError {
    fn from(error: AttachError) -> Self {
        error.error
    }
}

impl From<AttachError> for io::Error {
    fn from(error: AttachError) -> Self {
        error.error.into()
    }
}
