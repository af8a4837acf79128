//! Names of hosts and their addresses.
//!
//! A look-up is done by the system's resolver, `getaddrinfo`, which blocks; so it is done by a few
//! threads of its own. Their answers are posted to the loop that asked, and found names are kept for
//! a minute.

mod cache;
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

use crate::QHostAddress;

/// How a look-up ended.
#[doc(alias = "QHostInfo::HostInfoError")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HostInfoError {
    /// Well.
    #[default]
    NoError,
    /// There is no host of that name, or it has no address.
    HostNotFound,
    /// In another way.
    #[doc(alias = "UnknownError")]
    Unknown,
}

/// What is known of a host: its addresses, or why they could not be found.
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
/// QHostInfo::lookup_host("127.0.0.1", &app, |app, info| {
///     assert_eq!(info.addresses(), [QHostAddress::LocalHost]);
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
    /// Knows nothing yet.
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

    /// The name that was looked up.
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

    /// The number of the look-up, as [`lookup_host`](QHostInfo::lookup_host) returned it.
    #[doc(alias = "lookupId")]
    #[must_use]
    pub fn lookup_id(&self) -> i32 {
        self.lookup_id
    }

    /// Looks up `name` and gives the answer to `slot` of `receiver`, from the event loop, if the receiver
    /// lives then. Returns a number by which the look-up can be [aborted](QHostInfo::abort_host_lookup).
    ///
    /// An address is its own answer. There is one answer for each call, also for equal names.
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
            Lookup::Answer(mut info) => {
                info.lookup_id = next_id();
                let id = info.lookup_id;
                let dispatcher = Dispatcher::current();
                let _ = dispatcher.local::<Pending>().add(id, Box::new(answer));
                dispatcher.post(move || Pending::answer(id, info));
                id
            }
            Lookup::Ask => ask(name, Box::new(answer)),
        }
    }

    /// Drops a look-up of this thread: its answer does not come. Does nothing if it came already.
    #[doc(alias = "abortHostLookup")]
    pub fn abort_host_lookup(lookup_id: i32) {
        let answer = Dispatcher::current().local::<Pending>().0.borrow_mut().remove(&lookup_id);
        drop(answer);
    }

    /// Looks up `name`, and waits for the answer as long as the system's resolver does.
    #[doc(alias = "fromName")]
    #[must_use]
    pub fn from_name(name: &str) -> QHostInfo {
        match Lookup::begin(name) {
            Lookup::Answer(info) => info,
            Lookup::Ask => workers::resolve(name),
        }
    }

    /// Looks up `name`, and waits for the answer until a deadline.
    pub(crate) fn from_name_until(name: &str, deadline: QDeadlineTimer) -> Option<QHostInfo> {
        if let Lookup::Answer(info) = Lookup::begin(name) {
            return Some(info);
        }
        let wanted = Arc::new(());
        let (tell, told) = mpsc::channel();
        let answer = move |info| drop(tell.send(info));
        if let Err(error) = workers::submit(name.to_owned(), Arc::downgrade(&wanted), answer) {
            return Some(QHostInfo::failed(name, HostInfoError::Unknown, error.to_string()));
        }
        match deadline.remaining() {
            Some(left) => told.recv_timeout(left).ok(),
            None => told.recv().ok(),
        }
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
    /// Answers what needs no resolver: nothing, a name that cannot be, an address, a name that is in the
    /// cache.
    pub(crate) fn begin(name: &str) -> Lookup {
        if name.is_empty() {
            let text = "No host name given";
            return Lookup::Answer(QHostInfo::failed(name, HostInfoError::HostNotFound, text));
        }
        if is_never_found(name) {
            return Lookup::Answer(QHostInfo::not_found(name));
        }
        if let Ok(address) = name.parse() {
            return Lookup::Answer(QHostInfo::found(name, vec![address]));
        }
        match cache::get(name) {
            Some(addresses) => Lookup::Answer(QHostInfo::found(name, addresses)),
            None => Lookup::Ask,
        }
    }
}

/// Whether `name` is one of those that end in `.invalid`: there are no such hosts, and nobody is to be
/// asked for them (RFC 6761, section 6.4).
fn is_never_found(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let last = name.rsplit('.').next().unwrap_or_default();
    last.eq_ignore_ascii_case("invalid")
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

/// Has the resolver asked, and `answer` called from the loop.
pub(crate) fn ask(name: &str, answer: Answer) -> i32 {
    let id = next_id();
    let dispatcher = Dispatcher::current();
    let wanted = dispatcher.local::<Pending>().add(id, answer);
    let failed = match dispatcher.poster() {
        Ok(poster) => workers::submit(name.to_owned(), wanted, move |info| {
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

#[cfg(test)]
mod tests;
