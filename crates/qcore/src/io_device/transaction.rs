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
        let extras = self.extras();
        extras.transaction.set(Some(0));
        extras.transaction_pos.set(self.pos());
    }

    /// Ends the transaction and drops the bytes that were read in it.
    #[doc(alias = "commitTransaction")]
    pub fn commit_transaction(&self) {
        match self.take_transaction() {
            Some(read) => self.0.buffer.borrow_mut().consume(read, &self.0.pool),
            None => self.warn("commitTransaction", "Called while no transaction in progress"),
        }
    }

    /// Ends the transaction and puts back the bytes that were read in it.
    #[doc(alias = "rollbackTransaction")]
    pub fn rollback_transaction(&self) {
        if self.take_transaction().is_none() {
            self.warn("rollbackTransaction", "Called while no transaction in progress");
        } else if !self.is_sequential() {
            self.seek_buffer(self.extras().transaction_pos.get());
        }
    }

    /// Returns whether a transaction is active.
    #[doc(alias = "isTransactionStarted")]
    #[must_use]
    pub fn is_transaction_started(&self) -> bool {
        self.transaction().is_some()
    }

    /// Returns how many bytes the active transaction has read.
    #[inline]
    fn transaction(&self) -> Option<usize> {
        self.0.extras.get()?.transaction.get()
    }

    /// Ends the transaction, if one is active. Returns how many bytes it has read.
    pub(super) fn take_transaction(&self) -> Option<usize> {
        self.0.extras.get()?.transaction.take()
    }

    /// Returns whether bytes stay in the read buffer after they are read.
    pub(super) fn keeps(&self) -> bool {
        self.is_transaction_started() && self.is_sequential()
    }

    /// Returns the offset of the next byte in the read buffer.
    pub(super) fn start(&self) -> usize {
        self.transaction().unwrap_or(0)
    }
}
