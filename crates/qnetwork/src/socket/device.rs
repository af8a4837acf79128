//! A socket as an I/O device.

use std::rc::{Rc, Weak};

#[cfg(feature = "tasks")]
use qcore::{Connection, io_device::StreamDevice};
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

    fn fills_buffer(&self) -> bool {
        self.node.upgrade().is_some_and(|node| !node.reading.is_unbuffered())
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

    fn unsent_bytes(&self) -> usize {
        self.node.upgrade().map_or(0, |node| node.writing.unsent())
    }

    #[cfg(feature = "tasks")]
    fn stream_device(&self) -> Option<&dyn StreamDevice> {
        Some(self)
    }

    fn read_buffer_size(&self) -> usize {
        self.node.upgrade().map_or(0, |node| node.reading.limit())
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

#[cfg(feature = "tasks")]
impl StreamDevice for SocketDevice {
    fn keeps_chunks(&self) -> bool {
        self.node.upgrade().is_some_and(|node| !node.is_for_datagrams())
    }

    fn can_send(&self) -> bool {
        self.node.upgrade().is_some_and(|node| node.can_send())
    }

    fn flush(&self, _: &QIODevice) {
        if let Ok(socket) = self.socket() {
            socket.flush();
        }
    }

    fn has_lost(&self) -> bool {
        self.node.upgrade().is_some_and(|node| node.has_lost())
    }

    fn connect_closed(&self, wake: Box<dyn Fn()>) -> Connection {
        let node = self.node.upgrade();
        node.map_or_else(Connection::default, |node| node.closed.connect(move |_| wake()))
    }

    fn stream_opened(&self) {
        if let Some(node) = self.node.upgrade() {
            node.on_stream_opened();
        }
    }

    fn stream_dropped(&self) {
        if let Some(node) = self.node.upgrade() {
            node.on_stream_dropped();
        }
    }

    fn has_ended(&self) -> bool {
        self.node.upgrade().is_none_or(|node| node.has_ended())
    }

    fn stream_error(&self) -> Option<DeviceError> {
        self.node.upgrade()?.stream_error()
    }

    fn is_cut_off(&self) -> bool {
        self.node.upgrade().is_some_and(|node| node.is_cut_off())
    }

    fn shut_down_writing(&self, _: &QIODevice) -> Result<(), DeviceError> {
        Ok(self.node()?.shut_down_writing()?)
    }
}
