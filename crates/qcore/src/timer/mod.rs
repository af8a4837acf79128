//! Timers: [`QTimer`] emits a signal, [`QBasicTimer`] sends events.

mod basic;
mod object_timers;

use std::{
    cell::Cell,
    fmt,
    rc::{Rc, Weak},
    time::Duration,
};

pub use self::basic::QBasicTimer;
use crate::{
    classes::{Handle, Life, Node},
    event::QEvent,
    event_loop::{Dispatcher, TimerHandler, TimerId},
    object::QObject,
    signal::{Receiver, Signal},
    time::{Interval, TimerType},
};

crate::class! {
    /// A timer: emits [`timeout`](TimerNode::timeout) when its interval is over, again and again or
    /// once.
    ///
    /// An interval of 0 means once in every turn of the event loop. A timer does not run while its
    /// own slot does, not even in a loop that the slot runs; and however late it is, it comes only
    /// once in a turn. Dropping the last handle stops it. Stands for Qt's
    /// [QTimer](https://doc.qt.io/qt-5/qtimer.html).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{cell::Cell, rc::Rc};
    /// use qcore::{QCoreApplication, QTimer};
    ///
    /// let app = QCoreApplication::new();
    /// let ticks = Rc::new(Cell::new(0));
    /// let timer = QTimer::new();
    /// timer.timeout.connect_to(&ticks, |ticks, ()| {
    ///     ticks.set(ticks.get() + 1);
    ///     if ticks.get() == 3 {
    ///         QCoreApplication::instance().quit();
    ///     }
    /// });
    /// timer.start(5);
    /// app.exec();
    /// assert_eq!(ticks.get(), 3);
    /// ```
    pub struct QTimer(TimerNode): QObject = base
}

/// The signal of a [`QTimer`].
pub struct TimerNode {
    /// The interval is over.
    pub timeout: Signal<()>,
    base: QObject,
    /// At hand: with many timers each step to another part of the object is felt.
    life: Rc<Life>,
    id: Cell<Option<TimerId>>,
    interval: Cell<Interval>,
    kind: Cell<TimerType>,
    single_shot: Cell<bool>,
    /// It was started with a negative interval: it is active, and never fires.
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
}

impl QTimer {
    /// A timer that does not run, with an interval of 0.
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

    /// Calls `slot` once, after `interval`.
    ///
    /// The timer is coarse: the call may come up to 5 % of the interval early or late, a call after
    /// two seconds at 1.9 s for example. Use [`single_shot_with`](QTimer::single_shot_with) and
    /// [`TimerType::Precise`] where early is wrong, in the time-out of a protocol for example.
    ///
    /// For a negative interval the library logs a warning and never calls `slot`.
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
        Self::single_shot_with(interval, TimerType::default(), slot);
    }

    /// Calls `slot` once, after `interval`, as exactly as `kind` says.
    #[doc(alias = "singleShot")]
    pub fn single_shot_with(
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

    /// Calls `slot` of `receiver` once, after `interval`, if the receiver lives then.
    ///
    /// As with [`single_shot`](QTimer::single_shot), the call may come up to 5 % early or late.
    ///
    /// ```
    /// use qcore::{QCoreApplication, QTimer};
    ///
    /// let app = QCoreApplication::new();
    /// QTimer::single_shot_to(5, &app, |app| app.quit());
    /// assert_eq!(app.exec(), 0);
    /// ```
    #[doc(alias = "singleShot")]
    pub fn single_shot_to<R: Receiver>(
        interval: impl Into<Interval>,
        receiver: &R,
        slot: impl FnOnce(&R::Target) + 'static,
    ) {
        let receiver = receiver.downgrade();
        Self::single_shot(interval, move || {
            R::with(&receiver, slot);
        });
    }

    /// Starts the timer with a new interval; if it was running, from the beginning.
    ///
    /// A timer is coarse unless [`set_timer_type`](QTimer::set_timer_type) has made it another one:
    /// it fires up to 5 % of the interval early or late. With an interval of 3 s the first timeout
    /// may come after 2.85 s. A time-out that must not end early needs [`TimerType::Precise`].
    ///
    /// With a negative interval the timer does what Qt's does: it logs a warning, is active with
    /// that interval, and never fires.
    ///
    /// ```
    /// use qcore::{QTimer, TimerType};
    ///
    /// let timer = QTimer::new();
    /// timer.set_timer_type(TimerType::Precise); // never early
    /// timer.start(1000);
    /// assert!(timer.is_active() && timer.remaining_time() > 900);
    ///
    /// timer.start(-1); // logs a warning
    /// assert!(timer.is_active());
    /// assert_eq!((timer.interval(), timer.remaining_time()), (-1, -1));
    /// ```
    pub fn start(&self, interval: impl Into<Interval>) {
        self.interval.set(interval.into());
        self.restart();
    }

    /// Starts the timer with the [`interval`](QTimer::interval) that it has; if it was running,
    /// from the beginning. This is Qt's `start()` without an argument.
    ///
    /// ```
    /// use qcore::QTimer;
    ///
    /// let timeout = QTimer::new();
    /// timeout.set_single_shot(true);
    /// timeout.set_interval(30_000);
    /// timeout.restart(); // and again whenever something has come
    /// assert!(timeout.remaining_time() > 29_000);
    /// ```
    #[doc(alias = "start")]
    pub fn restart(&self) {
        self.halt();
        if self.is_deleted() {
            return;
        }
        let Some(interval) = self.interval.get().duration() else {
            self.never_fires.set(true);
            crate::q_warning!("{START_REFUSED}");
            return;
        };
        let node: Weak<TimerNode> = Rc::downgrade(self.0.node());
        self.dispatcher().expect_loop();
        let id = self.dispatcher().start_timer(interval, self.kind.get(), node);
        self.id.set(Some(id));
    }

    /// Stops the timer.
    pub fn stop(&self) {
        self.halt();
    }

    /// Whether the timer was started and not stopped. One with a negative interval is active, too.
    #[doc(alias = "isActive")]
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.0.node().is_active()
    }

    /// The id that the timer's events have for an event filter, if it runs. `None` is Qt's -1, and
    /// its 0 for a timer that was started with a negative interval.
    ///
    /// ```
    /// use qcore::QTimer;
    ///
    /// let timer = QTimer::new();
    /// assert_eq!(timer.timer_id(), None);
    /// timer.start(1000);
    /// assert!(timer.timer_id().is_some());
    /// ```
    #[doc(alias = "timerId")]
    #[must_use]
    pub fn timer_id(&self) -> Option<TimerId> {
        self.id.get()
    }

    /// The interval in milliseconds, what is less left out; `i32::MAX` if it is longer.
    #[must_use]
    pub fn interval(&self) -> i32 {
        self.interval.get().millis()
    }

    /// The interval; `None` if it is negative.
    #[doc(alias = "intervalAsDuration")]
    #[must_use]
    pub fn interval_as_duration(&self) -> Option<Duration> {
        self.interval.get().duration()
    }

    /// Sets the interval. An active timer begins anew with it, as by [`start`](QTimer::start): with
    /// a negative one it logs a warning and never fires.
    #[doc(alias = "setInterval")]
    pub fn set_interval(&self, interval: impl Into<Interval>) {
        self.interval.set(interval.into());
        if self.is_active() {
            self.restart();
        }
    }

    /// The time until the next timeout in milliseconds, rounded up: 0 if it is overdue, -1 if the
    /// timer does not run or its interval is negative. Inside of the slot of a single-shot timer it
    /// does not run.
    ///
    /// ```
    /// use std::time::Duration;
    /// use qcore::{QTimer, TimerType, VirtualClock};
    ///
    /// let clock = VirtualClock::install();
    /// let timer = QTimer::new();
    /// assert_eq!(timer.remaining_time(), -1);
    /// timer.set_timer_type(TimerType::Precise);
    /// timer.start(100);
    /// clock.advance(Duration::from_micros(30_500));
    /// assert_eq!(timer.remaining_time(), 70);
    /// ```
    #[doc(alias = "remainingTime")]
    #[must_use]
    pub fn remaining_time(&self) -> i32 {
        match self.remaining_time_as_duration() {
            Some(left) => i32::try_from(left.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX),
            None => -1,
        }
    }

    /// The time until the next timeout, zero if it is overdue, `None` if the timer does not run or
    /// its interval is negative.
    #[doc(alias = "remainingTimeAsDuration")]
    #[must_use]
    pub fn remaining_time_as_duration(&self) -> Option<Duration> {
        self.dispatcher().remaining_time(self.id.get()?)
    }

    /// Whether the timer stops at its first timeout. Not by default.
    #[doc(alias = "isSingleShot")]
    #[must_use]
    pub fn is_single_shot(&self) -> bool {
        self.single_shot.get()
    }

    /// Makes the timer one that stops at its first timeout, or one that goes on.
    ///
    /// ```
    /// use std::{cell::Cell, rc::Rc};
    /// use qcore::{QCoreApplication, QTimer};
    ///
    /// let app = QCoreApplication::new();
    /// let (count, timer) = (Rc::new(Cell::new(0)), QTimer::new());
    /// timer.timeout.connect_to(&count, |count, ()| count.set(count.get() + 1));
    /// timer.set_single_shot(true);
    /// timer.start(0);
    /// QTimer::single_shot_to(20, &app, |app| app.quit());
    /// app.exec();
    /// assert_eq!(count.get(), 1);
    /// assert!(!timer.is_active());
    /// ```
    #[doc(alias = "setSingleShot")]
    pub fn set_single_shot(&self, single_shot: bool) {
        self.single_shot.set(single_shot);
    }

    /// How exact the timer is; [`TimerType::Coarse`] by default.
    #[doc(alias = "timerType")]
    #[must_use]
    pub fn timer_type(&self) -> TimerType {
        self.kind.get()
    }

    /// Says how exact the timer is to be. Holds from the next start.
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
    if interval.duration().is_none() {
        crate::q_warning!("{warning}");
    }
    interval.duration()
}
