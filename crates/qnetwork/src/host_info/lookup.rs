//! Look-ups: begun, aborted, and answered by the loop that asked.

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

use super::{
    cache,
    error::HostInfoErrorKind,
    info::{LookupId, QHostInfo},
    local,
    resolver::{self, Question},
    workers,
};
use crate::{address::NetworkLayerProtocol, sys};

impl QHostInfo {
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
        let question = Question::both(name);
        #[cfg(feature = "simulation")]
        if crate::simulation::is_simulated() {
            question.wait(None);
        }
        resolver::resolve(&question)
    }

    /// Looks up `name` and waits for the answer until `deadline`. Returns `None` when that passes.
    pub(crate) fn from_name_until(name: &str, deadline: QDeadlineTimer) -> Option<QHostInfo> {
        if let Lookup::Answer(info) = Lookup::begin_for_address(name) {
            return Some(info);
        }
        #[cfg(feature = "simulation")]
        if crate::simulation::is_simulated() {
            let question = Question::both(name);
            question.wait(deadline.remaining_time());
            return (!deadline.has_expired()).then(|| resolver::resolve(&question));
        }
        let wanted = Arc::new(());
        let (tell, told) = mpsc::channel();
        let answer = move |info| drop(tell.send(info));
        let question = Question::both(name);
        if let Err(error) = workers::submit(question, Arc::downgrade(&wanted), answer) {
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
    pub(super) fn begin(name: &str) -> Lookup {
        match resolver::refuse(name).or_else(|| cache::get(name)) {
            Some(info) => Lookup::Answer(info),
            None => Lookup::Ask,
        }
    }

    /// Begins a look-up like `begin`, for callers that do not need the name of an address.
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
            info.set_lookup_id(Some(id));
            answer(info);
        }
    }
}

/// Makes the loop call `answer` with a result that is known already.
fn answer_later(info: QHostInfo, answer: Answer) -> LookupId {
    let id = next_id();
    let dispatcher = Dispatcher::current();
    let _ = dispatcher.local::<Pending>().add(id, answer);
    dispatcher.post(move || Pending::answer(id, info));
    id
}

/// Makes a worker ask the resolver, and the loop call `answer` with the result.
pub(crate) fn ask(name: &str, answer: Answer) -> LookupId {
    ask_resolver(Question::both(name), answer)
}

/// Does the same as [`ask`] for the addresses of one family, IPv4 or IPv6.
pub(crate) fn ask_family(name: &str, family: NetworkLayerProtocol, answer: Answer) -> LookupId {
    ask_resolver(Question::family(name, family), answer)
}

fn ask_resolver(question: Question, answer: Answer) -> LookupId {
    let id = next_id();
    let dispatcher = Dispatcher::current();
    let wanted = dispatcher.local::<Pending>().add(id, answer);
    let failed = match dispatcher.poster() {
        Ok(poster) => workers::submit(question.clone(), wanted, move |info| {
            // If the loop is gone, nothing waits for the answer.
            let _ = poster.post(move || Pending::answer(id, info));
        }),
        Err(error) => Err(error),
    };
    if let Err(error) = failed {
        let text = error.to_string();
        let info = QHostInfo::failed(&question.name, HostInfoErrorKind::Unknown, text);
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
pub(crate) fn remember(name: &str, addresses: &[crate::address::QHostAddress]) {
    cache::put(name, &QHostInfo::found(name, addresses.to_vec()));
}
