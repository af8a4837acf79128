//! Sockets in two layers, such as a `QSslSocket` on a `QTcpSocket`.
//!
//! As in Qt, a socket that encrypts consists of two sockets. The program uses the *outer* socket.
//! The *inner* socket has the connection, and only the outer one uses it. Each has its own state
//! and error, and the outer socket passes on the changes of state and the errors of the inner one.
//! Two traits connect the sockets of this folder with such a class. Through [`SocketClass`], calls
//! on a handle of the base class reach the outer socket. Through [`Outer`], the inner socket gives
//! its bytes to the outer one.

use std::{
    cell::OnceCell,
    os::fd::OwnedFd,
    rc::{Rc, Weak},
};

use qcore::{OpenMode, QDeadlineTimer, io_device::DeviceNode};

use super::QAbstractSocket;
use crate::{
    address::NetworkLayerProtocol,
    common::{SocketError, SocketOption},
    engine::{Engine, Outcome},
    socket::{
        detached::{AttachError, DetachedSocket},
        state::SocketState,
        timeout_kind::TimeoutKind,
    },
};

/// The functions of a socket that are virtual in Qt. A derived class implements them.
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

    /// Returns the socket that has the connection.
    fn transport(&self) -> QAbstractSocket;

    #[cfg(feature = "tasks")]
    fn shut_down_writing(&self) -> Result<(), SocketError>;

    fn set_read_buffer_size(&self, size: usize);

    /// Returns the socket that has the connection and its time-outs.
    fn timed(&self) -> QAbstractSocket;

    /// Returns whether the socket is in the phase that this time-out limits, which only the class
    /// knows.
    fn is_in_phase(&self, kind: TimeoutKind) -> bool;

    /// The program has resumed reading, which it had paused.
    fn reading_resumed(&self);

    fn set_socket_option(&self, option: SocketOption, value: i32);

    fn socket_option(&self, option: SocketOption) -> Option<i32>;

    /// Returns the socket that has the connection.
    fn carrier(&self) -> QAbstractSocket;

    fn set_socket_descriptor(
        &self,
        descriptor: OwnedFd,
        state: SocketState,
        mode: OpenMode,
    ) -> Result<(), SocketError>;

    fn detach(&self) -> Result<DetachedSocket, SocketError>;

    fn attach(&self, connection: DetachedSocket) -> Result<(), AttachError>;

    fn wait_for_connected(&self, deadline: QDeadlineTimer) -> Result<(), SocketError>;

    fn wait_for_ready_read(&self, deadline: QDeadlineTimer) -> Result<(), SocketError>;

    fn wait_for_bytes_written(&self, deadline: QDeadlineTimer) -> Result<(), SocketError>;

    fn wait_for_disconnected(&self, deadline: QDeadlineTimer) -> Result<(), SocketError>;
}

/// A socket layered on another. It gets the data directly instead of by signals.
///
/// The inner socket emits all other signals. Only the outer socket can connect to them.
pub(crate) trait Outer {
    /// Returns how many bytes [`receive`](Outer::receive) has room for; `None` if the bytes are to
    /// go into the inner socket's own buffer.
    fn room(&self) -> Option<usize>;

    /// Reads at most `room` bytes from the engine. Calls no slot.
    fn receive(&self, engine: &Rc<dyn Engine>, room: usize) -> Outcome;

    /// Returns whether the program has paused reading.
    fn is_paused(&self) -> bool;

    /// Returns whether a task has a stream, so that it could send something after the other end has
    /// closed its half.
    #[cfg(feature = "tasks")]
    fn has_stream(&self) -> bool;

    /// The other end has closed its half of the inner socket's connection, or all of it. Processes
    /// the data that has arrived before. Returns whether the connection is kept for sending.
    #[cfg(feature = "tasks")]
    fn keeps_sending(&self) -> bool;

    /// Called when there is new data, either received or in the inner socket's buffer.
    fn on_ready_read(&self);

    /// Called when the system has taken `count` bytes.
    fn on_bytes_written(&self, count: usize);

    /// Returns whether a slot could observe when bytes are written.
    fn watches_writing(&self) -> bool;

    /// Called before the inner socket sends its write buffer.
    fn before_writing(&self);

    /// Called before the inner socket closes the connection, when it has sent everything.
    fn before_closing(&self, engine: &Rc<dyn Engine>);

    /// Aborts the connection, because a time-out has expired.
    fn abort(&self);
}

/// How a socket belongs to another object.
pub(crate) enum PartOf {
    /// It moves the bytes of this device, which emits `ready_read` and `bytes_written` for it.
    Device(Weak<DeviceNode>),
    /// It is the base of a class whose functions are called in place of its own.
    Class(Weak<dyn SocketClass>),
    /// It is the inner socket of this one.
    Outer(Weak<dyn Outer>),
}

/// The object that a socket is a part of. Most sockets are part of no object, so it is boxed.
#[derive(Default)]
pub(crate) struct Layers(OnceCell<Box<PartOf>>);

impl Layers {
    /// Sets what the socket is a part of. Only the first call has an effect.
    pub(crate) fn set(&self, whole: PartOf) {
        let _ = self.0.set(Box::new(whole));
    }

    /// Returns the derived class that implements the socket's virtual functions, if there is one.
    pub(crate) fn class(&self) -> Option<Rc<dyn SocketClass>> {
        match &**self.0.get()? {
            PartOf::Class(class) => class.upgrade(),
            _ => None,
        }
    }

    /// Returns the socket that is layered on this one, if there is one.
    pub(crate) fn outer(&self) -> Option<Rc<dyn Outer>> {
        match &**self.0.get()? {
            PartOf::Outer(outer) => outer.upgrade(),
            _ => None,
        }
    }

    /// Returns the device that the socket moves bytes for, if there is one.
    pub(crate) fn front(&self) -> Option<Rc<DeviceNode>> {
        match &**self.0.get()? {
            PartOf::Device(front) => front.upgrade(),
            _ => None,
        }
    }
}
