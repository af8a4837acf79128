//! [`Heartbeat`]: detects that the other end does not answer.

use std::{
    cell::{Cell, RefCell},
    fmt,
    rc::{Rc, Weak},
    time::Duration,
};

use qcore::{
    Interval, QElapsedTimer, QObject, QPointer, Signal, TimerType,
    event_loop::TimerId,
    library_class,
    object::{Handle, Life, Node, Object},
};

use crate::{
    common::OnPanic,
    socket::{QAbstractSocket, SocketState},
};

/// How long the connection is silent before a ping.
const INTERVAL: Duration = Duration::from_secs(30);
/// How long the answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);

library_class! {
    /// Sends pings to the other end of a connection, and aborts the connection if no answer comes.
    ///
    /// If the other end loses its power or its network, the connection looks as if the other end
    /// had nothing to send. A heartbeat detects this. When no sign of life has come for the
    /// [interval](Heartbeat::set_interval), it sends a [ping](HeartbeatNode::ping). If no sign of
    /// life comes within the [time-out](Heartbeat::set_timeout) after that, it ends the
    /// connection:
    ///
    /// * It emits [`unanswered`](HeartbeatNode::unanswered).
    /// * The socket emits [`error_occurred`](crate::socket::AbstractSocketNode::error_occurred)
    ///   with [`SocketTimeout`](crate::SocketErrorKind::SocketTimeout), and aborts.
    /// * The socket emits [`closed`](crate::socket::AbstractSocketNode::closed) with the kind
    ///   [`Heartbeat`](crate::TimeoutKind::Heartbeat).
    ///
    /// While the socket does not read, nobody can know whether the other end answers. So the
    /// heartbeat then asks nothing and ends nothing: while
    /// [reading is paused](QAbstractSocket::pause_reading), while the read buffer is full, while
    /// the socket waits for its share of a [`RateLimit`](crate::RateLimit), and after the other end
    /// has closed its half of the connection.
    ///
    /// A heartbeat is a child of its socket. It works for each connection of the socket, and does
    /// nothing while the socket is not connected.
    ///
    /// # What is a sign of life
    ///
    /// By default any data that arrives is a sign of life. After
    /// [`set_any_data_counts(false)`](Heartbeat::set_any_data_counts), only a call of
    /// [`answered`](Heartbeat::answered) is one. The program calls it when it has read the answer
    /// to a ping.
    ///
    /// Qt has no such class.
    ///
    /// # Examples
    ///
    /// A client of a protocol with lines. The answer to `PING` is `PONG`:
    ///
    /// ```
    /// use qnetwork::{Heartbeat, QTcpSocket};
    ///
    /// let socket = QTcpSocket::new();
    /// let heartbeat = Heartbeat::new(&socket);
    /// heartbeat.set_interval(15_000);
    /// heartbeat.set_timeout(5000);
    /// heartbeat.set_message("PING\n");
    /// heartbeat.set_any_data_counts(false);
    /// socket.ready_read.connect_to((&socket, &heartbeat), |(socket, heartbeat), ()| {
    ///     while socket.can_read_line() {
    ///         match &*socket.read_line() {
    ///             b"PONG\n" => heartbeat.answered(),
    ///             line => println!("{}", String::from_utf8_lossy(line)),
    ///         }
    ///     }
    /// });
    /// ```
    ///
    /// A ping with a number:
    ///
    /// ```
    /// # use qnetwork::{Heartbeat, QTcpSocket};
    /// # let socket = QTcpSocket::new();
    /// use std::cell::Cell;
    ///
    /// let heartbeat = Heartbeat::new(&socket);
    /// let number = Cell::new(0);
    /// heartbeat.ping.connect_to(&socket, move |socket, ()| {
    ///     number.set(number.get() + 1);
    ///     socket.write(format!("PING {}\n", number.get())).ok();
    /// });
    /// ```
    pub struct Heartbeat(HeartbeatNode): QObject = base
}

/// The signals of a [`Heartbeat`].
pub struct HeartbeatNode {
    /// A ping is due. If the program has set a [message](Heartbeat::set_message), the heartbeat has
    /// just written it. Otherwise a slot of this signal has to write the ping.
    pub ping: Signal<()>,
    /// No sign of life has come within the time-out. The socket aborts when the slots have
    /// returned, unless one of them has called [`answered`](Heartbeat::answered).
    pub unanswered: Signal<()>,
    base: QObject,
    this: Weak<HeartbeatNode>,
    socket: QPointer<QAbstractSocket>,
    message: RefCell<Vec<u8>>,
    interval: Cell<Duration>,
    timeout: Cell<Duration>,
    any_data_counts: Cell<bool>,
    /// Runs since the last sign of life.
    silence: Cell<QElapsedTimer>,
    /// A ping was sent, and no sign of life has come since.
    asks: Cell<bool>,
    timer: Cell<Option<TimerId>>,
}

impl Node for HeartbeatNode {
    fn life(&self) -> &Rc<Life> {
        Object::life(&self.base)
    }

    fn destructor(&self) {
        self.rest();
    }
}

impl Heartbeat {
    /// Creates a heartbeat as a child of `socket`. It begins to work when the socket is connected,
    /// or now if it already is.
    ///
    /// By default the interval is 30 seconds, the time-out is 10 seconds, and there is no message.
    #[allow(clippy::must_use_candidate)] // the socket keeps it
    pub fn new(socket: &QAbstractSocket) -> Self {
        let life = Life::new();
        let this = Heartbeat(Handle::new(Rc::new_cyclic(|this| HeartbeatNode {
            ping: Signal::in_life(&life),
            unanswered: Signal::in_life(&life),
            base: QObject::embed(&life),
            this: this.clone(),
            socket: QPointer::new(socket),
            message: RefCell::default(),
            interval: Cell::new(INTERVAL),
            timeout: Cell::new(TIMEOUT),
            any_data_counts: Cell::new(true),
            silence: Cell::default(),
            asks: Cell::new(false),
            timer: Cell::new(None),
        })));
        this.set_parent(Some(socket));
        socket.note_arrivals();
        socket.state_changed.connect_to(&this, |this, state| this.on_state_changed(*state));
        socket.ready_read.connect_to(&this, |this, ()| {
            if this.any_data_counts.get() {
                this.answered();
            }
        });
        this.on_state_changed(socket.state());
        this
    }

    /// Sets after how much time without a sign of life the heartbeat sends a ping, in milliseconds
    /// or as a `Duration`. The default is 30 seconds. A negative number changes nothing.
    pub fn set_interval(&self, interval: impl Into<Interval>) {
        if let Some(interval) = interval.into().as_duration() {
            self.interval.set(interval);
            if self.timer.get().is_some() && !self.asks.get() {
                self.wait_for_silence();
            }
        }
    }

    /// Sets how long the answer to a ping may take, in milliseconds or as a `Duration`. The default
    /// is 10 seconds. It applies from the next ping on. A negative number changes nothing.
    #[doc(alias = "ping_timeout")]
    #[doc(alias = "keep_alive_timeout")]
    pub fn set_timeout(&self, timeout: impl Into<Interval>) {
        if let Some(timeout) = timeout.into().as_duration() {
            self.timeout.set(timeout);
        }
    }

    /// Sets the bytes that the heartbeat writes to the socket as a ping. With an empty message, the
    /// default, it writes nothing: a slot of [`ping`](HeartbeatNode::ping) has to write the ping.
    pub fn set_message(&self, message: impl Into<Vec<u8>>) {
        self.message.replace(message.into());
    }

    /// Sets whether any data that arrives is a sign of life. The default is `true`. With `false`,
    /// only a call of [`answered`](Heartbeat::answered) is one.
    pub fn set_any_data_counts(&self, counts: bool) {
        self.any_data_counts.set(counts);
    }

    /// Tells the heartbeat that an answer to a ping has arrived.
    pub fn answered(&self) {
        self.silence.set(QElapsedTimer::started());
        if self.asks.replace(false) && self.timer.get().is_some() {
            self.wait_for_silence();
        }
    }

    /// Returns whether a ping was sent and no sign of life has come since.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.asks.get()
    }
}

impl HeartbeatNode {
    fn on_state_changed(&self, state: SocketState) {
        if state != SocketState::Connected {
            return self.rest();
        }
        self.asks.set(false);
        self.silence.set(QElapsedTimer::started());
        self.wait_for_silence();
    }

    fn rest(&self) {
        self.asks.set(false);
        if let Some(timer) = self.timer.take() {
            self.life().dispatcher().stop_timer(timer);
        }
    }

    /// Starts the timer for the end of the interval. Signs of life that come meanwhile do not
    /// restart it: when the timer fires, it starts another one for the rest of the interval.
    fn wait_for_silence(&self) {
        self.start_timer(self.interval.get().saturating_sub(self.silence.get().elapsed()));
    }

    fn start_timer(&self, time: Duration) {
        let (node, dispatcher) = (self.this.clone(), self.life().dispatcher());
        let due = move || {
            if let Some(node) = node.upgrade() {
                node.on_timeout();
            }
        };
        let timer = dispatcher.call_after(time, TimerType::Precise, due);
        if let Some(before) = self.timer.replace(Some(timer)) {
            dispatcher.stop_timer(before);
        }
    }

    /// Returns whether data has arrived since the ping without a `ready_read`.
    fn has_heard(&self, socket: &QAbstractSocket) -> bool {
        self.any_data_counts.get() && socket.take_arrival()
    }

    /// Ends the connection after `unanswered`. A slot may have ended it already, made another one,
    /// or noted a sign of life.
    fn conclude(&self, socket: &QAbstractSocket) {
        if self.asks.replace(false) {
            socket.end_for_silence();
        } else if self.timer.get().is_none() && socket.state() == SocketState::Connected {
            self.wait_for_silence();
        }
    }

    fn on_timeout(&self) {
        self.timer.set(None);
        let Some(socket) = self.socket.upgrade() else { return };
        if !socket.listens() || self.asks.get() && self.has_heard(&socket) {
            self.asks.set(false);
            self.silence.set(QElapsedTimer::started());
            self.wait_for_silence();
        } else if self.asks.get() {
            let node = self.this.clone();
            let _conclusion = OnPanic::new(self.life().dispatcher(), move || {
                if let Some(node) = node.upgrade()
                    && let Some(socket) = node.socket.upgrade()
                {
                    node.conclude(&socket);
                }
            });
            self.unanswered.emit(());
            self.conclude(&socket);
        } else if self.silence.get().elapsed() < self.interval.get() {
            self.wait_for_silence();
        } else {
            self.asks.set(true);
            socket.take_arrival();
            self.start_timer(self.timeout.get());
            let message = self.message.borrow().clone();
            if !message.is_empty() {
                // A failure ends the connection by itself.
                let _ = socket.write(message);
            }
            // The last handle may be this one.
            drop(socket);
            self.ping.emit(());
        }
    }
}

impl fmt::Debug for HeartbeatNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeartbeatNode")
            .field("interval", &self.interval.get())
            .field("timeout", &self.timeout.get())
            .field("asks", &self.asks.get())
            .finish_non_exhaustive()
    }
}
