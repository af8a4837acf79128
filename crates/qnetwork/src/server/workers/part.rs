//! A worker: its thread, and its server as a part of the whole.

use std::{
    any::Any,
    cell::{Cell, RefCell},
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::{Arc, atomic::Ordering::SeqCst},
};

use qcore::{Dispatcher, EventType, QCoreApplication, QEventLoop, Remote};

use super::{
    Role, Shared, WorkerError, WorkerErrorKind,
    inbox::{Fetched, Inbox},
};
use crate::{
    address::QHostAddress,
    server::{QTcpServer, TcpServerNode},
};

/// What a worker's server knows of the whole.
pub(crate) struct Part {
    shared: Arc<Shared>,
    /// The listening server.
    home: Remote<QTcpServer>,
    inbox: Arc<Inbox>,
    /// How many connections the worker has fetched.
    fetched: Cell<usize>,
}

/// What runs in the worker's thread, for calls from other threads.
#[derive(Default)]
pub(super) struct Here {
    server: RefCell<Option<QTcpServer>>,
    event_loop: RefCell<Option<QEventLoop>>,
    /// Whether the listening server has told the worker to end.
    quits: Cell<bool>,
}

/// What a new worker gets.
pub(super) struct Start {
    pub(super) worker: usize,
    pub(super) make: super::Make,
    pub(super) shared: Arc<Shared>,
    pub(super) home: Remote<QTcpServer>,
    pub(super) inbox: Arc<Inbox>,
}

/// Runs a worker until it is told to end. Reports if it ends for another reason.
pub(super) fn run(start: Start) {
    let (worker, home) = (start.worker, start.home.clone());
    let here = Here::of_thread();
    let ended = catch_unwind(AssertUnwindSafe(|| serve(start, &here)));
    // The connections die with the server. Their slots may panic, too.
    let died = catch_unwind(AssertUnwindSafe(|| here.end()));
    let error = match ended.and_then(|ended| died.map(|()| ended)) {
        Ok(None) => return,
        Ok(Some(kind)) => WorkerError::new(kind, worker),
        Err(payload) => WorkerError::panicked(worker, text_of(&*payload)),
    };
    // If the listening server has died, nobody wants to know.
    let _ = home.post(move |server| server.0.on_worker_ended(error));
}

/// Runs the worker's server. Returns why it has ended, unless it was told to.
fn serve(start: Start, here: &Here) -> Option<WorkerErrorKind> {
    let server = (start.make)();
    // From here on, the server dies before the thread ends, whoever holds it.
    here.server.replace(Some(server.clone()));
    let Start { shared, home, inbox, .. } = start;
    let part = Part { shared, home, inbox, fetched: Cell::new(0) };
    if !server.0.join(part) {
        return Some(WorkerErrorKind::InvalidServer);
    }
    let event_loop = QEventLoop::new();
    here.event_loop.replace(Some(event_loop.clone()));
    if !here.quits.get() && !server.is_deleted() {
        event_loop.exec();
    }
    match here.quits.get() {
        true => None,
        false if server.is_deleted() => Some(WorkerErrorKind::ServerDeleted),
        false => Some(WorkerErrorKind::LoopEnded),
    }
}

impl Here {
    /// Returns the one of this thread.
    pub(super) fn of_thread() -> Rc<Here> {
        Dispatcher::current().local()
    }

    /// Calls `f` with the worker's server, if there is one.
    pub(super) fn with_server(f: impl FnOnce(&TcpServerNode)) {
        let server = Here::of_thread().server.borrow().clone();
        if let Some(server) = server {
            f(server.0.node());
        }
    }

    /// Ends the worker.
    pub(super) fn quit(&self) {
        self.quits.set(true);
        self.exit();
    }

    /// Ends the loop, if it runs.
    pub(super) fn exit(&self) {
        let event_loop = self.event_loop.borrow().clone();
        if let Some(event_loop) = event_loop {
            event_loop.exit(0);
        }
    }

    fn end(&self) {
        let event_loop = self.event_loop.take();
        drop(event_loop);
        if let Some(server) = self.server.take() {
            server.delete_later();
            let kind = EventType::DEFERRED_DELETE;
            QCoreApplication::send_posted_events_of_type(Some(&server), kind);
        }
    }
}

impl Part {
    /// Returns where the listening server listens, if it does.
    pub(crate) fn place(&self) -> Option<(QHostAddress, u16)> {
        self.shared.place()
    }

    pub(crate) fn max_pending(&self) -> i32 {
        self.shared.max_pending.load(SeqCst)
    }

    pub(crate) fn set_max_pending(&self, count: i32) {
        self.shared.max_pending.store(count, SeqCst);
        self.tell(move |server| server.change_max_pending(count));
    }

    /// Calls `f` in the loop of the listening server.
    pub(crate) fn tell(&self, f: impl FnOnce(&TcpServerNode) + Send + 'static) {
        // If it has died, this worker will end.
        let _ = self.home.post(move |server| f(server.0.node()));
    }

    /// Publishes how many connections wait to be taken, `waiting` of those that were fetched.
    fn publish(&self, waiting: usize) {
        self.inbox.set_left(self.fetched.get().saturating_sub(waiting));
        if self.shared.is_full.swap(false, SeqCst) {
            self.tell(TcpServerNode::resume_if_full);
        }
    }
}

impl TcpServerNode {
    /// Makes this server a part of the whole. Fails if it is used in another way already.
    fn join(&self, part: Part) -> bool {
        if self.listener.borrow().is_some() {
            return false;
        }
        let limit = self.state.max_pending_set();
        if self.role.set(Box::new(Role::Worker(part))).is_err() {
            return false;
        }
        if let Some(part) = self.part() {
            if let Some(limit) = limit {
                part.set_max_pending(limit);
            }
            if let Some(round) = part.inbox.recall() {
                fetch_later(round);
            }
        }
        true
    }

    /// Takes the next connection that the listening server has handed over.
    pub(super) fn fetch(&self, round: u64) {
        let Some(part) = self.part() else { return };
        let Some(Fetched { connection, more }) = part.inbox.fetch(round) else { return };
        if more {
            // Before slots run: a loop in a slot fetches the next one.
            fetch_later(round);
        }
        part.fetched.set(part.fetched.get() + 1);
        self.on_handed(connection);
        self.publish();
    }

    /// Tells the listening server how many connections wait here to be taken.
    pub(in crate::server) fn publish(&self) {
        if let Some(part) = self.part() {
            let in_hand = self.reception().map_or(0, |reception| reception.count());
            part.publish(self.state.pending_count() + in_hand);
        }
    }
}

/// Asks the loop of this thread, a worker's, for a call that fetches a connection.
fn fetch_later(round: u64) {
    Dispatcher::current().post(move || Here::with_server(|server| server.fetch(round)));
}

fn text_of(payload: &dyn Any) -> &str {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("(no message)")
}
