//! The engine that is the operating system's own socket.

use std::{
    cell::{Cell, RefCell},
    io::{self, IoSlice, Read, Write},
    net::SocketAddr,
    os::fd::AsRawFd,
    rc::{Rc, Weak},
};

use mio::{Interest, net::TcpStream};
use qcore::{
    Dispatcher, QDeadlineTimer,
    event_loop::{EventSource, Readiness, Registration},
};
use socket2::{Domain, Protocol, Socket, Type};

use super::{Engine, Outcome, Progress};
use crate::{QHostAddress, SocketError, sys};

/// A TCP socket, registered once for reading and writing, edge-triggered.
///
/// `readable` is what the edges make of it: set by an event, cleared by "would block", and by a short
/// read, after which there is nothing more unless the loop says so. The exception is a socket whose other
/// end has closed: data and end come in one edge, and the end is seen only by reading on.
pub(crate) struct NativeEngine {
    io: RefCell<Option<TcpStream>>,
    registration: Registration,
    readable: Cell<bool>,
    writable: Cell<bool>,
    read_closed: Cell<bool>,
    peer: Cell<Option<SocketAddr>>,
}

impl NativeEngine {
    /// One without a socket yet.
    pub(crate) fn new(dispatcher: &Rc<Dispatcher>, source: Weak<dyn EventSource>) -> Self {
        NativeEngine {
            io: RefCell::new(None),
            registration: dispatcher.add_source(source),
            readable: Cell::new(false),
            writable: Cell::new(false),
            read_closed: Cell::new(false),
            peer: Cell::new(None),
        }
    }

    /// Takes over a connection.
    pub(crate) fn adopt(&self, stream: TcpStream, peer: SocketAddr) -> Result<(), SocketError> {
        self.peer.set(Some(peer));
        self.writable.set(true);
        self.register(stream).map_err(|error| sys::other_error(&error))
    }

    fn register(&self, mut stream: TcpStream) -> io::Result<()> {
        self.registration.register(&mut stream, Interest::READABLE | Interest::WRITABLE)?;
        *self.io.borrow_mut() = Some(stream);
        Ok(())
    }

    fn with<R>(&self, f: impl FnOnce(&mut TcpStream) -> R) -> Option<R> {
        self.io.borrow_mut().as_mut().map(f)
    }

    fn close(&self) {
        if let Some(mut stream) = self.io.take() {
            self.registration.deregister(&mut stream);
        }
    }
}

impl Engine for NativeEngine {
    fn connect(&self, address: &QHostAddress, port: u16) -> Result<Progress, SocketError> {
        self.close();
        let address = address
            .to_socket_addr(port, sys::interface_index)
            .ok_or_else(SocketError::unsupported)?;
        let socket = open(address).map_err(|error| sys::other_error(&error))?;
        let progress = match socket.connect(&address.into()) {
            Ok(()) => Progress::Connected,
            Err(error) if would_block(&error) || is_in_progress(&error) => Progress::Connecting,
            Err(error) => return Err(sys::connect_error(&error)),
        };
        self.peer.set(Some(address));
        self.writable.set(progress == Progress::Connected);
        // Registered after connect(): before it, the poll tells of a hang-up that is none.
        let stream = TcpStream::from_std(socket.into());
        self.register(stream).map_err(|error| sys::other_error(&error))?;
        Ok(progress)
    }

    fn finish_connecting(&self) -> Result<Progress, SocketError> {
        let looked = self.with(|stream| match stream.take_error() {
            Ok(None) => match stream.peer_addr() {
                Ok(peer) => Ok(Some(peer)),
                Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(None),
                Err(error) => Err(sys::connect_error(&error)),
            },
            Ok(Some(error)) | Err(error) => Err(sys::connect_error(&error)),
        });
        match looked {
            Some(Ok(Some(peer))) => {
                self.peer.set(Some(peer));
                Ok(Progress::Connected)
            }
            Some(Ok(None)) => Ok(Progress::Connecting),
            Some(Err(error)) => {
                self.close();
                Err(error)
            }
            None => Err(SocketError::connection_refused()),
        }
    }

    fn note(&self, ready: Readiness) {
        if ready.contains(Readiness::READABLE) {
            self.readable.set(true);
        }
        if ready.contains(Readiness::WRITABLE) {
            self.writable.set(true);
        }
        if ready.contains(Readiness::READ_CLOSED) {
            self.read_closed.set(true);
        }
    }

    fn is_readable(&self) -> bool {
        self.readable.get()
    }

    fn is_writable(&self) -> bool {
        self.writable.get()
    }

    fn read(&self, data: &mut [u8]) -> Outcome {
        loop {
            match self.with(|stream| stream.read(data)) {
                Some(Ok(0)) | None => {
                    self.readable.set(false);
                    return Outcome::Failed(SocketError::remote_host_closed());
                }
                Some(Ok(count)) => {
                    if count < data.len() && !self.read_closed.get() {
                        self.readable.set(false);
                    }
                    return Outcome::Moved(count);
                }
                Some(Err(error)) if would_block(&error) => {
                    self.readable.set(false);
                    return Outcome::WouldBlock;
                }
                Some(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Some(Err(error)) => {
                    self.readable.set(false);
                    return Outcome::Failed(sys::read_error(&error));
                }
            }
        }
    }

    fn has_more(&self) -> bool {
        match self.with(|stream| stream.peek(&mut [0])) {
            Some(Err(error)) if would_block(&error) => {
                self.readable.set(false);
                false
            }
            _ => true,
        }
    }

    fn write(&self, data: &[IoSlice<'_>]) -> Outcome {
        let total: usize = data.iter().map(|part| part.len()).sum();
        loop {
            match self.with(|stream| match data {
                [one] => stream.write(one),
                many => stream.write_vectored(many),
            }) {
                None => return Outcome::Failed(SocketError::remote_host_closed()),
                Some(Ok(count)) => {
                    // The system took what it could: an event tells when there is room again.
                    self.writable.set(count == total);
                    return Outcome::Moved(count);
                }
                Some(Err(error)) if would_block(&error) => {
                    self.writable.set(false);
                    return Outcome::WouldBlock;
                }
                Some(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Some(Err(error)) => return Outcome::Failed(sys::write_error(&error)),
            }
        }
    }

    fn wait(&self, deadline: QDeadlineTimer) -> Option<Readiness> {
        self.registration.wait(deadline)
    }

    fn read_again(&self) {
        self.registration.requeue(Readiness::READABLE);
    }

    fn request_write(&self, early: bool) {
        self.registration.request_write(early);
    }

    fn local_address(&self) -> Option<(QHostAddress, u16)> {
        let address = self.with(|stream| stream.local_addr().ok())??;
        Some(named(&address))
    }

    fn peer_address(&self) -> Option<(QHostAddress, u16)> {
        self.peer.get().as_ref().map(named)
    }

    fn descriptor(&self) -> i32 {
        self.with(|stream| stream.as_raw_fd()).unwrap_or(-1)
    }
}

impl Drop for NativeEngine {
    fn drop(&mut self) {
        self.close();
    }
}

/// A socket for an address: non-blocking and closed on exec.
fn open(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// An address of the system's as a Qt one.
pub(crate) fn named(address: &SocketAddr) -> (QHostAddress, u16) {
    (QHostAddress::from_socket_addr(address, sys::interface_name), address.port())
}

fn would_block(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

fn is_in_progress(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EINPROGRESS)
}
