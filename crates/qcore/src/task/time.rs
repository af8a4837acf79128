//! Time for tasks, on the clock of the loop.

use std::{
    fmt,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use pin_project_lite::pin_project;

use super::error::{TimeoutError, TimeoutErrorKind};
use crate::{
    event_loop::{Dispatcher, TimerId},
    time::{Interval, Nanos, QDeadlineTimer},
};

/// Waits for an interval: a number of milliseconds or a `Duration`.
///
/// The interval begins with this call, not with the first `.await`. The loop's clock measures it,
/// which may be a [`VirtualClock`](crate::VirtualClock). The future is never done early. With an
/// interval of 0, the future is done when the loop has served its sources and timers once. With a
/// negative interval, it is never done.
///
/// Cancel safe: dropping the future stops the timer.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use qcore::{VirtualClock, block_on, task::sleep};
///
/// let clock = VirtualClock::install();
/// let before = clock.now();
/// block_on(sleep(Duration::from_secs(3600))).unwrap();
/// assert_eq!(clock.now() - before, Duration::from_secs(3600));
/// ```
#[doc(alias = "delay")]
pub fn sleep(interval: impl Into<Interval>) -> Sleep {
    let dispatcher = Dispatcher::current();
    let due = interval.into().as_duration().map(|interval| after(dispatcher.now(), interval));
    Sleep { dispatcher, due, timer: None }
}

/// Waits until a deadline: a number of milliseconds from now (-1 means for ever), a `Duration`, an
/// `Instant` or a [`QDeadlineTimer`].
///
/// In all other respects it works like [`sleep`].
///
/// # Examples
///
/// ```
/// use qcore::{QDeadlineTimer, block_on, task::sleep_until};
///
/// let deadline = QDeadlineTimer::from(5);
/// block_on(sleep_until(deadline)).unwrap();
/// assert!(deadline.has_expired());
/// ```
pub fn sleep_until(deadline: impl Into<QDeadlineTimer>) -> Sleep {
    let due = deadline.into().nanos();
    Sleep { dispatcher: Dispatcher::current(), due, timer: None }
}

fn after(now: Nanos, interval: Duration) -> Nanos {
    now.saturating_add(Nanos::try_from(interval.as_nanos()).unwrap_or(Nanos::MAX))
}

/// The future of [`sleep`] and [`sleep_until`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct Sleep {
    dispatcher: Rc<Dispatcher>,
    /// When the time is over; `None` means never.
    due: Option<Nanos>,
    timer: Option<(TimerId, Waker)>,
}

impl Sleep {
    fn stop(&mut self) {
        if let Some((timer, _)) = self.timer.take() {
            self.dispatcher.stop_timer(timer);
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Some(due) = self.due else { return Poll::Pending };
        // The timer decides. So even a sleep that is over before it is awaited lets the loop run.
        if let Some((timer, waker)) = &self.timer {
            if !self.dispatcher.is_timer_running(*timer) {
                return Poll::Ready(());
            }
            if waker.will_wake(context.waker()) {
                return Poll::Pending;
            }
        }
        self.stop();
        let waker = context.waker().clone();
        let timer = self.dispatcher.wake_at(due, waker.clone());
        self.timer = Some((timer, waker));
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.stop();
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left =
            self.due.map(|due| Duration::from_nanos(due.saturating_sub(self.dispatcher.now())));
        f.debug_struct("Sleep").field("left", &left).finish()
    }
}

/// Limits the time of a future: the result is its output, or an error if the deadline passes first.
///
/// The deadline is a number of milliseconds from this call (-1 means for ever), a `Duration`, an
/// `Instant` or a [`QDeadlineTimer`]. When it passes, `future` is not polled any more. It is
/// dropped together with the returned future, at the end of the statement that awaits it.
///
/// If the future is done when the deadline passes, the result is its output. Cancel safe if the
/// future is.
///
/// # Errors
///
/// [`TimeoutErrorKind::TimedOut`].
///
/// # Examples
///
/// ```
/// use qcore::{Signal, block_on, task::{TimeoutErrorKind, timeout}};
///
/// let never = Signal::<()>::new();
/// let result = block_on(timeout(5, never.next())).unwrap();
/// assert_eq!(result.unwrap_err(), TimeoutErrorKind::TimedOut);
/// assert_eq!(block_on(timeout(5, async { 7 })).unwrap(), Ok(7));
/// ```
pub fn timeout<F: Future>(deadline: impl Into<QDeadlineTimer>, future: F) -> Timeout<F> {
    Timeout { future, sleep: sleep_until(deadline) }
}

pin_project! {
    /// The future of [`timeout`](timeout()).
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct Timeout<F> {
        #[pin]
        future: F,
        sleep: Sleep,
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, TimeoutError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(output) = this.future.poll(context) {
            return Poll::Ready(Ok(output));
        }
        let over = Pin::new(this.sleep).poll(context);
        over.map(|()| Err(TimeoutErrorKind::TimedOut.into()))
    }
}

/// Returns ticks, one for each `period`: a number of milliseconds or a `Duration`. The first tick
/// comes after one period.
///
/// # Panics
///
/// If the period is negative.
///
/// # Examples
///
/// ```
/// use qcore::{block_on, task::interval};
///
/// let mut ticks = interval(1);
/// block_on(async {
///     for _ in 0..3 {
///         ticks.tick().await;
///     }
/// })
/// .unwrap();
/// ```
#[track_caller]
pub fn interval(period: impl Into<Interval>) -> Ticks {
    let Some(period) = period.into().as_duration() else {
        panic!("the period of an interval is negative");
    };
    Ticks { period, sleep: sleep(period) }
}

/// Ticks that a task waits for. [`interval`] creates them.
///
/// With the feature `futures`, it implements `futures_core::Stream`.
#[derive(Debug)]
pub struct Ticks {
    period: Duration,
    sleep: Sleep,
}

impl Ticks {
    /// Waits for the next tick.
    ///
    /// If the task is late by more than a period, it skips the missed ticks, as a
    /// [`QTimer`](crate::QTimer) does. Cancel safe: the next call returns the tick.
    pub async fn tick(&mut self) {
        std::future::poll_fn(|context| self.poll_tick(context)).await;
    }

    fn poll_tick(&mut self, context: &mut Context<'_>) -> Poll<()> {
        ready!(Pin::new(&mut self.sleep).poll(context));
        let dispatcher = &self.sleep.dispatcher;
        let now = dispatcher.now();
        let next = after(self.sleep.due.unwrap_or(now), self.period);
        let due = if next > now { next } else { after(now, self.period) };
        self.sleep = Sleep { dispatcher: dispatcher.clone(), due: Some(due), timer: None };
        Poll::Ready(())
    }
}

/// A stream without an end.
#[cfg(feature = "futures")]
impl futures_core::Stream for Ticks {
    type Item = ();

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<()>> {
        self.poll_tick(context).map(Some)
    }
}

/// Lets the loop serve its sources, its timers and the other tasks once.
///
/// A task that computes for a long time should call this function now and then.
///
/// # Examples
///
/// ```
/// use qcore::{spawn_local, task::yield_now};
///
/// spawn_local(async {
///     for number in 0..1_000_000_u64 {
///         // ... some work ...
///         if number % 1000 == 0 {
///             yield_now().await;
///         }
///     }
/// });
/// ```
pub async fn yield_now() {
    let mut yielded = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        // A task that wakes itself is ready in the next turn.
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
