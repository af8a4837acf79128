//! Accepting, in the loop and without it.
//!
//! As in Qt one connection is accepted in a turn. The limit of those that nobody has taken is
//! looked at when one comes and when one is taken, and at no other time.

use std::{cell::Cell, io, os::fd::OwnedFd, rc::Rc, time::Duration};

use qcore::{
    QDeadlineTimer, TimerType,
    event_loop::{EventSource, Readiness, TimerHandler, TimerId},
    object::Node,
};
use socket2::Socket;

use super::{LocalServerNode, QLocalSocket, server::server_error};
use crate::{
    socket::{Overtime, SocketError, SocketErrorKind},
    sys,
};

/// How long to wait where the system has no descriptor for one more.
const RETRY: Duration = Duration::from_millis(100);

/// What the system has let in.
enum Accepted {
    /// For a socket of this library.
    Socket(Socket),
    /// For the program's own handler.
    Descriptor(OwnedFd),
}

impl LocalServerNode {
    /// Accepts as long as there is no more than the limit waiting to be taken.
    pub(super) fn accept_by_limit(&self) {
        let accepts = self.pending.borrow().len() as i64 <= self.max_pending.get().into();
        if !self.accepts.replace(accepts) && accepts {
            self.requeue();
        }
    }

    fn requeue(&self) {
        if let Some(listener) = &*self.listener.borrow() {
            listener.requeue();
        }
    }

    fn note(&self, ready: Readiness) {
        if ready.intersects(Readiness::READABLE | Readiness::READ_CLOSED) {
            self.more.set(true);
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
            if self.more.get() {
                if self.accept() {
                    return Ok(());
                }
                if self.retry.get().is_some()
                    && let Some(error) = self.error.borrow().clone()
                {
                    return Err(error);
                }
                continue;
            }
            let ready = match &*self.listener.borrow() {
                Some(listener) => listener.registration().wait(deadline),
                None => continue,
            };
            match ready {
                Some(ready) => self.note(ready),
                None if !self.pending.borrow().is_empty() => return Ok(()),
                None => return timed_out(),
            }
        }
    }

    /// Accepts one that waits with the system. Returns whether there was one.
    fn accept(&self) -> bool {
        let has_handler = self.incoming.is_connected();
        let accepted = match &*self.listener.borrow() {
            Some(listener) if has_handler => listener.accept_descriptor().map(Accepted::Descriptor),
            Some(listener) => listener.accept().map(Accepted::Socket),
            None => return false,
        };
        match accepted {
            Ok(accepted) => {
                let room = self.pending.borrow().len() as i64 <= self.max_pending.get().into();
                self.accepts.set(room);
                // First of all: a loop that a slot runs goes on to accept.
                self.requeue();
                self.on_accepted(accepted);
                true
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.more.set(false);
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
                let offered = Rc::new(Cell::new(Some(descriptor)));
                self.incoming.emit(offered.clone());
                let Some(left) = offered.take().filter(|_| !self.life().is_dying()) else { return };
                // The handler's receiver has died: as if there were none.
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
                self.pending.borrow_mut().push_back(adopted);
                self.new_connection.emit(());
            }
            Err(error) => drop(self.error.replace(Some(error))),
        }
    }

    fn on_accept_error(&self, error: &io::Error) {
        let failed = server_error("QLocalSocket::activated", error);
        self.error.replace(Some(failed));
        if sys::is_shortage(error) {
            // The connection still waits, and soon there may be a descriptor for it.
            let dispatcher = self.life().dispatcher();
            let id = dispatcher.start_timer(RETRY, TimerType::Coarse, self.this.clone());
            if let Some(before) = self.retry.replace(Some(id)) {
                dispatcher.stop_timer(before);
            }
        } else {
            self.close_listener();
        }
    }
}

impl EventSource for LocalServerNode {
    fn ready(self: Rc<Self>, ready: Readiness) {
        self.note(ready);
        if self.more.get() && self.retry.get().is_none() && self.accepts.get() {
            self.accept();
        }
    }
}

impl TimerHandler for LocalServerNode {
    fn timer_due(self: Rc<Self>, id: TimerId) {
        if self.retry.get() == Some(id) {
            self.retry.set(None);
            self.life().dispatcher().stop_timer(id);
            if self.accepts.get() {
                self.accept();
            }
        }
    }
}
