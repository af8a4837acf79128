//! [`Connection`]: a connection from a signal to a slot.

use std::fmt;

use crate::classes::{Link, SlotList};

bitflags::bitflags! {
    /// How a signal calls a slot. Functions without flags use [`AUTO`](ConnectionType::AUTO).
    ///
    /// [`bits`](Self::bits) gives Qt's number for the set, and [`from_bits`](Self::from_bits) gives
    /// the set for a number.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{cell::RefCell, rc::Rc};
    /// use qcore::{ConnectionType, QCoreApplication, Signal};
    ///
    /// let app = QCoreApplication::new();
    /// let (said, heard) = (Signal::new(), Rc::new(RefCell::new(Vec::new())));
    /// let hear = |heard: &RefCell<Vec<i32>>, word: &i32| heard.borrow_mut().push(*word);
    /// let later_once = ConnectionType::QUEUED | ConnectionType::SINGLE_SHOT;
    /// said.connect_to_with_type(&heard, later_once, hear);
    /// said.emit(1);
    /// said.emit(2);
    /// assert!(heard.borrow().is_empty());
    /// app.process_events();
    /// assert_eq!(*heard.borrow(), [1]);
    /// ```
    #[doc(alias = "Qt::ConnectionType")]
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct ConnectionType: u32 {
        /// `emit` calls the slot directly, if the receiver is in the thread of the emission. If it
        /// is a [`Remote`](crate::Remote) in another thread, the event loop of that thread calls
        /// the slot later.
        #[doc(alias = "AutoConnection")]
        const AUTO = 0;
        /// `emit` calls the slot directly. For a receiver in another thread this is the same as
        /// [`AUTO`](ConnectionType::AUTO): a slot never runs outside of its receiver's thread.
        #[doc(alias = "DirectConnection")]
        const DIRECT = 1;
        /// The event loop calls the slot later, with a clone of the value.
        #[doc(alias = "QueuedConnection")]
        const QUEUED = 2;
        /// The receiver's event loop calls the slot, and `emit` waits until the slot has returned,
        /// or until it is certain that it will not run.
        ///
        /// This is for a [`Remote`](crate::Remote), a receiver in another thread. If the receiver
        /// is in the thread of the emission, `emit` does not call the slot and logs a warning. Qt
        /// waits for ever.
        #[doc(alias = "BlockingQueuedConnection")]
        const BLOCKING_QUEUED = 3;
        /// Makes no second connection if the signal is already connected to the same slot of the
        /// same receiver. Then the returned [`Connection`] is not connected.
        ///
        /// Slots are compared by type. This works for methods. Each closure in the source code is a
        /// slot of its own.
        #[doc(alias = "UniqueConnection")]
        const UNIQUE = 0x80;
        /// The first emission disconnects the slot and then calls it. Qt 5 has no such connections.
        /// The number is that of Qt 6.
        #[doc(alias = "SingleShotConnection")]
        const SINGLE_SHOT = 0x100;
    }
}

/// A connection from a signal to a slot. Dropping it does not disconnect the slot. All clones refer
/// to the same connection.
///
/// # Examples
///
/// ```
/// use qcore::Signal;
///
/// let signal = Signal::new();
/// let connection = signal.connect(|()| println!("called"));
/// let other = connection.clone();
/// assert!(connection.disconnect());
/// assert!(!other.is_connected());
/// assert!(!other.disconnect());
/// ```
#[derive(Clone, Default)]
pub struct Connection(Option<Link>);

impl Connection {
    pub(super) fn new(link: Link) -> Self {
        Connection(Some(link))
    }

    /// Disconnects the slot. Returns whether it was connected until now.
    pub fn disconnect(&self) -> bool {
        self.with(|list, id| list.disconnect(id))
    }

    /// Returns whether the slot is connected, and its sender and receiver are alive.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.with(|list, id| list.is_connected(id))
    }

    /// Blocks the slot while the returned guard exists. The slot never gets the values emitted in
    /// that time.
    ///
    /// ```
    /// use std::{cell::Cell, rc::Rc};
    /// use qcore::Signal;
    ///
    /// let (signal, calls) = (Signal::new(), Rc::new(Cell::new(0)));
    /// let connection = signal.connect_to(&calls, |calls, ()| calls.set(calls.get() + 1));
    /// let quiet = connection.block();
    /// signal.emit(());
    /// drop(quiet);
    /// signal.emit(());
    /// assert_eq!(calls.get(), 1);
    /// ```
    #[must_use = "the slot is blocked only until the guard is dropped"]
    pub fn block(&self) -> ConnectionBlocker {
        let blocked = self.with(|list, id| list.block(id, true));
        ConnectionBlocker(if blocked { self.clone() } else { Connection::default() })
    }

    /// Returns a guard that disconnects the slot when it is dropped.
    #[must_use = "the connection is cut at once if the guard is dropped"]
    pub fn scoped(self) -> ScopedConnection {
        ScopedConnection(self)
    }

    /// Returns the connection in the list of the signal, if it was made.
    pub(super) fn link(&self) -> Option<&Link> {
        self.0.as_ref()
    }

    fn with(&self, f: impl FnOnce(&dyn SlotList, u64) -> bool) -> bool {
        self.0.as_ref().is_some_and(|link| link.with(f))
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("connected", &self.is_connected()).finish()
    }
}

/// Blocks a slot until it is dropped. [`Connection::block`] creates it.
///
/// # Examples
///
/// ```
/// use qcore::Signal;
///
/// let signal = Signal::new();
/// let connection = signal.connect(|()| unreachable!("it is blocked"));
/// let quiet = connection.block();
/// signal.emit(());
/// drop(quiet); // from here on an emission would call it
/// ```
#[derive(Debug)]
pub struct ConnectionBlocker(Connection);

impl Drop for ConnectionBlocker {
    fn drop(&mut self) {
        self.0.with(|list, id| list.block(id, false));
    }
}

/// Disconnects a slot when it is dropped. [`Connection::scoped`] creates it.
///
/// # Examples
///
/// ```
/// use qcore::Signal;
///
/// let signal = Signal::new();
/// {
///     let _connection = signal.connect(|()| println!("only in here")).scoped();
///     assert!(signal.is_connected());
/// }
/// assert!(!signal.is_connected());
/// ```
#[derive(Debug)]
#[must_use = "the connection is cut at once if the guard is dropped"]
pub struct ScopedConnection(Connection);

impl ScopedConnection {
    /// Returns the connection.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.0
    }

    /// Releases the connection from the guard and returns it. It then outlives the guard.
    pub fn release(mut self) -> Connection {
        std::mem::take(&mut self.0)
    }
}

impl Drop for ScopedConnection {
    fn drop(&mut self) {
        self.0.disconnect();
    }
}
