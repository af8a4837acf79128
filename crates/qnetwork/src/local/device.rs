//! The backend of the device, which forwards to the inner socket.

#[cfg(feature = "tasks")]
use qcore::{Connection, io_device::StreamDevice};
use qcore::{
    DeviceError, OpenMode, QDeadlineTimer, QIODevice,
    io_device::{Chunk, DeviceBackend, DeviceErrorKind},
};

use super::{
    error::CLASS,
    socket::{LocalDevice, QLocalSocket},
};
use crate::socket::{QAbstractSocket, SocketErrorKind};

impl LocalDevice {
    fn inner(&self) -> Result<QAbstractSocket, DeviceError> {
        let node = self.node.upgrade().ok_or(DeviceErrorKind::NotOpen)?;
        Ok(node.inner.clone())
    }

    fn socket(&self) -> Result<QLocalSocket, DeviceError> {
        let node = self.node.upgrade().ok_or(DeviceErrorKind::NotOpen)?;
        Ok(QLocalSocket::from_node(node))
    }
}

impl DeviceBackend for LocalDevice {
    fn class_name(&self) -> &'static str {
        CLASS
    }

    fn is_sequential(&self) -> bool {
        true
    }

    fn read_data(&self, _: &QIODevice, data: &mut [u8]) -> Result<usize, DeviceError> {
        let inner = self.inner()?;
        if data.is_empty() && !inner.is_readable() {
            // Reading nothing from a socket that is not open needs no warning.
            return Ok(0);
        }
        inner.read_into(data)
    }

    fn write_data(&self, _: &QIODevice, data: &[u8]) -> Result<usize, DeviceError> {
        self.inner()?.enqueue(data)
    }

    fn write_chunk(&self, _: &QIODevice, data: Chunk) -> Result<usize, DeviceError> {
        self.inner()?.enqueue(data)
    }

    fn open(&self, device: &QIODevice, mode: OpenMode) -> Result<(), DeviceError> {
        let socket = self.socket()?;
        let connected = socket.connect_in_mode(mode);
        // The result depends on whether the device is open. It may have been open before.
        if device.is_open() {
            Ok(())
        } else {
            Err(connected.err().unwrap_or(NOT_YET.into()).into())
        }
    }

    fn can_read_line(&self, _: &QIODevice) -> bool {
        self.inner().is_ok_and(|inner| inner.can_read_line())
    }

    fn bytes_available(&self) -> usize {
        self.inner().map_or(0, |inner| inner.bytes_available())
    }

    fn bytes_to_write(&self) -> usize {
        self.inner().map_or(0, |inner| inner.bytes_to_write())
    }

    fn unsent_bytes(&self) -> usize {
        self.inner().map_or(0, |inner| inner.unsent_bytes())
    }

    #[cfg(feature = "tasks")]
    fn stream_device(&self) -> Option<&dyn StreamDevice> {
        Some(self)
    }

    fn read_buffer_size(&self) -> usize {
        self.inner().map_or(0, |inner| inner.read_buffer_size())
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
impl StreamDevice for LocalDevice {
    fn keeps_chunks(&self) -> bool {
        true
    }

    fn can_send(&self) -> bool {
        self.inner().is_ok_and(|inner| inner.can_send())
    }

    fn flush(&self, _: &QIODevice) {
        if let Ok(inner) = self.inner() {
            inner.flush();
        }
    }

    fn has_lost(&self) -> bool {
        self.inner().is_ok_and(|inner| inner.has_lost())
    }

    fn connect_closed(&self, wake: Box<dyn Fn()>) -> Connection {
        let node = self.node.upgrade();
        node.map_or_else(Connection::default, |node| node.closed.connect(move |_| wake()))
    }

    fn stream_opened(&self) {
        if let Ok(inner) = self.inner() {
            inner.on_stream_opened();
        }
    }

    fn stream_dropped(&self) {
        if let Ok(inner) = self.inner() {
            inner.on_stream_dropped();
        }
    }

    fn has_ended(&self) -> bool {
        self.inner().map_or(true, |inner| inner.has_ended())
    }

    fn stream_error(&self) -> Option<DeviceError> {
        self.inner().ok()?.stream_error()
    }

    fn is_cut_off(&self) -> bool {
        self.inner().is_ok_and(|inner| inner.is_cut_off())
    }

    fn shut_down_writing(&self, _: &QIODevice) -> Result<(), DeviceError> {
        Ok(self.inner()?.shut_down_writing()?)
    }
}

/// The error while the server's backlog is full.
const NOT_YET: SocketErrorKind = SocketErrorKind::SocketTimeout;
