//! A server with limits, pauses and workers, many clients, and a shutdown.

use std::{
    cell::Cell,
    rc::Rc,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use qcore::{QObject, QTimer, wait_until};
use qnetwork::{
    QHostAddress, QSslServer, QSslSocket, QTcpServer, QTcpSocket, SocketState,
    simulation::{self, Network},
};

use super::{
    dice::Dice,
    driver::{Program, check, until, without},
    net::{Mischief, Wire},
    run::pattern,
    streams::{CLIENT, LIMIT, SERVER},
};

const PORT: u16 = 80;

/// A client, which sends so many bytes, reads them back, and disconnects.
#[derive(Clone, Copy, Debug)]
struct Client {
    begins: i32,
    size: usize,
    /// How it ends: in order, with an abort before it has everything, or never.
    end: Ending,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Ending {
    Disconnects,
    Aborts,
    Stays,
}

/// What the program does with its server, after so many milliseconds.
#[derive(Clone, Copy, Debug)]
enum Step {
    Pause(i32),
    Resume(i32),
    Limit(i32, i32),
    Fail(Mischief),
    /// Closes the server and listens again.
    Reopen(i32),
}

/// A server and its clients.
#[derive(Clone, Debug)]
pub(crate) struct Crowd {
    encrypts: bool,
    workers: usize,
    limit: i32,
    wire: Wire,
    mischief: Mischief,
    clients: Vec<Client>,
    steps: Vec<Step>,
    /// When the server shuts down, and how long it waits for its clients.
    shutdown: (i32, i32),
}

/// What the server and its workers have counted.
#[derive(Default)]
struct Counts {
    taken: AtomicUsize,
    closed: AtomicUsize,
    told: AtomicUsize,
    /// How often `shutdown_finished` was emitted, and with how many connections cut.
    finished: AtomicUsize,
    cut: AtomicUsize,
    is_over: AtomicBool,
    violations: Mutex<Vec<String>>,
}

impl Counts {
    fn fail(&self, text: String) {
        self.violations.lock().unwrap_or_else(PoisonError::into_inner).push(text);
    }
}

/// Makes a server that returns what it receives. It may be that of a worker.
fn echo(encrypts: bool, counts: &Arc<Counts>) -> QTcpServer {
    let server = if encrypts {
        let server = QSslServer::new();
        server.set_ssl_configuration(SERVER.clone());
        QTcpServer::from(&server)
    } else {
        QTcpServer::new()
    };
    let its = counts.clone();
    server.new_connection.connect_to(&server, move |server, ()| {
        while let Some(socket) = server.next_pending_connection() {
            its.taken.fetch_add(1, Relaxed);
            let (its, told) = (its.clone(), Cell::new(false));
            socket.closed.connect(move |_| {
                if told.replace(true) {
                    its.fail("a connection has closed twice".to_owned());
                }
                its.closed.fetch_add(1, Relaxed);
            });
            socket.ready_read.connect_to(&socket, |socket, ()| {
                socket.write(socket.read_all()).ok();
            });
            socket.disconnected.connect_slot(&socket, QObject::delete_later);
            // What came before belongs to the program, too.
            socket.write(socket.read_all()).ok();
            if socket.state() == SocketState::Unconnected {
                // It has ended before the program took it.
                socket.delete_later();
            }
        }
    });
    let its = counts.clone();
    server.shutting_down.connect(move |socket| {
        its.told.fetch_add(1, Relaxed);
        socket.disconnect_from_host();
    });
    server
}

impl Crowd {
    fn serve(&self, counts: &Arc<Counts>) {
        let (encrypts, its) = (self.encrypts, counts.clone());
        let server = match self.workers {
            0 => echo(encrypts, counts),
            workers => {
                let server = QTcpServer::new();
                server.set_workers(workers, move || echo(encrypts, &its));
                server
            }
        };
        server.set_max_pending_connections(self.limit);
        let its = counts.clone();
        server.shutdown_finished.connect(move |cut| {
            its.finished.fetch_add(1, Relaxed);
            its.cut.fetch_add(*cut, Relaxed);
        });
        server.listen(QHostAddress::Any, PORT).unwrap();
        let ((begins, limit), ends) = (self.shutdown, Rc::new(Cell::new(false)));
        for step in &self.steps {
            let (server, step, ends) = (server.clone(), *step, ends.clone());
            let after = match step {
                Step::Pause(at) | Step::Resume(at) | Step::Limit(at, _) | Step::Reopen(at) => at,
                Step::Fail(_) => 0,
            };
            QTimer::single_shot(after, move || match step {
                Step::Pause(_) => server.pause_accepting(),
                Step::Resume(_) => server.resume_accepting(),
                Step::Limit(_, limit) => server.set_max_pending_connections(limit),
                Step::Reopen(_) if ends.get() => {}
                Step::Reopen(_) => {
                    server.close();
                    server.listen(QHostAddress::Any, PORT).ok();
                }
                Step::Fail(_) => {}
            });
        }
        wait_until(begins, || false);
        ends.set(true);
        server.shutdown(limit);
        let most = Duration::from_millis(limit as u64) + Duration::from_secs(5);
        if !until(most, || counts.finished.load(Relaxed) > 0) {
            counts.fail("the server does not shut down".to_owned());
        }
        // Sockets that ended just now are deleted by the loop.
        wait_until(1000, || false);
        if counts.finished.load(Relaxed) != 1 {
            counts.fail("the server has told its end more than once".to_owned());
        }
        let [taken, closed] = [&counts.taken, &counts.closed].map(|it| it.load(Relaxed));
        if taken != closed {
            counts.fail(format!("{closed} of {taken} connections have closed"));
        }
        let [cut, told] = [&counts.cut, &counts.told].map(|it| it.load(Relaxed));
        if cut > told {
            counts.fail(format!("{cut} of {told} connections were cut"));
        }
        if server.is_listening() {
            counts.fail("the server listens".to_owned());
        }
    }

    fn client(&self, client: Client, number: usize, left: &Rc<Cell<usize>>) -> QTcpSocket {
        let socket = if self.encrypts {
            let socket = QSslSocket::new();
            socket.set_ssl_configuration(CLIENT.clone());
            socket.set_peer_verify_name("localhost");
            QTcpSocket::from(&socket)
        } else {
            QTcpSocket::new()
        };
        let (data, received) = (pattern(number, 0, client.size), Rc::new(Cell::new(0)));
        let sent = data.clone();
        socket.ready_read.connect_to(&socket, move |socket, ()| {
            let part = socket.read_all();
            let at = received.get();
            assert!(sent[at..].starts_with(&part), "client {number} receives something else");
            received.set(at + part.len());
            match client.end {
                Ending::Aborts if received.get() > sent.len() / 2 => socket.abort(),
                Ending::Disconnects if received.get() == sent.len() => {
                    socket.disconnect_from_host()
                }
                _ => {}
            }
        });
        let (left, told) = (left.clone(), Cell::new(false));
        socket.closed.connect(move |reason| {
            assert!(!told.replace(true), "client {number} has closed twice: {reason:?}");
            left.set(left.get() - 1);
        });
        let (later, encrypts) = (socket.clone(), self.encrypts);
        QTimer::single_shot(client.begins, move || {
            match later.cast::<QSslSocket>() {
                Some(ssl) if encrypts => ssl.connect_to_host_encrypted("10.0.0.1", PORT),
                _ => later.connect_to_host("10.0.0.1", PORT),
            }
            later.write(&data).ok();
        });
        socket
    }
}

impl Program for Crowd {
    const TEST: &'static str = "model::servers::crowds";

    fn random(dice: &mut Dice) -> Self {
        let clients = 1 + dice.count(12);
        let steps = dice.count(6);
        let ends = [Ending::Disconnects, Ending::Disconnects, Ending::Aborts, Ending::Stays];
        Crowd {
            encrypts: dice.one_in(4),
            workers: dice.pick(&[0, 0, 1, 3]),
            limit: dice.pick(&[30, 30, 1, 2, 0]),
            wire: Wire::random(dice),
            mischief: Mischief { no_buffers: 0.0, ..Mischief::random(dice) },
            clients: (0..clients)
                .map(|_| Client {
                    begins: dice.millis(100),
                    size: 1 + dice.size(),
                    end: dice.pick(&ends),
                })
                .collect(),
            steps: (0..steps)
                .map(|_| match dice.below(5) {
                    0 => Step::Pause(dice.millis(200)),
                    1 => Step::Resume(dice.millis(300)),
                    2 => Step::Limit(dice.millis(200), dice.pick(&[1, 3, 30])),
                    3 => Step::Fail(Mischief { no_buffers: 0.0, ..Mischief::random(dice) }),
                    _ => Step::Reopen(dice.millis(200)),
                })
                .collect(),
            shutdown: (dice.millis(2000), dice.pick(&[0, 10, 500, 10_000])),
        }
    }

    fn run(&self, net: &Network) {
        let host = net.host("server", "10.0.0.1");
        net.set_default_link(self.wire.link());
        let counts = Arc::<Counts>::default();
        let (this, its) = (self.clone(), counts.clone());
        host.start(move || {
            this.serve(&its);
            its.is_over.store(true, Relaxed);
        });
        simulation::sleep(Duration::from_millis(1));
        // The server listens. Now calls may fail.
        let failing = self.steps.iter().find_map(|step| match step {
            Step::Fail(mischief) => Some(*mischief),
            _ => None,
        });
        host.set_faults(failing.unwrap_or(self.mischief).faults());
        let left = Rc::new(Cell::new(self.clients.len()));
        let clients: Vec<_> = self
            .clients
            .iter()
            .enumerate()
            .map(|(number, client)| self.client(*client, number, &left))
            .collect();
        let over = until(LIMIT, || counts.is_over.load(Relaxed));
        assert!(over, "the server does not end");
        if !until(LIMIT, || left.get() == 0) {
            let states: Vec<_> = clients.iter().map(|client| client.state()).collect();
            panic!("{} clients are not told of the end: {states:?}", left.get());
        }
        drop(clients);
        wait_until(1, || false);
        let closed = until(LIMIT, || host.open_sockets() == 0 && net.main().open_sockets() == 0);
        assert!(closed, "{} and {} sockets", host.open_sockets(), net.main().open_sockets());
        let violations = counts.violations.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(violations.is_empty(), "{}", violations.join("\n"));
    }

    fn smaller(&self) -> Vec<Self> {
        let mut all: Vec<Self> = without(&self.clients)
            .into_iter()
            .map(|clients| Crowd { clients, ..self.clone() })
            .collect();
        all.extend(without(&self.steps).into_iter().map(|steps| Crowd { steps, ..self.clone() }));
        all.push(Crowd { wire: Wire::default(), ..self.clone() });
        all.push(Crowd { mischief: Mischief::default(), ..self.clone() });
        all.push(Crowd { encrypts: false, ..self.clone() });
        all.push(Crowd { workers: self.workers / 2, ..self.clone() });
        all.push(Crowd { limit: 30, ..self.clone() });
        for at in 0..self.clients.len() {
            let mut smaller = self.clone();
            smaller.clients[at].size = 1;
            all.push(smaller);
        }
        all.retain(|smaller| format!("{smaller:?}") != format!("{self:?}"));
        all
    }
}

#[test]
fn crowds() {
    check::<Crowd>();
}
