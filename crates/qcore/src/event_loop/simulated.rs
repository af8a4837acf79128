//! A poll that a simulation provides instead of the operating system's.

use std::{
    cell::OnceCell,
    fmt, io,
    rc::Rc,
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use mio::Token;

use super::{Dispatcher, Readiness, Registration, poll::Sources, source::SourceKey};
use crate::time::Clock;

/// The poll of a simulated world. The simulated network of the crate `qnetwork` implements it.
///
/// This trait is an interface between the crates of this workspace, and may change in any release.
pub trait SimulatedPoll {
    /// Waits until a source is ready, until `woken` returns `true`, or until `timeout` has passed.
    /// Without a time-out it waits for ever. Passes each ready source to `report`.
    ///
    /// Returns the time of the simulated world after the wait. It never goes back.
    fn poll(
        &self,
        timeout: Option<Duration>,
        woken: &Woken,
        report: &mut dyn FnMut(Token, Readiness),
    ) -> Duration;

    /// Waits for a time. Returns the time of the simulated world after that.
    fn sleep(&self, time: Duration) -> Duration;

    /// Starts a thread that belongs to the simulated world, too.
    ///
    /// # Errors
    ///
    /// The error of the operating system.
    fn spawn(
        &self,
        builder: thread::Builder,
        run: Box<dyn FnOnce() + Send>,
    ) -> io::Result<JoinHandle<()>>;
}

/// How often a blocking call checks whether it has to block any longer.
const PAUSE: Duration = Duration::from_micros(100);

/// Returns whether another thread has sent something to the loop. Every thread may call it.
pub type Woken = Arc<dyn Fn() -> bool + Send + Sync>;

/// The simulated poll of a loop, if it has one.
#[derive(Default)]
pub(super) struct Simulated(OnceCell<World>);

struct World {
    poll: Rc<dyn SimulatedPoll>,
    clock: Rc<Clock>,
}

impl World {
    fn set_time(&self, now: Duration) {
        self.clock.advance_to(nanos(now));
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl Simulated {
    pub(super) fn is_set(&self) -> bool {
        self.0.get().is_some()
    }
}

impl Sources {
    /// Waits on the simulated poll. Returns `false` if there is none.
    pub(super) fn wait_simulated(&self, timeout: Option<Duration>) -> bool {
        let Some(world) = self.simulated.0.get() else { return false };
        let mut report = |token, ready| self.make_ready(SourceKey::from_token(token), ready);
        // Like the waker of a real poll, an inbox ends one wait, even if nobody takes the messages
        // afterwards. Its own thread makes the inbox, so there is no other later in this wait.
        let inbox = self.existing_inbox().filter(|_| !self.has_woken()).cloned();
        let woken: Woken = Arc::new(move || inbox.as_ref().is_some_and(|inbox| inbox.is_woken()));
        let now = world.poll.poll(timeout, &woken, &mut report);
        if woken() {
            self.set_woken();
        }
        world.set_time(now);
        true
    }
}

impl Dispatcher {
    /// Makes this loop wait on `poll` and take its time from there, beginning with `now`. The loop
    /// must be new: nothing has read its clock yet, and it has no sources.
    ///
    /// From then on the loop refuses to register descriptors of the operating system.
    pub fn simulate(&self, poll: Rc<dyn SimulatedPoll>, now: Duration) {
        self.clock.simulate(nanos(now));
        let world = World { poll, clock: self.clock.clone() };
        let is_new = self.sources.simulated.0.set(world).is_ok();
        debug_assert!(is_new, "the loop is simulated already");
    }

    /// Returns whether the loop waits on a simulated poll.
    #[must_use]
    pub fn is_simulated(&self) -> bool {
        self.sources.simulated.is_set()
    }
}

impl Registration {
    /// Returns the token of the source, under which a simulated poll reports it.
    #[must_use]
    pub fn token(&self) -> Token {
        self.key().token()
    }
}

/// Calls `call` with the simulated world of this thread, if it belongs to one.
fn with_world<V>(call: impl FnOnce(&World) -> V) -> Option<V> {
    let dispatcher = Dispatcher::existing()?;
    dispatcher.sources.simulated.0.get().map(call)
}

/// Lets simulated time pass. Returns `false` if this thread belongs to no simulated world.
pub(crate) fn sleep(time: Duration) -> bool {
    with_world(|world| world.set_time(world.poll.sleep(time))).is_some()
}

/// Blocks until `condition` is true, at most for `limit` of simulated time. Returns whether it is
/// true; `None` if this thread belongs to no simulated world.
pub(crate) fn wait_until(limit: Option<Duration>, condition: impl Fn() -> bool) -> Option<bool> {
    with_world(|world| {
        let end = limit.map(|limit| world.clock.now().saturating_add(nanos(limit)));
        while !condition() {
            if end.is_some_and(|end| end <= world.clock.now()) {
                return false;
            }
            world.set_time(world.poll.sleep(PAUSE));
        }
        true
    })
}

/// Starts a thread, which belongs to the simulated world of this thread if there is one.
pub(crate) fn spawn(
    builder: thread::Builder,
    run: impl FnOnce() + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let mut run = Some(run);
    let spawned = with_world(|world| {
        let run = run.take().expect("called once");
        (world.poll.clone(), Box::new(run))
    });
    match (spawned, run) {
        // Nothing is borrowed while the thread starts.
        (Some((poll, run)), _) => poll.spawn(builder, run),
        (None, Some(run)) => builder.spawn(run),
        (None, None) => unreachable!("the call is there unless the world has it"),
    }
}

/// The error for a descriptor that a simulated loop cannot watch.
pub(super) fn refusal() -> io::Error {
    let text = "a simulated event loop cannot watch descriptors of the operating system";
    io::Error::new(io::ErrorKind::Unsupported, text)
}

impl fmt::Debug for Simulated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Simulated").field(&self.is_set()).finish()
    }
}
