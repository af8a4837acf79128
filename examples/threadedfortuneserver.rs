//! Sends a fortune to each client that connects. Each client is served by a thread of its own.

use std::{os::fd::OwnedFd, process::ExitCode};

use examples::{Endpoint, Wire, parse_args, print_line, send_fortune};
use qcore::{QCoreApplication, QObject, QThread};
use qnetwork::{QTcpServer, QTcpSocket};

const USAGE: &str = "\
usage: threadedfortuneserver [--listen ADDR:PORT] [--pyside2]

Sends a fortune to each client that connects, in a thread of its own.

  --listen ADDR:PORT  the address to listen on; port 0 means any free port [127.0.0.1:7733]
  --pyside2           use the format of PySide2's fortune server instead of the C++ one's
  --help              print this text";

fn main() -> ExitCode {
    let mut listen = Endpoint { host: "127.0.0.1".to_owned(), port: 7733 };
    let mut wire = Wire::Cpp;
    parse_args(USAGE, |argument, value| {
        match argument {
            lexopt::Arg::Long("listen") => listen = value().parse()?,
            lexopt::Arg::Long("pyside2") => wire = Wire::PySide2,
            _ => return Ok(false),
        }
        Ok(true)
    });
    match run(&listen, wire) {
        Ok(code) => ExitCode::from(code as u8),
        Err(error) => {
            eprintln!("threadedfortuneserver: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(listen: &Endpoint, wire: Wire) -> Result<i32, Box<dyn std::error::Error>> {
    let app = QCoreApplication::new();
    app.quit_on_ctrl_c()?;

    let server = QTcpServer::new();
    server.set_incoming_connection(&server, move |server, descriptor| {
        let thread = QThread::new();
        thread.set_parent(Some(server));
        thread.finished.connect_slot(&thread, QObject::delete_later);
        thread.build(move || serve(descriptor, wire));
        if let Err(error) = thread.start() {
            eprintln!("cannot start a thread: {error}");
            thread.delete_later(); // closes the connection
        }
    });
    server.listen(listen.address()?, listen.port)?;
    print_line(&format!("listening on {}", listen.at_port(server.server_port())));
    Ok(app.exec())
}

/// Sends a fortune, in the client's thread. The thread ends with the connection.
fn serve(descriptor: OwnedFd, wire: Wire) -> QTcpSocket {
    let client = QTcpSocket::new();
    client.disconnected.connect(|()| QThread::current_thread().quit());
    match client.set_socket_descriptor(descriptor) {
        Ok(()) => {
            send_fortune(&client, wire);
            client.disconnect_from_host();
        }
        Err(error) => {
            eprintln!("cannot take over a connection: {error}");
            QThread::current_thread().quit();
        }
    }
    client
}
