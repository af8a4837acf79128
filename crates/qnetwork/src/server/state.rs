//! The state that TCP servers and local servers have in common.

use std::{
    cell::{Cell, RefCell},
    collections::{HashSet, VecDeque},
    os::fd::OwnedFd,
    rc::{Rc, Weak},
    time::Duration,
};

use qcore::{
    Dispatcher, QPointer, Receiver, Signal, TimerType,
    event_loop::{TimerHandler, TimerId},
    object::Object,
};

use super::shutdown::Shutdown;
use crate::socket::{SocketError, SocketErrorKind};

/// The pending connections, the program's handler, the last error and the retry timer of a server
/// with sockets of the class `S`.
///
/// No method calls a slot or drops a socket while it borrows anything.
pub(crate) struct ServerState<S: Object> {
    pending: RefCell<VecDeque<S>>,
    /// The limit for the connections that wait; `None` if the program has set none.
    max_pending: Cell<Option<i32>>,
    handler: IncomingHandler,
    error: RefCell<Option<SocketError>>,
    retry: Cell<Option<TimerId>>,
    /// Whether there may be connections to accept. `accept` clears this when the kernel says "would
    /// block".
    pub(crate) more: Cell<bool>,
    /// The shutdown that is running.
    shutdown: RefCell<Option<Rc<Shutdown<S>>>>,
    /// The connections that the program has taken and that are not children of the server.
    left: RefCell<Left<S>>,
    /// Emitted when the server stops listening, for the tasks that wait for connections.
    #[cfg(feature = "tasks")]
    pub(crate) closed: Signal<()>,
}

/// The connections that the program has taken and that are not children of the server.
struct Left<S: Object> {
    list: Vec<QPointer<S>>,
    /// The next entry to look at.
    next: usize,
}

impl<S: Object> Left<S> {
    /// Adds an entry, after it has looked at two others and removed them if their connections have
    /// died. So there are never many more entries than live connections, and no call takes long.
    fn push(&mut self, socket: QPointer<S>) {
        for _ in 0..2 {
            match self.list.get(self.next) {
                None => self.next = 0,
                Some(socket) if socket.is_null() => drop(self.list.swap_remove(self.next)),
                Some(_) => self.next += 1,
            }
        }
        if self.list.len() < self.list.capacity() / 4 {
            self.list.shrink_to(self.list.capacity() / 2);
        }
        self.list.push(socket);
    }
}

impl<S: Object> Default for ServerState<S> {
    fn default() -> Self {
        ServerState {
            pending: RefCell::default(),
            max_pending: Cell::default(),
            handler: IncomingHandler::default(),
            error: RefCell::default(),
            retry: Cell::default(),
            more: Cell::default(),
            shutdown: RefCell::default(),
            left: RefCell::new(Left { list: Vec::new(), next: 0 }),
            #[cfg(feature = "tasks")]
            closed: Signal::new(),
        }
    }
}

impl<S: Object> ServerState<S> {
    // ---- connections that wait to be taken

    /// Appends a connection to the queue.
    pub(crate) fn push(&self, socket: S) {
        self.pending.borrow_mut().push_back(socket);
    }

    /// Removes the first connection from the queue. It may have been deleted.
    pub(crate) fn pop(&self) -> Option<S> {
        self.pending.borrow_mut().pop_front()
    }

    /// Removes all connections from the queue.
    pub(crate) fn take_pending(&self) -> VecDeque<S> {
        self.pending.take()
    }

    /// Returns how many connections are in the queue, deleted ones included.
    pub(crate) fn pending_count(&self) -> usize {
        self.pending.borrow().len()
    }

    /// Returns the limit for the queue.
    pub(crate) fn max_pending(&self) -> i32 {
        self.max_pending.get().unwrap_or(30)
    }

    /// Returns the limit, if the program has set one.
    pub(crate) fn max_pending_set(&self) -> Option<i32> {
        self.max_pending.get()
    }

    /// Sets the limit for the queue.
    pub(crate) fn set_max_pending(&self, count: i32) {
        self.max_pending.set(Some(count));
    }

    // ---- shutting down

    pub(crate) fn shutdown(&self) -> Option<Rc<Shutdown<S>>> {
        self.shutdown.borrow().clone()
    }

    pub(crate) fn set_shutdown(&self, shutdown: Option<Rc<Shutdown<S>>>) {
        let before = self.shutdown.replace(shutdown);
        drop(before);
    }

    /// Remembers a connection that is not a child of the server.
    pub(crate) fn note_left(&self, socket: &S) {
        self.left.borrow_mut().push(QPointer::new(socket));
    }

    /// Adds the connections that are not children of the server, and are not in `sockets` yet.
    pub(crate) fn add_left(&self, sockets: &mut Vec<S>) {
        let identity = |socket: &S| Rc::as_ptr(Object::life(socket));
        let known: HashSet<_> = sockets.iter().map(identity).collect();
        let left = self.left.borrow();
        let live = left.list.iter().filter_map(QPointer::upgrade);
        sockets.extend(live.filter(|socket| !known.contains(&identity(socket))));
    }

    // ---- the program's handler

    /// Returns the handler that takes descriptors in place of the server.
    pub(crate) fn handler(&self) -> &IncomingHandler {
        &self.handler
    }

    // ---- the last error

    /// Stores an error as the last one, and returns it.
    pub(crate) fn keep_error(&self, error: SocketError) -> SocketError {
        self.error.replace(Some(error.clone()));
        error
    }

    /// Forgets the last error.
    pub(crate) fn clear_error(&self) {
        self.error.replace(None);
    }

    /// Returns the kind of the last error; `Unknown` if there was none.
    pub(crate) fn error_kind(&self) -> SocketErrorKind {
        self.error.borrow().as_ref().map(SocketError::kind).unwrap_or_default()
    }

    /// Returns the text of the last error; empty if there was none.
    pub(crate) fn error_string(&self) -> String {
        self.error.borrow().as_ref().map(ToString::to_string).unwrap_or_default()
    }

    // ---- the retry timer

    /// Starts the retry timer, and stops the one that was running.
    pub(crate) fn retry_in(
        &self,
        dispatcher: &Dispatcher,
        time: Duration,
        server: Weak<dyn TimerHandler>,
    ) {
        self.stop_retrying(dispatcher);
        self.retry.set(Some(dispatcher.start_timer(time, TimerType::Coarse, server)));
    }

    /// Stops the retry timer. Returns whether it was running.
    pub(crate) fn stop_retrying(&self, dispatcher: &Dispatcher) -> bool {
        let id = self.retry.take();
        if let Some(id) = id {
            dispatcher.stop_timer(id);
        }
        id.is_some()
    }

    /// Returns whether the retry timer is running.
    pub(crate) fn is_retrying(&self) -> bool {
        self.retry.get().is_some()
    }

    /// Returns whether this is the retry timer.
    pub(crate) fn is_retry_timer(&self, id: TimerId) -> bool {
        self.retry.get() == Some(id)
    }

    /// Returns the error for which the server waits before it accepts again, if it does.
    pub(crate) fn error_to_retry(&self) -> Option<SocketError> {
        if self.is_retrying() { self.error.borrow().clone() } else { None }
    }
}

impl<S: Object> ServerState<S> {
    /// Returns whether the queue has a connection that was not deleted.
    pub(crate) fn has_pending(&self) -> bool {
        self.pending.borrow().iter().any(|socket| !Object::life(socket).is_dead())
    }
}

/// The program's handler of descriptors. It replaces an override of Qt's `incomingConnection()`.
///
/// It is a separate signal, so that blocking the server's signals does not block the handler.
#[derive(Default)]
pub(crate) struct IncomingHandler(Signal<Offered>);

/// A descriptor on its way to the handler, which takes it out.
type Offered = Rc<Cell<Option<OwnedFd>>>;

impl IncomingHandler {
    /// Sets the handler, in place of the previous one.
    pub(crate) fn set<R: Receiver>(
        &self,
        receiver: &R,
        handler: impl Fn(&R::Target, OwnedFd) + 'static,
    ) {
        self.0.disconnect_all();
        self.0.connect_to(receiver, move |receiver, offered: &Offered| {
            if let Some(descriptor) = offered.take() {
                handler(receiver, descriptor);
            }
        });
    }

    /// Removes the handler.
    pub(crate) fn clear(&self) {
        self.0.disconnect_all();
    }

    /// Returns whether there is a handler whose receiver lives.
    pub(crate) fn is_set(&self) -> bool {
        self.0.is_connected()
    }

    /// Calls the handler with a descriptor. Returns the descriptor if the handler's receiver has
    /// died.
    pub(crate) fn offer(&self, descriptor: OwnedFd) -> Option<OwnedFd> {
        let offered = Rc::new(Cell::new(Some(descriptor)));
        self.0.emit(offered.clone());
        offered.take()
    }
}
