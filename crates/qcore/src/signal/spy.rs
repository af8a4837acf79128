//! [`QSignalSpy`]: records the emissions of a signal.

use std::{
    cell::{Cell, RefCell},
    fmt,
    rc::Rc,
};

use super::{ScopedConnection, Signal};
use crate::{event_loop::wait_until, time::QDeadlineTimer};

/// Records the values with which a signal is emitted, for tests.
///
/// Recording ends when the spy is dropped. Stands for Qt's
/// [QSignalSpy](https://doc.qt.io/qt-5/qsignalspy.html).
///
/// # Examples
///
/// ```
/// use qcore::{QSignalSpy, QTimer};
///
/// let timer = QTimer::new();
/// let spy = QSignalSpy::new(&timer.timeout);
/// timer.start_with_interval(5);
/// assert!(spy.wait(5000));
/// assert_eq!(spy.take(), [()]);
/// assert_eq!(spy.count(), 0);
/// ```
pub struct QSignalSpy<T: 'static> {
    seen: Rc<Seen<T>>,
    _connection: ScopedConnection,
}

struct Seen<T> {
    /// The values. Each is in an `Rc`, so that no value is cloned while the `RefCell` is borrowed.
    values: RefCell<Vec<Rc<T>>>,
    /// The number of emissions, including those that were taken.
    total: Cell<usize>,
}

impl<T: Clone + 'static> QSignalSpy<T> {
    /// Creates a spy that records all emissions of `signal` from now on.
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

    /// Returns the number of recorded emissions, not counting those that were
    /// [taken](QSignalSpy::take).
    #[must_use]
    pub fn count(&self) -> usize {
        self.seen.values.borrow().len()
    }

    /// Returns the recorded values, oldest first.
    #[must_use]
    pub fn values(&self) -> Vec<T> {
        let values = self.seen.values.borrow().clone();
        values.into_iter().map(Rc::unwrap_or_clone).collect()
    }

    /// Removes the recorded values and returns them, oldest first.
    #[must_use]
    pub fn take(&self) -> Vec<T> {
        self.seen.values.take().into_iter().map(Rc::unwrap_or_clone).collect()
    }

    /// Runs the event loop until the signal is emitted again or the deadline passes. Returns
    /// whether the signal was emitted.
    ///
    /// The deadline is given in milliseconds, where -1 means for ever, or as a `Duration`.
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
