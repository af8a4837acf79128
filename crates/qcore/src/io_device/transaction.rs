//! Transactions: reads that can be undone.

use super::QIODevice;

/// # Transactions
impl QIODevice {
    /// Starts a transaction. The device keeps all bytes read from now on, until the transaction is
    /// committed or rolled back. This is useful for messages that may have arrived only in part.
    ///
    /// A transaction inside another one is refused with a warning.
    #[doc(alias = "startTransaction")]
    pub fn start_transaction(&self) {
        if self.is_transaction_started() {
            self.warn("startTransaction", "Called while transaction already in progress");
            return;
        }
        self.0.transaction.set(Some(0));
        self.0.transaction_pos.set(self.pos());
    }

    /// Ends the transaction and drops the bytes that were read in it.
    #[doc(alias = "commitTransaction")]
    pub fn commit_transaction(&self) {
        match self.0.transaction.take() {
            Some(read) => self.0.buffer.borrow_mut().consume(read, &self.0.pool),
            None => self.warn("commitTransaction", "Called while no transaction in progress"),
        }
    }

    /// Ends the transaction and puts back the bytes that were read in it.
    #[doc(alias = "rollbackTransaction")]
    pub fn rollback_transaction(&self) {
        if self.0.transaction.take().is_none() {
            self.warn("rollbackTransaction", "Called while no transaction in progress");
        } else if !self.is_sequential() {
            self.seek_buffer(self.0.transaction_pos.get());
        }
    }

    /// Returns whether a transaction is active.
    #[doc(alias = "isTransactionStarted")]
    #[must_use]
    pub fn is_transaction_started(&self) -> bool {
        self.0.transaction.get().is_some()
    }

    /// Returns whether bytes stay in the read buffer after they are read.
    pub(super) fn keeps(&self) -> bool {
        self.is_transaction_started() && self.is_sequential()
    }

    /// Returns the offset of the next byte in the read buffer.
    pub(super) fn start(&self) -> usize {
        self.0.transaction.get().unwrap_or(0)
    }
}
