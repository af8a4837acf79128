//! The servers of a thread.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::atomic::Ordering::SeqCst,
    time::Duration,
};

use qcore::{
    spawn_local,
    task::{ScopedTask, sleep},
};
use qnetwork::{QHostAddress, QLocalServer, QSslServer, QTcpServer, QTcpSocket};
use socket2::SockRef;

use super::{
    certificates::Certificates,
    relays,
    shared::{Kind, Target},
    socket::{Family, Socket, with},
    world::World,
};

/// The dynamic property of accepted sockets that reset the connection when they close.
const CUTS: &str = "cuts";

/// How many connections wait for a server at most, unless an act changes that.
const PENDING: i32 = 200;

type Handle = Family<QTcpServer, QLocalServer>;

struct Server {
    kind: Kind,
    handle: Handle,
    port: Cell<u16>,
    is_shutting_down: Cell<bool>,
}

pub(super) struct Servers {
    all: Vec<Server>,
    /// Accepts the connections of the server for tasks.
    accepting: RefCell<Option<ScopedTask<()>>>,
}

impl Servers {
    pub(super) fn new(certificates: &Certificates) -> Self {
        let tls = QSslServer::new();
        tls.set_ssl_configuration(certificates.serving());
        tls.set_max_pending_connections(PENDING);
        let plain = |kind| (kind, Handle::Ip(QTcpServer::new()));
        let all = [
            plain(Kind::Tcp),
            (Kind::Tls, Handle::Ip(QTcpServer::clone(&tls))),
            (Kind::Local, Handle::Local(QLocalServer::new())),
            plain(Kind::Tasks),
            plain(Kind::Relayed),
            plain(Kind::Socks5),
            plain(Kind::Http),
        ];
        let all = all.map(|(kind, handle)| Server {
            kind,
            handle,
            port: Cell::default(),
            is_shutting_down: Cell::default(),
        });
        Servers { all: all.into(), accepting: RefCell::default() }
    }

    pub(super) fn start(&self, world: &Rc<World>) {
        for (index, server) in self.all.iter().enumerate() {
            with!(&server.handle, handle => {
                handle.shutdown_finished.connect_to(world, move |world, _| {
                    world.servers.all[index].is_shutting_down.set(false);
                    world.shared.counters.shutdowns.fetch_add(1, SeqCst);
                    world.server_is_shut_down();
                });
                if server.kind != Kind::Tasks {
                    handle.new_connection.connect_to(world, move |world, ()| {
                        world.servers.all[index].accept(world);
                    });
                }
            });
            match (&server.handle, server.kind) {
                (Handle::Ip(handle), Kind::Tcp) => reset_some(world, handle),
                (Handle::Ip(handle), Kind::Tasks) => {
                    let task = spawn_local(accept_in_task(world.clone(), handle.clone()));
                    self.accepting.replace(Some(task.scoped()));
                }
                _ => {}
            }
        }
        self.listen(world);
    }

    /// Makes all servers listen that do not, and tells all clients where.
    pub(super) fn listen(&self, world: &World) {
        let name = format!("qbench-soak-{}-{}", std::process::id(), world.index);
        for server in &self.all {
            if server.is_shutting_down.get() {
                continue;
            }
            let result = match &server.handle {
                Handle::Local(handle) if !handle.is_listening() => {
                    let _ = QLocalServer::remove_server(&name);
                    handle.listen(&name)
                }
                Handle::Ip(handle) if !handle.is_listening() => {
                    // The old port, unless somebody else has got it.
                    let again = handle.listen(QHostAddress::LocalHost, server.port.get());
                    let result = again.or_else(|_| handle.listen(QHostAddress::LocalHost, 0));
                    server.port.set(handle.server_port());
                    result
                }
                _ => Ok(()),
            };
            if let Err(error) = result {
                world.complain(&format!("a server for {:?} does not listen: {error}", server.kind));
            }
        }
        let behind = self.all[0].port.get();
        for server in &self.all {
            let (kind, port) = (server.kind, server.port.get());
            let name = name.clone();
            world.shared.publish(Target { kind, thread: world.index, port, behind, name });
        }
    }

    /// Returns the port of the server for plain connections.
    pub(super) fn plain_port(&self) -> u16 {
        self.all[0].port.get()
    }

    /// Does something with a server, now and then.
    pub(super) fn act(&self, world: &World) {
        if !world.random.one_in(200) {
            return;
        }
        // Relays and proxies go on, because they cannot know which connections have to end well.
        let server = &self.all[world.random.below(4)];
        let count = 1 + world.random.size(60) as i32;
        match (&server.handle, world.random.below(10)) {
            (Handle::Ip(handle), 0..2) => handle.pause_accepting(),
            (Handle::Ip(handle), 2..6) => handle.resume_accepting(),
            (handle, 0..7) => with!(handle, one => one.set_max_pending_connections(count)),
            (handle, 7) => with!(handle, one => one.close()),
            (_, 8) if world.random.one_in(10) => server.shut_down(),
            _ => {}
        }
        self.accept_all(world);
        self.listen(world);
    }

    /// Takes all connections that wait.
    pub(super) fn accept_all(&self, world: &World) {
        self.all.iter().for_each(|server| server.accept(world));
    }

    /// Makes all servers accept connections as fast as they can.
    pub(super) fn relax(&self, world: &World) {
        for server in &self.all {
            with!(&server.handle, handle => handle.set_max_pending_connections(PENDING));
            if let Handle::Ip(handle) = &server.handle {
                handle.resume_accepting();
            }
        }
        self.accept_all(world);
    }

    pub(super) fn shut_down(&self) {
        self.all.iter().for_each(Server::shut_down);
    }

    pub(super) fn are_shut_down(&self) -> bool {
        !self.all.iter().any(|server| server.is_shutting_down.get())
    }

    /// Ends all servers, before the thread ends.
    pub(super) fn end(&self) {
        let accepting = self.accepting.take();
        drop(accepting);
        for server in &self.all {
            with!(&server.handle, handle => drop(handle.disconnect_all()));
        }
    }
}

impl Server {
    fn shut_down(&self) {
        self.is_shutting_down.set(true);
        let limit = Duration::from_millis(1000);
        with!(&self.handle, handle => handle.shutdown(limit));
    }

    /// Takes all connections that wait for this server. Those of the server for tasks wait for its
    /// task instead.
    fn accept(&self, world: &World) {
        match &self.handle {
            Handle::Local(handle) => {
                while let Some(socket) = handle.next_pending_connection() {
                    world.adopt(self.kind, Socket::Local(socket), false);
                }
            }
            Handle::Ip(handle) => {
                while let Some(socket) = handle.next_pending_connection() {
                    let cuts = socket.property::<bool>(CUTS).unwrap_or(false);
                    match self.kind {
                        Kind::Relayed => relays::relay(world, socket),
                        Kind::Socks5 => relays::serve_socks5(world, socket),
                        Kind::Http => relays::serve_http(world, socket),
                        kind => world.adopt(kind, Socket::Ip(socket), cuts),
                    }
                }
            }
        }
    }
}

/// Some of the accepted connections are reset when their socket closes them.
fn reset_some(world: &Rc<World>, server: &QTcpServer) {
    let both = (world.clone(), server.clone());
    server.set_incoming_connection(&both, |(world, server), descriptor| {
        let cuts = world.random.one_in(10);
        if cuts {
            SockRef::from(&descriptor).set_linger(Some(Duration::ZERO)).ok();
        }
        let socket = QTcpSocket::new();
        socket.set_property(CUTS, cuts);
        match socket.set_socket_descriptor(descriptor) {
            Ok(()) => server.add_pending_connection(socket),
            Err(error) => world.complain(&format!("an accepted connection: {error}")),
        }
    });
}

/// Accepts the connections of the server for tasks, which stops listening now and then.
async fn accept_in_task(world: Rc<World>, server: QTcpServer) {
    loop {
        let mut incoming = server.incoming();
        while let Some(socket) = incoming.next().await {
            world.adopt(Kind::Tasks, Socket::Ip(socket), false);
        }
        sleep(Duration::from_millis(20)).await;
    }
}
