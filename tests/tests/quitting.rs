//! Data written just before `quit()`: whether it is sent is as in Qt.

use std::{
    cell::{Cell, RefCell},
    io::{Read, Write},
    rc::Rc,
    sync::mpsc,
    thread::{self, JoinHandle},
};

use integration::{LIMIT, listener, port_of, tls};
use qcore::{
    ConnectionType, ProcessEventsFlags, QCoreApplication, QEventLoop, QIODevice, QTimer, Signal,
};
use qnetwork::{QAbstractSocket, QTcpSocket};

/// Starts a blocking peer, which sends "go" and, when the test tells it to, reads to the end. Its
/// thread returns the number of bytes, and panics if the stream does not end cleanly.
fn reader() -> (u16, mpsc::Sender<()>, JoinHandle<usize>) {
    let listener = listener();
    let port = port_of(&listener);
    let (tell, told) = mpsc::channel();
    let thread = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream.write_all(b"go").unwrap();
        told.recv().unwrap();
        let mut all = Vec::new();
        stream.read_to_end(&mut all).unwrap();
        all.len()
    });
    (port, tell, thread)
}

/// What the slot does after writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    Quits,
    ClosesAndQuits,
    QuitsByTimer,
    QuitsByQueuedCall,
    EndsTheInnerLoopAndQuits,
    EndsProcessing,
}

/// Which slot writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Where {
    ReadyRead,
    Timer,
    QueuedCall,
}

/// Connects, writes in a slot, quits, and drops the socket. Returns how many bytes were unsent at
/// the end of the loop, and how many have arrived.
fn write_and(then: Then, place: Where, size: usize, watched: bool) -> (usize, usize) {
    let app = QCoreApplication::new();
    let (port, tell, thread) = reader();
    let socket = QTcpSocket::new();
    if watched {
        socket.bytes_written.connect(|_| ());
    }
    let (inner, is_done) = (QEventLoop::new(), Rc::new(Cell::new(false)));
    let later = Rc::new(Signal::<()>::new());
    let act = {
        let (app, inner, is_done) = (app.clone(), inner.clone(), is_done.clone());
        let queued = Rc::new(Signal::<()>::new());
        queued.connect_to_with_type(&app, ConnectionType::QUEUED, |app, ()| app.quit());
        move |socket: &QTcpSocket| {
            socket.write(vec![b'x'; size]).unwrap();
            match then {
                Then::Quits => app.quit(),
                Then::ClosesAndQuits => {
                    socket.disconnect_from_host();
                    app.quit();
                }
                Then::QuitsByTimer => QTimer::single_shot_to(0, &app, |app| app.quit()),
                Then::QuitsByQueuedCall => queued.emit(()),
                Then::EndsTheInnerLoopAndQuits => {
                    inner.quit();
                    app.quit();
                }
                Then::EndsProcessing => is_done.set(true),
            }
        }
    };
    let act = Rc::new(act);
    let queued_act = act.clone();
    later.connect_to_with_type(&socket, ConnectionType::QUEUED, move |socket, ()| {
        queued_act(socket)
    });
    socket.ready_read.connect_to(&socket, move |socket, ()| {
        assert_eq!(socket.read_all(), b"go");
        match place {
            Where::ReadyRead => act(socket),
            Where::Timer => {
                let act = act.clone();
                QTimer::single_shot_to(0, socket, move |socket| act(socket));
            }
            Where::QueuedCall => later.emit(()),
        }
    });
    socket.connect_to_host("127.0.0.1", port);
    match then {
        Then::EndsTheInnerLoopAndQuits => {
            let runs = inner.clone();
            QTimer::single_shot(0, move || assert_eq!(runs.exec(), 0));
            app.exec();
        }
        Then::EndsProcessing => {
            while !is_done.get() {
                app.process_events_with_flags(ProcessEventsFlags::WAIT_FOR_MORE_EVENTS);
            }
        }
        _ => {
            app.exec();
        }
    }
    let left = socket.unsent_bytes();
    if left > 0 && left < size {
        assert!(!socket.flush(), "{then:?}: the system would have taken more");
    }
    drop(socket);
    tell.send(()).unwrap();
    (left, thread.join().unwrap())
}

/// Qt's write notifiers run in the next turn, and there is none.
#[test]
fn what_is_written_in_the_turn_of_quit_is_not_sent() {
    use Then::*;
    for then in [Quits, ClosesAndQuits, EndsTheInnerLoopAndQuits, EndsProcessing] {
        for place in [Where::ReadyRead, Where::Timer, Where::QueuedCall] {
            for size in [100, 1_000_000] {
                for watched in [false, true] {
                    let told = write_and(then, place, size, watched);
                    assert_eq!(told, (size, 0), "{then:?} {place:?} {size} watched: {watched}");
                }
            }
        }
    }
}

/// With one more turn, everything that the system takes is sent.
#[test]
fn what_is_written_in_the_turn_before_is_sent() {
    for then in [Then::QuitsByTimer, Then::QuitsByQueuedCall] {
        for size in [100, 1_000_000, 20_000_000] {
            let (left, came) = write_and(then, Where::ReadyRead, size, false);
            assert_eq!(left + came, size, "{then:?}");
            assert!(came > 0, "{then:?}");
            assert!(size > 100 || left == 0, "{then:?}");
        }
    }
}

/// A slot starts an abort of its connection and then writes. A zero timer of the slot fires after
/// the data was sent, and a queued call runs before it, as in Qt.
#[test]
fn an_abort_by_a_timer_comes_after_what_the_slot_wrote() {
    for watched in [false, true] {
        for (queued, arrives) in [(false, 5), (true, 0)] {
            let app = QCoreApplication::new();
            let (port, tell, thread) = reader();
            let socket = QTcpSocket::new();
            if watched {
                socket.bytes_written.connect(|_| ());
            }
            let abort = Rc::new(Signal::<()>::new());
            abort.connect_queued(&socket, QAbstractSocket::abort);
            socket.disconnected.connect_slot(&app, QCoreApplication::quit);
            socket.ready_read.connect_to(&socket, move |socket, ()| {
                assert_eq!(socket.read_all(), b"go");
                if queued {
                    abort.emit(());
                } else {
                    QTimer::single_shot_to(0, socket, |socket| socket.abort());
                }
                socket.write("reply").unwrap();
            });
            socket.connect_to_host("127.0.0.1", port);
            app.exec();
            tell.send(()).unwrap();
            assert_eq!(thread.join().unwrap(), arrives, "queued: {queued}, watched: {watched}");
        }
    }
}

/// Data that waits for the next turn is sent when a loop runs again.
#[test]
fn a_loop_that_runs_again_sends_it() {
    let app = QCoreApplication::new();
    let (port, tell, thread) = reader();
    let socket = QTcpSocket::new();
    socket.ready_read.connect_to(&socket, |socket, ()| {
        assert_eq!(socket.read_all(), b"go");
        socket.write("late").unwrap();
        QCoreApplication::instance().quit();
    });
    socket.connect_to_host("127.0.0.1", port);
    app.exec();
    assert_eq!(socket.unsent_bytes(), 4);
    app.process_events();
    assert_eq!(socket.unsent_bytes(), 0);
    drop(socket);
    tell.send(()).unwrap();
    assert_eq!(thread.join().unwrap(), 4);
}

/// A slot that always writes more does not prevent the end of the loop.
#[test]
fn a_slot_that_always_writes_more_does_not_keep_the_loop() {
    let app = QCoreApplication::new();
    let (port, tell, thread) = reader();
    let socket = QTcpSocket::new();
    let chunk = vec![b'x'; 400_000];
    socket.bytes_written.connect_to(&socket, {
        let chunk = chunk.clone();
        move |socket, _| drop(socket.write(&chunk))
    });
    socket.ready_read.connect_to(&socket, move |socket, ()| {
        assert_eq!(socket.read_all(), b"go");
        socket.write(&chunk).unwrap();
        QTimer::single_shot(20, || QCoreApplication::instance().quit());
    });
    tell.send(()).unwrap();
    socket.connect_to_host("127.0.0.1", port);
    app.exec();
    drop(socket);
    assert!(thread.join().unwrap() > 0);
}

/// The same holds for encrypted data.
#[test]
fn what_is_written_encrypted_in_the_turn_of_quit_is_not_sent() {
    for watched in [false, true] {
        let app = QCoreApplication::new();
        let server = tls::encrypting("good");
        let client = tls::client();
        let other = tls::encrypt(&client, &server);
        if watched {
            client.bytes_written.connect(|_| ());
        }
        integration::wait_until(|| client.unsent_bytes() == 0 && other.unsent_bytes() == 0);
        QTimer::single_shot_to(0, &client, |client| {
            client.write([b'x'; 1000]).unwrap();
            QCoreApplication::instance().quit();
        });
        app.exec();
        assert_eq!(client.unsent_bytes(), 1000);
        client.abort();
        let came = Rc::new(RefCell::new(Vec::new()));
        other.ready_read.connect_to(&came, {
            let other = QIODevice::clone(&other);
            move |came, ()| came.borrow_mut().extend(other.read_all())
        });
        integration::wait_until(|| {
            QAbstractSocket::clone(&other).state() == qnetwork::SocketState::Unconnected
        });
        assert!(came.borrow().is_empty());
    }
}
