//! Accepting connections, in the loop and while waiting without one.
//!
//! As in Qt, the server accepts one connection in a turn of the loop. It checks the limit of
//! pending connections when a connection arrives and when one is taken, and at no other time.

use std::{io, os::fd::OwnedFd, rc::Rc, time::Duration};

use qcore::{
    QDeadlineTimer,
    event_loop::{EventSource, Readiness, TimerHandler, TimerId},
    object::Node,
};

use super::{
    server::{LocalServerNode, server_error},
    socket::QLocalSocket,
};
use crate::{
    socket::{Overtime, SocketError, SocketErrorKind},
    sys::{self, Socket},
};

/// How long to wait before accepting again when the process has no descriptor left.
const RETRY: Duration = Duration::from_millis(100);

/// An accepted connection.
enum Accepted {
    /// For a socket of this library.
    Socket(Socket),
    /// For the program's own handler.
    Descriptor(OwnedFd),
}

impl LocalServerNode {
    /// Accepts connections in the loop if no more than the limit are waiting.
    pub(super) fn accept_by_limit(&self) {
        let accepts = self.has_room();
        if !self.accepts.replace(accepts) && accepts {
            self.requeue();
        }
    }

    fn has_room(&self) -> bool {
        self.state.pending_count() as i64 <= self.state.max_pending().into()
    }

    fn requeue(&self) {
        if let Some(listener) = &*self.listener.borrow() {
            listener.requeue();
        }
    }

    fn note(&self, ready: Readiness) {
        if ready.intersects(Readiness::READABLE | Readiness::READ_CLOSED) {
            self.state.more.set(true);
        }
    }

    pub(super) fn wait(&self, deadline: QDeadlineTimer) -> Result<(), SocketError> {
        let timed_out = || {
            let text = "Network operation timed out";
            Err(SocketError::new(SocketErrorKind::SocketTimeout, text))
        };
        let mut overtime = Overtime::default();
        loop {
            if overtime.is_over(deadline) {
                return timed_out();
            }
            if self.listener.borrow().is_none() {
                let text = "The server does not listen";
                return Err(SocketError::new(SocketErrorKind::Operation, text));
            }
            if self.state.more.get() {
                if self.accept() {
                    return Ok(());
                }
                if let Some(error) = self.state.error_to_retry() {
                    return Err(error);
                }
                continue;
            }
            let listener = self.listener.borrow().clone();
            let ready = match listener {
                Some(listener) => listener.registration().wait(deadline),
                None => continue,
            };
            match ready {
                Some(ready) => self.note(ready),
                None if self.state.pending_count() > 0 => return Ok(()),
                None => return timed_out(),
            }
        }
    }

    /// Accepts a connection from the backlog. Returns whether there was one.
    fn accept(&self) -> bool {
        let has_handler = self.state.handler().is_set();
        let accepted = match &*self.listener.borrow() {
            Some(listener) if has_handler => listener.accept_descriptor().map(Accepted::Descriptor),
            Some(listener) => listener.accept().map(Accepted::Socket),
            None => return false,
        };
        match accepted {
            Ok(accepted) => {
                self.accepts.set(self.has_room());
                // Requeue before slots run, so that a loop in a slot continues to accept.
                self.requeue();
                self.on_accepted(accepted);
                true
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.state.more.set(false);
                false
            }
            Err(error) if sys::is_lost_connection(&error) => {
                self.requeue();
                false
            }
            Err(error) => {
                self.on_accept_error(&error);
                false
            }
        }
    }

    fn on_accepted(&self, accepted: Accepted) {
        let socket = match accepted {
            Accepted::Socket(socket) => socket,
            Accepted::Descriptor(descriptor) => {
                let left = self.state.handler().offer(descriptor);
                let Some(left) = left.filter(|_| !self.life().is_dying()) else { return };
                // The handler's receiver has died, so the server creates a socket.
                let socket = Socket::from(left);
                if socket.set_nonblocking(true).is_err() {
                    return;
                }
                socket
            }
        };
        let adopted = QLocalSocket::new();
        match adopted.adopt(socket) {
            Ok(()) => {
                adopted.set_parent(Some(&self.base));
                self.state.push(adopted);
                self.new_connection.emit(());
            }
            Err(error) => drop(self.state.keep_error(error)),
        }
    }

    fn on_accept_error(&self, error: &io::Error) {
        self.state.keep_error(server_error("QLocalSocket::activated", error));
        if sys::is_shortage(error) {
            // The connection is still in the backlog. There may soon be a descriptor for it.
            self.state.retry_in(self.life().dispatcher(), RETRY, self.this.clone());
        } else {
            self.close_listener();
        }
    }
}

impl EventSource for LocalServerNode {
    fn ready(self: Rc<Self>, ready: Readiness) {
        self.note(ready);
        if self.state.more.get() && !self.state.is_retrying() && self.accepts.get() {
            self.accept();
        }
    }
}

impl TimerHandler for LocalServerNode {
    fn timer_due(self: Rc<Self>, id: TimerId) {
        if self.state.is_retry_timer(id) {
            self.state.stop_retrying(self.life().dispatcher());
            if self.accepts.get() {
                self.accept();
            }
        }
    }
}
