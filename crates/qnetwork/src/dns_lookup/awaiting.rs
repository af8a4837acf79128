//! Look-ups in tasks.

use qcore::internals::until;

use super::{DnsLookupError, DnsLookupErrorKind, Progress, QDnsLookup};

impl QDnsLookup {
    /// Looks up the records, as [`lookup`](QDnsLookup::lookup) does, and waits for the result.
    /// Nothing happens before the future is polled.
    ///
    /// Dropping the future before it has returned [aborts](QDnsLookup::abort) the look-up.
    ///
    /// # Errors
    ///
    /// The error with which the look-up has failed, as [`result`](QDnsLookup::result) returns it.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use qcore::{block_on, task::timeout};
    /// use qnetwork::{DnsLookupType, QDnsLookup};
    ///
    /// let dns = QDnsLookup::with_name(DnsLookupType::SRV, "_imap._tcp.example.org");
    /// block_on(timeout(20_000, dns.query())).unwrap().unwrap()?;
    /// for record in dns.service_records() {
    ///     println!("{}:{}", record.target(), record.port());
    /// }
    /// # Ok::<(), qnetwork::DnsLookupError>(())
    /// ```
    pub async fn query(&self) -> Result<(), DnsLookupError> {
        self.lookup();
        let mut running = Aborts { dns: self, number: Some(self.number.get()) };
        let result = self.finished().await;
        running.number = None;
        result
    }

    /// Waits until the look-up has ended, and returns its [`result`](QDnsLookup::result). Returns
    /// at once if none is running. If another look-up begins meanwhile, the function waits for that
    /// one.
    ///
    /// `dns.finished.next()` waits for the signal even if the look-up has already ended. Cancel
    /// safe: the look-up continues.
    ///
    /// # Errors
    ///
    /// The error with which the look-up has failed.
    /// [`OperationCancelled`](DnsLookupErrorKind::OperationCancelled) if the object was deleted.
    pub async fn finished(&self) -> Result<(), DnsLookupError> {
        until(&[&self.finished], || {
            if self.is_deleted() {
                return Some(Err(DnsLookupErrorKind::OperationCancelled.into()));
            }
            let is_idle = matches!(*self.progress.borrow(), Progress::Idle);
            is_idle.then(|| self.result())
        })
        .await
    }
}

/// Aborts a look-up when its future is dropped.
struct Aborts<'a> {
    dns: &'a QDnsLookup,
    /// The number of the look-up; `None` when it has ended.
    number: Option<u64>,
}

impl Drop for Aborts<'_> {
    fn drop(&mut self) {
        // The program may have begun another look-up, which is not this future's.
        if self.number == Some(self.dns.number.get()) {
            self.dns.abort();
        }
    }
}
