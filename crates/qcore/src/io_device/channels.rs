//! Channels: several streams in one device.

use super::{DeviceError, DeviceErrorKind, QIODevice};

/// # Channels
///
/// A device may have several streams in each direction, numbered from 0. Every device of this
/// library has one stream in each direction that it is open for. These functions are here for code
/// ported from Qt.
impl QIODevice {
    /// Returns the number of channels for reading.
    ///
    /// It is 1 if the device is open for reading. A socket has a channel while it is connected or
    /// still has unread data.
    #[doc(alias = "readChannelCount")]
    #[must_use]
    pub fn read_channel_count(&self) -> i32 {
        self.channels.get().0.into()
    }

    /// Returns the number of channels for writing.
    ///
    /// It is 1 if the device is open for writing. A socket has a channel while it is connected.
    #[doc(alias = "writeChannelCount")]
    #[must_use]
    pub fn write_channel_count(&self) -> i32 {
        self.channels.get().1.into()
    }

    /// Returns the channel that reads use, 0 by default.
    #[doc(alias = "currentReadChannel")]
    #[must_use]
    pub fn current_read_channel(&self) -> i32 {
        self.current_channels().0
    }

    /// Sets the channel that reads use.
    ///
    /// A sequential device has nothing to read on a channel other than 0. During a transaction the
    /// function logs a warning and does nothing.
    #[doc(alias = "setCurrentReadChannel")]
    pub fn set_current_read_channel(&self, channel: i32) {
        if self.is_transaction_started() {
            self.warn("setReadChannel", "Failed due to read transaction being in progress");
            return;
        }
        self.set_current_channels(channel, self.current_write_channel());
    }

    /// Returns the channel that writes use, 0 by default.
    #[doc(alias = "currentWriteChannel")]
    #[must_use]
    pub fn current_write_channel(&self) -> i32 {
        self.current_channels().1
    }

    /// Sets the channel that writes use.
    ///
    /// In a sequential device, writes to a channel other than 0 fail with
    /// [`DeviceErrorKind::InvalidArgument`].
    #[doc(alias = "setCurrentWriteChannel")]
    pub fn set_current_write_channel(&self, channel: i32) {
        self.set_current_channels(self.current_read_channel(), channel);
    }

    /// Sets the numbers of channels, for derived classes. Opening and closing the device set them,
    /// too. A number is limited to the range from 0 to 65,535.
    pub fn set_channel_counts(&self, read: i32, write: i32) {
        let limited = |count: i32| count.clamp(0, u16::MAX.into()) as u16;
        self.channels.set((limited(read), limited(write)));
    }

    /// Returns the channels that reads and writes use.
    #[inline]
    fn current_channels(&self) -> (i32, i32) {
        self.0.extras.get().map_or((0, 0), |extras| extras.current_channels.get())
    }

    fn set_current_channels(&self, read: i32, write: i32) {
        if self.current_channels() != (read, write) {
            self.extras().current_channels.set((read, write));
        }
    }

    /// Sets the numbers of channels from the open mode.
    pub(super) fn reset_channel_counts(&self) {
        self.set_channel_counts(self.is_readable().into(), self.is_writable().into());
    }

    pub(super) fn reads_a_channel(&self) -> bool {
        self.current_read_channel() == 0 || !self.is_sequential()
    }

    pub(super) fn check_write_channel(&self) -> Result<(), DeviceError> {
        let is_one = self.current_write_channel() == 0 || !self.is_sequential();
        if is_one { Ok(()) } else { Err(no_such_channel()) }
    }
}

pub(super) fn no_such_channel() -> DeviceError {
    DeviceError::new(DeviceErrorKind::InvalidArgument, "no such channel")
}
