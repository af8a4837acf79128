//! The event loop.
//!
//! Each thread has one [`Dispatcher`], made when it is first needed. The application, event loops,
//! timers and sockets are built on it, and it knows none of them: it delivers what was posted,
//! calls sources and timers, and all of these are traits to it. It works in turns:
//!
//! ```text
//!   ┌─► posted calls ─► poll ─► sources that are ready ─► writers ─► due timers ─► early writers ─┐
//!   └─────────────────────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! * **Posted calls**: queued slots, events, [`Poster::post`], `delete_later`. Those that are
//!   posted meanwhile wait for the next turn.
//! * **Poll** waits for the operating system, but not if there is anything left to do.
//! * **Sources** are what is registered with it: sockets, listeners. One that has more to do than
//!   its share goes to the end of the queue.
//! * **Writers** are sockets with data to write from before this turn's poll, so that what a slot
//!   writes goes out in the next turn, as a whole. A socket that nobody watches for it is an
//!   *early* writer and is served at the end of the turn in which it was written to.
//! * **Timers** that are due fire by their due time, each at most once.
//!
//! Everything that calls a slot is a *delivery*. A slot may run a loop of its own; that one goes on
//! with the queues as they are, so that nothing is handled twice and nothing is lost.

mod dispatcher;
mod flags;
mod poll;
mod posted;
mod poster;
mod registration;
mod run;
mod running;
mod source;
mod timers;
mod turn;

pub use self::{
    dispatcher::Dispatcher,
    flags::ProcessEventsFlags,
    poster::{PostError, PostErrorKind, Poster},
    registration::Registration,
    running::wait_until,
    source::{EventSource, Readiness},
    timers::{TimerHandler, TimerId},
};
pub(crate) use self::{
    posted::{Deliver, Which},
    run::{Locks, Run},
};
