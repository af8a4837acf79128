//! A `Reconnector` and a server that comes and goes.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use qcore::run_for;
use qnetwork::{
    QHostAddress, QSslServer, QSslSocket, QTcpServer, QTcpSocket, Reconnector, ReconnectorState,
    WhenDisconnected,
    simulation::{self, Network},
};

use super::{
    dice::Dice,
    driver::{Program, check, until, without},
    net::{Mischief, Trouble, Wire},
    streams::{CLIENT, LIMIT, SERVER},
};

const PORT: u16 = 80;

/// What the client does, or the network.
#[derive(Clone, Copy, Debug)]
enum Step {
    Send,
    Start,
    Stop,
    RetryNow,
    /// The program itself aborts the socket.
    Abort,
    Disconnect,
    Rule(WhenDisconnected),
    RunLoop(i32),
    Net(Trouble),
}

/// What the server does: it waits so long, then does this to its connections and to itself.
#[derive(Clone, Copy, Debug)]
enum Blow {
    Abort(i32),
    Disconnect(i32),
    /// It does not listen for so long.
    Away(i32, i32),
}

#[derive(Clone, Debug)]
pub(crate) struct Link {
    encrypts: bool,
    wire: Wire,
    mischief: [Mischief; 2],
    steps: Vec<Step>,
    blows: Vec<Blow>,
}

#[derive(Default)]
struct Known {
    /// The numbers that the server has received, and those of their connections.
    received: Mutex<Vec<(usize, u64)>>,
    /// The server makes no more trouble.
    stays: AtomicBool,
    ends: AtomicBool,
    over: AtomicBool,
}

fn serve(link: &Link, known: &Arc<Known>) {
    let server = if link.encrypts {
        let server = QSslServer::new();
        server.set_ssl_configuration(SERVER.clone());
        QTcpServer::from(&server)
    } else {
        QTcpServer::new()
    };
    let sockets = Rc::<RefCell<Vec<QTcpSocket>>>::default();
    let (all, its, count) = (sockets.clone(), known.clone(), Cell::new(0));
    server.new_connection.connect_to(&server, move |server, ()| {
        while let Some(socket) = server.next_pending_connection() {
            let its = its.clone();
            let connection = count.get();
            count.set(connection + 1);
            let read = move |socket: &QTcpSocket| {
                while socket.can_read_line() {
                    let line = String::from_utf8(socket.read_line()).unwrap();
                    let number = line.trim().parse().unwrap();
                    its.received
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push((connection, number));
                }
            };
            read(&socket);
            socket.ready_read.connect_to(&socket, move |socket, ()| read(socket));
            all.borrow_mut().push(socket);
        }
    });
    server.listen(QHostAddress::Any, PORT).unwrap();
    for blow in &link.blows {
        let (Blow::Abort(after) | Blow::Disconnect(after) | Blow::Away(after, _)) = *blow;
        run_for(after);
        let connections = sockets.take();
        for socket in &connections {
            match blow {
                Blow::Disconnect(_) => socket.disconnect_from_host(),
                _ => socket.abort(),
            }
        }
        if let Blow::Away(_, time) = *blow {
            server.close();
            run_for(time);
            until(LIMIT, || server.listen(QHostAddress::Any, PORT).is_ok());
        }
        sockets.borrow_mut().extend(connections);
    }
    known.stays.store(true, Relaxed);
    until(LIMIT * 10, || known.ends.load(Relaxed));
    let connections = sockets.take();
    drop(connections);
}

fn is_allowed(before: ReconnectorState, now: ReconnectorState) -> bool {
    use ReconnectorState::{Connected, Connecting, GaveUp, Stopped, Waiting};
    match now {
        Stopped => before != Stopped,
        Connecting => matches!(before, Stopped | Waiting | GaveUp),
        Connected => before == Connecting,
        Waiting => matches!(before, Connecting | Connected),
        _ => false,
    }
}

impl Program for Link {
    const TEST: &'static str = "model::links::links";

    fn random(dice: &mut Dice) -> Self {
        let calm = |dice: &mut Dice| Mischief::random(dice);
        let (steps, blows) = (1 + dice.count(40), dice.count(6));
        let rules = [
            WhenDisconnected::Refuse,
            WhenDisconnected::Drop,
            WhenDisconnected::Keep(100),
            WhenDisconnected::Keep(10_000),
            WhenDisconnected::KeepLatest(50),
        ];
        Link {
            encrypts: dice.one_in(3),
            wire: Wire::random(dice),
            mischief: [calm(dice), calm(dice)],
            steps: (0..steps)
                .map(|_| match dice.below(24) {
                    0..8 => Step::Send,
                    8 => Step::Start,
                    9 if dice.one_in(2) => Step::Stop,
                    10 => Step::RetryNow,
                    11 => Step::Abort,
                    12 => Step::Disconnect,
                    13 | 14 => Step::Rule(dice.pick(&rules)),
                    15..18 => Step::Net(Trouble::random(dice)),
                    _ => Step::RunLoop(dice.millis(3000)),
                })
                .collect(),
            blows: (0..blows)
                .map(|_| match dice.below(3) {
                    0 => Blow::Abort(dice.millis(3000)),
                    1 => Blow::Disconnect(dice.millis(3000)),
                    _ => Blow::Away(dice.millis(3000), dice.millis(5000)),
                })
                .collect(),
        }
    }

    fn run(&self, net: &Network) {
        let known = Arc::<Known>::default();
        let (host, main) = (net.host("server", "10.0.0.1"), net.main());
        net.set_default_link(self.wire.link());
        let (this, its) = (self.clone(), known.clone());
        host.start(move || {
            serve(&this, &its);
            its.over.store(true, Relaxed);
        });
        simulation::sleep(Duration::from_millis(1));
        main.set_faults(self.mischief[0].faults());
        host.set_faults(self.mischief[1].faults());

        let link = if self.encrypts {
            let socket = QSslSocket::new();
            socket.set_ssl_configuration(CLIENT.clone());
            socket.set_peer_verify_name("localhost");
            Reconnector::with_encryption(&socket, "10.0.0.1", PORT)
        } else {
            Reconnector::new(&QTcpSocket::new(), "10.0.0.1", PORT)
        };
        link.set_seed(net.seed());
        link.set_delays(100, 3000);
        let (before, wrong) = (Cell::new(link.state()), Rc::new(RefCell::new(Vec::new())));
        let list = wrong.clone();
        link.state_changed.connect(move |state| {
            if !is_allowed(before.replace(*state), *state) {
                list.borrow_mut().push(format!("{:?} follows", state));
            }
        });
        let list = wrong.clone();
        link.connected.connect_to(&link, move |link, ()| {
            if link.state() != ReconnectorState::Connected {
                list.borrow_mut().push("connected is emitted, but not so".to_owned());
            }
        });
        link.start();
        let (mut sent, mut next) = (Vec::new(), 0);
        let mut send = |link: &Reconnector| {
            next += 1;
            let is_sent = link.send(format!("{next}\n")).is_ok();
            if is_sent {
                sent.push(next);
            }
            (is_sent, next)
        };
        for step in &self.steps {
            match *step {
                Step::Send => drop(send(&link)),
                Step::Start => link.start(),
                Step::Stop => {
                    link.stop();
                    assert_eq!(link.state(), ReconnectorState::Stopped);
                    assert_eq!(link.waiting_bytes(), 0);
                }
                Step::RetryNow => link.retry_now(),
                Step::Abort => link.socket().abort(),
                Step::Disconnect => link.socket().disconnect_from_host(),
                Step::Rule(rule) => link.set_when_disconnected(rule),
                Step::RunLoop(millis) => run_for(millis),
                Step::Net(trouble) => trouble.cause(net, [&main, &host]),
            }
        }
        // The network is good from now on. The link must come back and stay.
        net.repair(&main, &host);
        net.set_link(&main, &host, Wire::default().link());
        main.set_faults(Mischief::default().faults());
        host.set_faults(Mischief::default().faults());
        until(LIMIT, || known.stays.load(Relaxed));
        link.set_when_disconnected(WhenDisconnected::Keep(1000));
        link.start();
        let number = {
            let is_up = || link.state() == ReconnectorState::Connected;
            let connected = until(LIMIT, is_up);
            assert!(connected, "{:?}: {}", link.state(), link.error());
            // A reset that was on its way may come late.
            run_for(10_000);
            let connected = until(LIMIT, is_up);
            assert!(connected, "{:?}: {}", link.state(), link.error());
            let (is_sent, number) = send(&link);
            assert!(is_sent, "the link is up");
            number
        };
        let received = || known.received.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let has_arrived = || received().last().is_some_and(|last| last.1 == number);
        assert!(until(LIMIT, has_arrived), "{:?}", received());
        let mut all = received();
        // What was sent on an earlier connection may come later, but nothing comes twice.
        all.sort_by_key(|(connection, _)| *connection);
        let ordered = all.is_sorted_by(|a, b| a.0 < b.0 || a.1 < b.1);
        assert!(ordered, "messages are reordered: {all:?}");
        let mut all: Vec<_> = all.into_iter().map(|(_, number)| number).collect();
        all.sort_unstable();
        assert!(all.is_sorted_by(|a, b| a < b), "messages are doubled: {all:?}");
        assert!(all.iter().all(|number| sent.contains(number)), "{all:?} of {sent:?}");
        assert_eq!(*wrong.borrow(), Vec::<String>::new());
        link.stop();
        known.ends.store(true, Relaxed);
        let state = link.state();
        assert!(until(LIMIT, || known.over.load(Relaxed)), "the server does not end");
        assert_eq!(link.state(), state, "the link was stopped");
        drop(link);
        run_for(1);
        let closed = until(LIMIT, || host.open_sockets() == 0 && main.open_sockets() == 0);
        assert!(closed, "{} and {} sockets", host.open_sockets(), main.open_sockets());
    }

    fn smaller(&self) -> Vec<Self> {
        let mut all: Vec<Self> =
            without(&self.steps).into_iter().map(|steps| Link { steps, ..self.clone() }).collect();
        all.extend(without(&self.blows).into_iter().map(|blows| Link { blows, ..self.clone() }));
        all.push(Link { wire: Wire::default(), ..self.clone() });
        let calm = Mischief::default();
        all.push(Link { mischief: [calm, self.mischief[1]], ..self.clone() });
        all.push(Link { mischief: [self.mischief[0], calm], ..self.clone() });
        all.push(Link { encrypts: false, ..self.clone() });
        all
    }
}

#[test]
fn links() {
    check::<Link>();
}
