//! Time: a thread's clock, and the values that are measured by it.
//!
//! Each thread has one clock, which its event loop goes by. It shows the real time, which never
//! goes back, unless a [`VirtualClock`] stands in for it. [`QElapsedTimer`] and [`QDeadlineTimer`]
//! are read on the same clock. [`Interval`] and [`TimerType`] say when a timer fires.

mod clock;
mod deadline;
mod elapsed;
mod interval;
mod timer_type;

pub(crate) use self::clock::{Clock, Nanos};
pub use self::{
    clock::VirtualClock,
    deadline::QDeadlineTimer,
    elapsed::{ClockType, QElapsedTimer},
    interval::Interval,
    timer_type::TimerType,
};
