//! Transactions: reading what may have to be read again.

use super::QIODevice;

/// # Transactions
impl QIODevice {
    /// From now on what is read is kept, until the transaction is committed or rolled back. For
    /// messages that may have come in part only.
    ///
    /// A second one inside the first is refused with a warning.
    #[doc(alias = "startTransaction")]
    pub fn start_transaction(&self) {
        if self.is_transaction_started() {
            self.warn("startTransaction", "Called while transaction already in progress");
            return;
        }
        self.0.transaction.set(Some(0));
        self.0.transaction_pos.set(self.pos());
    }

    /// Ends the transaction: what was read in it is gone.
    #[doc(alias = "commitTransaction")]
    pub fn commit_transaction(&self) {
        match self.0.transaction.take() {
            Some(read) => self.0.buffer.borrow_mut().consume(read, &self.0.pool),
            None => self.warn("commitTransaction", "Called while no transaction in progress"),
        }
    }

    /// Ends the transaction: what was read in it will be read again.
    #[doc(alias = "rollbackTransaction")]
    pub fn rollback_transaction(&self) {
        if self.0.transaction.take().is_none() {
            self.warn("rollbackTransaction", "Called while no transaction in progress");
        } else if !self.is_sequential() {
            self.seek_buffer(self.0.transaction_pos.get());
        }
    }

    /// Whether a transaction is under way.
    #[doc(alias = "isTransactionStarted")]
    #[must_use]
    pub fn is_transaction_started(&self) -> bool {
        self.0.transaction.get().is_some()
    }

    /// Whether what is read has to stay in the buffer.
    pub(super) fn keeps(&self) -> bool {
        self.is_transaction_started() && self.is_sequential()
    }

    /// Where in the buffer the next byte is.
    pub(super) fn start(&self) -> usize {
        self.0.transaction.get().unwrap_or(0)
    }
}
