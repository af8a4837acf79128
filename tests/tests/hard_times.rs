//! What is missing or full around a process: standard streams, threads, room on a disk.

use std::{
    cell::Cell,
    env,
    fs::{self, File},
    io::{self, Write},
    net::TcpStream,
    os::{fd::AsRawFd, unix::fs::MetadataExt},
    process::{Command, Stdio},
    rc::Rc,
    thread,
};

use integration::{
    connected_to, descriptors, in_child,
    local::{self, Dir},
    pair_of, server, tls, wait_until,
};
use qcore::{QThread, QThreadPool, QTimer, q_warning};
use qnetwork::{
    HostInfoErrorKind, LocalServerOptions, LocalSocketState, QHostAddress, QHostInfo, QLocalServer,
    QLocalSocket, QTcpServer, QTcpSocket, SocketErrorKind, SocketState,
};

// ---- standard streams

/// A warning that cannot be printed is lost. It does not panic.
#[test]
fn standard_error_is_a_full_disk() {
    let full = ["sh", "-c", "exec \"$@\" 2>/dev/full", "sh"];
    if !in_child!("standard_error_is_a_full_disk", 64, through & full) {
        return;
    }
    assert!(io::stderr().write_all(b"lost").is_err(), "standard error is not full");
    QTimer::new().start_with_interval(-1);
    q_warning!("lost");
}

/// The standard library opens `/dev/null` in the place of streams that are closed when a program
/// starts. So no socket gets one of their numbers.
#[test]
fn the_standard_streams_are_closed() {
    const RESULT: &str = "QT_TEST_CLOSED_STREAMS";
    if let Some(result) = env::var_os(RESULT) {
        use_sockets_without_streams();
        fs::write(result, "done").unwrap();
        return;
    }
    let dir = Dir::new();
    let closed = ["<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-"];
    for (number, streams) in closed.iter().enumerate() {
        let result = dir.path(&number.to_string());
        let status = Command::new("sh")
            .arg("-c")
            .arg(format!("exec \"$0\" \"$@\" {streams}"))
            .arg(env::current_exe().unwrap())
            .args(["--exact", "hard_times::the_standard_streams_are_closed", "--test-threads=1"])
            .env(RESULT, &result)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success(), "{streams}: {status}");
        assert_eq!(fs::read_to_string(&result).unwrap(), "done", "{streams}");
    }
}

fn use_sockets_without_streams() {
    assert!(File::open("/dev/null").unwrap().as_raw_fd() > 2);
    q_warning!("nobody reads this");
    let server = server();
    assert!(server.socket_descriptor().unwrap() > 2);
    let (here, there) = pair_of(&server);
    assert!(here.socket_descriptor().unwrap() > 2 && there.socket_descriptor().unwrap() > 2);
    q_warning!("nor this");
    there.write("hello").unwrap();
    wait_until(|| here.bytes_available() == 5);
    assert_eq!(here.read_all(), b"hello");
    let encrypting = tls::encrypting("good");
    let client = tls::client();
    let other = tls::encrypt(&client, &encrypting);
    other.write("secret").unwrap();
    wait_until(|| client.bytes_available() == 6);
}

// ---- a full disk

/// A local server needs a file, and with access options a directory, too.
#[test]
fn a_full_disk_for_a_local_server() {
    // The disk has room for three files; its root is one of them.
    let script = "mount -t tmpfs -o nr_inodes=3 tmpfs /mnt && exec \"$@\"";
    let disk = ["unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh"];
    if !in_child!("a_full_disk_for_a_local_server", 64, through & disk) {
        return;
    }
    let full = io::Error::from_raw_os_error(28); // ENOSPC
    let names = || fs::read_dir("/mnt").unwrap().count();
    let first = QLocalServer::new();
    first.listen("/mnt/first").unwrap();
    let open = descriptors();
    for room in [0, 1] {
        // Takes up what is left but for this room.
        let taken: Vec<_> = (0..1 - room).map(|number| format!("/mnt/{number}")).collect();
        taken.iter().for_each(|path| drop(File::create(path).unwrap()));
        let before = names();
        let server = QLocalServer::new();
        for options in [LocalServerOptions::NO_OPTIONS, LocalServerOptions::USER_ACCESS] {
            if room == 1 && options.is_empty() {
                continue;
            }
            server.set_socket_options(options);
            let error = server.listen("/mnt/name").unwrap_err();
            assert_eq!(error, SocketErrorKind::Unknown);
            let code = full.raw_os_error().unwrap();
            assert_eq!(error.to_string(), format!("QLocalServer::listen: Unknown error {code}"));
            assert!(!server.is_listening());
            assert_eq!((names(), descriptors()), (before, open), "something is left behind");
        }
        // The server that listens needs no more room.
        let client = QLocalSocket::new();
        client.connect_to_server("/mnt/first");
        assert_eq!(client.state(), LocalSocketState::Connected);
        wait_until(|| first.has_pending_connections());
        first.next_pending_connection().unwrap().delete_later();
        drop(client);
        wait_until(|| descriptors() == open);

        taken.iter().for_each(|path| fs::remove_file(path).unwrap());
        server.set_socket_options(LocalServerOptions::NO_OPTIONS);
        server.listen("/mnt/name").unwrap();
        server.close();
    }
    drop(first);
    assert_eq!(names(), 0);
}

// ---- no threads

/// What needs a thread reports an error. Everything else works.
#[test]
fn no_thread_can_be_started() {
    // The system does not limit the threads of root.
    let other = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let mut limited = if is_root { other.to_vec() } else { Vec::new() };
    limited.extend(["prlimit", "--nproc=1"]);
    if !in_child!("no_thread_can_be_started", 64, through & limited) {
        return;
    }
    if thread::Builder::new().spawn(|| ()).is_ok() {
        println!("skipped: the system does not limit the number of this user's threads");
        return;
    }
    let open = descriptors();
    for _ in 0..2 {
        assert!(QThread::new().start().is_err());
        assert!(QThreadPool::new().start(|| ()).is_err());

        let answer = Rc::new(Cell::new(None));
        QHostInfo::lookup_host("localhost", &answer, |answer, info| answer.set(info.error()));
        wait_until(|| answer.get().is_some());
        assert_eq!(answer.get(), Some(HostInfoErrorKind::Unknown));

        let socket = QTcpSocket::new();
        socket.connect_to_host("localhost", 1);
        wait_until(|| socket.state() == SocketState::Unconnected);
        assert_eq!(socket.error(), SocketErrorKind::HostNotFound);

        let workers = QTcpServer::new();
        workers.set_workers(2, QTcpServer::new);
        let error = workers.listen(QHostAddress::LocalHost, 0).unwrap_err();
        assert_eq!(error, SocketErrorKind::SocketResource);
        assert!(!workers.is_listening());
    }
    // This call blocks, in this thread. Addresses need no look-up.
    assert!(!QHostInfo::from_name("localhost").addresses().is_empty());
    let server = server();
    drop(connected_to(server.server_port()));
    drop(TcpStream::connect(("127.0.0.1", server.server_port())).unwrap());
    let (client, encrypting) = (tls::client(), tls::encrypting("good"));
    drop(tls::encrypt(&client, &encrypting));
    let dir = Dir::new();
    let local = local::server(&dir);
    drop(local::connected_to(&local));
    drop((client, encrypting, local, server));
    wait_until(|| descriptors() <= open + 3);
}
