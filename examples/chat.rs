//! A chat: a server, and a client for the terminal. `nc 127.0.0.1 7744` works as a client, too.
//!
//! The protocol is lines of text. The first line of a client is its name.

use std::{
    cell::{Cell, RefCell},
    fs::File,
    io::{self, Read},
    os::fd::{AsFd, OwnedFd},
    process::ExitCode,
    rc::Rc,
};

use examples::{Endpoint, parse_args, print_line, refuse};
use qcore::{NotifierType, QCoreApplication, QObject, QSocketNotifier, class};
use qnetwork::{IncomingConnection, QTcpServer, QTcpSocket, SocketErrorKind};

const USAGE: &str = "\
usage: chat --serve [ADDR:PORT]
       chat ADDR:PORT NAME

Sends each line of standard input to everybody in the chat, and prints the lines of the others,
until standard input ends.

  --serve    run the server at ADDR:PORT instead; port 0 means any free port [127.0.0.1:7744]
  ADDR:PORT  the server's address
  NAME       your name
  --help     print this text";

fn main() -> ExitCode {
    let (mut serve, mut words) = (false, Vec::new());
    parse_args(USAGE, |argument, _| {
        match argument {
            lexopt::Arg::Long("serve") => serve = true,
            lexopt::Arg::Value(value) => words.push(value.to_string_lossy().into_owned()),
            _ => return Ok(false),
        }
        Ok(true)
    });
    let endpoint = |text: &str| match text.parse::<Endpoint>() {
        Ok(endpoint) => endpoint,
        Err(error) => refuse(USAGE, &error),
    };
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let done = match (serve, &*words) {
        (true, []) => run_server(&endpoint("127.0.0.1:7744")),
        (true, [at]) => run_server(&endpoint(at)),
        (false, [at, name]) if is_name(name) => run_client(&endpoint(at), name),
        (false, [_, name]) => {
            refuse(USAGE, &format!("{name:?} is no name: 1 to {MAX_NAME} letters"))
        }
        (false, []) => refuse(USAGE, "where, and who are you?"),
        (false, [_]) => refuse(USAGE, "who are you?"),
        (_, [.., last]) => refuse(USAGE, &format!("unexpected argument {last:?}")),
    };
    match done {
        Ok(code) => ExitCode::from(code as u8),
        Err(error) => {
            eprintln!("chat: {error}");
            ExitCode::FAILURE
        }
    }
}

type Outcome = Result<i32, Box<dyn std::error::Error>>;

/// The greeting for other clients. This client sends its name without being asked.
const GREETING: &str = "* welcome; the first line is your name";

/// The maximum length of a name, in characters.
const MAX_NAME: usize = 32;

fn is_name(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.chars().count())
        && name.trim() == name
        && !name.contains(char::is_control)
}

/// Returns the next whole line received, without control characters, which could disturb a
/// terminal.
fn next_line(socket: &QTcpSocket) -> Option<String> {
    if !socket.can_read_line() {
        return None;
    }
    let line = socket.read_line();
    let text = String::from_utf8_lossy(&line);
    Some(text.chars().filter(|c| !c.is_control()).collect())
}

// ---- the server

/// The maximum length of a line, in bytes.
const MAX_LINE: usize = 4096;
/// The most bytes that may wait for a guest who does not read, including everything said to them.
const MAX_QUEUED: usize = 256 * 1024;

fn run_server(at: &Endpoint) -> Outcome {
    let app = QCoreApplication::new();
    app.quit_on_ctrl_c()?;
    let room = Room::derive(QTcpServer::new());
    room.listen(at.address()?, at.port)?;
    print_line(&format!("listening on {}", at.at_port(room.server_port())));
    Ok(app.exec())
}

class! {
    /// The chat room. Its guests are its children.
    struct Room: QTcpServer {}
}

class! {
    /// A connected client.
    struct Guest: QTcpSocket {
        /// Empty until the client has sent its name, and after it has left.
        name: RefCell<String> = RefCell::default(),
        has_left: Cell<bool> = Cell::new(false),
    }
}

impl IncomingConnection for Room {
    fn incoming_connection(&self, descriptor: OwnedFd) {
        let guest = Guest::new().with_parent(self);
        guest.ready_read.connect_slot((&guest, self), Guest::on_ready_read);
        guest
            .disconnected
            .connect_to((&guest, self), |(guest, room), ()| guest.leave(room, "left"));
        guest.come_by(descriptor);
    }
}

impl Room {
    /// The guests who have told their names.
    fn guests(&self) -> Vec<Guest> {
        let mut guests = self.find_children::<Guest>(None);
        guests.retain(Guest::is_in);
        guests
    }

    /// Sends a line to all guests with a name except `but`.
    fn tell(&self, line: &str, but: Option<&Guest>) {
        print_line(line);
        let mut told = self.guests();
        told.retain(|guest| Some(guest) != but);
        for guest in &told {
            guest.tell(line);
        }
        // A guest who does not read must not fill the server's memory.
        for guest in told.iter().filter(|guest| guest.is_slow()) {
            guest.leave(self, "was dropped: reads too slowly");
        }
    }

    fn has(&self, name: &str) -> bool {
        self.guests().iter().any(|guest| *guest.name.borrow() == name)
    }

    fn names(&self) -> String {
        let names = self.guests().into_iter().map(|guest| guest.name.borrow().clone());
        names.collect::<Vec<_>>().join(", ")
    }
}

impl Guest {
    fn new() -> Self {
        let this = Self::derive(QTcpSocket::new());
        // Everything beyond that stays in the system's buffers, which slows the sender.
        this.set_read_buffer_size(MAX_LINE);
        this
    }

    fn come_by(&self, descriptor: OwnedFd) {
        match self.set_socket_descriptor(descriptor) {
            Ok(()) => self.tell(GREETING),
            Err(_) => self.delete_later(),
        }
    }

    fn is_in(&self) -> bool {
        !self.name.borrow().is_empty()
    }

    fn tell(&self, line: &str) {
        // Errors are ignored: the socket reports separately that a guest has gone.
        self.write(format!("{line}\n")).ok();
    }

    /// Returns whether too much data waits for the guest, even after a flush to the system.
    ///
    /// `unsent_bytes()` also counts encrypted data that waits, which `bytes_to_write()` of a
    /// `QSslSocket` does not. So the check still works if the server is changed to use TLS.
    fn is_slow(&self) -> bool {
        let is_full = || self.unsent_bytes() > MAX_QUEUED;
        is_full() && {
            self.flush();
            is_full()
        }
    }

    fn on_ready_read(&self, room: &Room) {
        while let Some(line) = next_line(self) {
            let name = self.name.borrow().clone();
            if name.is_empty() {
                self.enter(room, line.trim());
            } else if !line.is_empty() {
                room.tell(&format!("{name}: {line}"), Some(self));
            }
        }
        if self.bytes_available() >= MAX_LINE {
            self.leave(room, "was dropped: a line without end");
        }
    }

    fn enter(&self, room: &Room, name: &str) {
        if !is_name(name) {
            self.tell(&format!("* a name has 1 to {MAX_NAME} letters; yours?"));
        } else if room.has(name) {
            self.tell(&format!("* {name} is here already; your name?"));
        } else {
            match room.names() {
                names if names.is_empty() => self.tell("* nobody is here yet"),
                names => self.tell(&format!("* here are {names}")),
            }
            self.name.replace(name.to_owned());
            room.tell(&format!("* {name} came"), Some(self));
        }
    }

    /// Ends the connection if it has not ended, and tells the others why.
    fn leave(&self, room: &Room, why: &str) {
        if self.has_left.replace(true) {
            return;
        }
        let name = self.name.take();
        self.abort();
        self.delete_later();
        if !name.is_empty() {
            room.tell(&format!("* {name} {why}"), None);
        }
    }
}

// ---- the client

fn run_client(server: &Endpoint, name: &str) -> Outcome {
    let app = QCoreApplication::new();
    app.quit_on_ctrl_c()?;
    let client = Client::new()?;
    client.socket.connect_to_host(&server.host, server.port);
    // The socket sends the data once it is connected.
    client.send(format!("{name}\n").as_bytes());
    Ok(app.exec())
}

class! {
    struct Client: QObject {
        /// Standard input without a buffer: the notifier would not report data inside a buffer.
        input: Rc<File>,
        child typed: QSocketNotifier,
        app: QCoreApplication = QCoreApplication::instance(),
        child socket: QTcpSocket = QTcpSocket::new(),
        /// Whether the data read last ended in the middle of a line.
        in_line: Cell<bool> = Cell::new(false),
        leaving: Cell<bool> = Cell::new(false),
    }
}

impl Client {
    fn new() -> io::Result<Self> {
        let input = Rc::new(File::from(io::stdin().as_fd().try_clone_to_owned()?));
        let typed = QSocketNotifier::try_new(input.clone(), NotifierType::Read)?;
        let this = Self::derive(QObject::new(), input, typed);
        this.typed.activated.connect_slot(&this, Self::on_typed);
        this.socket.ready_read.connect_slot(&this, Self::on_ready_read);
        this.socket.bytes_written.connect_slot(&this, Self::on_bytes_written);
        this.socket.error_occurred.connect_slot(&this, Self::on_error);
        this.socket.disconnected.connect_slot(&this, Self::on_disconnected);
        Ok(this)
    }

    fn on_typed(&self) {
        let mut buffer = [0; 4096];
        // The input is ready, so this read does not block.
        match (&*self.input).read(&mut buffer) {
            Ok(count @ 1..) => self.send(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            end => {
                if let Err(error) = end {
                    eprintln!("chat: standard input: {error}");
                }
                self.leave();
            }
        }
    }

    fn send(&self, bytes: &[u8]) {
        self.in_line.set(!bytes.ends_with(b"\n"));
        self.socket.write(bytes).ok();
        // Pauses reading when the input, a file for example, comes faster than it can be sent.
        if self.socket.bytes_to_write() > MAX_QUEUED {
            self.typed.set_enabled(false);
        }
    }

    fn on_bytes_written(&self) {
        if self.socket.bytes_to_write() == 0 && !self.leaving.get() {
            self.typed.set_enabled(true);
        }
    }

    fn on_ready_read(&self) {
        while let Some(line) = next_line(&self.socket) {
            if line != GREETING {
                print_line(&line);
            }
        }
    }

    /// Sends the last line and quits once it has been sent.
    fn leave(&self) {
        self.typed.set_enabled(false);
        if self.in_line.get() {
            self.send(b"\n");
        }
        self.leaving.set(true);
        self.socket.disconnect_from_host();
    }

    fn on_disconnected(&self) {
        if self.leaving.get() {
            self.app.quit();
        }
    }

    fn on_error(&self, kind: &SocketErrorKind) {
        if self.leaving.get() && *kind == SocketErrorKind::RemoteHostClosed {
            return;
        }
        eprintln!("chat: {}", self.socket.error_string());
        self.app.exit(1);
    }
}
