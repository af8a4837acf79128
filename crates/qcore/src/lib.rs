//! Qt's signals and slots, event loop, timers, objects and I/O devices, in Rust.
//!
//! Every object belongs to one thread, whose event loop calls it. A variable has a handle of an
//! object, and cloning a handle is cheap. Signals are public fields of objects, and slots are
//! closures or methods:
//!
//! ```
//! use qcore::{QCoreApplication, QTimer};
//!
//! let app = QCoreApplication::new();
//! let timer = QTimer::with_interval(10);
//! timer.timeout.connect_slot(&app, QCoreApplication::quit);
//! timer.start();
//! app.exec();
//! ```
//!
//! Types have Qt's names; methods have Qt's names in snake_case. Searching for `setObjectName`
//! finds [`set_object_name`](QObject::set_object_name). A function that returns `bool` for success
//! in Qt returns a `Result` here. The compiler rejects most of what Qt's documentation forbids:
//!
//! ```compile_fail
//! let timer = qcore::QTimer::new();
//! std::thread::spawn(move || timer.start()); // a timer belongs to its thread's loop
//! ```
//!
//! # Up and down the classes
//!
//! A handle derefs to its base class, so a function that takes a `&QObject` also takes a `&QTimer`.
//! `From` returns a handle of a base class, and [`cast`](QObject::cast) returns one of a derived
//! class. Both are handles of the same object:
//!
//! ```
//! use qcore::{QBuffer, QIODevice, QObject, QTimer};
//!
//! let (timer, buffer) = (QTimer::new(), QBuffer::new());
//! let objects: [QObject; 2] = [(&timer).into(), QIODevice::from(&buffer).into()];
//! assert_eq!(objects[0].cast::<QTimer>(), Some(timer));
//! assert_eq!(objects[1].cast::<QTimer>(), None);
//! assert_eq!(objects[1].cast::<QBuffer>(), Some(buffer));
//! ```
//!
//! # Modules
//!
//! * [`application`] has [`QCoreApplication`], [`QEventLoop`] and [`QSocketNotifier`]
//! * [`signal`] has [`Signal`], [`Connection`] and the trait [`Receiver`]
//! * [`object`] has [`QObject`], the life and death of objects, and [`EventHandler`]
//! * [`event`] has [`QEvent`], which is sent or posted to one object
//! * [`classes`] has the parts of classes of your own, which [`class!`] uses
//! * [`event_loop`] has [`Dispatcher`], the loop of a thread, and [`Poster`] for other threads
//! * [`thread`] has [`QThread`], a thread with an event loop. A [`Remote`] is a receiver in another
//!   thread
//! * `task` has tasks: [`spawn_local`], [`spawn_for`], [`block_on`], and time for them
//! * [`time`] has [`QElapsedTimer`], [`QDeadlineTimer`] and [`VirtualClock`]
//! * [`timer`] has [`QTimer`] and [`QBasicTimer`]
//! * [`io_device`] has [`QIODevice`], the base class of all devices, and [`QBuffer`]
//! * [`number`] has the numbers that Qt gives to the values of its enums
//! * [`message`] has [`install_message_handler`] for warnings
//! * [`stream`] has [`QDataStream`], Qt's binary format, and [`QVariant`]
//! * [`text_stream`] has [`QTextStream`], which reads and writes text
//! * [`framing`] has [`Framed`](framing::Framed), which sends and receives messages over a device
//! * [`thread_pool`] has [`QThreadPool`], which runs blocking work beside the loop
//!
//! # Features
//!
//! * `codecs` (default): the codecs of [`QTextStream`] that are neither Unicode nor Latin-1
//! * `json`: [`framing::JsonLines`](framing), messages in JSON
//! * `tasks` (default): `async` code on the event loop
//! * `futures`: the traits of the crates `futures-core` and `futures-io` for signals and devices
//! * `unix-signals` (default): `UnixSignalNotifier` and `QCoreApplication::quit_on_ctrl_c()`

// On docs.rs, which builds with nightly Rust, items show the feature that they need.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

pub mod application;
mod class;
pub mod classes;
pub mod event;
pub mod event_loop;
pub mod framing;
mod id;
pub mod internals;
pub mod io_device;
pub mod message;
pub mod number;
pub mod object;
mod panics;
pub mod signal;
pub mod stream;
#[cfg(feature = "tasks")]
pub mod task;
pub mod text_stream;
pub mod thread;
pub mod thread_pool;
pub mod time;
pub mod timer;

#[cfg(unix)]
pub use self::application::{NotifierType, QSocketNotifier};
#[cfg(all(unix, feature = "unix-signals"))]
pub use self::application::{UnixSignal, UnixSignalNotifier};
#[cfg(feature = "tasks")]
pub use self::task::{JoinHandle, block_on, spawn_for, spawn_local};
pub use self::{
    application::{QCoreApplication, QEventLoop, QEventLoopLocker},
    classes::Destructor,
    event::{EventType, QEvent, QTimerEvent},
    event_loop::{
        Dispatcher, PostError, PostErrorKind, Poster, ProcessEventsFlags, TimerId, run_for,
        wait_until,
    },
    io_device::{DeviceError, DeviceErrorKind, OpenMode, QBuffer, QIODevice},
    message::{MessageType, install_message_handler},
    object::{
        EventHandler, FindChildOptions, QChildEvent, QObject, QPointer, QSignalBlocker, sender,
    },
    panics::PanicPolicy,
    signal::{
        CallError, CallErrorKind, Connection, ConnectionBlocker, ConnectionType, IntoReceiver,
        Lend, PendingCall, QSignalSpy, Receiver, Remote, RemoteSignal, ScopedConnection, Signal,
        Slot,
    },
    stream::{QDataStream, QVariant},
    text_stream::QTextStream,
    thread::{QThread, ThreadPanic, ThreadPriority, ThreadResult},
    thread_pool::{QThreadPool, ThreadPoolError, ThreadPoolErrorKind, ThreadPoolTask},
    time::{ClockType, Interval, QDeadlineTimer, QElapsedTimer, TimerType, VirtualClock},
    timer::{QBasicTimer, QTimer},
};

/// What most programs import: `use qcore::prelude::*`.
///
/// It has all types of the crate's root, the traits that a class of your own implements to
/// [override](crate::class!#overriding) functions, and [`class!`](crate::class!). Functions and
/// other traits are not part of it.
///
/// ```
/// use qcore::prelude::*;
///
/// class! {
///     struct Greeter: QObject {
///         greeted: Signal<String>,
///     }
/// }
///
/// let app = QCoreApplication::new();
/// let greeter = Greeter::derive(QObject::new()).with_parent(&app);
/// greeter.greeted.connect_to(&app, |app, name| {
///     println!("hello, {name}");
///     app.quit();
/// });
/// QTimer::single_shot_to(0, &greeter, |greeter| greeter.greeted.emit("world".to_owned()));
/// app.exec();
/// ```
pub mod prelude {
    #[cfg(feature = "tasks")]
    #[doc(no_inline)]
    pub use crate::JoinHandle;
    #[doc(no_inline)]
    pub use crate::{
        CallError, CallErrorKind, ClockType, Connection, ConnectionBlocker, ConnectionType,
        Destructor, DeviceError, DeviceErrorKind, Dispatcher, EventHandler, EventType,
        FindChildOptions, Interval, MessageType, OpenMode, PanicPolicy, PendingCall, PostError,
        PostErrorKind, Poster, ProcessEventsFlags, QBasicTimer, QBuffer, QChildEvent,
        QCoreApplication, QDataStream, QDeadlineTimer, QElapsedTimer, QEvent, QEventLoop,
        QEventLoopLocker, QIODevice, QObject, QPointer, QSignalBlocker, QSignalSpy, QTextStream,
        QThread, QThreadPool, QTimer, QTimerEvent, QVariant, Remote, RemoteSignal,
        ScopedConnection, Signal, ThreadPanic, ThreadPoolError, ThreadPoolErrorKind,
        ThreadPoolTask, ThreadPriority, ThreadResult, TimerId, TimerType, VirtualClock, class,
    };
    #[cfg(unix)]
    #[doc(no_inline)]
    pub use crate::{NotifierType, QSocketNotifier};
    #[cfg(all(unix, feature = "unix-signals"))]
    #[doc(no_inline)]
    pub use crate::{UnixSignal, UnixSignalNotifier};
}
