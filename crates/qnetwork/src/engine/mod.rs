//! Engines, which move the bytes of the sockets.
//!
//! An engine connects, reads and writes, and never blocks. It knows nothing of the socket above it.
//! The loop reports to the socket what the descriptor is ready for; the socket passes this on to
//! its engine and then asks the engine to read, write or continue to connect. An engine may have
//! another one below it, to which it passes the reports on.
//!
//! * `api.rs` has the trait [`Engine`], which all engines implement.
//! * `native.rs` is the engine for the operating system's sockets. `datagrams.rs` has its functions
//!   for UDP sockets; `datagram_state.rs` and `read_ahead.rs` keep datagrams that were read ahead.
//! * `proxy.rs` connects through a proxy, and `relay.rs` sends datagrams through one.

mod api;
mod datagram_state;
mod datagrams;
mod native;
mod proxy;
mod read_ahead;
mod relay;

pub(crate) use self::{
    api::{Engine, Incoming, Outcome, Progress, Stage},
    native::NativeEngine,
    proxy::ProxyEngine,
    relay::RelayEngine,
};
