//! Clients that connect again and again: a `Reconnector` with a `Heartbeat`. Their server spreads
//! its connections over a worker and splits them into lines with `Framed`.
//!
//! The server returns each line. A client checks that the lines of a connection come back in order,
//! and that nothing else comes. It also checks that each connection and each attempt has one end.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
    sync::{Arc, atomic::Ordering::SeqCst},
};

use qcore::framing::{Framed, Lines};
use qnetwork::{
    Heartbeat, QHostAddress, QTcpServer, QTcpSocket, Reconnector, ReconnectorState, SocketState,
};

use super::{
    random::Random,
    shared::{Phase, Shared},
    world::{Traffic, World},
};

/// How many clients a thread has.
const CLIENTS: usize = 4;
/// How many lines of a client may be on their way.
const AHEAD: usize = 64;

pub(super) struct Links {
    server: QTcpServer,
    all: Vec<Rc<Link>>,
}

struct Link {
    reconnector: Reconnector,
    /// The numbers that were sent on this connection and have not come back.
    sent: RefCell<VecDeque<u64>>,
    next: Cell<u64>,
    begun: Cell<u64>,
    ended: Cell<u64>,
    shared: Arc<Shared>,
}

impl Links {
    pub(super) fn new(world: &World) -> Self {
        let (server, shared) = (QTcpServer::new(), world.shared.clone());
        let seed = world.random.next();
        server.set_workers(1, move || serve(&shared, seed));
        if let Err(error) = server.listen(QHostAddress::LocalHost, 0) {
            world.complain(&format!("the server with workers does not listen: {error}"));
        }
        let port = server.server_port();
        Links { server, all: (0..CLIENTS).map(|_| Link::new(world, port)).collect() }
    }
}

impl Traffic for Links {
    /// Sends lines, and cuts a connection now and then.
    fn act(&self, world: &World) {
        for link in &self.all {
            match link.reconnector.state() {
                ReconnectorState::Stopped => link.reconnector.start(),
                ReconnectorState::Connected if world.random.one_in(300) => {
                    link.reconnector.socket().abort();
                }
                ReconnectorState::Connected => link.send(),
                ReconnectorState::Waiting if world.random.one_in(100) => {
                    link.reconnector.retry_now();
                }
                _ => {}
            }
        }
    }

    /// Stops the clients that have got all their lines back.
    fn drain(&self) -> Vec<String> {
        self.all.iter().filter_map(|link| link.stop()).collect()
    }
}

impl Drop for Links {
    fn drop(&mut self) {
        self.all.clear();
        self.server.close();
    }
}

impl Link {
    fn new(world: &World, port: u16) -> Rc<Self> {
        let socket = QTcpSocket::new();
        let heartbeat = Heartbeat::new(&socket);
        heartbeat.set_interval(300);
        heartbeat.set_timeout(15_000);
        heartbeat.set_message("PING\n");
        heartbeat.set_any_data_counts(false);
        let reconnector = Reconnector::new(&socket, "127.0.0.1", port);
        reconnector.set_seed(world.random.next());
        reconnector.set_delays(5, 100);
        let link = Rc::new(Link {
            reconnector,
            sent: RefCell::default(),
            next: Cell::default(),
            begun: Cell::default(),
            ended: Cell::default(),
            shared: world.shared.clone(),
        });
        heartbeat.unanswered.connect_to(&link, |link, ()| link.complain("a ping is not answered"));
        socket.state_changed.connect_to(&link, |link, state| {
            if *state == SocketState::HostLookup {
                link.begun.set(link.begun.get() + 1);
            }
        });
        socket.closed.connect_to(&link, |link, _| {
            link.ended.set(link.ended.get() + 1);
            if link.ended.get() > link.begun.get() {
                link.complain("more attempts have ended than have begun");
            }
        });
        link.reconnector.connected.connect_to(&link, |link, ()| link.sent.borrow_mut().clear());
        socket.ready_read.connect_to((&link, &heartbeat), |(link, heartbeat), ()| {
            let socket = link.reconnector.socket();
            while socket.can_read_line() {
                match &*socket.read_line() {
                    b"PONG\n" => heartbeat.answered(),
                    line => link.take(line),
                }
            }
        });
        link
    }

    fn send(&self) {
        if self.sent.borrow().len() < AHEAD {
            let number = self.next.get() + 1;
            self.next.set(number);
            if self.reconnector.send(format!("{number}\n")).is_ok() {
                self.sent.borrow_mut().push_back(number);
            }
        }
    }

    fn take(&self, line: &[u8]) {
        let number = String::from_utf8_lossy(line).trim().parse::<u64>().ok();
        let expected = self.sent.borrow_mut().pop_front();
        if number.is_none() || number != expected {
            self.complain(&format!("the line {number:?} has come instead of {expected:?}"));
        }
        self.shared.counters.lines.fetch_add(1, SeqCst);
    }

    /// Stops if no line is missing. Returns what has not ended yet.
    fn stop(&self) -> Option<String> {
        let is_connected = self.reconnector.state() == ReconnectorState::Connected;
        let missing = self.sent.borrow().len();
        if is_connected && missing > 0 {
            return Some(format!("a link: {missing} lines are missing"));
        }
        self.reconnector.stop();
        // A connection with unsent bytes ends when they are sent.
        let (begun, ended) = (self.begun.get(), self.ended.get());
        (begun != ended)
            .then(|| format!("a link: {begun} attempts have begun, and {ended} have ended"))
    }

    fn complain(&self, what: &str) {
        self.shared.complain(format!("a link: {what}"));
    }
}

/// Returns the server of a worker, which returns all lines and cuts connections at random.
fn serve(shared: &Arc<Shared>, seed: u64) -> QTcpServer {
    let (server, shared, random) = (QTcpServer::new(), shared.clone(), Rc::new(Random::new(seed)));
    server.new_connection.connect_to(&server, move |server, ()| {
        while let Some(socket) = server.next_pending_connection() {
            let framed = Framed::new(&socket, Lines::new());
            let (shared, random) = (shared.clone(), random.clone());
            let last = Cell::new(0);
            framed.message.connect_to(&framed, move |framed, line| {
                if line == "PING" {
                    framed.send("PONG").ok();
                    return;
                }
                let number = line.parse().unwrap_or(0);
                if number <= last.replace(number) {
                    shared.complain(format!("a link: its server gets the line {line}"));
                }
                if shared.phase() == Phase::Busy && random.one_in(200) {
                    framed.device().abort();
                } else {
                    framed.send(line).ok();
                }
            });
            socket.disconnected.connect_to(&socket, |socket, ()| socket.delete_later());
        }
    });
    server
}
