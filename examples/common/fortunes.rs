use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
};

use qcore::{QDataStream, QIODevice, stream::StreamVersion};

const FORTUNES: [&str; 7] = [
    "A slot that is never connected is never late.",
    "You will meet a stranger on a free port.",
    "Tomorrow's bytes are in nobody's buffer.",
    "He who waits in a slot makes all others wait.",
    "An address that is taken was somebody's first choice.",
    "Better a short read than a long silence.",
    "What you write now goes out with the next turn.",
];

/// The format of fortunes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wire {
    /// The format of Qt 5.15's C++ example: a QString in the format of Qt 5.10.
    #[default]
    Cpp,
    /// The format of PySide2's example: the size of the rest in 16 bits, then a QString in the
    /// format of Qt 4.0.
    PySide2,
}

/// The default name of local fortune servers, as in Qt's example.
pub const LOCAL_NAME: &str = "fortune";

/// Returns a random fortune.
#[must_use]
pub fn fortune() -> &'static str {
    let choice = RandomState::new().build_hasher().finish() as usize;
    FORTUNES[choice % FORTUNES.len()]
}

/// Writes a fortune like Qt's local fortune server: the size of the rest in 32 bits, then a
/// QString.
pub fn send_local_fortune(device: &QIODevice) {
    let fortune = fortune();
    let mut block = QDataStream::from_bytes(Vec::new());
    block.set_version(StreamVersion::QT_5_10);
    block.write_uint32((4 + 2 * fortune.encode_utf16().count()) as u32);
    block.write_qstring(fortune);
    send(device, block);
}

/// Reads such a fortune if all of it has arrived. Otherwise reads nothing: call it again when there
/// is more data.
pub fn receive_local_fortune(device: &QIODevice) -> Option<String> {
    let mut input = QDataStream::new(device);
    input.set_version(StreamVersion::QT_5_10);
    input.start_transaction();
    input.read_uint32();
    let fortune = input.read_qstring();
    input.commit_transaction().ok().map(|()| fortune)
}

/// Writes a random fortune.
pub fn send_fortune(device: &QIODevice, wire: Wire) {
    let fortune = fortune();
    let mut block = QDataStream::from_bytes(Vec::new());
    match wire {
        Wire::Cpp => {
            block.set_version(StreamVersion::QT_5_10);
            block.write_qstring(fortune);
        }
        Wire::PySide2 => {
            block.set_version(StreamVersion::QT_4_0);
            block.write_uint16((4 + 2 * fortune.encode_utf16().count()) as u16);
            block.write_qstring(fortune);
        }
    }
    send(device, block);
}

fn send(device: &QIODevice, block: QDataStream) {
    if let Err(error) = device.write(block.into_bytes()) {
        eprintln!("cannot send a fortune: {error}");
    }
}

/// Reads a fortune if all of it has arrived. Otherwise reads nothing: call it again when there is
/// more data.
pub fn receive_fortune(device: &QIODevice, wire: Wire) -> Option<String> {
    let mut input = QDataStream::new(device);
    input.start_transaction();
    match wire {
        Wire::Cpp => input.set_version(StreamVersion::QT_5_10),
        Wire::PySide2 => {
            input.set_version(StreamVersion::QT_4_0);
            input.read_uint16();
        }
    }
    let fortune = input.read_qstring();
    input.commit_transaction().ok().map(|()| fortune)
}
