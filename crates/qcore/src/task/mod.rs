//! Tasks: `async` code on the event loop.
//!
//! [`spawn_local`] starts a task. Its future runs on the event loop of this thread, between slots,
//! and may use everything that belongs to the thread: objects, `Rc`s, signals. Slots and tasks use
//! the same objects. [`spawn_for`] starts a task that an object owns and that dies with the object.
//! [`block_on`] runs the loop until a future is done.
//!
//! ```
//! use qcore::{QCoreApplication, Signal, spawn_local, task::sleep};
//! use std::rc::Rc;
//!
//! let app = QCoreApplication::new();
//! let said = Rc::new(Signal::<&str>::new());
//! said.connect(|word| println!("{word}"));
//! let done = app.clone();
//! spawn_local(async move {
//!     for word in ["ready", "steady", "go"] {
//!         said.emit(word);
//!         sleep(1).await;
//!     }
//!     done.quit();
//! });
//! app.exec();
//! ```
//!
//! # When tasks run
//!
//! A task runs in a step of the loop's turn, after the sources and the timers, see [the module of
//! the loop](crate::event_loop). It never runs inside [`emit`](crate::Signal::emit) or inside
//! another task. The loop polls ready tasks in the order in which they became ready, at most 256 in
//! one turn. A task that wakes itself while it runs is ready again in the next turn. So a task
//! delays sockets and timers only if it computes for a long time without an `.await`.
//!
//! A slot or a task may run a nested loop. The nested loop runs the same tasks, except for tasks
//! that have started a nested loop themselves.
//!
//! # The end of a task
//!
//! A task ends when its future is done, when it is [aborted](JoinHandle::abort), when its owner
//! dies, and when its thread ends. The thread drops its remaining tasks in the order in which they
//! were spawned. The end of [`exec`](crate::QCoreApplication::exec) ends no task: the next `exec`
//! continues the tasks.
//!
//! An aborted task is never polled again. The loop drops its future at once. If the task is running
//! at that moment, the loop drops its future when the task next awaits something.
//!
//! # Panics
//!
//! If a task panics, its [`JoinHandle`] returns an error. If the handle was dropped, the
//! [`PanicPolicy`](crate::PanicPolicy) decides, as for a slot.

mod blocking;
mod error;
mod handle;
mod job;
mod time;

pub use self::{
    blocking::block_on,
    error::{
        BlockOnError, BlockOnErrorKind, JoinError, JoinErrorKind, TimeoutError, TimeoutErrorKind,
    },
    handle::{JoinHandle, ScopedTask, spawn_for, spawn_local},
    time::{Sleep, Ticks, Timeout, interval, sleep, sleep_until, timeout, yield_now},
};
