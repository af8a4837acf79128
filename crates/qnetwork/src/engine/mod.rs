//! What is below a socket: something that connects, reads and writes without waiting.
//!
//! An engine knows nothing of the socket above it. The loop tells the socket what it is ready for, the
//! socket tells its engine, and asks it then to do what can be done. Engines stack that way: each
//! hands what it is told to the one below.

mod datagrams;
mod native;
mod proxy;
mod read_ahead;
mod relay;

use std::io::IoSlice;

use qcore::{QDeadlineTimer, event_loop::Readiness};
use socket2::Socket;

pub(crate) use self::{
    datagrams::{Datagrams, Incoming},
    native::NativeEngine,
    proxy::ProxyEngine,
    relay::RelayEngine,
};
// The servers import it from here.
pub(crate) use crate::host_info::named;
use crate::{
    address::QHostAddress,
    auth::QAuthenticator,
    common::{SocketError, SocketOption},
    proxy::QNetworkProxy,
};

/// How far an attempt to connect has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Connected,
    /// [`Engine::finish_connecting`] tells more when the engine is ready for something.
    Connecting,
    /// A proxy wants to know who is asking: [`Engine::question`], and then [`Engine::answered`].
    Asks,
}

/// What an engine has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It has a descriptor, and no more. What has failed to connect is here again.
    Unconnected,
    /// It has an address of its own, which it may listen at.
    Bound,
    Connecting,
    Connected,
}

/// What reading or writing came to.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// So many bytes were moved, at least one; or a datagram was, which may be empty.
    Moved(usize),
    /// Not now; the loop will tell when.
    WouldBlock,
    /// The connection is over.
    Failed(SocketError),
}

pub(crate) trait Engine {
    fn stage(&self) -> Stage;

    /// Takes an address of this machine. `reuse` says whether others may have it, too; by default that
    /// is for the system to say.
    fn bind(
        &self,
        address: &QHostAddress,
        port: u16,
        reuse: Option<bool>,
    ) -> Result<(), SocketError>;

    /// Begins to connect. One that has failed to may try again.
    fn connect(&self, address: &QHostAddress, port: u16) -> Result<Progress, SocketError>;

    /// Begins to connect to what has no address here. Only a proxy's can.
    fn connect_by_name(&self, _name: &str, _port: u16) -> Result<Progress, SocketError> {
        Err(SocketError::unsupported())
    }

    /// Looks whether an attempt to connect has ended.
    fn finish_connecting(&self) -> Result<Progress, SocketError>;

    /// What the program is to be asked.
    fn question(&self) -> Option<(QNetworkProxy, QAuthenticator)> {
        None
    }

    /// The program was asked: goes on to connect.
    fn answered(&self) -> Result<Progress, SocketError> {
        Ok(Progress::Connecting)
    }

    /// An attempt to connect takes too long. There may be something else to try.
    fn timed_out(&self) -> Result<Progress, SocketError> {
        Err(SocketError::timed_out())
    }

    /// Takes note of what the loop has told.
    fn note(&self, ready: Readiness);

    /// Whether reading may give something.
    fn is_readable(&self) -> bool;

    /// Whether writing may be possible.
    fn is_writable(&self) -> bool;

    fn read(&self, data: &mut [u8]) -> Outcome;

    /// Whether there really is something to read, the end of the stream included. Asks the system.
    fn has_more(&self) -> bool;

    /// How many bytes can be read. Asks the system.
    fn bytes_available(&self) -> usize;

    fn write(&self, data: &[IoSlice<'_>]) -> Outcome;

    /// Waits, with no loop, until the engine is ready for something; `None` when the time is over.
    fn wait(&self, deadline: QDeadlineTimer) -> Option<Readiness>;

    /// Has the loop tell the socket once more that it is ready for reading.
    fn read_again(&self);

    /// Has the loop call the socket to write; see
    /// [`Registration::request_write`](qcore::event_loop::Registration::request_write).
    fn request_write(&self, early: bool);

    fn local_address(&self) -> Option<(QHostAddress, u16)>;

    fn peer_address(&self) -> Option<(QHostAddress, u16)>;

    /// The descriptor's number, or -1.
    fn descriptor(&self) -> i32;

    /// Sets an option; one that the system refuses, or does not know, stays as it is.
    fn set_option(&self, option: SocketOption, value: i32);

    /// The value of an option, if the system has it.
    fn option(&self, option: SocketOption) -> Option<i32>;

    /// What went wrong first, as Qt's engine remembers it.
    fn error(&self) -> SocketError;

    /// Gives the system's socket away, if there is one; the engine is of no use then.
    fn release(&self) -> Option<Socket> {
        None
    }

    /// Whether names can be [connected to](Engine::connect_by_name) though it is bound.
    fn goes_by_proxy(&self) -> bool {
        false
    }

    /// What has ended it, beside what reading and writing tell.
    fn broken(&self) -> Option<SocketError> {
        None
    }

    /// What it does beside, if it is for datagrams.
    fn datagrams(&self) -> Option<&dyn Datagrams> {
        None
    }
}
