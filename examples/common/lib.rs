//! What the examples share: reading the command line, and the fortunes and how they are sent.

mod args;
mod fortunes;

pub use self::{
    args::{Endpoint, client_args, parse_args, print_line},
    fortunes::{Wire, receive_fortune, send_fortune},
};
