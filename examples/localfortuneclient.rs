//! Asks a local fortune server for a fortune and prints it.

use std::{process::ExitCode, rc::Rc};

use examples::{LOCAL_NAME, parse_args, print_line, receive_local_fortune};
use qcore::QCoreApplication;
use qnetwork::{LocalSocketErrorKind, QLocalSocket};

const USAGE: &str = "\
usage: localfortuneclient [NAME]

Asks a fortune server on this machine for a fortune and prints it.

  NAME    the server's path, or its name in the directory for temporary files [fortune]
  --help  print this text";

/// The client: a socket and the handlers of its signals.
struct Client {
    app: QCoreApplication,
    socket: QLocalSocket,
}

impl Client {
    fn new(app: &QCoreApplication) -> Rc<Client> {
        let client = Rc::new(Client { app: app.clone(), socket: QLocalSocket::new() });
        client.socket.ready_read.connect_to(&client, Client::on_ready_read);
        client.socket.error_occurred.connect_to(&client, Client::on_error);
        client
    }

    fn on_ready_read(&self, (): &()) {
        // Waits for more data if only a part of the fortune has arrived.
        if let Some(fortune) = receive_local_fortune(&self.socket) {
            print_line(&fortune);
            self.socket.abort();
            self.app.quit();
        }
    }

    fn on_error(&self, kind: &LocalSocketErrorKind) {
        let text = match kind {
            LocalSocketErrorKind::PeerClosed => "the server sent no fortune",
            LocalSocketErrorKind::ServerNotFound => "there is no server of that name",
            LocalSocketErrorKind::ConnectionRefused => "the server does not run",
            _ => &self.socket.error_string(),
        };
        eprintln!("localfortuneclient: {text}");
        self.app.exit(1);
    }
}

fn main() -> ExitCode {
    let mut name = None;
    parse_args(USAGE, |argument, _| {
        match argument {
            lexopt::Arg::Value(value) if name.is_none() => {
                name = Some(value.to_string_lossy().into_owned());
            }
            _ => return Ok(false),
        }
        Ok(true)
    });
    let app = QCoreApplication::new();
    let client = Client::new(&app);
    // Connects in the loop's first turn: before that, an error could not end the loop.
    let name = name.unwrap_or_else(|| LOCAL_NAME.to_owned());
    let socket = client.socket.clone();
    qcore::QTimer::single_shot(0, move || socket.connect_to_server(&name));
    ExitCode::from(app.exec() as u8)
}
