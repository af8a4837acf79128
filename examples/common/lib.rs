//! Shared parts of the examples: the command line, servers, progress bars, multicast groups,
//! certificates from files, fortunes and their formats, and adapters for hyper.

mod args;
mod fortunes;
mod group;
#[cfg(feature = "ecosystem")]
mod hyper_io;
#[cfg(feature = "ecosystem")]
mod loop_timer;
mod progress;
#[cfg(feature = "tls")]
mod server;
#[cfg(feature = "tls")]
mod tls;

// Compiles and runs the code blocks of the chapter.
#[cfg(all(doctest, feature = "ecosystem"))]
#[doc = include_str!("../../docs/ecosystem.md")]
mod chapter {}

pub use self::{
    args::{ClientArgs, Endpoint, client_args, parse_args, print_line, refuse},
    fortunes::{
        LOCAL_NAME, Wire, fortune, receive_fortune, receive_local_fortune, send_fortune,
        send_local_fortune,
    },
    group::Group,
    progress::Progress,
};
#[cfg(feature = "ecosystem")]
pub use self::{hyper_io::HyperIo, loop_timer::LoopTimer};
#[cfg(feature = "tls")]
pub use self::{
    server::serve,
    tls::{TRIAL_CERTIFICATE, TRIAL_KEY, certificates, private_key, server_configuration},
};
