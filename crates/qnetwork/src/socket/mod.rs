//! Sockets.
//!
//! [`QAbstractSocket`] is a state machine with a read buffer and a write buffer. Below it, an
//! engine moves the bytes:
//!
//! ```text
//!   loop ─► ready() ─► receive(): engine.read() ─► read buffer ─► emit ready_read ─► your slot
//!   slot ─► write() ─► enqueue(): write buffer ─► schedule(): the loop will call
//!   loop ─► write_pending() ─► flush(): engine.write() ─► emit bytes_written ─► your slot
//! ```
//!
//! A slot may do anything to the socket that called it. So the socket borrows nothing while a slot
//! runs, and reads its state again after each emission. The functions here work on the node,
//! because the loop holds no handle: if a slot drops the last handle, the socket dies at once.
//!
//! # Files
//!
//! * `node/` has the node and its parts. A part has private state and emits nothing.
//! * `abstract_socket.rs` has the constructors and plain getters, `setters.rs` and `options.rs` the
//!   setters; `tcp_options.rs` has the settings and figures of TCP.
//! * `events.rs` has the functions that the loop calls, and `device.rs` those that the I/O device
//!   calls.
//! * `connecting.rs` goes from a name to a connection. `proxying.rs` chooses the proxy,
//!   `binding.rs` binds sockets and takes over descriptors.
//! * `racing/` connects to several addresses at once, for sockets with happy eyeballs.
//! * `reading.rs` and `writing.rs` move bytes, also for sockets without buffers. `pausing.rs` stops
//!   reading.
//! * `handing_over.rs` takes a connection out of a socket and puts it into another one. In between,
//!   the connection is a `DetachedSocket` of `detached.rs`.
//! * `limiting.rs` limits the bytes per second, with a `RateLimit` of `rate_limit.rs`.
//! * `splicing.rs` moves bytes to another socket within the kernel.
//! * `closing.rs` ends the connection, also when the object dies. `close_reason.rs` says why it has
//!   ended.
//! * `timing.rs` has the time-outs.
//! * `waiting.rs` has the functions that wait, which need no loop, and `awaiting.rs` those for
//!   tasks.
//! * `layering.rs` is for sockets in two layers, which encrypt.
//! * `udp/` has datagrams.

mod abstract_socket;
#[cfg(feature = "tasks")]
mod awaiting;
mod binding;
mod close_reason;
mod closing;
mod connecting;
mod detached;
mod device;
mod events;
mod handing_over;
// Only the sockets that encrypt are layered.
#[cfg_attr(not(feature = "_tls"), allow(dead_code))]
mod layering;
mod limiting;
#[cfg_attr(not(feature = "_tls"), allow(dead_code))]
mod node;
mod options;
mod pause_modes;
mod pausing;
mod proxying;
mod racing;
mod rate_limit;
mod reading;
mod setters;
#[cfg(feature = "tasks")]
mod splicing;
mod state;
mod tcp;
mod tcp_options;
mod timeout_kind;
mod timing;
mod udp;
mod waiting;
mod writing;

#[cfg(feature = "tasks")]
pub use self::udp::Datagrams;
#[cfg(feature = "tasks")]
pub(crate) use self::{
    awaiting::AbortsAttempt,
    splicing::{Splice, Spliced},
};
pub use self::{
    binding::BindMode,
    close_reason::CloseReason,
    detached::{AttachError, DetachedSocket},
    node::{AbstractSocketNode, QAbstractSocket},
    pause_modes::PauseModes,
    rate_limit::RateLimit,
    state::SocketState,
    tcp::QTcpSocket,
    timeout_kind::TimeoutKind,
    udp::QUdpSocket,
};
#[cfg(feature = "_tls")]
pub(crate) use self::{
    handing_over::not_connected,
    node::{Held, Outer, SocketClass},
};
pub(crate) use self::{
    node::{Closure, TellsEnd},
    waiting::Overtime,
};
pub use crate::common::{
    KeepAlive, SocketError, SocketErrorKind, SocketOption, SocketType, TcpInfo,
};

#[cfg(test)]
mod tests;
