//! A connection of a signal to a slot.

use std::fmt;

use crate::classes::{Link, SlotList};

bitflags::bitflags! {
    /// How a connection is made. [`AUTO`](ConnectionType::AUTO) is what the functions without flags
    /// do.
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
        /// Direct: signals and slots of one loop are in one thread.
        #[doc(alias = "AutoConnection")]
        const AUTO = 0;
        /// The slot runs inside of `emit`.
        #[doc(alias = "DirectConnection")]
        const DIRECT = 1;
        /// The slot runs from the event loop, later, with a copy of the value.
        #[doc(alias = "QueuedConnection")]
        const QUEUED = 2;
        /// Refused if the signal is connected to the same slot of the same receiver already: the
        /// [`Connection`] that is returned is not connected then.
        ///
        /// A slot is told by its type, so this works for methods; each closure in the source is a
        /// slot of its own.
        #[doc(alias = "UniqueConnection")]
        const UNIQUE = 0x80;
        /// Cut by the first emission. Qt 5 has no such connections; the number is that of Qt 6.
        #[doc(alias = "SingleShotConnection")]
        const SINGLE_SHOT = 0x100;
    }
}

/// A connection. Dropping it does nothing; all clones are the same connection.
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

    /// Cuts the connection. Returns whether it stood until now.
    pub fn disconnect(&self) -> bool {
        self.with(|list, id| list.disconnect(id))
    }

    /// Whether the connection stands, and its sender and receiver live.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.with(|list, id| list.is_connected(id))
    }

    /// Keeps the slot from being called while the returned guard lives. What is emitted meanwhile
    /// is lost to it.
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
    #[must_use = "the slot is blocked only while the guard lives"]
    pub fn block(&self) -> ConnectionBlocker {
        let blocked = self.with(|list, id| list.block(id, true));
        ConnectionBlocker(if blocked { self.clone() } else { Connection::default() })
    }

    /// Binds the connection to a scope: it is cut when the returned guard is dropped.
    #[must_use = "the connection is cut at once if the guard is dropped"]
    pub fn scoped(self) -> ScopedConnection {
        ScopedConnection(self)
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

/// Keeps a slot from being called. Made by [`Connection::block`].
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
/// drop(quiet); // now it would be called
/// ```
#[derive(Debug)]
pub struct ConnectionBlocker(Connection);

impl Drop for ConnectionBlocker {
    fn drop(&mut self) {
        self.0.with(|list, id| list.block(id, false));
    }
}

/// Cuts a connection when it is dropped. Made by [`Connection::scoped`].
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
    /// The connection.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.0
    }

    /// Gives the connection back, which then stands on its own again.
    pub fn release(mut self) -> Connection {
        std::mem::take(&mut self.0)
    }
}

impl Drop for ScopedConnection {
    fn drop(&mut self) {
        self.0.disconnect();
    }
}
