//! A connection attempt that waits for its server.

use qcore::{OpenMode, QDeadlineTimer, event_loop::TimerId};

use crate::sys::Socket;

/// An attempt to connect to a server whose backlog is full. A timer repeats it.
pub(super) struct Attempt {
    pub(super) socket: Socket,
    /// The mode in which the local socket opens once it is connected.
    pub(super) mode: OpenMode,
    pub(super) timer: TimerId,
    /// When the attempt fails for good.
    pub(super) until: QDeadlineTimer,
}
