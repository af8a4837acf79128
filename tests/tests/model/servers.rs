//! A server with limits, pauses and workers, many clients, and a shutdown.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use integration::local::Dir;
use qcore::{QTimer, run_for};
use qnetwork::{
    Closable, QTcpServer, SocketState, close_all,
    simulation::{self, Network},
};

use super::{
    conn::Conn,
    dice::Dice,
    driver::{Program, check, until, without},
    net::{Mischief, Wire},
    run::pattern,
    streams::{LIMIT, Listener, Scene, Transport},
};

const TRANSPORTS: [Transport; 4] =
    [Transport::Ssl, Transport::Local, Transport::Tcp, Transport::Tcp];

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
    /// TCP, TLS or local.
    transport: Transport,
    workers: usize,
    limit: i32,
    wire: Wire,
    mischief: Mischief,
    clients: Vec<Client>,
    steps: Vec<Step>,
    /// When the server shuts down, and how long it waits for its clients.
    shutdown: (i32, i32),
    /// Whether `close_all` shuts it down.
    by_close_all: bool,
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

macro_rules! on_both {
    ($listener:expr, $server:ident => $call:expr) => {
        match $listener {
            Listener::Inet($server) => $call,
            Listener::Local($server) => $call,
        }
    };
}

/// Makes a server that returns what it receives. It may be that of a worker.
fn echo(scene: &Scene, counts: &Arc<Counts>) -> Listener {
    let listener = scene.server();
    let its = counts.clone();
    on_both!(&listener, server => {
        server.new_connection.connect_to(server, move |server, ()| {
            while let Some(socket) = server.next_pending_connection() {
                serve(&Conn::from(&socket), &its);
            }
        });
    });
    let its = counts.clone();
    on_both!(&listener, server => {
        server.shutting_down.connect(move |socket| {
            its.told.fetch_add(1, Relaxed);
            Conn::from(socket).disconnect();
        });
    });
    listener
}

fn serve(conn: &Conn, counts: &Arc<Counts>) {
    counts.taken.fetch_add(1, Relaxed);
    let (its, told) = (counts.clone(), Cell::new(false));
    conn.on_closed(move |_| {
        if told.replace(true) {
            its.fail("a connection has closed twice".to_owned());
        }
        its.closed.fetch_add(1, Relaxed);
    });
    conn.on_ready_read(|conn| drop(conn.write(&conn.device().read_all())));
    conn.on_disconnected(|conn| conn.device().delete_later());
    // What came before belongs to the program, too.
    conn.write(&conn.device().read_all()).ok();
    if conn.state() == SocketState::Unconnected {
        // It has ended before the program took it.
        conn.device().delete_later();
    }
}

impl Crowd {
    /// Runs the server until it is shut down.
    fn host(&self, scene: &Scene, counts: &Arc<Counts>) {
        let (its, of) = (counts.clone(), scene.clone());
        let listener = match self.workers {
            workers @ 1.. if self.transport != Transport::Local => {
                let server = QTcpServer::new();
                server.set_workers(workers, move || match echo(&of, &its) {
                    Listener::Inet(server) => server,
                    Listener::Local(_) => unreachable!("the workers are for TCP"),
                });
                Listener::Inet(server)
            }
            _ => echo(scene, counts),
        };
        on_both!(&listener, server => server.set_max_pending_connections(self.limit));
        let its = counts.clone();
        let on_finished = move |cut: &usize| {
            its.finished.fetch_add(1, Relaxed);
            its.cut.fetch_add(*cut, Relaxed);
        };
        on_both!(&listener, server => drop(server.shutdown_finished.connect(on_finished)));
        assert!(scene.open(&listener), "the server does not listen");
        let ((begins, limit), ends) = (self.shutdown, Rc::new(Cell::new(false)));
        for step in &self.steps {
            let (scene, listener, step) = (scene.clone(), listener.clone(), *step);
            let ends = ends.clone();
            let after = match step {
                Step::Pause(at) | Step::Resume(at) | Step::Limit(at, _) | Step::Reopen(at) => at,
                Step::Fail(_) => 0,
            };
            QTimer::single_shot(after, move || match (step, &listener) {
                (Step::Pause(_), Listener::Inet(server)) => server.pause_accepting(),
                (Step::Resume(_), Listener::Inet(server)) => server.resume_accepting(),
                (Step::Limit(_, limit), _) => {
                    on_both!(&listener, server => server.set_max_pending_connections(limit));
                }
                (Step::Reopen(_), _) if !ends.get() => {
                    on_both!(&listener, server => server.close());
                    scene.open(&listener);
                }
                _ => {}
            });
        }
        run_for(begins);
        ends.set(true);
        let all_closed = Rc::new(RefCell::new(Vec::new()));
        if self.by_close_all {
            let its = all_closed.clone();
            let all = on_both!(&listener, server => Closable::from(server));
            close_all([all], limit, move |cut| its.borrow_mut().push(cut));
        } else {
            on_both!(&listener, server => server.shutdown(limit));
        }
        let most = Duration::from_millis(limit as u64) + Duration::from_secs(5);
        if !until(most, || counts.finished.load(Relaxed) > 0) {
            counts.fail("the server does not shut down".to_owned());
        }
        // Sockets that ended just now are deleted by the loop.
        run_for(1000);
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
        if self.by_close_all && *all_closed.borrow() != [cut] {
            let all = all_closed.take();
            counts.fail(format!("{all:?} instead of {cut} connections were cut"));
        }
        if on_both!(&listener, server => server.is_listening()) {
            counts.fail("the server listens".to_owned());
        }
    }

    fn client(&self, scene: &Scene, number: usize, left: &Rc<Cell<usize>>) -> Conn {
        let client = self.clients[number];
        let conn = scene.client();
        let (data, received) = (pattern(number, 0, client.size), Rc::new(Cell::new(0)));
        let sent = data.clone();
        conn.on_ready_read(move |conn| {
            let part = conn.device().read_all();
            let at = received.get();
            assert!(sent[at..].starts_with(&part), "client {number} receives something else");
            received.set(at + part.len());
            match client.end {
                Ending::Aborts if received.get() > sent.len() / 2 => conn.abort(),
                Ending::Disconnects if received.get() == sent.len() => conn.disconnect(),
                _ => {}
            }
        });
        let (left, told) = (left.clone(), Cell::new(false));
        conn.on_closed(move |reason| {
            assert!(!told.replace(true), "client {number} has closed twice: {reason:?}");
            left.set(left.get() - 1);
        });
        let (later, scene) = (conn.clone(), scene.clone());
        QTimer::single_shot(client.begins, move || {
            scene.connect(&later);
            if later.device().is_open() {
                later.write(&data).ok();
            } else if later.state() == SocketState::Connecting {
                // The backlog of a local server is full.
                later.on_connected(move |conn| drop(conn.write(&data)));
            }
        });
        conn
    }
}

impl Program for Crowd {
    const TEST: &'static str = "model::servers::crowds";

    fn random(dice: &mut Dice) -> Self {
        let clients = 1 + dice.count(12);
        let steps = dice.count(6);
        let ends = [Ending::Disconnects, Ending::Disconnects, Ending::Aborts, Ending::Stays];
        Crowd {
            transport: dice.pick(&TRANSPORTS),
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
            by_close_all: dice.one_in(3),
        }
    }

    fn run(&self, net: &Network) {
        let dir = Dir::new();
        let (scene, [host, _]) = Scene::new(net, self.transport, true, &dir);
        net.set_default_link(self.wire.link());
        let counts = Arc::<Counts>::default();
        let (this, its, of) = (self.clone(), counts.clone(), scene.clone());
        host.start(move || {
            this.host(&of, &its);
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
        let clients: Vec<_> =
            (0..self.clients.len()).map(|number| self.client(&scene, number, &left)).collect();
        let over = until(LIMIT, || counts.is_over.load(Relaxed));
        assert!(over, "the server does not end");
        if !until(LIMIT, || left.get() == 0) {
            let states: Vec<_> = clients.iter().map(|client| client.state()).collect();
            panic!("{} clients are not told of the end: {states:?}", left.get());
        }
        drop(clients);
        run_for(1);
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
        if self.transport == Transport::Ssl {
            all.push(Crowd { transport: Transport::Tcp, ..self.clone() });
        }
        all.push(Crowd { workers: self.workers / 2, ..self.clone() });
        all.push(Crowd { limit: 30, ..self.clone() });
        all.push(Crowd { by_close_all: false, ..self.clone() });
        for at in 0..self.clients.len() {
            let mut smaller = self.clone();
            smaller.clients[at].size = 1;
            all.push(smaller);
        }
        all
    }
}

#[test]
fn crowds() {
    check::<Crowd>();
}
