//! What a class of sockets does in its own way, and how one stands over another.
//!
//! A socket that encrypts is two: the *outer* one, which the program sees, and an *inner* one,
//! which has the connection. So Qt has it, and it shows: the states of both are told, and so are
//! the errors. Two traits are all that connects them with what is in this folder. [`SocketClass`]
//! leads calls on a handle of the base class to the outer socket; [`Outer`] leads what the inner
//! one tells, its bytes above all, to it.

use std::{
    os::fd::OwnedFd,
    rc::{Rc, Weak},
};

use qcore::{OpenMode, QDeadlineTimer, io_device::DeviceNode};

use super::{AbstractSocketNode, SocketError, SocketOption, SocketState};
use crate::{
    NetworkLayerProtocol,
    engine::{Engine, Outcome},
};

/// The functions of a socket that are virtual in Qt, for a class that has its own.
pub(crate) trait SocketClass {
    fn connect_to_host(
        &self,
        host_name: String,
        port: u16,
        mode: OpenMode,
        protocol: NetworkLayerProtocol,
    );

    fn disconnect_from_host(&self);

    fn abort(&self);

    fn resume(&self);

    fn flush(&self) -> bool;

    fn unsent_bytes(&self) -> usize;

    fn set_read_buffer_size(&self, size: usize);

    fn set_socket_option(&self, option: SocketOption, value: i32);

    fn socket_option(&self, option: SocketOption) -> Option<i32>;

    fn set_socket_descriptor(
        &self,
        descriptor: OwnedFd,
        state: SocketState,
        mode: OpenMode,
    ) -> Result<(), SocketError>;

    fn wait_for_connected(&self, deadline: QDeadlineTimer) -> Result<(), SocketError>;

    fn wait_for_ready_read(&self, deadline: QDeadlineTimer) -> Result<(), SocketError>;

    fn wait_for_bytes_written(&self, deadline: QDeadlineTimer) -> Result<(), SocketError>;

    fn wait_for_disconnected(&self, deadline: QDeadlineTimer) -> Result<(), SocketError>;
}

/// Who stands over a socket, and is told of its bytes in place of its signals.
///
/// The other signals of the inner socket are signals: nobody else can connect to them.
pub(crate) trait Outer {
    /// How many bytes [`receive`](Outer::receive) has room for. `None` where the bytes go into the
    /// inner socket's own buffer.
    fn room(&self) -> Option<usize>;

    /// Reads from the engine, at most `room` bytes. Nothing of the program's is called.
    fn receive(&self, engine: &Rc<dyn Engine>, room: usize) -> Outcome;

    /// There is something new, be it received or in the inner socket's buffer.
    fn on_ready_read(&self);

    /// The system has taken so many bytes.
    fn on_bytes_written(&self, count: usize);

    /// Whether anybody could tell when bytes are written.
    fn watches_writing(&self) -> bool;

    /// The inner socket is about to write what it has.
    fn before_writing(&self);

    /// The inner socket has written everything, and is about to close the connection.
    fn before_closing(&self, engine: &Rc<dyn Engine>);
}

/// How a socket belongs to another object.
pub(super) enum PartOf {
    /// It moves bytes for this device, whose signals tell of them.
    Device(Weak<DeviceNode>),
    /// It is the base of a class whose functions are called in place of its own.
    Class(Weak<dyn SocketClass>),
    /// It is the inner socket of this one.
    Outer(Weak<dyn Outer>),
}

impl AbstractSocketNode {
    /// Says what the socket is a part of. Only the first call counts.
    pub(super) fn set_part_of(&self, whole: PartOf) {
        let _ = self.part_of.set(Box::new(whole));
    }

    /// Leads calls to the class that the socket is of.
    pub(crate) fn set_class(&self, class: Weak<dyn SocketClass>) {
        self.set_part_of(PartOf::Class(class));
    }

    /// Leads what this socket tells to the one that stands over it.
    pub(crate) fn set_outer(&self, outer: Weak<dyn Outer>) {
        self.set_part_of(PartOf::Outer(outer));
    }

    /// Learns from the inner socket who both ends are.
    pub(crate) fn mirror(&self, inner: &AbstractSocketNode) {
        let ends = inner.ends.borrow().clone();
        self.ends.replace(ends);
        self.peer_name.replace(inner.host_name.borrow().clone());
        self.descriptor.set(inner.descriptor.get());
    }

    /// Forgets who both ends were.
    pub(crate) fn forget_ends(&self) {
        self.ends.take();
        self.peer_name.take();
        self.descriptor.set(-1);
    }

    /// From now on the bytes are read by the one that stands over this socket.
    pub(crate) fn read_anew(&self) {
        self.flags.unread.set(false);
        self.flags.read_paused.set(false);
        if let Some(engine) = self.engine().filter(|engine| engine.is_readable()) {
            engine.read_again();
        }
    }

    /// The class with functions of its own, if the socket is of one.
    pub(super) fn class(&self) -> Option<Rc<dyn SocketClass>> {
        match &**self.part_of.get()? {
            PartOf::Class(class) => class.upgrade(),
            _ => None,
        }
    }

    pub(super) fn outer(&self) -> Option<Rc<dyn Outer>> {
        match &**self.part_of.get()? {
            PartOf::Outer(outer) => outer.upgrade(),
            _ => None,
        }
    }

    /// The device that it moves bytes for, if that is another's.
    pub(super) fn front(&self) -> Option<Rc<DeviceNode>> {
        match &**self.part_of.get()? {
            PartOf::Device(front) => front.upgrade(),
            _ => None,
        }
    }
}
