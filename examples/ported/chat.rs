//! A chat without a server: the peers on this machine find one another by broadcasts.

use std::{
    cell::{Cell, RefCell},
    error::Error,
    fs::File,
    io::{self, Read},
    os::fd::{AsFd, OwnedFd},
    process::ExitCode,
};

use qcore::prelude::*;
use qnetwork::prelude::*;

const USAGE: &str = "\
usage: ported-chat NAME PORT

PORT is the UDP port of the broadcasts. Each line of standard input goes to all peers.";
const MAX_LINE: usize = 4096;
const MAX_SILENCE: i32 = 30_000;
const PING_INTERVAL: i32 = 5_000;
const BROADCAST_INTERVAL: i32 = 500;
const BROADCAST_ADDRESS: &str = "127.255.255.255";

class! {
    /// A connection to a peer, ready for use once the peer has told its name.
    struct Connection: QTcpSocket {
        ready_for_use: Signal<()>,
        new_message: Signal<String>,
        own_name: String,
        name: RefCell<String> = RefCell::default(),
        last_heard: RefCell<QElapsedTimer> = RefCell::default(),
        child ping_timer: QTimer = QTimer::with_interval(PING_INTERVAL),
    }
}

impl Connection {
    fn new(own_name: &str) -> Self {
        let this = Self::derive(QTcpSocket::new(), own_name.to_owned());
        this.ping_timer.timeout.connect_slot(&this, Self::on_ping_timeout);
        this.connected.connect_slot(&this, Self::greet);
        this.ready_read.connect_slot(&this, Self::on_ready_read);
        this.disconnected.connect_slot(&this.ping_timer, QTimer::stop);
        this
    }

    fn send(&self, kind: &str, text: &str) {
        self.write(format!("{kind} {text}\n")).ok();
    }

    fn greet(&self) {
        self.last_heard.borrow_mut().start();
        self.ping_timer.start();
        self.send("GREETING", &self.own_name);
    }

    fn on_ping_timeout(&self) {
        if self.last_heard.borrow().has_expired(MAX_SILENCE) {
            self.abort();
        } else {
            self.send("PING", "");
        }
    }

    fn on_ready_read(&self) {
        self.last_heard.borrow_mut().start();
        while self.can_read_line() {
            let line = String::from_utf8_lossy(&self.read_line()).trim_end().to_owned();
            let (kind, text) = line.split_once(' ').unwrap_or((&line, ""));
            let is_ready = !self.name.borrow().is_empty();
            match kind {
                "GREETING" if !is_ready && !text.is_empty() => {
                    self.name.replace(text.to_owned());
                    self.ready_for_use.emit(());
                }
                "MESSAGE" if is_ready => self.new_message.emit(text.to_owned()),
                "PING" => self.send("PONG", ""),
                "PONG" => {}
                _ => self.abort(),
            }
        }
        if self.bytes_available() > MAX_LINE {
            self.abort();
        }
    }
}

class! {
    /// Accepts the connections of other peers.
    struct Server: QTcpServer {
        accepted: Signal<Connection>,
        own_name: String,
    }
}

impl IncomingConnection for Server {
    fn incoming_connection(&self, descriptor: OwnedFd) {
        let connection = Connection::new(&self.own_name).with_parent(self);
        self.accepted.emit(connection.clone());
        match connection.set_socket_descriptor(descriptor) {
            Ok(()) => connection.greet(),
            Err(_) => connection.delete_later(),
        }
    }
}

class! {
    /// Tells the peers by broadcasts where this one listens, and hears theirs.
    struct Finder: QUdpSocket {
        found: Signal<(String, u16)>,
        own_name: String,
        server_port: u16,
        child timer: QTimer = QTimer::with_interval(BROADCAST_INTERVAL),
    }
}

impl Finder {
    fn new(own_name: &str, server_port: u16) -> Self {
        let this = Self::derive(QUdpSocket::new(), own_name.to_owned(), server_port);
        this.timer.timeout.connect_slot(&this, Self::broadcast);
        this.ready_read.connect_slot(&this, Self::on_ready_read);
        this
    }

    fn start(&self, port: u16) -> Result<(), SocketError> {
        self.bind_with_mode(QHostAddress::AnyIPv4, port, BindMode::SHARE_ADDRESS)?;
        self.timer.start();
        self.broadcast();
        Ok(())
    }

    fn broadcast(&self) {
        let mut stream = QDataStream::from_bytes([]);
        stream.write(&self.own_name).write(&self.server_port);
        self.write_datagram(stream.into_bytes(), BROADCAST_ADDRESS, self.local_port()).ok();
    }

    fn on_ready_read(&self) {
        while let Ok(datagram) = self.receive_datagram() {
            let mut stream = QDataStream::from_bytes(datagram.data());
            if let Ok(found) = stream.transaction(QDataStream::read) {
                self.found.emit(found);
            }
        }
    }
}

class! {
    /// The lines of standard input.
    struct Keyboard: QSocketNotifier {
        line: Signal<String>,
        closed: Signal<()>,
        input: File,
        buffer: RefCell<Vec<u8>> = RefCell::default(),
    }
}

impl Keyboard {
    fn new() -> io::Result<Self> {
        let input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        let this = Self::derive(QSocketNotifier::try_new(io::stdin(), NotifierType::Read)?, input);
        this.activated.connect_slot(&this, Self::on_activated);
        Ok(this)
    }

    fn on_activated(&self) {
        let mut data = [0; MAX_LINE];
        let count = (&self.input).read(&mut data).unwrap_or(0);
        let text = [&self.buffer.take(), &data[..count]].concat();
        let mut lines: Vec<_> = text.split(|byte| *byte == b'\n').collect();
        self.buffer.replace(lines.pop().unwrap_or_default().to_vec());
        for line in lines {
            self.line.emit(String::from_utf8_lossy(line).into_owned());
        }
        if count == 0 {
            self.set_enabled(false);
            self.closed.emit(());
        }
    }
}

class! {
    /// The peer: its connections are its children and those of its server.
    struct Chat: QObject {
        name: String,
        leaving: Cell<bool> = Cell::new(false),
        child server: Server,
        child finder: Finder,
        child keyboard: Keyboard,
    }
}

impl Chat {
    fn new(name: &str, port: u16) -> Result<Self, Box<dyn Error>> {
        let server = Server::derive(QTcpServer::new(), name.to_owned());
        server.listen(QHostAddress::LocalHost, 0)?;
        let finder = Finder::new(name, server.server_port());
        finder.start(port)?;
        let this = Self::derive(QObject::new(), name.to_owned(), server, finder, Keyboard::new()?);
        this.server.accepted.connect_slot(&this, Self::add);
        this.finder.found.connect_slot(&this, Self::on_found);
        this.keyboard.line.connect_slot(&this, Self::say);
        this.keyboard.closed.connect_slot(&this, Self::leave);
        Ok(this)
    }

    /// Connects to the peer, unless it is for the peer to connect to this one.
    fn on_found(&self, name: &str, port: u16) {
        let peer = format!("{name}@{port}");
        let is_new = self.find_child::<Connection>(peer.as_str()).is_none();
        if is_new && (name, port) > (&self.name, self.server.server_port()) {
            let connection = Connection::new(&self.name).with_parent(self);
            connection.set_object_name(peer);
            self.add(&connection);
            connection.connect_to_host(QHostAddress::LocalHost, port);
        }
    }

    fn add(&self, connection: &Connection) {
        connection.ready_for_use.connect_slot((self, connection), Self::on_ready);
        connection.new_message.connect_to(connection, |connection, text| {
            println!("<{}> {text}", connection.name.borrow());
        });
        connection.disconnected.connect_slot((self, connection), Self::on_disconnected);
        connection.error_occurred.connect_slot(connection, QObject::delete_later);
    }

    fn on_ready(&self, connection: &Connection) {
        println!("* {} is here", connection.name.borrow());
    }

    fn on_disconnected(&self, connection: &Connection) {
        if !connection.name.borrow().is_empty() {
            println!("* {} is gone", connection.name.borrow());
        }
        connection.delete_later();
        self.quit_if_alone();
    }

    fn say(&self, text: &str) {
        for connection in self.find_children::<Connection>(None) {
            connection.send("MESSAGE", text);
        }
    }

    fn leave(&self) {
        self.leaving.set(true);
        for connection in self.find_children::<Connection>(None) {
            connection.disconnect_from_host();
        }
        self.quit_if_alone();
    }

    fn quit_if_alone(&self) {
        let connections = self.find_children::<Connection>(None);
        let is_alone = connections.iter().all(|it| it.state() == SocketState::Unconnected);
        if self.leaving.get() && is_alone {
            QCoreApplication::instance().quit();
        }
    }
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let app = QCoreApplication::new();
    let arguments = QCoreApplication::arguments();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[1..] {
        [name, port] => {
            let _chat = Chat::new(name, port.parse()?)?;
            Ok(ExitCode::from(app.exec() as u8))
        }
        _ => {
            eprintln!("{USAGE}");
            Ok(ExitCode::FAILURE)
        }
    }
}
