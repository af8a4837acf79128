//! Gets a fortune from a server and prints it.

use std::process::ExitCode;

use examples::{Wire, client_args, print_line, receive_fortune};
use qcore::{QCoreApplication, QObject, class};
use qnetwork::{QTcpSocket, SocketErrorKind};

const USAGE: &str = "\
usage: fortuneclient [--pyside2] [--proxy URL] [HOST [PORT]]

Gets a fortune from a server and prints it.

  HOST PORT    the server [127.0.0.1 7733]
  --pyside2    use the format of PySide2's fortune client instead of the C++ one's
  --proxy URL  use a proxy: socks5://USER:PASSWORD@HOST:PORT or http://USER:PASSWORD@HOST:PORT
  --help       print this text";

class! {
    /// The client: a socket and the handlers of its signals.
    struct Client: QObject {
        app: QCoreApplication = QCoreApplication::instance(),
        child socket: QTcpSocket = QTcpSocket::new(),
        wire: Wire,
    }
}

impl Client {
    fn new(wire: Wire) -> Self {
        let this = Self::derive(QObject::new(), wire);
        this.socket.ready_read.connect_slot(&this, Self::on_ready_read);
        this.socket.error_occurred.connect_slot(&this, Self::on_error);
        this
    }

    fn on_ready_read(&self) {
        // Waits for more data if only a part of the fortune has arrived.
        if let Some(fortune) = receive_fortune(&self.socket, self.wire) {
            print_line(&fortune);
            self.socket.abort();
            self.app.quit();
        }
    }

    fn on_error(&self, kind: &SocketErrorKind) {
        let text = match kind {
            SocketErrorKind::RemoteHostClosed => "the server sent no fortune".to_owned(),
            _ => self.socket.error_string(),
        };
        eprintln!("fortuneclient: {text}");
        self.app.exit(1);
    }
}

fn main() -> ExitCode {
    let args = client_args(USAGE);
    let app = QCoreApplication::new();
    let client = Client::new(args.wire);
    if let Some(proxy) = args.proxy {
        client.socket.set_proxy(proxy);
    }
    client.socket.connect_to_host(args.host, args.port);
    ExitCode::from(app.exec() as u8)
}
