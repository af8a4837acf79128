//! Asks a local fortune server for a fortune and prints it.

use std::process::ExitCode;

use examples::{LOCAL_NAME, parse_args, print_line, receive_local_fortune};
use qcore::{QCoreApplication, QObject, QTimer, class};
use qnetwork::{LocalSocketErrorKind, QLocalSocket};

const USAGE: &str = "\
usage: localfortuneclient [NAME]

Asks a fortune server on this machine for a fortune and prints it.

  NAME    the server's path, or its name in the directory for temporary files [fortune]
  --help  print this text";

class! {
    /// The client: a socket and the handlers of its signals.
    struct Client: QObject {
        app: QCoreApplication = QCoreApplication::instance(),
        child socket: QLocalSocket = QLocalSocket::new(),
    }
}

impl Client {
    fn new() -> Self {
        let this = Self::derive(QObject::new());
        this.socket.ready_read.connect_slot(&this, Self::on_ready_read);
        this.socket.error_occurred.connect_slot(&this, Self::on_error);
        this
    }

    fn on_ready_read(&self) {
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
    let client = Client::new();
    // Connects in the loop's first turn: before that, an error could not end the loop.
    let name = name.unwrap_or_else(|| LOCAL_NAME.to_owned());
    QTimer::single_shot_to(0, &client.socket, move |socket| socket.connect_to_server(&name));
    ExitCode::from(app.exec() as u8)
}
