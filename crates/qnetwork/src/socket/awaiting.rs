//! Sockets in tasks: connecting, and waiting for states.

use std::{future::poll_fn, pin::pin, rc::Rc, task::Poll, time::Duration};

use qcore::{
    DeviceError,
    internals::{DeviceInternals, until},
};

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
    /// Dropping the future before it has returned [aborts](QAbstractSocket::abort) the connection,
    /// unless the program has begun another one meanwhile.
    ///
    /// # Errors
    ///
    /// * [`Operation`](SocketErrorKind::Operation) if the socket is already connected or
    ///   connecting; its state does not change
    /// * [`Operation`](SocketErrorKind::Operation) if the program meanwhile ends the attempt and
    ///   begins another connection, which continues
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
        self.attempt(|| self.connect_to_host(host, port), self.connected()).await
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
        until(&[&self.state_changed], || match self.state() {
            SocketState::Connected => Some(Ok(())),
            SocketState::HostLookup | SocketState::Connecting if !self.is_deleted() => None,
            _ => Some(Err(self.last_error())),
        })
        .await
    }

    /// Waits until the socket is unconnected. Returns at once if it is, or if it was deleted. It
    /// corresponds to [`wait_for_disconnected`](QAbstractSocket::wait_for_disconnected).
    ///
    /// Cancel safe.
    pub async fn disconnected(&self) {
        let is_over = || self.state() == SocketState::Unconnected || self.is_deleted();
        until(&[&self.state_changed], || is_over().then_some(())).await;
    }

    /// Fails unless the socket is free to connect.
    fn check_free(&self) -> Result<(), SocketError> {
        if matches!(self.state(), SocketState::Unconnected | SocketState::Bound) {
            return Ok(());
        }
        let text = "Trying to connect while connection is in progress";
        Err(SocketError::new(SocketErrorKind::Operation, text))
    }
}

/// An attempt to connect that a future makes. Dropping it ends the attempt, and no later connection
/// of the socket.
pub(crate) struct AbortsAttempt<F: Fn() -> u32, A: FnMut()> {
    /// How many connections the socket had begun before.
    before: u32,
    /// Returns how many connections the socket has begun.
    begun: F,
    abort: A,
    is_done: bool,
}

impl<F: Fn() -> u32, A: FnMut()> AbortsAttempt<F, A> {
    /// Begins the attempt that the socket makes next.
    pub(crate) fn new(begun: F, abort: A) -> Self {
        AbortsAttempt { before: begun(), begun, abort, is_done: false }
    }

    /// Waits for the attempt, whose outcome `connected` returns. Returns `None` if the program has
    /// begun another one, which has to wake the task.
    pub(crate) async fn run<T>(mut self, connected: impl Future<Output = T>) -> Option<T> {
        let outcome = {
            let mut connected = pin!(connected);
            poll_fn(|context| match self.number() {
                // The socket may have refused to begin an attempt.
                0 | 1 => connected.as_mut().poll(context).map(Some),
                _ => Poll::Ready(None),
            })
            .await
        };
        self.is_done = true;
        outcome
    }

    /// Returns how many connections the socket has begun since.
    fn number(&self) -> u32 {
        (self.begun)().wrapping_sub(self.before)
    }
}

impl<F: Fn() -> u32, A: FnMut()> Drop for AbortsAttempt<F, A> {
    fn drop(&mut self) {
        if !self.is_done && self.number() == 1 {
            (self.abort)();
        }
    }
}

impl QAbstractSocket {
    /// Calls `begin`, which begins to connect, and waits for `connected`. Aborts the attempt if the
    /// future is dropped before that.
    pub(crate) async fn attempt(
        &self,
        begin: impl FnOnce(),
        connected: impl Future<Output = Result<(), SocketError>>,
    ) -> Result<(), SocketError> {
        self.check_free()?;
        let begun = || match self.layers.class() {
            Some(class) => class.carrier().closure.begun(),
            None => self.closure.begun(),
        };
        let abort = || {
            if self.state() != SocketState::Unconnected {
                self.abort();
            }
        };
        let attempt = AbortsAttempt::new(begun, abort);
        begin();
        attempt.run(connected).await.unwrap_or_else(|| {
            let text = "The program has begun another connection";
            Err(SocketError::new(SocketErrorKind::Operation, text))
        })
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
    /// stream, which can tell the two apart, the connection is kept for sending. Returns whether
    /// there is nothing more to do: the connection is kept, or slots have ended it.
    pub(super) fn keeps_sending(&self, engine: &Rc<dyn Engine>, error: &SocketError) -> bool {
        let may_keep = self.may_keep_sending()
            && engine.stage() == Stage::Connected
            && *error == SocketErrorKind::RemoteHostClosed;
        if !may_keep {
            return false;
        }
        if let Some(outer) = self.layers.outer() {
            let keeps = outer.keeps_sending();
            if !self.has_engine(engine) || self.current_state() != SocketState::Connected {
                // A slot has ended the connection, or is about to when everything was sent.
                return true;
            }
            if !keeps {
                return false;
            }
        }
        self.end_reading();
        self.base.read_channel_finished.emit(());
        true
    }

    /// Returns whether a task could still write if the other end sends no more: the socket has a
    /// stream, or the one that is layered on it does.
    pub(super) fn may_keep_sending(&self) -> bool {
        let has_stream = match self.layers.outer() {
            Some(outer) => outer.has_stream(),
            None => self.reading.has_stream(),
        };
        has_stream
            && !self.reading.is_unbuffered()
            && self.current_state() == SocketState::Connected
            && !self.writing.is_shut_down()
    }

    /// The other end sends no more, and a stream keeps the connection.
    pub(crate) fn end_reading(&self) {
        self.base.set_fed(false);
        self.reading.set_ended();
    }

    /// Returns whether the socket has a stream.
    #[cfg(feature = "_tls")]
    pub(crate) fn has_stream(&self) -> bool {
        self.reading.has_stream()
    }

    /// Forgets a stream of a socket that is layered on another one. Returns whether it was the
    /// last.
    #[cfg(feature = "_tls")]
    pub(crate) fn remove_stream(&self) -> bool {
        self.reading.remove_stream()
    }

    /// Returns whether the connection has ended before everything was sent.
    pub(crate) fn has_lost(&self) -> bool {
        self.writing.has_lost()
    }

    /// A stream was created.
    pub(crate) fn on_stream_opened(&self) {
        self.reading.add_stream();
    }

    /// A stream was dropped. If it was the last one, and only streams have kept the connection, the
    /// connection ends.
    pub(crate) fn on_stream_dropped(&self) {
        if self.reading.remove_stream() {
            self.on_last_stream_dropped();
        }
    }

    /// The last stream was dropped, of this socket or of the one that is layered on it.
    pub(crate) fn on_last_stream_dropped(&self) {
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
