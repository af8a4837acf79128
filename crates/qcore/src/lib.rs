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
//! * [`signal`] has [`Signal`], [`Connection`] and the trait [`Receiver`]
//! * [`object`] has [`QObject`], the life and death of objects, and classes of your own
//! * [`event`] has [`QEvent`] and [`EventHandler`]
//! * [`event_loop`] has [`QCoreApplication`], [`QEventLoop`], [`Poster`] for other threads
//! * [`timer`] has [`QTimer`], [`QElapsedTimer`], [`QDeadlineTimer`]
//! * [`io_device`] has [`QIODevice`], the base of devices that are read and written, and
//!   [`QBuffer`]
//! * [`number`] has the numbers that Qt gives to the values of its enums
//! * [`message`] has [`install_message_handler`] for warnings
//! * [`stream`] has [`QDataStream`], Qt's binary format, and [`QVariant`]
//!
//! # Features
//!
//! * `ctrl-c` (default): `QCoreApplication::quit_on_ctrl_c()`

// On docs.rs, which builds with nightly Rust, items show the feature that they need.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

pub mod event;
pub mod event_loop;
pub mod io_device;
pub mod message;
pub mod number;
pub mod object;
pub mod signal;
pub mod stream;
pub mod timer;

#[cfg(unix)]
pub use self::event_loop::{NotifierType, QSocketNotifier};
pub use self::{
    event::{EventHandler, EventType, QChildEvent, QEvent, QTimerEvent},
    event_loop::{
        Dispatcher, LoopGone, Poster, ProcessEventsFlags, QCoreApplication, QEventLoop,
        QEventLoopLocker, TimerId, TimerType, VirtualClock, wait_until,
    },
    io_device::{DeviceError, DeviceErrorKind, OpenMode, QBuffer, QIODevice},
    message::{MessageType, install_message_handler},
    object::{FindChildOptions, QObject, QPointer},
    signal::{
        Connection, ConnectionBlocker, ConnectionType, QSignalBlocker, QSignalSpy, Receiver,
        ScopedConnection, Signal, sender,
    },
    stream::{QDataStream, QVariant},
    timer::{ClockType, Interval, QBasicTimer, QDeadlineTimer, QElapsedTimer, QTimer},
};
