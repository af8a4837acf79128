//! Shared parts of the tests: bounded waiting, blocking peers, and information on the process.

#[cfg(doctest)]
mod book;
pub mod chapters;
pub mod dns;
pub mod local;
mod socks5;
pub mod tls;

use std::{
    env, fs,
    io::Read,
    net::{Ipv6Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs},
    os::unix::fs::FileExt,
    process::Command,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

pub use self::socks5::{Request, Socks5Proxy};
use qcore::{ProcessEventsFlags, QCoreApplication, QTimer};
use qnetwork::{QHostAddress, QTcpServer, QTcpSocket, SocketState};
use socket2::SockRef;

/// How long any wait may take. It is far more than needed: a test that reaches it fails.
pub const LIMIT: Duration = Duration::from_secs(20);

/// A name that no host has. Each label is valid, but the whole name is too long. The resolver
/// refuses it without asking a server, so tests do not leave the machine.
pub const NO_HOST: &str = concat!(
    "a-part-of-a-name-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.",
    "a-part-of-a-name-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.",
    "a-part-of-a-name-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.",
    "a-part-of-a-name-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.",
    "a-part-of-a-name-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.example",
);

/// Runs this thread's loop until the condition holds.
///
/// # Panics
///
/// If it does not hold within [`LIMIT`].
#[track_caller]
pub fn wait_until(condition: impl FnMut() -> bool) {
    assert!(wait_at_most(LIMIT, condition), "waited for {LIMIT:?} in vain");
}

/// Runs this thread's loop until the condition holds or the time is over. Returns whether it holds.
pub fn wait_at_most(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let app = QCoreApplication::new();
    let end = Instant::now() + limit;
    // Wakes the loop for conditions that do not depend on an event of this thread.
    let heartbeat = QTimer::new();
    heartbeat.start_with_interval(2);
    while !condition() {
        if Instant::now() >= end {
            return false;
        }
        app.process_events_with_flags(ProcessEventsFlags::WAIT_FOR_MORE_EVENTS);
    }
    true
}

/// Runs this thread's loop for some time, as a program does.
pub fn run_for(time: Duration) {
    let app = QCoreApplication::new();
    QTimer::single_shot(time, || QCoreApplication::instance().quit());
    app.exec();
}

/// Runs everything that waits to run, including deletions requested outside of all loops.
pub fn settle() {
    run_for(Duration::from_millis(1));
}

// ---- sockets of this library

/// Returns a server on a free port of the loopback address.
///
/// # Panics
///
/// If there is no free port.
#[track_caller]
#[must_use]
pub fn server() -> QTcpServer {
    let server = QTcpServer::new();
    server.listen(QHostAddress::LocalHost, 0).expect("a free port");
    server
}

/// Returns a socket that is connected to `port`.
///
/// # Panics
///
/// If it cannot connect.
#[track_caller]
#[must_use]
pub fn connected_to(port: u16) -> QTcpSocket {
    let socket = QTcpSocket::new();
    socket.connect_to_host("127.0.0.1", port);
    wait_until(|| socket.state() == SocketState::Connected);
    socket
}

/// Returns a socket and its blocking peer.
///
/// # Panics
///
/// If they cannot be connected.
#[track_caller]
#[must_use]
pub fn pair() -> (QTcpSocket, TcpStream) {
    let listener = listener();
    let socket = connected_to(port_of(&listener));
    let (stream, _) = listener.accept().expect("a connection");
    (socket, stream)
}

/// Returns both ends of a connection: the accepted one and the connecting one.
///
/// # Panics
///
/// If they cannot be connected.
#[track_caller]
#[must_use]
pub fn pair_of(server: &QTcpServer) -> (QTcpSocket, QTcpSocket) {
    let client = QTcpSocket::new();
    client.connect_to_host("127.0.0.1", server.server_port());
    wait_until(|| server.has_pending_connections() && client.state() == SocketState::Connected);
    (server.next_pending_connection().expect("a pending connection"), client)
}

// ---- blocking peers

/// Returns a blocking listener on a free port of the loopback address.
///
/// # Panics
///
/// If there is no free port.
#[must_use]
pub fn listener() -> TcpListener {
    TcpListener::bind(("127.0.0.1", 0)).expect("a free port")
}

/// Connects to a port and returns the blocking connection. Returns `None` if nobody listens there.
/// The system may use the port itself for the outgoing connection, which then connects to itself;
/// that returns `None`, too.
#[must_use]
pub fn connection(port: u16) -> Option<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(LIMIT)).ok()?;
    let own = stream.local_addr().ok()?;
    (own.port() != port).then_some(stream)
}

/// Returns the port of a blocking listener.
///
/// # Panics
///
/// Never.
#[must_use]
pub fn port_of(listener: &TcpListener) -> u16 {
    listener.local_addr().as_ref().map(SocketAddr::port).expect("the listener has an address")
}

/// Starts a thread that accepts one connection and calls `work` with it. Returns the port.
///
/// # Panics
///
/// In that thread, if nobody connects.
pub fn peer<T: Send + 'static>(
    work: impl FnOnce(TcpStream) -> T + Send + 'static,
) -> (u16, JoinHandle<T>) {
    let listener = listener();
    let port = port_of(&listener);
    let thread = thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a connection");
        // Time-outs, so that the thread does not hang if the other side has failed.
        stream.set_read_timeout(Some(LIMIT)).expect("a time-out");
        stream.set_write_timeout(Some(LIMIT)).expect("a time-out");
        work(stream)
    });
    (port, thread)
}

/// Returns a port on which nobody listens. No other process gets it while the guard lives.
///
/// # Panics
///
/// If there is no free port.
#[must_use]
pub fn closed_port() -> (u16, socket2::Socket) {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
    let socket = socket.expect("a socket");
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("a free port");
    let address = socket.local_addr().ok().and_then(|address| address.as_socket());
    (address.expect("the socket is bound").port(), socket)
}

/// Closes a connection with a reset.
///
/// # Panics
///
/// If the system refuses.
pub fn reset(stream: TcpStream) {
    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("lingering off");
    drop(stream);
}

/// Reads to the end of the stream, which may be a reset.
#[must_use]
pub fn read_to_end(mut stream: &TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all);
    all
}

/// Returns `size` bytes from position `at` of a pattern that makes shifted or lost bytes visible.
#[must_use]
pub fn pattern(at: usize, size: usize) -> Vec<u8> {
    (at..at + size).map(|place| (place.wrapping_mul(31) >> 3) as u8).collect()
}

// ---- information on the machine

/// Returns whether the IPv6 loopback address can be used.
#[must_use]
pub fn has_ipv6() -> bool {
    TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}

/// Returns the address that programs on this machine try first for `localhost`.
///
/// # Panics
///
/// If the name has no address.
#[must_use]
pub fn localhost() -> QHostAddress {
    let first = ("localhost", 0).to_socket_addrs().ok().and_then(|mut all| all.next());
    first.expect("an address of localhost").ip().into()
}

/// Returns the greatest backlog that the system allows.
#[must_use]
pub fn backlog() -> usize {
    let most = fs::read_to_string("/proc/sys/net/core/somaxconn");
    // 128 is the lowest default of any kernel.
    most.ok().and_then(|most| most.trim().parse().ok()).unwrap_or(128)
}

/// Returns the hard limit of descriptors of a process.
///
/// # Panics
///
/// Without `/proc`.
#[must_use]
pub fn most_descriptors() -> usize {
    let limits = fs::read_to_string("/proc/self/limits").expect("/proc is there");
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let hard = line.and_then(|line| line.split_whitespace().nth(1)).expect("a limit");
    hard.parse().unwrap_or(usize::MAX)
}

// ---- information on the process

/// Returns the number of open descriptors.
///
/// # Panics
///
/// Without `/proc`.
#[must_use]
pub fn descriptors() -> usize {
    // One of them reads the folder.
    fs::read_dir("/proc/self/fd").expect("/proc is there").count() - 1
}

/// Returns the resident memory of the process, in bytes.
///
/// # Panics
///
/// Without `/proc`.
#[must_use]
pub fn memory() -> usize {
    let pages = fs::read_to_string("/proc/self/statm").expect("/proc is there");
    let resident = pages.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok());
    resident.expect("a number of pages") * 4096
}

/// Measures the CPU time of the thread that created it. It keeps a descriptor, so it works when
/// there are no free ones.
#[derive(Debug)]
pub struct CpuClock(fs::File);

impl CpuClock {
    /// Creates a clock for this thread.
    ///
    /// # Panics
    ///
    /// Without `/proc`.
    #[must_use]
    #[allow(clippy::new_without_default)] // it may panic
    pub fn new() -> Self {
        CpuClock(fs::File::open("/proc/thread-self/schedstat").expect("/proc is there"))
    }

    /// Returns the CPU time so far.
    ///
    /// # Panics
    ///
    /// If the system's file has another format.
    #[must_use]
    pub fn now(&self) -> Duration {
        let mut text = [0; 64];
        let count = self.0.read_at(&mut text, 0).expect("it can be read");
        let text = str::from_utf8(&text[..count]).expect("the output is UTF-8");
        let nanos = text.split(' ').next().and_then(|nanos| nanos.parse().ok());
        Duration::from_nanos(nanos.expect("a number of nanoseconds"))
    }
}

/// Returns the CPU time of all threads of the process so far. It grows in steps of 10 ms.
///
/// # Panics
///
/// Without `/proc`, or without a free descriptor.
#[must_use]
pub fn process_cpu() -> Duration {
    let text = fs::read_to_string("/proc/self/stat").expect("/proc is there");
    // The name of the program comes second, in parentheses, and may contain spaces.
    let (_, fields) = text.rsplit_once(')').expect("the name of the program");
    let ticks = fields.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>());
    Duration::from_millis(10 * ticks.map(|ticks| ticks.expect("a number of ticks")).sum::<u64>())
}

/// Runs the test of this name in a process of its own, with a limited number of descriptors. Tests
/// that measure or change what belongs to the process need this. Returns `true` in that process,
/// where the test is to run. Returns `false` in the calling process, after the test has passed or
/// was skipped because the hard limit is lower.
///
/// With `through`, a command starts the process, for example `unshare`. If this machine cannot do
/// that, the test is skipped.
///
/// # Panics
///
/// If the test fails in that process.
#[macro_export]
macro_rules! in_child {
    ($test:literal, $descriptors:expr) => {
        $crate::in_child!($test, $descriptors, through & [])
    };
    ($test:literal, $descriptors:expr, through $command:expr) => {
        $crate::run_in_child(concat!(module_path!(), "::", $test), $descriptors, $command)
    };
}

/// Does the work of [`in_child!`]. `path` begins with the name of the test binary.
///
/// # Panics
///
/// If the test fails in that process.
#[track_caller]
#[must_use]
pub fn run_in_child(path: &str, descriptors: usize, through: &[&str]) -> bool {
    const CHILD: &str = "QT_TEST_CHILD";
    let test = path.split_once("::").expect("a binary and a test in it").1;
    if env::var_os(CHILD).is_some() {
        return true;
    }
    let most = most_descriptors();
    if most < descriptors {
        println!("skipped: the test needs {descriptors} descriptors, and the limit is {most}");
        return false;
    }
    let limited = || {
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("ulimit -n {descriptors} && exec \"$0\" \"$@\""));
        command.args(through);
        command
    };
    if !through.is_empty() {
        // That the command can start this binary is part of it.
        let list = [env::current_exe().expect("the test's own path"), "--list".into()];
        let tried = limited().args(list).output().expect("a shell");
        if !tried.status.success() {
            let reason = String::from_utf8_lossy(&tried.stderr);
            println!("skipped: this machine cannot run {through:?}: {}", reason.trim());
            return false;
        }
    }
    let output = limited()
        .arg(env::current_exe().expect("the test's own path"))
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(CHILD, "1")
        .output()
        .expect("a shell");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && told.contains("1 passed"),
        "{told}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for label in ["measured: ", "skipped: "] {
        for (_, text) in told.lines().filter_map(|line| line.split_once(label)) {
            println!("{label}{text}");
        }
    }
    false
}
