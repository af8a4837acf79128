//! One end of a connection: its socket, and what it does in its slots.

use std::{cell::Cell, cell::RefCell, rc::Rc};

use qcore::task::ScopedTask;

use super::{
    acts,
    log::Log,
    shared::Phase,
    socket::{Socket, with},
    world::World,
};

/// How an end reads in its slot of `ready_read`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// Everything at once.
    All,
    /// Now and then, in one of many ways.
    AtRandom,
    /// In a task.
    Task,
}

pub(super) struct End {
    pub(super) world: Rc<World>,
    pub(super) socket: Socket,
    pub(super) log: Rc<Log>,
    pub(super) is_client: bool,
    pub(super) reading: Reading,
    /// Its index in the list of the world.
    pub(super) place: Cell<usize>,
    pub(super) task: RefCell<Option<ScopedTask<()>>>,
}

impl End {
    /// Connects the end to the signals of its socket.
    pub(super) fn start(self: &Rc<Self>) {
        let world = &self.world;
        world.count(&self.socket);
        self.log.watch(&self.socket, world.random.one_in(2));
        self.socket.ready_read.connect_to(self, |end, ()| end.on_ready_read());
        if world.random.one_in(4) {
            self.socket.bytes_written.connect_to(self, |end, _| acts::in_slot(end));
        }
        with!(&self.socket, socket => {
            socket.connected.connect_to(self, |end, ()| end.on_connected());
            socket.disconnected.connect_to(self, |end, ()| acts::in_slot(end));
            socket.error_occurred.connect_to(self, |end, _| acts::in_slot(end));
            socket.closed.connect_to(self, |end, _| end.on_closed());
        });
        if self.reading == Reading::Task {
            self.task.replace(Some(super::tasks::converse(self)));
        }
    }

    fn on_connected(&self) {
        acts::write_more(self);
        acts::in_slot(self);
    }

    fn on_ready_read(&self) {
        match self.reading {
            Reading::All => self.take_all(),
            Reading::AtRandom => acts::read(self),
            Reading::Task => return,
        }
        if self.log.is_clean.get() || self.world.shared.phase() == Phase::Busy {
            acts::write_more(self);
        }
        self.finish_if_done();
        acts::in_slot(self);
    }

    pub(super) fn take_all(&self) {
        self.log.take(&self.socket.read_all());
    }

    /// A clean client that has sent and received everything closes the connection.
    pub(super) fn finish_if_done(&self) {
        let log = &self.log;
        let is_mine = self.is_client && log.is_clean.get() && self.reading != Reading::Task;
        if is_mine && self.socket.is_connected() && log.left_to_write() == 0 && log.has_all() {
            self.disconnect();
        }
    }

    /// Closes the connection after everything was sent.
    pub(super) fn disconnect(&self) {
        self.log.ended_here.set(true);
        self.log.sent_all.set(self.socket.is_connected());
        if self.reading == Reading::Task {
            // The task may have counted bytes that it has not written yet.
            self.log.cuts.set(true);
        }
        self.socket.disconnect(None);
    }

    /// Ends the connection at once.
    pub(super) fn abort(&self) {
        self.log.ended_here.set(true);
        if !self.socket.is_unconnected() {
            self.log.cuts.set(true);
        }
        with!(&self.socket, socket => socket.abort());
    }

    /// Notes that the socket is going to die, which may lose unsent bytes.
    pub(super) fn note_death(&self) {
        if !self.socket.is_deleted() && !self.socket.is_unconnected() {
            self.log.ended_here.set(true);
            self.log.cuts.set(true);
        }
    }

    /// Returns whether this end may end its connection only when both ends have everything.
    pub(super) fn must_finish(&self) -> bool {
        let log = &self.log;
        log.is_clean.get() && !log.cuts.get() && !log.ended_here.get()
    }

    pub(super) fn is_connecting(&self) -> bool {
        self.is_client && self.log.connected.get() == 0
    }

    fn on_closed(&self) {
        let world = &self.world;
        match world.random.below(4) {
            // The last handle goes in a slot of the socket.
            0 if world.shared.phase() == Phase::Busy => world.forget(self),
            1 => self.socket.delete_later(),
            _ => {}
        }
    }

    /// Returns whether nothing will happen any more.
    pub(super) fn is_over(&self) -> bool {
        let is_deleted = self.socket.is_deleted();
        is_deleted || self.log.is_moved.get() || self.has_ended()
    }

    /// Returns whether the connection has ended. A client has begun to connect before this is
    /// called; a server's connection may have ended before the server took it.
    fn has_ended(&self) -> bool {
        self.socket.is_unconnected() && (self.log.closed.get() > 0 || !self.log.begun.get())
    }

    pub(super) fn beat(&self, act: u8) {
        self.log.note(act);
        let pulse = &self.world.shared.pulses[self.world.index];
        pulse.note(self.log.id, self.log.kind, self.log.latest_acts());
    }
}
