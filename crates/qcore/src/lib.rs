//! Qt's signals and slots, event loop, timers, objects and I/O devices, in Rust.
//!
//! Every object belongs to one thread and is driven by that thread's event loop. Objects are cheap
//! handles, signals are public fields of them, and slots are closures or methods:
//!
//! ```
//! use qcore::{QCoreApplication, QTimer};
//!
//! let app = QCoreApplication::new();
//! let timer = QTimer::new();
//! timer.timeout.connect_to(&app, |app, ()| app.quit());
//! timer.start(10);
//! app.exec();
//! ```
//!
//! Types have Qt's names; methods have Qt's names in snake_case. Searching for `setObjectName`
//! finds [`set_object_name`](QObject::set_object_name). A function that returns `bool` for success
//! in Qt returns a `Result` here. The compiler rejects most of what Qt's documentation forbids:
//!
//! ```compile_fail
//! let timer = qcore::QTimer::new();
//! std::thread::spawn(move || timer.start(10)); // a timer belongs to its thread's loop
//! ```
//!
//! # Up and down the classes
//!
//! A handle derefs to its base class, so that a `&QTimer` fits where a `&QObject` is wanted. `From`
//! returns a handle of a base class, and [`cast`](QObject::cast) returns one of a derived class.
//! Both are handles of the same object:
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
//! * [`classes`] has the parts that classes of your own are made of
//! * [`event_loop`] has [`Dispatcher`], the loop of a thread, and [`Poster`] for other threads
//! * `task` has tasks: [`spawn_local`], [`spawn_for`], [`block_on`], and time for them
//! * [`time`] has [`QElapsedTimer`], [`QDeadlineTimer`] and [`VirtualClock`]
//! * [`timer`] has [`QTimer`] and [`QBasicTimer`]
//! * [`io_device`] has [`QIODevice`], the base of devices that are read and written, and
//!   [`QBuffer`]
//! * [`number`] has the numbers that Qt gives to the values of its enums
//! * [`message`] has [`install_message_handler`] for warnings
//! * [`stream`] has [`QDataStream`], Qt's binary format, and [`QVariant`]
//! * [`text_stream`] has [`QTextStream`], which reads and writes text
//!
//! # Features
//!
//! * `codecs` (default): the codecs of [`QTextStream`] that are neither Unicode nor Latin-1
//! * `ctrl-c` (default): `QCoreApplication::quit_on_ctrl_c()`
//! * `tasks` (default): `async` code on the event loop
//! * `futures`: the traits of the crates `futures-core` and `futures-io` for signals and devices

// On docs.rs, which builds with nightly Rust, items show the feature that they need.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

pub mod application;
mod class;
pub mod classes;
pub mod event;
pub mod event_loop;
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
pub mod time;
pub mod timer;

#[cfg(unix)]
pub use self::application::{NotifierType, QSocketNotifier};
#[cfg(feature = "tasks")]
pub use self::task::{JoinHandle, block_on, spawn_for, spawn_local};
pub use self::{
    application::{QCoreApplication, QEventLoop, QEventLoopLocker},
    classes::Destructor,
    event::{EventType, QEvent, QTimerEvent},
    event_loop::{
        Dispatcher, PostError, PostErrorKind, Poster, ProcessEventsFlags, TimerId, wait_until,
    },
    io_device::{DeviceError, DeviceErrorKind, OpenMode, QBuffer, QIODevice},
    message::{MessageType, install_message_handler},
    object::{
        EventHandler, FindChildOptions, QChildEvent, QObject, QPointer, QSignalBlocker, sender,
    },
    panics::PanicPolicy,
    signal::{
        Connection, ConnectionBlocker, ConnectionType, IntoReceiver, Lend, QSignalSpy, Receiver,
        ScopedConnection, Signal, Slot,
    },
    stream::{QDataStream, QVariant},
    text_stream::QTextStream,
    time::{ClockType, Interval, QDeadlineTimer, QElapsedTimer, TimerType, VirtualClock},
    timer::{QBasicTimer, QTimer},
};
