//! Time: the clock of a thread, and the types that read it.
//!
//! Each thread has one clock, which its event loop uses. The clock shows the real time and never
//! goes back. A [`VirtualClock`] can take its place. [`QElapsedTimer`] and [`QDeadlineTimer`] read
//! the same clock. [`Interval`] and [`TimerType`] determine when a timer fires.

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
