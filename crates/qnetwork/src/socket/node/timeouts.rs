//! The time-outs of a socket: their limits, and when each of them expires.

use std::{
    cell::{Cell, OnceCell},
    rc::Weak,
    time::Duration,
};

use qcore::{
    QDeadlineTimer, TimerType,
    event_loop::{Dispatcher, TimerHandler, TimerId},
};

use crate::socket::timeout_kind::TimeoutKind;

/// A time on the thread's clock, in nanoseconds.
type Nanos = i64;

/// An idle time is checked this many times, so it expires at most an eighth too late.
const CHECKS: u32 = 8;
/// The shortest time between two checks.
const SHORTEST: Duration = Duration::from_millis(1);

/// The time-outs of a socket. Most sockets have none, so everything is boxed.
///
/// A socket has one timer for all of them. Receiving and sending only set a flag, because starting
/// a timer or reading the clock for each packet would cost more than the packet. The timer looks at
/// the flags.
#[derive(Default)]
pub(crate) struct Timeouts(OnceCell<Box<Set>>);

#[derive(Default)]
struct Set {
    limits: [Cell<Option<Duration>>; 9],
    timer: Cell<Option<TimerId>>,
    phase: Cell<Phase>,
    /// When the connection began.
    began: Cell<Nanos>,
    /// When connecting began, moved forward by the times in which the program was asked for
    /// credentials.
    connecting_since: Cell<Nanos>,
    proxy_since: Cell<Option<Nanos>>,
    tls_since: Cell<Option<Nanos>>,
    close_until: Cell<Option<Nanos>>,
    /// Since when the program is being asked for credentials.
    asking_since: Cell<Option<Nanos>>,
    /// Something was received since the last check.
    received: Cell<bool>,
    /// Something was received since the last call of [`take_heard`](Timeouts::take_heard).
    heard: Cell<bool>,
    /// Something was sent since the last check.
    sent: Cell<bool>,
    /// The first check after the last bytes were received.
    read_at: Cell<Nanos>,
    /// The first check that has found unsent bytes after the last ones were sent.
    stalled_at: Cell<Option<Nanos>>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Over,
    Connecting,
    Connected,
}

/// What a check has to know of the socket.
pub(crate) struct Situation {
    /// The socket would read bytes if there were any.
    pub(crate) reads: bool,
    /// Bytes wait to be sent.
    pub(crate) has_unsent: bool,
}

impl Timeouts {
    /// Returns whether no time-out was ever set.
    pub(crate) fn are_unused(&self) -> bool {
        self.0.get().is_none()
    }

    pub(crate) fn limit(&self, kind: TimeoutKind) -> Option<Duration> {
        self.0.get()?.limits[kind as usize].get()
    }

    pub(crate) fn set_up(&self) {
        self.0.get_or_init(Box::default);
    }

    pub(crate) fn set_limit(&self, kind: TimeoutKind, limit: Option<Duration>) {
        if let Some(set) = self.0.get() {
            set.limits[kind as usize].set(limit);
        }
    }

    // ---- the course of a connection

    pub(crate) fn begin(&self) {
        let Some(set) = self.0.get() else { return };
        let now = now();
        set.phase.set(Phase::Connecting);
        set.began.set(now);
        set.connecting_since.set(now);
        for since in [&set.proxy_since, &set.tls_since, &set.close_until, &set.asking_since] {
            since.set(None);
        }
    }

    /// The socket is connected.
    pub(crate) fn connected(&self) {
        let Some(set) = self.0.get() else { return };
        set.phase.set(Phase::Connected);
        set.read_at.set(now());
        set.stalled_at.set(None);
    }

    /// The connection has ended.
    pub(crate) fn end(&self, dispatcher: &Dispatcher) {
        if let Some(set) = self.0.get() {
            set.phase.set(Phase::Over);
            set.stop(dispatcher);
        }
    }

    /// The handshake with a proxy is running.
    pub(crate) fn proxy_handshake(&self) {
        if let Some(set) = self.0.get()
            && set.proxy_since.get().is_none()
        {
            set.proxy_since.set(Some(now()));
        }
    }

    /// The TLS handshake begins, or ends.
    #[cfg(feature = "_tls")]
    pub(crate) fn set_tls_handshake(&self, is_running: bool) {
        if let Some(set) = self.0.get() {
            set.tls_since.set(is_running.then(now));
        }
    }

    /// The TLS handshake is running. Keeps the time at which it has begun, if that is known.
    #[cfg(feature = "_tls")]
    pub(crate) fn begin_tls_handshake(&self) {
        if let Some(set) = self.0.get()
            && set.tls_since.get().is_none()
        {
            set.tls_since.set(Some(now()));
        }
    }

    /// The socket is to close. Keeps an earlier limit, unless this one is given by the call.
    pub(crate) fn close(&self, limit: Option<Duration>) {
        let Some(set) = self.0.get() else { return };
        if let Some(limit) = limit {
            set.close_until.set(Some(after(now(), limit)));
        } else if set.close_until.get().is_none()
            && let Some(limit) = self.limit(TimeoutKind::Close)
        {
            set.close_until.set(Some(after(now(), limit)));
        }
    }

    /// Sets the limit for closing, which has begun already. It counts from now on.
    pub(crate) fn limit_closing(&self, limit: Option<Duration>) {
        if let Some(set) = self.0.get() {
            set.close_until.set(limit.map(|limit| after(now(), limit)));
        }
    }

    /// Stops the time for connecting while the program is asked for credentials.
    pub(crate) fn set_asking(&self, is_asking: bool) {
        let Some(set) = self.0.get() else { return };
        let before = set.asking_since.replace(is_asking.then(now));
        if let Some(since) = before.filter(|_| !is_asking) {
            let taken = now() - since;
            set.connecting_since.set(set.connecting_since.get() + taken);
            set.proxy_since.set(set.proxy_since.get().map(|since| since + taken));
        }
    }

    #[inline]
    pub(crate) fn note_received(&self) {
        if let Some(set) = self.0.get() {
            set.received.set(true);
            set.heard.set(true);
        }
    }

    /// Returns whether something was received since the last call.
    pub(crate) fn take_heard(&self) -> bool {
        self.0.get().is_some_and(|set| set.heard.take())
    }

    #[inline]
    pub(crate) fn note_sent(&self) {
        if let Some(set) = self.0.get() {
            set.sent.set(true);
        }
    }

    // ---- the timer

    /// Starts the timer for whatever comes next.
    pub(crate) fn start_timer(
        &self,
        situation: &Situation,
        dispatcher: &Dispatcher,
        handler: Weak<dyn TimerHandler>,
    ) {
        let Some(set) = self.0.get() else { return };
        let now = now();
        set.stop(dispatcher);
        if let Some(at) = set.check(now, situation).1 {
            let wait = Duration::from_nanos(u64::try_from(at - now).unwrap_or(0));
            set.timer.set(Some(dispatcher.start_timer(wait, TimerType::Precise, handler)));
        }
    }

    pub(crate) fn is_timer(&self, id: TimerId) -> bool {
        self.0.get().is_some_and(|set| set.timer.get() == Some(id))
    }

    /// Returns when the timer is due.
    pub(crate) fn deadline(&self, dispatcher: &Dispatcher) -> QDeadlineTimer {
        let left = self.0.get().and_then(|set| dispatcher.remaining_time(set.timer.get()?));
        left.map_or(QDeadlineTimer::forever(), QDeadlineTimer::from)
    }

    /// Returns a time-out that has expired.
    pub(crate) fn expired(&self, situation: &Situation) -> Option<TimeoutKind> {
        self.0.get()?.check(now(), situation).0
    }
}

impl Set {
    fn stop(&self, dispatcher: &Dispatcher) {
        if let Some(id) = self.timer.take() {
            dispatcher.stop_timer(id);
        }
    }

    /// Looks at the flags. Returns a time-out that has expired, and when to check again.
    fn check(&self, now: Nanos, situation: &Situation) -> (Option<TimeoutKind>, Option<Nanos>) {
        if self.phase.get() == Phase::Over {
            return (None, None);
        }
        let limit = |kind: TimeoutKind| self.limits[kind as usize].get();
        let is_connecting = self.phase.get() == Phase::Connecting;
        let connects = is_connecting && self.asking_since.get().is_none();
        let is_connected = !is_connecting;
        self.look(now, situation);
        let connecting = connects.then(|| self.connecting_since.get());
        let proxy = self.proxy_since.get().filter(|_| connects);
        let read = (is_connected && situation.reads).then(|| self.read_at.get());
        let stalled = self.stalled_at.get().filter(|_| is_connected);
        let tls = self.tls_since.get();
        let since = [
            (TimeoutKind::Close, self.close_until.get(), Some(Duration::ZERO)),
            (TimeoutKind::ProxyHandshake, proxy, limit(TimeoutKind::ProxyHandshake)),
            (TimeoutKind::Connect, connecting, limit(TimeoutKind::Connect)),
            (TimeoutKind::TlsHandshake, tls, limit(TimeoutKind::TlsHandshake)),
            (TimeoutKind::IdleRead, read, limit(TimeoutKind::IdleRead)),
            (TimeoutKind::IdleWrite, stalled, limit(TimeoutKind::IdleWrite)),
            (TimeoutKind::Lifetime, Some(self.began.get()), limit(TimeoutKind::Lifetime)),
        ];
        let due =
            since.iter().filter_map(|&(kind, since, limit)| Some((kind, after(since?, limit?))));
        let expired = due.clone().find(|&(_, due)| due <= now).map(|(kind, _)| kind);
        let idle = [limit(TimeoutKind::IdleRead), limit(TimeoutKind::IdleWrite)];
        let checks = idle.into_iter().flatten().filter(|_| is_connected);
        let checks = checks.map(|limit| after(now, (limit / CHECKS).max(SHORTEST)));
        let next = due.map(|(_, due)| due.max(now)).chain(checks).min();
        (expired, next)
    }

    /// Finds out since when nothing was received and sent.
    fn look(&self, now: Nanos, situation: &Situation) {
        if self.received.take() || !situation.reads {
            self.read_at.set(now);
        }
        let has_sent = self.sent.take();
        if !situation.has_unsent {
            self.stalled_at.set(None);
        } else if has_sent || self.stalled_at.get().is_none() {
            self.stalled_at.set(Some(now));
        }
    }
}

fn now() -> Nanos {
    QDeadlineTimer::current(TimerType::Precise).deadline_nsecs().unwrap_or(Nanos::MAX)
}

fn after(since: Nanos, limit: Duration) -> Nanos {
    since.saturating_add(Nanos::try_from(limit.as_nanos()).unwrap_or(Nanos::MAX))
}
