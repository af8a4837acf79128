//! Handing a live connection over to another socket.

use std::path::PathBuf;

use qcore::{
    OpenMode,
    internals::{DeviceInternals, handed_over},
    object::Node,
};

use super::{
    error::LocalSocketError,
    socket::{LocalSocketNode, QLocalSocket, translated},
    state::LocalSocketState,
};
use crate::socket::{AttachError, DetachedSocket, SocketState, TellsEnd};

/// What a local socket adds to its inner socket's connection.
struct Extra {
    server_name: PathBuf,
    full_server_name: PathBuf,
    /// Whether the outer device is unbuffered, as it is if this end has connected.
    is_unbuffered: bool,
}

/// # Handing a connection over to another thread
impl QLocalSocket {
    /// Takes the connection out of this socket, for a socket of another thread, which calls
    /// [`attach`](QLocalSocket::attach). The other end notices nothing.
    ///
    /// [`QTcpSocket::detach`](crate::QTcpSocket::detach) describes what the connection takes along
    /// and what stays. Here it also takes along the names of the server. The only signal is
    /// [`state_changed`](LocalSocketNode::state_changed).
    ///
    /// # Errors
    ///
    /// [`Operation`](super::LocalSocketErrorKind::Operation) if the socket is not
    /// [`Connected`](LocalSocketState::Connected). Then the socket does not change.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{io::Write, os::unix::net::UnixStream, thread};
    /// use qnetwork::QLocalSocket;
    ///
    /// let (ours, mut theirs) = UnixStream::pair()?;
    /// let socket = QLocalSocket::new();
    /// socket.set_socket_descriptor(ours)?;
    /// theirs.write_all(b"hello")?;
    /// socket.wait_for_ready_read(5000)?;
    ///
    /// let connection = socket.detach()?;
    /// let reader = thread::spawn(move || {
    ///     let socket = QLocalSocket::new();
    ///     socket.attach(connection).unwrap();
    ///     socket.wait_for_ready_read(5000).unwrap();
    ///     socket.read_all()
    /// });
    /// assert_eq!(reader.join().unwrap(), b"hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "moveToThread")]
    pub fn detach(&self) -> Result<DetachedSocket, LocalSocketError> {
        let node = self.node_kept();
        node.refuse_deleted("detach")?;
        let mut connection = node.inner.take_connection().map_err(translated)?;
        // It has not ended, but goes on in another socket.
        node.closure.forget();
        let mode = node.base.open_mode();
        connection.set_mode(mode - OpenMode::UNBUFFERED);
        connection.prepend_unread(node.base.detach_buffer());
        connection.set_extra(Extra {
            server_name: node.server_name.take(),
            full_server_name: node.full_server_name.take(),
            is_unbuffered: mode.contains(OpenMode::UNBUFFERED),
        });
        node.base.set_open_mode(OpenMode::NOT_OPEN);
        handed_over(&node.base).emit(());
        node.change_state(LocalSocketState::Unconnected);
        Ok(connection)
    }

    /// Continues a connection that another socket has [detached](QLocalSocket::detach), usually one
    /// of another thread.
    ///
    /// [`QTcpSocket::attach`](crate::QTcpSocket::attach) describes what happens. The only signal is
    /// [`state_changed`](LocalSocketNode::state_changed), if the state has changed.
    ///
    /// # Errors
    ///
    /// Those of [`QTcpSocket::attach`](crate::QTcpSocket::attach). The error contains the
    /// connection, which is unchanged. The socket does not change either.
    pub fn attach(&self, connection: DetachedSocket) -> Result<(), AttachError> {
        self.node_kept().attach_connection(connection)
    }
}

impl LocalSocketNode {
    fn attach_connection(&self, mut connection: DetachedSocket) -> Result<(), AttachError> {
        if let Err(error) = self.refuse_deleted("attach") {
            return Err(AttachError::new(error.into(), connection));
        }
        connection = connection.check_plain()?;
        let _held = self.hold_closed();
        let extra = connection.take_extra::<Extra>();
        let mut mode = connection.mode();
        if let Err(failed) = self.inner.put_connection(connection.without_text_mode()) {
            let error = failed.error().clone();
            let mut connection = failed.into_detached();
            connection.set_mode(mode);
            if let Some(extra) = extra {
                connection.set_extra(*extra);
            }
            return Err(AttachError::new(error, connection));
        }
        self.drop_attempt();
        self.next_attempt();
        if let Some(extra) = extra {
            mode.set(OpenMode::UNBUFFERED, extra.is_unbuffered);
            self.server_name.replace(extra.server_name);
            self.full_server_name.replace(extra.full_server_name);
        }
        self.base.open_device(mode);
        self.closure.end();
        let replaced = self.closure.take_held();
        self.closure.begin();
        if let Some(reason) = replaced {
            self.closed.emit(reason);
        }
        let is_same = self.inner.state() == SocketState::Connected;
        if self.state.get() != LocalSocketState::Connected && is_same {
            self.change_state(LocalSocketState::Connected);
        }
        Ok(())
    }

    /// Fails with a warning if the object is dying or dead.
    pub(super) fn refuse_deleted(&self, function: &str) -> Result<(), LocalSocketError> {
        if self.life().is_dying() {
            qcore::q_warning!("QLocalSocket::{function}() called on a socket that was deleted");
            return Err(LocalSocketError::not_connected());
        }
        Ok(())
    }
}
