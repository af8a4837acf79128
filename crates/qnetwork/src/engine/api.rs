//! What an engine can do.

use std::io::IoSlice;

use qcore::{QDeadlineTimer, event_loop::Readiness};

#[cfg(feature = "tasks")]
use crate::sys::splice::KernelPipe;
use crate::{
    address::QHostAddress,
    auth::QAuthenticator,
    common::{SocketError, SocketOption},
    datagram::QNetworkDatagram,
    host_info::named,
    interface::QNetworkInterface,
    proxy::QNetworkProxy,
    sys::{Socket, datagrams::Arrival},
};

/// The progress of an attempt to connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Connected,
    /// Still connecting. Call [`Engine::finish_connecting`] when the engine is ready for something.
    Connecting,
    /// A proxy asks for credentials: call [`Engine::question`] and then [`Engine::answered`].
    Asks,
}

/// The state of an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The engine has a descriptor and nothing else. A failed attempt to connect leads back here.
    Unconnected,
    /// The engine has a local address, at which it may listen.
    Bound,
    Connecting,
    Connected,
}

/// The result of a read or write.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// At least one byte was moved; or one datagram, which may be empty.
    Moved(usize),
    /// Nothing can be moved now. The loop will report when it can.
    WouldBlock,
    /// The connection has ended.
    Failed(SocketError),
}

/// The functions of an engine. None of them blocks, except [`wait`](Engine::wait).
pub(crate) trait Engine {
    fn stage(&self) -> Stage;

    /// Binds to a local address. `reuse` sets whether others may bind to it too; `None` leaves that
    /// to the system's default.
    fn bind(
        &self,
        address: &QHostAddress,
        port: u16,
        reuse: Option<bool>,
    ) -> Result<(), SocketError>;

    /// Starts connecting. Allowed again after a failed attempt.
    fn connect(&self, address: &QHostAddress, port: u16) -> Result<Progress, SocketError>;

    /// Starts connecting to a name that was not looked up here. Only proxy engines can.
    fn connect_by_name(&self, _name: &str, _port: u16) -> Result<Progress, SocketError> {
        Err(SocketError::unsupported())
    }

    /// Checks whether an attempt to connect has finished.
    fn finish_connecting(&self) -> Result<Progress, SocketError>;

    /// Returns the proxy and the authenticator for the question to the program.
    fn question(&self) -> Option<(QNetworkProxy, QAuthenticator)> {
        None
    }

    /// Continues connecting after the program was asked.
    fn answered(&self) -> Result<Progress, SocketError> {
        Ok(Progress::Connecting)
    }

    /// Handles the timeout of an attempt to connect. The engine may have another address to try.
    fn timed_out(&self) -> Result<Progress, SocketError> {
        Err(SocketError::timed_out())
    }

    /// Notes the readiness that the loop has reported.
    fn note(&self, ready: Readiness);

    /// Returns whether a read may return something.
    fn is_readable(&self) -> bool;

    /// Returns whether a write may be possible.
    fn is_writable(&self) -> bool;

    fn read(&self, data: &mut [u8]) -> Outcome;

    /// Reads at most `room` bytes and appends them to a buffer. An engine that need not zero the memory
    /// first does better than this function.
    fn read_to(&self, buffer: &mut Vec<u8>, room: usize) -> Outcome {
        read_zeroed(buffer, room, |data| self.read(data))
    }

    /// Asks the system whether there is something to read. The end of the stream counts, and so
    /// does an error, which stays for the next read.
    fn has_more(&self) -> bool;

    /// Asks the system how many bytes can be read.
    fn bytes_available(&self) -> usize;

    /// Fails with Qt's warning if the engine is not connected. The caller asks before each
    /// [`write`](Engine::write), with nothing borrowed: the program's handler of warnings is
    /// called.
    fn check_connected(&self) -> Result<(), SocketError> {
        Ok(())
    }

    /// Writes the slices in order. Calls no code of the program. After a failure, the caller calls
    /// [`close_failed`](Engine::close_failed).
    fn write(&self, data: &[IoSlice<'_>]) -> Outcome;

    /// Closes the descriptor, because writing has failed. The caller has nothing borrowed: the
    /// program's logger is called.
    fn close_failed(&self) {}

    /// Moves bytes from the system's socket into a pipe of the kernel. Used only if
    /// [`splices`](Engine::splices) is true.
    #[cfg(feature = "tasks")]
    fn fill(&self, pipe: &mut KernelPipe, max: usize) -> Outcome {
        let _ = (pipe, max);
        Outcome::Failed(SocketError::unsupported())
    }

    /// Moves bytes from a pipe of the kernel to the system's socket. Used only if
    /// [`splices`](Engine::splices) is true. A failure is like one of [`write`](Engine::write).
    #[cfg(feature = "tasks")]
    fn drain(&self, pipe: &mut KernelPipe, max: usize) -> Outcome {
        let _ = (pipe, max);
        Outcome::Failed(SocketError::unsupported())
    }

    /// Returns whether the engine's bytes are those of a system's socket, without a protocol in
    /// between.
    #[cfg(feature = "tasks")]
    fn splices(&self) -> bool {
        false
    }

    /// Sets whether the engine stays connected for writing when the other end sends no more.
    #[cfg(feature = "tasks")]
    fn set_half_open(&self, half_open: bool) {
        let _ = half_open;
    }

    /// Tells the other end that no more bytes follow. Everything that was written is in the
    /// system's hands.
    #[cfg(feature = "tasks")]
    fn shut_down_writing(&self) -> Result<(), SocketError> {
        Err(SocketError::unsupported())
    }

    /// Waits without an event loop until the engine is ready for something. Returns `None` when the
    /// deadline passes.
    fn wait(&self, deadline: QDeadlineTimer) -> Option<Readiness>;

    /// Makes the loop call the socket once more as ready for reading.
    fn read_again(&self);

    /// Makes the loop call the socket to write; see
    /// [`Registration::request_write`](qcore::event_loop::Registration::request_write).
    fn request_write(&self, early: bool);

    fn local_address(&self) -> Option<(QHostAddress, u16)>;

    fn peer_address(&self) -> Option<(QHostAddress, u16)>;

    /// Returns the descriptor's number, or -1.
    fn descriptor(&self) -> i32;

    /// Sets an option. An option that the system refuses or does not know stays unchanged.
    fn set_option(&self, option: SocketOption, value: i32);

    /// Returns the value of an option, if the system has it.
    fn option(&self, option: SocketOption) -> Option<i32>;

    /// Calls `call` with the system's socket, if there is one.
    fn with_socket(&self, call: &mut dyn FnMut(&Socket)) {
        let _ = call;
    }

    /// Returns the first error, which Qt's engine keeps, too.
    fn error(&self) -> SocketError;

    /// Returns whether the engine is connected to a proxy, and their handshake is running.
    fn is_negotiating(&self) -> bool {
        false
    }

    /// Returns whether the other end has reset the connection, so that bytes may be missing.
    fn was_reset(&self) -> bool {
        false
    }

    /// Takes the bytes that the engine has received for the socket and not delivered.
    fn take_input(&self) -> Vec<u8> {
        Vec::new()
    }

    /// Gives away the system's socket, if there is one. The engine cannot be used afterwards.
    fn release(&self) -> Option<Socket> {
        None
    }

    /// Returns whether the engine can [connect by name](Engine::connect_by_name) even when bound.
    fn goes_by_proxy(&self) -> bool {
        false
    }

    /// Returns the error that has ended the engine, if reading and writing do not report it.
    fn broken(&self) -> Option<SocketError> {
        None
    }

    /// Returns the functions for datagrams, if this is an engine for datagrams.
    fn datagrams(&self) -> Option<&dyn Datagrams> {
        None
    }
}

/// Reads at most `room` bytes to the end of a buffer, which it fills with zeros first.
pub(super) fn read_zeroed(
    buffer: &mut Vec<u8>,
    room: usize,
    read: impl FnOnce(&mut [u8]) -> Outcome,
) -> Outcome {
    let before = buffer.len();
    buffer.resize(before + room, 0);
    let outcome = read(&mut buffer[before..]);
    buffer.truncate(before + if let Outcome::Moved(count) = outcome { count } else { 0 });
    outcome
}

/// The functions that only engines for datagrams have.
pub(crate) trait Datagrams {
    /// Returns whether there is a datagram. Asks the system if none was read ahead. An error counts
    /// as no datagram and is dropped, as when Qt peeks.
    fn has_pending(&self) -> bool;

    /// Returns the size of the first datagram in bytes. Treats errors like
    /// [`has_pending`](Datagrams::has_pending).
    fn pending_size(&self) -> Option<usize>;

    /// Passes the first datagram to `take` and removes it. Returns `false` if there is none.
    fn receive(&self, take: &mut dyn FnMut(&Incoming<'_>)) -> Result<bool, SocketError>;

    /// Returns whether a slot that takes all datagrams should ask for more. It should not if the
    /// system has just reported that there are no more, unless such questions have paid off lately.
    /// Nor should it after it has taken very many.
    fn may_have_more(&self) -> bool;

    /// Returns shared memory after a slot has run.
    fn settle(&self);

    /// Sends a datagram to an address. Returns `false` if the system has no room now.
    fn send(&self, data: &[u8], to: &QHostAddress, port: u16) -> Result<bool, SocketError>;

    /// Sends datagrams until one fails. Returns how many were sent. Fewer than all without an error
    /// means that the system has no room now.
    fn send_all(&self, datagrams: &[QNetworkDatagram]) -> (usize, Option<SocketError>);

    fn join(&self, group: &QHostAddress, by: &QNetworkInterface) -> Result<(), SocketError>;

    fn leave(&self, group: &QHostAddress, by: &QNetworkInterface) -> Result<(), SocketError>;

    /// Returns the interface for outgoing multicast datagrams; `None` if the system
    /// chooses.
    fn multicast_interface(&self) -> Option<QNetworkInterface>;

    fn set_multicast_interface(
        &self,
        interface: Option<&QNetworkInterface>,
    ) -> Result<(), SocketError>;
}

/// A received datagram that is lent to a callback.
pub(crate) struct Incoming<'a> {
    pub(crate) data: &'a [u8],
    arrival: &'a Arrival,
    local_port: u16,
}

impl<'a> Incoming<'a> {
    /// Creates a datagram that has arrived at a local port, which is 0 if it is not known.
    pub(super) fn new(data: &'a [u8], arrival: &'a Arrival, local_port: u16) -> Self {
        Incoming { data, arrival, local_port }
    }
}

impl Incoming<'_> {
    /// Returns the sender's address and port.
    pub(crate) fn sender(&self) -> (QHostAddress, u16) {
        self.arrival.from.as_ref().map(named).unwrap_or_default()
    }

    /// Copies the datagram's data and addresses to `datagram`, with at most `max_size` bytes of
    /// data.
    pub(crate) fn write_to(&self, datagram: &mut QNetworkDatagram, max_size: usize) {
        let path = &self.arrival.path;
        let (sender, port) = self.sender();
        let mut destination = path.destination.map(QHostAddress::from).unwrap_or_default();
        if path.destination.is_some_and(|to| to.is_ipv6()) && path.interface != 0 {
            // The scope id is the number and not the name, as in Qt.
            destination.set_scope_id(path.interface.to_string());
        }
        datagram.refill(&self.data[..self.data.len().min(max_size)]);
        datagram.set_sender(sender, port);
        datagram.set_destination(destination, self.local_port);
        datagram.set_interface_index(path.interface);
        datagram.set_hop_limit(path.hops.and_then(|hops| u8::try_from(hops).ok()));
    }
}
