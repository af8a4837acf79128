//! The sockets and the timer of a look-up.

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
    time::Duration,
};

use qcore::{Dispatcher, TimerType, event_loop::TimerId};

use super::{
    DnsLookupNode,
    message::Reply,
    resolution::{Resolution, Step},
};
use crate::{
    proxy::QNetworkProxy,
    socket::{QTcpSocket, QUdpSocket, SocketErrorKind, SocketState},
};

/// How many datagrams to read in one turn of the loop.
const MAX_DATAGRAMS: usize = 32;

/// How many bytes to read from a connection at once.
const READ_BUFFER: usize = 64 * 1024;

/// A running look-up. It ends with a reply, or when its object [closes](Exchange::close) it.
pub(super) struct Exchange {
    this: Weak<Exchange>,
    owner: Weak<DnsLookupNode>,
    dispatcher: Rc<Dispatcher>,
    resolution: RefCell<Resolution>,
    /// A socket for each server that has been asked. Each is connected, so that the system drops
    /// datagrams from other senders.
    datagrams: RefCell<Vec<Option<QUdpSocket>>>,
    stream: RefCell<Option<QTcpSocket>>,
    timer: Cell<Option<TimerId>>,
    ended: Cell<bool>,
}

impl Exchange {
    pub(super) fn new(
        owner: Weak<DnsLookupNode>,
        dispatcher: Rc<Dispatcher>,
        resolution: Resolution,
    ) -> Rc<Self> {
        let servers = resolution.configuration().servers.len();
        Rc::new_cyclic(|this| Exchange {
            this: this.clone(),
            owner,
            dispatcher,
            resolution: RefCell::new(resolution),
            datagrams: RefCell::new(vec![None; servers]),
            stream: RefCell::default(),
            timer: Cell::default(),
            ended: Cell::new(false),
        })
    }

    /// Asks the first server.
    pub(super) fn begin(&self) {
        let step = self.resolution.borrow_mut().begin();
        self.perform(step);
    }

    /// Carries out a step, and further steps if a server cannot be reached.
    fn perform(&self, mut step: Step) {
        while !self.ended.get() {
            let sent = match step {
                Step::Wait => return,
                Step::Done(reply) => return self.end(reply),
                Step::Datagram(server, time) => {
                    self.start_timer(time);
                    self.send(server)
                }
                Step::Stream(server, time) => {
                    self.start_timer(time);
                    self.connect(server)
                }
            };
            if sent {
                return;
            }
            step = self.resolution.borrow_mut().failed();
        }
    }

    fn end(&self, reply: Reply) {
        self.close();
        if let Some(owner) = self.owner.upgrade() {
            owner.finish(reply);
        }
    }

    /// Ends the exchange: stops the timer and closes the sockets.
    pub(super) fn close(&self) {
        self.ended.set(true);
        if let Some(timer) = self.timer.take() {
            self.dispatcher.stop_timer(timer);
        }
        let sockets = (self.datagrams.take(), self.stream.take());
        drop(sockets);
    }

    fn start_timer(&self, time: Duration) {
        let this = self.this.clone();
        let timer = self.dispatcher.call_after(time, TimerType::Precise, move || {
            if let Some(this) = this.upgrade() {
                this.timer.set(None);
                this.fail();
            }
        });
        if let Some(last) = self.timer.replace(Some(timer)) {
            self.dispatcher.stop_timer(last);
        }
    }

    /// Continues with the next server.
    fn fail(&self) {
        if !self.ended.get() {
            let step = self.resolution.borrow_mut().failed();
            self.perform(step);
        }
    }

    // ---- datagrams

    /// Sends the query to a server. Returns whether this succeeded.
    fn send(&self, server: usize) -> bool {
        let Some(socket) = self.datagram_socket(server) else { return false };
        let query = self.resolution.borrow().query().to_vec();
        // If nothing listens there, the first call may only report that an earlier datagram was
        // refused.
        socket.write(&query).is_ok() || socket.write(&query).is_ok()
    }

    fn datagram_socket(&self, server: usize) -> Option<QUdpSocket> {
        if let Some(socket) = self.datagrams.borrow()[server].clone() {
            return Some(socket);
        }
        let this = self.this.upgrade()?;
        let socket = QUdpSocket::new();
        socket.set_proxy(QNetworkProxy::none());
        socket.ready_read.connect_to(&this, move |this, ()| this.on_datagrams(server));
        let (address, port) = self.resolution.borrow().configuration().servers[server].clone();
        socket.connect_to_host(address, port);
        if socket.state() != SocketState::Connected {
            return None;
        }
        self.datagrams.borrow_mut()[server] = Some(socket.clone());
        Some(socket)
    }

    fn on_datagrams(&self, server: usize) {
        for _ in 0..MAX_DATAGRAMS {
            if self.ended.get() {
                return;
            }
            let Some(socket) = self.datagrams.borrow()[server].clone() else { return };
            // Unlike `receive_datagram`, this function reports that a sent datagram was refused.
            let step = match socket.receive_datagram_with_max_size(usize::MAX) {
                Ok(datagram) => self.resolution.borrow_mut().datagram(server, datagram.data()),
                Err(error) if error == SocketErrorKind::Temporary => return,
                Err(_) => {
                    // A new attempt gets a new socket.
                    let broken = self.datagrams.borrow_mut()[server].take();
                    drop(broken);
                    let mut resolution = self.resolution.borrow_mut();
                    if resolution.server() != server {
                        return;
                    }
                    resolution.failed()
                }
            };
            self.perform(step);
        }
    }

    // ---- a connection

    /// Starts to connect to a server. Returns whether this succeeded.
    fn connect(&self, server: usize) -> bool {
        let Some(this) = self.this.upgrade() else { return false };
        let socket = QTcpSocket::new();
        socket.set_proxy(QNetworkProxy::none());
        socket.set_read_buffer_size(READ_BUFFER);
        let (address, port) = self.resolution.borrow().configuration().servers[server].clone();
        let last = self.stream.replace(Some(socket.clone()));
        drop(last);
        socket.connect_to_host(address, port);
        if socket.state() == SocketState::Unconnected {
            return false;
        }
        // Connect the slots after the call, so that they do not report a failure within it a second
        // time.
        socket.ready_read.connect_to(&this, Exchange::on_bytes);
        socket.error_occurred.connect_to(&this, |this, _| this.fail());
        socket.connected.connect_to(&this, |this, ()| {
            if !this.write_framed() {
                this.fail();
            }
        });
        socket.state() != SocketState::Connected || self.write_framed()
    }

    fn write_framed(&self) -> bool {
        let framed = self.resolution.borrow().framed();
        let socket = self.stream.borrow().clone();
        socket.is_some_and(|socket| socket.write(framed).is_ok())
    }

    fn on_bytes(&self, (): &()) {
        let Some(socket) = self.stream.borrow().clone() else { return };
        let bytes = socket.read_all();
        if !self.ended.get() {
            let step = self.resolution.borrow_mut().stream(&bytes);
            self.perform(step);
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.close();
    }
}
