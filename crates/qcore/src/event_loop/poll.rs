//! The poll: waits for events of the operating system.

use std::{
    cell::{Cell, OnceCell, RefCell},
    collections::VecDeque,
    io,
    rc::{Rc, Weak},
    sync::Arc,
    time::{Duration, Instant},
};

use mio::{Events, Interest, Poll, Registry, Waker, event};
use slab::Slab;

use super::{
    inbox::{Inbox, Message},
    source::{EventSource, Readiness, SourceEntry, SourceKey, WAKER},
};
use crate::time::Clock;

/// The maximum number of events that one call of the poll returns.
const EVENTS: usize = 1024;
/// A queue with at most this many keys is not searched for keys of removed sources.
const FEW: usize = 64;
/// The longest wait if the poll cannot be created for lack of file descriptors.
const WITHOUT_POLL: Duration = Duration::from_millis(10);
/// The shortest time between two warnings that the poll has failed.
const COMPLAINT: Duration = Duration::from_secs(60);

/// The poll, the table of sources, and the queue of ready sources.
#[derive(Default)]
pub(super) struct Sources {
    system: RefCell<Option<System>>,
    /// The poll. It is taken out while the loop waits.
    poll: Cell<Option<Box<Polling>>>,
    /// When the last warning about a failed poll was logged.
    complained: Cell<Option<Instant>>,
    /// The queue of what other threads send. It may be older than the poll.
    inbox: OnceCell<Arc<Inbox>>,
    /// Whether the poll has reported the waker since the last call of
    /// [`take_woken`](Sources::take_woken).
    woken: Cell<bool>,
    table: RefCell<Slab<SourceEntry>>,
    generation: Cell<u32>,
    ready: RefCell<VecDeque<SourceKey>>,
    #[cfg(feature = "simulation")]
    pub(super) simulated: super::simulated::Simulated,
}

/// The resources that the loop gets from the operating system. The loop creates all of them
/// together at first use. If one of them fails, the loop releases the others and tries again at the
/// next use.
#[derive(Clone)]
struct System {
    /// A second handle to the poll. mio writes to the log when it registers a source, and a logger
    /// may itself register a source or run the loop. This handle works without borrowing the poll.
    registry: Rc<Registry>,
}

struct Polling {
    poll: Poll,
    events: Events,
}

impl Sources {
    // ---- the table

    pub(super) fn add(&self, source: Weak<dyn EventSource>) -> SourceKey {
        // Generation 0 belongs to the waker.
        let generation = self.generation.get().checked_add(1).unwrap_or(1);
        self.generation.set(generation);
        let entry = SourceEntry { generation, source, ready: Readiness::empty(), queued: false };
        SourceKey::new(self.table.borrow_mut().insert(entry), generation)
    }

    pub(super) fn remove(&self, key: SourceKey) {
        let mut table = self.table.borrow_mut();
        if table.get(key.index()).is_some_and(|entry| entry.generation == key.generation) {
            table.remove(key.index());
        }
    }

    /// Returns a source, if it still exists.
    pub(super) fn source(&self, key: SourceKey) -> Option<Rc<dyn EventSource>> {
        let table = self.table.borrow();
        let entry = table.get(key.index()).filter(|entry| entry.generation == key.generation)?;
        entry.source.upgrade()
    }

    // ---- readiness

    pub(super) fn make_ready(&self, key: SourceKey, ready: Readiness) {
        let mut table = self.table.borrow_mut();
        // An event may arrive after its source was removed.
        let Some(entry) = table.get_mut(key.index()) else { return };
        if entry.generation != key.generation {
            return;
        }
        entry.ready |= ready;
        if !std::mem::replace(&mut entry.queued, true) {
            let mut queue = self.ready.borrow_mut();
            if queue.len() > FEW {
                sweep(&mut queue, &table);
            }
            queue.push_back(key);
        }
    }

    /// Removes the keys of removed sources if they are the majority of `queue`. Otherwise they
    /// would accumulate without end in a thread whose loop never runs.
    #[inline]
    pub(super) fn sweep(&self, queue: &mut VecDeque<SourceKey>) {
        if queue.len() > FEW {
            sweep(queue, &self.table.borrow());
        }
    }

    /// Sorts the ready sources by the order in which they were added, regardless of the order of
    /// their events. In Qt, too, notifiers keep their order from one turn to the next.
    fn sort_ready(&self) {
        let mut queue = self.ready.borrow_mut();
        if queue.len() > 1 {
            queue.make_contiguous().sort_unstable_by_key(|key| key.generation);
        }
    }

    pub(super) fn ready_count(&self) -> usize {
        self.ready.borrow().len()
    }

    /// Takes the next ready source from the queue. Returns it with what it is ready for, or `None`
    /// if the queue is empty or the source does not exist any more.
    pub(super) fn pop_ready(&self) -> Option<(Rc<dyn EventSource>, Readiness)> {
        let key = self.ready.borrow_mut().pop_front()?;
        let mut table = self.table.borrow_mut();
        let entry =
            table.get_mut(key.index()).filter(|entry| entry.generation == key.generation)?;
        entry.queued = false;
        let ready = std::mem::take(&mut entry.ready);
        Some((entry.source.upgrade()?, ready))
    }

    /// Takes what one source is ready for, ahead of the queue. The source keeps its position in the
    /// queue. Returns `None` if the source was removed.
    pub(super) fn take_ahead(&self, key: SourceKey) -> Option<Readiness> {
        let mut table = self.table.borrow_mut();
        let entry =
            table.get_mut(key.index()).filter(|entry| entry.generation == key.generation)?;
        Some(std::mem::take(&mut entry.ready))
    }

    pub(super) fn is_ready(&self, key: SourceKey) -> bool {
        let table = self.table.borrow();
        let entry = table.get(key.index()).filter(|entry| entry.generation == key.generation);
        entry.is_some_and(|entry| !entry.ready.is_empty())
    }

    // ---- the poll

    fn system(&self) -> io::Result<System> {
        if let Some(system) = &*self.system.borrow() {
            return Ok(system.clone());
        }
        let poll = Poll::new()?;
        let registry = Rc::new(poll.registry().try_clone()?);
        self.inbox().set_waker(Waker::new(&registry, WAKER.token())?);
        let system = System { registry };
        let events = Events::with_capacity(EVENTS);
        self.poll.set(Some(Box::new(Polling { poll, events })));
        *self.system.borrow_mut() = Some(system.clone());
        Ok(system)
    }

    pub(super) fn register(
        &self,
        io: &mut dyn event::Source,
        key: SourceKey,
        interest: Interest,
    ) -> io::Result<()> {
        #[cfg(feature = "simulation")]
        if self.simulated.is_set() {
            return Err(super::simulated::refusal());
        }
        self.system()?.registry.register(io, key.token(), interest)
    }

    pub(super) fn reregister(
        &self,
        io: &mut dyn event::Source,
        key: SourceKey,
        interest: Interest,
    ) -> io::Result<()> {
        self.system()?.registry.reregister(io, key.token(), interest)
    }

    pub(super) fn deregister(&self, io: &mut dyn event::Source) {
        let system = self.system.borrow().clone();
        if let Some(Err(error)) = system.map(|system| system.registry.deregister(io)) {
            log::debug!("cannot deregister a descriptor: {error}");
        }
    }

    /// Waits for events and marks their sources as ready. Without a time-out it waits for ever.
    /// Other threads do not end the wait.
    pub(super) fn wait(&self, timeout: Option<Duration>) {
        self.wait_with(timeout, false);
    }

    /// Waits as [`wait`](Self::wait) does, and what another thread sends ends the wait.
    pub(super) fn wait_for_all(&self, timeout: Option<Duration>) {
        self.wait_with(timeout, true);
    }

    fn wait_with(&self, timeout: Option<Duration>, for_threads: bool) {
        let queued = self.ready_count();
        #[cfg(feature = "simulation")]
        if self.wait_simulated(timeout) {
            if self.ready_count() > queued {
                self.sort_ready();
            }
            return;
        }
        if timeout == Some(Duration::ZERO) && self.table.borrow().is_empty() {
            // The poll has nothing to report. What other threads send is in the inbox, which tells
            // by itself that it is not empty.
            return;
        }
        let waited = self.poll(timeout, for_threads);
        if self.ready_count() > queued {
            self.sort_ready();
        }
        match waited {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                self.complain(&error);
                // Timers and posted calls continue. The next turn tries again.
                std::thread::sleep(
                    timeout.map_or(WITHOUT_POLL, |timeout| timeout.min(WITHOUT_POLL)),
                );
            }
            _ => {}
        }
    }

    fn poll(&self, timeout: Option<Duration>, for_threads: bool) -> io::Result<()> {
        let polling = match self.poll.take() {
            Some(polling) => Some(polling),
            None => {
                self.ensure_poll()?;
                self.poll.take()
            }
        };
        let Some(mut polling) = polling else {
            // An outer call is waiting with the poll.
            return Ok(());
        };
        let inbox = if for_threads { self.inbox.get() } else { None };
        let waits = inbox.is_some_and(|inbox| inbox.begin_wait());
        let timeout = if inbox.is_some() && !waits { Some(Duration::ZERO) } else { timeout };
        let polled = polling.poll.poll(&mut polling.events, timeout.map(whole_millis));
        if let Some(inbox) = inbox.filter(|_| waits) {
            inbox.end_wait();
        }
        if polled.is_ok() {
            for event in polling.events.iter() {
                let key = SourceKey::from_token(event.token());
                if key == WAKER {
                    self.woken.set(true);
                } else {
                    self.make_ready(key, Readiness::of(event));
                }
            }
        }
        self.poll.set(Some(polling));
        polled
    }

    /// Creates the poll if there is none yet.
    #[cold]
    pub(super) fn ensure_poll(&self) -> io::Result<()> {
        #[cfg(feature = "simulation")]
        if self.simulated.is_set() {
            return Ok(());
        }
        self.system().map(drop)
    }

    /// Logs a warning, but not in every turn while the error lasts.
    fn complain(&self, error: &io::Error) {
        let now = Instant::now();
        let lately = self.complained.get().is_some_and(|then| now - then < COMPLAINT);
        if !lately {
            self.complained.set(Some(now));
            crate::q_warning!("cannot wait for events: {error}");
        }
    }

    /// Returns whether the loop itself moves its clock, which stands still while the loop waits. A
    /// simulated poll moves the clock of its loop.
    pub(super) fn moves(&self, clock: &Clock) -> bool {
        #[cfg(feature = "simulation")]
        if self.simulated.is_set() {
            return false;
        }
        clock.is_virtual()
    }

    // ---- other threads

    pub(super) fn inbox(&self) -> &Arc<Inbox> {
        self.inbox.get_or_init(Inbox::new)
    }

    #[inline]
    pub(super) fn existing_inbox(&self) -> Option<&Arc<Inbox>> {
        self.inbox.get()
    }

    /// Makes this loop take the messages of `inbox`. Returns whether it had no inbox yet.
    pub(super) fn adopt(&self, inbox: Arc<Inbox>) -> bool {
        self.inbox.set(inbox).is_ok()
    }

    /// Returns whether a poll has reported the waker, and nobody has taken the messages since.
    #[cfg(feature = "simulation")]
    pub(super) fn has_woken(&self) -> bool {
        self.woken.get()
    }

    /// Notes that a poll has reported the waker.
    #[cfg(feature = "simulation")]
    pub(super) fn set_woken(&self) {
        self.woken.set(true);
    }

    /// Returns whether the inbox may contain messages.
    #[inline]
    pub(super) fn is_woken(&self) -> bool {
        self.inbox.get().is_some_and(|inbox| self.woken.get() || inbox.is_woken())
    }

    /// Returns the inbox if it may contain messages.
    #[inline]
    pub(super) fn take_woken(&self) -> Option<&Arc<Inbox>> {
        let inbox = self.inbox.get()?;
        let woken = self.woken.replace(false) || inbox.is_woken();
        woken.then_some(inbox)
    }

    /// Closes the inbox. Returns its messages, for the caller to drop.
    pub(super) fn close(&self) -> Vec<Message> {
        self.inbox.get().map_or_else(Vec::new, |inbox| inbox.close())
    }
}

/// Rounds a time-out up to whole milliseconds. The poll would round it down, and the loop would
/// wake up before its timer is due.
fn whole_millis(timeout: Duration) -> Duration {
    match timeout.subsec_nanos() % 1_000_000 {
        0 => timeout,
        part => timeout.saturating_add(Duration::from_nanos(u64::from(1_000_000 - part))),
    }
}

/// Removes the keys of removed sources from a queue if they must be the majority: an existing
/// source is in the queue only once.
#[cold]
#[inline(never)]
fn sweep(queue: &mut VecDeque<SourceKey>, table: &Slab<SourceEntry>) {
    if queue.len() > 2 * table.len() {
        queue.retain(|key| {
            table.get(key.index()).is_some_and(|entry| entry.generation == key.generation)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A source that does not exist.
    enum Gone {}

    impl EventSource for Gone {
        fn ready(self: Rc<Self>, _: Readiness) {}
    }

    #[test]
    fn a_thread_whose_loop_never_runs_gathers_nothing() {
        let sources = Sources::default();
        let nobody = || Weak::<Gone>::new() as Weak<dyn EventSource>;
        let lasting = sources.add(nobody());
        let mut writers = VecDeque::new();
        for _ in 0..10_000 {
            // One source gets ready again and again, and others are added and removed.
            sources.make_ready(lasting, Readiness::READABLE);
            assert_eq!(sources.take_ahead(lasting), Some(Readiness::READABLE));
            let passing = sources.add(nobody());
            sources.make_ready(passing, Readiness::WRITABLE);
            sources.sweep(&mut writers);
            writers.push_back(passing);
            sources.remove(passing);
            assert_eq!(sources.take_ahead(passing), None);
        }
        assert!(sources.ready_count() < 100 && writers.len() < 100);
        assert!(sources.ready.borrow().contains(&lasting));
    }

    #[test]
    fn a_loop_without_sources_polls_only_to_wait() {
        let sources = Sources::default();
        sources.wait(Some(Duration::ZERO));
        sources.wait_for_all(Some(Duration::ZERO));
        assert!(sources.system.borrow().is_none());

        sources.add(Weak::<Gone>::new() as Weak<dyn EventSource>);
        sources.wait(Some(Duration::ZERO));
        assert!(sources.system.borrow().is_some());
    }

    #[test]
    fn time_outs_round_up() {
        assert_eq!(whole_millis(Duration::ZERO), Duration::ZERO);
        assert_eq!(whole_millis(Duration::from_nanos(1)), Duration::from_millis(1));
        assert_eq!(whole_millis(Duration::from_millis(3)), Duration::from_millis(3));
        assert_eq!(whole_millis(Duration::from_micros(3001)), Duration::from_millis(4));
    }
}
