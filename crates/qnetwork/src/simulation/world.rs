//! The simulated world: the programs, which take turns, and the time.
//!
//! Each program has a thread. Exactly one of these threads runs at any time. It gives the turn to
//! another program when it waits in the poll of its loop or in a blocking call. If no program can
//! run, time jumps to the next event. So the order of everything follows from the seed.

use std::{
    any::Any,
    cell::OnceCell,
    cmp::Reverse,
    collections::BinaryHeap,
    fmt::{self, Write as _},
    io,
    panic::resume_unwind,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use mio::Token;
use qcore::event_loop::{Readiness, SimulatedPoll, Woken};

use super::{
    net::{Net, SocketId},
    random::Random,
};

/// A time of the world, in nanoseconds since its beginning.
pub(super) type Nanos = u64;

/// The time that one poll takes. Without it, a program that polls in a loop would stop time.
const POLL: Nanos = 1_000;

/// How often destructors may wait at the end of a world. Nothing happens there any more.
const MOST_WAITS: u32 = 1_000_000;

/// The number that means no socket.
const NO_SOCKET: SocketId = 0;

/// The thread that has called `Simulation::run`. It is not a program.
const CONTROLLER: usize = usize::MAX;

/// A simulated world, which its programs share.
pub(crate) struct World {
    state: Mutex<State>,
    /// Wakes the controller.
    controller: Condvar,
    seed: u64,
}

/// Everything that changes in a world.
pub(super) struct State {
    pub(super) now: Nanos,
    pub(super) random: Random,
    pub(super) net: Net,
    programs: Vec<Program>,
    /// The program whose turn it is.
    running: usize,
    /// Whether the world ends. Then each program unwinds as soon as it has the turn.
    ended: bool,
    /// How often destructors have waited since then.
    waits_at_end: u32,
    queue: BinaryHeap<Reverse<Scheduled>>,
    /// How many events were scheduled.
    scheduled: u64,
    /// The panic of the first program that has panicked.
    panic: Option<Box<dyn Any + Send>>,
    threads: Vec<JoinHandle<()>>,
    log: String,
}

struct Program {
    name: String,
    host: usize,
    turn: Arc<Condvar>,
    status: Status,
    /// Whether it waits while it unwinds at the end of the world.
    unwinds: bool,
    /// The sockets with events that the program has not seen.
    ready: Vec<SocketId>,
}

enum Status {
    Runs,
    Waits {
        until: Option<Nanos>,
        woken: Option<Woken>,
        /// The socket whose event ends the wait; `None` means every socket that it watches.
        socket: Option<SocketId>,
        nudged: bool,
    },
    Ended,
}

/// An event of the future.
struct Scheduled {
    at: Nanos,
    order: u64,
    event: Event,
}

/// What happens at some time.
pub(super) enum Event {
    /// The network acts.
    Net(super::net::Happening),
    /// A call, which must not wait.
    Call(Box<dyn FnOnce() + Send>),
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.order) == (other.at, other.order)
    }
}

impl Eq for Scheduled {}

impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

/// The payload with which programs unwind at the end of the world.
struct End;

thread_local! {
    // A program's first thread-local variable, so that its destructor is the last: the program
    // keeps its turn until all its objects are dropped.
    static CURRENT: OnceCell<Turn> = const { OnceCell::new() };
}

/// The program of this thread.
pub(super) struct Turn {
    pub(super) world: Arc<World>,
    pub(super) program: usize,
    pub(super) host: usize,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.world.end_program(self.program);
    }
}

/// Calls `call` with the program of this thread, if the thread is one of a simulation.
pub(super) fn with_current<V>(call: impl FnOnce(&Turn) -> V) -> Option<V> {
    CURRENT.try_with(|current| current.get().map(call)).ok().flatten()
}

impl World {
    pub(super) fn new(seed: u64) -> Arc<Self> {
        let state = State {
            now: 0,
            random: Random::new(seed),
            net: Net::default(),
            programs: Vec::new(),
            running: CONTROLLER,
            ended: false,
            waits_at_end: 0,
            queue: BinaryHeap::new(),
            scheduled: 0,
            panic: None,
            threads: Vec::new(),
            log: String::new(),
        };
        Arc::new(World { state: Mutex::new(state), controller: Condvar::new(), seed })
    }

    pub(super) fn seed(&self) -> u64 {
        self.seed
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // ---- programs

    /// Adds a program. It can run from the next turn on.
    pub(super) fn add_program(&self, name: &str, host: usize) -> usize {
        let mut state = self.lock();
        let status = Status::Waits { until: Some(0), woken: None, socket: None, nudged: true };
        let (name, turn, ready) = (name.to_owned(), Arc::default(), Vec::new());
        state.programs.push(Program { name, host, turn, status, unwinds: false, ready });
        state.programs.len() - 1
    }

    /// Runs a program in this thread, which must be new. Waits for the first turn.
    pub(super) fn run_program(self: &Arc<Self>, program: usize, host: usize, run: impl FnOnce()) {
        let turn = Turn { world: self.clone(), program, host };
        CURRENT.with(|current| drop(current.set(turn)));
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let now = self.take_turn(self.lock(), program);
            let poll = std::rc::Rc::new(ProgramPoll { world: self.clone(), program });
            qcore::Dispatcher::current().simulate(poll, Duration::from_nanos(now));
            run();
        }));
        if let Err(panic) = caught
            && !panic.is::<End>()
        {
            let mut state = self.lock();
            let name = state.programs[program].name.clone();
            state.log_line(format_args!("{name} panics"));
            state.panic.get_or_insert(panic);
        }
    }

    /// Starts a program on a host. It runs when the calling program next waits.
    pub(super) fn start(
        self: &Arc<Self>,
        builder: thread::Builder,
        host: usize,
        run: impl FnOnce() + Send + 'static,
    ) -> io::Result<JoinHandle<()>> {
        let name = self.lock().net.hosts[host].name.clone();
        let program = self.add_program(&name, host);
        let world = self.clone();
        let started = builder.spawn(move || world.clone().run_program(program, host, run));
        if started.is_err() {
            self.lock().programs[program].status = Status::Ended;
        }
        started
    }

    /// Keeps the thread of a program.
    pub(super) fn keep(&self, thread: JoinHandle<()>) {
        self.lock().threads.push(thread);
    }

    /// Passes the turn on for the last time.
    fn end_program(&self, program: usize) {
        let mut state = self.lock();
        state.programs[program].status = Status::Ended;
        state.programs[program].ready.clear();
        if state.ended || program == 0 || state.panic.is_some() {
            state.running = CONTROLLER;
            self.controller.notify_one();
        } else {
            drop(self.pass_on(state));
        }
    }

    /// Gives the first program the turn, and gets it back when that program has ended.
    pub(super) fn run_first(&self) {
        let mut state = self.lock();
        state.give_turn(0);
        while state.running != CONTROLLER {
            state = self.controller.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Ends all programs, one after another. Returns the panic of the first that has panicked.
    pub(super) fn end(&self) -> Option<Box<dyn Any + Send>> {
        let mut state = self.lock();
        state.ended = true;
        let mut last = 0;
        while let Some(program) = state.next_to_end(last) {
            last = program;
            state.give_turn(program);
            while state.running != CONTROLLER {
                state = self.controller.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
        let threads = std::mem::take(&mut state.threads);
        let panic = state.panic.take();
        state.queue.clear();
        drop(state);
        for thread in threads {
            // The panic of a program was caught.
            let _ = thread.join();
        }
        panic
    }

    // ---- turns

    /// Waits until an event ends the wait, or until the time `until`.
    pub(super) fn wait(&self, program: usize, until: Option<Nanos>, socket: Option<SocketId>) {
        self.wait_woken(program, until, socket, None);
    }

    fn wait_woken(
        &self,
        program: usize,
        until: Option<Nanos>,
        socket: Option<SocketId>,
        woken: Option<Woken>,
    ) -> Nanos {
        let mut state = self.lock();
        state.now = state.now.saturating_add(POLL);
        if state.ended {
            // A destructor waits while the program unwinds, maybe for the end of another program.
            state.now = state.now.max(until.unwrap_or(0));
            state.waits_at_end += 1;
            if state.waits_at_end > MOST_WAITS {
                eprintln!("a destructor waits for ever at the end of a simulation");
                std::process::abort();
            }
            state.programs[program].unwinds = true;
            state.running = CONTROLLER;
            self.controller.notify_one();
        } else {
            state.programs[program].status = Status::Waits { until, woken, socket, nudged: false };
            state.collect_closed();
            state = self.pass_on(state);
        }
        self.take_turn(state, program)
    }

    fn take_turn(&self, mut state: MutexGuard<'_, State>, program: usize) -> Nanos {
        let turn = state.programs[program].turn.clone();
        while state.running != program {
            state = turn.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.programs[program].status = Status::Runs;
        let now = state.now;
        if (state.ended || state.panic.is_some()) && !thread::panicking() {
            drop(state);
            resume_unwind(Box::new(End));
        }
        now
    }

    /// Gives the turn to the next program that can run.
    fn pass_on<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        loop {
            state = self.run_due(state);
            let able: Vec<usize> =
                (0..state.programs.len()).filter(|&p| state.is_able(p)).collect();
            if !able.is_empty() {
                let chosen = match able.len() {
                    1 => 0,
                    several => state.random.below(several as u64) as usize,
                };
                state.give_turn(able[chosen]);
                return state;
            }
            match state.next_time() {
                Some(at) => state.now = state.now.max(at),
                None => {
                    // Nothing can ever happen. The first program reports that.
                    state.log_line(format_args!("nothing can happen any more"));
                    let names: Vec<&str> = state
                        .programs
                        .iter()
                        .filter(|program| !matches!(program.status, Status::Ended))
                        .map(|program| &*program.name)
                        .collect();
                    let text = format!(
                        "the simulation stands still: {} wait for events that cannot come",
                        names.join(", ")
                    );
                    eprintln!("{text}");
                    state.panic.get_or_insert(Box::new(text));
                    state.running = CONTROLLER;
                    let able =
                        state.programs.iter().position(|p| !matches!(p.status, Status::Ended));
                    match able {
                        Some(able) => state.give_turn(able),
                        None => self.controller.notify_one(),
                    }
                    return state;
                }
            }
        }
    }

    /// Lets the events happen that are due.
    fn run_due<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        while state.queue.peek().is_some_and(|Reverse(first)| first.at <= state.now) {
            let Some(Reverse(first)) = state.queue.pop() else { break };
            match first.event {
                Event::Net(happening) => state.happen(happening),
                Event::Call(call) => {
                    // It may send something to a loop, so nothing is locked.
                    drop(state);
                    call();
                    state = self.lock();
                }
            }
        }
        state
    }

    /// Lets a program wait for a time.
    pub(super) fn sleep(&self, program: usize, time: Duration) {
        let until = self.lock().now.saturating_add(nanos(time));
        // No event of a socket ends the wait.
        self.wait(program, Some(until), Some(NO_SOCKET));
    }

    pub(super) fn take_log(&self) -> String {
        std::mem::take(&mut self.lock().log)
    }
}

impl State {
    fn is_able(&self, program: usize) -> bool {
        let program = &self.programs[program];
        if self.net.hosts[program.host].frozen_until > self.now {
            return false;
        }
        match &program.status {
            Status::Runs | Status::Ended => false,
            Status::Waits { until, woken, socket, nudged } => {
                *nudged
                    || until.is_some_and(|until| until <= self.now)
                    || (socket.is_none() && !program.ready.is_empty())
                    || woken.as_ref().is_some_and(|woken| woken())
            }
        }
    }

    /// Returns the program that ends next: one that has not begun to, or else the first after
    /// `last` that waits while it unwinds.
    fn next_to_end(&self, last: usize) -> Option<usize> {
        let count = self.programs.len();
        let mut left = (last + 1..=last + count)
            .map(|program| program % count.max(1))
            .filter(|program| !matches!(self.programs[*program].status, Status::Ended));
        let fresh = (0..count).find(|program| {
            let program = &self.programs[*program];
            !program.unwinds && !matches!(program.status, Status::Ended)
        });
        fresh.or_else(|| left.next())
    }

    fn next_time(&self) -> Option<Nanos> {
        let events = self.queue.peek().map(|Reverse(first)| first.at);
        let waits = self.programs.iter().filter_map(|program| match program.status {
            Status::Ended | Status::Runs => None,
            Status::Waits { until, .. } => match self.net.hosts[program.host].frozen_until {
                frozen if frozen > self.now => Some(frozen),
                _ => until,
            },
        });
        waits.chain(events).min()
    }

    fn give_turn(&mut self, program: usize) {
        // A program that gives the turn to itself does not wait for it.
        if std::mem::replace(&mut self.running, program) != program {
            self.programs[program].turn.notify_one();
        }
    }

    /// Notes that a socket has an event.
    pub(super) fn notify(&mut self, socket: SocketId, watcher: Option<usize>) {
        if let Some(watcher) = watcher {
            self.programs[watcher].ready.push(socket);
        }
        for program in &mut self.programs {
            if let Status::Waits { socket: Some(awaited), nudged, .. } = &mut program.status
                && *awaited == socket
            {
                *nudged = true;
            }
        }
    }

    pub(super) fn schedule(&mut self, at: Nanos, event: Event) {
        let order = self.scheduled;
        self.scheduled += 1;
        self.queue.push(Reverse(Scheduled { at, order, event }));
    }

    /// Adds a line to the log.
    pub(super) fn log_line(&mut self, line: fmt::Arguments<'_>) {
        let (seconds, nanos) = (self.now / 1_000_000_000, self.now % 1_000_000_000);
        // Writing to a string does not fail.
        let _ = writeln!(self.log, "{seconds}.{nanos:09} {line}");
    }
}

/// The poll of a program's loop.
struct ProgramPoll {
    world: Arc<World>,
    program: usize,
}

impl SimulatedPoll for ProgramPoll {
    fn poll(
        &self,
        timeout: Option<Duration>,
        woken: &Woken,
        report: &mut dyn FnMut(Token, Readiness),
    ) -> Duration {
        let until = timeout.map(|timeout| self.world.lock().now.saturating_add(nanos(timeout)));
        let now = self.world.wait_woken(self.program, until, None, Some(woken.clone()));
        let mut state = self.world.lock();
        let ready = std::mem::take(&mut state.programs[self.program].ready);
        let reports: Vec<_> = ready
            .into_iter()
            .filter_map(|socket| state.net.take_event(socket, self.program))
            .collect();
        drop(state);
        for (token, readiness) in reports {
            report(token, readiness);
        }
        Duration::from_nanos(now)
    }

    fn sleep(&self, time: Duration) -> Duration {
        self.world.sleep(self.program, time);
        Duration::from_nanos(self.world.lock().now)
    }

    fn spawn(
        &self,
        builder: thread::Builder,
        run: Box<dyn FnOnce() + Send>,
    ) -> io::Result<JoinHandle<()>> {
        let host = self.world.lock().programs[self.program].host;
        self.world.start(builder, host, run)
    }
}

pub(super) fn nanos(time: Duration) -> Nanos {
    Nanos::try_from(time.as_nanos()).unwrap_or(Nanos::MAX)
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("seed", &self.seed).finish_non_exhaustive()
    }
}
