//! What a pipe does with its devices apart from moving bytes.

use qcore::QIODevice;

use crate::{local::QLocalSocket, socket::QAbstractSocket};

/// The limit of the read buffer of a socket that has none.
const LIMIT: usize = 128 * 1024;

/// Limits the read buffer of a socket as long as this value lives.
pub(super) struct Limited(Option<QIODevice>);

impl Limited {
    pub(super) fn new(device: &QIODevice) -> Self {
        let set = limit(device) == Some(0);
        if set {
            set_limit(device, LIMIT);
        }
        Limited(set.then(|| device.clone()))
    }
}

impl Drop for Limited {
    fn drop(&mut self) {
        if let Some(device) = self.0.take()
            && limit(&device) == Some(LIMIT)
        {
            set_limit(&device, 0);
        }
    }
}

fn limit(device: &QIODevice) -> Option<usize> {
    match device.cast::<QAbstractSocket>() {
        Some(socket) => Some(socket.read_buffer_size()),
        None => Some(device.cast::<QLocalSocket>()?.read_buffer_size()),
    }
}

fn set_limit(device: &QIODevice, size: usize) {
    if let Some(socket) = device.cast::<QAbstractSocket>() {
        socket.set_read_buffer_size(size);
    } else if let Some(socket) = device.cast::<QLocalSocket>() {
        socket.set_read_buffer_size(size);
    }
}

/// Ends a device at once: its peer sees that the connection has broken. A TCP connection is reset,
/// since its peer would take an orderly end for the end of the stream.
pub(super) fn cut(device: &QIODevice) {
    if let Some(socket) = device.cast::<QAbstractSocket>() {
        socket.reset_on_abort();
        socket.abort();
    } else if let Some(socket) = device.cast::<QLocalSocket>() {
        socket.abort();
    } else {
        device.close();
    }
}
