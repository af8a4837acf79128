//! A socket as an I/O device.

use std::rc::{Rc, Weak};

use qcore::{
    DeviceError, QDeadlineTimer, QIODevice,
    io_device::{Chunk, DeviceBackend, DeviceErrorKind},
};

use super::node::{AbstractSocketNode, QAbstractSocket};

/// The device backend of a socket.
///
/// It is not the node itself: users of a socket would see the backend's functions next to those of
/// the device.
pub(super) struct SocketDevice {
    pub(super) node: Weak<AbstractSocketNode>,
    /// The name of the class in warnings.
    pub(super) class_name: &'static str,
}

impl SocketDevice {
    fn node(&self) -> Result<Rc<AbstractSocketNode>, DeviceError> {
        self.node.upgrade().ok_or_else(|| DeviceErrorKind::NotOpen.into())
    }

    fn socket(&self) -> Result<QAbstractSocket, DeviceError> {
        self.node().map(QAbstractSocket::from_node)
    }
}

impl DeviceBackend for SocketDevice {
    fn class_name(&self) -> &'static str {
        self.class_name
    }

    fn is_sequential(&self) -> bool {
        true
    }

    fn bytes_available(&self) -> usize {
        self.node.upgrade().map_or(0, |node| node.unbuffered_bytes())
    }

    fn read_data(&self, _: &QIODevice, data: &mut [u8]) -> Result<usize, DeviceError> {
        self.node()?.read_beyond_buffer(data)
    }

    fn write_data(&self, _: &QIODevice, data: &[u8]) -> Result<usize, DeviceError> {
        self.node()?.enqueue(data)
    }

    fn write_chunk(&self, _: &QIODevice, data: Chunk) -> Result<usize, DeviceError> {
        self.node()?.enqueue(data)
    }

    fn bytes_to_write(&self) -> usize {
        self.node.upgrade().map_or(0, |node| node.writing.len())
    }

    fn wait_for_ready_read(
        &self,
        _: &QIODevice,
        deadline: QDeadlineTimer,
    ) -> Result<(), DeviceError> {
        Ok(self.socket()?.wait_for_ready_read(deadline)?)
    }

    fn wait_for_bytes_written(
        &self,
        _: &QIODevice,
        deadline: QDeadlineTimer,
    ) -> Result<(), DeviceError> {
        Ok(self.socket()?.wait_for_bytes_written(deadline)?)
    }

    fn close(&self, _: &QIODevice) {
        if let Some(node) = self.node.upgrade() {
            node.close_socket();
        }
    }
}
