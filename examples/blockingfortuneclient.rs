//! Asks a fortune server for a fortune with no event loop: in a plain thread, with functions that wait.

use std::{process::ExitCode, thread};

use examples::{Wire, client_args, print_line, receive_fortune};
use qnetwork::{QTcpSocket, SocketError};

const USAGE: &str = "\
usage: blockingfortuneclient [--pyside2] [HOST [PORT]]

Asks a fortune server for a fortune and prints it, with no event loop.

  HOST PORT  the server [127.0.0.1 7733]
  --pyside2  speak as PySide2's fortune client does, not as the one in C++
  --help     this text";

/// How long the server may take for anything.
const TIMEOUT: i32 = 5000;

fn main() -> ExitCode {
    let (host, port, wire) = client_args(USAGE);
    let asking = thread::spawn(move || ask(&host, port, wire));
    match asking.join() {
        Ok(Ok(fortune)) => {
            print_line(&fortune);
            ExitCode::SUCCESS
        }
        Ok(Err(error)) => {
            eprintln!("blockingfortuneclient: {error}");
            ExitCode::FAILURE
        }
        Err(_) => ExitCode::FAILURE,
    }
}

fn ask(host: &str, port: u16, wire: Wire) -> Result<String, SocketError> {
    let socket = QTcpSocket::new();
    socket.connect_to_host(host, port);
    socket.wait_for_connected(TIMEOUT)?;
    loop {
        socket.wait_for_ready_read(TIMEOUT)?;
        // Until all of it is here, there is nothing to return.
        if let Some(fortune) = receive_fortune(&socket, wire) {
            return Ok(fortune);
        }
    }
}
