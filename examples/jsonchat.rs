//! A chat server of JSON lines. `nc 127.0.0.1 7745` works as a client:
//!
//! ```text
//! {"name": "alice"}
//! {"say": "hello"}
//! ```
//!
//! Everybody in the chat receives `{"from": "alice", "say": "hello"}`, and `{"came": "alice"}` and
//! `{"left": "alice"}` when somebody comes or goes. A message that the server does not understand
//! is answered with `{"error": "..."}`. Bytes that are not JSON end the connection.

use std::{cell::RefCell, process::ExitCode};

use examples::{Endpoint, parse_args, print_line};
use qcore::{
    QCoreApplication, QObject, class,
    framing::{FrameError, Framed, JsonLines},
    io_device::Chunk,
};
use qnetwork::{QTcpServer, QTcpSocket};
use serde_json::{Value, json};

const USAGE: &str = "\
usage: jsonchat [--listen ADDR:PORT]

A chat server. A client sends {\"name\": \"...\"} and then any number of {\"say\": \"...\"}, each on
a line of its own.

  --listen ADDR:PORT  the address to listen on; port 0 means any free port [127.0.0.1:7745]
  --help              print this text";

/// The maximum length of a message, in bytes.
const MAX_MESSAGE: usize = 4096;
/// The most bytes that may wait for a guest who does not read.
const MAX_QUEUED: usize = 256 * 1024;

type Messages = Framed<QTcpSocket, JsonLines<Value>>;

fn main() -> ExitCode {
    let mut listen = Endpoint { host: "127.0.0.1".to_owned(), port: 7745 };
    parse_args(USAGE, |argument, value| {
        match argument {
            lexopt::Arg::Long("listen") => listen = value().parse()?,
            _ => return Ok(false),
        }
        Ok(true)
    });
    match run(&listen) {
        Ok(code) => ExitCode::from(code as u8),
        Err(error) => {
            eprintln!("jsonchat: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(listen: &Endpoint) -> Result<i32, Box<dyn std::error::Error>> {
    let app = QCoreApplication::new();
    app.quit_on_ctrl_c()?;
    let room = Room::derive(QTcpServer::new());
    room.new_connection.connect_slot(&room, Room::on_new_connection);
    room.listen(listen.address()?, listen.port)?;
    print_line(&format!("listening on {}", listen.at_port(room.server_port())));
    Ok(app.exec())
}

class! {
    /// The chat room. Its guests are its children.
    struct Room: QTcpServer {}
}

class! {
    /// A connected client.
    struct Guest: QObject {
        messages: Messages,
        /// Empty until the client has told its name.
        name: RefCell<String> = RefCell::default(),
    }
}

impl Room {
    fn on_new_connection(&self, (): &()) {
        while let Some(socket) = self.next_pending_connection() {
            socket.set_read_buffer_size(2 * MAX_MESSAGE);
            let messages = Framed::new(&socket, JsonLines::new().with_limit(MAX_MESSAGE));
            let guest = Guest::derive(QObject::new(), messages).with_parent(self);
            guest.messages.message.connect_slot((&guest, self), Guest::on_message);
            guest.messages.error.connect_slot(&guest, Guest::on_error);
            socket.disconnected.connect_to((&guest, self), |(guest, room), ()| guest.leave(room));
        }
    }

    /// Sends a message to all guests with a name. It is encoded once.
    fn tell(&self, message: &Value) {
        let guests: Vec<Guest> = self.find_children(None);
        let mut encoded: Option<Chunk> = None;
        for guest in guests.iter().filter(|guest| !guest.name.borrow().is_empty()) {
            if encoded.is_none() {
                encoded = guest.messages.encode(message).ok();
            }
            if let Some(encoded) = &encoded {
                guest.send(encoded.clone());
            }
        }
    }

    fn has(&self, name: &str) -> bool {
        let guests: Vec<Guest> = self.find_children(None);
        guests.iter().any(|guest| *guest.name.borrow() == name)
    }
}

impl Guest {
    fn on_message(&self, room: &Room, message: &Value) {
        let text = |key: &str| message.get(key).and_then(Value::as_str);
        let name = self.name.borrow().clone();
        match (&*name, text("name"), text("say")) {
            ("", Some(""), _) => self.refuse("a name has at least one letter"),
            ("", Some(wanted), _) if room.has(wanted) => self.refuse("the name is taken"),
            ("", Some(wanted), _) => {
                self.name.replace(wanted.to_owned());
                room.tell(&json!({ "came": wanted }));
            }
            ("", None, _) => self.refuse("your name?"),
            (name, _, Some(say)) => room.tell(&json!({ "from": name, "say": say })),
            _ => self.refuse("what do you say?"),
        }
    }

    fn refuse(&self, reason: &str) {
        if let Ok(encoded) = self.messages.encode(&json!({ "error": reason })) {
            self.send(encoded);
        }
    }

    fn send(&self, encoded: Chunk) {
        let socket = self.messages.device();
        if socket.unsent_bytes() > MAX_QUEUED {
            socket.abort(); // reads too slowly
        } else {
            // The socket reports separately that a guest has gone.
            self.messages.send_encoded(encoded).ok();
        }
    }

    fn on_error(&self, error: &FrameError) {
        self.refuse(&error.to_string());
        self.messages.device().disconnect_from_host();
    }

    fn leave(&self, room: &Room) {
        let name = self.name.take();
        self.messages.device().delete_later();
        self.delete_later();
        if !name.is_empty() {
            room.tell(&json!({ "left": name }));
        }
    }
}
