//! Local servers in directories of their own, and connections to them.

use std::{
    cell::RefCell,
    env, fs,
    os::{
        fd::OwnedFd,
        unix::net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    process,
    rc::Rc,
    sync::atomic::{AtomicU32, Ordering},
};

use qnetwork::{LocalSocketState, QLocalServer, QLocalSocket};
use socket2::{Domain, SockAddr, Socket, Type};

/// A directory for one test. Dropping it removes the directory.
#[derive(Debug)]
pub struct Dir(PathBuf);

impl Dir {
    /// Creates a directory with a unique name.
    ///
    /// # Panics
    ///
    /// If that fails.
    #[expect(clippy::new_without_default, reason = "it makes a directory")]
    #[must_use]
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = fs::canonicalize(env::temp_dir()).unwrap();
        let dir = dir.join(format!("qlocal-{}-{number}", process::id()));
        fs::create_dir(&dir).unwrap();
        Dir(dir)
    }

    /// Returns the path of the directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.0
    }

    /// Returns the path of a name in the directory.
    ///
    /// # Panics
    ///
    /// If the path is not UTF-8.
    #[must_use]
    pub fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    /// Returns the names in the directory, sorted.
    ///
    /// # Panics
    ///
    /// If the directory cannot be read.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(&self.0)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Returns a server that listens on a name in the directory.
///
/// # Panics
///
/// If it cannot listen.
#[must_use]
pub fn server(dir: &Dir) -> QLocalServer {
    let server = QLocalServer::new();
    server.listen(dir.path("name")).unwrap();
    server
}

/// Returns a client of the server.
///
/// # Panics
///
/// If it does not connect at once.
#[must_use]
pub fn connected_to(server: &QLocalServer) -> QLocalSocket {
    let socket = QLocalSocket::new();
    socket.connect_to_server(server.full_server_name());
    assert_eq!(socket.state(), LocalSocketState::Connected, "{}", socket.error_string());
    socket
}

/// Returns the next client that the server has accepted.
///
/// # Panics
///
/// If none comes.
#[must_use]
pub fn accepted_by(server: &QLocalServer) -> QLocalSocket {
    // If a client is pending already, waiting would wait for another one.
    if !server.has_pending_connections() {
        server.wait_for_new_connection(crate::LIMIT).unwrap();
    }
    server.next_pending_connection().unwrap()
}

/// Returns a client and its other end.
///
/// # Panics
///
/// If they do not connect.
#[must_use]
pub fn pair(server: &QLocalServer) -> (QLocalSocket, QLocalSocket) {
    let client = connected_to(server);
    let other = accepted_by(server);
    (client, other)
}

/// Returns a listener with a full backlog, and the connections that fill it.
///
/// # Panics
///
/// If that fails.
#[must_use]
pub fn full(path: &str) -> (UnixListener, Vec<UnixStream>) {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    socket.bind(&SockAddr::unix(path).unwrap()).unwrap();
    socket.listen(0).unwrap();
    let mut places = Vec::new();
    loop {
        let client = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        client.set_nonblocking(true).unwrap();
        match client.connect(&SockAddr::unix(path).unwrap()) {
            Ok(()) => places.push(UnixStream::from(OwnedFd::from(client))),
            Err(_) => break,
        }
    }
    (OwnedFd::from(socket).into(), places)
}

/// Records the states of a socket.
#[must_use]
pub fn states(socket: &QLocalSocket) -> Rc<RefCell<Vec<LocalSocketState>>> {
    let states = Rc::new(RefCell::new(Vec::new()));
    socket.state_changed.connect_to(&states, |states, state| states.borrow_mut().push(*state));
    states
}
