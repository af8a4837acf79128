//! Which public types can be sent to another thread.

use std::{cell::Cell, marker::PhantomData};

use qcore::{
    CallError, CallErrorKind, Connection, ConnectionBlocker, ConnectionType, DeviceError,
    DeviceErrorKind, Dispatcher, Interval, OpenMode, PendingCall, PostError, PostErrorKind, Poster,
    ProcessEventsFlags, QCoreApplication, QDataStream, QDeadlineTimer, QElapsedTimer, QEventLoop,
    QIODevice, QObject, QPointer, QSignalBlocker, QSignalSpy, QThreadPool, QTimer, Remote,
    RemoteSignal, ScopedConnection, Signal, ThreadPoolError, ThreadPoolErrorKind, ThreadPoolTask,
    TimerType, VirtualClock,
    application::{CoreApplicationNode, EventLoopNode},
    event_loop::{Readiness, Registration, TimerId},
    framing,
    number::UnknownNumberError,
    object::{Life, ObjectNode},
    stream::{StreamError, StreamErrorKind},
    thread::{QThread, ThreadNode, ThreadPanic, ThreadPriority},
    thread_pool::ThreadPoolTaskNode,
    timer::TimerNode,
};
#[cfg(all(unix, feature = "unix-signals"))]
use qcore::{UnixSignal, UnixSignalNotifier};

// Checks whether `T` implements a trait: if it does, the inherent constant hides the trait's
// constant.
struct SendProbe<T: ?Sized>(PhantomData<T>);
struct SyncProbe<T: ?Sized>(PhantomData<T>);

trait Otherwise {
    const SEND: bool = false;
    const SYNC: bool = false;
}

impl<T: ?Sized> Otherwise for SendProbe<T> {}
impl<T: ?Sized> Otherwise for SyncProbe<T> {}

#[allow(dead_code)]
impl<T: ?Sized + Send> SendProbe<T> {
    const SEND: bool = true;
}

#[allow(dead_code)]
impl<T: ?Sized + Sync> SyncProbe<T> {
    const SYNC: bool = true;
}

macro_rules! table {
    ($($type:ty: $send:literal, $sync:literal;)*) => {
        [$((
            stringify!($type),
            (SendProbe::<$type>::SEND, SyncProbe::<$type>::SYNC),
            ($send, $sync),
        )),*]
    };
}

#[test]
fn what_belongs_to_a_loop_stays_in_its_thread() {
    let table = table! {
        // Objects, signals and their parts.
        QObject: false, false;
        ObjectNode: false, false;
        Life: false, false;
        QPointer<QObject>: false, false;
        QPointer<QTimer>: false, false;
        QTimer: false, false;
        ThreadPoolTask<u8>: false, false;
        ThreadPoolTaskNode<u8>: false, false;
        TimerNode: false, false;
        QIODevice: false, false;
        qcore::io_device::WriteFlow: false, false;
        qcore::io_device::WhenFull: true, true;
        QCoreApplication: false, false;
        CoreApplicationNode: false, false;
        QEventLoop: false, false;
        QThread: false, false;
        ThreadNode: false, false;
        EventLoopNode: false, false;
        QSignalBlocker: false, false;
        Signal<()>: false, false;
        Connection: false, false;
        ConnectionBlocker: false, false;
        ScopedConnection: false, false;
        QSignalSpy<()>: false, false;
        RemoteSignal<QObject, i32>: true, false;
        QDataStream: false, false;
        Dispatcher: false, false;
        Registration: false, false;
        VirtualClock: false, false;
        framing::Framed<qcore::QBuffer, framing::Lines>: false, false;
        framing::FramedNode<framing::Lines>: false, false;
        qcore::io_device::FilledBuf<'static>: false, false;
        // Types for other threads, and plain values.
        Poster: true, true;
        PostError: true, true;
        PostErrorKind: true, true;
        Remote<QObject>: true, true;
        Remote<std::rc::Rc<Cell<i32>>>: true, true;
        PendingCall<i32>: true, true;
        PendingCall<std::rc::Rc<i32>>: false, false;
        CallError: true, true;
        CallErrorKind: true, true;
        ThreadPanic: true, true;
        ThreadPriority: true, true;
        QThreadPool: true, true;
        ThreadPoolError: true, true;
        ThreadPoolErrorKind: true, true;
        StreamError: true, true;
        StreamErrorKind: true, true;
        ConnectionType: true, true;
        ProcessEventsFlags: true, true;
        Readiness: true, true;
        TimerId: true, true;
        QDeadlineTimer: true, true;
        QElapsedTimer: true, true;
        TimerType: true, true;
        Interval: true, true;
        OpenMode: true, true;
        DeviceError: true, true;
        DeviceErrorKind: true, true;
        UnknownNumberError: true, true;
        framing::Lines: true, true;
        framing::Delimited: true, true;
        framing::LengthPrefix: true, true;
        framing::PrefixSize: true, true;
        framing::DataBlocks<std::rc::Rc<u8>>: true, true;
        framing::Netstrings: true, true;
        framing::AckQueue<u8>: true, true;
        framing::Unacknowledged<u8>: true, true;
        framing::Fields<'_>: true, true;
        framing::Decoded<u8>: true, true;
        framing::FrameError: true, true;
        framing::FrameErrorKind: true, true;
    };
    for (name, found, expected) in table {
        assert_eq!(found, expected, "{name}: (Send, Sync)");
    }
    // Checks the probe itself.
    let probe = table! { Cell<u8>: true, false; std::sync::MutexGuard<'static, u8>: false, true; };
    assert!(probe.iter().all(|(_, found, expected)| found == expected));
}

#[cfg(all(unix, feature = "unix-signals"))]
#[test]
fn a_notifier_stays_in_its_thread_and_its_signals_do_not() {
    let notifier = (SendProbe::<UnixSignalNotifier>::SEND, SyncProbe::<UnixSignalNotifier>::SYNC);
    assert_eq!(notifier, (false, false));
    assert_eq!((SendProbe::<UnixSignal>::SEND, SyncProbe::<UnixSignal>::SYNC), (true, true));
}

#[cfg(feature = "tasks")]
#[test]
fn tasks_stay_in_their_thread_and_their_errors_do_not() {
    let table = table! {
        qcore::JoinHandle<u8>: false, false;
        qcore::task::ScopedTask<u8>: false, false;
        qcore::task::Sleep: false, false;
        qcore::task::Ticks: false, false;
        qcore::signal::Next<u8>: false, false;
        qcore::signal::SignalStream<u8>: false, false;
        framing::FramedStream<qcore::QBuffer, framing::Lines>: false, false;
        qcore::io_device::DeviceStream: false, false;
        qcore::io_device::ReadHalf: false, false;
        qcore::io_device::WriteHalf: false, false;
        qcore::task::JoinError: true, true;
        qcore::task::BlockOnError: true, true;
        qcore::task::TimeoutError: true, true;
        qcore::signal::SignalError: true, true;
    };
    for (name, found, expected) in table {
        assert_eq!(found, expected, "{name}: (Send, Sync)");
    }
}
