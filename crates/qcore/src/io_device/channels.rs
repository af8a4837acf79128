//! Channels: devices with several streams in one.

use super::{DeviceError, DeviceErrorKind, QIODevice};

/// # Channels
///
/// A device may have several streams in each direction, numbered from 0. All the devices of this library
/// have one in each direction that they are open for, so these are for code that is ported.
impl QIODevice {
    /// How many channels can be read from: one if the device is open for reading, and if a socket is
    /// connected or what it has received is still there.
    #[doc(alias = "readChannelCount")]
    #[must_use]
    pub fn read_channel_count(&self) -> i32 {
        self.channels.get().0
    }

    /// How many channels can be written to: one if the device is open for writing, and if a socket is
    /// connected.
    #[doc(alias = "writeChannelCount")]
    #[must_use]
    pub fn write_channel_count(&self) -> i32 {
        self.channels.get().1
    }

    /// The channel that is read from, 0 by default.
    #[doc(alias = "currentReadChannel")]
    #[must_use]
    pub fn current_read_channel(&self) -> i32 {
        self.current_channels.get().0
    }

    /// Chooses the channel that is read from. From one that there is not nothing can be read, unless the
    /// device is one with positions. During a transaction it is refused, with a warning in the log.
    #[doc(alias = "setCurrentReadChannel")]
    pub fn set_current_read_channel(&self, channel: i32) {
        if self.is_transaction_started() {
            self.warn("setReadChannel", "Failed due to read transaction being in progress");
            return;
        }
        self.current_channels.set((channel, self.current_write_channel()));
    }

    /// The channel that is written to, 0 by default.
    #[doc(alias = "currentWriteChannel")]
    #[must_use]
    pub fn current_write_channel(&self) -> i32 {
        self.current_channels.get().1
    }

    /// Chooses the channel that is written to. Writing to one that there is not fails with
    /// [`DeviceErrorKind::InvalidArgument`], unless the device is one with positions.
    #[doc(alias = "setCurrentWriteChannel")]
    pub fn set_current_write_channel(&self, channel: i32) {
        self.current_channels.set((self.current_read_channel(), channel));
    }

    /// Says how many channels there are; opening and closing the device does, too. For derived classes.
    pub fn set_channel_counts(&self, read: i32, write: i32) {
        self.channels.set((read, write));
    }

    /// Sets the numbers of channels to what the open mode says.
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
