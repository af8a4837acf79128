//! What a stream reads from and writes to.

use crate::QIODevice;

#[derive(Debug)]
pub(super) enum Medium {
    Device(QIODevice),
    Bytes { bytes: Vec<u8>, at: usize, began: usize },
}

impl Medium {
    pub(super) fn device(device: &QIODevice) -> Self {
        Medium::Device(device.clone())
    }

    pub(super) fn bytes(bytes: Vec<u8>) -> Self {
        Medium::Bytes { bytes, at: 0, began: 0 }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        match self {
            Medium::Device(_) => Vec::new(),
            Medium::Bytes { bytes, .. } => bytes,
        }
    }

    pub(super) fn available(&self) -> usize {
        match self {
            Medium::Device(device) => device.bytes_available(),
            Medium::Bytes { bytes, at, .. } => bytes.len() - at,
        }
    }

    /// Reads what there is, as far as it fits.
    pub(super) fn read(&mut self, data: &mut [u8]) -> usize {
        match self {
            Medium::Device(device) => device.read_into(data).unwrap_or(0),
            Medium::Bytes { bytes, at, .. } => {
                let count = data.len().min(bytes.len() - *at);
                data[..count].copy_from_slice(&bytes[*at..*at + count]);
                *at += count;
                count
            }
        }
    }

    /// Whether all of it was taken.
    pub(super) fn write(&mut self, data: &[u8]) -> bool {
        match self {
            Medium::Device(device) => device.write(data).is_ok_and(|count| count == data.len()),
            Medium::Bytes { bytes, .. } => {
                bytes.extend_from_slice(data);
                true
            }
        }
    }

    pub(super) fn start_transaction(&mut self) {
        match self {
            Medium::Device(device) => device.start_transaction(),
            Medium::Bytes { at, began, .. } => *began = *at,
        }
    }

    pub(super) fn end_transaction(&mut self, commit: bool) {
        match self {
            Medium::Device(device) if commit => device.commit_transaction(),
            Medium::Device(device) => device.rollback_transaction(),
            Medium::Bytes { .. } if commit => {}
            Medium::Bytes { at, began, .. } => *at = *began,
        }
    }
}
