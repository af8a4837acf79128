//! Accepting, in the loop and without it.

use std::{cell::Cell, io, net::SocketAddr, os::fd::OwnedFd, rc::Rc, time::Duration};

use mio::net::TcpStream;
use qcore::{
    QDeadlineTimer, TimerType,
    event_loop::{EventSource, Readiness, TimerHandler, TimerId},
    object::Node,
};

use super::{Hold, TcpServerNode};
use crate::{QTcpSocket, SocketError, SocketErrorKind, sys};

/// How many are accepted in one turn of the loop.
const BUDGET: usize = 64;
/// How long to wait where the system has no descriptor for one more.
const RETRY: Duration = Duration::from_millis(100);

/// What the system has let in.
enum Accepted {
    /// For a socket of this library.
    Stream(TcpStream, SocketAddr),
    /// For the program's own handler.
    Descriptor(OwnedFd),
}

impl TcpServerNode {
    /// Goes on to accept, whatever has kept the server from it.
    pub(crate) fn resume(&self) {
        if self.hold.replace(Hold::No) != Hold::No {
            self.requeue();
        }
    }

    pub(super) fn wait(&self, deadline: QDeadlineTimer) -> Result<(), SocketError> {
        loop {
            if self.listener.borrow().is_none() {
                let text = "The server does not listen";
                return Err(SocketError::new(SocketErrorKind::Operation, text));
            }
            // With the queue full, what comes waits with the system. It has come.
            if self.more.get() && (self.accept() || self.is_full()) {
                return Ok(());
            }
            if self.retry.get().is_some()
                && let Some(error) = self.error.borrow().clone()
            {
                return Err(error);
            }
            let ready = match &*self.listener.borrow() {
                Some(listener) => listener.registration().wait(deadline),
                None => continue,
            };
            match ready {
                Some(ready) => self.note(ready),
                None => {
                    let text = "Network operation timed out";
                    let error = SocketError::new(SocketErrorKind::SocketTimeout, text);
                    self.error.replace(Some(error.clone()));
                    return Err(error);
                }
            }
        }
    }

    fn note(&self, ready: Readiness) {
        if ready.contains(Readiness::READABLE) {
            self.more.set(true);
        }
    }

    fn is_full(&self) -> bool {
        let room = usize::try_from(self.max_pending.get()).unwrap_or(0);
        let in_hand = self.reception().map_or(0, |reception| reception.count());
        self.pending.borrow().len() + in_hand >= room
    }

    /// Accepts what waits with the system. Returns whether anything did.
    fn accept(&self) -> bool {
        let mut any = false;
        for _ in 0..BUDGET {
            if self.is_full() {
                if self.hold.get() == Hold::No {
                    self.hold.set(Hold::Full);
                }
                return any;
            }
            let has_handler = self.incoming.is_connected();
            let accepted = match &*self.listener.borrow() {
                Some(listener) if has_handler => {
                    listener.accept_descriptor().map(Accepted::Descriptor)
                }
                Some(listener) => {
                    listener.accept().map(|(stream, peer)| Accepted::Stream(stream, peer))
                }
                None => return any,
            };
            match accepted {
                Ok(accepted) => {
                    any = true;
                    // First of all: a loop that a slot runs goes on to accept, and so does this one if
                    // it panics.
                    self.requeue();
                    // A slot that pauses the server does so for those that come later, as in Qt.
                    self.on_accepted(accepted);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.more.set(false);
                    return any;
                }
                Err(error) if sys::is_lost_connection(&error) => {}
                Err(error) => {
                    self.on_accept_error(&error);
                    return any;
                }
            }
        }
        self.requeue();
        any
    }

    fn requeue(&self) {
        if let Some(listener) = &*self.listener.borrow() {
            listener.requeue();
        }
    }

    fn on_accepted(&self, accepted: Accepted) {
        let taken = match accepted {
            Accepted::Stream(stream, peer) if self.reception.get().is_some() => {
                if let Some(reception) = self.reception() {
                    reception.receive(stream, peer);
                }
                return;
            }
            Accepted::Stream(stream, peer) => self.make_socket(stream, peer),
            Accepted::Descriptor(descriptor) => self.hand_over(descriptor),
        };
        match taken {
            Ok(()) => self.new_connection.emit(()),
            Err(error) => self.report(error),
        }
    }

    fn make_socket(&self, stream: TcpStream, peer: SocketAddr) -> Result<(), SocketError> {
        let socket = QTcpSocket::new();
        socket.adopt(stream, peer)?;
        self.add_pending(socket);
        Ok(())
    }

    /// Calls the program's handler.
    fn hand_over(&self, descriptor: OwnedFd) -> Result<(), SocketError> {
        let offered = Rc::new(Cell::new(Some(descriptor)));
        self.incoming.emit(offered.clone());
        let Some(left) = offered.take() else { return Ok(()) };
        if self.life().is_dying() {
            return Ok(());
        }
        // The handler's receiver has died: as if there were none.
        let socket = QTcpSocket::new();
        socket.set_socket_descriptor(left)?;
        self.add_pending(socket);
        Ok(())
    }

    pub(crate) fn add_pending(&self, socket: QTcpSocket) {
        if socket.parent().is_none() {
            socket.set_parent(Some(&self.base));
        }
        self.pending.borrow_mut().push_back(socket);
    }

    fn on_accept_error(&self, error: &io::Error) {
        // The connection still waits: without a pause this would be told again and again.
        let id = self.life().dispatcher().start_timer(RETRY, TimerType::Coarse, self.this.clone());
        self.stop_retrying();
        self.retry.set(Some(id));
        if !sys::is_out_of_resources(error) {
            qcore::q_warning!("QTcpServer: cannot accept: {error}");
        }
        self.report(sys::other_error(error));
    }

    fn report(&self, error: SocketError) {
        let kind = error.kind();
        self.error.replace(Some(error));
        self.accept_error.emit(kind);
    }

    pub(super) fn stop_retrying(&self) {
        if let Some(id) = self.retry.take() {
            self.life().dispatcher().stop_timer(id);
        }
    }
}

impl EventSource for TcpServerNode {
    fn ready(self: Rc<Self>, ready: Readiness) {
        self.note(ready);
        if self.more.get() && self.retry.get().is_none() && self.hold.get() == Hold::No {
            self.accept();
        }
    }
}

impl TimerHandler for TcpServerNode {
    fn timer_due(self: Rc<Self>, _: TimerId) {
        self.stop_retrying();
        if self.hold.get() == Hold::No {
            self.accept();
        }
    }
}
