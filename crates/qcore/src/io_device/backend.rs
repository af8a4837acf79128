//! What a device does that others do in another way.

use super::{DeviceError, DeviceErrorKind, QIODevice};

/// The virtual functions of a [`QIODevice`]: what a class derived from it brings along.
///
/// They are reached from any handle, also a mere `&QIODevice`. The device is given to those that may
/// want to call what they replace.
pub trait DeviceBackend {
    /// The name of the class, for messages.
    fn class_name(&self) -> &'static str;

    /// Reads from the device itself, behind what is in the read buffer. `Ok(0)` is nothing now;
    /// [`DeviceErrorKind::Closed`] is nothing ever again.
    ///
    /// # Errors
    ///
    /// Whatever keeps the device from reading.
    fn read_data(&self, device: &QIODevice, data: &mut [u8]) -> Result<usize, DeviceError>;

    /// Writes to the device itself, all of `data` or as much as it takes.
    ///
    /// # Errors
    ///
    /// Whatever keeps the device from writing.
    fn write_data(&self, device: &QIODevice, data: &[u8]) -> Result<usize, DeviceError>;

    /// What can be read beyond the read buffer.
    fn bytes_available(&self) -> usize {
        0
    }

    /// What was written and is not yet on its way.
    fn bytes_to_write(&self) -> usize {
        0
    }

    /// Closes the device; [`QIODevice::close_device`] is what this stands for.
    fn close(&self, device: &QIODevice) {
        device.close_device();
    }
}

/// A device that has no class yet, or has lost it.
pub(super) struct NoBackend;

impl DeviceBackend for NoBackend {
    fn class_name(&self) -> &'static str {
        "QIODevice"
    }

    fn read_data(&self, _: &QIODevice, _: &mut [u8]) -> Result<usize, DeviceError> {
        Err(DeviceErrorKind::Closed.into())
    }

    fn write_data(&self, _: &QIODevice, _: &[u8]) -> Result<usize, DeviceError> {
        Err(DeviceErrorKind::Closed.into())
    }
}
