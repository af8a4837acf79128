//! Local sockets: connections between programs on one machine, through names in the file system.
//!
//! A [`QLocalSocket`] is a device of its own. Behind it is a private
//! [`QAbstractSocket`](crate::QAbstractSocket) that holds a Unix stream. This inner socket does
//! what all streams have in common: buffers, calls from the loop, waiting, the end of a connection.
//! Qt is built the same way, so one state machine serves both.
//!
//! ```text
//!   your slots ◄── signals ── QLocalSocket ─── read, write ──► QAbstractSocket ──► NativeEngine
//!                                  ▲                                 │
//!                                  └── states, errors, the end ──────┘
//! ```
//!
//! The inner socket emits `ready_read` and `bytes_written` directly at the outer one. The outer
//! socket translates all other signals, because their values differ.
//!
//! `connecting.rs` connects to a name, `device.rs` has the device's backend, `inner.rs` handles the
//! inner socket's signals, `handing_over.rs` hands a connection over to another thread, and
//! `name.rs` converts names to paths. `server.rs`, `listening.rs` and `accepting.rs` are the
//! server.

mod accepting;
mod attempt;
#[cfg(feature = "tasks")]
mod awaiting;
mod connecting;
mod device;
mod error;
mod handing_over;
mod inner;
mod listening;
mod name;
mod options;
mod server;
mod socket;
mod state;

pub use self::{
    error::{LocalSocketError, LocalSocketErrorKind},
    options::LocalServerOptions,
    server::{LocalServerNode, QLocalServer},
    socket::{LocalSocketNode, QLocalSocket},
    state::LocalSocketState,
};
