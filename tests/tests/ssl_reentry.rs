//! Slots and loggers that use an encrypted connection while it works.

use std::{
    cell::{Cell, RefCell},
    io::Write,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    time::Duration,
};

use integration::{
    in_child, run_for, server,
    tls::{accepted, accepting, client, count, encrypt, encrypting, identified, wires_of},
    wait_until,
};
use qcore::{QCoreApplication, QTimer, object::Object};
use qnetwork::{QSslSocket, SocketErrorKind, SocketState, SslProtocol};

/// A slot of `mode_changed` runs a loop. The data that arrives meanwhile belongs to the handshake.
#[test]
fn a_loop_before_the_handshake_loses_nothing() {
    let _app = QCoreApplication::new();
    let server = accepting(|socket| {
        socket.set_ssl_configuration(identified("good"));
        socket.mode_changed.connect(|_| run_for(Duration::from_millis(50)));
    });
    let client = client();
    client.connect_to_host_encrypted("127.0.0.1", server.server_port());
    wait_until(|| client.state() == SocketState::Connected);
    let other = accepted(&server);
    other.start_server_encryption();
    wait_until(|| client.is_encrypted() && other.is_encrypted());
}

/// As in Qt, `ready_read` is not emitted while one of its slots waits for more. It comes afterwards.
#[test]
fn a_slot_of_ready_read_waits() {
    let _app = QCoreApplication::new();
    let server = encrypting("good");
    let client = client();
    let other = encrypt(&client, &server);
    let (depth, deepest) = (Cell::new(0), Rc::new(Cell::new(0)));
    let (most, received) = (deepest.clone(), Rc::new(Cell::new(0)));
    let count = received.clone();
    client.ready_read.connect_to(&client, move |client, ()| {
        depth.set(depth.get() + 1);
        most.set(most.get().max(depth.get()));
        if depth.get() == 1 && count.get() == 0 {
            // The second portion of the data is decrypted already.
            client.wait_for_ready_read(5000).unwrap();
        }
        count.set(count.get() + client.read_all().len());
        depth.set(depth.get() - 1);
    });
    other.write(vec![7; 8000]).unwrap();
    wait_until(|| received.get() == 8000);
    assert_eq!(deepest.get(), 1);
}

/// The alert of a failed handshake is sent at once, and a slot is told of its bytes. Whatever the
/// slot does to the socket, the connection ends, and the error is emitted at most once.
#[test]
fn slots_told_of_an_alerts_bytes() {
    let _app = QCoreApplication::new();
    for action in 0..4 {
        let (kept, told) =
            (Rc::<RefCell<Vec<QSslSocket>>>::default(), Rc::<RefCell<Vec<_>>>::default());
        let acted = Rc::new(Cell::new(false));
        let server = server();
        server.set_incoming_connection(&kept, {
            let (told, weak) = (told.clone(), Rc::downgrade(&kept));
            let acted = acted.clone();
            move |kept, descriptor| {
                let (weak, acted) = (weak.clone(), acted.clone());
                let socket = QSslSocket::new();
                let mut configuration = identified("good");
                configuration.set_protocol(SslProtocol::TlsV1_3);
                socket.set_ssl_configuration(configuration);
                socket.error_occurred.connect_to(&told, |told, error| {
                    told.borrow_mut().push(*error);
                });
                socket.encrypted_bytes_written.connect(move |_| {
                    acted.set(true);
                    let kept = weak.upgrade().unwrap();
                    let socket = kept.borrow()[0].clone();
                    match action {
                        0 => socket.abort(),
                        1 => socket.disconnect_from_host(),
                        2 => socket.delete_later(),
                        _ => {
                            let last = kept.borrow_mut().pop();
                            drop((last, socket));
                        }
                    }
                });
                socket.set_socket_descriptor(descriptor).unwrap();
                kept.borrow_mut().push(socket.clone());
                socket.start_server_encryption();
            }
        });
        let client = client();
        client.set_protocol(SslProtocol::TlsV1_2);
        client.connect_to_host_encrypted("127.0.0.1", server.server_port());
        wait_until(|| client.state() == SocketState::Unconnected);
        assert_eq!(client.error(), SocketErrorKind::SslHandshakeFailed, "{action}");
        let is_over =
            |socket: &QSslSocket| socket.is_deleted() || socket.state() == SocketState::Unconnected;
        wait_until(|| kept.borrow().first().is_none_or(is_over));
        assert!(acted.get(), "{action}");
        let failed = SocketErrorKind::SslHandshakeFailed;
        assert!(matches!(told.borrow()[..], [] | [_]), "{action}");
        assert!(told.borrow().iter().all(|error| *error == failed), "{action}");
    }
}

/// How long a slot waits for the new connection that it has started.
#[derive(Clone, Copy, Debug)]
enum Until {
    Connected,
    /// The server's answer has arrived. A loop does not process it before the slot returns.
    Answered,
    Encrypted,
}

const WAITS: [Until; 3] = [Until::Connected, Until::Answered, Until::Encrypted];

fn wait_in_slot(client: &QSslSocket, until: Until) {
    match until {
        Until::Connected => wait_until(|| client.state() == SocketState::Connected),
        Until::Answered => wait_until(|| client.encrypted_bytes_available() > 0),
        Until::Encrypted => {
            // The server runs in this thread.
            wait_in_slot(client, Until::Answered);
            client.wait_for_encrypted(20_000).unwrap();
        }
    }
}

/// A slot that is told of errors starts a new connection and waits for it.
#[test]
fn a_connection_begun_while_errors_are_told_is_encrypted() {
    let _app = QCoreApplication::new();
    for until in WAITS {
        let server = encrypting("selfsigned");
        let port = server.server_port();
        let client = client();
        let again = Rc::new(Cell::new(false));
        let encrypted = count(&client.encrypted);
        client.ssl_errors.connect_to(&again, {
            let weak = client.to_weak();
            move |again, _| {
                let client = QSslSocket::from_weak(&weak).unwrap();
                if !again.replace(true) {
                    client.abort();
                    client.connect_to_host_encrypted("127.0.0.1", port);
                    client.ignore_ssl_errors();
                    wait_in_slot(&client, until);
                }
            }
        });
        client.connect_to_host_encrypted("127.0.0.1", port);
        let _others = (accepted(&server), accepted(&server));
        wait_until(|| encrypted.get() == 1);
        assert!(again.get());
    }
}

/// Data that cannot be decrypted causes one error, even if the socket writes as well.
#[test]
fn garbage_is_one_error_to_who_writes() {
    let _app = QCoreApplication::new();
    let server = server();
    let wires = wires_of(&server);
    let client = client();
    let other = encrypt(&client, &server);
    let told = Rc::new(RefCell::new(Vec::new()));
    client.error_occurred.connect_to(&told, |told, error| told.borrow_mut().push(*error));
    // The slot for new data writes. The garbage that follows is in the session by then.
    client.ready_read.connect_to(&client, |client, ()| {
        client.write("an answer").unwrap();
    });
    // Both are sent in one packet, so that they arrive together.
    other.write("a question").unwrap();
    other.flush();
    wires.borrow_mut()[0].write_all(b"this is no record at all").unwrap();
    wait_until(|| client.state() == SocketState::Unconnected);
    assert_eq!(*told.borrow(), [SocketErrorKind::SslInternal]);
}

/// A slot that is told of a TLS error starts a new connection and waits for it in the slot. The
/// error of the old session does not affect the new one.
#[test]
fn a_connection_begun_while_broken_tls_is_told_is_encrypted() {
    let _app = QCoreApplication::new();
    for until in WAITS {
        let server = server();
        let wires = wires_of(&server);
        let client = client();
        let _other = encrypt(&client, &server);
        let next = encrypting("good");
        let port = next.server_port();
        let told = Rc::new(RefCell::new(Vec::new()));
        client.error_occurred.connect_to(&told, {
            let weak = client.to_weak();
            move |told, error| {
                told.borrow_mut().push(*error);
                let client = QSslSocket::from_weak(&weak).unwrap();
                client.abort();
                client.connect_to_host_encrypted("127.0.0.1", port);
                wait_in_slot(&client, until);
            }
        });
        wires.borrow_mut()[0].write_all(b"this is no record at all").unwrap();
        wait_until(|| !told.borrow().is_empty() && client.is_encrypted());
        assert_eq!(client.peer_port(), port);
        assert_eq!(*told.borrow(), [SocketErrorKind::SslInternal]);
    }
}

/// A slot that is told of a TLS error may close the connection. The peer still gets the alert.
#[test]
fn an_alert_goes_out_though_a_slot_closes() {
    let _app = QCoreApplication::new();
    let server = server();
    let wires = wires_of(&server);
    for action in
        [|client: &QSslSocket| client.disconnect_from_host(), |client: &QSslSocket| client.close()]
    {
        let client = client();
        let other = encrypt(&client, &server);
        client.error_occurred.connect_to(&client, move |client, _| action(client));
        let told = Rc::new(RefCell::new(Vec::new()));
        other.error_occurred.connect_to(&told, |told, error| told.borrow_mut().push(*error));
        wires.borrow_mut().pop().unwrap().write_all(b"this is no record at all").unwrap();
        wait_until(|| client.state() == SocketState::Unconnected);
        wait_until(|| other.state() == SocketState::Unconnected);
        assert_eq!(
            *told.borrow(),
            [SocketErrorKind::SslInternal, SocketErrorKind::RemoteHostClosed]
        );
    }
}

thread_local! {
    /// The socket that the logger queries and writes to.
    static LOGGED: RefCell<Option<QSslSocket>> = const { RefCell::new(None) };
    static LOGGING: Cell<bool> = const { Cell::new(false) };
    static RECORDS: Cell<u32> = const { Cell::new(0) };
}

struct Logger;

impl log::Log for Logger {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, _: &log::Record<'_>) {
        if LOGGING.replace(true) {
            return;
        }
        RECORDS.set(RECORDS.get() + 1);
        if let Some(socket) = LOGGED.with_borrow(Clone::clone) {
            let _ = socket.encrypted_bytes_available();
            let _ = socket.ssl_configuration();
            if socket.is_encrypted() {
                socket.write(".").unwrap();
                socket.flush();
            }
        }
        LOGGING.set(false);
    }

    fn flush(&self) {}
}

/// rustls logs in the middle of its work, and a logger may use the socket.
#[test]
fn a_logger_uses_the_socket() {
    if !in_child!("a_logger_uses_the_socket", 100) {
        return;
    }
    let _app = QCoreApplication::new();
    log::set_logger(&Logger).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    let server = encrypting("good");
    let client = client();
    LOGGED.set(Some(client.clone()));
    let other = encrypt(&client, &server);
    client.write("hello").unwrap();
    other.write("answer").unwrap();
    wait_until(|| client.bytes_available() == 6);
    wait_until(|| other.peek(1000).iter().filter(|byte| **byte != b'.').count() == 5);
    other.disconnect_from_host();
    wait_until(|| client.state() == SocketState::Unconnected);
    assert!(RECORDS.get() > 0);
    LOGGED.set(None);
}

thread_local! {
    /// The client that writes whenever rustls logs, and what it has written.
    static WRITER: RefCell<Option<QSslSocket>> = const { RefCell::new(None) };
    static WRITTEN: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Writes while rustls works, and runs the loop until the data has arrived.
struct Running;

impl log::Log for Running {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        if !record.target().starts_with("rustls") || LOGGING.replace(true) {
            return;
        }
        let writer = WRITER.with_borrow(Clone::clone);
        if let Some(writer) = writer.filter(|writer| writer.is_encrypted() && RECORDS.get() < 10) {
            RECORDS.set(RECORDS.get() + 1);
            let data = format!("{} ", RECORDS.get());
            WRITTEN.with_borrow_mut(|written| written.push_str(&data));
            writer.write(&data).unwrap();
            writer.flush();
            run_for(Duration::from_millis(20));
        }
        LOGGING.set(false);
    }

    fn flush(&self) {}
}

/// rustls logs in the middle of its work. A logger runs the loop then, which finds new data.
#[test]
fn a_loop_of_a_logger_loses_no_data() {
    if !in_child!("a_loop_of_a_logger_loses_no_data", 100) {
        return;
    }
    let _app = QCoreApplication::new();
    log::set_logger(&Running).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    let server = encrypting("good");
    let client = client();
    WRITER.set(Some(client.clone()));
    let other = encrypt(&client, &server);
    run_for(Duration::from_millis(50));
    client.write("hello").unwrap();
    other.write("answer").unwrap();
    wait_until(|| client.bytes_available() == 6 && other.bytes_available() >= 5);
    assert!(RECORDS.get() > 0, "rustls has logged nothing");
    WRITER.set(None);
    let written = WRITTEN.take();
    wait_until(|| other.bytes_available() == written.len() + 5);
    let read = String::from_utf8(other.read_all()).unwrap();
    assert_eq!(read.replace("hello", ""), written);
    assert_eq!(other.state(), SocketState::Connected);
}

/// A value that a panic drops says goodbye on an encrypted connection. The panic has nothing to do
/// with the session, so the connection stays.
#[test]
fn a_panic_elsewhere_drops_a_value_that_writes() {
    struct Goodbye(QSslSocket);
    impl Drop for Goodbye {
        fn drop(&mut self) {
            self.0.write("goodbye").unwrap();
            self.0.flush();
        }
    }
    let app = QCoreApplication::new();
    let server = encrypting("good");
    let client = client();
    let other = encrypt(&client, &server);
    let held = client.clone();
    QTimer::single_shot(0, move || {
        let _goodbye = Goodbye(held.clone());
        panic!("a slot panics");
    });
    catch_unwind(AssertUnwindSafe(|| app.exec())).unwrap_err();
    wait_until(|| other.bytes_available() == 7);
    assert!(client.is_encrypted());
    other.write("bye").unwrap();
    wait_until(|| client.bytes_available() == 3);
}
