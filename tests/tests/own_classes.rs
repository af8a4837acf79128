//! Classes of one's own over sockets and servers: a chat in a few lines.

use std::{
    cell::{Cell, RefCell},
    os::fd::OwnedFd,
    rc::Rc,
};

use qcore::{
    Destructor, EventHandler, QCoreApplication, QObject, QPointer, QTimer, QTimerEvent, Signal,
    class, wait_until,
};
use qnetwork::{
    IncomingConnection, QAbstractSocket, QHostAddress, QLocalServer, QLocalSocket, QSslSocket,
    QTcpServer, QTcpSocket, QUdpSocket, SocketErrorKind, SocketState,
};

#[derive(Clone, Copy, PartialEq)]
enum Stage {
    Greeting,
    Talking,
}

class! {
    /// A connection to somebody else.
    pub(crate) struct Connection: QTcpSocket {
        pub ready: Signal<()>,
        pub said: Signal<(String, String)>,
        own_name: String,
        peer_name: RefCell<String> = "unknown".to_owned().into(),
        stage: Cell<Stage> = Stage::Greeting.into(),
        child ping: QTimer = QTimer::with_interval(60_000),
        deaths: Rc<Cell<u32>>,
    }
}

impl Connection {
    fn new(own_name: &str, deaths: &Rc<Cell<u32>>) -> Self {
        let this = Self::derive(QTcpSocket::new(), own_name.to_owned(), deaths.clone());
        this.connected.connect_slot(&this, Self::greet);
        this.ready_read.connect_slot(&this, Self::on_ready_read);
        this.disconnected.connect_slot(&this.ping, QTimer::stop);
        this.ping.timeout.connect_slot((&this, &this.ping), Self::on_ping);
        this
    }

    fn greet(&self) {
        self.send("HELLO", &self.own_name);
    }

    fn send(&self, kind: &str, text: &str) {
        self.write(format!("{kind} {text}\n")).ok();
    }

    fn on_ping(&self, ping: &QTimer) {
        assert!(ping.is_active());
        self.send("PING", "");
    }

    fn on_ready_read(&self) {
        while self.can_read_line() {
            let line = String::from_utf8(self.read_line()).unwrap();
            let (kind, text) = line.trim_end_matches('\n').split_once(' ').unwrap();
            match (kind, self.stage.get()) {
                ("HELLO", Stage::Greeting) => {
                    self.stage.set(Stage::Talking);
                    self.peer_name.replace(text.to_owned());
                    self.ping.start();
                    self.ready.emit(());
                }
                ("SAY", Stage::Talking) => {
                    let name = self.peer_name.borrow().clone();
                    self.said.emit((name, text.to_owned()));
                }
                ("PING", Stage::Talking) => {}
                _ => return self.abort(),
            }
        }
    }
}

impl Destructor for Connection {
    fn destructor(&self) {
        self.deaths.set(self.deaths.get() + 1);
    }
}

class! {
    /// Everybody's server.
    pub(crate) struct Server: QTcpServer {
        pub said: Signal<(String, String)>,
        name: String,
        deaths: Rc<Cell<u32>>,
    }
}

impl Server {
    fn new(name: &str, deaths: &Rc<Cell<u32>>) -> Self {
        let this = Self::derive(QTcpServer::new(), name.to_owned(), deaths.clone());
        this.listen(QHostAddress::LocalHost, 0).unwrap();
        this
    }

    fn connections(&self) -> Vec<Connection> {
        self.find_children(None)
    }

    fn on_ready(&self, connection: &Connection) {
        connection.greet();
        connection.said.connect_signal(&self.said);
        connection.said.connect_slot((self, connection), Self::pass_on);
    }

    fn pass_on(&self, from: &Connection, name: &str, text: &str) {
        for connection in self.connections() {
            if connection != *from {
                connection.send("SAY", &format!("<{name}> {text}"));
            }
        }
    }
}

impl IncomingConnection for Server {
    fn incoming_connection(&self, descriptor: OwnedFd) {
        let connection = Connection::new(&self.name, &self.deaths).with_parent(self);
        connection.ready.connect_slot((self, &connection), Self::on_ready);
        connection.disconnected.connect_slot(&connection, QObject::delete_later);
        connection.set_socket_descriptor(descriptor).unwrap();
    }
}

#[test]
fn a_chat() {
    let app = QCoreApplication::new();
    let deaths = Rc::new(Cell::new(0));
    let server = Server::new("server", &deaths);
    let home = QObject::new();
    let [ann, bob] = ["ann", "bob"].map(|name| {
        let connection = Connection::new(name, &deaths).with_parent(&home);
        connection.connect_to_host(QHostAddress::LocalHost, server.server_port());
        connection
    });
    let count = Rc::new(Cell::new(0));
    for connection in [&ann, &bob] {
        connection.ready.connect_to((&count, &ann), |(count, ann), ()| {
            count.set(count.get() + 1);
            if count.get() == 2 {
                ann.send("SAY", "hello");
            }
        });
    }
    let heard = Rc::new(RefCell::new(Vec::new()));
    let heard_by = |signal: &Signal<(String, String)>| {
        signal.connect_to((&heard, &app), |(heard, app), (name, text)| {
            heard.borrow_mut().push(format!("{name}: {text}"));
            if heard.borrow().len() == 2 {
                app.quit();
            }
        });
    };
    heard_by(&server.said);
    heard_by(&bob.said);
    app.exec();
    assert_eq!(*heard.borrow(), ["ann: hello", "server: <ann> hello"]);

    // They are what they are, from below and from above.
    let socket: &QAbstractSocket = &ann;
    assert_eq!(socket.state(), SocketState::Connected);
    assert!(socket.cast::<Connection>() == Some(ann.clone()));
    assert_eq!(server.connections().len(), 2);
    assert!(server.find_children::<QTcpSocket>(None).len() == 2);

    // The parent's death is theirs; those of the server follow.
    drop(home);
    assert!(ann.is_deleted() && bob.is_deleted());
    assert_eq!(ann.state(), SocketState::Unconnected);
    assert!(wait_until(5000, || server.connections().is_empty()));
    assert_eq!(deaths.get(), 4);
}

#[test]
fn a_server_dies_with_its_connections() {
    let _app = QCoreApplication::new();
    let deaths = Rc::new(Cell::new(0));
    let server = Server::new("server", &deaths);
    let client = QTcpSocket::new();
    client.connect_to_host(QHostAddress::LocalHost, server.server_port());
    client.write("HELLO me\n").unwrap();
    assert!(wait_until(5000, || client.can_read_line()));
    let connection = QPointer::new(&server.connections()[0]);
    let destroyed = Rc::new(Cell::new(0));
    server.destroyed.connect_to(&destroyed, |destroyed, _| destroyed.set(1));
    server.delete_later();
    assert!(!server.is_deleted());
    let server_is_gone = server.clone();
    assert!(wait_until(5000, || client.state() == SocketState::Unconnected));
    assert!(server_is_gone.is_deleted() && connection.is_null());
    assert_eq!((deaths.get(), destroyed.get()), (1, 1));
    assert_eq!(client.error(), SocketErrorKind::RemoteHostClosed);
}

class! {
    /// A server that only counts, over one that lets in.
    struct CountingServer: Server {
        count: Cell<u32> = Cell::new(0),
    }
}

impl IncomingConnection for CountingServer {
    fn incoming_connection(&self, descriptor: OwnedFd) {
        self.count.set(self.count.get() + 1);
        if self.count.get() > 1 {
            Server::incoming_connection(self, descriptor);
        }
    }
}

#[test]
fn overriding_what_overrides() {
    let _app = QCoreApplication::new();
    let deaths = Rc::new(Cell::new(0));
    let server = CountingServer::derive(Server::new("server", &deaths));
    let [first, second] = [(), ()].map(|()| {
        let client = QTcpSocket::new();
        client.connect_to_host(QHostAddress::LocalHost, server.server_port());
        client
    });
    assert!(wait_until(5000, || server.count.get() == 2));
    assert!(wait_until(5000, || server.connections().len() == 1));
    // Of the first the descriptor was dropped, which closes the connection.
    assert!(wait_until(5000, || first.state() == SocketState::Unconnected));
    assert_eq!(second.state(), SocketState::Connected);
}

class! {
    /// A local server of connections that are its children.
    struct LocalServer: QLocalServer {
        served: Cell<u32> = Cell::new(0),
    }
}

impl IncomingConnection<QLocalServer> for LocalServer {
    fn incoming_connection(&self, descriptor: OwnedFd) {
        self.served.set(self.served.get() + 1);
        let socket = QLocalSocket::new().with_parent(self);
        socket.set_socket_descriptor(descriptor).unwrap();
        socket.write("welcome\n").unwrap();
    }
}

#[test]
fn a_local_server() {
    let _app = QCoreApplication::new();
    let server = LocalServer::derive(QLocalServer::new());
    server.listen(format!("qnetwork-own-classes-{}", std::process::id())).unwrap();
    let client = QLocalSocket::new();
    client.connect_to_server(server.full_server_name());
    assert!(wait_until(5000, || client.can_read_line()));
    assert_eq!(client.read_line(), b"welcome\n");
    assert_eq!(server.served.get(), 1);
}

class! {
    /// A client of a device that is asked again and again, by timers of its own.
    struct Projector: QObject {
        pub answered: Signal<(String, String)>,
        pub failed: Signal<SocketErrorKind>,
        child socket: QTcpSocket = QTcpSocket::new(),
        poll: Cell<i32> = Cell::new(0),
        waiting: RefCell<Option<String>> = None.into(),
    }
}

impl Projector {
    fn new() -> Self {
        let this = Self::derive(QObject::new());
        this.socket.connected.connect_slot(&this, Self::on_connected);
        this.socket.ready_read.connect_slot(&this, Self::on_ready_read);
        this.socket.error_occurred.connect_signal(&this.failed);
        this
    }

    fn on_connected(&self) {
        self.start_timer(1).unwrap();
    }

    fn on_ready_read(&self) {
        while self.socket.can_read_line() {
            let line = String::from_utf8(self.socket.read_line()).unwrap();
            if let Some(command) = self.waiting.take() {
                self.answered.emit((command, line.trim_end().to_owned()));
            }
        }
    }
}

impl EventHandler for Projector {
    fn timer_event(&self, _: &QTimerEvent) {
        if self.waiting.borrow().is_none() {
            self.poll.set(self.poll.get() + 1);
            let command = format!("STATE {}", self.poll.get());
            self.socket.write(format!("{command}\n")).ok();
            self.waiting.replace(Some(command));
        }
    }
}

#[test]
fn a_client_with_timers_of_its_own() {
    let app = QCoreApplication::new();
    let device = QTcpServer::new();
    device.new_connection.connect_to(&device, |device, ()| {
        let socket = device.next_pending_connection().unwrap();
        socket.ready_read.connect_to(&socket, |socket, ()| {
            while socket.can_read_line() {
                let line = [b"OK ", &*socket.read_line()].concat();
                socket.write(line).ok();
            }
        });
    });
    device.listen(QHostAddress::LocalHost, 0).unwrap();
    let home = QObject::new();
    let projector = Projector::new().with_parent(&home);
    let answers = Rc::new(RefCell::new(Vec::new()));
    projector.answered.connect_to((&app, &answers), |(app, answers), (command, answer)| {
        answers.borrow_mut().push(format!("{command} -> {answer}"));
        if answers.borrow().len() == 3 {
            app.quit();
        }
    });
    projector.socket.connect_to_host(QHostAddress::LocalHost, device.server_port());
    app.exec();
    let expected = [1, 2, 3].map(|number| format!("STATE {number} -> OK STATE {number}"));
    assert_eq!(*answers.borrow(), expected);

    // Its signals tell of a failure of the socket that it has.
    let failed = Rc::new(Cell::new(None));
    projector.failed.connect_to(&failed, |failed, error| failed.set(Some(*error)));
    drop(device);
    assert!(wait_until(5000, || failed.get() == Some(SocketErrorKind::RemoteHostClosed)));
    drop(home);
    assert!(projector.is_deleted() && projector.socket.is_deleted());
}

/// The classes that only add functions to their base class have names of their own, too.
#[test]
fn names_of_classes() {
    let _app = QCoreApplication::new();
    let tcp = QObject::from(QTcpSocket::new());
    assert_eq!(tcp.class_name(), "QTcpSocket");
    assert!(tcp.inherits("QTcpSocket") && tcp.inherits("QAbstractSocket"));
    assert!(tcp.inherits("QIODevice") && tcp.inherits("QObject") && !tcp.inherits("QUdpSocket"));
    let ssl = QObject::from(QSslSocket::new());
    assert_eq!(ssl.class_name(), "QSslSocket");
    assert!(ssl.inherits("QTcpSocket") && !ssl.inherits("Connection"));
    assert_eq!(QUdpSocket::new().class_name(), "QUdpSocket");
    assert_eq!(QTcpServer::new().class_name(), "QTcpServer");

    let own = Connection::new("Ann", &Rc::default());
    own.set_object_name("own");
    let own = QAbstractSocket::from(own);
    assert_eq!(own.class_name(), "Connection");
    assert!(own.inherits("Connection") && own.inherits("QTcpSocket"));
    assert_eq!(own.dump_object_tree(), "Connection::own \n    QTimer:: \n");
}
