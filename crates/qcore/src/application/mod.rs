//! The application and nested event loops.
//!
//! [`QCoreApplication`] runs the event loop of its thread, and sends and posts events. A
//! [`QEventLoop`] can run inside a slot. A [`QEventLoopLocker`] keeps the application or an event
//! loop running while there is work. A [`QSocketNotifier`] watches a file descriptor, a
//! `UnixSignalNotifier` the signals of the operating system.

mod events;
mod identity;
mod locker;
mod nested;
mod panic_policy;
mod process;
#[cfg(unix)]
mod socket_notifier;
#[cfg(all(unix, feature = "unix-signals"))]
mod unix_signal;

use std::{
    cell::{Cell, RefCell},
    fmt,
    rc::{Rc, Weak},
};

use self::process::Primary;
#[cfg(unix)]
pub use self::socket_notifier::{NotifierType, QSocketNotifier, SocketNotifierNode};
#[cfg(all(unix, feature = "unix-signals"))]
pub use self::unix_signal::{UnixSignal, UnixSignalNotifier, UnixSignalNotifierNode};
pub use self::{
    locker::QEventLoopLocker,
    nested::{EventLoopNode, QEventLoop},
};
use crate::{
    classes::{Handle, Life, Node, Object, Objects},
    event::{EventType, QEvent},
    event_loop::{Dispatcher, ProcessEventsFlags, Run, Which},
    object::QObject,
    signal::Signal,
    thread_pool,
    time::QDeadlineTimer,
};

crate::library_class! {
    /// The application: runs the event loop of its thread until `quit` or `exit` is called.
    ///
    /// A program creates one application in its main thread.
    /// [`instance`](QCoreApplication::instance) returns it in every thread.
    /// [`quit`](QCoreApplication::quit) and [`exit`](QCoreApplication::exit) end its `exec()` from
    /// every thread. Stands for Qt's
    /// [QCoreApplication](https://doc.qt.io/qt-5/qcoreapplication.html), whose static functions are
    /// methods here.
    ///
    /// Unlike in Qt, another thread may create an application of its own with
    /// [`new`](QCoreApplication::new). Tests need this, because Rust runs tests in several threads
    /// at the same time.
    ///
    /// # Examples
    ///
    /// ```
    /// use qcore::{QCoreApplication, QTimer};
    ///
    /// let app = QCoreApplication::new();
    /// QTimer::single_shot(10, || QCoreApplication::instance().exit(3));
    /// assert_eq!(app.exec(), 3);
    /// ```
    ///
    /// Another thread ends the program:
    ///
    /// ```
    /// use qcore::QCoreApplication;
    ///
    /// let app = QCoreApplication::new();
    /// let worker = std::thread::spawn(|| QCoreApplication::instance().exit(4));
    /// assert_eq!(app.exec(), 4);
    /// worker.join().unwrap();
    /// ```
    pub struct QCoreApplication(CoreApplicationNode): QObject = base
}

/// The signals of a [`QCoreApplication`].
pub struct CoreApplicationNode {
    /// Emitted when [`exec`](QCoreApplication::exec) is about to return. The event loop has ended
    /// by then. Connect to this signal to clean up.
    #[doc(alias = "aboutToQuit")]
    pub about_to_quit: Signal<()>,
    /// Emitted when the name of the application has changed.
    #[doc(alias = "applicationNameChanged")]
    pub application_name_changed: Signal<()>,
    /// Emitted when the version of the application has changed.
    #[doc(alias = "applicationVersionChanged")]
    pub application_version_changed: Signal<()>,
    /// Emitted when the name of the organization has changed.
    #[doc(alias = "organizationNameChanged")]
    pub organization_name_changed: Signal<()>,
    /// Emitted when the internet domain of the organization has changed.
    #[doc(alias = "organizationDomainChanged")]
    pub organization_domain_changed: Signal<()>,
    base: QObject,
    run: Rc<Run>,
    /// Whether this object only represents the application of the process, which lives in another
    /// thread.
    is_remote: bool,
    /// The notifier of `quit_on_ctrl_c`.
    #[cfg(all(unix, feature = "unix-signals"))]
    ctrl_c: RefCell<Option<UnixSignalNotifier>>,
}

/// The application of a thread.
#[derive(Default)]
struct Current {
    node: RefCell<Weak<CoreApplicationNode>>,
    /// Whether the thread's application is ending or has ended.
    closing_down: Cell<bool>,
}

impl Node for CoreApplicationNode {
    fn life(&self) -> &Rc<Life> {
        Object::life(&self.base)
    }

    fn destructor(&self) {
        #[cfg(all(unix, feature = "unix-signals"))]
        {
            let notifier = self.ctrl_c.take();
            drop(notifier);
        }
        if self.is_remote {
            return;
        }
        let dispatcher = self.life().dispatcher();
        dispatcher.local::<Current>().closing_down.set(true);
        Objects::of(dispatcher).forget_application_filters();
        if let Ok(poster) = dispatcher.poster()
            && process::release(&poster, self.life().id())
        {
            thread_pool::wait_for_global();
        }
    }

    fn event(&self, event: &QEvent) -> bool {
        let quits = event.event_type() == EventType::QUIT;
        if quits {
            self.exit(0);
        }
        quits
    }
}

impl CoreApplicationNode {
    fn exit(&self, code: i32) {
        if self.is_remote {
            process::tell(move |app| app.exit(code));
        } else {
            self.life().dispatcher().exit_all(code);
        }
    }

    /// Registers the application in the process, so that other threads find it.
    ///
    /// Other threads wake the loop through a file descriptor. If the process has none left, this
    /// function registers nothing, and the next call tries again.
    fn claim(&self) {
        let life = self.life();
        if let Ok(poster) = life.dispatcher().poster() {
            let (locks, object) = (self.run.locks().clone(), life.id());
            process::claim(Primary { poster, locks, object });
        }
    }
}

impl QCoreApplication {
    /// Returns the application of this thread, and creates it if there is none.
    ///
    /// The first application becomes that of the process, which
    /// [`instance`](QCoreApplication::instance) returns in other threads.
    #[must_use]
    #[allow(clippy::new_without_default)] // it may return the existing application
    pub fn new() -> Self {
        let dispatcher = Dispatcher::current();
        match Self::existing(&dispatcher) {
            Some(app) if !app.is_remote => app,
            _ => Self::make(&dispatcher, false),
        }
    }

    /// Returns the application of this thread or, if the thread has none, that of the process. If
    /// there is neither, or if the thread's own application has ended, the function creates one in
    /// this thread.
    ///
    /// The application of the process belongs to the thread that created it. In another thread the
    /// function returns a local object that represents the application:
    ///
    /// * `exit`, `quit`, `shutdown`, the setters of names, and a [`QEventLoopLocker`] act on the
    ///   application itself, in its own thread;
    /// * `process_events` handles the events of the calling thread, as in Qt;
    /// * `exec` returns -1 and logs a warning, as in Qt. A [`QEventLoop`] runs in any thread;
    /// * its signals are never emitted. Connect to the signals of the application in the
    ///   application's own thread.
    #[must_use]
    pub fn instance() -> Self {
        let dispatcher = Dispatcher::current();
        let existing = Self::existing(&dispatcher);
        match existing {
            Some(app) if !app.is_remote => app,
            // A thread whose own application has ended gets another one of its own.
            existing if !is_closing_down(&dispatcher) && process::application().is_some() => {
                existing.unwrap_or_else(|| Self::make(&dispatcher, true))
            }
            _ => Self::make(&dispatcher, false),
        }
    }

    fn existing(dispatcher: &Rc<Dispatcher>) -> Option<Self> {
        let existing = dispatcher.local::<Current>().node.borrow().upgrade();
        existing.filter(|node| !node.life().is_dead()).map(QCoreApplication::from_node)
    }

    fn make(dispatcher: &Rc<Dispatcher>, is_remote: bool) -> Self {
        let life = Life::new();
        let node = Rc::new(CoreApplicationNode {
            about_to_quit: Signal::in_life(&life),
            application_name_changed: Signal::in_life(&life),
            application_version_changed: Signal::in_life(&life),
            organization_name_changed: Signal::in_life(&life),
            organization_domain_changed: Signal::in_life(&life),
            base: QObject::embed(&life),
            run: Rc::default(),
            is_remote,
            #[cfg(all(unix, feature = "unix-signals"))]
            ctrl_c: RefCell::default(),
        });
        let current = dispatcher.local::<Current>();
        *current.node.borrow_mut() = Rc::downgrade(&node);
        current.closing_down.set(false);
        Objects::of(dispatcher).set_application(&life);
        dispatcher.note_loop();
        if !is_remote {
            node.claim();
        }
        QCoreApplication(Handle::new(node))
    }

    /// Returns the application of the process if this object only represents it.
    fn remote(&self) -> Option<Primary> {
        if self.is_remote { process::application() } else { None }
    }

    /// Runs the event loop until [`exit`](QCoreApplication::exit) or
    /// [`quit`](QCoreApplication::quit) is called, and returns the exit code.
    ///
    /// Data that was written to sockets in the same turn as the call of
    /// [`exit`](QCoreApplication::exit) is still unsent when `exec` returns. It is sent when an
    /// event loop runs again in this thread.
    ///
    /// An `exit` before this call has no effect. If an event loop is already running in this
    /// thread, the function returns -1 immediately and logs a warning. It may be called again after
    /// it has returned, and also after the panic of a slot has unwound through it.
    pub fn exec(&self) -> i32 {
        if self.is_remote {
            crate::q_warning!("QCoreApplication::exec: Must be called from the main thread");
            return -1;
        }
        self.claim();
        let dispatcher = self.dispatcher();
        if dispatcher.is_running() {
            crate::q_warning!("QCoreApplication::exec: The event loop is already running");
            return -1;
        }
        let code = {
            // The guard resets the flag even if the panic of a slot ends the loop.
            struct Forget<'a>(&'a Dispatcher);
            impl Drop for Forget<'_> {
                fn drop(&mut self) {
                    self.0.forget_exit();
                }
            }
            dispatcher.forget_exit();
            let _forget = Forget(dispatcher);
            dispatcher.exec(&self.run)
        };
        self.about_to_quit.emit(());
        // Carries out the deletions that the loop has left.
        let deletions = Some(EventType::DEFERRED_DELETE.raw());
        dispatcher.send_posted(&Which::new(None, deletions));
        code
    }

    /// Ends all event loops of the application's thread with an exit code, as soon as control
    /// returns to them. By convention 0 means success. Every thread may call this function. A call
    /// from a thread other than the application's takes effect in the next turn of the
    /// application's loop.
    ///
    /// As in Qt, data that is written to sockets in the same turn, for example in the slot that
    /// calls this function, is not sent: the next turn would send it. If the program ends, the data
    /// is lost, and the peer sees an orderly end of the stream. To send the data first, quit in a
    /// slot of the socket's `disconnected`, or call
    /// [`wait_for_bytes_written`](crate::QIODevice::wait_for_bytes_written).
    ///
    /// After this call no [`QEventLoop`] starts in that thread: its `exec` returns -1. Loops can
    /// start again when the application's own `exec` returns or, if it was not running, when it is
    /// called.
    pub fn exit(&self, code: i32) {
        self.0.exit(code);
    }

    /// Ends the event loops with exit code 0; the same as [`exit(0)`](QCoreApplication::exit). Data
    /// that was written to sockets in the same turn is not sent.
    pub fn quit(&self) {
        self.exit(0);
    }

    /// Returns whether an application quits when its last [`QEventLoopLocker`] is dropped. The
    /// default is `true`.
    #[doc(alias = "isQuitLockEnabled")]
    #[must_use]
    pub fn is_quit_lock_enabled() -> bool {
        locker::is_quit_lock_enabled()
    }

    /// Sets whether an application quits when its last [`QEventLoopLocker`] is dropped.
    ///
    /// The setting holds for the whole process. It is read at the moment when the last locker is
    /// dropped. It has no effect on the lockers of a [`QEventLoop`].
    ///
    /// ```
    /// use qcore::QCoreApplication;
    ///
    /// assert!(QCoreApplication::is_quit_lock_enabled());
    /// QCoreApplication::set_quit_lock_enabled(false);
    /// assert!(!QCoreApplication::is_quit_lock_enabled());
    /// # QCoreApplication::set_quit_lock_enabled(true);
    /// ```
    #[doc(alias = "setQuitLockEnabled")]
    pub fn set_quit_lock_enabled(enabled: bool) {
        locker::set_quit_lock_enabled(enabled);
    }

    /// Destroys the application object even if there are handles to it, and ends all event loops of
    /// its thread. The next call of [`instance()`](QCoreApplication::instance) in that thread
    /// creates another application.
    ///
    /// This is seldom needed: dropping the last handle destroys the application, too.
    pub fn shutdown(&self) {
        if self.is_remote {
            return process::tell(QCoreApplication::shutdown);
        }
        // The object to be destroyed may own the user's last handle.
        let keep = self.clone();
        keep.quit();
        Object::life(&keep).destroy();
    }

    /// Returns whether there is no application yet, neither of this thread nor of the process. This
    /// is also the case after the application has ended.
    ///
    /// ```
    /// use qcore::QCoreApplication;
    ///
    /// assert!(QCoreApplication::starting_up());
    /// let app = QCoreApplication::new();
    /// assert!(!QCoreApplication::starting_up());
    /// drop(app);
    /// assert!(QCoreApplication::starting_up());
    /// ```
    #[doc(alias = "startingUp")]
    #[must_use]
    pub fn starting_up() -> bool {
        let own = Dispatcher::existing().and_then(|dispatcher| Self::existing(&dispatcher));
        own.is_none() && process::application().is_none()
    }

    /// Returns whether the application of this thread is ending or has ended, and the thread has no
    /// new application yet.
    ///
    /// ```
    /// use qcore::QCoreApplication;
    ///
    /// let app = QCoreApplication::new();
    /// assert!(!QCoreApplication::closing_down());
    /// app.destroyed.connect(|_| assert!(QCoreApplication::closing_down()));
    /// drop(app);
    /// assert!(QCoreApplication::closing_down());
    /// ```
    #[doc(alias = "closingDown")]
    #[must_use]
    pub fn closing_down() -> bool {
        Dispatcher::existing().is_some_and(|dispatcher| is_closing_down(&dispatcher))
    }

    /// Returns whether [`process_events`](QCoreApplication::process_events) would handle anything
    /// in this thread: something posted, a timer that is due, a socket that is ready, or written
    /// data that is still to be sent.
    ///
    /// Qt's function is obsolete: it also returns `true` when there is nothing to handle.
    ///
    /// ```
    /// use qcore::{EventType, QCoreApplication, QEvent, QObject};
    ///
    /// let app = QCoreApplication::new();
    /// let object = QObject::new();
    /// assert!(!QCoreApplication::has_pending_events());
    /// QCoreApplication::post_event(&object, QEvent::new(EventType::USER));
    /// assert!(QCoreApplication::has_pending_events());
    /// app.process_events();
    /// assert!(!QCoreApplication::has_pending_events());
    /// ```
    #[doc(alias = "hasPendingEvents")]
    #[must_use]
    pub fn has_pending_events() -> bool {
        Dispatcher::existing().is_some_and(|dispatcher| dispatcher.has_pending_events())
    }

    /// Handles the events that are pending, and returns whether there were any. It does not wait.
    #[doc(alias = "processEvents")]
    pub fn process_events(&self) -> bool {
        self.process_events_with_flags(ProcessEventsFlags::ALL_EVENTS)
    }

    /// Handles the pending events of the kinds that `flags` selects, and returns whether there were
    /// any. With `WAIT_FOR_MORE_EVENTS` it waits if none are pending.
    #[doc(alias = "processEvents")]
    pub fn process_events_with_flags(&self, flags: ProcessEventsFlags) -> bool {
        self.dispatcher().process_events(flags)
    }

    /// Handles events of the kinds that `flags` selects until none are pending or `deadline` has
    /// passed.
    ///
    /// The function runs at least one turn of the loop. Events that are pending after the deadline
    /// stay for the event loop. The function never waits: `WAIT_FOR_MORE_EVENTS` has no effect. The
    /// limit is in real time, even while a [`VirtualClock`](crate::VirtualClock) is installed. With
    /// -1 there is no limit. In Qt, -1 means one turn.
    #[doc(alias = "processEvents")]
    pub fn process_events_for(
        &self,
        flags: ProcessEventsFlags,
        deadline: impl Into<QDeadlineTimer>,
    ) {
        self.dispatcher().process_events_for(flags, deadline.into());
    }

    /// Makes the application quit when the process receives SIGINT (Ctrl-C) or SIGTERM.
    /// [`exec`](Self::exec) then returns 0.
    ///
    /// A second SIGINT ends the process at once, in case the event loop is not running. When the
    /// application object dies, the signals end the process again. A program that has more to do
    /// before it ends uses a [`UnixSignalNotifier`], as this function does.
    ///
    /// # Errors
    ///
    /// The error of the operating system, for example if the process has too few file descriptors
    /// left.
    #[cfg(all(unix, feature = "unix-signals"))]
    pub fn quit_on_ctrl_c(&self) -> std::io::Result<()> {
        if self.is_deleted() || self.ctrl_c.borrow().is_some() {
            return Ok(());
        }
        let notifier = UnixSignalNotifier::try_new([UnixSignal::Interrupt, UnixSignal::Terminate])?;
        notifier.end_on_second(UnixSignal::Interrupt)?;
        notifier.activated.connect_to(self, |app, _| app.quit());
        self.ctrl_c.replace(Some(notifier));
        Ok(())
    }

    fn run(&self) -> &Rc<Run> {
        &self.run
    }

    fn dispatcher(&self) -> &Rc<Dispatcher> {
        Object::life(self).dispatcher()
    }
}

impl fmt::Debug for CoreApplicationNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CoreApplicationNode").field("run", &self.run).finish_non_exhaustive()
    }
}

fn is_closing_down(dispatcher: &Dispatcher) -> bool {
    dispatcher.local::<Current>().closing_down.get()
}
