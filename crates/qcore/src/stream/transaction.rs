//! Reading what may not be there as a whole.

use super::{QDataStream, StreamStatus};

/// # Transactions
///
/// What is read in a transaction can be read again if it turns out to be incomplete. Transactions
/// can be nested: an inner one that fails makes the outer one fail, and only the outermost one
/// takes bytes away or puts them back.
///
/// | at the outermost end | status | what was read |
/// |---|---|---|
/// | [`commit_transaction`](QDataStream::commit_transaction) | `Ok` | is gone |
/// | | `ReadPastEnd` | will be read again |
/// | | `ReadCorruptData` | is gone |
/// | [`rollback_transaction`](QDataStream::rollback_transaction) | becomes `ReadPastEnd`, if it was `Ok` | will be read again, unless it is corrupt |
/// | [`abort_transaction`](QDataStream::abort_transaction) | becomes `ReadCorruptData` | is gone |
impl QDataStream {
    /// Begins to read something that may not be there as a whole. The outermost transaction sets the
    /// status to [`Ok`](StreamStatus::Ok).
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

    /// Ends the transaction. Returns whether everything was there. If not, all that was read since it
    /// began will be read again; unless it was corrupt, for then it is gone.
    ///
    /// A transaction within a transaction leaves this to the outer one. Without a transaction a
    /// warning is logged, and the answer is `false`.
    ///
    /// ```
    /// use qcore::QDataStream;
    ///
    /// let mut stream = QDataStream::from_bytes(*b"\x01");
    /// stream.start_transaction();
    /// stream.read_uint16();
    /// assert!(!stream.commit_transaction()); // the second byte has not come yet
    ///
    /// stream.reset_status();
    /// stream.write_raw_data(b"\x02");
    /// stream.start_transaction();
    /// assert_eq!(stream.read_uint16(), 0x0102);
    /// assert!(stream.commit_transaction());
    /// ```
    #[doc(alias = "commitTransaction")]
    #[must_use = "what was read is of no use if the transaction failed"]
    pub fn commit_transaction(&mut self) -> bool {
        match self.leave_transaction() {
            Left::None => return false,
            Left::Inner => {}
            Left::Outermost => self.settle(),
        }
        self.status == StreamStatus::Ok
    }

    /// Ends the transaction: all that was read since it began will be read again.
    ///
    /// ```
    /// use qcore::QDataStream;
    ///
    /// let mut input = QDataStream::from_bytes(*b"\x07rest");
    /// input.start_transaction();
    /// if input.read_uint8() == 7 {
    ///     input.rollback_transaction(); // for somebody else to read
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

    /// Ends the transaction: what was read since it began is corrupt, and gone.
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

    /// Reads in a transaction of its own: what `read` returns, if all of it was there.
    ///
    /// ```
    /// let mut stream = qcore::QDataStream::from_bytes(*b"\0\0\0\x02\0");
    /// assert_eq!(stream.transaction(|stream| stream.read_qstring()), None);
    ///
    /// stream.reset_status();
    /// stream.write_raw_data(b"a");
    /// assert_eq!(stream.transaction(|stream| stream.read_qstring()), Some("a".to_owned()));
    /// ```
    pub fn transaction<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.start_transaction();
        let value = read(self);
        self.commit_transaction().then_some(value)
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

/// Which transaction was left.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Left {
    None,
    Inner,
    Outermost,
}
