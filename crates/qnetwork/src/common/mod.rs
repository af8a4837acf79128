//! Types that the sockets share with the layers below them: errors, options and types of sockets.
//!
//! [`socket`](crate::socket) publishes them. They are defined here because the engines and the
//! system layer use them too, and must not import anything from the sockets above them.

mod error;
#[cfg(feature = "_tls")]
mod kind_error;
mod list;
mod on_panic;
mod option;
mod socket_type;
mod tcp_values;

#[cfg(feature = "_tls")]
pub(crate) use self::kind_error::kind_error;
#[cfg(feature = "_tls")]
pub(crate) use self::on_panic::PanicWatch;
pub use self::{
    error::{SocketError, SocketErrorKind},
    option::SocketOption,
    socket_type::SocketType,
    tcp_values::{KeepAlive, TcpInfo},
};
pub(crate) use self::{list::owned, on_panic::OnPanic};
