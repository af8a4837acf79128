//! A thread of a soak: its ends of connections, and the driver that makes them act.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::{Arc, atomic::Ordering::SeqCst},
    time::{Duration, Instant},
};

use qbench::cpu_seconds;
use qcore::{Dispatcher, Poster, QEventLoop, QObject, QTimer};
use qnetwork::{QSslConfiguration, RateLimit};

use super::{
    acts,
    certificates::Certificates,
    datagrams::Datagrams,
    end::{End, Reading},
    links::Links,
    log::Log,
    random::Random,
    servers::Servers,
    shared::{Kind, Phase, Shared},
    socket::Socket,
};

/// The part of a second for which a thread may use a CPU when nothing happens.
const IDLE_CPU: f64 = 0.1;
/// How long connections may bring no byte when all ends only read and write.
const STALLED: Duration = Duration::from_secs(8);
/// How long the objects may take to die when all connections have ended.
const DYING: Duration = Duration::from_secs(8);

pub(super) struct World {
    pub(super) shared: Arc<Shared>,
    pub(super) index: usize,
    pub(super) random: Random,
    pub(super) limits: Vec<RateLimit>,
    pub(super) groups: RefCell<Vec<QObject>>,
    /// How deeply waits and loops are nested.
    pub(super) depth: Cell<u32>,
    /// How many sockets live.
    pub(super) alive: Rc<Cell<i64>>,
    pub(super) posters: Vec<Poster>,
    pub(super) trusting: QSslConfiguration,
    ends: RefCell<Vec<Rc<End>>>,
    /// How many descriptors the connections of this thread's clients have.
    used: Cell<usize>,
    pub(super) servers: Servers,
    traffic: RefCell<Vec<Rc<dyn Traffic>>>,
    driver: QTimer,
    event_loop: QEventLoop,
    stage: Cell<Stage>,
}

/// What a thread does beside the ends of its connections.
pub(super) trait Traffic {
    /// Does something at random.
    fn act(&self, world: &World);

    /// Ends what has finished. Returns what has not.
    fn drain(&self) -> Vec<String> {
        Vec::new()
    }
}

/// How far the thread is within a phase.
#[derive(Clone, Copy)]
struct Stage {
    phase: Phase,
    step: u32,
    since: Instant,
    cpu: f64,
    bytes: u64,
    rounds: u32,
}

impl Stage {
    fn new(phase: Phase) -> Self {
        Stage { phase, step: 0, since: Instant::now(), cpu: cpu_seconds(), bytes: 0, rounds: 0 }
    }
}

/// Runs a thread until the soak is over. `exchange` gives this thread's poster to the others and
/// returns those of all threads.
pub(super) fn run(
    shared: &Arc<Shared>,
    index: usize,
    certificates: &Certificates,
    exchange: impl FnOnce(Poster) -> Vec<Poster>,
) {
    let event_loop = QEventLoop::new();
    let posters = exchange(Dispatcher::current().poster().expect("descriptors for a loop"));
    let limits = [10_000, 100_000, 1_000_000, 10_000_000].map(RateLimit::new).into();
    let world = Rc::new(World {
        shared: shared.clone(),
        index,
        random: Random::new(shared.seed ^ (index as u64) << 32),
        limits,
        groups: RefCell::new((0..8).map(|_| QObject::new()).collect()),
        depth: Cell::default(),
        alive: Rc::default(),
        posters,
        trusting: certificates.trusting(),
        ends: RefCell::default(),
        used: Cell::default(),
        servers: Servers::new(certificates),
        traffic: RefCell::default(),
        driver: QTimer::new(),
        event_loop: event_loop.clone(),
        stage: Cell::new(Stage::new(Phase::Empty)),
    });
    WORLD.set(Some(world.clone()));
    world.servers.start(&world);
    let traffic: [Rc<dyn Traffic>; 2] =
        [Rc::new(Datagrams::new(&world)), Rc::new(Links::new(&world))];
    world.traffic.replace(traffic.into());
    world.driver.timeout.connect_to(&world, |world, ()| world.tick());
    world.driver.start_with_interval(100);
    event_loop.exec();
    WORLD.take();
    world.driver.stop();
    world.servers.end();
    let traffic = world.traffic.take();
    drop(traffic);
    assert!(world.ends.borrow().is_empty(), "the ends were forgotten before");
}

thread_local!(static WORLD: RefCell<Option<Rc<World>>> = const { RefCell::new(None) });

/// Returns the world of this thread.
pub(super) fn current() -> Option<Rc<World>> {
    WORLD.with_borrow(Clone::clone)
}

impl World {
    /// Returns a strong handle of this world.
    pub(super) fn this(&self) -> Rc<World> {
        current().expect("the thread has a world")
    }

    pub(super) fn complain(&self, what: &str) {
        self.shared.complain(format!("thread {}: {what}", self.index));
    }

    // ---- ends

    /// Adds an end, which acts from now on.
    pub(super) fn add(&self, socket: Socket, log: Log, is_client: bool) -> Rc<End> {
        if is_client {
            self.used.set(self.used.get() + log.kind.descriptors());
        }
        let reading = match log.kind {
            Kind::Tasks => Reading::Task,
            _ if self.random.one_in(2) => Reading::All,
            _ => Reading::AtRandom,
        };
        let (world, log) = (self.this(), Rc::new(log));
        let place = Cell::new(self.ends.borrow().len());
        let task = RefCell::default();
        let end = Rc::new(End { world, socket, log, is_client, reading, place, task });
        self.ends.borrow_mut().push(end.clone());
        end.start();
        end
    }

    /// Adds the accepted end of a connection.
    pub(super) fn adopt(&self, kind: Kind, socket: Socket, cuts: bool) {
        let log = Log::new(&self.shared, kind, kind == Kind::Tasks);
        let end = self.add(socket, log, false);
        end.log.begun.set(!end.socket.is_unconnected());
        end.log.connected.set(1);
        end.log.cuts.set(cuts);
        if self.random.one_in(2) && !end.socket.is_deleted() {
            end.socket.set_parent(None);
        }
    }

    /// Counts a socket until it dies.
    pub(super) fn count(&self, socket: &QObject) {
        let (alive, shared) = (self.alive.clone(), self.shared.clone());
        alive.set(alive.get() + 1);
        shared.counters.alive.fetch_add(1, SeqCst);
        socket.destroyed.connect(move |_| {
            alive.set(alive.get() - 1);
            shared.counters.alive.fetch_sub(1, SeqCst);
        });
    }

    /// Forgets an end. Its socket dies now or soon, unless it is dead already.
    pub(super) fn forget(&self, end: &End) {
        let forgotten = {
            let mut ends = self.ends.borrow_mut();
            let place = end.place.get();
            if ends.get(place).is_none_or(|other| !std::ptr::eq(&**other, end)) {
                return;
            }
            let forgotten = ends.swap_remove(place);
            if let Some(moved) = ends.get(place) {
                moved.place.set(place);
            }
            forgotten
        };
        end.note_death();
        if end.is_client {
            self.used.set(self.used.get() - end.log.kind.descriptors());
        }
        if !end.socket.is_deleted() && end.socket.parent().is_some() {
            end.socket.delete_later();
        }
        let task = end.task.take();
        drop(task);
        drop(forgotten);
    }

    fn traffic(&self) -> Vec<Rc<dyn Traffic>> {
        self.traffic.borrow().clone()
    }

    fn any_end(&self) -> Option<Rc<End>> {
        let ends = self.ends.borrow();
        (!ends.is_empty()).then(|| ends[self.random.below(ends.len())].clone())
    }

    fn all_ends(&self) -> Vec<Rc<End>> {
        self.ends.borrow().clone()
    }

    /// Returns whether there are descriptors for another client.
    pub(super) fn has_room(&self, kind: Kind) -> bool {
        let used = self.used.get() + kind.descriptors();
        used <= self.shared.room() / self.shared.pulses.len()
    }

    /// The server for this kind has shut down.
    pub(super) fn server_is_shut_down(&self) {
        if self.shared.phase() == Phase::Busy {
            self.servers.listen(self);
        }
    }

    // ---- the driver

    fn tick(&self) {
        self.shared.pulses[self.index].beats.fetch_add(1, SeqCst);
        let phase = self.shared.phase();
        if self.stage.get().phase != phase {
            self.stage.set(Stage::new(phase));
            let interval = if matches!(phase, Phase::Busy | Phase::Draining) { 1 } else { 100 };
            self.driver.start_with_interval(interval);
        }
        match phase {
            Phase::Busy => self.be_busy(),
            Phase::Still => self.be_idle("the connections are left as they are"),
            Phase::Draining => self.drain(),
            Phase::Empty => self.be_idle("there is no connection"),
            Phase::Over => self.event_loop.quit(),
        }
    }

    fn finish(&self) {
        self.shared.pulses[self.index].done.store(self.stage.get().phase as u8, SeqCst);
    }

    fn be_busy(&self) {
        self.finish();
        for _ in 0..self.random.below(40) {
            self.open();
        }
        let acts = 16 + self.ends.borrow().len() / 32;
        for _ in 0..acts {
            let Some(end) = self.any_end() else { break };
            self.shared.counters.acts.fetch_add(1, SeqCst);
            if end.is_over() {
                self.forget(&end);
            } else {
                acts::at_random(&end);
                end.finish_if_done();
            }
        }
        for traffic in self.traffic() {
            traffic.act(self);
        }
        self.servers.act(self);
    }

    /// Measures the CPU time of a second in which nothing happens.
    fn be_idle(&self, what: &str) {
        let mut stage = self.stage.get();
        match stage.step {
            // What is on its way arrives first. Limits of a rate may leave some for later.
            0 if stage.since.elapsed() > Duration::from_millis(500) => {
                let bytes = self.shared.counters.bytes.load(SeqCst);
                let is_quiet = bytes == stage.bytes;
                let rounds = stage.rounds;
                stage = Stage { rounds, bytes, ..Stage::new(stage.phase) };
                stage.rounds += 1;
                stage.step = u32::from(is_quiet || stage.rounds > 8);
            }
            1 if stage.since.elapsed() > Duration::from_secs(1) => {
                let part = (cpu_seconds() - stage.cpu) / stage.since.elapsed().as_secs_f64();
                if part > IDLE_CPU {
                    let percent = part * 100.0;
                    self.complain(&format!("{percent:.0} % of a CPU is used while {what}"));
                }
                stage.step = 2;
                self.finish();
            }
            _ => {}
        }
        self.stage.set(stage);
    }

    fn drain(&self) {
        let mut stage = self.stage.get();
        match stage.step {
            0 => {
                let bytes = self.shared.counters.bytes.load(SeqCst);
                self.servers.relax(self);
                let others: Vec<_> =
                    self.traffic().iter().flat_map(|traffic| traffic.drain()).collect();
                let left = self.end_connections();
                if left == 0 && others.is_empty() {
                    stage = Stage { step: 1, ..Stage::new(stage.phase) };
                    self.servers.shut_down();
                } else if bytes != stage.bytes {
                    (stage.bytes, stage.since) = (bytes, Instant::now());
                } else if stage.since.elapsed() > STALLED {
                    self.complain(&format!("{left} clean connections do not go on"));
                    others.iter().for_each(|other| self.complain(other));
                    for end in self.all_ends().iter().filter(|end| !end.is_over()).take(5) {
                        end.log.complain(&format!("it does not go on: {:?}", end.socket));
                    }
                    stage = Stage { step: 1, ..Stage::new(stage.phase) };
                    self.servers.shut_down();
                }
            }
            1 => {
                let is_late = stage.since.elapsed() > STALLED;
                if is_late {
                    self.complain("a server does not shut down");
                }
                if is_late || self.servers.are_shut_down() {
                    for end in self.all_ends() {
                        self.forget(&end);
                    }
                    let groups = self.groups.take();
                    self.groups.replace(groups.iter().map(|_| QObject::new()).collect());
                    drop(groups);
                    stage = Stage { step: 2, ..Stage::new(stage.phase) };
                }
            }
            2 => {
                let alive = self.alive.get();
                if alive != 0 && stage.since.elapsed() > DYING {
                    self.complain(&format!("{alive} sockets do not die"));
                    self.alive.set(0);
                } else if alive == 0 {
                    self.servers.listen(self);
                    self.finish();
                    stage.step = 3;
                }
            }
            _ => {}
        }
        self.stage.set(stage);
    }

    /// Ends some of the connections that are not clean, and lets the clean ones end. Returns how
    /// many of these are left.
    fn end_connections(&self) -> usize {
        let ends = self.all_ends();
        let mut left = 0;
        for end in &ends {
            if end.is_over() {
                self.forget(end);
            } else if end.is_connecting() {
                // The kernel may wait for many seconds before it tries again.
                end.abort();
            } else if end.must_finish() {
                left += 1;
                end.socket.relax();
                if end.reading != Reading::Task {
                    end.take_all();
                    acts::write_more(end);
                    end.finish_if_done();
                }
            } else if self.random.one_in(20) {
                acts::finish(end);
            }
        }
        left
    }
}
