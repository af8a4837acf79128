//! Watching a signal in a test.

use std::{
    cell::{Cell, RefCell},
    fmt,
    rc::Rc,
};

use super::{ScopedConnection, Signal};
use crate::{event_loop::wait_until, time::QDeadlineTimer};

/// Notes what a signal is emitted with, for tests.
///
/// It stops when it is dropped. Stands for Qt's
/// [QSignalSpy](https://doc.qt.io/qt-5/qsignalspy.html).
///
/// # Examples
///
/// ```
/// use qcore::{QSignalSpy, QTimer};
///
/// let timer = QTimer::new();
/// let spy = QSignalSpy::new(&timer.timeout);
/// timer.start(5);
/// assert!(spy.wait(5000));
/// assert_eq!(spy.take(), [()]);
/// assert_eq!(spy.count(), 0);
/// ```
pub struct QSignalSpy<T: 'static> {
    seen: Rc<Seen<T>>,
    _connection: ScopedConnection,
}

struct Seen<T> {
    /// Each in an `Rc`, so that none is cloned while this is borrowed.
    values: RefCell<Vec<Rc<T>>>,
    /// How often the signal came, also of what was taken.
    total: Cell<usize>,
}

impl<T: Clone + 'static> QSignalSpy<T> {
    /// Notes from now on what `signal` is emitted with.
    #[must_use]
    pub fn new(signal: &Signal<T>) -> Self {
        let seen = Rc::new(Seen { values: RefCell::default(), total: Cell::new(0) });
        let connection = signal.connect_to(&seen, |seen, value| {
            let value = Rc::new(value.clone());
            seen.values.borrow_mut().push(value);
            seen.total.set(seen.total.get() + 1);
        });
        QSignalSpy { seen, _connection: connection.scoped() }
    }

    /// How often the signal was emitted, without what was [taken](QSignalSpy::take).
    #[must_use]
    pub fn count(&self) -> usize {
        self.seen.values.borrow().len()
    }

    /// What the signal was emitted with, oldest first.
    #[must_use]
    pub fn values(&self) -> Vec<T> {
        let values = self.seen.values.borrow().clone();
        values.into_iter().map(Rc::unwrap_or_clone).collect()
    }

    /// What the signal was emitted with, oldest first; all of it is forgotten.
    #[must_use]
    pub fn take(&self) -> Vec<T> {
        self.seen.values.take().into_iter().map(Rc::unwrap_or_clone).collect()
    }

    /// Runs the event loop until the signal comes again, at most until a deadline: milliseconds, -1
    /// being for ever, or a `Duration`. Returns whether it came.
    pub fn wait(&self, deadline: impl Into<QDeadlineTimer>) -> bool {
        let before = self.seen.total.get();
        wait_until(deadline, || self.seen.total.get() > before)
    }
}

impl<T: fmt::Debug + 'static> fmt::Debug for QSignalSpy<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values = self.seen.values.borrow().clone();
        f.debug_list().entries(values).finish()
    }
}
