//! Look-ups of records in the domain name system.
//!
//! [`QHostInfo`](crate::QHostInfo) asks the system's resolver for addresses. A [`QDnsLookup`] asks
//! name servers itself and returns records of any type:
//!
//! ```text
//!   lookup() ─► posted: configuration.rs, which servers? ─► message.rs, the query
//!                         └► exchange.rs: sockets, a timer ◄─► resolution.rs: what to do next
//!                                          reply ─► message.rs: records ─► sorting.rs ─► finished
//! ```
//!
//! `resolution.rs` and `message.rs` have neither sockets nor a clock.

#[cfg(feature = "tasks")]
mod awaiting;
mod configuration;
mod error;
mod exchange;
#[cfg(fuzzing)]
pub(crate) mod fuzz;
mod message;
mod names;
mod records;
mod resolution;
mod sorting;

use std::{
    cell::{Cell, RefCell},
    fmt,
    rc::{Rc, Weak},
};

use qcore::{
    QObject, Signal, library_class,
    object::{Handle, Life, Node, Object},
};

use self::{
    configuration::{Configuration, PORT},
    exchange::Exchange,
    message::Reply,
    resolution::Resolution,
};
pub use self::{
    error::{DnsLookupError, DnsLookupErrorKind, DnsLookupType},
    records::{
        QDnsDomainNameRecord, QDnsHostAddressRecord, QDnsMailExchangeRecord, QDnsServiceRecord,
        QDnsTextRecord,
    },
};
use crate::{
    address::{Host, QHostAddress},
    host_info::ace::to_ace,
};

library_class! {
    /// A look-up of records in the domain name system.
    ///
    /// [`lookup`](QDnsLookup::lookup) returns at once. When the look-up has ended, the event loop
    /// emits [`finished`](DnsLookupNode::finished). Then [`error`](QDnsLookup::error) tells whether
    /// it succeeded, and there is a function for each kind of records. Stands for Qt's
    /// [QDnsLookup](https://doc.qt.io/qt-5/qdnslookup.html).
    ///
    /// # Servers
    ///
    /// Without a [name server](QDnsLookup::set_nameserver), the look-up asks those that
    /// `/etc/resolv.conf` names, at most three. The options `timeout`, `attempts`, `rotate` and
    /// `use-vc` apply, both from the file and from the environment variable `RES_OPTIONS`. By
    /// default the look-up asks each server twice and waits up to 5 seconds each time. If a server
    /// fails, refuses or cannot be reached, the look-up asks the next one at once.
    ///
    /// The look-up does not append the file's search domains to the name, and uses no proxy.
    ///
    /// # Names
    ///
    /// A name may contain letters of all languages, which the look-up converts to punycode. Names
    /// of records are in lower case. As in Qt, punycode in them is decoded only under top-level
    /// domains whose registries allow no misleading names. A name is empty if it contains
    /// characters that host names must not contain.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use qcore::QCoreApplication;
    /// use qnetwork::{DnsLookupType, QDnsLookup};
    ///
    /// let app = QCoreApplication::new();
    /// let dns = QDnsLookup::with_name(DnsLookupType::MX, "example.org");
    /// dns.finished.connect_to(&dns, |dns, ()| {
    ///     match dns.result() {
    ///         Ok(()) => {
    ///             for record in dns.mail_exchange_records() {
    ///                 println!("{} {}", record.preference(), record.exchange());
    ///             }
    ///         }
    ///         Err(error) => eprintln!("{error}"),
    ///     }
    ///     QCoreApplication::instance().quit();
    /// });
    /// dns.lookup();
    /// app.exec();
    /// ```
    pub struct QDnsLookup(DnsLookupNode): QObject = base
}

/// The signals of a [`QDnsLookup`].
pub struct DnsLookupNode {
    /// The look-up has ended: it succeeded, failed or was aborted.
    pub finished: Signal<()>,
    /// The name has changed. The argument is the new name.
    #[doc(alias = "nameChanged")]
    pub name_changed: Signal<String>,
    /// The name server or its port has changed. The argument is the name server.
    #[doc(alias = "nameserverChanged")]
    pub nameserver_changed: Signal<QHostAddress>,
    /// The type has changed. The argument is the new type.
    #[doc(alias = "typeChanged")]
    pub type_changed: Signal<DnsLookupType>,
    base: QObject,
    this: Weak<DnsLookupNode>,
    request: RefCell<Request>,
    reply: RefCell<Reply>,
    is_finished: Cell<bool>,
    progress: RefCell<Progress>,
    /// Counts the look-ups.
    number: Cell<u64>,
}

/// The question of a look-up, and the server to ask.
#[derive(Clone, Debug)]
struct Request {
    kind: DnsLookupType,
    name: String,
    /// A null address means the system's servers.
    nameserver: QHostAddress,
    port: u16,
}

/// The progress of a look-up.
#[derive(Default)]
enum Progress {
    /// It has not begun, or it has ended.
    #[default]
    Idle,
    /// It has been posted to the loop.
    Posted,
    /// Servers are being asked.
    Asking(Rc<Exchange>),
}

impl Node for DnsLookupNode {
    fn life(&self) -> &Rc<Life> {
        Object::life(&self.base)
    }

    fn destructor(&self) {
        self.stop();
    }
}

impl QDnsLookup {
    /// Creates a look-up for addresses (type [`A`](DnsLookupType::A)) of an empty name.
    #[must_use]
    #[allow(clippy::new_without_default)] // a class's `new` makes an object, not a value
    pub fn new() -> Self {
        Self::with_name(DnsLookupType::default(), "")
    }

    /// Creates a look-up for a type and a name, which asks the system's name servers.
    #[must_use]
    pub fn with_name(kind: DnsLookupType, name: impl Into<String>) -> Self {
        Self::with_nameserver(kind, name, QHostAddress::Null)
    }

    /// Creates a look-up for a type and a name, which asks the given name server.
    #[must_use]
    pub fn with_nameserver<'a>(
        kind: DnsLookupType,
        name: impl Into<String>,
        nameserver: impl Into<Host<'a>>,
    ) -> Self {
        let (name, nameserver) = (name.into(), nameserver.into().into_address_or_null());
        let life = Life::new();
        QDnsLookup(Handle::new(Rc::new_cyclic(|this| DnsLookupNode {
            finished: Signal::in_life(&life),
            name_changed: Signal::in_life(&life),
            nameserver_changed: Signal::in_life(&life),
            type_changed: Signal::in_life(&life),
            base: QObject::embed(&life),
            this: this.clone(),
            request: RefCell::new(Request { kind, name, nameserver, port: PORT }),
            reply: RefCell::default(),
            is_finished: Cell::new(false),
            progress: RefCell::default(),
            number: Cell::new(0),
        })))
    }

    // ---- what is looked up

    /// Returns the name to look up.
    #[must_use]
    pub fn name(&self) -> String {
        self.request.borrow().name.clone()
    }

    /// Sets the name to look up. A running look-up keeps its name.
    ///
    /// If the name has changed, emits [`name_changed`](DnsLookupNode::name_changed) before it
    /// returns.
    #[doc(alias = "setName")]
    pub fn set_name(&self, name: impl Into<String>) {
        let name = name.into();
        let last = std::mem::replace(&mut self.request.borrow_mut().name, name.clone());
        if last != name {
            self.name_changed.emit(name);
        }
    }

    /// Returns the type of the records to look up.
    #[doc(alias = "type")]
    #[must_use]
    pub fn lookup_type(&self) -> DnsLookupType {
        self.request.borrow().kind
    }

    /// Sets the type of the records to look up. A running look-up keeps its type.
    ///
    /// If the type has changed, emits [`type_changed`](DnsLookupNode::type_changed) before it
    /// returns.
    #[doc(alias = "setType")]
    pub fn set_type(&self, kind: DnsLookupType) {
        let last = std::mem::replace(&mut self.request.borrow_mut().kind, kind);
        if last != kind {
            self.type_changed.emit(kind);
        }
    }

    /// Returns the name server to ask; a null address means the system's servers.
    #[must_use]
    pub fn nameserver(&self) -> QHostAddress {
        self.request.borrow().nameserver.clone()
    }

    /// Returns the port of the name server, 53 by default.
    #[doc(alias = "nameserverPort")]
    #[must_use]
    pub fn nameserver_port(&self) -> u16 {
        self.request.borrow().port
    }

    /// Sets the name server to ask, at port 53. A null address, or a text that is not an address,
    /// means the system's servers. A running look-up keeps its server.
    ///
    /// If the server has changed, emits [`nameserver_changed`](DnsLookupNode::nameserver_changed)
    /// before it returns.
    #[doc(alias = "setNameserver")]
    pub fn set_nameserver<'a>(&self, nameserver: impl Into<Host<'a>>) {
        self.set_nameserver_with_port(nameserver, PORT);
    }

    /// Sets the name server to ask, as [`set_nameserver`](QDnsLookup::set_nameserver) does, and its
    /// port. Qt has this since version 6.6.
    ///
    /// If the server or the port has changed, emits
    /// [`nameserver_changed`](DnsLookupNode::nameserver_changed) before it returns.
    ///
    /// ```
    /// use qnetwork::{QDnsLookup, QHostAddress};
    ///
    /// let dns = QDnsLookup::new();
    /// assert_eq!((dns.nameserver(), dns.nameserver_port()), (QHostAddress::Null, 53));
    /// dns.set_nameserver_with_port(QHostAddress::LocalHost, 5353);
    /// assert_eq!((dns.nameserver(), dns.nameserver_port()), (QHostAddress::LocalHost, 5353));
    /// ```
    #[doc(alias = "setNameserver")]
    pub fn set_nameserver_with_port<'a>(&self, nameserver: impl Into<Host<'a>>, port: u16) {
        let nameserver = nameserver.into().into_address_or_null();
        let changed = {
            let mut request = self.request.borrow_mut();
            let last = std::mem::replace(&mut request.nameserver, nameserver.clone());
            let last_port = std::mem::replace(&mut request.port, port);
            (last, last_port) != (nameserver.clone(), port)
        };
        if changed {
            self.nameserver_changed.emit(nameserver);
        }
    }

    // ---- looking up

    /// Begins a look-up and returns at once. The event loop emits
    /// [`finished`](DnsLookupNode::finished) when the look-up has ended.
    ///
    /// The function drops the records and the error of the last look-up. It abandons a running
    /// look-up without a signal.
    pub fn lookup(&self) {
        if self.is_deleted() {
            return;
        }
        self.stop();
        self.is_finished.set(false);
        let last = self.reply.take();
        drop(last);
        self.progress.replace(Progress::Posted);
        let number = self.number.get() + 1;
        self.number.set(number);
        let (node, request) = (self.this.clone(), self.request.borrow().clone());
        self.life().dispatcher().post(move || {
            if let Some(node) = node.upgrade()
                && node.number.get() == number
            {
                node.begin(&request);
            }
        });
    }

    /// Cancels the look-up: its error is
    /// [`OperationCancelled`](DnsLookupErrorKind::OperationCancelled), and this function emits
    /// [`finished`](DnsLookupNode::finished) before it returns. Does nothing if no look-up is
    /// running.
    pub fn abort(&self) {
        if self.stop() {
            self.finish(Reply::failed(DnsLookupErrorKind::OperationCancelled));
        }
    }

    /// Returns whether the last look-up has ended. Before the first one it is `false`.
    #[doc(alias = "isFinished")]
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.is_finished.get()
    }

    // ---- the result

    /// Returns the kind of the error; `None`, where Qt returns `NoError`, if there was none.
    #[doc(alias = "NoError")]
    #[must_use]
    pub fn error(&self) -> Option<DnsLookupErrorKind> {
        self.reply.borrow().error.as_ref().map(DnsLookupError::kind)
    }

    /// Returns the text of the error; empty if there was none.
    #[doc(alias = "errorString")]
    #[must_use]
    pub fn error_string(&self) -> String {
        let reply = self.reply.borrow();
        reply.error.as_ref().map(DnsLookupError::text).unwrap_or_default().to_owned()
    }

    /// Returns the error of the look-up as a `Result`. It is also `Ok` before the first look-up and
    /// while one is running.
    ///
    /// # Errors
    ///
    /// The kind is [`error`](QDnsLookup::error), the text is
    /// [`error_string`](QDnsLookup::error_string).
    ///
    /// ```
    /// use qcore::wait_until;
    /// use qnetwork::{DnsLookupErrorKind, DnsLookupType, QDnsLookup};
    ///
    /// let dns = QDnsLookup::with_name(DnsLookupType::A, "no name");
    /// dns.lookup();
    /// assert!(wait_until(5000, || dns.is_finished()));
    /// let error = dns.result().unwrap_err();
    /// assert_eq!(error, DnsLookupErrorKind::InvalidRequest);
    /// assert_eq!(error.to_string(), "Invalid domain name");
    /// ```
    pub fn result(&self) -> Result<(), DnsLookupError> {
        match &self.reply.borrow().error {
            None => Ok(()),
            Some(error) => Err(error.clone()),
        }
    }

    /// Returns the aliases, each with the name that it stands for (CNAME), in the server's order.
    #[doc(alias = "canonicalNameRecords")]
    #[must_use]
    pub fn canonical_name_records(&self) -> Vec<QDnsDomainNameRecord> {
        self.reply.borrow().records.canonical_names.clone()
    }

    /// Returns the addresses (A, AAAA), in the server's order.
    #[doc(alias = "hostAddressRecords")]
    #[must_use]
    pub fn host_address_records(&self) -> Vec<QDnsHostAddressRecord> {
        self.reply.borrow().records.host_addresses.clone()
    }

    /// Returns the mail servers (MX), in the order in which clients try them: by preference, and
    /// those with equal preference in random order.
    #[doc(alias = "mailExchangeRecords")]
    #[must_use]
    pub fn mail_exchange_records(&self) -> Vec<QDnsMailExchangeRecord> {
        self.reply.borrow().records.mail_exchanges.clone()
    }

    /// Returns the name servers (NS), in the server's order.
    #[doc(alias = "nameServerRecords")]
    #[must_use]
    pub fn name_server_records(&self) -> Vec<QDnsDomainNameRecord> {
        self.reply.borrow().records.name_servers.clone()
    }

    /// Returns the pointers (PTR), in the server's order.
    #[doc(alias = "pointerRecords")]
    #[must_use]
    pub fn pointer_records(&self) -> Vec<QDnsDomainNameRecord> {
        self.reply.borrow().records.pointers.clone()
    }

    /// Returns the services (SRV), in the order in which clients try them: by priority, and those
    /// with equal priority in random order, in which those of greater weight tend to come first.
    #[doc(alias = "serviceRecords")]
    #[must_use]
    pub fn service_records(&self) -> Vec<QDnsServiceRecord> {
        self.reply.borrow().records.services.clone()
    }

    /// Returns the texts (TXT), in the server's order.
    #[doc(alias = "textRecords")]
    #[must_use]
    pub fn text_records(&self) -> Vec<QDnsTextRecord> {
        self.reply.borrow().records.texts.clone()
    }
}

impl DnsLookupNode {
    /// Begins the look-up that was posted.
    fn begin(&self, request: &Request) {
        let resolution = match prepare(request) {
            Ok(resolution) => resolution,
            Err(error) => return self.finish(Reply::failed(error)),
        };
        let dispatcher = self.life().dispatcher().clone();
        let exchange = Exchange::new(self.this.clone(), dispatcher, resolution);
        self.progress.replace(Progress::Asking(exchange.clone()));
        exchange.begin();
    }

    /// Ends a running look-up without a signal. Returns whether there was one.
    fn stop(&self) -> bool {
        // The posted call will see that the number has changed, and do nothing.
        self.number.set(self.number.get() + 1);
        let progress = self.progress.take();
        match progress {
            Progress::Idle => false,
            Progress::Posted => true,
            Progress::Asking(exchange) => {
                exchange.close();
                true
            }
        }
    }

    fn finish(&self, mut reply: Reply) {
        let mut random = || getrandom::u32().unwrap_or_default();
        sorting::sort_mail_exchanges(&mut reply.records.mail_exchanges, &mut random);
        sorting::sort_services(&mut reply.records.services, &mut random);
        let last = (self.progress.take(), self.reply.replace(reply));
        drop(last);
        self.is_finished.set(true);
        self.finished.emit(());
    }
}

/// Prepares the exchange with the servers.
fn prepare(request: &Request) -> Result<Resolution, DnsLookupError> {
    let name = to_ace(&request.name).ok_or(DnsLookupError::invalid_name())?;
    let unreadable = |_| DnsLookupError::from(DnsLookupErrorKind::Resolver);
    let mut configuration = Configuration::of_system().map_err(unreadable)?;
    if !request.nameserver.is_null() {
        configuration.servers = vec![(request.nameserver.clone(), request.port)];
    }
    let random = getrandom::u32().map_err(|_| DnsLookupErrorKind::Resolver)?;
    let query = message::query(random as u16, &name, request.kind)
        .ok_or(DnsLookupErrorKind::InvalidReply)?;
    let first = if configuration.rotate { (random >> 16) as usize } else { 0 };
    let first = first % configuration.servers.len();
    Ok(Resolution::new(query, configuration, first))
}

impl fmt::Debug for DnsLookupNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DnsLookupNode")
            .field("request", &self.request)
            .field("is_finished", &self.is_finished)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
