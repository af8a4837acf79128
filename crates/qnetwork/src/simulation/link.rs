//! Links between hosts: how long packets take, and which are lost.

use std::{collections::BTreeMap, time::Duration};

use super::{
    net::{Happening, SocketId},
    tcp::Segment,
    world::{Event, Nanos, State, nanos},
};

/// The time after which TCP first repeats a segment. The time doubles with each repetition.
const FIRST_REPEAT: Nanos = 200_000_000;
/// How often a lost segment is repeated at most.
const REPEATS: u32 = 8;
/// After this time without an answer a connection ends with a time-out, as on Linux.
const PATIENCE: Nanos = 924_000_000_000;
/// The longest time that a packet or a look-up takes: more than a hundred years.
pub(super) const LONGEST: Nanos = Nanos::MAX / 4;

/// The properties of a link between two hosts, the same in both directions.
///
/// By default a packet takes 0.1 ms and none is lost. Each property has a function that changes it.
///
/// ```
/// use std::time::Duration;
/// use qnetwork::simulation::Link;
///
/// let mobile = Link::new().latency(Duration::from_millis(40)).loss(0.01).bandwidth(200_000);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Link {
    latency: Duration,
    jitter: Duration,
    bandwidth: Option<u64>,
    loss: f64,
    duplicates: f64,
}

impl Default for Link {
    fn default() -> Self {
        Link::new()
    }
}

impl Link {
    /// Returns a link on which a packet takes 0.1 ms.
    #[must_use]
    pub fn new() -> Self {
        let latency = Duration::from_micros(100);
        Link { latency, jitter: Duration::ZERO, bandwidth: None, loss: 0.0, duplicates: 0.0 }
    }

    /// Sets the shortest time that a packet takes, 0.1 ms by default.
    #[must_use]
    pub fn latency(self, latency: Duration) -> Self {
        Link { latency, ..self }
    }

    /// Sets the longest random delay that is added to the latency, 0 by default. The delay may
    /// change the order of datagrams. TCP keeps the order of its bytes.
    #[must_use]
    pub fn jitter(self, jitter: Duration) -> Self {
        Link { jitter, ..self }
    }

    /// Sets how many bytes per second each direction carries, at least 1. By default there is no
    /// limit.
    #[must_use]
    pub fn bandwidth(self, bytes: u64) -> Self {
        Link { bandwidth: Some(bytes.max(1)), ..self }
    }

    /// Sets the fraction of packets that is lost, from 0 (the default) to 1. TCP sends a lost
    /// segment again after 0.2 seconds, then after 0.4, and so on. It sends no segment more than
    /// eight times in vain: no loss ends a connection. [`Network::cut`](super::Network::cut) does.
    #[must_use]
    pub fn loss(self, loss: f64) -> Self {
        Link { loss, ..self }
    }

    /// Sets the fraction of datagrams that arrives twice, from 0 (the default) to 1.
    #[must_use]
    pub fn duplicates(self, duplicates: f64) -> Self {
        Link { duplicates, ..self }
    }
}

/// All links of a network.
#[derive(Default)]
pub(super) struct Links {
    pub(super) other: Link,
    /// By the numbers of the hosts, the lower one first.
    links: BTreeMap<(usize, usize), Link>,
    /// The pairs of hosts that cannot reach each other.
    cut: Vec<(usize, usize)>,
    /// When each direction is free again.
    busy: BTreeMap<(usize, usize), Nanos>,
    /// The segments that were sent while their link was cut. They arrive after `repair`.
    held: Vec<Held>,
}

struct Held {
    from: SocketId,
    to: SocketId,
    hosts: (usize, usize),
    segment: Segment,
    since: Nanos,
}

fn pair(a: usize, b: usize) -> (usize, usize) {
    (a.min(b), a.max(b))
}

impl Links {
    pub(super) fn set(&mut self, a: usize, b: usize, link: Link) {
        self.links.insert(pair(a, b), link);
    }

    pub(super) fn cut(&mut self, a: usize, b: usize) {
        if !self.is_cut(a, b) {
            self.cut.push(pair(a, b));
        }
    }

    fn is_cut(&self, a: usize, b: usize) -> bool {
        self.cut.contains(&pair(a, b))
    }
}

impl State {
    /// Repairs the link between two hosts, and sends the segments that have waited.
    pub(super) fn repair(&mut self, a: usize, b: usize) {
        let links = &mut self.net.links;
        links.cut.retain(|cut| *cut != pair(a, b));
        let (go, stay) = std::mem::take(&mut links.held)
            .into_iter()
            .partition(|held: &Held| pair(held.hosts.0, held.hosts.1) == pair(a, b));
        links.held = stay;
        let go: Vec<Held> = go;
        for held in go {
            let from = held.from;
            if self.net.sockets.contains_key(&from) {
                self.transmit(from, held.to, held.segment);
                // It may have existed only for this segment.
                self.remove_if_done(from);
            } else {
                // No socket has sent it, or one that is closed has: a reset.
                self.transmit_from_host(held.hosts.0, held.to, held.segment);
            }
        }
    }

    /// Returns whether a cut link holds back a segment of this socket.
    pub(super) fn holds_of(&self, from: SocketId) -> bool {
        self.net.links.held.iter().any(|held| held.from == from)
    }

    /// Holds a segment back if the link is cut. Returns it otherwise.
    pub(super) fn hold(
        &mut self,
        from: SocketId,
        to: SocketId,
        hosts: (usize, usize),
        segment: Segment,
    ) -> Option<Segment> {
        if hosts.0 == hosts.1 || !self.net.links.is_cut(hosts.0, hosts.1) {
            return Some(segment);
        }
        if matches!(segment, Segment::Data(_) | Segment::Fin) {
            let at = self.now + PATIENCE;
            let give_up = Happening::GiveUp { from, to, since: self.now };
            self.schedule(at, Event::Net(give_up));
        }
        let since = self.now;
        self.net.links.held.push(Held { from, to, hosts, segment, since });
        None
    }

    /// Ends a connection if segments have waited since this time.
    pub(super) fn give_up(&mut self, from: SocketId, to: SocketId, since: Nanos) {
        let held = &mut self.net.links.held;
        let is_of = |held: &Held| held.from == from && held.to == to;
        if held.iter().any(|held| is_of(held) && held.since <= since) {
            held.retain(|held| !is_of(held));
            self.times_out(from);
        }
    }

    /// Returns how long a packet takes; `None` if it is lost.
    pub(super) fn delay(&mut self, from: usize, to: usize, size: usize) -> Option<Nanos> {
        if from == to {
            return Some(0);
        }
        if self.net.links.is_cut(from, to) {
            return None;
        }
        let links = &self.net.links;
        let link = *links.links.get(&pair(from, to)).unwrap_or(&links.other);
        if self.random.chance(link.loss) {
            return None;
        }
        let jitter = nanos(link.jitter);
        let jitter = if jitter > 0 { self.random.below(jitter.saturating_add(1)) } else { 0 };
        let waits = match link.bandwidth {
            None => 0,
            Some(bandwidth) => {
                let takes = (size as u64).saturating_mul(1_000_000_000) / bandwidth;
                let now = self.now;
                let busy = self.net.links.busy.entry((from, to)).or_default();
                *busy = (*busy).max(now).saturating_add(takes);
                *busy - now
            }
        };
        let delay = waits.saturating_add(nanos(link.latency)).saturating_add(jitter);
        Some(delay.min(LONGEST))
    }

    /// Returns when the copies of a datagram arrive: none if it is lost.
    pub(super) fn delays(&mut self, from: usize, to: usize, size: usize) -> Vec<Nanos> {
        let mut delays: Vec<Nanos> = self.delay(from, to, size).into_iter().collect();
        let links = &self.net.links;
        let link = *links.links.get(&pair(from, to)).unwrap_or(&links.other);
        if from != to && !delays.is_empty() && self.random.chance(link.duplicates) {
            delays.extend(self.delay(from, to, size));
        }
        delays
    }

    /// Returns how long data takes that is sent again when it is lost.
    pub(super) fn reliable_delay(&mut self, from: usize, to: usize, size: usize) -> Nanos {
        let mut waited = 0;
        for attempt in 0..REPEATS {
            if let Some(delay) = self.delay(from, to, size) {
                return waited + delay;
            }
            waited += FIRST_REPEAT << attempt;
        }
        waited
    }
}
