//! What the examples share: reading the command line, and the fortunes and how they are sent.

mod args;
mod fortunes;

pub use self::{
    args::{Endpoint, parse_args, print_line, server_of},
    fortunes::{Wire, receive_fortune, send_fortune},
};
