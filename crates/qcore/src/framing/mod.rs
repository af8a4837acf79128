//! Messages over any device: [`Framed`] and its codecs.
//!
//! A device is a stream of bytes, and `ready_read` says nothing about where a message ends. A
//! [`Framed`] splits the stream into messages, and emits a signal for each. A [`Codec`] converts
//! between messages and bytes:
//!
//! | codec | messages | in bytes |
//! | --- | --- | --- |
//! | [`Lines`] | `String` | text that ends with LF or CRLF |
//! | [`Delimited`] | `Vec<u8>` | bytes that end with a delimiter of your choice |
//! | [`LengthPrefix`] | `Vec<u8>` | the length as a number of a fixed or variable size, then the bytes |
//! | [`DataBlocks`] | any type of `QDataStream` | the length, then values in the format of `QDataStream` |
//! | [`Netstrings`] | `Vec<u8>` | `5:hello,` |
//! | `JsonLines` | any type of `serde` | one JSON text a line; needs the feature `json` |
//!
//! A codec of your own implements [`Codec`]. [`Fields`] takes a binary message apart, and an
//! [`AckQueue`] keeps messages until the other end acknowledges them.
//!
//! ```text
//!   device: ready_read ──► Codec::decode(bytes of the read buffer) ──► message.emit(..)
//!                                             └──► error.emit(..), once, and nothing more
//!   send(&message) ──► Codec::encode ──► device: write
//! ```
//!
//! The bytes stay in the read buffer of the device until their whole message has arrived. So after
//! any message a program can change the codec, or stop framing and read the bytes itself.

mod ack_queue;
mod blocks;
mod codec;
mod delimited;
mod error;
mod fields;
mod framed;
#[cfg(feature = "json")]
mod json;
mod length_prefix;
mod lines;
mod netstrings;
mod node;
#[cfg(feature = "tasks")]
mod stream;

#[cfg(feature = "json")]
pub use self::json::JsonLines;
#[cfg(feature = "tasks")]
pub use self::stream::FramedStream;
pub use self::{
    ack_queue::{AckQueue, Unacknowledged},
    blocks::DataBlocks,
    codec::{Codec, Decoded},
    delimited::Delimited,
    error::{FrameError, FrameErrorKind},
    fields::Fields,
    framed::Framed,
    length_prefix::{LengthPrefix, PrefixSize},
    lines::Lines,
    netstrings::Netstrings,
    node::FramedNode,
};

/// The default limit of a message, and of the messages in an [`AckQueue`], in bytes.
const DEFAULT_LIMIT: usize = 1 << 20;
