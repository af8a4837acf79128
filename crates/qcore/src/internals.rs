//! Internals that the crates of this workspace share. No other crate should use them.
//!
//! The sockets of `qnetwork` read into the same buffers as the devices of this crate, and they
//! query a state of the loop that programs have no use for. This module publishes both. **Nothing
//! here is stable**: any release, even a patch release, may change or remove it. Classes and
//! devices of your own find what they need in [`classes`](crate::classes) and
//! [`io_device`](crate::io_device).

use std::rc::Rc;

pub use crate::io_device::{
    byte_queue::{ByteQueue, DetachedBytes},
    class::FinalDevice,
    pool::{Block, BufferPool, GIVEN_AWAY, SCRATCH},
};
pub use crate::thread::current::pause;
use crate::{
    event_loop::Dispatcher,
    io_device::{DeviceNode, QIODevice},
    signal::Signal,
};
#[cfg(feature = "tasks")]
pub use crate::{
    event_loop::tasks::proceed,
    signal::until::{Announces, Ringer, Until, until},
};

/// The functions of a device that sockets use.
pub trait DeviceInternals {
    /// Returns the pool that the device's buffers come from. All devices of a thread share one
    /// pool.
    fn pool(&self) -> &Rc<BufferPool>;

    /// Returns the number of bytes in the read buffer, those included that a `FilledBuf` lends.
    fn held_len(&self) -> usize;

    /// Appends a block of the pool to the read buffer, without a copy.
    ///
    /// The block has far more memory than a short message needs. So a caller that appends fewer
    /// bytes than [`GIVEN_AWAY`] calls [`return_block`](Self::return_block) after the program has
    /// had a chance to read.
    fn lend_block(&self, block: Block);

    /// Returns the block that the first bytes of the read buffer are in to the pool, if the bytes
    /// are few, and keeps a copy of them.
    fn return_block(&self);

    /// Sets whether the backend fills the read buffer by itself at the moment, and wants no call
    /// when the buffer is empty. A read then returns what is in the buffer, without an error, and
    /// calls nothing of the backend.
    fn set_fed(&self, is_fed: bool);

    /// Takes the content of the read buffer, for another thread. A transaction ends, and its bytes
    /// count as unread.
    fn detach_buffer(&self) -> DetachedBytes;

    /// Replaces the content of the read buffer. A transaction ends.
    fn attach_buffer(&self, bytes: DetachedBytes);
}

impl DeviceInternals for QIODevice {
    fn lend_block(&self, block: Block) {
        self.append_block(block);
    }

    fn return_block(&self) {
        self.return_first_block();
    }

    #[inline]
    fn set_fed(&self, is_fed: bool) {
        self.note_fed(is_fed);
    }

    #[inline]
    fn pool(&self) -> &Rc<BufferPool> {
        self.buffer_pool()
    }

    #[inline]
    fn held_len(&self) -> usize {
        QIODevice::held_len(self)
    }

    fn detach_buffer(&self) -> DetachedBytes {
        self.exchange_buffer(DetachedBytes::default())
    }

    fn attach_buffer(&self, bytes: DetachedBytes) {
        let before = self.exchange_buffer(bytes);
        drop(before);
    }
}

/// Returns the number of bytes in the read buffer of a device that is known by its node.
#[must_use]
pub fn buffer_len(device: &DeviceNode) -> usize {
    device.buffer_len()
}

/// Emits `ready_read`, unless one of its slots is running.
#[inline]
pub fn announce(device: &DeviceNode) {
    device.announce();
}

/// Returns the signal that is emitted when the connection of a device goes on in another object. It
/// wakes the tasks that wait for the device.
#[must_use]
pub fn handed_over(device: &DeviceNode) -> &Signal<()> {
    &device.handed_over
}

/// Returns how many values of this thread other threads can refer to: receivers, slots and ends of
/// connections.
#[must_use]
pub fn lodgers() -> usize {
    Dispatcher::current().lodgers()
}

/// Returns whether the innermost running loop is in its last turn.
#[must_use]
pub fn is_last_turn(dispatcher: &Dispatcher) -> bool {
    dispatcher.is_ending()
}
