//! Threads with an event loop.
//!
//! A [`QThread`] starts a thread of the operating system, which runs an event loop. Objects do not
//! move between threads: [`build`](QThread::build) makes an object in the new thread and returns a
//! [`Remote`], through which the other threads call and connect it.
//!
//! ```text
//!   thread of the owner                      the new thread
//!   QThread ── start() ────────────────────► objects made by build()
//!   started  ◄────────── queued ──────────── started
//!   Remote   ── post(), call(), signals ───► exec(), or the function of create()
//!   finished ◄────────── queued ──────────── finished
//!                                            deferred deletions, death of the objects
//!   wait() returns ◄──────────────────────── end of the thread
//! ```
//!
//! A `QThread` belongs to the thread that created it. In the new thread,
//! [`QThread::current_thread`] returns another object that stands for the same thread.

mod control;
pub(crate) mod current;
mod priority;
mod run;

use std::{
    cell::{Cell, RefCell},
    fmt, io,
    rc::Rc,
    sync::Arc,
    thread::JoinHandle,
};

use self::{
    control::{Builder, Control, Stage},
    run::Start,
};
pub use self::{
    control::{ThreadPanic, ThreadResult},
    priority::ThreadPriority,
};
#[cfg(feature = "tasks")]
use crate::signal::until::until;
use crate::{
    classes::{Handle, Life, Node, Object},
    event_loop::{Dispatcher, Inbox, Message, Poster, Preparation, Run},
    object::QObject,
    signal::{Receiver, Remote, Signal, Spreading},
    time::QDeadlineTimer,
};

/// How long the destructor of a running thread's `QThread` waits for the thread, in milliseconds.
const PATIENCE: i32 = 5000;

crate::library_class! {
    /// A thread with an event loop.
    ///
    /// The object belongs to the thread that created it, and controls the thread that it starts.
    /// Stands for Qt's [QThread](https://doc.qt.io/qt-5/qthread.html).
    ///
    /// Where a Qt program moves an object into a thread, [`build`](QThread::build) makes the object
    /// there and returns a [`Remote`]:
    ///
    /// ```
    /// use qcore::{QCoreApplication, QObject, QThread, Signal, class};
    ///
    /// class! {
    ///     /// Adds up numbers in its thread.
    ///     pub struct Worker: QObject {
    ///         pub done: Signal<i32>,
    ///     }
    /// }
    ///
    /// impl Worker {
    ///     fn new() -> Self {
    ///         Self::derive(QObject::new())
    ///     }
    ///
    ///     fn add_up(&self, numbers: &[i32]) {
    ///         self.done.emit(numbers.iter().sum());
    ///     }
    /// }
    ///
    /// let (app, thread, requested) = (QCoreApplication::new(), QThread::new(), Signal::new());
    /// let worker = thread.build(Worker::new);
    /// requested.connect_slot(&worker, Worker::add_up);
    /// worker.signal(|worker| &worker.done).connect_slot(&app, QCoreApplication::exit);
    /// thread.start()?;
    /// requested.emit(vec![1, 2, 3]);
    /// assert_eq!(app.exec(), 6);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// Where a Qt program overrides `run()`, [`create`](QThread::create) takes a function. A class
    /// of your own derives from such a thread: `Self::derive(QThread::create(..))`. The function
    /// runs in the new thread, and so gets no `&self`.
    ///
    /// # The end of a thread
    ///
    /// When the event loop or the function has returned, or a panic has unwound out of it, the
    /// thread does the following:
    ///
    /// 1. It emits [`finished`](ThreadNode::finished).
    /// 2. It carries out the deletions that [`delete_later`](QObject::delete_later) has requested.
    /// 3. It drops the objects that it has built, the newest first, then everything else that its
    ///    event loop holds. Calls that are still queued are dropped. From here on its [`Remote`]s
    ///    return errors.
    /// 4. It destroys its thread-local variables, and ends. [`wait`](QThread::wait) returns.
    ///
    /// If the `QThread` dies while its thread is running, its destructor requests an interruption,
    /// tells the event loop to quit, and waits up to 5 seconds for the thread. Calls of the thread
    /// into the event loop of the destructor's thread fail meanwhile. If the thread has not ended
    /// by then, the destructor logs a warning and leaves the thread running. Qt ends the program.
    pub struct QThread(ThreadNode): QObject = base
}

/// The signals of a [`QThread`].
///
/// Slots of [`Remote`] receivers in the new thread are called by that thread itself, when the
/// signal is emitted. All other slots are queued.
pub struct ThreadNode {
    /// Emitted when the thread has started, before it runs its event loop.
    pub started: Signal<()>,
    /// Emitted when the thread is about to end, with its exit code or its panic. At that time
    /// [`is_finished`](QThread::is_finished) returns `true`.
    pub finished: Signal<ThreadResult>,
    base: QObject,
    control: Arc<Control>,
    side: Side,
}

/// Whether the object is in the thread that created it or in the thread that it stands for.
enum Side {
    /// It belongs to the thread that created it.
    Owner {
        stack_size: Cell<usize>,
        handle: RefCell<Option<JoinHandle<()>>>,
        /// Whether the thread runs a function, which can be called only once.
        is_once: bool,
        _spreading: (Spreading, Spreading),
    },
    /// It is what `current_thread()` returns.
    Inside {
        /// The exit code for the next event loop.
        exit: Cell<Option<i32>>,
        /// Whether a `QThread` has started the thread.
        is_started: bool,
    },
}

impl Node for ThreadNode {
    fn life(&self) -> &Rc<Life> {
        Object::life(&self.base)
    }

    fn destructor(&self) {
        let Side::Owner { handle, .. } = &self.side else { return };
        if matches!(self.control.stage(), Stage::Running | Stage::Finishing) {
            self.control.request_interruption();
            self.exit_from_outside(0);
            let deadline: QDeadlineTimer = PATIENCE.into();
            let here = self.life().dispatcher().inbox();
            if !self.control.wait_without_calls(here, deadline.remaining_time()) {
                crate::q_warning!("QThread: Destroyed while thread is still running");
                return;
            }
        }
        join(handle);
        self.control.abandon();
    }
}

impl ThreadNode {
    /// Ends the event loops of the thread. The calling thread is the owner's.
    fn exit_from_outside(&self, code: i32) {
        let state = self.control.state();
        if state.stage != Stage::Running {
            return;
        }
        let inbox = state.inbox.clone();
        drop(state);
        let exit = move || QThread::current_thread().exit(code);
        // If the loop has ended, there is nothing to quit.
        let _ = inbox.send(Message::Call(Box::new(exit)));
    }
}

/// Waits until the operating system's thread has ended. It has reported its end already.
fn join(handle: &RefCell<Option<JoinHandle<()>>>) {
    let handle = handle.take();
    if let Some(handle) = handle {
        // The thread catches its panics.
        let _ = handle.join();
    }
}

impl QThread {
    /// Creates a thread that is not running. When it is [started](QThread::start), it runs an event
    /// loop.
    #[must_use]
    #[allow(clippy::new_without_default)] // `new` creates an object, not a value
    pub fn new() -> Self {
        Self::make(None)
    }

    /// Creates a thread that is not running. When it is [started](QThread::start), it calls `run`
    /// instead of running its event loop.
    ///
    /// `run` may run the event loop with `QThread::current_thread().exec()`. Objects that were
    /// [built](QThread::build) before the start exist when `run` is called. Their calls and queued
    /// slots need an event loop. The thread can be started only once.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use qcore::QThread;
    ///
    /// let (sender, receiver) = mpsc::channel();
    /// let thread = QThread::create(move || {
    ///     while !QThread::current_thread().is_interruption_requested() {
    ///         sender.send(1).unwrap();
    ///         QThread::msleep(1);
    ///     }
    /// });
    /// thread.start()?;
    /// receiver.recv().unwrap();
    /// thread.request_interruption();
    /// assert!(thread.wait(5000));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "run")]
    #[must_use]
    pub fn create(run: impl FnOnce() + Send + 'static) -> Self {
        Self::make(Some(Box::new(run)))
    }

    fn make(function: Option<Builder>) -> Self {
        let life = Life::new();
        let (started, finished) = (Signal::in_life(&life), Signal::in_life(&life));
        let ((all_started, first), (all_finished, second)) = (started.spread(), finished.spread());
        let (spreads, is_once) = (Some((all_started, all_finished)), function.is_some());
        QThread(Handle::new(Rc::new(ThreadNode {
            started,
            finished,
            base: QObject::embed(&life),
            control: Control::new(Stage::Idle, Inbox::new(), function, spreads),
            side: Side::Owner {
                stack_size: Cell::new(0),
                handle: RefCell::new(None),
                is_once,
                _spreading: (first, second),
            },
        })))
    }

    // ---- objects of the thread

    /// Makes an object, or an `Rc` of anything, in the thread, and returns a handle to it.
    ///
    /// The object need not be `Send`: `make` runs in the thread. If the thread is not running,
    /// `make` runs as soon as it starts, before [`started`](ThreadNode::started) is emitted.
    /// Otherwise the library queues `make` like a call.
    ///
    /// The handle can be used at once. Calls and connections wait for the object. When the thread
    /// starts, it first makes the objects and then the connections. Then it emits `started`, and
    /// after that it makes the calls. So a slot receives what the object emits in a slot of
    /// `started`. It does not receive what `make` itself emits, because no connection exists before
    /// the object does.
    ///
    /// The thread keeps the object until the thread ends or until
    /// [`delete_later`](QObject::delete_later) deletes the object. An `Rc` lives as long as the
    /// thread.
    ///
    /// If `make` panics, the thread ends with that panic. With
    /// [`PanicPolicy::Report`](crate::PanicPolicy::Report), a running thread continues without the
    /// object, and the handle returns [`TargetDied`](crate::event_loop::PostErrorKind::TargetDied).
    ///
    /// If the thread is not running, a [`call`](Remote::call) waits for its start. So a program
    /// that calls from the thread of the `QThread` before [`start`](QThread::start) waits for ever.
    /// Use [`post`](Remote::post) there.
    #[doc(alias = "moveToThread")]
    pub fn build<R: Receiver>(&self, make: impl FnOnce() -> R + Send + 'static) -> Remote<R> {
        if self.is_deleted() {
            return Remote::reserve(Inbox::closed());
        }
        let mut state = self.control.state();
        let remote = Remote::reserve(state.inbox.clone());
        let place = remote.clone();
        let builder: Builder = Box::new(move || run::build(place, make));
        if state.stage == Stage::Running {
            let inbox = state.inbox.clone();
            drop(state);
            // If the loop has ended meanwhile, there is no object to be made.
            let _ = inbox.send(Message::Delivery(Preparation::new(builder)));
        } else {
            state.builders.push(builder);
        }
        remote
    }

    /// Returns a handle to the thread's event loop: the one that is running or, if the thread is
    /// not running, the one of its next start.
    #[must_use]
    pub fn poster(&self) -> Poster {
        Poster::new(self.control.state().inbox.clone())
    }

    // ---- running

    /// Starts the thread. Does nothing if it is running. A thread that has finished can be started
    /// again, and has a new event loop then. If the thread is about to end, the function waits
    /// until its objects are dead. Their calls into the event loop of the calling thread fail
    /// meanwhile.
    ///
    /// The thread's name for the operating system is the
    /// [`object_name`](QObject::object_name), or `QThread` if the object has none. Linux shows its
    /// first 15 bytes.
    ///
    /// # Errors
    ///
    /// The error of the operating system if it cannot create the thread,
    /// [`Unsupported`](io::ErrorKind::Unsupported) if a thread of [`create`](QThread::create) is
    /// started again, and [`NotConnected`](io::ErrorKind::NotConnected) if the `QThread` is dead.
    pub fn start(&self) -> io::Result<()> {
        self.start_with_priority(ThreadPriority::Inherit)
    }

    /// Starts the thread as [`start`](QThread::start) does, with a priority.
    ///
    /// # Errors
    ///
    /// The same as [`start`](QThread::start).
    #[doc(alias = "start")]
    pub fn start_with_priority(&self, priority: ThreadPriority) -> io::Result<()> {
        let Side::Owner { stack_size, handle, is_once, .. } = &self.side else { return Ok(()) };
        if self.is_deleted() {
            return Err(io::Error::new(io::ErrorKind::NotConnected, "the QThread is dead"));
        }
        if self.control.stage() == Stage::Finishing {
            self.control.wait_without_calls(Object::life(self).dispatcher().inbox(), None);
        }
        let name: String = match self.object_name() {
            name if name.is_empty() => "QThread".to_owned(),
            name => name.replace('\0', ""),
        };
        join(&RefCell::new(if self.is_running() { None } else { handle.take() }));
        let Some(start) = Start::new(&self.control, Remote::of(self), priority, !*is_once)? else {
            return Ok(());
        };
        let mut builder = std::thread::Builder::new().name(name);
        if stack_size.get() > 0 {
            builder = builder.stack_size(stack_size.get());
        }
        match start.spawn(builder) {
            Ok(started) => {
                let before = handle.replace(Some(started));
                drop(before);
                Ok(())
            }
            Err(error) => {
                crate::q_warning!("QThread::start: Thread creation error: {error}");
                Err(error)
            }
        }
    }

    /// Runs the event loop of the thread until [`exit`](QThread::exit) or [`quit`](QThread::quit)
    /// is called, and returns the exit code. Call this function in the thread itself, on the object
    /// that [`current_thread`](QThread::current_thread) returns.
    ///
    /// If `exit` was called since the thread was started, or since `exec` last returned, the
    /// function returns that code without waiting for events.
    ///
    /// Returns -1 and logs a warning if the calling thread is another one.
    pub fn exec(&self) -> i32 {
        let Side::Inside { exit, .. } = &self.side else {
            crate::q_warning!("QThread::exec: Must be called from the thread itself");
            return -1;
        };
        let dispatcher = Object::life(self).dispatcher();
        dispatcher.forget_exit();
        if let Some(code) = exit.take() {
            return code;
        }
        let code = dispatcher.exec(&Rc::<Run>::default());
        exit.set(None);
        code
    }

    /// Ends all event loops of the thread with an exit code. By convention 0 means success.
    ///
    /// Does nothing if the thread is not running. If the thread is not in [`exec`](QThread::exec),
    /// the next call of `exec` returns the code immediately. So if a function of the thread runs a
    /// [`QEventLoop`](crate::QEventLoop) before `exec`, this function ends both loops. The thread
    /// first makes the calls that were posted to it before.
    pub fn exit(&self, code: i32) {
        let Side::Inside { exit, .. } = &self.side else {
            return self.exit_from_outside(code);
        };
        // The loops that are running now need not be that of the thread: its objects and functions
        // may run loops of their own before it.
        exit.set(Some(code));
        Object::life(self).dispatcher().exit_all(code);
    }

    /// Ends all event loops of the thread with the exit code 0; the same as
    /// [`exit(0)`](QThread::exit).
    pub fn quit(&self) {
        self.exit(0);
    }

    /// Blocks the calling thread until the thread has ended, or until the deadline has passed: a
    /// number of milliseconds, where -1 means for ever, or a `Duration`. Returns whether the thread
    /// has ended. Returns `true` at once if it was never started.
    ///
    /// The event loop of the calling thread does not run meanwhile. So its slots of
    /// [`finished`](ThreadNode::finished) run later, and a thread that waits for a
    /// [`call`](Remote::call) into the calling thread never ends.
    ///
    /// Returns `false` and logs a warning if the thread waits for itself.
    pub fn wait(&self, deadline: impl Into<QDeadlineTimer>) -> bool {
        let Side::Owner { handle, .. } = &self.side else {
            crate::q_warning!("QThread::wait: Thread tried to wait on itself");
            return false;
        };
        let deadline: QDeadlineTimer = deadline.into();
        let has_ended = self.control.wait(deadline.remaining_time());
        if has_ended {
            join(handle);
        }
        has_ended
    }

    /// Waits until the thread has finished, and returns how its last run has ended; `None` if there
    /// was none. Returns at once if the thread is not running. This is [`wait`](QThread::wait) for
    /// tasks: the loop of the calling thread runs meanwhile, and calls its slots.
    ///
    /// `thread.finished.next()` waits for the signal only: if the thread has already finished, it
    /// waits for ever. The thread may still be dropping its own objects; `wait(-1)` waits until it
    /// is gone. Cancel safe.
    ///
    /// # Examples
    ///
    /// ```
    /// use qcore::{QThread, block_on};
    ///
    /// let thread = QThread::create(|| println!("in the thread"));
    /// thread.start()?;
    /// assert_eq!(block_on(thread.finished()).unwrap(), Some(Ok(0)));
    /// thread.wait(-1);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[cfg(feature = "tasks")]
    pub async fn finished(&self) -> Option<ThreadResult> {
        let has_ended = || !self.is_running() || self.is_deleted();
        until(&[&self.finished], || has_ended().then(|| self.result())).await
    }

    /// Returns whether the thread is running: from [`start`](QThread::start) until its event loop
    /// or function has returned.
    #[doc(alias = "isRunning")]
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.control.stage() == Stage::Running
    }

    /// Returns whether the thread has finished: from the emission of
    /// [`finished`](ThreadNode::finished) on, until it is started again.
    #[doc(alias = "isFinished")]
    #[must_use]
    pub fn is_finished(&self) -> bool {
        matches!(self.control.stage(), Stage::Finishing | Stage::Finished)
    }

    /// Returns how the last run of the thread ended, or `None` if there was none.
    #[must_use]
    pub fn result(&self) -> Option<ThreadResult> {
        self.control.state().result.clone()
    }

    /// Asks the thread to stop its work. The thread has to call
    /// [`is_interruption_requested`](QThread::is_interruption_requested) and return. Does nothing
    /// if the thread is not running.
    #[doc(alias = "requestInterruption")]
    pub fn request_interruption(&self) {
        if let Side::Inside { is_started: false, .. } = self.side {
            crate::q_warning!("QThread::requestInterruption has no effect on the main thread");
            return;
        }
        self.control.request_interruption();
    }

    /// Returns whether [`request_interruption`](QThread::request_interruption) was called. When the
    /// thread finishes, the request is cleared.
    #[doc(alias = "isInterruptionRequested")]
    #[must_use]
    pub fn is_interruption_requested(&self) -> bool {
        self.control.is_interruption_requested()
    }

    // ---- settings

    /// Returns the priority of the running thread, or [`ThreadPriority::Inherit`].
    #[must_use]
    pub fn priority(&self) -> ThreadPriority {
        self.control.state().priority
    }

    /// Sets the priority of the running thread. If it is not running, the function logs a warning.
    #[doc(alias = "setPriority")]
    pub fn set_priority(&self, priority: ThreadPriority) {
        if priority == ThreadPriority::Inherit {
            crate::q_warning!("QThread::setPriority: Argument cannot be InheritPriority");
            return;
        }
        let mut state = self.control.state();
        if state.stage == Stage::Running {
            state.priority = priority;
            return;
        }
        drop(state);
        crate::q_warning!("QThread::setPriority: Cannot set priority, thread is not running");
    }

    /// Returns the stack size in bytes of the next start. 0, the default, means the default of
    /// Rust's standard library, 2 MiB.
    #[doc(alias = "stackSize")]
    #[must_use]
    pub fn stack_size(&self) -> usize {
        match &self.side {
            Side::Owner { stack_size, .. } => stack_size.get(),
            Side::Inside { .. } => 0,
        }
    }

    /// Sets the stack size in bytes of the next start. A thread that is running keeps its stack.
    #[doc(alias = "setStackSize")]
    pub fn set_stack_size(&self, bytes: usize) {
        if let Side::Owner { stack_size, .. } = &self.side {
            stack_size.set(bytes);
        }
    }

    /// Returns how many event loops are running in the thread, one nested in the other. Call this
    /// function in the thread itself, on the object that
    /// [`current_thread`](QThread::current_thread) returns. Any other object returns 0.
    #[doc(alias = "loopLevel")]
    #[must_use]
    pub fn loop_level(&self) -> usize {
        match &self.side {
            Side::Owner { .. } => 0,
            Side::Inside { .. } => Object::life(self).dispatcher().loop_level(),
        }
    }

    /// Returns the event loop of the thread. It cannot leave the thread: on an object other than
    /// that of [`current_thread`](QThread::current_thread) the function returns `None`.
    #[doc(alias = "eventDispatcher")]
    #[must_use]
    pub fn event_dispatcher(&self) -> Option<Rc<Dispatcher>> {
        match &self.side {
            Side::Owner { .. } => None,
            Side::Inside { .. } => Some(Object::life(self).dispatcher().clone()),
        }
    }
}

impl fmt::Debug for ThreadNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadNode").field("stage", &self.control.stage()).finish_non_exhaustive()
    }
}
