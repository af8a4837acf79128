//! Devices that are classes of the program's own.

use std::rc::Rc;

use super::{Chunk, DeviceBackend, DeviceError, OpenMode, QIODevice, backend::NoBackend};
use crate::{
    classes::{Inherits, Object, Overrides, Probe},
    time::QDeadlineTimer,
};

/// Class `T` overrides the functions of `QIODevice`.
impl<T: DeviceBackend + Inherits<QIODevice>> Overrides<QIODevice> for Probe<'_, QIODevice, T> {
    type Outcome = ();

    fn install(&self) {
        let backend = Rc::new(OfClass::<T>(self.object().to_weak()));
        self.object().as_base().override_backend(backend);
    }
}

/// Stands for a class whose device functions cannot be overridden: those of sockets and buffers.
#[derive(Debug)]
pub struct FinalDevice;

impl<T: DeviceBackend + Object> Overrides<FinalDevice> for Probe<'_, FinalDevice, T> {
    type Outcome = FinalDevice;

    fn install(&self) -> FinalDevice {
        FinalDevice // which no class declaration accepts
    }
}

/// The backend of an object of class `T`, which it does not keep.
struct OfClass<T: Object>(T::Weak);

impl<T: DeviceBackend + Object> OfClass<T> {
    fn with<V>(&self, call: impl FnOnce(&dyn DeviceBackend) -> V) -> V {
        match T::from_weak(&self.0) {
            Some(object) => call(&object),
            None => call(&NoBackend),
        }
    }
}

impl<T: DeviceBackend + Object> DeviceBackend for OfClass<T> {
    fn class_name(&self) -> &'static str {
        self.with(|class| class.class_name())
    }

    fn read_data(&self, device: &QIODevice, data: &mut [u8]) -> Result<usize, DeviceError> {
        self.with(|class| class.read_data(device, data))
    }

    fn write_data(&self, device: &QIODevice, data: &[u8]) -> Result<usize, DeviceError> {
        self.with(|class| class.write_data(device, data))
    }

    fn write_chunk(&self, device: &QIODevice, data: Chunk) -> Result<usize, DeviceError> {
        self.with(|class| class.write_chunk(device, data))
    }

    fn is_sequential(&self) -> bool {
        self.with(|class| class.is_sequential())
    }

    fn open(&self, device: &QIODevice, mode: OpenMode) -> Result<(), DeviceError> {
        self.with(|class| class.open(device, mode))
    }

    fn size(&self) -> i64 {
        self.with(|class| class.size())
    }

    fn seek(&self, device: &QIODevice, position: i64) -> Result<(), DeviceError> {
        self.with(|class| class.seek(device, position))
    }

    fn can_read_line(&self, device: &QIODevice) -> bool {
        self.with(|class| class.can_read_line(device))
    }

    fn peek(&self, device: &QIODevice, max_size: usize) -> Option<Vec<u8>> {
        self.with(|class| class.peek(device, max_size))
    }

    fn peek_into(&self, device: &QIODevice, data: &mut [u8]) -> Option<usize> {
        self.with(|class| class.peek_into(device, data))
    }

    fn read_line_data(&self, device: &QIODevice, data: &mut [u8]) -> Result<usize, DeviceError> {
        self.with(|class| class.read_line_data(device, data))
    }

    fn bytes_available(&self) -> usize {
        self.with(|class| class.bytes_available())
    }

    fn bytes_to_write(&self) -> usize {
        self.with(|class| class.bytes_to_write())
    }

    fn read_buffer_size(&self) -> usize {
        self.with(|class| class.read_buffer_size())
    }

    fn wait_for_ready_read(
        &self,
        device: &QIODevice,
        deadline: QDeadlineTimer,
    ) -> Result<(), DeviceError> {
        self.with(|class| class.wait_for_ready_read(device, deadline))
    }

    fn wait_for_bytes_written(
        &self,
        device: &QIODevice,
        deadline: QDeadlineTimer,
    ) -> Result<(), DeviceError> {
        self.with(|class| class.wait_for_bytes_written(device, deadline))
    }

    fn close(&self, device: &QIODevice) {
        self.with(|class| class.close(device));
    }
}
