//! Transactions: reading messages that may be incomplete.

use super::{QDataStream, StreamError, StreamErrorKind, StreamStatus};

/// # Transactions
///
/// If a message turns out to be incomplete, a transaction lets the program read it again later.
/// Transactions can be nested: an inner one that fails makes the outer one fail. Only the outermost
/// one removes bytes or puts them back.
///
/// | at the outermost end | status | the bytes read |
/// |---|---|---|
/// | [`commit_transaction`](QDataStream::commit_transaction) | `Ok` | are gone |
/// | | `ReadPastEnd` | will be read again |
/// | | `ReadCorruptData` | are gone |
/// | [`rollback_transaction`](QDataStream::rollback_transaction) | becomes `ReadPastEnd`, if it was `Ok` | will be read again, unless they are corrupt |
/// | [`abort_transaction`](QDataStream::abort_transaction) | becomes `ReadCorruptData` | are gone |
impl QDataStream {
    /// Starts a transaction. The outermost one resets the status to [`Ok`](StreamStatus::Ok).
    #[doc(alias = "startTransaction")]
    pub fn start_transaction(&mut self) {
        if !self.has_device() {
            return;
        }
        self.transactions += 1;
        if self.transactions == 1 {
            self.medium.start_transaction();
            self.reset_status();
        }
    }

    /// Ends the transaction. If it was not read completely, all bytes read since its start will be
    /// read again. If they are corrupt, they are gone.
    ///
    /// Inside another transaction the function leaves the bytes to the outer one.
    ///
    /// # Errors
    ///
    /// The kind of error that the [`status`](QDataStream::status) names.
    /// [`StreamErrorKind::NoTransaction`], with Qt's warning in the log, if no transaction was
    /// started.
    ///
    /// ```
    /// use qcore::QDataStream;
    ///
    /// let mut stream = QDataStream::from_bytes(*b"\x01");
    /// stream.start_transaction();
    /// stream.read_uint16();
    /// assert!(stream.commit_transaction().is_err()); // the second byte has not come yet
    ///
    /// stream.reset_status();
    /// stream.write_raw_data(b"\x02");
    /// stream.start_transaction();
    /// assert_eq!(stream.read_uint16(), 0x0102);
    /// assert!(stream.commit_transaction().is_ok());
    /// ```
    #[doc(alias = "commitTransaction")]
    pub fn commit_transaction(&mut self) -> Result<(), StreamError> {
        match self.leave_transaction() {
            Left::None => return Err(StreamErrorKind::NoTransaction.into()),
            Left::Inner => {}
            Left::Outermost => self.settle(),
        }
        self.status.result()
    }

    /// Ends the transaction. All bytes read since its start will be read again, unless they are
    /// corrupt: then they are gone.
    ///
    /// ```
    /// use qcore::QDataStream;
    ///
    /// let mut input = QDataStream::from_bytes(*b"\x07rest");
    /// input.start_transaction();
    /// if input.read_uint8() == 7 {
    ///     input.rollback_transaction(); // another reader gets it
    /// }
    /// assert_eq!(input.read_uint8(), 7);
    /// ```
    #[doc(alias = "rollbackTransaction")]
    pub fn rollback_transaction(&mut self) {
        self.set_status(StreamStatus::ReadPastEnd);
        if self.leave_transaction() == Left::Outermost {
            self.settle();
        }
    }

    /// Ends the transaction and marks the bytes read since its start as corrupt. They are gone.
    ///
    /// ```
    /// use qcore::{QDataStream, stream::StreamStatus};
    ///
    /// let mut input = QDataStream::from_bytes(*b"?a");
    /// input.start_transaction();
    /// if input.read_uint8() == b'?' {
    ///     input.abort_transaction();
    /// }
    /// assert_eq!(input.status(), StreamStatus::ReadCorruptData);
    /// assert_eq!(input.read_uint8(), b'a');
    /// ```
    #[doc(alias = "abortTransaction")]
    pub fn abort_transaction(&mut self) {
        self.status = StreamStatus::ReadCorruptData;
        if self.leave_transaction() == Left::Outermost {
            self.settle();
        }
    }

    /// Calls `read` in a transaction of its own and returns its result.
    ///
    /// # Errors
    ///
    /// The errors of [`commit_transaction`](QDataStream::commit_transaction).
    ///
    /// ```
    /// use qcore::{QDataStream, stream::StreamErrorKind};
    ///
    /// let mut stream = QDataStream::from_bytes(*b"\0\0\0\x02\0");
    /// let error = stream.transaction(|stream| stream.read_qstring()).unwrap_err();
    /// assert_eq!(error, StreamErrorKind::ReadPastEnd);
    ///
    /// stream.reset_status();
    /// stream.write_raw_data(b"a");
    /// assert_eq!(stream.transaction(|stream| stream.read_qstring())?, "a");
    /// # Ok::<(), qcore::stream::StreamError>(())
    /// ```
    pub fn transaction<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> Result<T, StreamError> {
        self.start_transaction();
        let value = read(self);
        self.commit_transaction().map(|()| value)
    }

    fn settle(&mut self) {
        if self.status == StreamStatus::ReadPastEnd {
            self.medium.rollback_transaction();
        } else {
            self.medium.commit_transaction();
        }
    }

    fn leave_transaction(&mut self) -> Left {
        if self.transactions == 0 {
            crate::q_warning!("QDataStream: No transaction in progress");
            return Left::None;
        }
        self.transactions -= 1;
        if self.transactions == 0 { Left::Outermost } else { Left::Inner }
    }
}

/// The kind of transaction that a call has ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Left {
    None,
    Inner,
    Outermost,
}
