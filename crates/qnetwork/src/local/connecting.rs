//! Connecting to a name.
//!
//! The socket connects within the call, unless the server's backlog is full. The system does not
//! report when the backlog has room, so a timer repeats the attempt for up to 30 seconds.

use std::{io, rc::Rc, time::Duration};

use qcore::{
    OpenMode, QDeadlineTimer, TimerType,
    event_loop::{TimerHandler, TimerId},
    object::Node,
};
use socket2::{Domain, Type};

use super::{
    attempt::Attempt,
    error::{LocalSocketError, LocalSocketErrorKind},
    name,
    socket::LocalSocketNode,
    state::LocalSocketState,
};
use crate::{
    common::OnPanic,
    socket::{CloseReason, SocketState, TellsEnd, TimeoutKind},
    sys::Socket,
};

/// How long to try while the server's backlog is full, unless the program has set a time-out.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// The interval between attempts.
const RETRY: Duration = Duration::from_millis(5);

const FUNCTION: &str = "QLocalSocket::connectToServer";

impl LocalSocketNode {
    /// Connects to the server whose name was set.
    pub(super) fn connect(&self, mode: OpenMode) -> Result<(), LocalSocketError> {
        self.refuse_deleted("connectToServer")?;
        // Slots are called here that tell of the end of the connection before. The inner socket
        // passes its reason on to this one.
        self.inner.tell_closed_now();
        self.tell_closed_now();
        self.refuse_deleted("connectToServer")?;
        if matches!(self.state.get(), LocalSocketState::Connected | LocalSocketState::Connecting) {
            let function = "QLocalSocket::connectToserver";
            let error = LocalSocketError::new(LocalSocketErrorKind::Operation, function);
            self.base.set_error_string(error.text());
            self.emit_error(error.kind());
            return Err(error);
        }
        self.closure.begin();
        self.base.set_error_string("");
        let number = self.next_attempt();
        self.inner.set_socket_state(SocketState::Connecting);
        let held = self.hold_closed();
        self.change_state(LocalSocketState::Connecting);
        // As in Qt, the attempt fails after a slot has aborted it, and reports that.
        let _held = held.for_last();
        if self.attempt_number.get() != number {
            return Err(LocalSocketError::not_connected());
        }
        let name = self.server_name.borrow().clone();
        if name.as_os_str().is_empty() {
            return self.fail(LocalSocketErrorKind::ServerNotFound);
        }
        let Ok(socket) = open() else {
            return self.fail(LocalSocketErrorKind::UnsupportedSocketOperation);
        };
        match self.try_to_connect(&socket) {
            Ok(true) => self.on_connected(socket, mode),
            Ok(false) => {
                self.retry_later(socket, mode);
                Ok(())
            }
            Err(kind) => self.fail(kind),
        }
    }

    /// Tries to connect. Returns `false` if the server's backlog is full.
    fn try_to_connect(&self, socket: &Socket) -> Result<bool, LocalSocketErrorKind> {
        use LocalSocketErrorKind::*;
        let path = name::full_name(&self.server_name.borrow());
        let address = name::address_of(&path).map_err(|_| ServerNotFound)?;
        loop {
            let Err(error) = socket.connect(&address) else { return Ok(true) };
            return match error.raw_os_error() {
                Some(libc::EINTR) => continue,
                Some(libc::EAGAIN) => Ok(false),
                Some(libc::EINVAL | libc::ECONNREFUSED) => Err(ConnectionRefused),
                Some(libc::ENOENT) => Err(ServerNotFound),
                Some(libc::EACCES | libc::EPERM) => Err(SocketAccess),
                Some(libc::ETIMEDOUT) => Err(SocketTimeout),
                _ => Err(Unknown),
            };
        }
    }

    fn on_connected(&self, socket: Socket, mode: OpenMode) -> Result<(), LocalSocketError> {
        self.drop_attempt();
        let full_name = name::full_name(&self.server_name.borrow());
        self.full_server_name.replace(full_name);
        let number = self.attempt_number.get();
        let is_current = || {
            self.attempt_number.get() == number && self.state.get() == LocalSocketState::Connecting
        };
        let adopted = self.inner.adopt_connected_if(socket, None, mode, is_current);
        if adopted.is_err() && !is_current() {
            // The program's logger has ended the attempt.
            return Err(LocalSocketError::not_connected());
        }
        if adopted.is_err() {
            return self.fail(LocalSocketErrorKind::Unknown);
        }
        let held = self.hold_closed();
        self.change_state(LocalSocketState::Connected);
        let _held = held.for_last();
        if self.attempt_number.get() == number && !self.life().is_dying() {
            // The outer device is unbuffered because the inner socket has the buffer. As in Qt, the
            // device opens and `connected` is emitted even if a slot has closed the connection.
            self.base.open_device(mode | OpenMode::UNBUFFERED);
            self.connected.emit(());
        }
        Ok(())
    }

    /// Reports that there is no connection, and closes the socket.
    fn fail(&self, kind: LocalSocketErrorKind) -> Result<(), LocalSocketError> {
        let error = LocalSocketError::new(kind, FUNCTION);
        let _held = self.hold_closed();
        if self.closure.is_open() {
            // No slot has aborted the attempt before.
            self.closure.note(CloseReason::ConnectFailed(error.clone().into()));
        }
        self.drop_attempt();
        self.inner.set_socket_error(kind.of_socket());
        self.base.set_error_string(error.text());
        let number = self.attempt_number.get();
        let node = self.this.clone();
        let _end = OnPanic::new(self.life().dispatcher(), move || {
            if let Some(node) = node.upgrade() {
                node.end_failed(number);
            }
        });
        self.emit_error(kind);
        self.end_failed(number);
        Err(error)
    }

    /// Closes the socket after an attempt has failed, unless a slot has begun another one.
    fn end_failed(&self, number: u32) {
        if self.attempt_number.get() == number {
            self.inner.set_socket_state(SocketState::Unconnected);
            let before = self.state.replace(LocalSocketState::Unconnected);
            self.close_socket();
            if before != LocalSocketState::Unconnected
                && self.state.get() == LocalSocketState::Unconnected
            {
                self.state_changed.emit(LocalSocketState::Unconnected);
            }
            self.end_attempt();
        }
    }

    // ---- trying again

    fn retry_later(&self, socket: Socket, mode: OpenMode) {
        let dispatcher = self.life().dispatcher();
        let timer = dispatcher.start_timer(RETRY, TimerType::Precise, self.this.clone());
        let limit = self.inner.time_limit(TimeoutKind::Connect).unwrap_or(CONNECT_TIMEOUT);
        let until = limit.into();
        self.attempt.replace(Some(Attempt { socket, mode, timer, until }));
    }

    /// Tries again. Returns whether the attempt has ended.
    fn retry(&self) -> bool {
        let Some(attempt) = self.attempt.take() else { return true };
        match self.try_to_connect(&attempt.socket) {
            Ok(true) => {
                self.stop_timer(attempt.timer);
                let _ = self.on_connected(attempt.socket, attempt.mode);
            }
            Ok(false) if !attempt.until.has_expired() => {
                self.attempt.replace(Some(attempt));
                return false;
            }
            failed => {
                self.stop_timer(attempt.timer);
                drop(attempt);
                if failed.is_ok() {
                    self.closure.note(CloseReason::TimedOut(TimeoutKind::Connect));
                }
                let kind = failed.err().unwrap_or(LocalSocketErrorKind::SocketTimeout);
                // Signals report the error.
                let _ = self.fail(kind);
            }
        }
        true
    }

    pub(super) fn drop_attempt(&self) {
        if let Some(attempt) = self.attempt.take() {
            self.stop_timer(attempt.timer);
        }
    }

    fn stop_timer(&self, timer: TimerId) {
        self.life().dispatcher().stop_timer(timer);
    }

    /// Changes the number of the attempt. By this number callers see whether a slot has started or
    /// ended an attempt.
    pub(super) fn next_attempt(&self) -> u32 {
        let number = self.attempt_number.get().wrapping_add(1);
        self.attempt_number.set(number);
        number
    }

    /// Waits until the server's backlog has room.
    pub(super) fn wait_for_room(&self, deadline: QDeadlineTimer) {
        while self.attempt.borrow().is_some() && !self.retry() {
            if deadline.has_expired() {
                return;
            }
            let pause = deadline.remaining_time().map_or(RETRY, |left| left.min(RETRY));
            // In a simulation, this takes simulated time.
            qcore::internals::pause(pause);
        }
    }
}

impl TimerHandler for LocalSocketNode {
    fn timer_due(self: Rc<Self>, _: TimerId) {
        self.retry();
    }
}

/// Creates a socket that is non-blocking and close-on-exec.
fn open() -> io::Result<Socket> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}
