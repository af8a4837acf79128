//! Sockets in tasks: connecting, and waiting for states.

use std::{rc::Rc, time::Duration};

use qcore::DeviceError;

use super::{
    node::{AbstractSocketNode, QAbstractSocket},
    state::SocketState,
};
use crate::{
    address::Host,
    common::{SocketError, SocketErrorKind},
    engine::{Engine, Stage},
};

impl QAbstractSocket {
    /// Connects to a host, as [`connect_to_host`](QAbstractSocket::connect_to_host) does, and waits
    /// until the socket is connected. The socket begins to connect when the future is first polled.
    ///
    /// Dropping the future before it has returned [aborts](QAbstractSocket::abort) the connection.
    ///
    /// # Errors
    ///
    /// * [`Operation`](SocketErrorKind::Operation) if the socket is already connected or
    ///   connecting; its state does not change
    /// * any error with which connecting fails
    ///
    /// # Examples
    ///
    /// ```
    /// use qcore::{block_on, task::timeout};
    /// use qnetwork::{QHostAddress, QTcpServer, QTcpSocket};
    ///
    /// let server = QTcpServer::new();
    /// server.listen(QHostAddress::LocalHost, 0)?;
    /// let socket = QTcpSocket::new();
    /// let connecting = socket.connect("127.0.0.1", server.server_port());
    /// block_on(timeout(5000, connecting)).unwrap().unwrap()?;
    /// assert_eq!(socket.peer_port(), server.server_port());
    /// # Ok::<(), qnetwork::SocketError>(())
    /// ```
    pub async fn connect<'a>(
        &self,
        host: impl Into<Host<'a>>,
        port: u16,
    ) -> Result<(), SocketError> {
        self.check_free()?;
        let attempt = AbortsAttempt::of(self);
        self.connect_to_host(host, port);
        let connected = self.connected().await;
        attempt.finished();
        connected
    }

    /// Waits until the socket is connected. Returns at once if it is. It corresponds to
    /// [`wait_for_connected`](QAbstractSocket::wait_for_connected);
    /// [`timeout`](qcore::task::timeout()) limits its time.
    ///
    /// `socket.connected.next()` waits for the signal only: if connecting fails, it waits for ever.
    /// Cancel safe: the socket continues to connect.
    ///
    /// # Errors
    ///
    /// [`Operation`](SocketErrorKind::Operation) if the socket is not connecting, or any error with
    /// which connecting fails.
    pub async fn connected(&self) -> Result<(), SocketError> {
        loop {
            match self.state() {
                SocketState::Connected => return Ok(()),
                SocketState::HostLookup | SocketState::Connecting => {}
                _ => return Err(self.last_error()),
            }
            // The slot may have been disconnected by `disconnect_all`.
            if self.state_changed.next().await.is_err() && self.is_deleted() {
                return Err(self.last_error());
            }
        }
    }

    /// Waits until the socket is unconnected. Returns at once if it is, or if it was deleted. It
    /// corresponds to [`wait_for_disconnected`](QAbstractSocket::wait_for_disconnected).
    ///
    /// Cancel safe.
    pub async fn disconnected(&self) {
        while self.state() != SocketState::Unconnected {
            // The slot may have been disconnected by `disconnect_all`.
            if self.state_changed.next().await.is_err() && self.is_deleted() {
                return;
            }
        }
    }

    /// Fails unless the socket is free to connect.
    pub(crate) fn check_free(&self) -> Result<(), SocketError> {
        if matches!(self.state(), SocketState::Unconnected | SocketState::Bound) {
            return Ok(());
        }
        let text = "Trying to connect while connection is in progress";
        Err(SocketError::new(SocketErrorKind::Operation, text))
    }
}

/// Aborts an attempt to connect when its future is dropped.
pub(crate) struct AbortsAttempt<'a>(Option<&'a QAbstractSocket>);

impl<'a> AbortsAttempt<'a> {
    pub(crate) fn of(socket: &'a QAbstractSocket) -> Self {
        AbortsAttempt(Some(socket))
    }

    /// The attempt has succeeded or failed.
    pub(crate) fn finished(mut self) {
        self.0 = None;
    }
}

impl Drop for AbortsAttempt<'_> {
    fn drop(&mut self) {
        if let Some(socket) = self.0.take()
            && socket.state() != SocketState::Unconnected
        {
            socket.abort();
        }
    }
}

impl AbstractSocketNode {
    /// Returns whether no more bytes will arrive.
    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.current_state(), SocketState::Unconnected | SocketState::Closing)
            || self.reading.is_ended()
    }

    /// Returns whether written bytes can be sent, now or when the socket has connected.
    pub(crate) fn can_send(&self) -> bool {
        !matches!(self.current_state(), SocketState::Unconnected | SocketState::Closing)
            && !self.writing.is_shut_down()
    }

    /// The other end has closed the connection, or at least its sending half. If the socket has a
    /// stream, which can tell the two apart, the connection is kept for sending. Returns whether it
    /// is.
    pub(super) fn keeps_sending(&self, engine: &Rc<dyn Engine>, error: &SocketError) -> bool {
        let keeps = self.reading.has_stream()
            && self.may_keep_sending()
            && engine.stage() == Stage::Connected
            && *error == SocketErrorKind::RemoteHostClosed;
        if keeps {
            self.reading.set_ended();
            self.base.read_channel_finished.emit(());
        }
        keeps
    }

    /// Returns whether the task of a stream could still write if the other end sends no more.
    pub(super) fn may_keep_sending(&self) -> bool {
        self.layers.outer().is_none()
            && !self.reading.is_unbuffered()
            && self.current_state() == SocketState::Connected
            && !self.writing.is_shut_down()
    }

    /// A stream was created.
    pub(crate) fn on_stream_opened(&self) {
        self.reading.add_stream();
    }

    /// A stream was dropped. If it was the last one, and only streams have kept the connection, the
    /// connection ends.
    pub(crate) fn on_stream_dropped(&self) {
        if !self.reading.remove_stream() {
            return;
        }
        if let Some(engine) = self.engine() {
            engine.set_half_open(false);
        }
        if self.reading.is_ended() && self.current_state() == SocketState::Connected {
            self.on_remote_close(&SocketError::remote_host_closed());
        }
    }

    /// Returns the error that has ended the connection, or why there is none yet; `None` if the
    /// other end has closed it in order, or this one has.
    pub(crate) fn stream_error(&self) -> Option<DeviceError> {
        if matches!(self.current_state(), SocketState::HostLookup | SocketState::Connecting) {
            let text = "The socket is not connected yet";
            return Some(SocketError::new(SocketErrorKind::Operation, text).into());
        }
        match self.last_error() {
            _ if !self.has_ended() => None,
            error if error == SocketErrorKind::RemoteHostClosed => None,
            error if error == SocketErrorKind::Operation => None,
            error => Some(error.into()),
        }
    }

    /// Returns whether the connection was reset, so that received bytes may be missing.
    pub(crate) fn is_cut_off(&self) -> bool {
        self.has_ended() && self.reading.was_reset()
    }

    /// Makes the system reset the connection when the socket aborts it, instead of telling the
    /// other end that the stream has ended. Has no effect on a connection through a pipe of the
    /// kernel.
    pub(crate) fn reset_on_abort(&self) {
        let engine = match self.layers.class() {
            Some(class) => class.carrier().engine(),
            None => self.engine(),
        };
        if let Some(engine) = engine {
            // If the system refuses, it closes the connection in the usual way.
            engine.with_socket(&mut |socket| drop(socket.set_linger(Some(Duration::ZERO))));
        }
    }

    /// Closes the sending half of the connection. Everything was sent.
    pub(crate) fn shut_down_writing(&self) -> Result<(), SocketError> {
        let Some(engine) = self.engine().filter(|_| self.current_state() == SocketState::Connected)
        else {
            return Ok(());
        };
        engine.shut_down_writing()?;
        self.writing.set_shut_down();
        if self.reading.is_ended() {
            // Both halves are closed now.
            self.disconnect();
        }
        Ok(())
    }
}
