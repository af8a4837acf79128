//! The application, and loops within its loop.
//!
//! [`QCoreApplication`] runs the event loop of its thread, and sends and posts events. A
//! [`QEventLoop`] runs in a slot, a [`QEventLoopLocker`] keeps either of them running for as long
//! as there is work, and a [`QSocketNotifier`] watches a descriptor.

#[cfg(feature = "ctrl-c")]
mod ctrl_c;
mod events;
mod identity;
mod locker;
mod nested;
mod process;
#[cfg(unix)]
mod socket_notifier;

use std::{
    cell::{Cell, RefCell},
    fmt,
    rc::{Rc, Weak},
};

use self::process::Primary;
#[cfg(unix)]
pub use self::socket_notifier::{NotifierType, QSocketNotifier, SocketNotifierNode};
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
    time::QDeadlineTimer,
};

crate::class! {
    /// The application: runs the event loop of its thread, until it is told to quit.
    ///
    /// A program makes one, in its main thread. [`instance`](QCoreApplication::instance) finds it
    /// in every thread, and [`quit`](QCoreApplication::quit) and [`exit`](QCoreApplication::exit)
    /// end its `exec()` from every thread. Stands for Qt's
    /// [QCoreApplication](https://doc.qt.io/qt-5/qcoreapplication.html), whose static functions are
    /// methods here.
    ///
    /// Unlike in Qt, a further thread may make an application of its own with
    /// [`new`](QCoreApplication::new). Tests need this: Rust runs each test in its own thread,
    /// several of them at the same time.
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
    /// [`exec`](QCoreApplication::exec) is about to return. A last chance for those who have to do
    /// something before; no loop runs any more.
    #[doc(alias = "aboutToQuit")]
    pub about_to_quit: Signal<()>,
    /// The application has another name.
    #[doc(alias = "applicationNameChanged")]
    pub application_name_changed: Signal<()>,
    /// The application has another version.
    #[doc(alias = "applicationVersionChanged")]
    pub application_version_changed: Signal<()>,
    /// The organization has another name.
    #[doc(alias = "organizationNameChanged")]
    pub organization_name_changed: Signal<()>,
    /// The organization has another domain.
    #[doc(alias = "organizationDomainChanged")]
    pub organization_domain_changed: Signal<()>,
    base: QObject,
    run: Rc<Run>,
    /// It stands for the process's application, which lives in another thread.
    is_remote: bool,
}

/// The application of one thread.
#[derive(Default)]
struct Current {
    node: RefCell<Weak<CoreApplicationNode>>,
    /// It has ended.
    closing_down: Cell<bool>,
}

impl Node for CoreApplicationNode {
    fn life(&self) -> &Rc<Life> {
        Object::life(&self.base)
    }

    fn destructor(&self) {
        if self.is_remote {
            return;
        }
        let dispatcher = self.life().dispatcher();
        dispatcher.local::<Current>().closing_down.set(true);
        Objects::of(dispatcher).forget_application_filters();
        if let Ok(poster) = dispatcher.poster() {
            process::release(&poster, self.life().id());
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

    /// Lets other threads find the application. It needs descriptors: where there are none it is
    /// tried again later.
    fn claim(&self) {
        let life = self.life();
        if let Ok(poster) = life.dispatcher().poster() {
            let (locks, object) = (self.run.locks().clone(), life.id());
            process::claim(Primary { poster, locks, object });
        }
    }
}

impl QCoreApplication {
    /// The application of this thread, made now unless there is one.
    ///
    /// The first one is the process's, which other threads find by
    /// [`instance`](QCoreApplication::instance).
    #[must_use]
    #[allow(clippy::new_without_default)] // it may return what is there
    pub fn new() -> Self {
        let dispatcher = Dispatcher::current();
        match Self::existing(&dispatcher) {
            Some(app) if !app.is_remote => app,
            _ => Self::make(&dispatcher, false),
        }
    }

    /// The application: that of this thread if the thread has one, else the process's. Where there
    /// is none, or the thread's own has ended, it is made, and lives in this thread.
    ///
    /// The process's application belongs to the thread that made it. What another thread gets here
    /// is an object of that other thread's, which stands for the application:
    ///
    /// * `exit`, `quit`, `shutdown`, the setters of names, and a
    ///   [`QEventLoopLocker`] reach the application itself, in its own
    ///   thread;
    /// * `process_events` handles the events of the calling thread, as in Qt;
    /// * `exec` returns -1 with a warning, as in Qt. A [`QEventLoop`] runs in
    ///   any thread;
    /// * its signals are never emitted: connect to the application's in the application's thread.
    #[must_use]
    pub fn instance() -> Self {
        let dispatcher = Dispatcher::current();
        let existing = Self::existing(&dispatcher);
        match existing {
            Some(app) if !app.is_remote => app,
            // A thread that had an application gets another one of its own.
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

    /// The process's application, if this object only stands for it.
    fn remote(&self) -> Option<Primary> {
        if self.is_remote { process::application() } else { None }
    }

    /// Runs the event loop until [`exit`](QCoreApplication::exit) or
    /// [`quit`](QCoreApplication::quit); returns the exit code.
    ///
    /// What sockets were told to write just before [`exit`](QCoreApplication::exit) is still unsent
    /// when this returns, and goes out when a loop runs again.
    ///
    /// An `exit` from before is forgotten. Returns -1 at once, with a warning in the log, if any
    /// loop of this thread is running already. May be called again when it has returned, also after
    /// a slot's panic has come out of it.
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
            // Also if a slot's panic ends it.
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
        // The deletions that the loop has left behind.
        let deletions = Some(EventType::DEFERRED_DELETE.raw());
        dispatcher.send_posted(&Which::new(None, deletions));
        code
    }

    /// Ends all loops of the application's thread with an exit code, as soon as control is back in
    /// them. 0 is success. Every thread may call it; called from another thread than the
    /// application's, it takes effect in the next turn of the application's loop.
    ///
    /// As with Qt, what sockets have been told to write in the same turn of the loop, in the slot
    /// that calls this for example, is not sent any more: it would be in the next turn. If the
    /// program ends, it is lost, and the other end sees a clean end of the stream. To send it
    /// first, quit in a slot of the socket's `disconnected`, or wait for it with
    /// [`wait_for_bytes_written`](crate::QIODevice::wait_for_bytes_written).
    ///
    /// From then on no [`QEventLoop`] begins in that thread, its `exec` returns
    /// -1: until the application's own `exec` has returned, or is called if it was not running.
    pub fn exit(&self, code: i32) {
        self.0.exit(code);
    }

    /// [`exit(0)`](QCoreApplication::exit). What was written to sockets in the same turn is not
    /// sent.
    pub fn quit(&self) {
        self.exit(0);
    }

    /// Whether the application quits when its last [`QEventLoopLocker`] is
    /// dropped. True by default.
    #[doc(alias = "isQuitLockEnabled")]
    #[must_use]
    pub fn is_quit_lock_enabled() -> bool {
        locker::is_quit_lock_enabled()
    }

    /// Says whether applications quit when their last [`QEventLoopLocker`]
    /// is dropped. This holds for the whole process. What counts is the value at the moment when
    /// the locker is dropped. Lockers of a [`QEventLoop`] do not ask.
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

    /// Ends the application object, whatever handles there are, and all loops of its thread with
    /// it. The next [`instance()`](QCoreApplication::instance) is another one.
    ///
    /// There is seldom a need to: dropping the last handle does it.
    pub fn shutdown(&self) {
        if self.is_remote {
            return process::tell(QCoreApplication::shutdown);
        }
        // The last handle may be in what dies with it.
        let keep = self.clone();
        keep.quit();
        Object::life(&keep).destroy();
    }

    /// Whether the application of this thread is ending or has ended, and there is no other yet.
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

    /// Handles what there is to handle, and returns whether there was anything.
    #[doc(alias = "processEvents")]
    pub fn process_events(&self) -> bool {
        self.process_events_with_flags(ProcessEventsFlags::ALL_EVENTS)
    }

    /// Handles what there is to handle of the kinds that `flags` names, and returns whether there
    /// was anything. With `WAIT_FOR_MORE_EVENTS` it waits if there was nothing.
    #[doc(alias = "processEvents")]
    pub fn process_events_with_flags(&self, flags: ProcessEventsFlags) -> bool {
        self.dispatcher().process_events(flags)
    }

    /// Handles events of the kinds that `flags` names until there are none or `deadline` has
    /// passed.
    ///
    /// It handles one turn of the loop at least. Later events are left for the loop. The function
    /// never waits: it ignores `WAIT_FOR_MORE_EVENTS`. The limit is real time, also while a
    /// [`VirtualClock`](crate::VirtualClock) is installed. With -1 there is no limit; in Qt, -1
    /// is one turn.
    #[doc(alias = "processEvents")]
    pub fn process_events_for(
        &self,
        flags: ProcessEventsFlags,
        deadline: impl Into<QDeadlineTimer>,
    ) {
        self.dispatcher().process_events_for(flags, deadline.into());
    }

    /// Quits when the process is told to by SIGINT (Ctrl-C) or SIGTERM.
    ///
    /// The second SIGINT ends the process at once, in case the loop does not get to run.
    ///
    /// # Errors
    ///
    /// If there are no descriptors left, or the signals cannot be had.
    #[cfg(feature = "ctrl-c")]
    pub fn quit_on_ctrl_c(&self) -> std::io::Result<()> {
        ctrl_c::install(self.dispatcher())
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
