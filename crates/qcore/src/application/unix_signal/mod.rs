//! [`UnixSignalNotifier`]: reports the signals of the operating system to the loop.
//!
//! A handler of the operating system may do very little: it stores that the signal has arrived, and
//! writes a byte to a pipe. The byte wakes the loop of the notifier, which then emits `activated`.

mod disposition;

use std::{
    cell::RefCell,
    fmt,
    io::{self, Read},
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::net::UnixStream,
    },
    rc::{Rc, Weak},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use mio::{Interest, unix::SourceFd};
use signal_hook::{SigId, consts, flag, low_level};

use self::disposition::Claim;
use crate::{
    classes::{Handle, Life, Node, Object},
    event_loop::{EventSource, Readiness, Registration},
    object::QObject,
    signal::Signal,
};

/// A signal that the operating system sends to the process. Do not confuse it with a
/// [`Signal`](crate::Signal), which an object emits.
///
/// # Examples
///
/// ```
/// use qcore::UnixSignal;
///
/// assert_eq!(UnixSignal::Terminate.to_string(), "SIGTERM");
/// assert_eq!(UnixSignal::Terminate.number(), 15);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UnixSignal {
    /// SIGHUP: the terminal was closed. By convention, a daemon reads its settings again.
    Hangup,
    /// SIGINT: the user has pressed Ctrl-C.
    Interrupt,
    /// SIGQUIT: the user has pressed Ctrl-\\.
    Quit,
    /// SIGTERM: the system or a service manager wants the process to end.
    Terminate,
    /// SIGUSR1. Programs give it a meaning of their own.
    User1,
    /// SIGUSR2. Programs give it a meaning of their own.
    User2,
}

impl UnixSignal {
    /// Returns the number of the signal on this operating system.
    #[must_use]
    pub const fn number(self) -> i32 {
        match self {
            UnixSignal::Hangup => consts::SIGHUP,
            UnixSignal::Interrupt => consts::SIGINT,
            UnixSignal::Quit => consts::SIGQUIT,
            UnixSignal::Terminate => consts::SIGTERM,
            UnixSignal::User1 => consts::SIGUSR1,
            UnixSignal::User2 => consts::SIGUSR2,
        }
    }
}

impl fmt::Display for UnixSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            UnixSignal::Hangup => "SIGHUP",
            UnixSignal::Interrupt => "SIGINT",
            UnixSignal::Quit => "SIGQUIT",
            UnixSignal::Terminate => "SIGTERM",
            UnixSignal::User1 => "SIGUSR1",
            UnixSignal::User2 => "SIGUSR2",
        })
    }
}

crate::library_class! {
    /// Watches for signals of the operating system, such as SIGTERM, and emits a signal in its
    /// thread's loop when one has arrived.
    ///
    /// While at least one notifier of the process watches a signal, the signal does not end the
    /// process. When the last of these notifiers is dropped, the signal ends the process again, as
    /// it did before. A handler that the program has installed itself is called in any case.
    ///
    /// A signal that the process ignored before stays ignored. `nohup` ignores SIGHUP for the
    /// program that it runs, and a shell without job control ignores SIGINT for its background
    /// jobs. A notifier for such a signal emits nothing. (Only Linux tells whether a signal is
    /// ignored. Elsewhere a notifier takes it for one that ends the process.)
    ///
    /// If a signal arrives several times before the loop handles it, the notifier emits
    /// [`activated`](UnixSignalNotifierNode::activated) once. The operating system merges signals
    /// in the same way. If several signals have arrived, the notifier emits them in the order of
    /// the list that the program has passed to [`try_new`](UnixSignalNotifier::try_new), not in the
    /// order of their arrival. A signal that arrives before the loop runs waits for the loop. Every
    /// notifier for a signal, in every thread, gets the signal.
    ///
    /// Qt has no such class. Qt's documentation explains how to build one of a socket pair and a
    /// [QSocketNotifier](https://doc.qt.io/qt-5/unix-signals.html).
    ///
    /// # Examples
    ///
    /// A daemon that reads its settings again on SIGHUP and ends on SIGTERM or Ctrl-C. A second
    /// Ctrl-C ends it at once. `examples/daemon.rs` also lets its connections finish.
    ///
    /// ```no_run
    /// use qcore::{QCoreApplication, UnixSignal, UnixSignalNotifier};
    ///
    /// let app = QCoreApplication::new();
    /// let hangup = UnixSignalNotifier::try_new([UnixSignal::Hangup])?;
    /// hangup.activated.connect(|_| println!("reading the settings again"));
    ///
    /// let stop = UnixSignalNotifier::try_new([UnixSignal::Interrupt, UnixSignal::Terminate])?;
    /// stop.end_on_second(UnixSignal::Interrupt)?;
    /// stop.activated.connect_to(&app, |app, signal| {
    ///     println!("ending, because of {signal}");
    ///     app.quit();
    /// });
    /// std::process::exit(app.exec());
    /// # #[allow(unreachable_code)]
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub struct UnixSignalNotifier(UnixSignalNotifierNode): QObject = base
}

/// The signal of a [`UnixSignalNotifier`].
pub struct UnixSignalNotifierNode {
    /// Emitted by the loop when the process has received one of the watched signals.
    pub activated: Signal<UnixSignal>,
    base: QObject,
    /// The end of the pipe that the loop reads. The handlers write to the other end.
    pipe: UnixStream,
    registration: Registration,
    /// The signals that the notifier watches, in the order of the program's list. Empty after the
    /// notifier has died.
    watches: RefCell<Vec<Watch>>,
}

impl Node for UnixSignalNotifierNode {
    fn life(&self) -> &Rc<Life> {
        Object::life(&self.base)
    }

    fn destructor(&self) {
        let watches = self.watches.take();
        drop(watches);
        self.registration.deregister(&mut SourceFd(&self.pipe.as_raw_fd()));
    }
}

impl UnixSignalNotifier {
    /// Creates a notifier that watches `signals`.
    ///
    /// # Errors
    ///
    /// The error of the operating system, for example if the process has no file descriptors left.
    /// In this case the signals keep the effect that they had before.
    pub fn try_new(signals: impl IntoIterator<Item = UnixSignal>) -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let theirs = OwnedFd::from(theirs);
        let life = Life::new();
        let node = Rc::new_cyclic(|this: &Weak<UnixSignalNotifierNode>| UnixSignalNotifierNode {
            activated: Signal::in_life(&life),
            base: QObject::embed(&life),
            pipe: ours,
            registration: life.dispatcher().add_source(this.clone()),
            watches: RefCell::default(),
        });
        // If a later step fails, the drop of this handle undoes the earlier ones.
        let notifier = UnixSignalNotifier(Handle::new(node.clone()));
        let pipe = node.pipe.as_raw_fd();
        node.registration.register(&mut SourceFd(&pipe), Interest::READABLE)?;
        for signal in signals {
            if !node.watches.borrow().iter().any(|watch| watch.signal == signal) {
                let watch = Watch::new(signal, theirs.try_clone()?)?;
                node.watches.borrow_mut().push(watch);
            }
        }
        Ok(notifier)
    }

    /// Makes a signal end the process at once when it arrives for the second time, even if the loop
    /// is busy and cannot handle it. The operating system then reports that the signal has ended
    /// the process, as if there were no notifier.
    ///
    /// This is for Ctrl-C: with it, a user can end a program that does not react. Do not use it for
    /// SIGTERM. Some programs, such as `timeout`, send SIGTERM twice.
    ///
    /// The signals count from this call on. The function has no effect on signals that the notifier
    /// does not watch.
    ///
    /// # Errors
    ///
    /// The error of the operating system.
    pub fn end_on_second(&self, signal: UnixSignal) -> io::Result<()> {
        match self.watches.borrow_mut().iter_mut().find(|watch| watch.signal == signal) {
            Some(watch) => watch.end_on_second(),
            None => Ok(()),
        }
    }
}

impl EventSource for UnixSignalNotifierNode {
    fn ready(self: Rc<Self>, _: Readiness) {
        // The pipe is emptied first. A signal that arrives later writes a further byte.
        self.empty_pipe();
        for index in 0.. {
            // A slot may destroy the notifier, so the list is read again after each emission.
            let arrived = match self.watches.borrow().get(index) {
                Some(watch) => watch.arrived.swap(false, Ordering::AcqRel).then_some(watch.signal),
                None => break,
            };
            if let Some(signal) = arrived {
                self.activated.emit(signal);
            }
        }
    }
}

impl UnixSignalNotifierNode {
    fn empty_pipe(&self) {
        let mut buffer = [0; 1024];
        // Someone may send signals as fast as the loop reads. So the number of rounds is limited.
        for _ in 0..64 {
            match (&self.pipe).read(&mut buffer) {
                Ok(count) if count == buffer.len() => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                _ => return,
            }
        }
        self.registration.requeue(Readiness::READABLE);
    }
}

impl fmt::Debug for UnixSignalNotifierNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let watches = self.watches.borrow();
        let signals: Vec<_> = watches.iter().map(|watch| watch.signal).collect();
        f.debug_struct("UnixSignalNotifierNode").field("signals", &signals).finish_non_exhaustive()
    }
}

/// The handlers of one notifier for one signal.
struct Watch {
    signal: UnixSignal,
    /// Whether the signal has arrived since the notifier last emitted it.
    arrived: Arc<AtomicBool>,
    handlers: Vec<SigId>,
    ends_on_second: bool,
    /// `None` if the process ignores the signal.
    claim: Option<Claim>,
}

impl Watch {
    fn new(signal: UnixSignal, pipe: OwnedFd) -> io::Result<Watch> {
        let number = signal.number();
        let mut watch = Watch {
            signal,
            arrived: Arc::default(),
            handlers: Vec::new(),
            ends_on_second: false,
            claim: None,
        };
        // The system calls the handlers in the order of their registration. The byte may wake the
        // loop only when it can see that the signal has arrived.
        let handlers = &mut watch.handlers;
        watch.claim = Claim::new(number, || {
            handlers.push(flag::register(number, watch.arrived.clone())?);
            Ok(())
        })?;
        if watch.claim.is_some() {
            watch.handlers.push(low_level::pipe::register(number, pipe)?);
        }
        Ok(watch)
    }

    fn end_on_second(&mut self) -> io::Result<()> {
        if self.claim.is_none() || self.ends_on_second {
            return Ok(());
        }
        let number = self.signal.number();
        let second = Arc::new(AtomicBool::new(false));
        // The order matters: the first signal sets `second`, and the next one finds it set.
        self.handlers.push(flag::register_conditional_default(number, second.clone())?);
        self.handlers.push(flag::register(number, second)?);
        self.ends_on_second = true;
        Ok(())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // The signal gets its earlier effect back first. Otherwise one that arrives now would have
        // none.
        self.claim = None;
        for handler in self.handlers.drain(..) {
            low_level::unregister(handler);
        }
    }
}
