//! [`TextStreamStatus`]: the error state of a text stream.

use super::QTextStream;

crate::numbered! {
    /// The error state of a [`QTextStream`].
    ///
    /// # Examples
    ///
    /// ```
    /// use qcore::{QTextStream, text_stream::TextStreamStatus};
    ///
    /// let mut input = QTextStream::from_string("twelve");
    /// assert_eq!(input.read_int32(), 0);
    /// assert_eq!(input.status(), TextStreamStatus::ReadCorruptData);
    /// ```
    #[doc(alias = "QTextStream::Status")]
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum TextStreamStatus {
        /// No error.
        #[default]
        Ok = 0,
        /// The text ended before the value was complete.
        ReadPastEnd = 1,
        /// The text is not a value of the type.
        ReadCorruptData = 2,
        /// The device did not take the data.
        WriteFailed = 3,
    }
}

impl QTextStream {
    /// Returns the error state of the stream.
    #[must_use]
    pub fn status(&self) -> TextStreamStatus {
        self.output.status()
    }

    /// Sets the status if it is [`Ok`](TextStreamStatus::Ok). The first error stays.
    ///
    /// While the status is not `Ok`, the stream sends nothing to its device, even if the error was
    /// one of reading. The program can still read.
    #[doc(alias = "setStatus")]
    pub fn set_status(&mut self, status: TextStreamStatus) {
        self.output.set_status(status);
    }

    /// Sets the status to [`Ok`](TextStreamStatus::Ok).
    ///
    /// ```
    /// use qcore::{QTextStream, text_stream::TextStreamStatus};
    ///
    /// let mut input = QTextStream::from_string("abc");
    /// assert_eq!(input.read_int32(), 0);
    /// assert_eq!(input.status(), TextStreamStatus::ReadCorruptData);
    /// input.reset_status();
    /// assert_eq!(input.read_word(), "abc"); // it was not consumed
    /// assert_eq!(input.status(), TextStreamStatus::Ok);
    /// ```
    #[doc(alias = "resetStatus")]
    pub fn reset_status(&mut self) {
        self.output.reset_status();
    }
}
