//! Host names and their addresses.
//!
//! The system's resolver does the look-ups: `getaddrinfo`, or `getnameinfo` for the name of an
//! address. These calls block. A few worker threads make them and post the answers to the loop that
//! asked:
//!
//! ```text
//!   lookup_host ──► empty, invalid or cached? ──────────────────────────► posted to this loop
//!                     └► workers.rs: one queue, equal names share a call ► posted to its loop
//!                          └► resolver.rs ──► cache.rs: names found in the last minute
//! ```
//!
//! `ace.rs` converts names to ASCII, and `local.rs` finds the names of this machine.

pub(crate) mod ace;
mod cache;
mod error;
mod local;
mod named;
mod resolver;
mod workers;

use std::{
    borrow,
    cell::RefCell,
    collections::HashMap,
    sync::{
        Arc, Weak,
        atomic::{AtomicI32, Ordering},
        mpsc,
    },
};

use qcore::{Dispatcher, QDeadlineTimer, Receiver};

pub use self::error::{HostInfoError, HostInfoErrorKind};
pub(crate) use self::named::named;
use crate::{address::QHostAddress, common::owned, sys};

/// The number of a look-up, which [`QHostInfo::lookup_host`] returns.
///
/// [`QHostInfo::abort_host_lookup`] takes it. A later look-up has a greater number, until after
/// 2³¹ - 1 look-ups they start again at 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LookupId(i32);

impl From<LookupId> for i32 {
    /// Returns Qt's number.
    fn from(id: LookupId) -> Self {
        id.0
    }
}

/// The result of a look-up: a host's name and addresses, or an error.
///
/// [`lookup_host`](QHostInfo::lookup_host) returns at once and answers later,
/// [`from_name`](QHostInfo::from_name) waits. Both take
///
/// * a name, and return its addresses. The name may contain letters of all languages
///   (`bücher.example`), which are looked up as punycode. [`host_name`](QHostInfo::host_name)
///   returns the name as it was given. An invalid name, for example with a NUL, a space or a label
///   of more than 63 letters, gives [`HostNotFound`](HostInfoErrorKind::HostNotFound), "Invalid
///   hostname".
/// * an address, and return its name. If it has no name, they return the address as text.
///
/// Answers are cached for 60 seconds, for at most 128 names. `lookup_host` uses the cache;
/// `from_name` always asks the resolver. Names that end in `.invalid` are never looked up, because
/// there are none (RFC 6761).
///
/// Stands for Qt's [QHostInfo](https://doc.qt.io/qt-5/qhostinfo.html).
///
/// # Examples
///
/// ```
/// use qcore::QCoreApplication;
/// use qnetwork::{QHostAddress, QHostInfo};
///
/// let app = QCoreApplication::new();
/// QHostInfo::lookup_host("localhost", &app, |app, info| {
///     assert!(info.addresses().iter().all(QHostAddress::is_loopback));
///     app.quit();
/// });
/// app.exec();
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QHostInfo {
    lookup_id: Option<LookupId>,
    host_name: String,
    addresses: Vec<QHostAddress>,
    error: Option<HostInfoErrorKind>,
    error_string: String,
}

impl Default for QHostInfo {
    fn default() -> Self {
        QHostInfo::new(None)
    }
}

impl QHostInfo {
    /// Creates a result without a name, addresses or an error.
    #[must_use]
    pub fn new(lookup_id: Option<LookupId>) -> Self {
        QHostInfo {
            lookup_id,
            host_name: String::new(),
            addresses: Vec::new(),
            error: None,
            error_string: "Unknown error".to_owned(),
        }
    }

    pub(crate) fn found(name: &str, addresses: Vec<QHostAddress>) -> Self {
        QHostInfo { host_name: name.to_owned(), addresses, ..QHostInfo::default() }
    }

    fn not_found(name: &str) -> Self {
        QHostInfo::failed(name, HostInfoErrorKind::HostNotFound, "Host not found")
    }

    fn failed(name: &str, error: HostInfoErrorKind, text: impl Into<String>) -> Self {
        let mut info = QHostInfo::found(name, Vec::new());
        info.error = Some(error);
        info.error_string = text.into();
        info
    }

    /// Returns the name that was looked up; if an address was looked up, its name.
    #[doc(alias = "hostName")]
    #[must_use]
    pub fn host_name(&self) -> &str {
        &self.host_name
    }

    /// Returns the addresses in the resolver's order. After an error there are none.
    #[must_use]
    pub fn addresses(&self) -> &[QHostAddress] {
        &self.addresses
    }

    /// Returns the addresses, or the error if the look-up failed.
    ///
    /// ```
    /// use qnetwork::{HostInfoErrorKind, QHostAddress, QHostInfo};
    ///
    /// let info = QHostInfo::from_name("localhost");
    /// assert!(info.result()?.contains(&QHostAddress::LocalHost));
    ///
    /// let error = QHostInfo::from_name("no name").result().unwrap_err();
    /// assert_eq!(error, HostInfoErrorKind::HostNotFound);
    /// assert_eq!(error.to_string(), "Invalid hostname");
    /// # Ok::<(), qnetwork::HostInfoError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The kind is [`error`](QHostInfo::error), the text is
    /// [`error_string`](QHostInfo::error_string).
    pub fn result(&self) -> Result<&[QHostAddress], HostInfoError> {
        match self.error {
            None => Ok(&self.addresses),
            Some(kind) => Err(HostInfoError::new(kind, &self.error_string)),
        }
    }

    /// Returns the kind of the error; `None`, where Qt returns `NoError`, if the look-up succeeded.
    #[must_use]
    pub fn error(&self) -> Option<HostInfoErrorKind> {
        self.error
    }

    /// Returns the text of the error; "Unknown error" if there was none.
    #[doc(alias = "errorString")]
    #[must_use]
    pub fn error_string(&self) -> &str {
        &self.error_string
    }

    /// Returns the number of the look-up, which [`lookup_host`](QHostInfo::lookup_host) also
    /// returned; `None`, where Qt returns -1, for a result of [`from_name`](QHostInfo::from_name).
    #[doc(alias = "lookupId")]
    #[must_use]
    pub fn lookup_id(&self) -> Option<LookupId> {
        self.lookup_id
    }

    /// Sets the host name.
    #[doc(alias = "setHostName")]
    pub fn set_host_name(&mut self, name: impl Into<String>) {
        self.host_name = name.into();
    }

    /// Sets the addresses.
    #[doc(alias = "setAddresses")]
    pub fn set_addresses(
        &mut self,
        addresses: impl IntoIterator<Item: borrow::Borrow<QHostAddress>>,
    ) {
        self.addresses = owned(addresses);
    }

    /// Sets the error, but not its text.
    #[doc(alias = "setError")]
    pub fn set_error(&mut self, error: Option<HostInfoErrorKind>) {
        self.error = error;
    }

    /// Sets the text of the error.
    #[doc(alias = "setErrorString")]
    pub fn set_error_string(&mut self, text: impl Into<String>) {
        self.error_string = text.into();
    }

    /// Sets the number of the look-up.
    #[doc(alias = "setLookupId")]
    pub fn set_lookup_id(&mut self, id: Option<LookupId>) {
        self.lookup_id = id;
    }

    /// Swaps two results, as [`std::mem::swap`] does. The name is Qt's.
    pub fn swap(&mut self, other: &mut QHostInfo) {
        std::mem::swap(self, other);
    }

    // ---- look-ups

    /// Looks up a name or an address. The event loop calls `slot` of `receiver` with the answer,
    /// unless the receiver has died by then. Returns the number with which the look-up can be
    /// [aborted](QHostInfo::abort_host_lookup).
    ///
    /// Each call gets its own answer, even for equal names.
    ///
    /// ```
    /// use std::cell::Cell;
    /// use std::rc::Rc;
    /// use qcore::QCoreApplication;
    /// use qnetwork::{LookupId, QHostInfo};
    ///
    /// #[derive(Default)]
    /// struct Client {
    ///     lookup: Cell<Option<LookupId>>,
    /// }
    ///
    /// impl Client {
    ///     fn on_looked_up(&self, info: QHostInfo) {
    ///         assert_eq!(info.lookup_id(), self.lookup.get());
    ///         match info.result() {
    ///             Ok(addresses) => println!("{addresses:?}"),
    ///             Err(error) => println!("{error}"), // "Invalid hostname"
    ///         }
    ///         QCoreApplication::instance().quit();
    ///     }
    /// }
    ///
    /// let app = QCoreApplication::new();
    /// let client = Rc::new(Client::default());
    /// let id = QHostInfo::lookup_host("no name", &client, Client::on_looked_up);
    /// client.lookup.set(Some(id));
    /// app.exec();
    /// ```
    #[doc(alias = "lookupHost")]
    pub fn lookup_host<R: Receiver>(
        name: &str,
        receiver: &R,
        slot: impl FnOnce(&R::Target, QHostInfo) + 'static,
    ) -> LookupId {
        let receiver = receiver.downgrade();
        let answer = move |info| {
            R::with(&receiver, |receiver| slot(receiver, info));
        };
        match Lookup::begin(name) {
            Lookup::Answer(info) => answer_later(info, Box::new(answer)),
            Lookup::Ask => ask(name, Box::new(answer)),
        }
    }

    /// Cancels a look-up of this thread: its slot is not called. Does nothing after the answer has
    /// come.
    #[doc(alias = "abortHostLookup")]
    pub fn abort_host_lookup(lookup_id: LookupId) {
        let answer = Dispatcher::current().local::<Pending>().0.borrow_mut().remove(&lookup_id);
        drop(answer);
    }

    /// Looks up a name or an address and waits for the answer. The system's resolver decides how
    /// long that takes.
    ///
    /// ```
    /// use qnetwork::{HostInfoErrorKind, QHostAddress, QHostInfo};
    ///
    /// let info = QHostInfo::from_name("localhost");
    /// assert!(info.addresses().contains(&QHostAddress::LocalHost));
    /// let info = QHostInfo::from_name("");
    /// assert_eq!(info.error(), Some(HostInfoErrorKind::HostNotFound));
    /// assert_eq!(info.error_string(), "No host name given");
    /// ```
    #[doc(alias = "fromName")]
    #[must_use]
    pub fn from_name(name: &str) -> QHostInfo {
        resolver::resolve(name)
    }

    /// Looks up `name` and waits for the answer until `deadline`. Returns `None` when that passes.
    pub(crate) fn from_name_until(name: &str, deadline: QDeadlineTimer) -> Option<QHostInfo> {
        if let Lookup::Answer(info) = Lookup::begin_for_address(name) {
            return Some(info);
        }
        let wanted = Arc::new(());
        let (tell, told) = mpsc::channel();
        let answer = move |info| drop(tell.send(info));
        if let Err(error) = workers::submit(name, Arc::downgrade(&wanted), answer) {
            return Some(QHostInfo::failed(name, HostInfoErrorKind::Unknown, error.to_string()));
        }
        match deadline.remaining_time() {
            Some(left) => told.recv_timeout(left).ok(),
            None => told.recv().ok(),
        }
    }

    // ---- this machine

    /// Returns the host name of this machine.
    ///
    /// ```
    /// assert!(!qnetwork::QHostInfo::local_host_name().is_empty());
    /// ```
    #[doc(alias = "localHostName")]
    #[must_use]
    pub fn local_host_name() -> String {
        sys::host_name()
    }

    /// Returns the domain of this machine, empty if it has none.
    ///
    /// It is the first one in the environment variable `LOCALDOMAIN`; otherwise the first one of
    /// the last `search` or `domain` line in `/etc/resolv.conf`; otherwise the part of the
    /// machine's name after the first dot.
    ///
    /// ```
    /// println!("{}", qnetwork::QHostInfo::local_domain_name());
    /// ```
    #[doc(alias = "localDomainName")]
    #[must_use]
    pub fn local_domain_name() -> String {
        local::domain_name()
    }
}

/// The outcome of a look-up without the resolver.
pub(crate) enum Lookup {
    /// The name is in the cache, or is invalid.
    Answer(QHostInfo),
    /// The resolver has to be asked.
    Ask,
}

impl Lookup {
    /// Answers without the resolver if the name is invalid or in the cache.
    fn begin(name: &str) -> Lookup {
        match resolver::refuse(name).or_else(|| cache::get(name)) {
            Some(info) => Lookup::Answer(info),
            None => Lookup::Ask,
        }
    }

    /// Does the same for callers that do not need the name of an address.
    pub(crate) fn begin_for_address(name: &str) -> Lookup {
        match name.parse() {
            Ok(address) => Lookup::Answer(QHostInfo::found(name, vec![address])),
            Err(_) => Lookup::begin(name),
        }
    }
}

type Answer = Box<dyn FnOnce(QHostInfo)>;

/// The look-ups of a loop that have no answer yet.
///
/// Each holds an `Arc` while its answer is wanted. After an abort or the end of the loop the worker
/// finds the `Arc` gone and skips the look-up.
#[derive(Default)]
struct Pending(RefCell<HashMap<LookupId, (Answer, Arc<()>)>>);

impl Pending {
    fn add(&self, id: LookupId, answer: Answer) -> Weak<()> {
        let waiting = Arc::new(());
        let wanted = Arc::downgrade(&waiting);
        self.0.borrow_mut().insert(id, (answer, waiting));
        wanted
    }

    /// Passes an answer to its slot, in the thread that asked.
    fn answer(id: LookupId, mut info: QHostInfo) {
        let answer = Dispatcher::current().local::<Pending>().0.borrow_mut().remove(&id);
        if let Some((answer, _)) = answer {
            info.lookup_id = Some(id);
            answer(info);
        }
    }
}

/// Has the loop call `answer` with a result that is known already.
fn answer_later(info: QHostInfo, answer: Answer) -> LookupId {
    let id = next_id();
    let dispatcher = Dispatcher::current();
    let _ = dispatcher.local::<Pending>().add(id, answer);
    dispatcher.post(move || Pending::answer(id, info));
    id
}

/// Has a worker ask the resolver, and has the loop call `answer` with the result.
pub(crate) fn ask(name: &str, answer: Answer) -> LookupId {
    let id = next_id();
    let dispatcher = Dispatcher::current();
    let wanted = dispatcher.local::<Pending>().add(id, answer);
    let failed = match dispatcher.poster() {
        Ok(poster) => workers::submit(name, wanted, move |info| {
            // If the loop is gone, nobody waits for the answer.
            let _ = poster.post(move || Pending::answer(id, info));
        }),
        Err(error) => Err(error),
    };
    if let Err(error) = failed {
        let info = QHostInfo::failed(name, HostInfoErrorKind::Unknown, error.to_string());
        dispatcher.post(move || Pending::answer(id, info));
    }
    id
}

fn next_id() -> LookupId {
    static NEXT: AtomicI32 = AtomicI32::new(1);
    // After 2³¹ - 1 look-ups the numbers start again at 1.
    let next = NEXT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |id| {
        Some(id.checked_add(1).unwrap_or(1))
    });
    LookupId(next.unwrap_or(1))
}

/// Puts a name into the cache for a minute.
#[cfg(test)]
pub(crate) fn remember(name: &str, addresses: &[QHostAddress]) {
    cache::put(name, &QHostInfo::found(name, addresses.to_vec()));
}

#[cfg(test)]
mod tests;
