//! Names of hosts and their addresses.
//!
//! A look-up is done by the system's resolver, `getaddrinfo` or, for the name of an address,
//! `getnameinfo`. These block; so they are called by a few threads of their own, whose answers are
//! posted to the loop that asked:
//!
//! ```text
//!   lookup_host ──► empty, no name, remembered? ──────────────────────────► posted to this loop
//!                     └► workers.rs: one queue, equal names share a call ──► posted to the asking loop
//!                          └► resolver.rs ──► cache.rs: what was found, for a minute
//! ```
//!
//! `ace.rs` makes ASCII of other names, `local.rs` knows this machine's.

pub(crate) mod ace;
mod cache;
mod local;
mod named;
mod resolver;
mod workers;

use std::{
    cell::RefCell,
    collections::HashMap,
    sync::{
        Arc, Weak,
        atomic::{AtomicI32, Ordering},
        mpsc,
    },
};

use qcore::{Dispatcher, QDeadlineTimer, Receiver};

pub(crate) use self::named::named;
use crate::{address::QHostAddress, sys};

qcore::numbered! {
    /// How a look-up ended.
    #[doc(alias = "QHostInfo::HostInfoError")]
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum HostInfoError {
        /// Well.
        #[default]
        NoError = 0,
        /// There is no host of that name, or it has no address.
        HostNotFound = 1,
        /// In another way.
        #[doc(alias = "UnknownError")]
        Unknown = 2,
    }
}

/// What is known of a host: its addresses, or why they could not be found.
///
/// [`lookup_host`](QHostInfo::lookup_host) asks and goes on, [`from_name`](QHostInfo::from_name)
/// waits. Both take
///
/// * a name, and give its addresses. It may have letters of all languages (`bücher.example`), which
///   are asked for in punycode; [`host_name`](QHostInfo::host_name) stays as it was given. What
///   cannot be a name, for example with a NUL or a space in it, or a part of more than 63 letters,
///   is [`HostNotFound`](HostInfoError::HostNotFound), "Invalid hostname".
/// * an address, and give its name: the address as text where it has none.
///
/// What `lookup_host` asks for is remembered for 60 seconds, 128 names at most; `from_name` always
/// asks anew. Names that end in `.invalid` are not asked for, there are none (RFC 6761).
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
    lookup_id: i32,
    host_name: String,
    addresses: Vec<QHostAddress>,
    error: HostInfoError,
    error_string: String,
}

impl Default for QHostInfo {
    fn default() -> Self {
        QHostInfo::new(-1)
    }
}

impl QHostInfo {
    /// Knows nothing yet. Where Qt has no number for a look-up, it is -1.
    #[must_use]
    pub fn new(lookup_id: i32) -> Self {
        QHostInfo {
            lookup_id,
            host_name: String::new(),
            addresses: Vec::new(),
            error: HostInfoError::NoError,
            error_string: "Unknown error".to_owned(),
        }
    }

    pub(crate) fn found(name: &str, addresses: Vec<QHostAddress>) -> Self {
        QHostInfo { host_name: name.to_owned(), addresses, ..QHostInfo::default() }
    }

    fn not_found(name: &str) -> Self {
        QHostInfo::failed(name, HostInfoError::HostNotFound, "Host not found")
    }

    fn failed(name: &str, error: HostInfoError, text: impl Into<String>) -> Self {
        let mut info = QHostInfo::found(name, Vec::new());
        info.error = error;
        info.error_string = text.into();
        info
    }

    /// The name that was looked up; if that was an address, its name.
    #[doc(alias = "hostName")]
    #[must_use]
    pub fn host_name(&self) -> &str {
        &self.host_name
    }

    /// The addresses, in the order in which the resolver gives them. None if there was an error.
    #[must_use]
    pub fn addresses(&self) -> &[QHostAddress] {
        &self.addresses
    }

    /// How the look-up ended.
    #[must_use]
    pub fn error(&self) -> HostInfoError {
        self.error
    }

    /// The text of the error; "Unknown error" if there was none.
    #[doc(alias = "errorString")]
    #[must_use]
    pub fn error_string(&self) -> &str {
        &self.error_string
    }

    /// The number of the look-up, as [`lookup_host`](QHostInfo::lookup_host) returned it; -1 from
    /// [`from_name`](QHostInfo::from_name).
    #[doc(alias = "lookupId")]
    #[must_use]
    pub fn lookup_id(&self) -> i32 {
        self.lookup_id
    }

    /// Sets the name.
    #[doc(alias = "setHostName")]
    pub fn set_host_name(&mut self, name: impl Into<String>) {
        self.host_name = name.into();
    }

    /// Sets the addresses.
    #[doc(alias = "setAddresses")]
    pub fn set_addresses(&mut self, addresses: impl Into<Vec<QHostAddress>>) {
        self.addresses = addresses.into();
    }

    /// Sets how the look-up ended, but not the text of it.
    #[doc(alias = "setError")]
    pub fn set_error(&mut self, error: HostInfoError) {
        self.error = error;
    }

    /// Sets the text of the error.
    #[doc(alias = "setErrorString")]
    pub fn set_error_string(&mut self, text: impl Into<String>) {
        self.error_string = text.into();
    }

    /// Sets the number of the look-up.
    #[doc(alias = "setLookupId")]
    pub fn set_lookup_id(&mut self, id: i32) {
        self.lookup_id = id;
    }

    /// Changes places with `other`: [`std::mem::swap`] by Qt's name.
    pub fn swap(&mut self, other: &mut QHostInfo) {
        std::mem::swap(self, other);
    }

    // ---- asking

    /// Looks up a name or an address, and gives the answer to `slot` of `receiver`, from the event
    /// loop, if the receiver lives then. Returns a number by which the look-up can be
    /// [aborted](QHostInfo::abort_host_lookup).
    ///
    /// There is one answer for each call, also for equal names.
    ///
    /// ```
    /// use std::cell::Cell;
    /// use std::rc::Rc;
    /// use qcore::QCoreApplication;
    /// use qnetwork::{HostInfoError, QHostInfo};
    ///
    /// #[derive(Default)]
    /// struct Client {
    ///     lookup: Cell<i32>,
    /// }
    ///
    /// impl Client {
    ///     fn on_looked_up(&self, info: QHostInfo) {
    ///         assert_eq!(info.lookup_id(), self.lookup.get());
    ///         assert_eq!(info.error(), HostInfoError::HostNotFound);
    ///         assert_eq!(info.error_string(), "Invalid hostname");
    ///         QCoreApplication::instance().quit();
    ///     }
    /// }
    ///
    /// let app = QCoreApplication::new();
    /// let client = Rc::new(Client::default());
    /// client.lookup.set(QHostInfo::lookup_host("no name", &client, Client::on_looked_up));
    /// app.exec();
    /// ```
    #[doc(alias = "lookupHost")]
    pub fn lookup_host<R: Receiver>(
        name: &str,
        receiver: &R,
        slot: impl FnOnce(&R::Target, QHostInfo) + 'static,
    ) -> i32 {
        let receiver = receiver.downgrade();
        let answer = move |info| {
            R::with(&receiver, |receiver| slot(receiver, info));
        };
        match Lookup::begin(name) {
            Lookup::Answer(info) => answer_later(info, Box::new(answer)),
            Lookup::Ask => ask(name, Box::new(answer)),
        }
    }

    /// Drops a look-up of this thread: its answer does not come. Does nothing if it came already.
    #[doc(alias = "abortHostLookup")]
    pub fn abort_host_lookup(lookup_id: i32) {
        let answer = Dispatcher::current().local::<Pending>().0.borrow_mut().remove(&lookup_id);
        drop(answer);
    }

    /// Looks up a name or an address, and waits for the answer as long as the system's resolver
    /// does.
    ///
    /// ```
    /// use qnetwork::{HostInfoError, QHostAddress, QHostInfo};
    ///
    /// let info = QHostInfo::from_name("localhost");
    /// assert!(info.addresses().contains(&QHostAddress::LocalHost));
    /// let info = QHostInfo::from_name("");
    /// assert_eq!(info.error(), HostInfoError::HostNotFound);
    /// assert_eq!(info.error_string(), "No host name given");
    /// ```
    #[doc(alias = "fromName")]
    #[must_use]
    pub fn from_name(name: &str) -> QHostInfo {
        resolver::resolve(name)
    }

    /// Looks up `name`, and waits for the answer until a deadline.
    pub(crate) fn from_name_until(name: &str, deadline: QDeadlineTimer) -> Option<QHostInfo> {
        if let Lookup::Answer(info) = Lookup::begin_for_address(name) {
            return Some(info);
        }
        let wanted = Arc::new(());
        let (tell, told) = mpsc::channel();
        let answer = move |info| drop(tell.send(info));
        if let Err(error) = workers::submit(name, Arc::downgrade(&wanted), answer) {
            return Some(QHostInfo::failed(name, HostInfoError::Unknown, error.to_string()));
        }
        match deadline.remaining() {
            Some(left) => told.recv_timeout(left).ok(),
            None => told.recv().ok(),
        }
    }

    // ---- this machine

    /// The name of this machine, as it calls itself.
    ///
    /// ```
    /// assert!(!qnetwork::QHostInfo::local_host_name().is_empty());
    /// ```
    #[doc(alias = "localHostName")]
    #[must_use]
    pub fn local_host_name() -> String {
        sys::host_name()
    }

    /// The domain of this machine, empty if it has none.
    ///
    /// The first one of the environment's `LOCALDOMAIN`, or else of the last `search` or `domain`
    /// in `/etc/resolv.conf`, or else what follows the first dot in the machine's name.
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

/// What asking for a name comes to at once.
pub(crate) enum Lookup {
    /// It is known, or is no name.
    Answer(QHostInfo),
    /// The resolver has to be asked.
    Ask,
}

impl Lookup {
    /// Answers what needs no resolver: what is no name, and a name that is in the cache.
    fn begin(name: &str) -> Lookup {
        match resolver::refuse(name).or_else(|| cache::get(name)) {
            Some(info) => Lookup::Answer(info),
            None => Lookup::Ask,
        }
    }

    /// The same for those who want to know no more of an address.
    pub(crate) fn begin_for_address(name: &str) -> Lookup {
        match name.parse() {
            Ok(address) => Lookup::Answer(QHostInfo::found(name, vec![address])),
            Err(_) => Lookup::begin(name),
        }
    }
}

type Answer = Box<dyn FnOnce(QHostInfo)>;

/// The look-ups of a loop whose answers have not come.
///
/// What is counted lives as long as somebody waits: a worker that comes to the job later, after an
/// abort or the end of the loop, lets it be.
#[derive(Default)]
struct Pending(RefCell<HashMap<i32, (Answer, Arc<()>)>>);

impl Pending {
    fn add(&self, id: i32, answer: Answer) -> Weak<()> {
        let waiting = Arc::new(());
        let wanted = Arc::downgrade(&waiting);
        self.0.borrow_mut().insert(id, (answer, waiting));
        wanted
    }

    /// Gives an answer to who waits for it, in the thread that asked.
    fn answer(id: i32, mut info: QHostInfo) {
        let answer = Dispatcher::current().local::<Pending>().0.borrow_mut().remove(&id);
        if let Some((answer, _)) = answer {
            info.lookup_id = id;
            answer(info);
        }
    }
}

/// Has `answer` called from the loop, with what is known already.
fn answer_later(info: QHostInfo, answer: Answer) -> i32 {
    let id = next_id();
    let dispatcher = Dispatcher::current();
    let _ = dispatcher.local::<Pending>().add(id, answer);
    dispatcher.post(move || Pending::answer(id, info));
    id
}

/// Has the resolver asked, and `answer` called from the loop.
pub(crate) fn ask(name: &str, answer: Answer) -> i32 {
    let id = next_id();
    let dispatcher = Dispatcher::current();
    let wanted = dispatcher.local::<Pending>().add(id, answer);
    let failed = match dispatcher.poster() {
        Ok(poster) => workers::submit(name, wanted, move |info| {
            // If the loop is gone, so is everybody who wanted to know.
            let _ = poster.post(move || Pending::answer(id, info));
        }),
        Err(error) => Err(error),
    };
    if let Err(error) = failed {
        let info = QHostInfo::failed(name, HostInfoError::Unknown, error.to_string());
        dispatcher.post(move || Pending::answer(id, info));
    }
    id
}

fn next_id() -> i32 {
    static NEXT: AtomicI32 = AtomicI32::new(1);
    // After two thousand million look-ups the numbers begin anew.
    NEXT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |id| {
        Some(id.checked_add(1).unwrap_or(1))
    })
    .unwrap_or(1)
}

/// Has a name be known for the next minute.
#[cfg(test)]
pub(crate) fn remember(name: &str, addresses: &[QHostAddress]) {
    cache::put(name, &QHostInfo::found(name, addresses.to_vec()));
}

#[cfg(test)]
mod tests;
