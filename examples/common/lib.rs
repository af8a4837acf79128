//! What the examples share: reading the command line, showing how far something has come, groups,
//! certificates from files, and the fortunes and how they are sent.

mod args;
mod fortunes;
mod group;
mod progress;
#[cfg(feature = "tls")]
mod tls;

#[cfg(feature = "tls")]
pub use self::tls::{certificates, private_key, server_configuration};
pub use self::{
    args::{ClientArgs, Endpoint, client_args, parse_args, print_line, refuse},
    fortunes::{
        LOCAL_NAME, Wire, fortune, receive_fortune, receive_local_fortune, send_fortune,
        send_local_fortune,
    },
    group::Group,
    progress::Progress,
};
