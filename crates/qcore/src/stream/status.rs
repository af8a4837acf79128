//! Whether a stream is all right.

use super::QDataStream;

crate::numbered! {
    /// How far a stream is to be trusted.
    ///
    /// # Examples
    ///
    /// ```
    /// use qcore::{QDataStream, stream::StreamStatus};
    ///
    /// let mut stream = QDataStream::from_bytes([0, 0, 0]);
    /// assert_eq!(stream.read::<u32>(), 0);
    /// assert_eq!(stream.status(), StreamStatus::ReadPastEnd);
    /// ```
    #[doc(alias = "QDataStream::Status")]
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum StreamStatus {
        /// All went well.
        #[default]
        Ok = 0,
        /// There was less to read than was asked for.
        ReadPastEnd = 1,
        /// What was read made no sense.
        ReadCorruptData = 2,
        /// The device did not take what was written, or it cannot be written in this format.
        WriteFailed = 3,
    }
}

impl QDataStream {
    /// How far what was read is to be trusted.
    #[must_use]
    pub fn status(&self) -> StreamStatus {
        self.status
    }

    /// Sets the status, if it is [`Ok`](StreamStatus::Ok): the first error stays.
    ///
    /// While it is not `Ok` nothing is written any more. Reading goes on, but not in a transaction,
    /// where it gives zeros and empty values.
    ///
    /// ```
    /// use qcore::{QDataStream, stream::StreamStatus};
    ///
    /// let mut input = QDataStream::from_bytes(*b"\x09\0");
    /// let month = input.read_uint8();
    /// if !(1..=12).contains(&month) {
    ///     input.set_status(StreamStatus::ReadCorruptData);
    /// }
    /// assert_eq!(input.status(), StreamStatus::Ok);
    ///
    /// input.read_uint32(); // too much
    /// input.set_status(StreamStatus::ReadCorruptData);
    /// assert_eq!(input.status(), StreamStatus::ReadPastEnd); // came first
    /// ```
    #[doc(alias = "setStatus")]
    pub fn set_status(&mut self, status: StreamStatus) {
        if self.status == StreamStatus::Ok {
            self.status = status;
        }
    }

    /// Sets the status to [`Ok`](StreamStatus::Ok).
    #[doc(alias = "resetStatus")]
    pub fn reset_status(&mut self) {
        self.status = StreamStatus::Ok;
    }
}
