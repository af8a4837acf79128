//! A poll that a simulation provides instead of the operating system's.

use std::{cell::OnceCell, fmt, io, rc::Rc, sync::Arc, time::Duration};

use mio::Token;

use super::{Dispatcher, Readiness, Registration, inbox::Inbox, poll::Sources, source::SourceKey};
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
}

/// Returns whether another thread has sent something to the loop. Every thread may call it.
pub type Woken = Arc<dyn Fn() -> bool + Send + Sync>;

/// The simulated poll of a loop, if it has one.
#[derive(Default)]
pub(super) struct Simulated(OnceCell<World>);

struct World {
    poll: Rc<dyn SimulatedPoll>,
    woken: Woken,
    clock: Rc<Clock>,
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
        let now = world.poll.poll(timeout, &world.woken, &mut report);
        world.clock.advance_to(u64::try_from(now.as_nanos()).unwrap_or(u64::MAX));
        true
    }
}

impl Dispatcher {
    /// Makes this loop wait on `poll` and take its time from there, beginning with `now`. The loop
    /// must be new: nothing has read its clock yet, and it has no sources.
    ///
    /// From then on the loop refuses to register descriptors of the operating system.
    pub fn simulate(&self, poll: Rc<dyn SimulatedPoll>, now: Duration) {
        self.clock.simulate(u64::try_from(now.as_nanos()).unwrap_or(u64::MAX));
        let inbox: Arc<Inbox> = self.inbox().clone();
        let woken: Woken = Arc::new(move || inbox.is_woken());
        let world = World { poll, woken, clock: self.clock.clone() };
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
