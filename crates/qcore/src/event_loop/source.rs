//! Event sources: the objects that receive events from the operating system's poll.

use std::rc::{Rc, Weak};

use mio::{Token, event};

bitflags::bitflags! {
    /// The kinds of readiness of a source.
    ///
    /// Readiness is edge-triggered: the poll reports it once. A source that stops reading or
    /// writing before the operating system returns "would block" must call
    /// [`Registration::requeue`](super::Registration::requeue) to get another call.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct Readiness: u8 {
        /// There may be data to read. An error sets this flag, too.
        const READABLE = 1;
        /// There may be room to write. An error sets this flag, too.
        const WRITABLE = 2;
        /// The peer will send no more data, or there was an error. The remaining data can still be
        /// read. A short read does not mean that no more data follows.
        const READ_CLOSED = 4;
        /// There is out-of-band data.
        const PRIORITY = 8;
    }
}

impl Readiness {
    pub(super) fn of(event: &event::Event) -> Self {
        let mut ready = Readiness::empty();
        ready.set(Readiness::READABLE, event.is_readable() || event.is_error());
        ready.set(Readiness::WRITABLE, event.is_writable() || event.is_error());
        ready.set(Readiness::PRIORITY, event.is_priority());
        if event.is_read_closed() || event.is_error() {
            ready |= Readiness::READ_CLOSED | Readiness::READABLE;
        }
        ready
    }
}

/// An event source: the loop calls it when it is ready. The loop holds the source weakly.
///
/// # Examples
///
/// ```
/// use std::{cell::{Cell, RefCell}, io::{Read, Write}, os::unix::net::UnixStream, rc::Rc};
/// use mio::Interest;
/// use qcore::{Dispatcher, wait_until};
/// use qcore::event_loop::{EventSource, Readiness, Registration};
///
/// /// Counts the bytes that come out of a pipe.
/// struct Meter {
///     pipe: RefCell<mio::net::UnixStream>,
///     registration: Registration,
///     bytes: Cell<usize>,
/// }
///
/// impl EventSource for Meter {
///     fn ready(self: Rc<Self>, _: Readiness) {
///         // Read until it would block: the poll does not report the remaining bytes again.
///         let mut buffer = [0; 64];
///         while let Ok(count @ 1..) = self.pipe.borrow_mut().read(&mut buffer) {
///             self.bytes.set(self.bytes.get() + count);
///         }
///     }
/// }
///
/// let (ours, mut theirs) = UnixStream::pair()?;
/// ours.set_nonblocking(true)?;
/// let meter = Rc::new_cyclic(|this: &std::rc::Weak<Meter>| Meter {
///     pipe: RefCell::new(mio::net::UnixStream::from_std(ours)),
///     registration: Dispatcher::current().add_source(this.clone()),
///     bytes: Cell::new(0),
/// });
/// meter.registration.register(&mut *meter.pipe.borrow_mut(), Interest::READABLE)?;
/// theirs.write_all(b"twelve bytes")?;
/// assert!(wait_until(5000, || meter.bytes.get() == 12));
/// meter.registration.deregister(&mut *meter.pipe.borrow_mut());
/// # Ok::<(), std::io::Error>(())
/// ```
pub trait EventSource {
    /// Called when the source is ready or was requeued. `ready` contains everything that has been
    /// reported since the last call.
    fn ready(self: Rc<Self>, ready: Readiness);

    /// Called when the source may write, after a call of
    /// [`Registration::request_write`](super::Registration::request_write). By default it does
    /// nothing.
    fn write_pending(self: Rc<Self>) {}
}

/// The key of a source: its index in the table, and the generation of the entry there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SourceKey {
    index: u32,
    pub(super) generation: u32,
}

const INDEX_BITS: u32 = usize::BITS / 2;
const INDEX_MASK: usize = (1 << INDEX_BITS) - 1;

impl SourceKey {
    pub(super) fn new(index: usize, generation: u32) -> Self {
        SourceKey { index: index as u32, generation }
    }

    #[inline]
    pub(super) fn index(self) -> usize {
        self.index as usize
    }

    pub(super) fn token(self) -> Token {
        Token(((self.generation as usize) << INDEX_BITS) | self.index())
    }

    pub(super) fn from_token(token: Token) -> Self {
        SourceKey::new(token.0 & INDEX_MASK, (token.0 >> INDEX_BITS) as u32)
    }
}

/// The key of the loop's own waker. No source has it, because the generations of sources start at
/// 1.
pub(super) const WAKER: SourceKey = SourceKey { index: 0, generation: 0 };

pub(super) struct SourceEntry {
    pub(super) generation: u32,
    pub(super) source: Weak<dyn EventSource>,
    pub(super) ready: Readiness,
    pub(super) queued: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_carry_index_and_generation() {
        for key in [
            SourceKey::new(0, 1),
            SourceKey::new(INDEX_MASK, u16::MAX.into()),
            SourceKey::new(77, 3),
        ] {
            assert_eq!(SourceKey::from_token(key.token()), key);
        }
    }
}
