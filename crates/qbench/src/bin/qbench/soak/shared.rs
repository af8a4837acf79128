//! What the threads of a soak share.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
};

use qcore::MessageType;
use qnetwork::CloseReason;

use super::random::quota;

/// What the threads do. The main thread decides it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// They make connections and use them.
    Busy,
    /// They leave all connections as they are.
    Still,
    /// They end all connections.
    Draining,
    /// They have no connection. Their servers listen.
    Empty,
    /// They end.
    Over,
}

impl Phase {
    fn of(number: u8) -> Self {
        [Self::Busy, Self::Still, Self::Draining, Self::Empty, Self::Over][usize::from(number)]
    }
}

/// How a client reaches a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Tcp,
    Tls,
    Local,
    /// TCP between two ends that are tasks.
    Tasks,
    /// TCP, through a server that passes everything on to another one.
    Relayed,
    Socks5,
    Http,
}

impl Kind {
    /// Returns how many descriptors a connection has, with those of a relay.
    pub(super) fn descriptors(self) -> usize {
        match self {
            Self::Tcp | Self::Tls | Self::Local | Self::Tasks => 2,
            Self::Relayed | Self::Socks5 | Self::Http => 4,
        }
    }

    /// Returns whether something between the two ends has a connection to each of them.
    pub(super) fn is_indirect(self) -> bool {
        self.descriptors() > 2
    }
}

/// A server that clients can connect to.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) kind: Kind,
    pub(super) thread: usize,
    /// The port of the server, or of the relay or proxy in front of it.
    pub(super) port: u16,
    /// The port behind the proxy.
    pub(super) behind: u16,
    /// The name of a local server.
    pub(super) name: String,
}

/// What one end of a connection knows when the connection has ended.
#[derive(Clone, Debug)]
pub(super) struct Report {
    pub(super) id: u64,
    pub(super) peer: Option<u64>,
    pub(super) kind: Kind,
    pub(super) is_clean: bool,
    /// How many bytes the end has received and written, with the headers.
    pub(super) received: u64,
    pub(super) written: u64,
    #[expect(dead_code, reason = "messages print it")]
    pub(super) reason: CloseReason,
    /// The end has seen the end of the stream.
    pub(super) saw_end: bool,
    /// This program has ended the connection here, and may have dropped received bytes.
    pub(super) ended_here: bool,
    /// The end has closed its half such that all bytes are sent.
    pub(super) sent_all: bool,
    /// The end may reset the connection when it closes, or drop unsent bytes.
    pub(super) cuts: bool,
    #[expect(dead_code, reason = "messages print it")]
    pub(super) acts: Vec<&'static str>,
}

/// Counters for the progress display and the summary.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) opened: AtomicU64,
    pub(super) bytes: AtomicU64,
    pub(super) acts: AtomicU64,
    pub(super) datagrams: AtomicU64,
    pub(super) received_datagrams: AtomicU64,
    pub(super) pairs: AtomicU64,
    pub(super) whole: AtomicU64,
    /// Connections of the client that keeps to no protocol.
    pub(super) disturbances: AtomicU64,
    /// Ends whose peer has sent no header of this program.
    pub(super) strangers: AtomicU64,
    pub(super) handed_over: AtomicU64,
    pub(super) shutdowns: AtomicU64,
    /// Lines that have come back to a link.
    pub(super) lines: AtomicU64,
    /// How often the library has warned, by text.
    pub(super) warnings: Mutex<BTreeMap<String, u64>>,
    /// Ends that live now.
    pub(super) alive: AtomicU64,
    /// How many connections have ended, by reason.
    pub(super) reasons: Mutex<BTreeMap<String, u64>>,
}

/// The state of one thread, for the main thread and the watchdog.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    pub(super) beats: AtomicU64,
    /// The end that has acted last, its kind, and its latest acts.
    latest: Mutex<Option<(u64, Kind, [u8; 8])>>,
    /// The phase that the thread has finished.
    pub(super) done: AtomicU8,
}

impl Pulse {
    /// Notes which end acts.
    pub(super) fn note(&self, end: u64, kind: Kind, acts: [u8; 8]) {
        *lock(&self.latest) = Some((end, kind, acts));
    }

    /// Returns which end has acted last, and its latest acts.
    pub(super) fn latest(&self) -> Option<(u64, Kind, [u8; 8])> {
        *lock(&self.latest)
    }
}

#[derive(Default)]
struct Ended {
    reports: HashMap<u64, Report>,
    /// The end that has received bytes of this end.
    by_peer: HashMap<u64, u64>,
}

pub(super) struct Shared {
    pub(super) seed: u64,
    pub(super) counters: Counters,
    pub(super) pulses: Vec<Pulse>,
    room: AtomicUsize,
    phase: AtomicU8,
    ids: AtomicU64,
    targets: Mutex<Vec<Target>>,
    ended: Mutex<Ended>,
    violations: Mutex<Vec<String>>,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn new(seed: u64, threads: usize, room: usize) -> Self {
        Shared {
            seed,
            counters: Counters::default(),
            pulses: (0..threads).map(|_| Pulse::default()).collect(),
            room: AtomicUsize::new(room),
            phase: AtomicU8::new(Phase::Over as u8),
            ids: AtomicU64::new(1),
            targets: Mutex::default(),
            ended: Mutex::default(),
            violations: Mutex::default(),
        }
    }

    pub(super) fn phase(&self) -> Phase {
        Phase::of(self.phase.load(SeqCst))
    }

    pub(super) fn set_phase(&self, phase: Phase) {
        for pulse in &self.pulses {
            pulse.done.store(u8::MAX, SeqCst);
        }
        self.phase.store(phase as u8, SeqCst);
    }

    /// Returns whether the threads run their drivers.
    pub(super) fn is_running(&self) -> bool {
        self.phase() != Phase::Over
    }

    /// Returns how many descriptors the connections may have together.
    pub(super) fn room(&self) -> usize {
        self.room.load(SeqCst)
    }

    pub(super) fn set_room(&self, room: usize) {
        self.room.store(room, SeqCst);
    }

    pub(super) fn new_id(&self) -> u64 {
        self.ids.fetch_add(1, SeqCst)
    }

    // ---- targets

    pub(super) fn targets(&self) -> MutexGuard<'_, Vec<Target>> {
        lock(&self.targets)
    }

    /// Replaces the target of this kind in this thread.
    pub(super) fn publish(&self, target: Target) {
        let mut targets = self.targets();
        targets.retain(|old| (old.kind, old.thread) != (target.kind, target.thread));
        targets.push(target);
    }

    // ---- violations

    /// Something has happened that must not.
    pub(super) fn complain(&self, what: String) {
        let mut violations = lock(&self.violations);
        if violations.len() < 100 {
            eprintln!("soak: {what}");
        }
        violations.push(what);
    }

    /// The library gives a message. Ends at random cause warnings, which are counted only.
    pub(super) fn warn(&self, kind: MessageType, text: &str) {
        if kind != MessageType::Warning {
            self.complain(text.to_owned());
        }
        *lock(&self.counters.warnings).entry(text.to_owned()).or_default() += 1;
    }

    pub(super) fn violations(&self) -> usize {
        lock(&self.violations).len()
    }

    // ---- ends of connections

    /// Compares what the two ends of a connection say of it, once both have ended.
    pub(super) fn report(&self, report: Report) {
        let found = {
            let mut ended = lock(&self.ended);
            let its = report.peer.filter(|peer| *peer != report.id);
            let by_peer = ended.by_peer.remove(&report.id);
            let other = its.or(by_peer).and_then(|peer| ended.reports.remove(&peer));
            if other.is_none() {
                if let Some(peer) = report.peer {
                    ended.by_peer.insert(peer, report.id);
                }
                ended.reports.insert(report.id, report.clone());
            }
            other
        };
        if let Some(other) = found {
            self.counters.pairs.fetch_add(1, SeqCst);
            self.compare(&report, &other);
            self.compare(&other, &report);
        }
    }

    /// Forgets the ends whose other end has never received a byte of theirs.
    pub(super) fn forget_reports(&self) {
        *lock(&self.ended) = Ended::default();
    }

    fn compare(&self, receiver: &Report, sender: &Report) {
        if receiver.peer != Some(sender.id) {
            return;
        }
        let complain = |what: &str| {
            self.complain(format!("{what}: {receiver:?}, {sender:?}"));
        };
        if receiver.received > sender.written {
            complain("more bytes than were sent");
        }
        // A relay cuts both connections when one fails.
        let is_reliable = !receiver.kind.is_indirect() || (receiver.is_clean && sender.is_clean);
        let ended_well = receiver.saw_end && !receiver.ended_here;
        let wrote_all = sender.sent_all && !sender.cuts && !receiver.cuts;
        if is_reliable && ended_well && wrote_all {
            self.counters.whole.fetch_add(1, SeqCst);
            if receiver.received != sender.written {
                complain("bytes are missing");
            }
        }
        // The clean end that has everything closes, and nobody else does.
        let is_undisturbed = receiver.is_clean && sender.is_clean && !sender.cuts && !receiver.cuts;
        if is_undisturbed && sender.ended_here && receiver.received != quota(sender.id) {
            complain("a clean end has not got all");
        }
    }
}
