//! A worker's server, as a part of the whole.

use std::{
    cell::Cell,
    sync::{Arc, atomic::Ordering::SeqCst},
};

use qcore::{QThread, Remote, object::Node};

use super::{
    Role, Shared, WorkerErrorKind,
    inbox::{Fetched, Inbox},
};
use crate::{
    address::QHostAddress,
    server::{QTcpServer, TcpServerNode},
};

/// What a worker's server knows of the whole.
pub(crate) struct Part {
    pub(super) shared: Arc<Shared>,
    /// The listening server.
    pub(super) home: Remote<QTcpServer>,
    pub(super) inbox: Arc<Inbox>,
    pub(super) number: usize,
    /// How many connections the worker has fetched.
    pub(super) fetched: Cell<usize>,
}

/// Makes the server of a worker, in its thread. If that is not possible, the thread will end.
pub(super) fn make_server(make: &dyn Fn() -> QTcpServer, part: Part) -> QTcpServer {
    let (server, inbox) = (make(), part.inbox.clone());
    if !server.0.join(part) {
        end_thread(&inbox, WorkerErrorKind::InvalidServer);
    } else if server.is_deleted() {
        end_thread(&inbox, WorkerErrorKind::ServerDeleted);
    }
    server
}

/// Ends the worker, whose thread this is, unless it is ending already.
fn end_thread(inbox: &Inbox, reason: WorkerErrorKind) {
    let thread = QThread::current_thread();
    if thread.is_running() {
        inbox.set_end(reason);
        thread.quit();
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

    /// Tells the listening server that the connections of this worker have ended.
    pub(in crate::server) fn tell_shut_down(&self, cut: usize) {
        let number = self.number;
        self.tell(move |server| server.on_worker_shut_down(number, cut));
    }

    /// Publishes how many connections wait to be taken, `waiting` of those that were fetched.
    fn publish(&self, waiting: usize) {
        self.inbox.set_left(self.fetched.get().saturating_sub(waiting));
        if self.shared.is_full.swap(false, SeqCst) {
            self.tell(TcpServerNode::resume_if_full);
        }
    }

    /// Ends the worker, because its server dies.
    pub(super) fn end(&self) {
        end_thread(&self.inbox, WorkerErrorKind::ServerDeleted);
    }
}

impl TcpServerNode {
    /// Makes this server a part of the whole. Fails if it is used in another way already.
    fn join(&self, part: Part) -> bool {
        let limit = self.state.max_pending_set();
        if self.listener.borrow().is_some() || self.role.set(Box::new(Role::Worker(part))).is_err()
        {
            return false;
        }
        if let (Some(part), Some(limit)) = (self.part(), limit) {
            part.set_max_pending(limit);
        }
        true
    }

    /// Takes the next connection that the listening server has handed over.
    pub(super) fn fetch(&self, round: u64) {
        let Some(part) = self.part() else { return };
        let Some(Fetched { connection, more }) = part.inbox.fetch(round) else { return };
        if more {
            // Before slots run: a loop in a slot fetches the next one.
            let this = self.this.clone();
            self.life().dispatcher().post(move || {
                if let Some(server) = this.upgrade() {
                    server.fetch(round);
                }
            });
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
