//! Local sockets of simulated hosts.
//!
//! The descriptor of such a socket is a Unix socket of the operating system, which has the file. So
//! the file system works as usual: permissions, renaming, removal. The inode of the file identifies
//! the listener.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::{
    net::{Errno, Role, Sock, SocketId},
    tcp::End,
    world::State,
};

/// How a local socket is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LocalName {
    /// A file, by device and inode.
    File(u64, u64),
    /// A name in Linux's abstract namespace.
    Abstract(Vec<u8>),
}

impl LocalName {
    /// Returns the name of the file at a path.
    pub(super) fn of_file(path: &Path) -> Result<Self, Errno> {
        let found = fs::metadata(path).map_err(|error| error.raw_os_error().unwrap_or(libc::EIO));
        let found = found?;
        Ok(LocalName::File(found.dev(), found.ino()))
    }

    pub(super) fn of(address: &socket2::SockAddr) -> Result<Self, Errno> {
        if let Some(name) = address.as_abstract_namespace() {
            return Ok(LocalName::Abstract(name.to_vec()));
        }
        let path: Option<PathBuf> = address.as_pathname().map(Path::to_owned);
        LocalName::of_file(&path.ok_or(libc::EINVAL)?)
    }
}

impl State {
    /// Connects to a local socket, which is done at once.
    pub(super) fn connect_local(&mut self, id: SocketId, to: &LocalName) -> Result<(), Errno> {
        let sock = self.sock(id);
        match sock.role {
            Role::Idle => {}
            Role::Stream(_) => return Err(libc::EISCONN),
            _ => return Err(libc::EINVAL),
        }
        let host = sock.host;
        let mut sockets = self.net.sockets.iter();
        let found = sockets.find(|(_, sock)| {
            sock.host == host && sock.is_listening() && sock.local_name.as_ref() == Some(to)
        });
        let listener = *found.ok_or(libc::ECONNREFUSED)?.0;
        let Role::Listener(queue) = &self.sock(listener).role else {
            return Err(libc::ECONNREFUSED);
        };
        if queue.queue.len() > queue.backlog {
            return Err(libc::EAGAIN);
        }
        let mut child = Sock::new(host, false, true, 0);
        child.owners = 0;
        child.is_local = true;
        let child = self.net.add(child);
        let nowhere = std::net::SocketAddr::from(([0; 4], 0));
        self.sock(child).role = Role::Stream(End::new(id, nowhere, Some(listener)));
        self.sock(id).role = Role::Stream(End::new(child, nowhere, None));
        if let Role::Listener(queue) = &mut self.sock(listener).role {
            queue.queue.push_back(child);
        }
        self.note_socket(id, format_args!("is connected to a local server"));
        self.edge(listener);
        self.edge(id);
        Ok(())
    }
}
