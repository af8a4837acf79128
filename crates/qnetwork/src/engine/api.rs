//! What an engine can do.

use std::io::IoSlice;

use qcore::{QDeadlineTimer, event_loop::Readiness};
use socket2::Socket;

use crate::{
    address::QHostAddress,
    auth::QAuthenticator,
    common::{SocketError, SocketOption},
    datagram::QNetworkDatagram,
    host_info::named,
    interface::QNetworkInterface,
    proxy::QNetworkProxy,
    sys::datagrams::Arrival,
};

/// How far an attempt to connect has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Connected,
    /// The caller asks again, by [`Engine::finish_connecting`], when the engine is ready for
    /// something.
    Connecting,
    /// A proxy asks for a user and a password. The caller takes the [`Engine::question`], asks the
    /// program, and calls [`Engine::answered`].
    Asks,
}

/// The state of an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It has a descriptor and is neither bound nor connected, or has failed to connect.
    Unconnected,
    /// It has a local address. It may be listening.
    Bound,
    Connecting,
    Connected,
}

/// The result of reading or writing.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// This many bytes were moved, at least one; or a datagram was, which may be empty.
    Moved(usize),
    /// Nothing can be moved now. The loop reports when it can.
    WouldBlock,
    /// The connection has ended.
    Failed(SocketError),
}

/// What moves the bytes of a socket: it binds, connects, reads and writes, and never blocks.
pub(crate) trait Engine {
    fn stage(&self) -> Stage;

    /// Binds to an address of this machine. `reuse` says whether other sockets may be bound to it
    /// as well; `None` is the system's default.
    fn bind(
        &self,
        address: &QHostAddress,
        port: u16,
        reuse: Option<bool>,
    ) -> Result<(), SocketError>;

    /// Begins to connect. May be called again after a failure.
    fn connect(&self, address: &QHostAddress, port: u16) -> Result<Progress, SocketError>;

    /// Begins to connect to a host whose name the proxy looks up. Only engines with a proxy can.
    fn connect_by_name(&self, _name: &str, _port: u16) -> Result<Progress, SocketError> {
        Err(SocketError::unsupported())
    }

    /// Finds out whether the attempt to connect has ended.
    fn finish_connecting(&self) -> Result<Progress, SocketError>;

    /// The question that the proxy asks, with the authenticator for the answer.
    fn question(&self) -> Option<(QNetworkProxy, QAuthenticator)> {
        None
    }

    /// The program has answered: goes on to connect.
    fn answered(&self) -> Result<Progress, SocketError> {
        Ok(Progress::Connecting)
    }

    /// The time for connecting is over. `Ok` if the engine has something else to try.
    fn timed_out(&self) -> Result<Progress, SocketError> {
        Err(SocketError::timed_out())
    }

    /// Remembers what the loop has reported.
    fn note(&self, ready: Readiness);

    /// Whether there may be something to read.
    fn is_readable(&self) -> bool;

    /// Whether the system may take bytes.
    fn is_writable(&self) -> bool;

    fn read(&self, data: &mut [u8]) -> Outcome;

    /// Whether there is something to read, or the end of the stream. Asks the system.
    fn has_more(&self) -> bool;

    /// How many bytes there are to read. Asks the system.
    fn bytes_available(&self) -> usize;

    /// Fails with Qt's warning if the engine is not connected. The caller asks before each
    /// [`write`](Engine::write), with nothing borrowed: the program's handler of warnings is called.
    fn check_connected(&self) -> Result<(), SocketError> {
        Ok(())
    }

    /// Writes. Calls nothing of the program's.
    fn write(&self, data: &[IoSlice<'_>]) -> Outcome;

    /// Waits without the loop until the engine is ready for something. `None` when the time is
    /// over.
    fn wait(&self, deadline: QDeadlineTimer) -> Option<Readiness>;

    /// Has the loop report once more that the engine is readable.
    fn read_again(&self);

    /// Has the loop call the socket for writing; see
    /// [`Registration::request_write`](qcore::event_loop::Registration::request_write).
    fn request_write(&self, early: bool);

    fn local_address(&self) -> Option<(QHostAddress, u16)>;

    fn peer_address(&self) -> Option<(QHostAddress, u16)>;

    /// The number of the descriptor, -1 if there is none.
    fn descriptor(&self) -> i32;

    /// Sets an option. Does nothing if the system refuses the value or does not have the option.
    fn set_option(&self, option: SocketOption, value: i32);

    /// The value of an option. `None` if the system does not have it.
    fn option(&self, option: SocketOption) -> Option<i32>;

    /// The first error, which Qt's engine reports for all later ones.
    fn error(&self) -> SocketError;

    /// Gives the system's socket away, if there is one. Afterwards, the engine cannot be used.
    fn release(&self) -> Option<Socket> {
        None
    }

    /// Whether it uses a proxy, so that it can [connect by name](Engine::connect_by_name) even if
    /// it is bound.
    fn goes_by_proxy(&self) -> bool {
        false
    }

    /// The error that has ended it, if reading and writing do not report that error.
    fn broken(&self) -> Option<SocketError> {
        None
    }

    /// Its functions for datagrams, if it is for datagrams.
    fn datagrams(&self) -> Option<&dyn Datagrams> {
        None
    }
}

/// The functions of engines for datagrams.
pub(crate) trait Datagrams {
    /// Whether there is a datagram. Asks the system if none was read ahead. If the system reports
    /// an error, the result is `false` and the error is dropped, as in Qt, which peeks.
    fn has_pending(&self) -> bool;

    /// The size of the first datagram in bytes, under the rules of
    /// [`has_pending`](Datagrams::has_pending).
    fn pending_size(&self) -> Option<usize>;

    /// Lends the first datagram to `take` and drops it. `false` if there is none.
    fn receive(&self, take: &mut dyn FnMut(&Incoming<'_>)) -> Result<bool, SocketError>;

    /// Whether a slot that takes all datagrams should ask for more. It should not if the system has
    /// just reported that there are no more, unless asking has paid lately; nor if it has taken
    /// many in this turn.
    fn may_have_more(&self) -> bool;

    /// The slots have been called: gives back the memory that sockets share.
    fn settle(&self);

    /// Sends a datagram to an address. `false` if the system cannot take it now.
    fn send(&self, data: &[u8], to: &QHostAddress, port: u16) -> Result<bool, SocketError>;

    /// Sends datagrams until one fails. Returns how many were sent. If these are fewer than all and
    /// there is no error, the system cannot take more now.
    fn send_all(&self, datagrams: &[QNetworkDatagram]) -> (usize, Option<SocketError>);

    fn join(&self, group: &QHostAddress, by: &QNetworkInterface) -> Result<(), SocketError>;

    fn leave(&self, group: &QHostAddress, by: &QNetworkInterface) -> Result<(), SocketError>;

    /// The interface for outgoing multicast datagrams. It is invalid if the system chooses one.
    fn multicast_interface(&self) -> QNetworkInterface;

    fn set_multicast_interface(&self, interface: &QNetworkInterface) -> Result<(), SocketError>;
}

/// A received datagram, while it is lent.
pub(crate) struct Incoming<'a> {
    pub(crate) data: &'a [u8],
    arrival: &'a Arrival,
    local_port: u16,
}

impl<'a> Incoming<'a> {
    /// A datagram that has arrived at the port `local_port`, which is 0 if it is not known.
    pub(super) fn new(data: &'a [u8], arrival: &'a Arrival, local_port: u16) -> Self {
        Incoming { data, arrival, local_port }
    }
}

impl Incoming<'_> {
    /// The address and port of the sender.
    pub(crate) fn sender(&self) -> (QHostAddress, u16) {
        self.arrival.from.as_ref().map(named).unwrap_or_default()
    }

    /// Copies everything into `datagram`, at most `max_size` of the bytes.
    pub(crate) fn write_to(&self, datagram: &mut QNetworkDatagram, max_size: usize) {
        let path = &self.arrival.path;
        let (sender, port) = self.sender();
        let mut destination = path.destination.map(QHostAddress::from).unwrap_or_default();
        if path.destination.is_some_and(|to| to.is_ipv6()) && path.interface != 0 {
            // The interface's number and not its name, as in Qt.
            destination.set_scope_id(&path.interface.to_string());
        }
        datagram.refill(&self.data[..self.data.len().min(max_size)]);
        datagram.set_sender(sender, port);
        datagram.set_destination(destination, self.local_port);
        datagram.set_interface_index(path.interface);
        datagram.set_hop_limit(path.hops.unwrap_or(-1));
    }
}
