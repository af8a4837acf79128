//! Shutting a server down, for TCP servers and local servers: the server stops listening, emits a
//! signal for each connection, waits for their ends, and aborts the remaining ones.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::{Rc, Weak},
    time::Duration,
};

use qcore::{
    Dispatcher, QPointer, Signal, TimerType,
    event_loop::TimerId,
    internals,
    object::{Node, Object},
};

use super::state::ServerState;
use crate::{
    common::OnPanic,
    socket::{CloseReason, QTcpSocket, SocketState},
};

/// A connection of a server.
pub(crate) trait Served: Object + Clone + 'static {
    fn closed(&self) -> &Signal<CloseReason>;
    /// Emitted when the connection goes on in another socket.
    fn handed_over(&self) -> &Signal<()>;
    fn has_ended(&self) -> bool;
    fn disconnect(&self);
    fn cut(&self);
}

impl Served for QTcpSocket {
    fn closed(&self) -> &Signal<CloseReason> {
        &self.closed
    }

    fn handed_over(&self) -> &Signal<()> {
        internals::handed_over(self)
    }

    fn has_ended(&self) -> bool {
        self.state() == SocketState::Unconnected
    }

    fn disconnect(&self) {
        self.disconnect_from_host();
    }

    fn cut(&self) {
        self.abort();
    }
}

/// How long a worker may take to report the end of a shutdown, after the deadline.
const GRACE: Duration = Duration::from_secs(1);

/// A shutdown that is running.
pub(crate) struct Shutdown<S: Object> {
    /// The connections whose ends the shutdown waits for.
    connections: RefCell<VecDeque<QPointer<S>>>,
    /// The connections that are still to be told.
    untold: RefCell<VecDeque<S>>,
    /// How many of them have not ended.
    open: Cell<usize>,
    /// The workers that have not ended all of their connections.
    workers: RefCell<Vec<usize>>,
    /// How many connections the server has aborted.
    cut: Cell<usize>,
    timer: Cell<Option<TimerId>>,
    finished: Cell<bool>,
}

impl<S: Object> Shutdown<S> {
    fn new() -> Rc<Self> {
        Rc::new(Shutdown {
            connections: RefCell::default(),
            untold: RefCell::default(),
            open: Cell::new(0),
            workers: RefCell::default(),
            cut: Cell::new(0),
            timer: Cell::new(None),
            finished: Cell::new(false),
        })
    }

    /// A worker has ended its connections, or the worker itself has ended.
    pub(crate) fn worker_done(&self, number: usize, cut: usize) {
        self.workers.borrow_mut().retain(|&one| one != number);
        self.cut.set(self.cut.get() + cut);
    }

    fn is_done(&self) -> bool {
        self.open.get() == 0 && self.workers.borrow().is_empty()
    }

    fn stop_timer(&self, dispatcher: &Dispatcher) {
        if let Some(id) = self.timer.take() {
            dispatcher.stop_timer(id);
        }
    }
}

/// A connection that a shutdown waits for. The slot of `closed` owns this value. If the program
/// cuts that slot, dropping the value counts the connection as ended.
struct Awaited<N: ShutsDown> {
    server: Weak<N>,
    shutdown: Weak<Shutdown<N::Socket>>,
    is_counted: Cell<bool>,
}

impl<N: ShutsDown> Awaited<N> {
    /// The connection has ended, or it goes on in another socket.
    fn ended(&self) {
        if self.is_counted.replace(true) {
            return;
        }
        if let (Some(server), Some(shutdown)) = (self.server.upgrade(), self.shutdown.upgrade()) {
            shutdown.open.set(shutdown.open.get().saturating_sub(1));
            server.check_shutdown(&shutdown);
        }
    }

    fn watch(self: Rc<Self>, socket: &N::Socket) {
        let leaves = Rc::downgrade(&self);
        socket.handed_over().connect(move |()| {
            if let Some(awaited) = leaves.upgrade() {
                awaited.ended();
            }
        });
        socket.closed().connect(move |_| self.ended());
    }
}

impl<N: ShutsDown> Drop for Awaited<N> {
    fn drop(&mut self) {
        self.ended();
    }
}

/// A server that can be shut down.
pub(crate) trait ShutsDown: Node + Sized + 'static {
    type Socket: Served;

    fn this(&self) -> Weak<Self>;
    fn state(&self) -> &ServerState<Self::Socket>;

    /// Returns the connections of the server that have not ended.
    fn connections(&self) -> Vec<Self::Socket>;

    /// Returns the signal that is emitted for each connection.
    fn goodbye(&self) -> &Signal<Self::Socket>;

    /// Stops listening, and closes the pending connections.
    fn stop(&self);

    /// Emits that the shutdown has finished.
    fn finish(&self, cut: usize);

    /// Returns the numbers of the workers of this server.
    fn workers(&self) -> Vec<usize> {
        Vec::new()
    }

    /// Makes a worker shut down too, or changes the deadline of its shutdown.
    fn shut_worker_down(&self, _number: usize, _limit: Option<Duration>) {}

    /// Shuts the server down, or changes the deadline of the shutdown that is running.
    fn begin_shutdown(&self, limit: Option<Duration>) {
        if let Some(running) = self.state().shutdown() {
            self.limit_shutdown(&running, limit);
            return;
        }
        let shutdown = Shutdown::new();
        self.state().set_shutdown(Some(shutdown.clone()));
        self.stop();
        shutdown.workers.replace(self.workers());
        let connections = self.connections();
        shutdown.open.set(connections.len());
        for socket in &connections {
            let awaited = Rc::new(Awaited {
                server: self.this(),
                shutdown: Rc::downgrade(&shutdown),
                is_counted: Cell::new(false),
            });
            awaited.watch(socket);
            shutdown.connections.borrow_mut().push_back(QPointer::new(socket));
        }
        self.limit_shutdown(&shutdown, limit);
        shutdown.untold.replace(connections.into());
        self.tell_rest(&shutdown);
    }

    /// Tells the connections that were not told yet.
    fn tell_rest(&self, shutdown: &Rc<Shutdown<Self::Socket>>) {
        let _rest = self.continue_on_panic(shutdown, Self::tell_rest);
        loop {
            let socket = shutdown.untold.borrow_mut().pop_front();
            let Some(socket) = socket else { break };
            if socket.has_ended() || Object::life(&socket).is_dead() {
                continue;
            }
            if self.goodbye().is_connected() {
                self.goodbye().emit(socket);
            } else {
                socket.disconnect();
            }
        }
        self.check_shutdown(shutdown);
    }

    /// Makes the loop call `step` if a slot panics.
    fn continue_on_panic(
        &self,
        shutdown: &Rc<Shutdown<Self::Socket>>,
        step: fn(&Self, &Rc<Shutdown<Self::Socket>>),
    ) -> impl Drop + use<Self> {
        let (server, of) = (self.this(), Rc::downgrade(shutdown));
        OnPanic::new(self.life().dispatcher(), move || {
            if let (Some(server), Some(shutdown)) = (server.upgrade(), of.upgrade()) {
                step(&server, &shutdown);
            }
        })
    }

    /// Tells the workers the deadline, and starts the timer that aborts the connections.
    fn limit_shutdown(&self, shutdown: &Rc<Shutdown<Self::Socket>>, limit: Option<Duration>) {
        if shutdown.finished.get() {
            return;
        }
        let workers = shutdown.workers.borrow().clone();
        for &number in &workers {
            self.shut_worker_down(number, limit);
        }
        let dispatcher = self.life().dispatcher();
        shutdown.stop_timer(dispatcher);
        let Some(mut limit) = limit else { return };
        if !workers.is_empty() {
            limit = limit.saturating_add(GRACE);
        }
        let (server, of) = (self.this(), Rc::downgrade(shutdown));
        let late = move || {
            if let (Some(server), Some(shutdown)) = (server.upgrade(), of.upgrade()) {
                server.cut_rest(&shutdown);
            }
        };
        shutdown.timer.set(Some(dispatcher.call_after(limit, TimerType::Precise, late)));
    }

    /// Aborts the remaining connections.
    fn cut_rest(&self, shutdown: &Rc<Shutdown<Self::Socket>>) {
        shutdown.timer.set(None);
        let _rest = self.continue_on_panic(shutdown, Self::cut_rest);
        loop {
            let socket = shutdown.connections.borrow_mut().pop_front();
            let Some(socket) = socket else { break };
            if let Some(socket) = socket.upgrade()
                && !socket.has_ended()
            {
                shutdown.cut.set(shutdown.cut.get() + 1);
                socket.cut();
            }
        }
        let stuck = shutdown.workers.take();
        if !stuck.is_empty() {
            qcore::q_warning!("QTcpServer::shutdown(): workers {stuck:?} do not answer");
        }
        // The end of a connection that was handed over to another socket is not reported here.
        shutdown.open.set(0);
        self.check_shutdown(shutdown);
    }

    /// Makes the loop report the end of the shutdown when all connections have ended.
    fn check_shutdown(&self, shutdown: &Rc<Shutdown<Self::Socket>>) {
        if !shutdown.is_done() || shutdown.finished.replace(true) {
            return;
        }
        let dispatcher = self.life().dispatcher();
        shutdown.stop_timer(dispatcher);
        let (server, shutdown) = (self.this(), shutdown.clone());
        dispatcher.post(move || {
            if let Some(server) = server.upgrade() {
                server.state().set_shutdown(None);
                server.finish(shutdown.cut.get());
            }
        });
    }
}
