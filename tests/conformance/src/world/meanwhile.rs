//! `meanwhile`: calls of peers in threads of their own.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    rc::Rc,
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::Duration,
};

use qnetwork::simulation;

use super::{Thing, World, give_up};
use crate::{
    error::{Error, Result},
    peer::{Peer, PeerArg},
    run::now,
    syntax::Call,
};

/// How often a simulated thread looks for calls.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// The calls that one peer still has to make. A thread makes them when they are due.
pub(super) struct Meanwhile {
    queue: Arc<Queue>,
    count: u64,
}

#[derive(Default)]
struct Queue {
    waiting: Mutex<BinaryHeap<Reverse<Due>>>,
    changed: Condvar,
}

/// A waiting call. Calls that are due at the same time keep the order of their statements.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    at: Duration,
    number: u64,
    call: Later,
}

struct Later {
    method: String,
    args: Vec<PeerArg>,
}

impl World {
    pub(super) fn meanwhile(self: &Rc<Self>, delay: u64, call: &Call) -> Result<()> {
        let Thing::Peer(peer) = self.thing(&call.object)? else {
            return Err(Error::new("only a peer does something meanwhile"));
        };
        let args = self.peer_args(&call.args)?;
        let at = now() + Duration::from_millis(delay);
        let mut all = self.meanwhile.borrow_mut();
        let scenario = &self.shared.scenario;
        let meanwhile =
            all.entry(call.object.clone()).or_insert_with(|| Meanwhile::start(peer, scenario));
        meanwhile.add(at, Later { method: call.method.clone(), args });
        Ok(())
    }
}

impl Meanwhile {
    fn start(peer: Arc<dyn Peer>, scenario: &str) -> Self {
        let queue = Arc::<Queue>::default();
        let (work, scenario) = (queue.clone(), scenario.to_owned());
        simulation::start(move || {
            loop {
                let call = work.next();
                if let Err(error) = peer.call(&call.method, &call.args) {
                    give_up(&format!("{scenario}: meanwhile"), &error);
                }
            }
        });
        Meanwhile { queue, count: 0 }
    }

    fn add(&mut self, at: Duration, call: Later) {
        let due = Due { at, number: self.count, call };
        self.count += 1;
        self.queue.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(Reverse(due));
        self.queue.changed.notify_one();
    }
}

impl Queue {
    /// Waits until the first call is due.
    fn next(&self) -> Later {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let left = waiting.peek().map(|Reverse(due)| due.at.saturating_sub(now()));
            waiting = match left {
                Some(Duration::ZERO) => {
                    if let Some(Reverse(due)) = waiting.pop() {
                        return due.call;
                    }
                    waiting
                }
                // Waiting on the condition variable would stop the simulation.
                left if simulation::is_simulated() => {
                    drop(waiting);
                    simulation::sleep(left.unwrap_or(LOOK_EVERY).min(LOOK_EVERY));
                    self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
                }
                Some(left) => {
                    let woken = self.changed.wait_timeout(waiting, left);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}

// No two calls have the same number, so the calls themselves are never compared.
impl PartialEq for Later {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Later {}

impl PartialOrd for Later {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Later {
    fn cmp(&self, _: &Self) -> std::cmp::Ordering {
        std::cmp::Ordering::Equal
    }
}
