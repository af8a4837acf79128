//! A fortune server and its client in one loop.

use std::process::ExitCode;

use examples::{Wire, parse_args, print_line, receive_fortune, send_fortune};
use qcore::QCoreApplication;
use qnetwork::{QHostAddress, QTcpServer, QTcpSocket};

const USAGE: &str = "\
usage: fortune [--pyside2]

Starts a fortune server on a free port of this machine, gets a fortune from it and prints it.

  --pyside2  use the format of PySide2's fortune examples instead of the C++ ones'
  --help     print this text";

fn main() -> ExitCode {
    let mut wire = Wire::Cpp;
    parse_args(USAGE, |argument, _| {
        match argument {
            lexopt::Arg::Long("pyside2") => wire = Wire::PySide2,
            _ => return Ok(false),
        }
        Ok(true)
    });
    let app = QCoreApplication::new();

    let server = QTcpServer::new();
    server.new_connection.connect_to(&server, move |server, ()| {
        while let Some(client) = server.next_pending_connection() {
            client.disconnected.connect_to(&client, |client, ()| client.delete_later());
            send_fortune(&client, wire);
            client.disconnect_from_host();
        }
    });
    if let Err(error) = server.listen(QHostAddress::LocalHost, 0) {
        eprintln!("fortune: {error}");
        return ExitCode::FAILURE;
    }

    let socket = QTcpSocket::new();
    socket.ready_read.connect_to(&socket, move |socket, ()| {
        if let Some(fortune) = receive_fortune(socket, wire) {
            print_line(&fortune);
            socket.abort();
            QCoreApplication::instance().quit();
        }
    });
    socket.error_occurred.connect_to(&socket, |socket, _| {
        eprintln!("fortune: {}", socket.error_string());
        QCoreApplication::instance().exit(1);
    });
    socket.connect_to_host("127.0.0.1", server.server_port());
    ExitCode::from(app.exec() as u8)
}
