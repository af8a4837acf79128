//! [`Reconnector`]: connects a socket again whenever it loses its connection.
//!
//! ```text
//!   state_changed, connected of the socket ─► attempts.rs: what happens next ─► signals
//!                     a timer of the loop ─►      │
//!                                 backoff.rs: how long to wait;  when_disconnected.rs: what waits
//! ```
//!
//! `backoff.rs` and `when_disconnected.rs` have neither a socket nor a clock. `awaiting.rs` is for
//! tasks.

mod attempts;
#[cfg(feature = "tasks")]
mod awaiting;
mod backoff;
mod when_disconnected;

use std::{
    cell::{Cell, RefCell},
    fmt,
    rc::{Rc, Weak},
    time::Duration,
};

use qcore::{
    Connection, DeviceError, Interval, QElapsedTimer, QObject, Signal,
    event_loop::TimerId,
    library_class,
    object::{Handle, Life, Node, Object},
};

pub use self::when_disconnected::WhenDisconnected;
use self::{backoff::Backoff, when_disconnected::Queue};
#[cfg(feature = "_tls")]
use crate::ssl::QSslSocket;
use crate::{
    address::Host,
    common::{SocketError, SocketErrorKind},
    socket::QTcpSocket,
};

/// The bound of the first delay.
const FIRST_DELAY: Duration = Duration::from_secs(1);
/// The bound of all delays.
const LONGEST_DELAY: Duration = Duration::from_secs(60);
/// How long one attempt may take.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a connection has to last until its loss counts as the first failure.
const HEALTHY_AFTER: Duration = Duration::from_secs(10);

/// The state of a [`Reconnector`].
///
/// ```text
///            start()               connected            lost
///   Stopped ────────► Connecting ────────────► Connected ────► Waiting
///      ▲                │   ▲ └─ failed ───────────────────────► │ │
///      │ stop()         │   └──── the delay is over, retry_now() ┘ │
///   from any state      └────────────► GaveUp ◄────────────────────┘
///                         too many attempts, too long without a connection
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReconnectorState {
    /// The program has not started the reconnector, or has stopped it.
    #[default]
    Stopped,
    /// An attempt is running: look-up, proxy, TCP, and TLS if the socket encrypts.
    Connecting,
    /// The socket is connected; if it encrypts, the handshake has succeeded.
    Connected,
    /// The next attempt begins when the delay is over.
    Waiting,
    /// A limit was reached. [`start`](Reconnector::start) begins again.
    GaveUp,
}

library_class! {
    /// Keeps a socket connected to a host: connects it, and connects it again after each failure
    /// and each loss, with delays between the attempts.
    ///
    /// All attempts use the same socket object. So the program connects its slots once, and the
    /// socket keeps its slots, its proxy and its TLS configuration. The socket becomes a child of
    /// the reconnector.
    ///
    /// The socket may be a [`QTcpSocket`], an object of a class derived from it, or, with
    /// [`with_encryption`](Reconnector::with_encryption), a `QSslSocket`. For a `QSslSocket`,
    /// "connected" means that the handshake has succeeded.
    ///
    /// Qt has no such class.
    ///
    /// # Delays and limits
    ///
    /// A delay is a random time between 0 and a bound ("full jitter"). The bound is 1 second at
    /// first and doubles with each failure, up to 60 seconds; see
    /// [`set_delays`](Reconnector::set_delays). By default the reconnector tries for ever.
    /// [`set_max_attempts`](Reconnector::set_max_attempts) and
    /// [`set_max_outage`](Reconnector::set_max_outage) set limits. One attempt may take [60
    /// seconds](Reconnector::set_attempt_timeout).
    ///
    /// A connection that lasts for [10 seconds](Reconnector::set_healthy_after) is healthy: when it
    /// is lost, delays and limits begin anew. An earlier loss counts as a failed attempt. So if a
    /// server accepts connections and closes them at once, the delays still grow.
    ///
    /// The reconnector retries after every error, even after one that may be permanent, such as a
    /// refused certificate. To end the attempts after such an error, call
    /// [`stop`](Reconnector::stop) in a slot of [`waiting`](ReconnectorNode::waiting), where
    /// [`error`](Reconnector::error) returns the reason.
    ///
    /// # Ending a connection
    ///
    /// [`stop`](Reconnector::stop) ends the connection for good. If the program closes or aborts
    /// the socket itself, for example because the peer violates the protocol, the reconnector
    /// treats this as a loss and connects again.
    ///
    /// # Sending
    ///
    /// If there is a connection, [`send`](Reconnector::send) writes the message to the socket.
    /// Otherwise it follows the rule that
    /// [`set_when_disconnected`](Reconnector::set_when_disconnected) sets.
    /// When the socket is connected again, the slots of [`connected`](ReconnectorNode::connected)
    /// write first, and the kept messages follow. If the
    /// [`write_flow`](qcore::QIODevice::write_flow) of the socket refuses them, they wait until it
    /// emits [`drained`](qcore::io_device::WriteFlow::drained), and later messages wait behind
    /// them. A message that the socket has accepted is lost if the connection ends before the peer
    /// has received it: only acknowledgements in the program's protocol show what has arrived.
    ///
    /// # Examples
    ///
    /// ```
    /// use qcore::{QCoreApplication, QObject};
    /// use qnetwork::{QHostAddress, QTcpServer, QTcpSocket, Reconnector};
    ///
    /// let app = QCoreApplication::new();
    /// // A server that hangs up on its first client.
    /// let server = QTcpServer::new();
    /// server.listen(QHostAddress::LocalHost, 0)?;
    /// server.new_connection.connect_to(&server, |server, ()| {
    ///     let socket = server.next_pending_connection().unwrap();
    ///     socket.ready_read.connect_to(&socket, |socket, ()| {
    ///         socket.write(socket.read_all()).ok();
    ///     });
    ///     if server.object_name().is_empty() {
    ///         server.set_object_name("hung up");
    ///         socket.abort();
    ///     }
    /// });
    ///
    /// let link = Reconnector::new(&QTcpSocket::new(), "127.0.0.1", server.server_port());
    /// link.set_delays(10, 100); // short ones, for the test
    /// link.connected.connect_to(&link, |link, ()| {
    ///     link.socket().write("hello").ok();
    /// });
    /// link.waiting.connect(|delay| println!("trying again in {delay:?}"));
    /// link.socket().ready_read.connect_to((&app, &link), |(app, link), ()| {
    ///     assert_eq!(link.socket().read_all(), b"hello");
    ///     link.stop();
    ///     app.quit();
    /// });
    /// link.start();
    /// app.exec();
    /// assert_eq!(link.attempt(), 2);
    /// # Ok::<(), qnetwork::SocketError>(())
    /// ```
    pub struct Reconnector(ReconnectorNode): QObject = base
}

/// The signals of a [`Reconnector`].
pub struct ReconnectorNode {
    /// The state has changed. Emitted before the signal that belongs to the new state.
    pub state_changed: Signal<ReconnectorState>,
    /// An attempt begins. The argument is its number, 1 for the first one since the start or since
    /// the loss of a healthy connection.
    pub connecting: Signal<u32>,
    /// The socket is connected; if it encrypts, the handshake has succeeded.
    pub connected: Signal<()>,
    /// An attempt has failed, or the connection was lost. The next attempt begins after this delay.
    /// [`error`](Reconnector::error) returns the reason.
    pub waiting: Signal<Duration>,
    /// The limit for attempts or for the time without a connection was reached. The argument is the
    /// last error.
    pub gave_up: Signal<SocketError>,
    base: QObject,
    this: Weak<ReconnectorNode>,
    socket: QTcpSocket,
    encrypts: bool,
    host: RefCell<(String, u16)>,
    state: Cell<ReconnectorState>,
    /// Changes with each change of the state, so that the code behind an emission sees whether a
    /// slot has changed the state.
    changes: Cell<u64>,
    error: RefCell<SocketError>,
    /// Why the current attempt was aborted, if its time was over.
    aborted: Cell<bool>,
    /// The socket was told to connect. Before, it may still have to end an earlier connection.
    began: Cell<bool>,
    /// A call of `check` is posted.
    check_posted: Cell<bool>,
    attempt: Cell<u32>,
    /// Runs since the start, or since the loss of a healthy connection.
    outage: Cell<QElapsedTimer>,
    /// Runs since the socket is connected.
    uptime: Cell<QElapsedTimer>,
    timer: Cell<Option<TimerId>>,
    backoff: RefCell<Backoff>,
    limits: Cell<Limits>,
    rule: Cell<WhenDisconnected>,
    queue: RefCell<Queue>,
    /// Messages that have waited are being written.
    sends: Cell<bool>,
    /// The socket has not taken all messages that have waited, so that others wait behind them.
    is_behind: Cell<bool>,
    /// The slot at the socket's `drained`, once the socket has refused a message.
    drained: RefCell<Option<Connection>>,
}

/// The settings that are lengths of time or numbers.
#[derive(Clone, Copy)]
struct Limits {
    attempts: Option<u32>,
    outage: Option<Duration>,
    attempt: Option<Duration>,
    healthy_after: Duration,
}

impl Node for ReconnectorNode {
    fn life(&self) -> &Rc<Life> {
        Object::life(&self.base)
    }

    fn destructor(&self) {
        self.end();
    }
}

impl Reconnector {
    /// Creates a reconnector that will connect `socket` to a host. It does nothing before
    /// [`start`](Reconnector::start). The socket becomes its child.
    #[must_use]
    pub fn new<'a>(socket: &QTcpSocket, host: impl Into<Host<'a>>, port: u16) -> Self {
        Self::make(socket.clone(), false, host.into().into_name(), port)
    }

    /// Creates a reconnector that will connect `socket` to a host with TLS, as a client. It does
    /// nothing before [`start`](Reconnector::start). The socket becomes its child.
    ///
    /// The certificate is verified for the host's name. Slots of the socket's
    /// [`ssl_errors`](crate::ssl::SslSocketNode::ssl_errors) decide about its errors at each
    /// attempt, as with [`connect_to_host_encrypted`](QSslSocket::connect_to_host_encrypted).
    #[cfg(feature = "_tls")]
    #[must_use]
    pub fn with_encryption<'a>(socket: &QSslSocket, host: impl Into<Host<'a>>, port: u16) -> Self {
        let this = Self::make(QTcpSocket::from(socket), true, host.into().into_name(), port);
        let node = this.this.clone();
        socket.encrypted.connect_to(&this, move |_, ()| {
            if let Some(node) = node.upgrade() {
                node.on_connected();
            }
        });
        this
    }

    fn make(socket: QTcpSocket, encrypts: bool, host: String, port: u16) -> Self {
        let life = Life::new();
        let this = Reconnector(Handle::new(Rc::new_cyclic(|this| ReconnectorNode {
            state_changed: Signal::in_life(&life),
            connecting: Signal::in_life(&life),
            connected: Signal::in_life(&life),
            waiting: Signal::in_life(&life),
            gave_up: Signal::in_life(&life),
            base: QObject::embed(&life),
            this: this.clone(),
            socket: socket.clone(),
            encrypts,
            host: RefCell::new((host, port)),
            state: Cell::default(),
            changes: Cell::new(0),
            error: RefCell::new(SocketErrorKind::Unknown.into()),
            aborted: Cell::new(false),
            began: Cell::new(false),
            check_posted: Cell::new(false),
            attempt: Cell::new(0),
            outage: Cell::default(),
            uptime: Cell::default(),
            timer: Cell::new(None),
            backoff: RefCell::new(Backoff::new(FIRST_DELAY, LONGEST_DELAY)),
            limits: Cell::new(Limits {
                attempts: None,
                outage: None,
                attempt: Some(ATTEMPT_TIMEOUT),
                healthy_after: HEALTHY_AFTER,
            }),
            rule: Cell::default(),
            queue: RefCell::default(),
            sends: Cell::new(false),
            is_behind: Cell::new(false),
            drained: RefCell::default(),
        })));
        socket.set_parent(Some(&this));
        this.listen();
        this
    }

    // ---- starting and stopping

    /// Begins to connect. Does nothing if the reconnector is connecting, connected or waiting.
    ///
    /// Delays and limits begin anew. If the socket is already connected, the reconnector is
    /// connected, too.
    ///
    /// Emits [`state_changed`](ReconnectorNode::state_changed),
    /// [`connecting`](ReconnectorNode::connecting) and the signals of the socket's
    /// [`connect_to_host`](crate::QAbstractSocket::connect_to_host) before it returns.
    pub fn start(&self) {
        self.node().start();
    }

    /// Ends the connection or the attempts, and makes no further attempt. Drops the messages that
    /// wait.
    ///
    /// A connected socket sends its unsent bytes and then closes, as
    /// [`disconnect_from_host`](crate::QAbstractSocket::disconnect_from_host) does. A connecting
    /// socket aborts.
    ///
    /// Emits [`state_changed`](ReconnectorNode::state_changed) and the signals of the socket before
    /// it returns.
    pub fn stop(&self) {
        self.node().stop();
    }

    /// Begins the next attempt now, without waiting for the end of the delay. Call it for example
    /// when the network has come back. Does nothing if the reconnector is connecting or connected.
    ///
    /// The attempt counts like any other, and the bound of the next delay is the same as without
    /// this call. If the reconnector was stopped or has given up, this function
    /// [starts](Reconnector::start) it.
    ///
    /// Emits [`state_changed`](ReconnectorNode::state_changed),
    /// [`connecting`](ReconnectorNode::connecting) and the signals of the socket's
    /// [`connect_to_host`](crate::QAbstractSocket::connect_to_host) before it returns.
    pub fn retry_now(&self) {
        self.node().retry_now();
    }

    // ---- state

    /// Returns the socket. It is the same object for all attempts.
    ///
    /// For a socket of a derived class, [`cast`](QObject::cast) returns a handle of that class.
    #[must_use]
    pub fn socket(&self) -> &QTcpSocket {
        &self.socket
    }

    /// Returns the state.
    ///
    /// The reconnector handles the end of a connection in the next turn of the loop. Until then the
    /// state is [`Connected`](ReconnectorState::Connected), although the socket is unconnected.
    #[must_use]
    pub fn state(&self) -> ReconnectorState {
        self.state.get()
    }

    /// Returns the number of the current or last attempt: 1 for the first one since the start or
    /// since the loss of a healthy connection, 0 before.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt.get()
    }

    /// Returns why the last attempt has failed or the last connection has ended. The kind is
    /// [`Unknown`](SocketErrorKind::Unknown) before the first failure, and if the program has
    /// closed the connection.
    #[must_use]
    pub fn error(&self) -> SocketError {
        self.error.borrow().clone()
    }

    /// Returns the host's name or address, and the port.
    #[must_use]
    pub fn host(&self) -> (String, u16) {
        self.host.borrow().clone()
    }

    /// Sets the host and the port for later attempts. The current attempt or connection does not
    /// change.
    ///
    /// A program with several servers calls this in a slot of
    /// [`waiting`](ReconnectorNode::waiting).
    pub fn set_host<'a>(&self, host: impl Into<Host<'a>>, port: u16) {
        self.host.replace((host.into().into_name(), port));
    }

    // ---- delays and limits

    /// Sets the bound of the first delay, 1 second by default, and the bound of all delays, 60
    /// seconds by default: each in milliseconds or as a `Duration`. A negative number leaves a
    /// bound as it is.
    ///
    /// With 0 for both there are no delays. Use this only in tests.
    pub fn set_delays(&self, first: impl Into<Interval>, longest: impl Into<Interval>) {
        if let (Some(first), Some(longest)) =
            (first.into().as_duration(), longest.into().as_duration())
        {
            self.backoff.borrow_mut().set_delays(first, longest);
        }
    }

    /// Sets the seed of the random delays, so that they are the same in each run of a test. By
    /// default they differ.
    pub fn set_seed(&self, seed: u64) {
        self.backoff.borrow_mut().set_seed(seed);
    }

    /// Sets after how many failed attempts in a row the reconnector gives up. `None`, the default,
    /// means no limit. `Some(0)` means the same as `Some(1)`.
    pub fn set_max_attempts(&self, attempts: Option<u32>) {
        self.limits.set(Limits { attempts, ..self.limits.get() });
    }

    /// Sets for how long the reconnector tries to connect, in milliseconds or as a `Duration`. A
    /// negative number, the default, means no limit.
    ///
    /// The time begins with [`start`](Reconnector::start), and with the loss of a healthy
    /// connection. When it is over, the reconnector aborts a running attempt and gives up. It gives
    /// up earlier if the next attempt would begin only after this time.
    pub fn set_max_outage(&self, time: impl Into<Interval>) {
        self.limits.set(Limits { outage: time.into().as_duration(), ..self.limits.get() });
    }

    /// Sets how long one attempt may take as a whole, with look-up, all addresses, proxy and TLS
    /// handshake: in milliseconds or as a `Duration`. The default is 60 seconds; a negative number
    /// means no limit. It applies from the next attempt on.
    pub fn set_attempt_timeout(&self, time: impl Into<Interval>) {
        self.limits.set(Limits { attempt: time.into().as_duration(), ..self.limits.get() });
    }

    /// Sets how long a connection has to last until delays and limits begin anew, in milliseconds
    /// or as a `Duration`. The default is 10 seconds. A negative number changes nothing.
    pub fn set_healthy_after(&self, time: impl Into<Interval>) {
        if let Some(healthy_after) = time.into().as_duration() {
            self.limits.set(Limits { healthy_after, ..self.limits.get() });
        }
    }

    // ---- sending

    /// Sets what [`send`](Reconnector::send) does while there is no connection. By default it
    /// returns an error. Messages that already wait are kept.
    pub fn set_when_disconnected(&self, rule: WhenDisconnected) {
        self.rule.set(rule);
    }

    /// Writes a message to the socket. If there is no connection, or if earlier messages still
    /// wait, follows the rule that [`set_when_disconnected`](Reconnector::set_when_disconnected)
    /// sets.
    ///
    /// # Errors
    ///
    /// * [`NotOpen`](qcore::DeviceErrorKind::NotOpen) if there is no connection and the message is
    ///   neither kept nor dropped
    /// * [`Full`](qcore::DeviceErrorKind::Full) if the
    ///   [`write_flow`](qcore::QIODevice::write_flow) of the socket refuses the message, or if
    ///   earlier messages wait and the message is neither kept nor dropped
    /// * [`TooLong`](qcore::DeviceErrorKind::TooLong) if the message would exceed the limit of the
    ///   rule
    /// * the other errors of [`write`](qcore::QIODevice::write) if there is a connection
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::{QTcpSocket, Reconnector, WhenDisconnected};
    ///
    /// let link = Reconnector::new(&QTcpSocket::new(), "127.0.0.1", 1);
    /// assert!(link.send("refused").is_err());
    /// link.set_when_disconnected(WhenDisconnected::KeepLatest(10));
    /// link.send("first")?;
    /// link.send("second")?; // the first one has no room beside it
    /// assert_eq!(link.waiting_bytes(), 6);
    /// # Ok::<(), qcore::DeviceError>(())
    /// ```
    pub fn send(&self, message: impl AsRef<[u8]>) -> Result<(), DeviceError> {
        self.node().send(message.as_ref())
    }

    /// Returns the total size of the messages that wait for a connection, in bytes.
    #[must_use]
    pub fn waiting_bytes(&self) -> usize {
        self.queue.borrow().bytes()
    }

    /// Returns the node as an `Rc`, because a slot may drop the last handle.
    fn node(&self) -> Rc<ReconnectorNode> {
        self.this.upgrade().expect("a handle keeps its node")
    }
}

impl fmt::Debug for ReconnectorNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReconnectorNode")
            .field("state", &self.state.get())
            .field("attempt", &self.attempt.get())
            .finish_non_exhaustive()
    }
}
