//! Accepting connections, in the loop and while waiting without one.

use std::{io, net::SocketAddr, os::fd::OwnedFd, rc::Rc, time::Duration};

use mio::net::TcpStream;
use qcore::{
    QDeadlineTimer,
    event_loop::{EventSource, Readiness, TimerHandler, TimerId},
    object::Node,
};
use socket2::SockRef;

use super::{
    Hold, TcpServerNode,
    listening::Listening,
    proxied::{ProxiedConnection, Waited},
    workers::{Handed, Workers},
};
use crate::{
    socket::{Overtime, QTcpSocket, SocketError, SocketErrorKind},
    sys,
};

/// How many connections the server accepts in one turn of the loop.
const BUDGET: usize = 64;
/// How long to wait before accepting again when the process has no descriptor left.
const RETRY: Duration = Duration::from_millis(100);

/// An accepted connection.
enum Accepted {
    /// For a socket of this library.
    Stream(TcpStream, SocketAddr),
    /// For the program's own handler.
    Descriptor(OwnedFd),
    /// From a proxy, for either.
    Proxied(ProxiedConnection),
}

/// Why the server accepted no connection.
enum Nobody {
    /// The proxy has no client yet.
    Here,
    /// `accept` has failed.
    System(io::Error),
    /// The proxy has stopped listening.
    Proxy(SocketError),
}

impl TcpServerNode {
    /// Accepts connections again, whatever has stopped the server.
    pub(crate) fn resume(&self) {
        self.publish();
        if self.hold.replace(Hold::No) != Hold::No {
            self.requeue();
        }
    }

    pub(super) fn wait(&self, deadline: QDeadlineTimer) -> Result<(), SocketError> {
        if self.part().is_some() {
            let text = "The connections of a worker come by its loop";
            return Err(SocketError::new(SocketErrorKind::Operation, text));
        }
        let mut overtime = Overtime::default();
        loop {
            if overtime.is_over(deadline) {
                return Err(self.wait_timed_out());
            }
            if self.listener.borrow().is_none() {
                let text = "The server does not listen";
                return Err(SocketError::new(SocketErrorKind::Operation, text));
            }
            // If the queue is full, the connection stays in the backlog, but it has arrived.
            if self.state.more.get() && (self.accept() || self.is_full()) {
                return Ok(());
            }
            if let Some(error) = self.state.error_to_retry() {
                return Err(error);
            }
            let waited = match self.listening() {
                Some(listener) => listener.wait(deadline),
                None => continue,
            };
            match waited {
                Waited::Ready(ready) => self.note(ready),
                Waited::Timer(id) => self.on_timer(id),
                Waited::InVain => return Err(self.wait_timed_out()),
            }
        }
    }

    /// Returns the listening socket. It is not borrowed, because mio logs while it registers the
    /// connections of a proxy, and the program's logger may close the server.
    pub(super) fn listening(&self) -> Option<Rc<Listening>> {
        self.listener.borrow().clone()
    }

    fn wait_timed_out(&self) -> SocketError {
        let text = "Network operation timed out";
        self.state.keep_error(SocketError::new(SocketErrorKind::SocketTimeout, text))
    }

    fn note(&self, ready: Readiness) {
        match self.listening().as_deref() {
            // Accepting also makes the engine of a proxy continue.
            Some(Listening::There(listener)) => {
                listener.note(ready);
                self.state.more.set(true);
            }
            _ if ready.contains(Readiness::READABLE) => self.state.more.set(true),
            _ => {}
        }
    }

    fn is_full(&self) -> bool {
        let is_full = || {
            let room = usize::try_from(self.state.max_pending()).unwrap_or(0);
            let in_hand = self.reception().map_or(0, |reception| reception.count());
            let handed = self.workers().map_or(0, Workers::waiting);
            self.state.pending_count() + in_hand + handed >= room
        };
        if !is_full() {
            return false;
        }
        let Some(workers) = self.workers() else { return true };
        // From now on, a worker that makes room says so. One may have made room just before.
        workers.set_full(true);
        let is_full = is_full();
        workers.set_full(is_full);
        is_full
    }

    /// Accepts connections from the backlog. Returns whether there was one.
    fn accept(&self) -> bool {
        let mut any = false;
        for _ in 0..BUDGET {
            if self.is_full() {
                if self.hold.get() == Hold::No {
                    self.hold.set(Hold::Full);
                }
                return any;
            }
            let has_handler = self.workers().is_none() && self.state.handler().is_set();
            let accepted = match self.listening().as_deref() {
                Some(Listening::Here(listener)) if has_handler => {
                    listener.accept_descriptor().map(Accepted::Descriptor).map_err(Nobody::System)
                }
                Some(Listening::Here(listener)) => listener
                    .accept()
                    .map(|(stream, peer)| Accepted::Stream(stream, peer))
                    .map_err(Nobody::System),
                Some(Listening::There(listener)) => match listener.accept() {
                    Ok(Some(connection)) => Ok(Accepted::Proxied(connection)),
                    Ok(None) => Err(Nobody::Here),
                    Err(error) => Err(Nobody::Proxy(error)),
                },
                None => return any,
            };
            match accepted {
                Ok(accepted) => {
                    any = true;
                    // Before slots run: a loop in a slot has to continue accepting, and so has this
                    // loop after a slot panics.
                    self.requeue();
                    // As in Qt, a slot that pauses the server affects later connections only.
                    self.on_accepted(accepted);
                }
                Err(Nobody::Here) => {
                    self.state.more.set(false);
                    return any;
                }
                Err(Nobody::System(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.state.more.set(false);
                    return any;
                }
                Err(Nobody::System(error)) if sys::is_lost_connection(&error) => {}
                Err(Nobody::System(error)) => {
                    self.on_accept_error(&error);
                    return any;
                }
                Err(Nobody::Proxy(error)) => {
                    self.on_proxy_error(error);
                    return any;
                }
            }
        }
        self.requeue();
        any
    }

    pub(super) fn requeue(&self) {
        if let Some(listener) = self.listening() {
            listener.requeue();
        }
    }

    fn on_accepted(&self, accepted: Accepted) {
        if let Some(workers) = self.workers() {
            match self.to_hand(accepted) {
                Ok(connection) => workers.give(connection),
                Err(error) => self.report(error),
            }
            return;
        }
        let taken = match accepted {
            Accepted::Stream(stream, peer) if self.reception.get().is_some() => {
                if let Some(reception) = self.reception() {
                    reception.receive(stream, peer);
                }
                return;
            }
            Accepted::Stream(stream, peer) => self.make_socket(stream, peer),
            Accepted::Descriptor(descriptor) => self.hand_over(descriptor),
            Accepted::Proxied(connection) if self.state.handler().is_set() => {
                connection.into_descriptor().and_then(|descriptor| self.hand_over(descriptor))
            }
            Accepted::Proxied(connection) => self.make_proxied_socket(connection),
        };
        self.on_made(taken);
    }

    fn on_made(&self, made: Result<(), SocketError>) {
        match made {
            Ok(()) => self.new_connection.emit(()),
            Err(error) => self.report(error),
        }
    }

    /// Converts a connection to what goes to a worker.
    fn to_hand(&self, accepted: Accepted) -> Result<Handed, SocketError> {
        match accepted {
            Accepted::Stream(stream, peer) => Ok(Handed::Stream(stream, peer)),
            Accepted::Proxied(connection) => {
                let socket = QTcpSocket::new();
                socket
                    .adopt_with(|dispatcher, source| connection.into_engine(dispatcher, source))?;
                socket.detach().map(Handed::Detached)
            }
            // With workers, the listening server's own handler is not asked.
            Accepted::Descriptor(_) => Err(SocketError::unsupported()),
        }
    }

    /// Processes a connection that the listening server has handed over to this worker.
    pub(super) fn on_handed(&self, connection: Handed) {
        let has_handler = self.state.handler().is_set();
        let taken = match connection {
            Handed::Stream(stream, peer) if !has_handler => {
                return self.on_accepted(Accepted::Stream(stream, peer));
            }
            Handed::Stream(stream, _) => blocking(OwnedFd::from(stream)),
            Handed::Detached(connection) if has_handler => blocking(connection.into_descriptor()),
            Handed::Detached(connection) => {
                let socket = QTcpSocket::new();
                let attached = socket.attach(connection).map_err(SocketError::from);
                return self.on_made(attached.map(|()| self.add_pending(socket)));
            }
        };
        match taken {
            Ok(descriptor) => self.on_accepted(Accepted::Descriptor(descriptor)),
            Err(error) => self.report(error),
        }
    }

    fn make_socket(&self, stream: TcpStream, peer: SocketAddr) -> Result<(), SocketError> {
        let socket = QTcpSocket::new();
        socket.adopt(stream, peer)?;
        self.add_pending(socket);
        Ok(())
    }

    fn make_proxied_socket(&self, connection: ProxiedConnection) -> Result<(), SocketError> {
        let socket = QTcpSocket::new();
        socket.adopt_with(|dispatcher, source| connection.into_engine(dispatcher, source))?;
        self.add_pending(socket);
        Ok(())
    }

    /// Calls the program's handler.
    fn hand_over(&self, descriptor: OwnedFd) -> Result<(), SocketError> {
        let Some(left) = self.state.handler().offer(descriptor) else { return Ok(()) };
        if self.life().is_dying() {
            return Ok(());
        }
        // The handler's receiver has died, so the server creates a socket.
        let socket = QTcpSocket::new();
        socket.set_socket_descriptor(left)?;
        self.add_pending(socket);
        Ok(())
    }

    pub(crate) fn add_pending(&self, socket: QTcpSocket) {
        if socket.parent().is_none() {
            socket.set_parent(Some(&self.base));
        }
        self.state.push(socket);
    }

    fn on_accept_error(&self, error: &io::Error) {
        // The connection is still in the backlog. Without a pause the loop would report it again
        // and again.
        self.retry_in(RETRY);
        if !sys::is_shortage(error) {
            qcore::q_warning!("QTcpServer: cannot accept: {error}");
        }
        self.report(sys::other_error(error));
    }

    /// Reports that the proxy has stopped listening, and schedules a retry.
    fn on_proxy_error(&self, error: SocketError) {
        let retry = match self.listening().as_deref() {
            Some(Listening::There(listener)) => listener.next_retry(),
            _ => RETRY,
        };
        self.retry_in(retry);
        self.report(error);
    }

    fn retry_in(&self, time: Duration) {
        self.state.retry_in(self.life().dispatcher(), time, self.this.clone());
    }

    pub(super) fn report(&self, error: SocketError) {
        let kind = error.kind();
        self.state.keep_error(error);
        self.accept_error.emit(kind);
    }

    /// Stops the retry timer. Returns whether it was running.
    pub(super) fn stop_retrying(&self) -> bool {
        self.state.stop_retrying(self.life().dispatcher())
    }

    fn on_timer(&self, id: TimerId) {
        let failed = match self.listening().as_deref() {
            Some(Listening::There(listener)) => listener.timer_due(id),
            _ => None,
        };
        if let Some(error) = failed {
            self.on_proxy_error(error);
        } else if self.state.is_retry_timer(id) {
            self.stop_retrying();
            if self.hold.get() == Hold::No {
                self.accept();
            }
        }
    }
}

/// Makes a descriptor block, for the program's handler.
fn blocking(descriptor: OwnedFd) -> Result<OwnedFd, SocketError> {
    let nonblocking = false;
    SockRef::from(&descriptor)
        .set_nonblocking(nonblocking)
        .map_err(|error| sys::other_error(&error))?;
    Ok(descriptor)
}

impl EventSource for TcpServerNode {
    fn ready(self: Rc<Self>, ready: Readiness) {
        self.note(ready);
        if self.state.more.get() && !self.state.is_retrying() && self.hold.get() == Hold::No {
            self.accept();
        }
    }
}

impl TimerHandler for TcpServerNode {
    fn timer_due(self: Rc<Self>, id: TimerId) {
        self.on_timer(id);
    }
}
