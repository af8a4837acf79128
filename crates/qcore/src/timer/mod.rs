//! Timers: [`QTimer`] emits a signal, [`QBasicTimer`] sends events.

mod basic;
mod object_timers;

use std::{
    cell::Cell,
    fmt,
    hint::black_box,
    rc::{Rc, Weak},
    time::Duration,
};

pub use self::basic::QBasicTimer;
use crate::{
    classes::{Handle, Life, Node},
    event::QEvent,
    event_loop::{Dispatcher, TimerHandler, TimerId},
    object::QObject,
    signal::{Receiver, Signal, TargetOf, shape::Local},
    time::{Interval, TimerType},
};

crate::library_class! {
    /// A timer that emits [`timeout`](TimerNode::timeout) when its interval has passed, repeatedly
    /// or once.
    ///
    /// With an interval of 0 it fires once in every turn of the event loop. While the timer's own
    /// slot runs, the timer does not fire again, not even in a nested loop that the slot runs.
    /// However late the timer is, it fires at most once in a turn. Dropping the last handle stops
    /// the timer. Stands for Qt's [QTimer](https://doc.qt.io/qt-5/qtimer.html).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{cell::Cell, rc::Rc};
    /// use qcore::{QCoreApplication, QTimer};
    ///
    /// let app = QCoreApplication::new();
    /// let ticks = Rc::new(Cell::new(0));
    /// let timer = QTimer::with_interval(5);
    /// timer.timeout.connect_to(&ticks, |ticks, ()| {
    ///     ticks.set(ticks.get() + 1);
    ///     if ticks.get() == 3 {
    ///         QCoreApplication::instance().quit();
    ///     }
    /// });
    /// timer.start();
    /// app.exec();
    /// assert_eq!(ticks.get(), 3);
    /// ```
    pub struct QTimer(TimerNode): QObject = base
}

/// The object behind a [`QTimer`], with its signal.
pub struct TimerNode {
    /// Emitted when the interval has passed.
    pub timeout: Signal<()>,
    base: QObject,
    /// Held here too, not only by `base`: with many timers each extra pointer access is measurable.
    life: Rc<Life>,
    id: Cell<Option<TimerId>>,
    interval: Cell<Interval>,
    kind: Cell<TimerType>,
    single_shot: Cell<bool>,
    /// The timer was started with a negative interval: it is active and never fires.
    never_fires: Cell<bool>,
}

impl Node for TimerNode {
    fn life(&self) -> &Rc<Life> {
        &self.life
    }

    fn destructor(&self) {
        self.halt();
    }
}

impl TimerNode {
    fn dispatcher(&self) -> &Rc<Dispatcher> {
        self.life().dispatcher()
    }

    fn halt(&self) {
        self.never_fires.set(false);
        if let Some(id) = self.id.take() {
            self.dispatcher().stop_timer(id);
        }
    }

    fn is_active(&self) -> bool {
        self.id.get().is_some() || self.never_fires.get()
    }
}

impl TimerHandler for TimerNode {
    fn timer_due(self: Rc<Self>, id: TimerId) {
        if self.id.get() != Some(id) || self.life().is_filtered(|| QEvent::of_timer(id)) {
            return;
        }
        if self.single_shot.get() {
            self.halt();
        }
        self.timeout.emit(());
    }

    fn fetch(&self) {
        black_box((self.life.is_dead(), self.id.get(), self.timeout.is_connected()));
    }

    fn fetch_rest(&self) {
        self.timeout.fetch();
    }
}

impl QTimer {
    /// Creates a timer that is not running, with an interval of 0.
    #[must_use]
    #[allow(clippy::new_without_default)] // a class's `new` makes an object, not a value
    pub fn new() -> Self {
        let life = Life::new();
        QTimer(Handle::new(Rc::new(TimerNode {
            timeout: Signal::in_life(&life),
            base: QObject::embed(&life),
            life,
            id: Cell::new(None),
            interval: Cell::new(Interval::ZERO),
            kind: Cell::default(),
            single_shot: Cell::new(false),
            never_fires: Cell::new(false),
        })))
    }

    /// Creates a timer that is not running, with an interval.
    ///
    /// ```
    /// use qcore::{QCoreApplication, QTimer};
    ///
    /// let app = QCoreApplication::new();
    /// let timer = QTimer::with_interval(5).with_parent(&app);
    /// timer.timeout.connect_slot(&app, QCoreApplication::quit);
    /// timer.start();
    /// app.exec();
    /// ```
    #[must_use]
    pub fn with_interval(interval: impl Into<Interval>) -> Self {
        let timer = Self::new();
        timer.interval.set(interval.into());
        timer
    }

    /// Creates a timer that is not running, with an interval, and that stops at its first timeout.
    ///
    /// [`single_shot`](QTimer::single_shot) needs no timer object. A program that stops or restarts
    /// the timer, such as one for a timeout, needs one.
    ///
    /// ```
    /// use qcore::{QCoreApplication, QTimer};
    ///
    /// let app = QCoreApplication::new();
    /// let timeout = QTimer::single_shot_timer(5);
    /// timeout.timeout.connect_to(&app, |app, ()| app.exit(3));
    /// timeout.start();
    /// assert_eq!(app.exec(), 3);
    /// assert!(!timeout.is_active());
    /// ```
    #[must_use]
    pub fn single_shot_timer(interval: impl Into<Interval>) -> Self {
        let timer = Self::with_interval(interval);
        timer.single_shot.set(true);
        timer
    }

    /// Calls `slot` once, after `interval`.
    ///
    /// The timer is coarse: the call comes up to 5 % of the interval early or late. A call after
    /// two seconds, for example, may come at 1.9 s. Where an early call is wrong, as in a
    /// protocol's timeout, use [`single_shot_with_type`](QTimer::single_shot_with_type) and
    /// [`TimerType::Precise`].
    ///
    /// With a negative interval the function logs a warning and never calls `slot`.
    ///
    /// ```
    /// use qcore::{QCoreApplication, QTimer};
    ///
    /// let app = QCoreApplication::new();
    /// QTimer::single_shot(5, || QCoreApplication::instance().exit(3));
    /// assert_eq!(app.exec(), 3);
    /// ```
    #[doc(alias = "singleShot")]
    pub fn single_shot(interval: impl Into<Interval>, slot: impl FnOnce() + 'static) {
        Self::single_shot_with_type(interval, TimerType::default(), slot);
    }

    /// Calls `slot` once, after `interval`, with the accuracy that `kind` sets.
    #[doc(alias = "singleShot")]
    pub fn single_shot_with_type(
        interval: impl Into<Interval>,
        kind: TimerType,
        slot: impl FnOnce() + 'static,
    ) {
        if let Some(interval) = checked(interval.into(), START_REFUSED) {
            let dispatcher = Dispatcher::current();
            dispatcher.expect_loop();
            dispatcher.call_after(interval, kind, slot);
        }
    }

    /// Calls `slot` with `receiver` once, after `interval`, unless the receiver has died by then.
    ///
    /// The receiver is `&object`, `&rc` or, within a method, `self`; or [two of
    /// them](crate::IntoReceiver). The slot is a closure or a method that takes the receiver alone.
    /// `QTimer::single_shot_to(0, self, Self::check)` is PySide2's `QTimer.singleShot(0,
    /// self.check)`.
    ///
    /// As with [`single_shot`](QTimer::single_shot), the call comes up to 5 % of the interval early
    /// or late.
    ///
    /// ```
    /// use qcore::{QCoreApplication, QTimer};
    ///
    /// let app = QCoreApplication::new();
    /// QTimer::single_shot_to(5, &app, QCoreApplication::quit);
    /// assert_eq!(app.exec(), 0);
    /// ```
    #[doc(alias = "singleShot")]
    pub fn single_shot_to<R: Local>(
        interval: impl Into<Interval>,
        receiver: R,
        slot: impl FnOnce(&TargetOf<R>) + 'static,
    ) {
        Self::single_shot_to_with_type(interval, TimerType::default(), receiver, slot);
    }

    /// Calls `slot` with `receiver` once, as [`single_shot_to`](QTimer::single_shot_to) does, with
    /// the accuracy that `kind` sets.
    ///
    /// ```
    /// use qcore::{QCoreApplication, QTimer, TimerType};
    ///
    /// let app = QCoreApplication::new();
    /// QTimer::single_shot_to_with_type(5, TimerType::Precise, &app, |app| app.exit(3));
    /// assert_eq!(app.exec(), 3);
    /// ```
    #[doc(alias = "singleShot")]
    pub fn single_shot_to_with_type<R: Local>(
        interval: impl Into<Interval>,
        kind: TimerType,
        receiver: R,
        slot: impl FnOnce(&TargetOf<R>) + 'static,
    ) {
        let receiver = receiver.downgrade();
        Self::single_shot_with_type(interval, kind, move || {
            R::Receiver::with(&receiver, slot);
        });
    }

    /// Starts the timer with its [`interval`](QTimer::interval), which is 0 if the program has set
    /// none. A running timer starts again from the beginning.
    ///
    /// The timer is coarse unless [`set_timer_type`](QTimer::set_timer_type) has set another type:
    /// it fires up to 5 % of the interval early or late. With an interval of 3 s the first timeout
    /// may come after 2.85 s. A timeout that must not come early needs [`TimerType::Precise`].
    ///
    /// With a negative interval the timer behaves as in Qt: it logs a warning, is active with that
    /// interval, and never fires.
    ///
    /// ```
    /// use std::time::Duration;
    /// use qcore::QTimer;
    ///
    /// let timeout = QTimer::single_shot_timer(30_000);
    /// timeout.start(); // again whenever data arrives
    /// assert!(timeout.remaining_time().unwrap() > Duration::from_secs(28));
    /// ```
    pub fn start(&self) {
        self.halt();
        if self.is_deleted() {
            return;
        }
        let Some(interval) = self.interval.get().as_duration() else {
            self.never_fires.set(true);
            crate::q_warning!("{START_REFUSED}");
            return;
        };
        let node: Weak<TimerNode> = Rc::downgrade(self.0.node());
        self.dispatcher().expect_loop();
        let id = self.dispatcher().start_timer(interval, self.kind.get(), node);
        self.id.set(Some(id));
    }

    /// Sets the interval and starts the timer. This is Qt's `start(msec)`.
    ///
    /// It does the same as [`set_interval`](QTimer::set_interval) followed by
    /// [`start`](QTimer::start).
    ///
    /// ```
    /// use qcore::{QTimer, TimerType};
    ///
    /// let timer = QTimer::new();
    /// timer.set_timer_type(TimerType::Precise); // never early
    /// timer.start_with_interval(1000);
    /// assert!(timer.is_active() && timer.interval() == 1000);
    ///
    /// timer.start_with_interval(-1); // logs a warning
    /// assert!(timer.is_active());
    /// assert!(timer.interval() == -1 && timer.remaining_time().is_none());
    /// ```
    #[doc(alias = "start")]
    pub fn start_with_interval(&self, interval: impl Into<Interval>) {
        self.interval.set(interval.into());
        self.start();
    }

    /// Stops the timer.
    pub fn stop(&self) {
        self.halt();
    }

    /// Returns whether the timer has been started and not stopped. A timer that was started with a
    /// negative interval is active, too.
    #[doc(alias = "isActive")]
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.0.node().is_active()
    }

    /// Returns the id in the timer's events, as an event filter sees them; `None` if the timer is
    /// not running. Qt returns -1 instead of `None`, or 0 after a start with a negative interval.
    ///
    /// ```
    /// use qcore::QTimer;
    ///
    /// let timer = QTimer::new();
    /// assert_eq!(timer.timer_id(), None);
    /// timer.start();
    /// assert!(timer.timer_id().is_some());
    /// ```
    #[doc(alias = "timerId")]
    #[must_use]
    pub fn timer_id(&self) -> Option<TimerId> {
        self.id.get()
    }

    /// Returns the interval. It compares with milliseconds and with a `Duration`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use qcore::QTimer;
    ///
    /// let timer = QTimer::new();
    /// timer.set_interval(1500);
    /// assert_eq!(timer.interval(), 1500);
    /// assert_eq!(timer.interval(), Duration::from_millis(1500));
    /// assert_eq!(timer.interval().as_millis(), 1500);
    /// ```
    #[doc(alias = "intervalAsDuration")]
    #[must_use]
    pub fn interval(&self) -> Interval {
        self.interval.get()
    }

    /// Sets the interval. An active timer restarts with it, as by [`start`](QTimer::start): with a
    /// negative interval it logs a warning and never fires.
    #[doc(alias = "setInterval")]
    pub fn set_interval(&self, interval: impl Into<Interval>) {
        self.interval.set(interval.into());
        if self.is_active() {
            self.start();
        }
    }

    /// Returns the time until the next timeout.
    ///
    /// It is zero if the timeout is overdue, and `None` if the timer is not running or its interval
    /// is negative. A single-shot timer is not running while its slot runs. Qt returns whole
    /// milliseconds, rounded up, and -1 for `None`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use qcore::{QTimer, TimerType, VirtualClock};
    ///
    /// let clock = VirtualClock::install();
    /// let timer = QTimer::new();
    /// assert_eq!(timer.remaining_time(), None);
    /// timer.set_timer_type(TimerType::Precise);
    /// timer.start_with_interval(100);
    /// clock.advance(Duration::from_micros(30_500));
    /// assert_eq!(timer.remaining_time(), Some(Duration::from_micros(69_500)));
    /// ```
    #[doc(alias = "remainingTime")]
    #[doc(alias = "remainingTimeAsDuration")]
    #[must_use]
    pub fn remaining_time(&self) -> Option<Duration> {
        self.dispatcher().remaining_time(self.id.get()?)
    }

    /// Returns whether the timer stops at its first timeout. The default is `false`.
    #[doc(alias = "isSingleShot")]
    #[must_use]
    pub fn is_single_shot(&self) -> bool {
        self.single_shot.get()
    }

    /// Sets whether the timer stops at its first timeout.
    ///
    /// ```
    /// use std::{cell::Cell, rc::Rc};
    /// use qcore::{QCoreApplication, QTimer};
    ///
    /// let app = QCoreApplication::new();
    /// let (count, timer) = (Rc::new(Cell::new(0)), QTimer::new());
    /// timer.timeout.connect_to(&count, |count, ()| count.set(count.get() + 1));
    /// timer.set_single_shot(true);
    /// timer.start();
    /// QTimer::single_shot_to(20, &app, |app| app.quit());
    /// app.exec();
    /// assert_eq!(count.get(), 1);
    /// assert!(!timer.is_active());
    /// ```
    #[doc(alias = "setSingleShot")]
    pub fn set_single_shot(&self, single_shot: bool) {
        self.single_shot.set(single_shot);
    }

    /// Returns how accurate the timer is; [`TimerType::Coarse`] by default.
    #[doc(alias = "timerType")]
    #[must_use]
    pub fn timer_type(&self) -> TimerType {
        self.kind.get()
    }

    /// Sets how accurate the timer is. It takes effect at the next start.
    #[doc(alias = "setTimerType")]
    pub fn set_timer_type(&self, kind: TimerType) {
        self.kind.set(kind);
    }
}

impl fmt::Debug for TimerNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimerNode")
            .field("interval", &self.interval.get())
            .field("active", &self.is_active())
            .finish_non_exhaustive()
    }
}

const START_REFUSED: &str = "QObject::startTimer: Timers cannot have negative intervals";

fn checked(interval: Interval, warning: &str) -> Option<Duration> {
    let length = interval.as_duration();
    if length.is_none() {
        crate::q_warning!("{warning}");
    }
    length
}
