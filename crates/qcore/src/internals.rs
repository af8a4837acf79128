//! What the crates of this workspace share, and nobody else should use.
//!
//! The sockets of `qnetwork` read into the same buffers as the devices of this crate, and ask the
//! loop what no program has to know. All of that is here. **Nothing here is stable**: any release
//! may change or remove it, patch releases included. What classes and devices of your own need is
//! not here but in [`classes`](crate::classes) and [`io_device`](crate::io_device).

use std::rc::Rc;

pub use crate::io_device::{
    byte_queue::ByteQueue,
    pool::{BufferPool, SCRATCH},
};
use crate::{event_loop::Dispatcher, io_device::QIODevice};

/// What sockets ask of a device.
pub trait DeviceInternals {
    /// Where the device's buffers come from. All devices of a thread share one pool.
    fn pool(&self) -> &Rc<BufferPool>;
}

impl DeviceInternals for QIODevice {
    #[inline]
    fn pool(&self) -> &Rc<BufferPool> {
        self.buffer_pool()
    }
}

/// Whether this is the last turn of the loop that runs innermost.
#[must_use]
pub fn is_last_turn(dispatcher: &Dispatcher) -> bool {
    dispatcher.is_ending()
}
