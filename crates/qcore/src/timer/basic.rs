//! [`QBasicTimer`]: a timer that sends its events to an object.

use std::{cell::RefCell, fmt};

use super::checked;
use crate::{
    classes::Object,
    event_loop::TimerId,
    object::{QObject, QPointer},
    time::{Interval, TimerType},
};

/// A timer that sends timer events to an object. It owns the timer that [`QObject::start_timer`]
/// starts.
///
/// The timer stops when this value is dropped, when the object dies, or by
/// [`stop`](QBasicTimer::stop). Stands for Qt's
/// [QBasicTimer](https://doc.qt.io/qt-5/qbasictimer.html).
///
/// # Examples
///
/// ```
/// use std::{cell::Cell, rc::Rc};
/// use qcore::{EventHandler, QBasicTimer, QObject, QTimerEvent, wait_until};
///
/// struct Blinker {
///     object: QObject,
///     timer: QBasicTimer,
///     on: Cell<bool>,
/// }
///
/// impl EventHandler for Blinker {
///     fn timer_event(&self, event: &QTimerEvent) {
///         if Some(event.timer_id()) == self.timer.timer_id() {
///             self.on.set(!self.on.get());
///         }
///     }
/// }
///
/// let blinker = Rc::new(Blinker {
///     object: QObject::new(),
///     timer: QBasicTimer::new(),
///     on: Cell::new(false),
/// });
/// blinker.object.set_event_handler(&blinker);
/// blinker.timer.start(1, &blinker.object);
/// assert!(wait_until(5000, || blinker.on.get()));
/// blinker.timer.stop();
/// assert!(!blinker.timer.is_active());
/// ```
#[derive(Default)]
pub struct QBasicTimer(RefCell<Option<(TimerId, QPointer<QObject>)>>);

impl QBasicTimer {
    /// Creates a timer that is not running.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a coarse timer that sends `object` an event every `interval`. A running timer is
    /// stopped first.
    ///
    /// Each event comes up to 5 % of the interval early or late. With a negative interval the
    /// function logs a warning and changes nothing: a running timer keeps running.
    pub fn start(&self, interval: impl Into<Interval>, object: &QObject) {
        self.start_with_type(interval, TimerType::default(), object);
    }

    /// Starts the timer as [`start`](QBasicTimer::start) does, with the accuracy that `kind` sets.
    #[doc(alias = "start")]
    pub fn start_with_type(
        &self,
        interval: impl Into<Interval>,
        kind: TimerType,
        object: &QObject,
    ) {
        let Some(interval) = checked(interval.into(), START_REFUSED) else { return };
        self.stop();
        let id = object.start_timer_with_type(interval, kind);
        *self.0.borrow_mut() = id.map(|id| (id, QPointer::new(object)));
    }

    /// Stops the timer.
    pub fn stop(&self) {
        if let Some((id, object)) = self.0.take()
            && let Some(object) = object.upgrade()
        {
            Object::life(&object).stop_own_timer(id);
        }
    }

    /// Returns whether the timer is running.
    #[doc(alias = "isActive")]
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.timer_id().is_some()
    }

    /// Returns the id in the timer's events, or `None` if the timer is not running.
    #[doc(alias = "timerId")]
    #[must_use]
    pub fn timer_id(&self) -> Option<TimerId> {
        let timer = self.0.borrow();
        let (id, object) = timer.as_ref()?;
        if object.is_null() { None } else { Some(*id) }
    }

    /// Swaps two timers, running or not.
    pub fn swap(&self, other: &QBasicTimer) {
        self.0.swap(&other.0);
    }
}

impl Drop for QBasicTimer {
    fn drop(&mut self) {
        self.stop();
    }
}

impl fmt::Debug for QBasicTimer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QBasicTimer").field("timer_id", &self.timer_id()).finish()
    }
}

const START_REFUSED: &str = "QBasicTimer::start: Timers cannot have negative timeouts";
