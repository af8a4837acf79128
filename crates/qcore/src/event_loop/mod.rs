//! The event loop.
//!
//! Each thread has one [`Dispatcher`], which is created at first use. The application, event loops,
//! timers and sockets are built on it. The dispatcher knows none of them: it delivers posted calls,
//! and it calls event sources and timer handlers through traits. It works in turns:
//!
//! ```text
//! ┌─► posted calls ─► poll ─► ready sources ─► writers ─► due timers ─► tasks ─► early writers ─┐
//! └─────────────────────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! * **Posted calls** are queued slots, events, calls of [`Poster::post`], and deletions requested
//!   by `delete_later`. Items posted during this step wait for the next turn.
//! * **Poll** asks the operating system which sources are ready. It waits for one only if the loop
//!   has nothing else to do.
//! * **Sources** are the registered sockets and listeners. A source that has used up its share of
//!   the turn goes to the end of the queue.
//! * **Writers** are sockets with data that was written before the poll of this turn. Data that a
//!   slot writes after the poll goes out in the next turn, all at once. A socket whose
//!   `bytes_written` signal has no slots is an *early* writer: the loop sends its data at the end
//!   of the turn in which it was written, unless calls are posted that must run before.
//! * **Timers** that are due fire in the order of their due times, each at most once. If none was
//!   due when the loop polled, the step is left out: a timer that a source starts waits for the
//!   next turn, in which the data that the source wrote goes out first.
//! * **Tasks** that are ready are polled in the order in which they became ready, at most 256 in
//!   one turn. The data that they write goes out in the same turn. The feature `tasks` adds this
//!   step.
//!
//! Each call of user code by the loop is a *delivery*. A slot may run a nested loop. The nested
//! loop continues with the same queues, so that nothing is handled twice and nothing is lost.

mod dispatcher;
mod due_queue;
mod flags;
mod hand_over;
mod inbox;
mod lodging;
mod parcel;
mod poll;
mod posted;
mod poster;
mod registration;
mod run;
mod running;
#[cfg(feature = "simulation")]
pub(crate) mod simulated;
mod source;
#[cfg(feature = "tasks")]
pub(crate) mod tasks;
mod timers;
mod turn;

#[cfg(feature = "simulation")]
#[doc(hidden)]
pub use self::simulated::{SimulatedPoll, Woken};
pub use self::{
    dispatcher::Dispatcher,
    flags::ProcessEventsFlags,
    poster::{PostError, PostErrorKind, Poster},
    registration::Registration,
    running::{run_for, wait_until},
    source::{EventSource, Readiness},
    timers::{TimerHandler, TimerId},
};
pub(crate) use self::{
    inbox::{Inbox, Message},
    lodging::Lodging,
    parcel::{Parcel, Values},
    posted::{Deliver, Preparation, Which},
    run::{Locks, Run},
};
#[cfg(feature = "tasks")]
pub(crate) use self::{
    running::{Root, RootEnd},
    tasks::{Job, Joined, Payload, Shared, TaskKey, Tasks, proceed},
};
