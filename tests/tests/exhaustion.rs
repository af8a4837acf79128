//! Tries each kind of object first without free descriptors, then with enough. A failure causes an
//! error, does not affect the next attempt, and leaks nothing.

use std::{
    cell::Cell, fs::File, io::Write, net::TcpListener, rc::Rc, sync::mpsc, thread, time::Duration,
};

use integration::{LIMIT, descriptors, in_child, tls, wait_at_most, wait_until};
use qcore::{
    Dispatcher, NotifierType, QCoreApplication, QEventLoopLocker, QSocketNotifier, QTimer,
};
use qnetwork::{
    DetachedSocket, EncodingFormat, QHostAddress, QHostInfo, QLocalServer, QLocalSocket,
    QNetworkInterface, QSslCertificate, QSslConfiguration, QSslServer, QTcpServer, QTcpSocket,
    QUdpSocket, SocketState,
};

type Attempt = fn(&Setting) -> Result<(), String>;

/// The objects that exist before the descriptors are used up.
struct Setting {
    port: u16,
    listener: TcpListener,
    local: String,
    /// A connection that another thread has handed over, with unread bytes.
    detached: Cell<Option<DetachedSocket>>,
}

fn or<T, E: ToString>(result: Result<T, E>) -> Result<(), String> {
    result.map(drop).map_err(|error| error.to_string())
}

fn check(holds: bool, what: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what.to_owned()) }
}

fn poster(_: &Setting) -> Result<(), String> {
    let poster = Dispatcher::current().poster().map_err(|error| error.to_string())?;
    thread::spawn(move || poster.post(|| QCoreApplication::instance().quit()))
        .join()
        .expect("the thread does not panic")
        .map_err(|error| error.to_string())?;
    check(QCoreApplication::new().exec() == 0, "exec")
}

fn locker(_: &Setting) -> Result<(), String> {
    let app = QCoreApplication::new();
    let locker = QEventLoopLocker::try_new().map_err(|error| error.to_string())?;
    QTimer::single_shot(0, move || drop(locker));
    check(app.exec() == 0, "exec")
}

fn application_of_another_thread(_: &Setting) -> Result<(), String> {
    let app = QCoreApplication::new();
    let worker = thread::spawn(|| QCoreApplication::instance().quit());
    // Without descriptors, threads cannot reach the loop.
    QTimer::single_shot(LIMIT.min(Duration::from_millis(2000)), || {
        QCoreApplication::instance().exit(1);
    });
    worker.join().expect("the thread does not panic");
    check(app.exec() == 0, "nobody has quit")
}

fn notifier(setting: &Setting) -> Result<(), String> {
    let descriptor = setting.listener.try_clone().map_err(|error| error.to_string())?;
    or(QSocketNotifier::try_new(descriptor, NotifierType::Read))
}

fn connecting(setting: &Setting) -> Result<(), String> {
    let socket = QTcpSocket::new();
    socket.connect_to_host("127.0.0.1", setting.port);
    wait_at_most(LIMIT, || {
        matches!(socket.state(), SocketState::Connected | SocketState::Unconnected)
    });
    check(socket.state() == SocketState::Connected, &socket.error_string())
}

/// A connection from another thread is the first thing for which this thread needs a poll.
fn attaching(setting: &Setting) -> Result<(), String> {
    let connection = setting.detached.take();
    let connection = connection.ok_or("there is no connection")?;
    let socket = QTcpSocket::new();
    if let Err(error) = socket.attach(connection) {
        let text = error.to_string();
        check(socket.state() == SocketState::Unconnected, "the socket has changed")?;
        // Nothing is lost.
        setting.detached.set(Some(error.into_detached()));
        return Err(text);
    }
    socket.wait_for_ready_read(5000).map_err(|error| error.to_string())?;
    check(socket.read_all() == b"unread", "bytes are lost")
}

fn connecting_without_a_loop(setting: &Setting) -> Result<(), String> {
    let socket = QTcpSocket::new();
    socket.connect_to_host("127.0.0.1", setting.port);
    or(socket.wait_for_connected(5000))
}

fn listening(_: &Setting) -> Result<(), String> {
    or(QTcpServer::new().listen(QHostAddress::LocalHost, 0))
}

fn listening_with_workers(_: &Setting) -> Result<(), String> {
    let server = QTcpServer::new();
    server.set_workers(2, || {
        let server = QTcpServer::new();
        server.new_connection.connect_to(&server, |server, ()| {
            server.next_pending_connection().expect("it has come").write("hello").ok();
        });
        server
    });
    or(server.listen(QHostAddress::LocalHost, 0))?;
    check(server.worker_count() == 2, "workers are missing")?;
    let client = QTcpSocket::new();
    client.connect_to_host("127.0.0.1", server.server_port());
    wait_at_most(LIMIT, || client.bytes_available() == 5);
    check(client.read_all() == b"hello", "no worker answers")
}

fn binding(_: &Setting) -> Result<(), String> {
    or(QUdpSocket::new().bind(QHostAddress::LocalHost, 0))
}

fn sending(setting: &Setting) -> Result<(), String> {
    or(QUdpSocket::new().write_datagram(b"x", QHostAddress::LocalHost, setting.port))
}

fn listening_locally(_: &Setting) -> Result<(), String> {
    let name = format!("exhausted-{}", std::process::id());
    or(QLocalServer::new().listen(name))
}

fn connecting_locally(setting: &Setting) -> Result<(), String> {
    let socket = QLocalSocket::new();
    socket.connect_to_server(&setting.local);
    or(socket.wait_for_connected(5000))
}

fn looking_up(_: &Setting) -> Result<(), String> {
    let answer = Rc::new(Cell::new(None));
    QHostInfo::lookup_host("localhost", &answer, |answer, info| {
        answer.set(Some(info.addresses().len()));
    });
    wait_at_most(LIMIT, || answer.get().is_some());
    check(answer.get() > Some(0), "not found")
}

fn asking_for_a_name(_: &Setting) -> Result<(), String> {
    check(!QHostInfo::from_name("localhost").addresses().is_empty(), "not found")
}

fn interfaces(_: &Setting) -> Result<(), String> {
    check(!QNetworkInterface::all_interfaces().is_empty(), "there are none")
}

fn certificates_of_the_system(_: &Setting) -> Result<(), String> {
    check(!QSslConfiguration::system_ca_certificates().is_empty(), "there are none")
}

fn certificates_of_a_file(_: &Setting) -> Result<(), String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/conformance/certs/good.crt");
    let found = QSslCertificate::from_path(path, EncodingFormat::Pem);
    found.map(drop).map_err(|error| error.to_string())
}

fn encrypting(_: &Setting) -> Result<(), String> {
    let server = QSslServer::new();
    // The certificate and key are in memory already.
    server.set_ssl_configuration(IDENTIFIED.with(Clone::clone));
    or(server.listen(QHostAddress::LocalHost, 0))?;
    let client = tls::client();
    client.ignore_ssl_errors();
    client.connect_to_host_encrypted("127.0.0.1", server.server_port());
    wait_at_most(LIMIT, || client.is_encrypted() || client.state() == SocketState::Unconnected);
    check(client.is_encrypted(), &client.error_string())
}

thread_local!(static IDENTIFIED: QSslConfiguration = tls::identified("good"));

/// Runs an attempt twice in a thread with a loop of its own: the first time without free
/// descriptors.
fn first_without(
    attempt: Attempt,
    needs_reading: bool,
) -> (Result<(), String>, Result<(), String>) {
    let (tell, told) = mpsc::channel();
    let worker = thread::spawn(move || {
        if needs_reading {
            IDENTIFIED.with(|_| ());
        }
        let listener = integration::listener();
        let port = integration::port_of(&listener);
        let local = format!("there-{}-{port}", std::process::id());
        // Another thread has the server, so that this thread's loop has no descriptors yet.
        let (go, gone) = mpsc::channel::<()>();
        let (ready, is_ready) = mpsc::channel();
        let name = local.clone();
        let serving = thread::spawn(move || {
            let local = QLocalServer::new();
            local.listen(name).expect("there are descriptors");
            let (socket, mut stream) = integration::pair();
            stream.write_all(b"unread").expect("there is room");
            wait_until(|| socket.bytes_available() == 6);
            ready.send(socket.detach().expect("it is connected")).expect("the test waits");
            gone.recv().ok();
        });
        let detached = Cell::new(is_ready.recv().ok());
        let setting = Setting { port, listener, local, detached };
        let taken: Vec<_> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
        assert!(taken.len() > 10);
        let first = attempt(&setting);
        drop(taken);
        let second = attempt(&setting);
        drop(go);
        serving.join().expect("the thread does not panic");
        tell.send((first, second)).expect("the test waits");
    });
    let results = told.recv_timeout(LIMIT * 2).expect("the thread finishes");
    worker.join().expect("the thread does not panic");
    results
}

#[test]
fn a_failure_for_want_of_descriptors_is_not_remembered() {
    if !in_child!("a_failure_for_want_of_descriptors_is_not_remembered", 64) {
        return;
    }
    assert!(!wait_at_most(Duration::ZERO, || false));
    let attempts: [(&str, Attempt); 18] = [
        ("poster", poster),
        ("locker", locker),
        ("application of another thread", application_of_another_thread),
        ("notifier", notifier),
        ("connecting", connecting),
        ("connecting without a loop", connecting_without_a_loop),
        ("attaching", attaching),
        ("listening", listening),
        ("listening with workers", listening_with_workers),
        ("binding", binding),
        ("sending", sending),
        ("listening locally", listening_locally),
        ("connecting locally", connecting_locally),
        ("interfaces", interfaces),
        ("certificates of a file", certificates_of_a_file),
        ("encrypting", encrypting),
        ("looking up", looking_up),
        ("asking for a name", asking_for_a_name),
    ];
    for (name, attempt) in attempts {
        let before = descriptors();
        let (first, second) = first_without(attempt, name == "encrypting");
        println!("{name}: {first:?}, then {second:?}");
        assert_eq!(second, Ok(()), "{name}, the second time");
        if name != "looking up" && name != "asking for a name" {
            assert!(first.is_err(), "{name}, without descriptors");
        }
        // A worker drops its reference to the asking loop only after it has answered.
        let all_closed = wait_at_most(LIMIT, || descriptors() <= before);
        assert!(all_closed, "{name} leaves descriptors: {} of {before}", descriptors());
    }
}

/// The system's certificates are cached only after they have been read.
#[test]
fn certificates_of_the_system_are_read_again() {
    if !in_child!("certificates_of_the_system_are_read_again", 64) {
        return;
    }
    let (first, second) = first_without(certificates_of_the_system, false);
    assert!(first.is_err());
    let there = ["/etc/ssl/certs", "/etc/pki/tls/certs"]
        .iter()
        .any(|path| std::fs::read_dir(path).is_ok_and(|directory| directory.count() > 0));
    if second.is_err() && !there {
        println!("skipped: the system has no certificates");
        return;
    }
    assert_eq!(second, Ok(()));
}

/// A loop without a poll continues with its timers, and warns once.
#[test]
fn a_loop_without_descriptors_is_quiet() {
    if !in_child!("a_loop_without_descriptors_is_quiet", 64) {
        return;
    }
    let (tell, told) = mpsc::channel();
    qcore::install_message_handler(Some(Box::new(move |_, text| {
        tell.send(text.to_owned()).ok();
    })));
    let taken: Vec<_> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    let ticks = Rc::new(Cell::new(0));
    let timer = QTimer::new();
    timer.timeout.connect_to(&ticks, |ticks, ()| ticks.set(ticks.get() + 1));
    timer.start_with_interval(2);
    assert!(wait_at_most(LIMIT, || ticks.get() >= 50));
    drop(taken);
    assert!(wait_at_most(LIMIT, || ticks.get() >= 60));
    let texts: Vec<_> = told.try_iter().collect();
    assert_eq!(texts, ["cannot wait for events: Too many open files (os error 24)"]);
}
