//! Engines: the layer below a socket, which connects, reads and writes without waiting.
//!
//! An engine does not know the socket above it. The loop calls the socket with the readiness. The
//! socket passes it to its engine and then calls the engine's functions. Engines can be stacked:
//! each passes the readiness to the one below.

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
    native::{NativeEngine, named},
    proxy::ProxyEngine,
    relay::RelayEngine,
};
use crate::{QAuthenticator, QHostAddress, QNetworkProxy, SocketError, SocketOption};

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

    /// Asks the system whether there is something to read. The end of the stream counts.
    fn has_more(&self) -> bool;

    /// Asks the system how many bytes can be read.
    fn bytes_available(&self) -> usize;

    fn write(&self, data: &[IoSlice<'_>]) -> Outcome;

    /// Waits without an event loop until the engine is ready for something. Returns `None` when the
    /// deadline passes.
    fn wait(&self, deadline: QDeadlineTimer) -> Option<Readiness>;

    /// Has the loop call the socket once more as ready for reading.
    fn read_again(&self);

    /// Has the loop call the socket to write; see
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

    /// Returns the first error, which Qt's engine keeps, too.
    fn error(&self) -> SocketError;

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
