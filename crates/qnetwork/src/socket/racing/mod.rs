//! Connecting to several addresses at once: happy eyeballs, as in RFC 8305.
//!
//! ```text
//!   two look-ups, IPv6 and IPv4 ─► plan.rs: which address when ─► an engine for each attempt
//!                                       ▲                              │ the first is connected
//!                                       └── failed, a timer            ▼
//!                                                        the socket's engine, from then on
//! ```
//!
//! `plan.rs` decides which attempt begins when, without a clock. `race.rs` has the state. Each
//! attempt has an event source of its own in the loop. When an attempt has connected, its
//! descriptor moves into an engine whose event source is the socket. From then on the socket works
//! like any other.

mod plan;
mod race;

use std::{rc::Rc, time::Duration};

use qcore::{QDeadlineTimer, TimerType, object::Node};
use socket2::Type;

pub(crate) use self::race::Racing;
use self::{
    plan::{Family, Step},
    race::{Entrant, Race},
};
use super::{
    node::{AbstractSocketNode, QAbstractSocket},
    state::SocketState,
    timeout_kind::TimeoutKind,
};
use crate::{
    address::QHostAddress,
    common::{SocketError, SocketType},
    engine::{Engine, NativeEngine, Progress, Stage},
    host_info::{self, QHostInfo},
    sys,
};

/// How long connecting to one address may take if the program has not set it.
const ADDRESS_TIMEOUT: Duration = Duration::from_secs(30);

impl QAbstractSocket {
    /// Sets whether the socket tries several addresses of a host at the same time ("happy
    /// eyeballs", RFC 8305). It applies from the next connection on. The default is `false`: as in
    /// Qt, the socket tries one address after the other, each for 30 seconds at most.
    ///
    /// Many hosts have IPv6 addresses, and some networks drop IPv6 packets. A socket that tries one
    /// address after the other then takes half a minute to connect. With this setting
    ///
    /// * the socket looks up IPv6 and IPv4 addresses at the same time. It begins with the first
    ///   answer; if that is IPv4, it waits 50 ms for the other one.
    /// * it alternates between IPv6 and IPv4 addresses. The next attempt begins 250 ms after the
    ///   previous one, or as soon as one has failed.
    /// * it keeps the first connection that succeeds, and closes all others.
    ///
    /// If `wait_for_connected()` is called while the socket looks up the host, it asks the system's
    /// resolver once for both families, and the resolver returns both answers together. So the
    /// 50 ms do not apply there.
    ///
    /// States, signals and errors are the same as without this setting. If all attempts fail, the
    /// error is that of the last one.
    ///
    /// The setting has no effect on UDP sockets, on bound sockets, and on connections through a
    /// proxy.
    ///
    /// # Examples
    ///
    /// ```
    /// use qnetwork::{QHostAddress, QTcpServer, QTcpSocket};
    ///
    /// let server = QTcpServer::new();
    /// server.listen(QHostAddress::LocalHost, 0)?;
    /// let socket = QTcpSocket::new();
    /// socket.set_happy_eyeballs(true);
    /// socket.connect_to_host("localhost", server.server_port());
    /// socket.wait_for_connected(5000)?;
    /// assert_eq!(socket.peer_address(), QHostAddress::LocalHost);
    /// # Ok::<(), qnetwork::SocketError>(())
    /// ```
    pub fn set_happy_eyeballs(&self, enabled: bool) {
        match self.layers.class() {
            Some(class) => class.carrier().set_happy_eyeballs(enabled),
            None if enabled || self.racing.get().is_some() => {
                self.racing.set_up().enabled.set(enabled);
            }
            None => {}
        }
    }

    /// Returns whether the socket tries several addresses of a host at the same time. See
    /// [`set_happy_eyeballs`](QAbstractSocket::set_happy_eyeballs).
    #[must_use]
    pub fn happy_eyeballs(&self) -> bool {
        match self.layers.class() {
            Some(class) => class.carrier().happy_eyeballs(),
            None => self.racing.get().is_some_and(|race| race.enabled.get()),
        }
    }
}

impl AbstractSocketNode {
    /// Returns whether the next attempt to connect is a race.
    pub(super) fn races(&self) -> bool {
        self.racing.get().is_some_and(|race| race.enabled.get())
            && matches!(self.socket_type, SocketType::Tcp | SocketType::Unknown)
            && self.engine.is_empty()
            && self.proxies.used().is_none()
    }

    /// Returns whether a race is running.
    pub(super) fn is_racing(&self) -> bool {
        self.racing.running().is_some()
    }

    /// Ends the race, if one is running.
    pub(super) fn end_race(&self) {
        if let Some(race) = self.racing.running() {
            race.end(self.dispatcher());
        }
    }

    // ---- addresses

    /// Looks up the addresses of both families at the same time.
    pub(super) fn look_up_families(&self, host_name: &str) {
        let race = self.racing.set_up();
        race.begin();
        race.plan.borrow_mut().ask();
        for family in Family::BOTH {
            let (node, number) = (self.this.clone(), race.number.get());
            let answer = move |info: QHostInfo| {
                if let Some(node) = node.upgrade()
                    && let Some(race) = node.racing.running()
                    && race.number.get() == number
                {
                    let _recovery = node.recovery();
                    node.on_family(race, family, &info);
                }
            };
            let lookup = host_info::ask_family(host_name, family.protocol(), Box::new(answer));
            race.looks_up(family, lookup);
        }
    }

    fn on_family(&self, race: &Race, family: Family, info: &QHostInfo) {
        race.looked_up(family);
        let addresses = self.attempt.wanted_addresses(info);
        race.plan.borrow_mut().answer(family, addresses, race.now());
        self.continue_race(race);
    }

    /// Begins to connect if the socket is still looking up the name, then continues the race.
    fn continue_race(&self, race: &Race) {
        if self.current_state() == SocketState::HostLookup {
            let number = race.number.get();
            if !race.plan.borrow().is_ready(race.now()) {
                let step = race.plan.borrow_mut().next(race.now());
                return match step {
                    Step::Exhausted => {
                        self.end_race();
                        self.start_connecting(&QHostInfo::default());
                    }
                    Step::Wait(until) => self.start_race_timer(race, until),
                    // It is not ready.
                    Step::Try(_) => {}
                };
            }
            self.attempt.found();
            self.enter_connecting();
            if race.number.get() != number || self.attempt.is_trying() {
                return;
            }
        }
        self.run_race(race);
    }

    /// Begins a race between the addresses of the attempt, which are known.
    pub(super) fn begin_race(&self) {
        let race = self.racing.set_up();
        if !race.is_running.get() {
            race.begin();
            race.plan.borrow_mut().add(self.attempt.take_all_addresses());
        }
        self.run_race(race);
    }

    /// Begins the attempts that are due.
    fn run_race(&self, race: &Race) {
        if self.current_state() != SocketState::Connecting {
            return;
        }
        self.attempt.tries();
        let number = race.number.get();
        // Each round tries another address, so the loop ends.
        while race.number.get() == number {
            let step = race.plan.borrow_mut().next(race.now());
            match step {
                Step::Try(address) => {
                    if let Err(error) = self.enter(race, &address)
                        && race.number.get() == number
                    {
                        race.set_error(error);
                        race.plan.borrow_mut().failed(race.now());
                    }
                }
                Step::Wait(until) => return self.start_race_timer(race, until),
                Step::Exhausted => {
                    self.end_race();
                    self.attempt.forget_addresses();
                    let timeout = race.was_late.get().then_some(TimeoutKind::Address);
                    return self.connect_or_fail(race.take_error(), timeout);
                }
            }
        }
    }

    /// Begins an attempt.
    fn enter(&self, race: &Race, address: &QHostAddress) -> Result<(), SocketError> {
        let limit = self.timeouts.limit(TimeoutKind::Address).unwrap_or(ADDRESS_TIMEOUT);
        let entrant = Entrant::new(self.this.clone(), race.now().saturating_add(limit));
        let (dispatcher, protocol) = (self.dispatcher(), address.protocol());
        let engine = NativeEngine::open(dispatcher, entrant.source(), self.socket_type, protocol)?;
        let number = race.number.get();
        let progress = entrant.set_engine(engine).connect(address, self.attempt.port())?;
        // The logger of the program may have ended the race.
        if race.number.get() == number {
            race.entrants.borrow_mut().push(entrant.clone());
            if progress == Progress::Connected {
                self.win(race, &entrant);
            }
        }
        Ok(())
    }

    /// Continues an attempt whose engine is ready.
    fn check_entrant(&self, entrant: &Rc<Entrant>) {
        let _recovery = self.recovery();
        let Some(race) = self.racing.running() else { return };
        let is_part = race.entrants.borrow().iter().any(|other| Rc::ptr_eq(other, entrant));
        let Some(engine) = entrant.engine().filter(|_| is_part) else { return };
        let number = race.number.get();
        match engine.finish_connecting() {
            // The logger of the program may have ended the race.
            _ if race.number.get() != number => {}
            Ok(Progress::Connected) => self.win(race, entrant),
            Ok(_) => {}
            Err(error) => self.lose(race, entrant, error),
        }
    }

    /// An attempt has failed.
    fn lose(&self, race: &Race, entrant: &Rc<Entrant>, error: SocketError) {
        if race.remove(entrant) {
            race.set_error(error);
            race.plan.borrow_mut().failed(race.now());
            self.run_race(race);
        }
    }

    /// An attempt is connected: ends all others.
    fn win(&self, race: &Race, entrant: &Rc<Entrant>) {
        let number = race.number.get();
        let Some(socket) = entrant.engine().and_then(|engine| engine.release()) else { return };
        let peer = socket.peer_addr().ok().and_then(|peer| peer.as_socket());
        let (dispatcher, source, stage) = (self.dispatcher(), self.source(), Stage::Connected);
        match NativeEngine::take(dispatcher, source, Type::STREAM, socket, stage, peer) {
            _ if race.number.get() != number => {}
            Err(error) => self.lose(race, entrant, error),
            Ok(engine) => {
                let mark = self.closure.mark();
                self.end_race();
                if self.closure.is_at(mark) {
                    self.take_connected(Rc::new(engine));
                }
            }
        }
    }

    // ---- time

    /// Starts the timer for the next attempt and for the end of the attempts that run.
    fn start_race_timer(&self, race: &Race, next: Option<Duration>) {
        let ends = race.entrants.borrow().iter().map(|entrant| entrant.until).min();
        let until = match (next, ends) {
            (Some(next), Some(end)) => next.min(end),
            (next, end) => match next.or(end) {
                Some(until) => until,
                None => return race.stop_timer(self.dispatcher()),
            },
        };
        let (node, number) = (self.this.clone(), race.number.get());
        let due = move || {
            if let Some(node) = node.upgrade()
                && let Some(race) = node.racing.running()
                && race.number.get() == number
            {
                let _recovery = node.recovery();
                node.on_race_timer(race);
            }
        };
        let dispatcher = self.life().dispatcher();
        let time = until.saturating_sub(race.now());
        race.set_timer(dispatcher.call_after(time, TimerType::Precise, due), dispatcher);
    }

    fn on_race_timer(&self, race: &Race) {
        race.stop_timer(self.dispatcher());
        let (now, number) = (race.now(), race.number.get());
        let late: Vec<_> =
            race.entrants.borrow().iter().filter(|one| one.until <= now).cloned().collect();
        for entrant in late {
            self.lose(race, &entrant, SocketError::timed_out());
            if race.number.get() != number {
                return;
            }
        }
        self.continue_race(race);
    }

    /// Waits without a loop until something happens in the race, or the deadline passes.
    pub(super) fn wait_for_race(&self, deadline: QDeadlineTimer) {
        let Some(race) = self.racing.running() else { return };
        if race.entrants.borrow().is_empty() && self.wait_for_families(race, deadline) {
            return;
        }
        let number = race.number.get();
        let left = race.left(self.dispatcher());
        let until = left.map_or(deadline, |left| deadline.min(QDeadlineTimer::from(left)));
        let entrants = race.entrants.borrow().clone();
        let descriptors: Vec<_> = entrants
            .iter()
            .filter_map(|entrant| entrant.engine().map(Engine::descriptor))
            .collect();
        if !sys::wait_for_any(&descriptors, until.remaining_time()) {
            // Lets a virtual clock pass the time, too.
            if let Some(engine) = entrants.first().and_then(|entrant| entrant.engine())
                && let Some(ready) = engine.wait(until)
            {
                engine.note(ready);
            }
        }
        for entrant in &entrants {
            self.check_entrant(entrant);
        }
        if race.number.get() == number && race.left(self.dispatcher()) == Some(Duration::ZERO) {
            self.on_race_timer(race);
        }
    }

    /// Waits for the look-ups that have not ended, without a running loop. Returns `false` if there
    /// are none, or if the deadline has passed.
    fn wait_for_families(&self, race: &Race, deadline: QDeadlineTimer) -> bool {
        let families = race.abort_lookups();
        if families.is_empty() {
            return false;
        }
        let found = QHostInfo::from_name_until(&self.attempt.host_name(), deadline);
        let addresses = self.attempt.wanted_addresses(&found.unwrap_or_default());
        for family in families {
            let of_family = addresses.iter().filter(|address| Family::of(address) == family);
            race.plan.borrow_mut().answer(family, of_family.cloned().collect(), race.now());
        }
        self.continue_race(race);
        true
    }
}
