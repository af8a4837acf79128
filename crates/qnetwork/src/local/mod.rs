//! Local sockets: connections between programs on one machine, by names in the file system.
//!
//! A [`QLocalSocket`] is a device of its own, in front of a [`QAbstractSocket`](crate::QAbstractSocket)
//! that nobody else sees and that holds a Unix stream. That one does all that streams have in common:
//! buffers, the loop's calls, waiting, the end of a connection. So it is with Qt, and so there is one
//! state machine for both.
//!
//! ```text
//!   your slots ◄── signals ── QLocalSocket ─── read, write ──► QAbstractSocket ──► NativeEngine
//!                                  ▲                                 │
//!                                  └── states, errors, the end ──────┘
//! ```
//!
//! The signals of every message, `ready_read` and `bytes_written`, are emitted by the inner socket at the
//! outer one directly. All others are translated, since their values differ.
//!
//! `connecting.rs` is how a name becomes a connection, `device.rs` what the outer device asks of the
//! inner one, `inner.rs` what that one tells, and `name.rs` where a name is found. `server.rs`,
//! `listening.rs` and `accepting.rs` are the other end.

mod accepting;
mod attempt;
mod connecting;
mod device;
mod error;
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
