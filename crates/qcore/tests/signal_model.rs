//! Random connecting, disconnecting, blocking and emitting, outside and inside of slots, compared
//! with a model of Qt's rules.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use proptest::prelude::*;
use qcore::{Connection, ConnectionBlocker, Signal};

/// A step of a test or of a slot. A number selects a slot in the order of connection, modulo their
/// count.
#[derive(Clone, Debug)]
enum Step {
    /// Connects a slot that runs these steps whenever it is called.
    Connect(Vec<Step>),
    Disconnect(usize),
    DisconnectAll,
    Emit,
    /// Blocks a slot, or unblocks it if it is blocked.
    Block(usize),
}

/// The greatest depth of nested emissions. Deeper ones do nothing, in the model and in reality.
const DEPTH: u32 = 3;
/// The most slots that are called in a run, because recursion grows exponentially.
const CALLS: usize = 2000;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let leaf = prop_oneof![
        3 => (0..64_usize).prop_map(Step::Disconnect),
        1 => Just(Step::DisconnectAll),
        3 => Just(Step::Emit),
        2 => (0..64_usize).prop_map(Step::Block),
        2 => Just(Step::Connect(Vec::new())),
    ];
    let step = leaf.prop_recursive(3, 24, 4, |step| {
        prop_oneof![
            2 => prop::collection::vec(step.clone(), 0..4).prop_map(Step::Connect),
            1 => step,
        ]
    });
    prop::collection::vec(step, 1..24)
}

/// The model: a list that only grows. Each emission covers the length that the list had at its
/// start.
#[derive(Default)]
struct Model {
    slots: Vec<(Rc<Vec<Step>>, bool, bool)>,
    log: Vec<usize>,
    depth: u32,
}

impl Model {
    fn run(&mut self, steps: &[Step]) {
        for step in steps {
            let count = self.slots.len();
            match step {
                Step::Connect(steps) => self.slots.push((Rc::new(steps.clone()), true, false)),
                Step::Disconnect(at) if count > 0 => self.slots[at % count].1 = false,
                Step::DisconnectAll => self.slots.iter_mut().for_each(|slot| slot.1 = false),
                Step::Block(at) if count > 0 => {
                    let (_, alive, blocked) = &mut self.slots[at % count];
                    *blocked = *alive && !*blocked;
                }
                Step::Emit if self.depth < DEPTH => {
                    self.depth += 1;
                    for at in 0..count {
                        let (steps, alive, blocked) = self.slots[at].clone();
                        if alive && !blocked && self.log.len() < CALLS {
                            self.log.push(at);
                            self.run(&steps);
                        }
                    }
                    self.depth -= 1;
                }
                _ => {}
            }
        }
    }
}

/// Runs the same steps on a real signal.
#[derive(Default)]
struct World {
    signal: Signal<()>,
    connections: RefCell<Vec<Connection>>,
    blockers: RefCell<Vec<Option<ConnectionBlocker>>>,
    log: RefCell<Vec<usize>>,
    depth: Cell<u32>,
}

impl World {
    fn run(self: &Rc<Self>, steps: &[Step]) {
        for step in steps {
            let count = self.connections.borrow().len();
            match step {
                Step::Connect(steps) => {
                    let (world, steps) = (Rc::downgrade(self), steps.clone());
                    let connection = self.signal.connect(move |()| {
                        let world = world.upgrade().unwrap();
                        if world.log.borrow().len() < CALLS {
                            world.log.borrow_mut().push(count);
                            world.run(&steps);
                        }
                    });
                    self.connections.borrow_mut().push(connection);
                    self.blockers.borrow_mut().push(None);
                }
                Step::Disconnect(at) if count > 0 => {
                    let connection = self.connections.borrow()[at % count].clone();
                    assert_eq!(connection.is_connected(), connection.disconnect());
                    assert!(!connection.disconnect());
                }
                Step::DisconnectAll => {
                    let connected = self.signal.is_connected();
                    assert_eq!(self.signal.disconnect_all(), connected);
                }
                Step::Block(at) if count > 0 => {
                    let connection = self.connections.borrow()[at % count].clone();
                    let mut blockers = self.blockers.borrow_mut();
                    let blocker = &mut blockers[at % count];
                    let blocked = blocker.take().is_none() && connection.is_connected();
                    *blocker = blocked.then(|| connection.block());
                }
                Step::Emit if self.depth.get() < DEPTH => {
                    self.depth.set(self.depth.get() + 1);
                    self.signal.emit(());
                    self.depth.set(self.depth.get() - 1);
                }
                _ => {}
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400, failure_persistence: None, ..Default::default()
    })]

    #[test]
    fn a_signal_behaves_as_its_model(steps in steps()) {
        let mut model = Model::default();
        model.run(&steps);
        let world = Rc::new(World::default());
        world.run(&steps);
        prop_assert_eq!(&*world.log.borrow(), &model.log);
        let alive: Vec<_> = model.slots.iter().map(|slot| slot.1).collect();
        let connected: Vec<_> =
            world.connections.borrow().iter().map(Connection::is_connected).collect();
        prop_assert_eq!(connected, alive);
        prop_assert_eq!(world.signal.is_connected(), model.slots.iter().any(|slot| slot.1));
    }
}
