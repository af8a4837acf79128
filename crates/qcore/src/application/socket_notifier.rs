//! Watching any descriptor.

use std::{
    cell::{Cell, RefCell},
    fmt, io,
    os::fd::{AsFd, AsRawFd, OwnedFd, RawFd},
    rc::{Rc, Weak},
};

use mio::{Interest, unix::SourceFd};

use crate::{
    classes::{Handle, Life, Node, Object},
    event::{EventType, QEvent},
    event_loop::{EventSource, Readiness, Registration},
    object::QObject,
    signal::Signal,
};

crate::numbered! {
    /// What a [`QSocketNotifier`] watches for.
    #[doc(alias = "QSocketNotifier::Type")]
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum NotifierType {
        /// There is something to read, or the end was reached.
        Read = 0,
        /// There is room to write.
        Write = 1,
        /// There is out-of-band data. Linux only; elsewhere it never happens.
        Exception = 2,
    }
}

crate::class! {
    /// Watches a descriptor, a pipe or a terminal for example, and says when it is ready.
    ///
    /// It says so again in every turn of the loop for as long as that is so (it is
    /// level-triggered): the slot has to read or write, or [disable](QSocketNotifier::set_enabled)
    /// the notifier. A regular file is always ready. Any number of notifiers may watch one
    /// descriptor, also beside a socket of this library. Stands for Qt's
    /// [QSocketNotifier](https://doc.qt.io/qt-5/qsocketnotifier.html).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{io::{Read, Write}, os::unix::net::UnixStream, rc::Rc};
    /// use qcore::{QCoreApplication, QSocketNotifier, NotifierType};
    ///
    /// let app = QCoreApplication::new();
    /// let (ours, mut theirs) = UnixStream::pair()?;
    /// let ours = Rc::new(ours);
    /// let notifier = QSocketNotifier::new(ours.clone(), NotifierType::Read)?;
    /// notifier.activated.connect_to(&app, move |app, _| {
    ///     let mut byte = [0];
    ///     (&*ours).read_exact(&mut byte).unwrap();
    ///     app.exit(byte[0].into());
    /// });
    /// theirs.write_all(&[7])?;
    /// assert_eq!(app.exec(), 7);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub struct QSocketNotifier(SocketNotifierNode): QObject = base
}

/// The signal of a [`QSocketNotifier`].
pub struct SocketNotifierNode {
    /// The descriptor is ready for what it is watched for. The arguments are its number and that.
    pub activated: Signal<(RawFd, NotifierType)>,
    base: QObject,
    kind: NotifierType,
    /// What the user gave, and so keeps open.
    watched: Box<dyn AsFd>,
    /// A duplicate: it can be in the poll although the descriptor itself is there for another
    /// reason.
    descriptor: OwnedFd,
    registration: Registration,
    enabled: Cell<bool>,
    polled: Cell<Polled>,
    warned: RefCell<Option<io::ErrorKind>>,
}

/// What the poll makes of a descriptor.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Polled {
    No,
    Yes,
    /// The system does not poll such a thing: it is always ready.
    Never,
}

impl Node for SocketNotifierNode {
    fn life(&self) -> &Rc<Life> {
        Object::life(&self.base)
    }

    fn destructor(&self) {
        self.disable();
    }
}

impl QSocketNotifier {
    /// Watches `io`, which it keeps open, from now on. What is to be used elsewhere, too, is given
    /// as an `Rc`.
    ///
    /// # Errors
    ///
    /// If there are no descriptors left, or the system refuses to watch this one.
    pub fn new(io: impl AsFd + 'static, kind: NotifierType) -> io::Result<Self> {
        let descriptor = io.as_fd().try_clone_to_owned()?;
        let life = Life::new();
        let node = Rc::new_cyclic(|this: &Weak<SocketNotifierNode>| SocketNotifierNode {
            activated: Signal::in_life(&life),
            base: QObject::embed(&life),
            kind,
            watched: Box::new(io),
            descriptor,
            registration: life.dispatcher().add_source(this.clone()),
            enabled: Cell::new(false),
            polled: Cell::new(Polled::No),
            warned: RefCell::new(None),
        });
        node.enable()?;
        Ok(QSocketNotifier(Handle::new(node)))
    }

    /// The descriptor's number.
    #[must_use]
    pub fn socket(&self) -> RawFd {
        self.watched.as_fd().as_raw_fd()
    }

    /// What the descriptor is watched for. This is Qt's `type()`.
    #[doc(alias = "type")]
    #[must_use]
    pub fn notifier_type(&self) -> NotifierType {
        self.kind
    }

    /// Whether the descriptor is watched. It is, at first.
    #[doc(alias = "isEnabled")]
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.enabled.get()
    }

    /// Begins or ceases to watch. If the system refuses, the log says so, and the notifier stays
    /// disabled.
    #[doc(alias = "setEnabled")]
    pub fn set_enabled(&self, enabled: bool) {
        if enabled == self.enabled.get() || self.is_deleted() {
            return;
        }
        if !enabled {
            self.disable();
        } else if let Err(error) = self.enable() {
            crate::q_warning!(
                "QSocketNotifier: cannot watch descriptor {}: {error}",
                self.socket()
            );
        }
    }
}

impl SocketNotifierNode {
    fn interest(&self) -> Interest {
        match self.kind {
            NotifierType::Read => Interest::READABLE,
            NotifierType::Write => Interest::WRITABLE,
            #[cfg(any(target_os = "linux", target_os = "android"))]
            NotifierType::Exception => Interest::PRIORITY,
            #[cfg(not(any(target_os = "linux", target_os = "android")))]
            NotifierType::Exception => Interest::READABLE,
        }
    }

    fn enable(&self) -> io::Result<()> {
        if self.polled.get() == Polled::No {
            let mut source = SourceFd(&self.descriptor.as_raw_fd());
            let registered = self.registration.register(&mut source, self.interest());
            self.polled.set(match registered {
                Ok(()) => Polled::Yes,
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Polled::Never,
                Err(error) => return Err(error),
            });
        }
        self.enabled.set(true);
        if self.polled.get() == Polled::Never && self.kind != NotifierType::Exception {
            self.registration.requeue(self.wanted());
        }
        Ok(())
    }

    fn disable(&self) {
        self.enabled.set(false);
        if self.polled.get() == Polled::Yes {
            self.polled.set(Polled::No);
            self.registration.deregister(&mut SourceFd(&self.descriptor.as_raw_fd()));
        }
        // What it was ready for by now may be over when it is enabled again.
        self.registration.forget_ready();
    }

    fn wanted(&self) -> Readiness {
        match self.kind {
            NotifierType::Read => Readiness::READABLE,
            NotifierType::Write => Readiness::WRITABLE,
            NotifierType::Exception => Readiness::PRIORITY,
        }
    }

    /// Asks the poll anew: being ready still is an event then.
    fn watch_on(&self) {
        let watched = match self.polled.get() {
            _ if !self.enabled.get() => return,
            Polled::Never => {
                self.registration.requeue(self.wanted());
                return;
            }
            Polled::Yes => {
                let mut source = SourceFd(&self.descriptor.as_raw_fd());
                self.registration.reregister(&mut source, self.interest())
            }
            Polled::No => self.enable(),
        };
        if let Err(error) = watched
            && self.warned.replace(Some(error.kind())) != Some(error.kind())
        {
            crate::q_warning!("QSocketNotifier: cannot watch on: {error}");
        }
    }
}

impl EventSource for SocketNotifierNode {
    fn ready(self: Rc<Self>, ready: Readiness) {
        // It may have been disabled since, or told of something else, of a hang-up for example.
        if !self.enabled.get() {
            return;
        }
        struct Again<'a>(&'a SocketNotifierNode);
        impl Drop for Again<'_> {
            fn drop(&mut self) {
                self.0.watch_on();
            }
        }
        let _again = Again(&self);
        if ready.intersects(self.wanted())
            && !self.life().is_filtered(|| QEvent::new(EventType::SOCK_ACT))
        {
            self.activated.emit((self.watched.as_fd().as_raw_fd(), self.kind));
        }
    }
}

impl fmt::Debug for SocketNotifierNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketNotifierNode")
            .field("descriptor", &self.watched.as_fd())
            .field("kind", &self.kind)
            .field("enabled", &self.enabled.get())
            .finish_non_exhaustive()
    }
}
