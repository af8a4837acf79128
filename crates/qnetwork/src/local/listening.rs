//! The listening socket of a local server, and its file.

use std::{
    fs, io,
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::fs::{DirBuilderExt, PermissionsExt},
    },
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use mio::Interest;
use qcore::event_loop::{Readiness, Registration};
use socket2::{Domain, SockAddr, Type};

use super::{name, options::LocalServerOptions};
use crate::sys::{self, Socket};

/// How many connections the kernel's backlog holds.
const BACKLOG: i32 = 50;

/// A listening socket that is registered with the loop's poll.
pub(super) struct Listener {
    io: Socket,
    registration: Registration,
    /// The socket's file. It is removed with the listener.
    file: Option<PathBuf>,
}

impl Listener {
    /// Listens at a path.
    pub(super) fn open(
        registration: Registration,
        path: &Path,
        options: LocalServerOptions,
    ) -> io::Result<Self> {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        let address = name::address_of(path)?;
        if options.is_empty() {
            socket.bind(&address)?;
            socket.listen(BACKLOG).inspect_err(|_| drop(fs::remove_file(path)))?;
        } else {
            listen_with_access(&socket, path, options.mode())?;
        }
        Self::of(registration, socket, Some(path.into()))
            .inspect_err(|_| drop(fs::remove_file(path)))
    }

    /// Takes over a socket, and returns its name.
    pub(super) fn adopt(
        registration: Registration,
        descriptor: OwnedFd,
    ) -> io::Result<(Self, String)> {
        let socket = Socket::from(descriptor);
        let invalid = || io::Error::from_raw_os_error(libc::EPROTONOSUPPORT);
        let address = socket.local_addr().map_err(|_| invalid())?;
        if !address.is_unix() || !socket.r#type().is_ok_and(|kind| kind == Type::STREAM) {
            return Err(invalid());
        }
        socket.set_nonblocking(true)?;
        socket.set_cloexec(true)?;
        let file = address.as_pathname().map(Path::to_owned);
        let name = shown(&address);
        Ok((Self::of(registration, socket, file)?, name))
    }

    fn of(registration: Registration, io: Socket, file: Option<PathBuf>) -> io::Result<Self> {
        sys::watch(&registration, &sys::watched(&io), Interest::READABLE)?;
        Ok(Listener { io, registration, file })
    }

    /// Accepts a connection for a socket of this library, in non-blocking mode.
    pub(super) fn accept(&self) -> io::Result<Socket> {
        let (socket, _) = self.io.accept()?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    }

    /// Accepts a connection for the program's handler.
    pub(super) fn accept_descriptor(&self) -> io::Result<OwnedFd> {
        sys::accept_blocking(&self.io)
    }

    pub(super) fn registration(&self) -> &Registration {
        &self.registration
    }

    /// Asks the loop to call the server once more, although the poll has reported nothing new.
    pub(super) fn requeue(&self) {
        self.registration.requeue(Readiness::empty());
    }

    pub(super) fn descriptor(&self) -> i32 {
        self.io.as_raw_fd()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        sys::unwatch(&self.registration, &sys::watched(&self.io));
        if let Some(file) = &self.file {
            // It may have been removed already.
            let _ = fs::remove_file(file);
        }
    }
}

/// Listens at a file that has its permissions from the start: creates it in a private directory,
/// then moves it into place. It replaces a file that was there.
fn listen_with_access(socket: &Socket, path: &Path, mode: u32) -> io::Result<()> {
    let directory = TempDir::beside(path)?;
    let file = directory.0.join("s");
    socket.bind(&name::address_of(&file)?)?;
    socket.listen(BACKLOG)?;
    fs::set_permissions(&file, fs::Permissions::from_mode(mode))?;
    fs::rename(&file, path)
}

/// A private directory, removed when dropped.
struct TempDir(PathBuf);

impl TempDir {
    fn beside(path: &Path) -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let parent = path.parent().unwrap_or(Path::new("/"));
        loop {
            let number = COUNT.fetch_add(1, Ordering::Relaxed);
            let directory = parent.join(format!(".{:x}-{number:x}", process::id()));
            match fs::DirBuilder::new().mode(0o700).create(&directory) {
                Ok(()) => return Ok(TempDir(directory)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        // The socket's file, if it could not be moved.
        let _ = fs::remove_file(self.0.join("s"));
        let _ = fs::remove_dir(&self.0);
    }
}

/// Returns an address as Qt shows it: a path, or an abstract name with an `@` before it.
fn shown(address: &SockAddr) -> String {
    if let Some(path) = address.as_pathname() {
        return path.to_string_lossy().into_owned();
    }
    let name = address.as_abstract_namespace().unwrap_or_default();
    format!("@{}", String::from_utf8_lossy(name))
}
