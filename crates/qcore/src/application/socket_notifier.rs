//! [`QSocketNotifier`]: watches a file descriptor.

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
    /// The kind of readiness that a [`QSocketNotifier`] watches for.
    #[doc(alias = "QSocketNotifier::Type")]
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum NotifierType {
        /// There is data to read, or the end of the stream was reached.
        Read = 0,
        /// There is room to write.
        Write = 1,
        /// There is out-of-band data. Only Linux reports this. On other systems it never happens.
        Exception = 2,
    }
}

crate::class! {
    /// Watches a file descriptor, for example a pipe or a terminal, and emits a signal when it is
    /// ready.
    ///
    /// The notifier is level-triggered: it emits the signal in every turn of the loop while the
    /// descriptor is ready. The slot must therefore read or write, or
    /// [disable](QSocketNotifier::set_enabled) the notifier. A regular file is always ready. Any
    /// number of notifiers may watch the same descriptor, even one that a socket of this library
    /// uses. Stands for Qt's [QSocketNotifier](https://doc.qt.io/qt-5/qsocketnotifier.html).
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
    /// let notifier = QSocketNotifier::try_new(ours.clone(), NotifierType::Read)?;
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
    /// Emitted when the descriptor is ready. The arguments are the number of the descriptor and the
    /// kind of readiness that the notifier watches for.
    pub activated: Signal<(RawFd, NotifierType)>,
    base: QObject,
    kind: NotifierType,
    /// The object that the user has given. It keeps the descriptor open.
    watched: Box<dyn AsFd>,
    /// A duplicate of the descriptor. The poll accepts it even if the descriptor itself is already
    /// registered by another owner.
    descriptor: OwnedFd,
    registration: Registration,
    enabled: Cell<bool>,
    polled: Cell<Polled>,
    warned: RefCell<Option<io::ErrorKind>>,
}

/// Whether the descriptor is registered with the poll.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Polled {
    No,
    Yes,
    /// The system cannot poll such a file: it is always ready.
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
    /// Creates an enabled notifier that watches `io` and keeps it open. To use `io` elsewhere as
    /// well, pass an `Rc`.
    ///
    /// # Errors
    ///
    /// The error of the operating system if the process has no file descriptors left, or if this
    /// descriptor cannot be watched.
    #[doc(alias = "QSocketNotifier")]
    pub fn try_new(io: impl AsFd + 'static, kind: NotifierType) -> io::Result<Self> {
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

    /// Returns the number of the descriptor.
    #[must_use]
    pub fn socket(&self) -> RawFd {
        self.watched.as_fd().as_raw_fd()
    }

    /// Returns the kind of readiness that the notifier watches for. This is Qt's `type()`.
    #[doc(alias = "type")]
    #[must_use]
    pub fn notifier_type(&self) -> NotifierType {
        self.kind
    }

    /// Returns whether the notifier is enabled. The default is `true`.
    #[doc(alias = "isEnabled")]
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.enabled.get()
    }

    /// Enables or disables the notifier. If the system cannot watch the descriptor, the function
    /// logs a warning and the notifier stays disabled.
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
            let descriptor = self.descriptor.as_raw_fd();
            let mut source = SourceFd(&descriptor);
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

    /// Registers the descriptor with the poll again, so that the poll reports it again if it is
    /// still ready.
    fn watch_on(&self) {
        let watched = match self.polled.get() {
            _ if !self.enabled.get() => return,
            Polled::Never => {
                self.registration.requeue(self.wanted());
                return;
            }
            Polled::Yes => {
                let descriptor = self.descriptor.as_raw_fd();
                let mut source = SourceFd(&descriptor);
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
        // The notifier may have been disabled since the event, or the event may be of another kind,
        // for example a hang-up.
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
