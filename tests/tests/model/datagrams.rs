//! Programs that exchange datagrams over a network that loses, doubles and reorders them.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use qcore::run_for;
use qnetwork::{
    QHostAddress, QUdpSocket, SocketState,
    simulation::{self, Host, Link, Network},
};

use super::{
    dice::Dice,
    driver::{Program, check, until, without},
    net::Mischief,
    run::pattern,
    streams::LIMIT,
};

const PORT: u16 = 5000;
const HOSTS: [&str; 2] = ["10.255.255.1", "10.0.0.1"];
/// More unread bytes than this and the kernel drops datagrams.
const MUCH: usize = 100_000;

#[derive(Clone, Copy, Debug)]
enum Step {
    /// Sends a datagram of so many bytes after its head.
    Send(usize),
    /// Sends to itself.
    SendToOwn(usize),
    Receive(usize),
    ReceiveAll,
    /// Whether the slot of `ready_read` receives.
    Attend(bool),
    Pause,
    Resume,
    Peek,
    /// Closes the socket and binds it again.
    Rebind,
    WaitForReadyRead(i32),
    RunLoop(i32),
    Block(i32),
}

impl Step {
    fn random(dice: &mut Dice) -> Self {
        match dice.below(24) {
            0..10 => Step::Send(dice.size().min(65_000)),
            10 => Step::SendToOwn(dice.size().min(65_000)),
            11 => Step::Receive(1 + dice.size()),
            12 | 13 => Step::ReceiveAll,
            14 => Step::Attend(dice.one_in(2)),
            15 => Step::Pause,
            16 => Step::Resume,
            17 => Step::Peek,
            18 if dice.one_in(3) => Step::Rebind,
            19 => Step::WaitForReadyRead(dice.millis(30)),
            20 => Step::Block(dice.millis(50)),
            _ => Step::RunLoop(dice.millis(20)),
        }
    }
}

/// What was sent, by number: to whom, and how long it is.
#[derive(Default)]
struct Post {
    sent: Mutex<Vec<(usize, usize)>>,
    /// How often each has arrived.
    arrived: Mutex<BTreeMap<usize, u32>>,
    done: [AtomicBool; 2],
    over: AtomicBool,
    violations: Mutex<Vec<String>>,
}

impl Post {
    fn fail(&self, text: String) {
        self.violations.lock().unwrap_or_else(PoisonError::into_inner).push(text);
    }
}

struct End {
    post: Arc<Post>,
    side: usize,
    socket: QUdpSocket,
    attends: Cell<bool>,
    last: RefCell<BTreeMap<usize, usize>>,
    keeps_order: bool,
    is_calm: bool,
}

impl End {
    fn new(post: &Arc<Post>, side: usize, keeps_order: bool, is_calm: bool) -> Rc<Self> {
        let socket = QUdpSocket::new();
        socket.bind(QHostAddress::AnyIPv4, PORT).unwrap();
        let this = Rc::new(End {
            post: post.clone(),
            side,
            socket,
            attends: Cell::new(true),
            last: RefCell::default(),
            keeps_order,
            is_calm,
        });
        this.socket.ready_read.connect_to(&this, |this, ()| {
            if this.attends.get() {
                this.receive_all();
            }
        });
        this
    }

    fn send(&self, to: usize, size: usize) {
        let mut sent = self.post.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let number = sent.len();
        sent.push((to, size));
        drop(sent);
        let mut data = (number as u32).to_be_bytes().to_vec();
        data.push(self.side as u8);
        data.extend(pattern(self.side, number as u64, size));
        let to: QHostAddress = HOSTS[to].parse().unwrap();
        match self.socket.write_datagram(&data, &to, PORT) {
            Ok(count) if count != data.len() => {
                self.post.fail(format!("{count} of {} bytes are sent", data.len()));
            }
            _ => {}
        }
    }

    fn receive(&self, most: usize) -> bool {
        let Ok(datagram) = self.socket.receive_datagram_with_max_size(most) else { return false };
        let (data, sent) = (datagram.data(), self.post.sent.lock());
        let sent = sent.unwrap_or_else(PoisonError::into_inner);
        // The head may be cut off.
        let [a, b, c, d, from, rest @ ..] = data else { return true };
        let number = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        let from = usize::from(*from);
        let Some(&(to, size)) = sent.get(number) else {
            self.post.fail(format!("datagram {number} was not sent"));
            return true;
        };
        let wanted = pattern(from, number as u64, size);
        if to != self.side || rest != &wanted[..size.min(most - 5)] {
            self.post.fail(format!("datagram {number} has changed: {} bytes", data.len()));
        }
        let sender: QHostAddress = HOSTS[from].parse().unwrap();
        if datagram.sender_address() != sender || datagram.sender_port() != Some(PORT) {
            self.post.fail(format!("datagram {number} has the wrong sender"));
        }
        let last = self.last.borrow_mut().insert(from, number);
        if self.keeps_order && last.is_some_and(|last| last >= number) {
            self.post.fail(format!("datagram {number} comes after {last:?}"));
        }
        let mut arrived = self.post.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        *arrived.entry(number).or_default() += 1;
        true
    }

    fn receive_all(&self) {
        let mut count = 0;
        while self.receive(70_000) {
            count += 1;
            if count > 10_000 {
                return self.post.fail("there is no end of datagrams".to_owned());
            }
        }
    }

    fn step(&self, step: Step) {
        match step {
            Step::Send(size) => self.send(1 - self.side, size),
            Step::SendToOwn(size) => self.send(self.side, size),
            Step::Receive(most) => drop(self.receive(most + 5)),
            Step::ReceiveAll => self.receive_all(),
            Step::Attend(attends) => {
                self.attends.set(attends);
                if attends {
                    self.receive_all();
                }
            }
            Step::Pause => self.socket.pause_reading(),
            Step::Resume => self.socket.resume_reading(),
            Step::Peek => {
                let size = self.socket.pending_datagram_size();
                // One call may find a datagram where another has failed by chance.
                if self.is_calm && size.is_none() && self.socket.has_pending_datagrams() {
                    self.post.fail("a datagram without a size".to_owned());
                }
            }
            Step::Rebind => {
                self.socket.close();
                if self.socket.state() != SocketState::Unconnected {
                    self.post.fail("the socket is not closed".to_owned());
                }
                // A call may fail by chance.
                until(LIMIT, || self.socket.bind(QHostAddress::AnyIPv4, PORT).is_ok());
            }
            Step::WaitForReadyRead(millis) => drop(self.socket.wait_for_ready_read(millis)),
            Step::RunLoop(millis) => run_for(millis),
            Step::Block(millis) => simulation::sleep(Duration::from_millis(millis as u64)),
        }
    }

    fn finish(&self) {
        self.attends.set(true);
        self.socket.resume_reading();
        self.receive_all();
        self.post.done[self.side].store(true, Relaxed);
        until(LIMIT, || self.post.done.iter().all(|done| done.load(Relaxed)));
        // The last ones arrive.
        run_for(2000);
    }
}

/// Two programs and their datagrams.
#[derive(Clone, Debug)]
pub(crate) struct Letters {
    loss: f64,
    duplicates: f64,
    jitter: u64,
    mischief: [Mischief; 2],
    steps: Vec<(usize, Step)>,
}

impl Letters {
    /// Returns whether every datagram has to arrive.
    fn is_reliable(&self) -> bool {
        let sizes = self.steps.iter().map(|(_, step)| match step {
            Step::Send(size) | Step::SendToOwn(size) => size + 600,
            _ => 0,
        });
        let calm = self.mischief.iter().all(|it| it.no_buffers == 0.0);
        let keeps = !self.steps.iter().any(|(_, it)| matches!(it, Step::Rebind | Step::Receive(_)));
        self.loss == 0.0 && calm && keeps && sizes.sum::<usize>() < MUCH
    }
}

impl Program for Letters {
    const TEST: &'static str = "model::datagrams::letters";

    fn random(dice: &mut Dice) -> Self {
        let steps = 1 + dice.count(50);
        Letters {
            loss: dice.pick(&[0.0, 0.0, 0.1, 0.5]),
            duplicates: dice.pick(&[0.0, 0.0, 0.3]),
            jitter: dice.pick(&[0, 0, 10]),
            mischief: [Mischief::random(dice), Mischief::random(dice)],
            steps: (0..steps).map(|_| (dice.count(2), Step::random(dice))).collect(),
        }
    }

    fn run(&self, net: &Network) {
        let post = Arc::<Post>::default();
        let hosts: [Host; 2] = [net.main(), net.host("other", HOSTS[1])];
        let link = Link::new().loss(self.loss).duplicates(self.duplicates);
        net.set_default_link(link.jitter(Duration::from_millis(self.jitter)));
        // What goes to the own host takes no time, and what goes to the other host a fixed one.
        let keeps_order = self.jitter == 0 && self.duplicates == 0.0;
        let (this, its, own) = (self.clone(), post.clone(), hosts[1].clone());
        hosts[1].start(move || {
            let end = End::new(&its, 1, keeps_order, this.mischief[1] == Mischief::default());
            own.set_faults(this.mischief[1].faults());
            for (_, step) in this.steps.iter().filter(|(side, _)| *side == 1) {
                end.step(*step);
            }
            end.finish();
            drop(end);
            its.over.store(true, Relaxed);
        });
        let end = End::new(&post, 0, keeps_order, self.mischief[0] == Mischief::default());
        simulation::sleep(Duration::from_millis(1));
        hosts[0].set_faults(self.mischief[0].faults());
        for (_, step) in self.steps.iter().filter(|(side, _)| *side == 0) {
            end.step(*step);
        }
        end.finish();
        drop(end);
        assert!(until(LIMIT, || post.over.load(Relaxed)), "the other program does not end");
        let open = hosts.map(|host| host.open_sockets());
        assert_eq!(open, [0, 0]);
        let violations = post.violations.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(violations.is_empty(), "{}", violations.join("\n"));
        let most = if self.duplicates > 0.0 { 2 } else { 1 };
        let arrived = post.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(arrived.values().all(|count| *count <= most), "{arrived:?}");
        let sent = post.sent.lock().unwrap_or_else(PoisonError::into_inner).len();
        if self.is_reliable() {
            assert_eq!(arrived.len(), sent, "datagrams are missing: {arrived:?}");
        }
    }

    fn smaller(&self) -> Vec<Self> {
        let mut all: Vec<Self> = without(&self.steps)
            .into_iter()
            .map(|steps| Letters { steps, ..self.clone() })
            .collect();
        let calm = Mischief::default();
        all.push(Letters { mischief: [calm, self.mischief[1]], ..self.clone() });
        all.push(Letters { mischief: [self.mischief[0], calm], ..self.clone() });
        all
    }
}

#[test]
fn letters() {
    check::<Letters>();
}
