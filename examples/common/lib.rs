//! What the examples share: reading the command line, showing how far something has come, groups, and
//! the fortunes and how they are sent.

mod args;
mod fortunes;
mod group;
mod progress;

pub use self::{
    args::{ClientArgs, Endpoint, client_args, parse_args, print_line, refuse},
    fortunes::{
        LOCAL_NAME, Wire, receive_fortune, receive_local_fortune, send_fortune, send_local_fortune,
    },
    group::Group,
    progress::Progress,
};
