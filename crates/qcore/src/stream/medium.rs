//! [`Medium`]: the device or the bytes below a stream.

use crate::QIODevice;

#[derive(Debug, Default)]
pub(super) enum Medium {
    /// Nothing: reads return nothing and writes are lost, without an error, as in Qt.
    #[default]
    None,
    Device(QIODevice),
    Bytes {
        bytes: Vec<u8>,
        at: usize,
        /// The position at which the transaction began, if there is one.
        began: Option<usize>,
    },
}

impl Medium {
    pub(super) fn bytes(bytes: Vec<u8>) -> Self {
        Medium::Bytes { bytes, at: 0, began: None }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        match self {
            Medium::None | Medium::Device(_) => Vec::new(),
            Medium::Bytes { bytes, .. } => bytes,
        }
    }

    pub(super) fn available(&self) -> usize {
        match self {
            Medium::None => 0,
            Medium::Device(device) => device.bytes_available(),
            Medium::Bytes { bytes, at, .. } => bytes.len() - at,
        }
    }

    pub(super) fn at_end(&self) -> bool {
        match self {
            Medium::Device(device) => device.at_end(),
            Medium::None | Medium::Bytes { .. } => self.available() == 0,
        }
    }

    /// Reads as many bytes as are there and fit. Returns their number.
    pub(super) fn read(&mut self, data: &mut [u8]) -> usize {
        match self {
            Medium::None => 0,
            Medium::Device(device) => device.read_into(data).unwrap_or(0),
            Medium::Bytes { bytes, at, .. } => {
                let count = data.len().min(bytes.len() - *at);
                data[..count].copy_from_slice(&bytes[*at..*at + count]);
                *at += count;
                count
            }
        }
    }

    /// Drops at most `count` bytes. Returns their number.
    pub(super) fn skip(&mut self, count: usize) -> usize {
        match self {
            Medium::None => 0,
            Medium::Device(device) => device.skip(count).unwrap_or(0),
            Medium::Bytes { bytes, at, .. } => {
                let count = count.min(bytes.len() - *at);
                *at += count;
                count
            }
        }
    }

    /// Writes `data`. Returns whether the medium took all of it.
    pub(super) fn write(&mut self, data: &[u8]) -> bool {
        match self {
            Medium::None => true,
            Medium::Device(device) => device.write(data).is_ok_and(|count| count == data.len()),
            Medium::Bytes { bytes, .. } => {
                bytes.extend_from_slice(data);
                true
            }
        }
    }

    pub(super) fn is_transaction_started(&self) -> bool {
        match self {
            Medium::None => false,
            Medium::Device(device) => device.is_transaction_started(),
            Medium::Bytes { began, .. } => began.is_some(),
        }
    }

    pub(super) fn start_transaction(&mut self) {
        match self {
            Medium::None => {}
            Medium::Device(device) => device.start_transaction(),
            Medium::Bytes { at, began, .. } => *began = Some(*at),
        }
    }

    pub(super) fn commit_transaction(&mut self) {
        match self {
            Medium::None => {}
            Medium::Device(device) => device.commit_transaction(),
            Medium::Bytes { began, .. } => *began = None,
        }
    }

    pub(super) fn rollback_transaction(&mut self) {
        match self {
            Medium::None => {}
            Medium::Device(device) => device.rollback_transaction(),
            Medium::Bytes { at, began, .. } => *at = began.take().unwrap_or(*at),
        }
    }
}
