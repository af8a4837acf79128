//! The backend of the device.

use std::{os::fd::OwnedFd, rc::Rc};

use qcore::internals::DeviceInternals;
#[cfg(feature = "tasks")]
use qcore::io_device::StreamDevice;
use qcore::{
    Connection, DeviceError, OpenMode, QDeadlineTimer, QIODevice,
    io_device::{Chunk, DeviceBackend, DeviceErrorKind},
};

use super::{CLASS, SslDevice, SslSocketNode, Work};
use crate::{
    address::NetworkLayerProtocol,
    socket::{
        AttachError, DetachedSocket, QAbstractSocket, SocketClass, SocketError, SocketOption,
        SocketState, TimeoutKind,
    },
};

impl SslDevice {
    fn node(&self) -> Result<Rc<SslSocketNode>, DeviceError> {
        self.node.upgrade().ok_or_else(|| DeviceErrorKind::NotOpen.into())
    }

    /// Returns the inner socket if it has the plain text.
    fn plain(&self) -> Option<QAbstractSocket> {
        let node = self.node.upgrade()?;
        node.is_plain().then(|| node.inner.clone())
    }
}

impl DeviceBackend for SslDevice {
    fn class_name(&self) -> &'static str {
        CLASS
    }

    fn is_sequential(&self) -> bool {
        true
    }

    fn read_data(&self, _: &QIODevice, data: &mut [u8]) -> Result<usize, DeviceError> {
        self.node()?.supply(data)
    }

    fn write_data(&self, _: &QIODevice, data: &[u8]) -> Result<usize, DeviceError> {
        self.node()?.accept(data)
    }

    fn write_chunk(&self, _: &QIODevice, data: Chunk) -> Result<usize, DeviceError> {
        self.node()?.accept_chunk(data)
    }

    fn can_read_line(&self, _: &QIODevice) -> bool {
        self.plain().is_some_and(|inner| inner.can_read_line())
    }

    fn bytes_available(&self) -> usize {
        self.plain().map_or(0, |inner| inner.bytes_available())
    }

    fn bytes_to_write(&self) -> usize {
        self.node.upgrade().map_or(0, |node| node.bytes_to_write())
    }

    fn unsent_bytes(&self) -> usize {
        self.node.upgrade().map_or(0, |node| node.unsent_bytes())
    }

    fn connect_sent(&self, device: &QIODevice, wake: Rc<dyn Fn()>) -> [Connection; 2] {
        let Some(node) = self.node.upgrade() else { return Default::default() };
        let also = wake.clone();
        [
            device.bytes_written.connect(move |_| wake()),
            node.encrypted_bytes_written.connect(move |_| also()),
        ]
    }

    #[cfg(feature = "tasks")]
    fn stream_device(&self) -> Option<&dyn StreamDevice> {
        Some(self)
    }

    fn read_buffer_size(&self) -> usize {
        self.node.upgrade().map_or(0, |node| node.base.read_buffer_size())
    }

    fn wait_for_ready_read(
        &self,
        _: &QIODevice,
        deadline: QDeadlineTimer,
    ) -> Result<(), DeviceError> {
        Ok(SocketClass::wait_for_ready_read(&*self.node()?, deadline)?)
    }

    fn wait_for_bytes_written(
        &self,
        _: &QIODevice,
        deadline: QDeadlineTimer,
    ) -> Result<(), DeviceError> {
        Ok(SocketClass::wait_for_bytes_written(&*self.node()?, deadline)?)
    }

    fn close(&self, _: &QIODevice) {
        if let Some(node) = self.node.upgrade() {
            node.close_socket();
        }
    }
}

#[cfg(feature = "tasks")]
impl StreamDevice for SslDevice {
    fn keeps_chunks(&self) -> bool {
        true
    }

    fn can_send(&self) -> bool {
        self.node.upgrade().is_some_and(|node| node.can_send())
    }

    fn flush(&self, _: &QIODevice) {
        if let Some(node) = self.node.upgrade() {
            node.flush_all();
        }
    }

    fn has_ended(&self) -> bool {
        self.node.upgrade().is_none_or(|node| node.base.has_ended())
    }

    fn stream_error(&self) -> Option<DeviceError> {
        self.node.upgrade()?.base.stream_error()
    }

    fn has_lost(&self) -> bool {
        self.node.upgrade().is_some_and(|node| node.has_lost())
    }

    fn connect_closed(&self, wake: Box<dyn Fn()>) -> Connection {
        let node = self.node.upgrade();
        node.map_or_else(Connection::default, |node| node.base.closed.connect(move |_| wake()))
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

    fn is_cut_off(&self) -> bool {
        self.node.upgrade().is_some_and(|node| node.is_cut_off())
    }

    fn prepare_shutdown(&self, _: &QIODevice) {
        if let Some(node) = self.node.upgrade()
            && !node.is_plain()
        {
            node.say_goodbye();
        }
    }

    fn shut_down_writing(&self, _: &QIODevice) -> Result<(), DeviceError> {
        Ok(SocketClass::shut_down_writing(&*self.node()?)?)
    }
}

impl SocketClass for SslSocketNode {
    fn connect_to_host(
        &self,
        host_name: String,
        port: u16,
        mode: OpenMode,
        protocol: NetworkLayerProtocol,
    ) {
        self.connect_plain(host_name, port, mode, protocol);
    }

    fn disconnect_from_host(&self) {
        self.disconnect();
    }

    fn abort(&self) {
        self.abort_connection();
    }

    fn resume(&self) {
        self.resume_later();
    }

    fn flush(&self) -> bool {
        self.flush_all()
    }

    fn transport(&self) -> QAbstractSocket {
        QAbstractSocket::clone(&self.inner)
    }

    #[cfg(feature = "tasks")]
    fn shut_down_writing(&self) -> Result<(), SocketError> {
        self.close_half()
    }

    fn set_read_buffer_size(&self, size: usize) {
        self.base.limit_reading(size);
        self.inner.limit_reading(size);
        if size == 0 || self.base.held_len() < size {
            self.inner.read_on();
        }
    }

    fn timed(&self) -> QAbstractSocket {
        self.inner.clone()
    }

    fn is_in_phase(&self, kind: TimeoutKind) -> bool {
        match kind {
            TimeoutKind::Close => {
                self.base.state() == SocketState::Closing || self.flags.pending_close.get()
            }
            TimeoutKind::TlsHandshake => {
                (self.session.borrow().is_some()
                    || self.flags.work.get() != Work::Idle
                    || self.flags.start_failed.get())
                    && !self.flags.encrypted.get()
                    && !self.flags.paused.get()
            }
            _ => false,
        }
    }

    fn reading_resumed(&self) {
        self.on_resumed();
    }

    fn set_socket_option(&self, option: SocketOption, value: i32) {
        self.inner.set_socket_option(option, value);
    }

    fn socket_option(&self, option: SocketOption) -> Option<i32> {
        self.inner.socket_option(option)
    }

    fn carrier(&self) -> QAbstractSocket {
        self.inner.clone()
    }

    fn set_socket_descriptor(
        &self,
        descriptor: OwnedFd,
        state: SocketState,
        mode: OpenMode,
    ) -> Result<(), SocketError> {
        self.take_over(descriptor, state, mode)
    }

    fn detach(&self) -> Result<DetachedSocket, SocketError> {
        self.detach_connection()
    }

    fn attach(&self, connection: DetachedSocket) -> Result<(), AttachError> {
        self.attach_connection(connection)
    }

    fn wait_for_connected(&self, deadline: QDeadlineTimer) -> Result<(), SocketError> {
        self.wait_connected(deadline)
    }

    fn wait_for_ready_read(&self, deadline: QDeadlineTimer) -> Result<(), SocketError> {
        self.wait_readable(deadline)
    }

    fn wait_for_bytes_written(&self, deadline: QDeadlineTimer) -> Result<(), SocketError> {
        self.wait_written(deadline)
    }

    fn wait_for_disconnected(&self, deadline: QDeadlineTimer) -> Result<(), SocketError> {
        self.wait_disconnected(deadline)
    }
}
