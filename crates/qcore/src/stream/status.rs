//! [`StreamStatus`]: the error state of a stream.

use super::QDataStream;

crate::numbered! {
    /// The error state of a stream.
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
        /// No error.
        #[default]
        Ok = 0,
        /// There was less data than the read needed.
        ReadPastEnd = 1,
        /// The data was invalid.
        ReadCorruptData = 2,
        /// The device did not take the data, or the format cannot represent the value.
        WriteFailed = 3,
    }
}

impl QDataStream {
    /// Returns the error state of the stream.
    #[must_use]
    pub fn status(&self) -> StreamStatus {
        self.status
    }

    /// Sets the status if it is [`Ok`](StreamStatus::Ok). The first error stays.
    ///
    /// While the status is not `Ok`, the stream writes nothing. Outside a transaction, reads
    /// continue. Inside a transaction they return zeros and empty values.
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
    /// input.read_uint32(); // too few bytes are left
    /// input.set_status(StreamStatus::ReadCorruptData);
    /// assert_eq!(input.status(), StreamStatus::ReadPastEnd); // the first error stays
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
